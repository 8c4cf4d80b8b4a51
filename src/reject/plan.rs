//! How the actuator treats a part, in whole nanoseconds and encoder counts.

use super::belt::BeltSettings;

/// From the trigger to the ejector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    Time { delay_ns: u64, lead_ns: u64 },
    Counts { delay: u64, lead: u64 },
}

/// When a part is rejected, and what is a fault. [`crate::config::reject`] describes each value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectPlan {
    pub delay: Delay,
    pub pulse_ns: u64,
    pub gap_ns: u64,
    pub merge: bool,
    pub age_ns_max: u64,
    pub late_ns_max: u64,
    /// 0 where triggers do not bounce.
    pub debounce_ns: u64,
    /// None where no photo-eye confirms rejects.
    pub confirm_ns_max: Option<u64>,
    /// None without an encoder.
    pub belt: Option<BeltSettings>,
    /// Counts from one trigger to the next, where the encoder triggers.
    pub pitch_counts: Option<u64>,
}

impl RejectPlan {
    /// A part's deadline: how long after its trigger an accept still counts, nanoseconds. None where the encoder
    /// counts it.
    pub fn deadline_ns(&self) -> Option<u64> {
        match self.delay {
            Delay::Time { delay_ns, lead_ns } => Some(delay_ns.saturating_sub(lead_ns)),
            Delay::Counts { .. } => None,
        }
    }

    /// How long after its trigger a part has passed the ejector at the latest, nanoseconds.
    pub fn passage_ns_max(&self) -> u64 {
        let reached_ns = match self.delay {
            Delay::Time { delay_ns, .. } => delay_ns,
            Delay::Counts { .. } => self.age_ns_max,
        };
        reached_ns + self.pulse_ns
    }
}
