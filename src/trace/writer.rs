//! The thread that writes the trace, and its start and end.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::channel::Receiver;
use super::ending::Ending;
use super::error::TraceError;
use super::hooks::Hooks;
use super::joiner::Joiner;
use super::pending::Pending;
use super::store::{Store, StoreOptions};
use crate::clock;
use crate::priority;
use crate::runtime::metrics::{Count, Metrics};

/// How long messages lie in the queues at most.
const DRAIN: Duration = Duration::from_millis(100);
/// How often a file is tried that could not be written.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is tried at the end.
const LAST_TRIES: u32 = 5;

/// How the trace is written.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceOptions {
    pub store: StoreOptions,
    /// From one transaction to the next.
    pub commit: Duration,
    /// Rows that may wait while the file cannot be written.
    pub rows_max: usize,
}

/// The trace of a run. It ends as failed where it is dropped.
pub struct Trace {
    ending: Arc<OnceLock<Ending>>,
    thread: Option<JoinHandle<()>>,
}

impl Trace {
    /// Opens the file, and starts the thread that writes it.
    pub fn start(options: &TraceOptions, metrics: Arc<Metrics>) -> Result<(Self, Hooks), TraceError> {
        let store = Store::open(&options.store)?;
        let (ending, failing) = (Arc::new(OnceLock::new()), Arc::new(AtomicBool::new(!store.is_open())));
        let mut receiver = Receiver::default();
        let hooks = Hooks::new(&mut receiver, failing.clone());
        let writer = Writer {
            receiver,
            joiner: Joiner::default(),
            pending: Pending::new(options.rows_max),
            store,
            commit: options.commit,
            tried: Instant::now(),
            ending: ending.clone(),
            failing,
            metrics,
        };
        let thread = std::thread::Builder::new().name("trace".into()).spawn(move || {
            priority::lower();
            writer.run();
        });
        Ok((Self { ending, thread: Some(thread.map_err(TraceError::Thread)?) }, hooks))
    }

    /// Writes what is still to be written. The station's threads have ended.
    pub fn end(mut self, ending: Ending) {
        self.stop(ending);
    }

    fn stop(&mut self, ending: Ending) {
        let Some(thread) = self.thread.take() else { return };
        let _ = self.ending.set(ending);
        thread.thread().unpark();
        if thread.join().is_err() {
            log::error!("the thread that writes the trace ended by a fault of this program: please report it");
        }
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.stop(Ending::Failed);
    }
}

struct Writer {
    receiver: Receiver,
    joiner: Joiner,
    pending: Pending,
    store: Store,
    commit: Duration,
    /// When the file was last written, or tried.
    tried: Instant,
    ending: Arc<OnceLock<Ending>>,
    failing: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl Writer {
    fn run(mut self) {
        loop {
            // Looked at first: what is received after it is all there will be.
            if let Some(ending) = self.ending.get().copied() {
                return self.end(ending);
            }
            self.receive();
            let pause = if self.failing.load(Relaxed) { self.commit.max(RETRY) } else { self.commit };
            if self.tried.elapsed() >= pause {
                self.write(None);
            }
            std::thread::park_timeout(self.commit.min(DRAIN));
        }
    }

    fn receive(&mut self) {
        let now_ns = clock::monotonic_ns();
        self.receiver.drain(&mut |message| self.joiner.take(&message, now_ns));
        self.joiner.hand_over(now_ns, &mut self.pending);
    }

    fn end(mut self, ending: Ending) {
        self.receive();
        self.joiner.hand_over_all(&mut self.pending);
        for _ in 0..LAST_TRIES {
            if self.write(Some(ending)) {
                return;
            }
            std::thread::sleep(RETRY / LAST_TRIES);
        }
        let lost = self.pending.give_up();
        self.metrics.add(Count::TraceLost, lost);
        log::error!("the trace lacks the last {lost} parts, which could not be written");
    }

    /// Writes what is new as one transaction. False where it could not be written: it stays to be tried again.
    fn write(&mut self, ending: Option<Ending>) -> bool {
        self.tried = Instant::now();
        if ending.is_none() && self.pending.is_empty() && self.joiner.dirty().next().is_none() {
            return true;
        }
        let written = self.store.write(&mut self.joiner.dirty(), &self.pending, ending);
        let has_failed = self.failing.swap(written.is_err(), Relaxed);
        if let Err(error) = written {
            if !has_failed {
                log::error!("the trace is not written: {error}; check the disk, and trace.file");
            }
            return false;
        }
        if has_failed {
            log::info!("the trace is written again");
        }
        self.joiner.is_stored();
        let [written, lost] = self.pending.clear();
        self.metrics.add(Count::TraceWritten, written);
        self.metrics.add(Count::TraceLost, lost);
        true
    }
}
