//! A person at the page, and whoever edits the configuration: thresholds change while parts are on the belt.

use crosscheck::runtime::judge::{Judge, ThresholdRefusal, configured};
use crosscheck::score::{Thresholds, Verdict};
use fastrand::Rng;

const OWN: Thresholds = Thresholds { reject: 0.9, review: Some(0.3) };

/// The thresholds in force, and how far verdicts were loosened with a word.
pub struct Person {
    judge: Judge,
    /// No part with a larger score may pass: nobody has said so.
    said: f32,
    pub acts: Acts,
}

/// What was met.
#[derive(Default, Debug, Clone, Copy)]
pub struct Acts {
    pub tightened: u64,
    pub loosened: u64,
    pub unconfirmed: u64,
    pub out_of_range: u64,
    pub kept: u64,
    pub ended: u64,
    pub configured: u64,
}

impl Person {
    pub fn new() -> Self {
        Self { judge: judge(None), said: OWN.pass_limit(), acts: Acts::default() }
    }

    /// Whether a part passes; it must not where nobody has said that it may.
    pub fn passes(&self, score: f32) -> bool {
        let passes = self.judge.thresholds.verdict(score) == Verdict::Pass;
        assert!(!passes || score <= self.said, "{score} passes, and {} was the last word", self.said);
        passes
    }

    /// One action out of those that there are.
    pub fn act(&mut self, rng: &mut Rng) {
        match rng.u8(0..4) {
            0 | 1 => self.set(rng.f32() * 2.5, rng.bool()),
            2 => self.read_again(judge(None)),
            _ => {
                let other = rng.bool().then(|| 0.2 + rng.f32());
                self.read_again(judge(other));
            }
        }
    }

    fn set(&mut self, reject: f32, may_loosen: bool) {
        let before = self.judge.thresholds;
        match self.judge.set(reject, may_loosen) {
            Ok(judge) => {
                self.judge = judge;
                let loosened = self.judge.thresholds.is_looser_than(&before);
                assert!(!loosened || may_loosen);
                self.acts.loosened += u64::from(loosened);
                self.acts.tightened += u64::from(before.is_looser_than(&self.judge.thresholds));
                self.says(loosened);
            }
            Err(ThresholdRefusal::Loosens(_)) => self.acts.unconfirmed += 1,
            Err(ThresholdRefusal::OutOfRange { .. }) => self.acts.out_of_range += 1,
            Err(ThresholdRefusal::Untaught) => unreachable!("an engine judges here"),
        }
    }

    /// A reload, or a restart: either goes on from what was in force.
    fn read_again(&mut self, configured: Judge) {
        let before = self.judge.in_force();
        let overridden = self.judge.is_overridden();
        self.judge = configured.following(&before);
        self.acts.configured += u64::from(self.judge.configured != before.configured);
        self.acts.kept += u64::from(self.judge.is_overridden());
        self.acts.ended += u64::from(overridden && !self.judge.is_overridden());
        self.says(self.judge.loosens(&before).is_some());
    }

    /// The limit moves up only with a word.
    fn says(&mut self, loosened: bool) {
        let limit = self.judge.thresholds.pass_limit();
        self.said = if loosened { limit } else { limit.min(self.said) };
    }
}

fn judge(threshold: Option<f32>) -> Judge {
    let (thresholds, range) = configured((threshold, None), None, Some(OWN)).expect("it has a threshold");
    Judge::new(thresholds, range, "a".into())
}
