//! Histograms with fixed buckets, made of atomics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets of 1 us up to 100 us; above, two significant digits.
const EXACT: usize = 100;
const PER_DECADE: usize = 90;
/// Decades above 100 us, up to 100 s.
const DECADES: usize = 6;
const BUCKETS: usize = EXACT + DECADES * PER_DECADE;

/// Times from 1 us to 100 s, known to 1 us below 100 us and to a tenth of themselves above.
pub struct Latencies {
    /// The last one counts times above 100 s.
    buckets: [AtomicU64; BUCKETS + 1],
    sum_ns: AtomicU64,
    max_ns: AtomicU64,
}

impl Latencies {
    pub const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS + 1],
            sum_ns: AtomicU64::new(0),
            max_ns: AtomicU64::new(0),
        }
    }

    pub fn record(&self, time: Duration) {
        let ns = time.as_nanos() as u64;
        self.buckets[bucket(ns.div_ceil(1000))].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
        self.max_ns.fetch_max(ns, Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|b| b.load(Relaxed)).sum()
    }

    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns.load(Relaxed))
    }

    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns.load(Relaxed))
    }

    /// Returns how many times are at most as long as each of `bounds_us` (ascending, one or two digits and zeros), and
    /// how many there are.
    pub fn cumulative<const N: usize>(&self, bounds_us: [u64; N]) -> ([u64; N], u64) {
        let mut below = [0; N];
        let mut total = 0;
        for (i, count) in self.buckets.iter().map(|b| b.load(Relaxed)).enumerate() {
            total += count;
            for (below, _) in below.iter_mut().zip(bounds_us).filter(|(_, bound)| i < BUCKETS && upper_us(i) <= *bound)
            {
                *below += count;
            }
        }
        (below, total)
    }

    /// Returns the quantile of `share`: the upper end of its bucket, at most the maximum; none without any time.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let rank = ((total as f64 * share).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        let at = counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(if at < BUCKETS { Duration::from_micros(upper_us(at)).min(self.max()) } else { self.max() })
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a time of `us` (rounded up).
fn bucket(us: u64) -> usize {
    let mut below = us.saturating_sub(1);
    if below < EXACT as u64 {
        return below as usize;
    }
    let mut first = EXACT;
    while below >= 1000 {
        (below, first) = (below / 10, first + PER_DECADE);
    }
    (first + below as usize / 10 - 10).min(BUCKETS)
}

/// The longest time of a bucket, microseconds.
fn upper_us(bucket: usize) -> u64 {
    if bucket < EXACT {
        return bucket as u64 + 1;
    }
    let (decade, digits) = ((bucket - EXACT) / PER_DECADE, (bucket - EXACT) % PER_DECADE);
    (digits as u64 + 11) * 10u64.pow(decade as u32 + 1)
}

/// Upper ends of the buckets of scores over thresholds: a part at exactly the threshold counts in the bucket that ends
/// at 1.
pub const RATIO_BOUNDS: [f32; 18] =
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0];
const MILLIONTHS: f64 = 1e6;

/// Distribution of scores divided by the threshold they were judged by.
pub struct ScoreRatios {
    buckets: [AtomicU64; RATIO_BOUNDS.len() + 1],
    sum_millionths: AtomicU64,
}

impl ScoreRatios {
    pub const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; RATIO_BOUNDS.len() + 1], sum_millionths: AtomicU64::new(0) }
    }

    /// NaN and infinity count above every bound and add nothing to the sum.
    pub fn record(&self, ratio: f32) {
        let at = RATIO_BOUNDS.iter().position(|bound| ratio <= *bound).unwrap_or(RATIO_BOUNDS.len());
        self.buckets[at].fetch_add(1, Relaxed);
        if ratio.is_finite() {
            self.sum_millionths.fetch_add((f64::from(ratio) * MILLIONTHS) as u64, Relaxed);
        }
    }

    /// Returns how many ratios are at most each bound, and how many there are.
    pub fn cumulative(&self) -> ([u64; RATIO_BOUNDS.len()], u64) {
        let mut below = [0; RATIO_BOUNDS.len()];
        let mut total = 0;
        for (i, count) in self.buckets.iter().map(|b| b.load(Relaxed)).enumerate() {
            total += count;
            if let Some(below) = below.get_mut(i) {
                *below = total;
            }
        }
        (below, total)
    }

    pub fn sum(&self) -> f64 {
        self.sum_millionths.load(Relaxed) as f64 / MILLIONTHS
    }
}

impl Default for ScoreRatios {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_within_its_bucket() {
        for us in (1..5000).chain((5000..200_000).step_by(7)).chain((0..9).map(|k| 10u64.pow(k))) {
            let at = bucket(us);
            let lower = if at == 0 { 0 } else { upper_us(at - 1) };
            assert!(lower < us && (at == BUCKETS || us <= upper_us(at)), "{us} us in bucket {at}");
            assert!(at == BUCKETS || upper_us(at) as f64 <= us as f64 * 1.1 + 1.0);
        }
        assert_eq!(bucket(100_000_000), BUCKETS - 1);
        assert_eq!(bucket(100_000_001), BUCKETS);
        assert_eq!(bucket(u64::MAX), BUCKETS);
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let times = Latencies::new();
        assert_eq!(times.quantile(0.5), None);
        let mut rng = fastrand::Rng::with_seed(3);
        let mut all: Vec<u64> = (0..10_000).map(|i| rng.u64(1..1 << (4 + i % 22))).collect();
        all.iter().for_each(|us| times.record(Duration::from_micros(*us)));
        all.sort();
        for share in [0.0, 0.5, 0.95, 0.99, 0.999, 1.0] {
            let exact = all[((all.len() as f64 * share).ceil() as usize).clamp(1, all.len()) - 1];
            let found = times.quantile(share).unwrap().as_micros() as u64;
            assert!(exact <= found && found as f64 <= exact as f64 * 1.1 + 1.0, "{share}: {found}, {exact} is right");
        }
        assert_eq!(times.max().as_micros() as u64, all[all.len() - 1]);
        assert_eq!(times.sum().as_micros() as u64, all.iter().sum::<u64>());
    }

    #[test]
    fn bounds_count_what_is_at_most_as_long() {
        let times = Latencies::new();
        for us in [10, 11, 1000, 1001, 2000, 10_000_000_000] {
            times.record(Duration::from_micros(us));
        }
        assert_eq!(times.cumulative([10, 1000, 2000, 100_000_000]), ([1, 3, 5, 5], 6));
    }

    #[test]
    fn a_ratio_of_one_is_not_above_the_threshold() {
        let ratios = ScoreRatios::new();
        for ratio in [0.05, 1.0, 1.0001, f32::INFINITY, f32::NAN] {
            ratios.record(ratio);
        }
        let (below, total) = ratios.cumulative();
        let at = |bound: f32| below[RATIO_BOUNDS.iter().position(|b| *b == bound).unwrap()];
        assert_eq!((at(0.1), at(1.0), at(1.1), at(100.0), total), (1, 2, 3, 3, 5));
        assert!((ratios.sum() - 2.0501).abs() < 1e-5);
    }
}
