//! The thread that writes the audit, its start and end, and the way to it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::entry::Entry;
use super::error::AuditError;
use super::store::{Store, Timed};
use crate::clock;
use crate::priority;
use crate::runtime::metrics::{Count, Metrics};

/// Entries that may wait while the file cannot be written.
pub const ENTRIES_MAX: usize = 1024;
/// Entries of one transaction.
const AT_ONCE_MAX: usize = 64;
/// How long the thread waits for an entry before it looks whether it is to end.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a file is tried that could not be written, and how often at the end.
const RETRY: Duration = Duration::from_secs(1);
const LAST_TRIES: u32 = 5;

/// Records entries; one for each who does. It never waits. The default one is for a station without an audit: its entries
/// go nowhere.
#[derive(Clone, Default)]
pub struct Scribe {
    to: Option<Waiting>,
}

/// What waits to be written.
#[derive(Clone)]
struct Waiting {
    entries: SyncSender<Timed>,
    /// Entries that found no room, and that no entry in the file tells of yet.
    lost: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

impl Scribe {
    pub fn record(&self, entry: Entry) {
        let Some(Waiting { entries, lost, metrics }) = &self.to else { return };
        if entries.try_send((clock::unix_ms(clock::monotonic_ns()), entry)).is_err() {
            lost.fetch_add(1, Relaxed);
            metrics.count(Count::AuditLost);
        }
    }
}

/// The audit of a run. What was recorded before it ends is written.
pub struct Audit {
    ends: Arc<AtomicBool>,
    failing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Audit {
    /// Opens the file, and starts the thread that writes it.
    pub fn start(path: &Path, metrics: Arc<Metrics>) -> Result<(Self, Scribe), AuditError> {
        let store = Store::open(path)?;
        let (entries, waiting) = sync_channel(ENTRIES_MAX);
        let (ends, failing) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(!store.is_open())));
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            store,
            waiting,
            taken: Vec::with_capacity(AT_ONCE_MAX),
            lost: lost.clone(),
            ends: ends.clone(),
            failing: failing.clone(),
            metrics: metrics.clone(),
        };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || {
            priority::lower();
            writer.run();
        });
        let audit = Self { ends, failing, thread: Some(thread.map_err(AuditError::Thread)?) };
        Ok((audit, Scribe { to: Some(Waiting { entries, lost, metrics }) }))
    }

    /// Whether the file cannot be written now.
    pub fn failing(&self) -> Arc<AtomicBool> {
        self.failing.clone()
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.ends.store(true, Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread that writes the audit ended by a fault of this program: please report it");
        }
    }
}

struct Writer {
    store: Store,
    waiting: Receiver<Timed>,
    /// To be written next.
    taken: Vec<Timed>,
    lost: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    failing: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl Writer {
    fn run(mut self) {
        // Looked at first: what is taken after it is all there will be.
        while !self.ends.load(Relaxed) {
            if self.taken.is_empty() {
                self.taken.extend(self.waiting.recv_timeout(PAUSE));
                self.take();
            }
            if !self.write() {
                self.rest();
            }
        }
        for _ in 0..LAST_TRIES {
            while self.write() {
                self.take();
                if self.taken.is_empty() {
                    return;
                }
            }
            std::thread::sleep(RETRY / LAST_TRIES);
        }
        let lost = (self.taken.len() + self.waiting.try_iter().count()) as u64;
        self.metrics.add(Count::AuditLost, lost);
        log::error!("the audit lacks the last {lost} entries, which could not be written");
    }

    /// Takes what waits, as much as one transaction has.
    fn take(&mut self) {
        let room = AT_ONCE_MAX - self.taken.len();
        self.taken.extend(self.waiting.try_iter().take(room));
    }

    /// Waits until the file is tried again.
    fn rest(&self) {
        let mut left = RETRY;
        while !left.is_zero() && !self.ends.load(Relaxed) {
            std::thread::sleep(PAUSE);
            left = left.saturating_sub(PAUSE);
        }
    }

    /// Writes what was taken. False where it could not be written: it stays to be tried again.
    fn write(&mut self) -> bool {
        if self.taken.is_empty() {
            return true;
        }
        let lost = self.lost.load(Relaxed);
        let written = self.store.append(&self.taken, lost);
        let has_failed = self.failing.swap(written.is_err(), Relaxed);
        if let Err(error) = written {
            if !has_failed {
                log::error!("the audit is not written: {error}; check the disk, and audit.file");
            }
            return false;
        }
        if has_failed {
            log::info!("the audit is written again");
        }
        self.lost.fetch_sub(lost, Relaxed);
        self.metrics.add(Count::AuditWritten, self.taken.len() as u64);
        self.taken.clear();
        true
    }
}
