//! The outcome of a frame: a score with its verdict, or the reason why there is none.

use thiserror::Error;

use super::doubt::Doubt;
use crate::prepare::{Missing, NetworkInput};
use crate::score::Verdict;

/// The outcome of one frame. A part that is not known to be good must not pass: act on [`Self::station_verdict`], or on
/// [`Self::passes`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The frame has a score.
    Scored {
        /// The score, by both definitions.
        scores: Scores,
        /// None if the engine has no threshold.
        verdict: Option<Verdict>,
    },
    /// The frame is rejected without a score.
    Unscored(Unscored),
}

/// A part that was not inspected is rejected.
impl Default for Outcome {
    fn default() -> Self {
        Self::Unscored(Unscored::NotInspected)
    }
}

impl Outcome {
    /// The scores; none if the frame was rejected without one.
    pub fn scores(&self) -> Option<Scores> {
        match *self {
            Self::Scored { scores, .. } => Some(scores),
            Self::Unscored(_) => None,
        }
    }

    /// The score: the anomaly map's maximum.
    pub fn score(&self) -> Option<f32> {
        self.scores().map(|scores| scores.score)
    }

    /// The verdict; none if the frame has a score that no threshold has judged.
    pub fn verdict(&self) -> Option<Verdict> {
        match *self {
            Self::Scored { verdict, .. } => verdict,
            Self::Unscored(_) => Some(Verdict::Reject),
        }
    }

    /// The verdict that a station acts on: a part whose score no threshold has judged is rejected.
    pub fn station_verdict(&self) -> Verdict {
        match *self {
            Self::Scored { verdict: Some(verdict), .. } => verdict,
            Self::Scored { verdict: None, .. } | Self::Unscored(_) => Verdict::Reject,
        }
    }

    /// Whether the frame was judged and is good.
    pub fn passes(&self) -> bool {
        self.verdict() == Some(Verdict::Pass)
    }

    /// Whether the frame was judged and is not good: its verdict is reject or review.
    pub fn rejects(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict != Verdict::Pass)
    }

    /// Why the frame has no score.
    pub fn reason(&self) -> Option<Unscored> {
        match *self {
            Self::Scored { .. } => None,
            Self::Unscored(reason) => Some(reason),
        }
    }
}

/// The score of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// The anomaly map's maximum (section 3.3).
    pub score: f32,
    /// The published evaluation's score.
    pub reference: f32,
}

/// Why a frame has no score, and is therefore rejected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Unscored {
    /// Nothing was inspected yet.
    #[error("no frame was inspected")]
    NotInspected,
    /// The cloud has no point where the part may be.
    #[error("the frame has no point where the part may be: check the depth stream, or that this is the cloud's file")]
    NoPoints,
    /// There are points, but no part among them.
    #[error(
        "no part was found: no component of at least 30 points is left, or all of them touch the edge of the crop, which scene.part excludes; check where the part lies, scene.crop, and the belt"
    )]
    NoPart,
    /// A pixel cannot be measured in millimetres.
    #[error(
        "no window can follow the part: the size of a pixel in millimetres cannot be measured from the cloud; check that x, y and z are in the camera's frame, and scene.crop.follow_mm"
    )]
    NoScale,
    /// There are fewer points than groups, so that group centres would repeat and the shape could not be described.
    #[error(
        "too few points: {points} are left on the part, but at least {points_min} are needed; check the distance, the depth stream and the belt plane"
    )]
    TooFewPoints { points: usize, points_min: usize },
    /// The part lies where defects do not count.
    #[error("no point of the part lies where defects count; check where the part lies, and the regions")]
    OutsideRegions,
    /// A station that was taught nothing yet.
    #[error("there is no engine that could judge the part: teach a recipe, and go to it")]
    NoEngine,
    /// Something else may have been taken for the part, and doubtful parts are rejected.
    #[error("the part is doubtful: {0}")]
    Doubtful(Doubt),
}

impl Unscored {
    /// Returns why the part in `input` cannot be scored, if it cannot. A shape needs at least `points_min` points.
    #[doc(hidden)]
    pub fn from_input(input: &NetworkInput, points_min: usize) -> Option<Self> {
        let points = input.points();
        match input.taken.missing {
            _ if input.taken.depth_m.is_none() => Some(Self::NoPoints),
            Some(Missing::Component) => Some(Self::NoPart),
            Some(Missing::Scale) => Some(Self::NoScale),
            None => (points < points_min).then_some(Self::TooFewPoints { points, points_min }),
        }
    }

    /// A description of a few words, without the numbers of the frame.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotInspected => "no frame was inspected",
            Self::NoPoints => "no point where the part may be",
            Self::NoPart => "no part was found",
            Self::NoScale => "no window can follow the part",
            Self::TooFewPoints { .. } => "too few points on the part",
            Self::OutsideRegions => "no point of the part where defects count",
            Self::NoEngine => "no engine",
            Self::Doubtful(_) => "the part is doubtful",
        }
    }

    /// An identifier for other programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotInspected => "not_inspected",
            Self::NoPoints => "no_points",
            Self::NoPart => "no_part",
            Self::NoScale => "no_scale",
            Self::TooFewPoints { .. } => "too_few_points",
            Self::OutsideRegions => "outside_regions",
            Self::NoEngine => "no_engine",
            Self::Doubtful(_) => "doubtful_part",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pass_passes() {
        let scored = |verdict| Outcome::Scored { scores: Scores { score: 0.5, reference: 1.0 }, verdict };
        let all = [
            (scored(Some(Verdict::Pass)), Verdict::Pass, [true, false]),
            (scored(Some(Verdict::Review)), Verdict::Review, [false, true]),
            (scored(Some(Verdict::Reject)), Verdict::Reject, [false, true]),
            (scored(None), Verdict::Reject, [false, false]),
            (Outcome::Unscored(Unscored::NoPart), Verdict::Reject, [false, true]),
            (Outcome::default(), Verdict::Reject, [false, true]),
        ];
        for (outcome, verdict, passes_rejects) in all {
            assert_eq!(outcome.station_verdict(), verdict, "{outcome:?}");
            assert_eq!([outcome.passes(), outcome.rejects()], passes_rejects, "{outcome:?}");
            assert_eq!(outcome.scores().is_some(), outcome.reason().is_none(), "{outcome:?}");
        }
    }
}
