//! Prints the outputs to the log, for a machine without GPIO.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};

use super::error::RejectError;
use super::part::Outputs;
use super::sink::Sink;
use crate::queue::kept;

/// Changes that may wait to be printed.
const CHANGES: usize = 256;
/// Interval at which changes are printed.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints what would be driven, in a thread of its own: the log allocates, locks and writes.
pub struct LogSink {
    changes: Producer<'static, Outputs>,
    /// Changes that found no room.
    lost: bool,
    stop: Arc<AtomicBool>,
    printer: Option<JoinHandle<()>>,
}

impl LogSink {
    pub fn start() -> Result<Self, RejectError> {
        let (changes, printed) = kept::<Outputs, { CHANGES + 1 }>();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let name = "log-sink";
        let spawned = std::thread::Builder::new().name(name.into()).spawn(move || print(printed, &stopped));
        let printer = spawned.map_err(|source| RejectError::Spawn { name, source })?;
        Ok(Self { changes, lost: false, stop, printer: Some(printer) })
    }
}

impl Sink for LogSink {
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError> {
        self.lost |= self.changes.enqueue(outputs).is_err();
        Ok(())
    }

    fn heartbeat(&mut self, _: bool) -> Result<(), RejectError> {
        Ok(())
    }

    fn make_safe(&mut self) {
        self.lost |= self.changes.enqueue(Outputs::SAFE).is_err();
    }
}

impl Drop for LogSink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // A printer that panicked has printed that.
        let _ = self.printer.take().map(JoinHandle::join);
        if self.lost {
            log::warn!("some changes of the outputs were not printed: the log was too slow");
        }
    }
}

fn print(mut changes: Consumer<'static, Outputs>, stop: &AtomicBool) {
    let mut before = Outputs::SAFE;
    loop {
        let last = stop.load(Ordering::Acquire);
        while let Some(outputs) = changes.dequeue() {
            let named = [
                ("reject", before.reject, outputs.reject),
                ("ready", before.ready, outputs.ready),
                ("fault", before.fault, outputs.fault),
            ];
            for (name, _, active) in named.into_iter().filter(|(_, was, is)| was != is) {
                log::info!("output {name}: {}", if active { "active" } else { "inactive" });
            }
            before = outputs;
        }
        if last {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}
