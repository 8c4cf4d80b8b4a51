//! The clients of a server: only so many are connected, of which the one that needs its place least gives way to a new one.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::locked::locked;

/// A client that has asked for nothing for so long gives way to a new one.
const SILENT: Duration = Duration::from_secs(5);

/// The places of the clients.
pub struct Seats {
    clients_max: usize,
    taken: Mutex<Vec<Taken>>,
    /// Number of places that were given so far. One that was lost is known by its own number as long as it lives.
    given: AtomicU64,
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
}

/// Ends when another client needs the place.
pub struct Lost(Option<oneshot::Receiver<()>>);

/// A place that a new client got.
pub struct New {
    pub seat: Seat,
    pub lost: Lost,
    /// Whether another client lost its place.
    pub displaced: bool,
}

impl Seats {
    pub fn new(clients_max: usize) -> Arc<Self> {
        Arc::new(Self { clients_max, taken: Mutex::new(Vec::with_capacity(clients_max)), given: AtomicU64::new(0) })
    }

    /// A place for a new client. Where all are taken, a client that has never asked for anything loses its own, the
    /// oldest first, or else the one that has been silent for longest, if it was for [`SILENT`]. Otherwise there is none:
    /// whoever asks keeps its place, however many others come.
    pub fn take(self: &Arc<Self>) -> Option<New> {
        let mut taken = self.taken();
        let displaced = taken.len() == self.clients_max;
        if displaced {
            let gives_way = |one: &Taken| one.asked.is_none_or(|asked| asked.elapsed() >= SILENT);
            let need = |(_, one): &(usize, &Taken)| (one.asked.is_some(), one.asked.unwrap_or(one.since));
            let least = taken.iter().enumerate().filter(|(_, one)| gives_way(one)).min_by_key(need);
            let (least, _) = least?;
            taken.swap_remove(least);
        }
        let (sender, open) = oneshot::channel();
        let id = self.given.fetch_add(1, Relaxed);
        taken.push(Taken { since: Instant::now(), asked: None, id, _open: sender });
        Some(New { seat: Seat { seats: self.clone(), id }, lost: Lost(Some(open)), displaced })
    }

    /// Number of clients that are connected.
    pub fn count(&self) -> usize {
        self.taken().len()
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Taken>> {
        locked(&self.taken)
    }
}

impl Seat {
    /// Notes that the client asks for something.
    pub fn asks(&self) {
        if let Some(own) = self.seats.taken().iter_mut().find(|one| one.id == self.id) {
            own.asked = Some(Instant::now());
        }
    }
}

impl Lost {
    /// Whether another client has the place now. Otherwise the task is woken when one needs it.
    pub fn is_lost(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(open) = &mut self.0
            && Pin::new(open).poll(context).is_ready()
        {
            self.0 = None;
        }
        self.0.is_none()
    }
}

impl Future for Lost {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.is_lost(context) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().retain(|one| one.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const CLIENTS_MAX: usize = 16;

    #[test]
    fn who_asks_keeps_its_place() {
        let seats = Seats::new(CLIENTS_MAX);
        let mut context = Context::from_waker(Waker::noop());
        let mut first: Vec<New> = (0..CLIENTS_MAX).map(|_| seats.take().unwrap()).collect();
        assert!(first.iter().all(|new| !new.displaced));
        first[0].seat.asks();
        first[3].seat.asks();
        let flood: Vec<New> = (0..100).map(|_| seats.take().unwrap()).collect();
        assert!(flood.iter().all(|new| new.displaced));
        let lost: Vec<usize> = (0..CLIENTS_MAX).filter(|i| first[*i].lost.is_lost(&mut context)).collect();
        assert_eq!(lost, (0..CLIENTS_MAX).filter(|i| ![0, 3].contains(i)).collect::<Vec<_>>());
        assert_eq!(seats.count(), CLIENTS_MAX);
        // Where all of them ask, none goes, and a new one has no place.
        flood.iter().for_each(|new| new.seat.asks());
        assert!(seats.take().is_none());
        assert!(!first[0].lost.is_lost(&mut context) && !first[3].lost.is_lost(&mut context));
        // The one that has been silent for longest goes first.
        for (silent, since) in [(first[0].seat.id, SILENT), (first[3].seat.id, 2 * SILENT)] {
            let mut taken = seats.taken();
            taken.iter_mut().find(|one| one.id == silent).unwrap().asked = Instant::now().checked_sub(since);
        }
        drop(seats.take().unwrap());
        assert!(first[3].lost.is_lost(&mut context) && !first[0].lost.is_lost(&mut context));
        drop((first, flood));
        assert_eq!(seats.count(), 0);
    }

    #[test]
    fn a_place_that_is_given_up_is_of_nobody_else() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take().unwrap(), seats.take().unwrap());
        drop(first);
        let third = seats.take().unwrap();
        assert!(third.seat.id != second.seat.id && !third.displaced);
        drop(second);
        assert_eq!(seats.count(), 1);
    }
}
