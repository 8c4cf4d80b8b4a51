//! How the actuator treats a part, in whole nanoseconds and encoder counts.

use std::time::Duration;

use super::belt::BeltSettings;

/// From the trigger to the ejector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// In nanoseconds, for a belt of constant speed.
    Time {
        /// Until the part's front reaches the ejector.
        delay_ns: u64,
        /// A verdict must come this long before that.
        lead_ns: u64,
    },
    /// In counts of the encoder.
    Counts {
        /// Until the part's front reaches the ejector.
        delay: u64,
        /// A verdict must come so many counts before that.
        lead: u64,
    },
}

/// What of the plan depends on the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectRecipe {
    /// The recipe's number; 0 where a station has none.
    pub number: u16,
    /// From the trigger to the ejector, in the same unit in each recipe of a station.
    pub delay: Delay,
    /// How long the output stays at reject for one part, nanoseconds.
    pub pulse_ns: u64,
}

/// When a part is rejected, and what is a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectPlan {
    /// The number of the recipe that the line starts with; 0 where there is none.
    pub recipe: u16,
    /// From the trigger to the ejector.
    pub delay: Delay,
    /// How long the output stays at reject for one part, nanoseconds.
    pub pulse_ns: u64,
    /// The shortest pause that the ejector needs between two pulses, nanoseconds.
    pub gap_ns: u64,
    /// Whether pulses that are closer are merged; if not, such parts are a fault.
    pub merge: bool,
    /// A part that takes longer from trigger to ejector is rejected, even if it was accepted.
    pub age_ns_max: u64,
    /// A pulse that starts later than this is a fault, since the part may have passed.
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
    /// The plan of a belt of constant speed: a part's front reaches the ejector `delay` after its trigger, an accept counts
    /// until `lead` before that, and the output stays at reject for `pulse`. Pulses that are less than 10 ms apart are
    /// merged, a pulse that is 5 ms late is a fault, and triggers do not bounce; set the fields to change that.
    pub fn by_time(delay: Duration, lead: Duration, pulse: Duration) -> Self {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            recipe: 0,
            delay: Delay::Time { delay_ns: ns(delay), lead_ns: ns(lead) },
            pulse_ns: ns(pulse),
            gap_ns: 10_000_000,
            merge: true,
            age_ns_max: 60_000_000_000,
            late_ns_max: 5_000_000,
            debounce_ns: 0,
            confirm_ns_max: None,
            belt: None,
            pitch_counts: None,
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

    /// What of the plan depends on the product.
    pub fn product(&self) -> RejectRecipe {
        RejectRecipe { number: self.recipe, delay: self.delay, pulse_ns: self.pulse_ns }
    }

    /// Takes the product's part of the plan from `recipe`.
    pub(super) fn follow(&mut self, recipe: RejectRecipe) {
        (self.recipe, self.delay, self.pulse_ns) = (recipe.number, recipe.delay, recipe.pulse_ns);
    }
}

impl Delay {
    /// How long after the trigger an accept still counts, nanoseconds. None where the encoder counts it.
    pub fn deadline_ns(&self) -> Option<u64> {
        match *self {
            Self::Time { delay_ns, lead_ns } => Some(delay_ns.saturating_sub(lead_ns)),
            Self::Counts { .. } => None,
        }
    }

    /// From the trigger to the ejector, in its own unit.
    pub(super) fn way(&self) -> u64 {
        match *self {
            Self::Time { delay_ns, .. } => delay_ns,
            Self::Counts { delay, .. } => delay,
        }
    }
}
