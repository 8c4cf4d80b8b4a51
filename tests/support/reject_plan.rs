//! A plan of the reject output for tests of the actuator thread in real time.

use crosscheck::reject::plan::{Delay, RejectPlan};

const MS: u64 = 1_000_000;

pub const REJECT_PLAN: RejectPlan = RejectPlan {
    recipe: 0,
    delay: Delay::Time { delay_ns: 60 * MS, lead_ns: 5 * MS },
    pulse_ns: 10 * MS,
    gap_ns: MS,
    merge: true,
    age_ns_max: 10_000 * MS,
    // A loaded machine may be late; what is tested here is the order of things.
    late_ns_max: 10_000 * MS,
    debounce_ns: 0,
    confirm_ns_max: None,
    belt: None,
    pitch_counts: None,
};
