//! Doubts whether the right object was taken for the part.

use std::fmt;

use thiserror::Error;

use crate::model::engine_file::Usual;
use crate::prepare::{NetworkInput, PartChoice, Taken};

/// If the number of points differs from the usual one by more than this share, something else may have been taken for
/// the part.
const UNUSUAL_SHARE: f32 = 0.3;

/// Why something else may have been taken for the part.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Doubt {
    /// It touches the edge of the crop.
    #[error(
        "the object that was taken for the part touches the edge of the crop: it may be a fixture, or a part that is not wholly in view; set scene.crop, or scene.part = \"centre\""
    )]
    TouchesEdge,
    /// Another object was nearly as good a choice.
    #[error("another object could have been taken for the part nearly as well; set scene.crop around the part")]
    CloseChoice,
    /// It has far more or fewer points than good parts have.
    #[error(
        "the object that was taken for the part has {points} points in the network frame, but {usual} are usual: it differs by more than 30 % and may be another object"
    )]
    UnusualSize { points: usize, usual: usize },
}

impl Doubt {
    /// Returns the gravest doubt about the part in `input`, if there is one.
    #[doc(hidden)]
    pub fn from_input(input: &NetworkInput, part: PartChoice, usual: Option<&Usual>) -> Option<Self> {
        let points = input.points();
        if points == 0 || input.taken.missing.is_some() {
            return None;
        }
        if input.taken.touches_edge {
            return Some(Self::TouchesEdge);
        }
        if input.taken.is_close {
            return Some(Self::CloseChoice);
        }
        let usual = usual.filter(|_| part != PartChoice::Everything)?.points;
        let is_unusual = (points as f32 - usual as f32).abs() > UNUSUAL_SHARE * usual as f32;
        is_unusual.then_some(Self::UnusualSize { points, usual })
    }
}

/// Counts the frames of a command that were doubtful or without a belt, for one summary at its end.
#[derive(Clone, Debug, Default)]
pub struct Doubts {
    frames: usize,
    at_edge: usize,
    close: usize,
    unusual: usize,
    without_belt: usize,
    /// Sums over the frames with a belt: its shares of the border and of all points.
    belt: [f32; 2],
}

impl Doubts {
    /// Counts a frame.
    pub fn add(&mut self, input: &NetworkInput, doubt: Option<Doubt>) {
        self.count(&input.taken, doubt);
    }

    /// Counts a frame by the facts about the object that was taken for its part.
    pub fn count(&mut self, taken: &Taken, doubt: Option<Doubt>) {
        self.frames += 1;
        match taken.belt.map(|belt| belt.support) {
            Some(support) => {
                self.belt = [self.belt[0] + support.border_share, self.belt[1] + support.cloud_share];
            }
            None => self.without_belt += 1,
        }
        match doubt {
            Some(Doubt::TouchesEdge) => self.at_edge += 1,
            Some(Doubt::CloseChoice) => self.close += 1,
            Some(Doubt::UnusualSize { .. }) => self.unusual += 1,
            None => {}
        }
    }

    /// Logs a summary, under the name of a command or a class.
    pub fn say(&self, name: &str) {
        let with_belt = self.frames - self.without_belt;
        if with_belt > 0 {
            let [border, cloud] = self.belt.map(|sum| 100.0 * sum / with_belt as f32);
            log::info!("{name}: {border:.0} % of the border shows the belt, and {cloud:.0} % of all points lie on it");
        }
        if self.without_belt > 0 {
            log::info!("{name}: no belt was removed from {} of {} frames", self.without_belt, self.frames);
        }
        if !self.is_empty() {
            log::warn!("{name}: {self}");
        }
    }

    pub fn is_empty(&self) -> bool {
        self.at_edge + self.close + self.unusual == 0
    }
}

impl fmt::Display for Doubts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.at_edge, "the object that was taken for the part touches the edge of the crop"),
            (self.close, "another object could have been taken for it nearly as well"),
            (self.unusual, "its size differs from the usual one by more than 30 %"),
        ];
        let said = kinds.iter().filter(|(count, _)| *count > 0);
        let said: Vec<String> =
            said.map(|(count, what)| format!("in {count} of {} frames {what}", self.frames)).collect();
        write!(
            f,
            "{}; look at the pictures (fit --preview, inspect --out), and set [scene] so that the right part is taken",
            said.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::P;

    fn input(points: usize, taken: Taken) -> NetworkInput {
        let cloud = (0..P).map(|i| if i < points { [0.0, 0.0, 0.5] } else { [0.0; 3] }).collect();
        NetworkInput { cloud, taken, ..NetworkInput::default() }
    }

    const USUAL: Usual = Usual { points: 1000, depth_m: 0.5, width: 400, height: 400 };

    #[test]
    fn each_doubt_has_its_cause() {
        let doubt = |points, taken| Doubt::from_input(&input(points, taken), PartChoice::Largest, Some(&USUAL));
        let plain = Taken::default();
        assert_eq!([710, 1000, 1290].map(|points| doubt(points, plain)), [None; 3]);
        for points in [690, 1310] {
            assert_eq!(doubt(points, plain), Some(Doubt::UnusualSize { points, usual: 1000 }));
        }
        assert_eq!(doubt(100, Taken { touches_edge: true, is_close: true, ..plain }), Some(Doubt::TouchesEdge));
        assert_eq!(doubt(1000, Taken { is_close: true, ..plain }), Some(Doubt::CloseChoice));
        assert_eq!(Doubt::from_input(&input(5, plain), PartChoice::Everything, Some(&USUAL)), None);
        assert_eq!(Doubt::from_input(&input(5, plain), PartChoice::Largest, None), None);
    }

    #[test]
    fn the_summary_counts_what_it_names() {
        let mut doubts = Doubts::default();
        let frame = input(1000, Taken::default());
        doubts.add(&frame, None);
        assert!(doubts.is_empty() && doubts.without_belt == 1);
        doubts.add(&frame, Some(Doubt::TouchesEdge));
        doubts.add(&frame, Some(Doubt::TouchesEdge));
        let text = doubts.to_string();
        assert!(
            !doubts.is_empty() && text.starts_with("in 2 of 3 frames the object") && !text.contains("another"),
            "{text}"
        );
    }
}
