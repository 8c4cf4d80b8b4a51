//! What the station counts and times. Recording is a few relaxed atomic operations: it takes no lock, allocates nothing
//! and never waits, so every thread of the station may do it. [`prometheus::render`] and the view read it.

pub mod histogram;
pub mod history;
pub mod prometheus;
mod table;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::judge::Judge;
use crate::reject::fault::FaultSet;
use crate::reject::tally::{Sum, Tally};
use crate::score::Verdict;
use histogram::{Latencies, ScoreRatios};
use history::{History, Scored};
pub use table::{Count, Gauge, Latency};

/// Largest number of kinds of fault: each has one bit.
pub const FAULTS_MAX: usize = 32;
/// Gauges that are not known before they are measured.
const UNKNOWN: [Gauge; 5] = [
    Gauge::BrightnessRatio,
    Gauge::SharpnessRatio,
    Gauge::ValidShareRatio,
    Gauge::MedianScore,
    Gauge::ScoresAboveMedian,
];

/// The counts, times and newest scores of a station.
pub struct Metrics {
    counts: [AtomicU64; Count::ALL.len()],
    /// Bits of an f64.
    gauges: [AtomicU64; Gauge::ALL.len()],
    latencies: [Latencies; Latency::ALL.len()],
    /// Scores divided by the threshold they were judged by.
    score_ratios: ScoreRatios,
    history: History,
    fault_names: &'static [&'static str],
    fault_counts: [AtomicU64; FAULTS_MAX],
    /// Bit i is set while fault i is.
    faults_active: AtomicU32,
    /// First 8 bytes of the engine's content hash.
    engine: AtomicU64,
    /// The number of the start in the names of recorded parts; 0 while none are recorded.
    recording_session: AtomicU64,
    started: Instant,
    /// Time of the last sign of progress since the start, nanoseconds.
    progress_ns: AtomicU64,
}

impl Metrics {
    /// `fault_names`: lower-case words joined by underscores, at most [`FAULTS_MAX`]; faults are identified by their
    /// index in it.
    pub fn new(fault_names: &'static [&'static str]) -> Self {
        assert!(fault_names.len() <= FAULTS_MAX, "one bit for each fault");
        let metrics = Self {
            counts: [const { AtomicU64::new(0) }; Count::ALL.len()],
            gauges: [const { AtomicU64::new(0) }; Gauge::ALL.len()],
            latencies: [const { Latencies::new() }; Latency::ALL.len()],
            score_ratios: ScoreRatios::new(),
            history: History::new(),
            fault_names,
            fault_counts: [const { AtomicU64::new(0) }; FAULTS_MAX],
            faults_active: AtomicU32::new(0),
            engine: AtomicU64::new(0),
            recording_session: AtomicU64::new(0),
            started: Instant::now(),
            progress_ns: AtomicU64::new(0),
        };
        for what in UNKNOWN {
            metrics.set(what, f64::NAN);
        }
        metrics
    }

    pub fn count(&self, what: Count) {
        self.add(what, 1);
    }

    pub fn add(&self, what: Count, many: u64) {
        self.counts[what as usize].fetch_add(many, Relaxed);
    }

    /// Stores the actuator's own counts and its active faults.
    pub fn take_over(&self, actuator: &Tally) {
        for sum in Sum::ALL {
            self.counts[Count::from(sum) as usize].store(actuator.total(sum), Relaxed);
        }
        self.faults_active.store(actuator.faults(), Relaxed);
    }

    /// The sum of several counts.
    pub fn sum(&self, counts: &[Count]) -> u64 {
        counts.iter().map(|count| self.total(*count)).sum()
    }

    pub fn total(&self, what: Count) -> u64 {
        self.counts[what as usize].load(Relaxed)
    }

    pub fn set(&self, what: Gauge, value: f64) {
        self.gauges[what as usize].store(value.to_bits(), Relaxed);
    }

    pub fn gauge(&self, what: Gauge) -> f64 {
        f64::from_bits(self.gauges[what as usize].load(Relaxed))
    }

    pub fn time(&self, what: Latency, time: Duration) {
        self.latencies[what as usize].record(time);
    }

    pub fn latencies(&self, what: Latency) -> &Latencies {
        &self.latencies[what as usize]
    }

    /// Records a verdict in its count, the last score, the distribution of scores and the history. `score` is none for
    /// a part that is rejected without one; `threshold` is the one it was judged by.
    pub fn verdict(&self, part: u64, score: Option<f32>, threshold: f32, verdict: Verdict) {
        self.count(match verdict {
            Verdict::Pass => Count::Passed,
            Verdict::Review => Count::Reviewed,
            Verdict::Reject => Count::Rejected,
        });
        self.set(Gauge::Threshold, threshold.into());
        if let Some(score) = score {
            self.set(Gauge::LastScore, score.into());
            self.score_ratios.record(score / threshold);
        }
        self.history.push(part, score, verdict);
    }

    /// Returns the newest scores, oldest first.
    pub fn history(&self) -> Vec<Scored> {
        self.history.newest()
    }

    /// Counts fault number `fault` and marks it as active.
    pub fn raise(&self, fault: usize) {
        self.fault_counts[fault].fetch_add(1, Relaxed);
        self.faults_active.fetch_or(1 << fault, Relaxed);
    }

    pub fn clear(&self, fault: usize) {
        self.faults_active.fetch_and(!(1 << fault), Relaxed);
    }

    /// The faults that are active, by their numbers.
    pub fn active_faults(&self) -> FaultSet {
        FaultSet::from_bits(self.faults_active.load(Relaxed))
    }

    /// Returns the name of each fault, how often it was raised, and whether it is active.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64, bool)> {
        let active = self.faults_active.load(Relaxed);
        let of =
            move |(i, name): (usize, &&'static str)| (*name, self.fault_counts[i].load(Relaxed), active >> i & 1 == 1);
        self.fault_names.iter().enumerate().map(of)
    }

    /// Stores the thresholds and the engine by which parts are judged from now on.
    pub fn set_judge(&self, judge: &Judge) {
        // The engine is identified by the first 16 digits of its content hash.
        let digits = judge.engine_sha256.get(..16).unwrap_or_default();
        self.engine.store(u64::from_str_radix(digits, 16).unwrap_or(0), Relaxed);
        self.set(Gauge::Recipe, judge.recipe.into());
        self.set(Gauge::Threshold, judge.thresholds.reject.into());
        self.set(Gauge::ReviewThreshold, judge.thresholds.pass_limit().into());
        self.set(Gauge::MedianScore, judge.median_score().map_or(f64::NAN, f64::from));
        self.set(Gauge::PromisedRate, judge.promised_rate().unwrap_or(f64::NAN));
        self.set(Gauge::ConfiguredThreshold, judge.configured.reject.into());
        self.set(Gauge::ThresholdOverridden, f64::from(u8::from(judge.is_overridden())));
    }

    /// Whether [`Metrics::set_judge`] was called: before, neither engine nor thresholds are known.
    pub fn has_judge(&self) -> bool {
        self.engine.load(Relaxed) != 0
    }

    pub fn engine(&self) -> String {
        format!("{:016x}", self.engine.load(Relaxed))
    }

    /// Stores the number of the start by which the recorder names parts.
    pub fn set_recording_session(&self, session: u64) {
        self.recording_session.store(session, Relaxed);
    }

    /// The number of the start in the names of recorded parts; none where none are recorded.
    pub fn recording_session(&self) -> Option<u64> {
        Some(self.recording_session.load(Relaxed)).filter(|session| *session > 0)
    }

    /// Records a sign of progress, which also feeds the watchdog.
    pub fn progress(&self) {
        self.progress_ns.store(self.started.elapsed().as_nanos() as u64, Relaxed);
    }

    /// Returns the time since the last sign of progress.
    pub fn progress_age(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_nanos(self.progress_ns.load(Relaxed)))
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::fault::{Fault, FaultSet};
    use crate::reject::part::Counters;
    use crate::score::Thresholds;

    #[test]
    fn places_in_the_tables_are_their_own() {
        assert!(Count::ALL.iter().enumerate().all(|(i, what)| *what as usize == i));
        assert!(Gauge::ALL.iter().enumerate().all(|(i, what)| *what as usize == i));
        assert!(Latency::ALL.iter().enumerate().all(|(i, what)| *what as usize == i));
    }

    #[test]
    fn counts_of_many_threads_add_up() {
        let metrics = Metrics::new(&["camera_lost"]);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let metrics = &metrics;
                scope.spawn(move || {
                    for part in 0..1000 {
                        metrics.verdict(thread * 1000 + part, Some(0.5), 1.0, Verdict::Pass);
                        metrics.time(Latency::CaptureToEdge, Duration::from_millis(part));
                        metrics.raise(0);
                    }
                });
            }
        });
        assert_eq!(metrics.total(Count::Passed), 4000);
        assert_eq!(metrics.latencies(Latency::CaptureToEdge).count(), 4000);
        assert_eq!(metrics.faults().next(), Some(("camera_lost", 4000, true)));
    }

    #[test]
    fn a_fault_is_active_until_it_is_cleared() {
        let metrics = Metrics::new(&["camera_lost", "disk_full"]);
        metrics.raise(1);
        let active = |metrics: &Metrics| metrics.faults().map(|(_, _, active)| active).collect::<Vec<_>>();
        assert_eq!(active(&metrics), [false, true]);
        metrics.clear(1);
        assert_eq!(active(&metrics), [false, false]);
        assert_eq!(metrics.faults().map(|(_, count, _)| count).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn what_the_actuator_counts_is_taken_over() {
        let metrics = Metrics::new(&["starting", "camera_lost"]);
        metrics.raise(0);
        let tally = Tally::default();
        let mut counters =
            Counters { reject_pulses: 1, pulses_merged: 2, edges_ignored: 3, events_lost: 5, ..Counters::default() };
        counters.faults[Fault::ConfirmMissed as usize] = 4;
        tally.publish(&counters, FaultSet::of(Fault::CameraLost));
        metrics.take_over(&tally);
        let counted = [
            Count::RejectPulses,
            Count::PulsesMerged,
            Count::EdgesIgnored,
            Count::ConfirmationsMissed,
            Count::EventsLost,
        ];
        assert_eq!(counted.map(|what| metrics.total(what)), [1, 2, 3, 4, 5]);
        // The actuator's own state decides, since its event that a fault is over may still wait to be taken.
        assert_eq!(metrics.faults().map(|(_, _, active)| active).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_judges_is_shown() {
        let metrics = Metrics::new(&[]);
        let configured = Thresholds { reject: 0.9, review: Some(0.1) };
        let judge = Judge::new(configured, [0.45, 1.8], "0123456789abcdef0011".into()).set(0.5, false).unwrap();
        metrics.set_judge(&judge);
        assert_eq!(metrics.engine(), "0123456789abcdef");
        let shown = [Gauge::Threshold, Gauge::ReviewThreshold, Gauge::ConfiguredThreshold, Gauge::ThresholdOverridden];
        assert_eq!(shown.map(|what| metrics.gauge(what) as f32), [0.5, 0.1, 0.9, 1.0]);
    }

    #[test]
    fn progress_starts_the_age_again() {
        let metrics = Metrics::new(&[]);
        std::thread::sleep(Duration::from_millis(20));
        let before = metrics.progress_age();
        metrics.progress();
        assert!(before >= Duration::from_millis(20) && metrics.progress_age() < before);
    }
}
