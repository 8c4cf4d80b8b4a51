//! Counts the frames that a command used and left out.

use std::collections::BTreeMap;
use std::fmt;

/// Number of frames that a summary names for each reason.
const NAMED: usize = 3;

/// Counts of the frames that were used, of those among them with a warning, and of those left out by reason.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    used: usize,
    warned: usize,
    /// For each reason, how many frames have it, and the names of the first ones.
    left_out: BTreeMap<String, (usize, Vec<String>)>,
}

impl Tally {
    /// Counts a frame that was used. `warned`: whether a warning was logged about it.
    pub fn used(&mut self, warned: bool) {
        self.used += 1;
        self.warned += usize::from(warned);
    }

    /// Counts a frame that was left out. `reason` is a few words.
    pub fn leave_out(&mut self, reason: &str, name: &str) {
        let (count, names) = self.left_out.entry(reason.into()).or_default();
        *count += 1;
        if names.len() < NAMED {
            names.push(name.into());
        }
    }

    pub fn frames(&self) -> usize {
        self.used + self.left_out()
    }

    pub fn left_out(&self) -> usize {
        self.left_out.values().map(|(count, _)| count).sum()
    }

    /// Whether less than half of the frames were used.
    pub fn is_mostly_left_out(&self) -> bool {
        self.left_out() > self.used
    }

    /// Logs the summary under the name of a command or a class, as a warning if a frame was left out or had a warning.
    pub fn say(&self, name: &str) {
        let level = if self.warned + self.left_out() > 0 { log::Level::Warn } else { log::Level::Info };
        log::log!(level, "{name}: {self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} frames used", self.used, self.frames())?;
        if self.warned > 0 {
            write!(f, ", {} of them with a warning", self.warned)?;
        }
        for (reason, (count, names)) in &self.left_out {
            let more = if *count > names.len() { ", ..." } else { "" };
            write!(f, "; {count} left out, {reason} ({}{more})", names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_was_left_out_and_why() {
        let mut tally = Tally::default();
        tally.used(false);
        assert_eq!(tally.to_string(), "1 of 1 frames used");
        tally.used(true);
        (0..4).for_each(|i| tally.leave_out("no part was found", &format!("good/{i}")));
        tally.leave_out("too few points", "good/9");
        assert_eq!(
            tally.to_string(),
            "2 of 7 frames used, 1 of them with a warning; 4 left out, no part was found (good/0, good/1, good/2, ...); 1 left out, too few points (good/9)"
        );
        assert_eq!((tally.frames(), tally.left_out()), (7, 5));
    }

    #[test]
    fn half_of_the_frames_are_enough() {
        let mut tally = Tally::default();
        assert!(!tally.is_mostly_left_out());
        tally.used(false);
        tally.leave_out("a", "1");
        assert!(!tally.is_mostly_left_out());
        tally.leave_out("b", "2");
        assert!(tally.is_mostly_left_out());
    }
}
