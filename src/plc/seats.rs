//! The clients that are connected: only so many, of which the one that needs its place least gives way to a new one.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::runtime::metrics::{Count, Gauge, Metrics};

/// Clients at a time: a control, its spare, a panel or two, and a few that were lost without a word.
pub const CLIENTS_MAX: usize = 16;

/// A client that has asked for nothing for so long gives way to a new one.
const SILENT: Duration = Duration::from_secs(5);

/// The places of the clients.
pub struct Seats {
    metrics: Arc<Metrics>,
    taken: Mutex<Vec<Taken>>,
}

struct Taken {
    since: Instant,
    /// When it last asked for something.
    asked: Option<Instant>,
    id: u64,
    /// Dropped to close the connection.
    _open: oneshot::Sender<()>,
}

/// One client's place, until it is dropped.
pub struct Seat {
    seats: Arc<Seats>,
    id: u64,
    /// Ends when another client needs the place; none once it has.
    open: Option<oneshot::Receiver<()>>,
}

impl Seats {
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { metrics, taken: Mutex::new(Vec::with_capacity(CLIENTS_MAX)) })
    }

    /// A place for a new client. Where all are taken, a client that has never asked for anything loses its own, the
    /// oldest first, or else the one that has been silent for longest, if it was for [`SILENT`]. Otherwise there is none:
    /// a control that polls keeps its place, however often others ask.
    pub fn take(self: &Arc<Self>) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.len() == CLIENTS_MAX {
            let gives_way = |one: &Taken| one.asked.is_none_or(|asked| asked.elapsed() >= SILENT);
            let need = |(_, one): &(usize, &Taken)| (one.asked.is_some(), one.asked.unwrap_or(one.since));
            let least = taken.iter().enumerate().filter(|(_, one)| gives_way(one)).min_by_key(need);
            let Some((least, _)) = least else {
                self.metrics.count(Count::PlcFull);
                return None;
            };
            taken.swap_remove(least);
            self.metrics.count(Count::PlcDisplaced);
        }
        let (sender, open) = oneshot::channel();
        let id = self.metrics.total(Count::PlcConnected);
        self.metrics.count(Count::PlcConnected);
        taken.push(Taken { since: Instant::now(), asked: None, id, _open: sender });
        self.metrics.set(Gauge::PlcClients, taken.len() as f64);
        Some(Seat { seats: self.clone(), id, open: Some(open) })
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Notes that the client asks for something.
    pub fn asks(&self) {
        if let Some(own) = self.seats.taken().iter_mut().find(|one| one.id == self.id) {
            own.asked = Some(Instant::now());
        }
    }

    /// Whether another client has the place now. Otherwise the task is woken when one needs it.
    pub fn is_lost(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(open) = &mut self.open
            && Pin::new(open).poll(context).is_ready()
        {
            self.open = None;
        }
        self.open.is_none()
    }

    pub fn count(&self, what: Count) {
        self.seats.metrics.count(what);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.retain(|one| one.id != self.id);
        self.seats.metrics.set(Gauge::PlcClients, taken.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn who_asks_keeps_its_place() {
        let metrics = Arc::new(Metrics::new(&[]));
        let seats = Seats::new(metrics.clone());
        let mut context = Context::from_waker(Waker::noop());
        let mut first: Vec<Seat> = (0..CLIENTS_MAX).map(|_| seats.take().unwrap()).collect();
        first[0].asks();
        first[3].asks();
        let flood: Vec<Seat> = (0..100).map(|_| seats.take().unwrap()).collect();
        let lost: Vec<usize> = (0..CLIENTS_MAX).filter(|i| first[*i].is_lost(&mut context)).collect();
        assert_eq!(lost, (0..CLIENTS_MAX).filter(|i| ![0, 3].contains(i)).collect::<Vec<_>>());
        assert_eq!(metrics.gauge(Gauge::PlcClients), CLIENTS_MAX as f64);
        assert_eq!(metrics.total(Count::PlcDisplaced), 100);
        // Where all of them ask, none goes, and a new one has no place.
        flood.iter().for_each(Seat::asks);
        assert!(seats.take().is_none());
        assert_eq!(metrics.total(Count::PlcFull), 1);
        assert!(!first[0].is_lost(&mut context) && !first[3].is_lost(&mut context));
        // The one that has been silent for longest goes first.
        for (silent, since) in [(first[0].id, SILENT), (first[3].id, 2 * SILENT)] {
            let mut taken = seats.taken();
            taken.iter_mut().find(|one| one.id == silent).unwrap().asked = Instant::now().checked_sub(since);
        }
        drop(seats.take().unwrap());
        assert!(first[3].is_lost(&mut context) && !first[0].is_lost(&mut context));
        drop((first, flood));
        assert_eq!(metrics.gauge(Gauge::PlcClients), 0.0);
    }
}
