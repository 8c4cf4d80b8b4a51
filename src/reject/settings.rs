//! Everything about time on a line, in whole nanoseconds and counts.

use super::belt::BeltSettings;

/// From the trigger to the ejector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    Time { delay_ns: u64, lead_ns: u64 },
    Counts { delay: u64, lead: u64 },
}

/// Everything about time, in whole nanoseconds and counts. `config::reject` says what each means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub delay: Delay,
    pub pulse_ns: u64,
    pub gap_ns: u64,
    pub merge: bool,
    pub age_ns_max: u64,
    pub late_ns_max: u64,
    /// 0 where triggers do not bounce.
    pub debounce_ns: u64,
    /// None where nothing confirms.
    pub confirm_ns_max: Option<u64>,
    /// None without an encoder.
    pub belt: Option<BeltSettings>,
    /// Counts from one trigger to the next, where the encoder triggers.
    pub pitch_counts: Option<u64>,
}
