//! A PLC's place among the clients, and what the metrics count of it.

use std::sync::Arc;
use std::task::Context;

use crate::runtime::metrics::{Count, Gauge, Metrics};
use crate::seats::{Lost, New, Seat, Seats};

/// Clients at a time: a control, its spare, a panel or two, and a few that were lost without a word.
pub const CLIENTS_MAX: usize = 16;

/// The places, with their metrics.
pub struct Places {
    seats: Arc<Seats>,
    metrics: Arc<Metrics>,
}

/// One client's place, until it is dropped.
pub struct Place {
    /// None once it is given up.
    seat: Option<Seat>,
    lost: Lost,
    seats: Arc<Seats>,
    metrics: Arc<Metrics>,
}

impl Places {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { seats: Seats::new(CLIENTS_MAX), metrics }
    }

    /// A place for a new client; none where all are taken by clients that ask.
    pub fn take(&self) -> Option<Place> {
        let Some(New { seat, lost, displaced }) = self.seats.take() else {
            self.metrics.count(Count::PlcFull);
            return None;
        };
        if displaced {
            self.metrics.count(Count::PlcDisplaced);
        }
        self.metrics.count(Count::PlcConnected);
        self.metrics.set(Gauge::PlcClients, self.seats.count() as f64);
        Some(Place { seat: Some(seat), lost, seats: self.seats.clone(), metrics: self.metrics.clone() })
    }
}

impl Place {
    /// Notes that the client asks for something.
    pub fn asks(&self) {
        if let Some(seat) = &self.seat {
            seat.asks();
        }
    }

    /// Whether another client has the place now. Otherwise the task is woken when one needs it.
    pub fn is_lost(&mut self, context: &mut Context<'_>) -> bool {
        self.lost.is_lost(context)
    }

    pub fn count(&self, what: Count) {
        self.metrics.count(what);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seat = None;
        self.metrics.set(Gauge::PlcClients, self.seats.count() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_count_who_comes_and_goes() {
        let metrics = Arc::new(Metrics::new(&[]));
        let places = Places::new(metrics.clone());
        let first: Vec<Place> = (0..=CLIENTS_MAX).map(|_| places.take().unwrap()).collect();
        assert_eq!(metrics.total(Count::PlcDisplaced), 1);
        assert_eq!(metrics.total(Count::PlcConnected), CLIENTS_MAX as u64 + 1);
        first.iter().for_each(Place::asks);
        assert!(places.take().is_none());
        assert_eq!(metrics.total(Count::PlcFull), 1);
        assert_eq!(metrics.gauge(Gauge::PlcClients), CLIENTS_MAX as f64);
        drop(first);
        assert_eq!(metrics.gauge(Gauge::PlcClients), 0.0);
    }
}
