//! Steps that fail on purpose.

use std::cell::Cell;
use std::io;

/// What becomes of the steps from one on, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// All go well.
    None,
    /// One fails, as on a full disk or a bad one.
    FailsAt(usize),
    /// None is carried out any more, the removal of temporaries included: what is left is what a kill leaves.
    EndsAt(usize),
}

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan::None) };
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` in this thread by `plan`; gives its result, and the steps that it took.
pub fn run_by<T>(plan: Plan, work: impl FnOnce() -> T) -> (T, usize) {
    PLAN.set(plan);
    STEPS.set(0);
    let result = work();
    PLAN.set(Plan::None);
    (result, STEPS.get())
}

pub fn step() -> io::Result<()> {
    let now = STEPS.replace(STEPS.get() + 1);
    let fails = match PLAN.get() {
        Plan::None => false,
        Plan::FailsAt(step) => now == step,
        Plan::EndsAt(step) => now >= step,
    };
    if fails { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
}
