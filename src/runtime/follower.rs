//! The books of the actuator's events: how many parts are on their way, what became of them, and how soon the output
//! moved.

use std::time::Duration;

use log::Level;

use super::log_limit::LogLimit;
use super::metrics::{Count, Latency, Metrics};
use crate::clock;
use crate::reject::fault::Fault;
use crate::reject::part::{Event, PartOutcome};
use crate::reject::schedule::PARTS_MAX;

/// Counts what the actuator reports, measures its latencies, and logs its faults.
pub struct Follower<'a> {
    metrics: &'a Metrics,
    /// When the output last went to reject.
    edge_ns: u64,
    /// Parts by their numbers, with the moment at which the frame of each was captured.
    captured_ns: Box<[(u64, u64)]>,
    in_flight: u64,
    /// Limits what is logged of each fault.
    faults: [LogLimit; Fault::ALL.len()],
}

impl<'a> Follower<'a> {
    pub fn new(metrics: &'a Metrics) -> Self {
        Self {
            metrics,
            edge_ns: 0,
            captured_ns: vec![(0, 0); 2 * PARTS_MAX].into(),
            in_flight: 0,
            faults: Default::default(),
        }
    }

    /// Parts between their trigger and the ejector.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Notes when the frame of a part was captured.
    pub fn captured(&mut self, part: u64, captured_ns: u64) {
        self.captured_ns[place(part)] = (part, captured_ns);
    }

    pub fn follow(&mut self, event: &Event) {
        let metrics = self.metrics;
        match *event {
            Event::Triggered { .. } => {
                self.in_flight += 1;
                metrics.count(Count::Parts);
            }
            Event::Settled { part, outcome, reached, .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
                self.settled(part.0, outcome, reached);
            }
            Event::LateVerdict { .. } => metrics.count(Count::LateVerdicts),
            Event::Reject { active: true, at, late_ns } => {
                self.edge_ns = at;
                metrics.time(Latency::EdgeLate, Duration::from_nanos(late_ns));
            }
            Event::Reject { active: false, .. } => {}
            Event::Fault { fault, active: true, .. } => {
                self.faults[fault as usize].say(Level::Warn, || format!("fault: {}", fault.name()));
                metrics.raise(fault as usize);
            }
            Event::Fault { fault, active: false, .. } => {
                self.faults[fault as usize].say(Level::Info, || format!("fault over: {}", fault.name()));
                metrics.clear(fault as usize);
            }
        }
    }

    fn settled(&self, part: u64, outcome: PartOutcome, reached_ns: u64) {
        let metrics = self.metrics;
        match outcome {
            PartOutcome::Caught => metrics.count(Count::PartsCaught),
            PartOutcome::Missed => metrics.count(Count::PartsMissed),
            PartOutcome::Passed | PartOutcome::Rejected => {}
        }
        let (number, captured_ns) = self.captured_ns[place(part)];
        if outcome == PartOutcome::Rejected && number == part {
            // Where the output was at reject already, for the part before, there was no edge.
            let edge_ns = self.edge_ns.max(reached_ns);
            metrics.time(Latency::CaptureToEdge, clock::between(captured_ns, edge_ns));
        }
    }
}

/// Where the moment of a part is kept.
fn place(part: u64) -> usize {
    (part % (2 * PARTS_MAX as u64)) as usize
}
