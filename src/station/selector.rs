//! A recipe that is asked for by the levels of GPIO lines.

use std::time::Duration;

use crate::clock::monotonic_ns;
use crate::config::gpio::Gpio;
use crate::reject::RejectError;
use crate::reject::gpio::GpioLevels;

/// A number counts once the lines have shown it for so long: switches and relays do not change all bits at once.
const STEADY: Duration = Duration::from_millis(200);

/// Reads the lines, and says when they ask for another recipe.
pub struct Selector {
    read: Box<dyn FnMut() -> Result<u16, RejectError> + Send>,
    steady: Steady,
    /// Whether the lines could not be read the last time.
    failing: bool,
}

/// What the lines show.
#[derive(Default)]
struct Steady {
    shown: u16,
    since_ns: u64,
    /// What was asked for last.
    asked: u16,
}

impl Selector {
    /// None where no lines are configured.
    pub fn open(gpio: &Gpio) -> Result<Option<Self>, RejectError> {
        let levels = GpioLevels::open(gpio)?;
        Ok(levels.map(|levels| Self {
            read: Box::new(move || levels.number()),
            steady: Steady::default(),
            failing: false,
        }))
    }

    /// The recipe that the lines have begun to ask for.
    pub fn next(&mut self) -> Option<u16> {
        match (self.read)() {
            Ok(number) => {
                self.failing = false;
                self.steady.see(number, monotonic_ns())
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    log::error!("{error}; the recipe stays");
                }
                None
            }
        }
    }
}

impl Steady {
    fn see(&mut self, number: u16, now_ns: u64) -> Option<u16> {
        if number != self.shown {
            (self.shown, self.since_ns) = (number, now_ns);
        }
        let is_steady = now_ns.saturating_sub(self.since_ns) >= STEADY.as_nanos() as u64;
        if !is_steady || number == self.asked {
            return None;
        }
        self.asked = number;
        (number != 0).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_once_it_is_steady_and_once() {
        let mut steady = Steady::default();
        let mut see = |number, at_ms: u64| steady.see(number, at_ms * 1_000_000);
        // One bit comes before the other.
        assert_eq!([see(1, 1_000), see(1, 1_100), see(3, 1_150), see(3, 1_349)], [None; 4]);
        assert_eq!([see(3, 1_350), see(3, 1_400), see(3, 9_000)], [Some(3), None, None]);
        // Back to none, and the same once more.
        assert_eq!([see(0, 9_100), see(0, 9_400), see(3, 9_500), see(3, 9_700)], [None, None, None, Some(3)]);
    }
}
