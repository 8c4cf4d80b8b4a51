//! Finds the part in the frame itself, where nothing else announces it.
//!
//! The points that stand above the belt are summed up; those near the middle of the frame count most. While a part
//! comes by, the sum rises, peaks with the part in the middle, and falls: the peak is the part's trigger, once per
//! part, known a little after it. A belt that stands still has no peak; parts side by side have one each, as long as
//! the sum falls between them.

use std::f32::consts::PI;

use crate::frame::{RgbdFrame, is_point};
use crate::prepare::crop::{Crop, Cropper};
use crate::prepare::plane::{self, Plane};
use crate::prepare::point_grid::PointGrid;
use crate::prepare::{Preparation, belt};

/// Every fourth pixel along both axes is looked at.
const STRIDE: usize = 4;
/// A sum below this share of the largest possible one is no part.
const SHARE_MIN: f32 = 0.01;
/// The sum is past its peak when it has fallen below this share of it. It rises again when its lowest value is below
/// this share of it.
const FALL: f32 = 0.85;

/// Finds parts in a stream of frames.
pub struct Finder {
    plane: Option<Plane>,
    crop: Crop,
    cropper: Cropper,
    fitter: belt::Fitter,
    seed: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The highest so far, and when it was.
    Rising { peak: f32, at_ns: u64 },
    /// The lowest since the last part.
    Falling { lowest: f32 },
}

impl Finder {
    /// `plane`: the belt, instead of that of the `scene`. Where neither has one, the belt of the first frame that shows
    /// it is taken.
    pub fn new(plane: Option<Plane>, scene: &Preparation) -> Self {
        Self {
            plane: plane.or(scene.belt.fixed()),
            crop: scene.crop.clone(),
            cropper: Cropper::default(),
            fitter: belt::Fitter::default(),
            seed: scene.seed,
            state: State::Falling { lowest: 0.0 },
        }
    }

    /// Takes in the next frame. Returns when a part was in the middle, once it has just passed it.
    pub fn look(&mut self, frame: &RgbdFrame, captured_ns: u64) -> Option<u64> {
        let share = self.share(frame);
        self.follow(share, captured_ns)
    }

    /// When the frame was captured that shows a part nearest to the middle so far.
    pub fn kept_ns(&self) -> Option<u64> {
        match self.state {
            State::Rising { at_ns, .. } => Some(at_ns),
            State::Falling { .. } => None,
        }
    }

    /// When the part that is in view at the end of the stream was nearest to the middle.
    pub fn finish(&mut self) -> Option<u64> {
        let last = self.kept_ns();
        self.state = State::Falling { lowest: 0.0 };
        last
    }

    fn follow(&mut self, share: f32, captured_ns: u64) -> Option<u64> {
        match self.state {
            State::Rising { peak, .. } if share > peak => {
                self.state = State::Rising { peak: share, at_ns: captured_ns };
                None
            }
            State::Rising { peak, at_ns } if share < FALL * peak => {
                self.state = State::Falling { lowest: share };
                Some(at_ns)
            }
            State::Falling { lowest } if share > SHARE_MIN && share > lowest / FALL => {
                self.state = State::Rising { peak: share, at_ns: captured_ns };
                None
            }
            State::Falling { lowest } => {
                self.state = State::Falling { lowest: lowest.min(share) };
                None
            }
            State::Rising { .. } => None,
        }
    }

    /// How much of the crop's middle stands above the belt, 0 to 1.
    fn share(&mut self, frame: &RgbdFrame) -> f32 {
        // A frame of another size cannot be cropped: the inspection rejects its parts.
        let Ok((seen, _)) = self.cropper.cut(frame, &self.crop) else { return 0.0 };
        let cloud = seen.cloud();
        if self.plane.is_none() {
            let belt = self.fitter.fit(PointGrid::whole(cloud.points(), cloud.width()), self.seed);
            self.plane = belt.map(|belt| belt.plane);
        }
        let (width, height) = (cloud.width(), cloud.height());
        let reach = width.min(height) as f32 / 2.0;
        let (mut above, mut all) = (0.0, f32::MIN_POSITIVE);
        for v in (0..height).step_by(STRIDE) {
            for u in (0..width).step_by(STRIDE) {
                let (x, y) = (u as f32 - width as f32 / 2.0, v as f32 - height as f32 / 2.0);
                let from_middle = x.hypot(y) / reach;
                if from_middle >= 1.0 {
                    continue;
                }
                let weight = (0.5 * PI * from_middle).cos().powi(2);
                all += weight;
                let point = &cloud.points()[v * width + u];
                let on_belt = self.plane.is_some_and(|plane| plane.distance(point) < plane::BACKGROUND_M);
                if is_point(point) && !on_belt {
                    above += weight;
                }
            }
        }
        above / all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::synthetic::{Conveyor, Synthetic};
    use crate::camera::{CapturedFrame, FrameSource};
    use crate::scene::{Part, Surroundings};

    /// Frames of a belt in which parts are found, by their numbers.
    fn found(belt: &Conveyor, frames: usize) -> Vec<u64> {
        let mut camera = Synthetic::open(belt).unwrap();
        let mut captured = CapturedFrame::empty();
        let mut finder = Finder::new(None, &Preparation::default());
        let mut found = Vec::new();
        for _ in 0..frames {
            camera.next(&mut captured, std::time::Duration::ZERO).unwrap();
            found.extend(finder.look(&captured.frame, captured.sequence));
        }
        found.extend(finder.finish());
        found
    }

    #[test]
    fn every_part_is_found_once_and_in_the_middle() {
        for (part, pitch_m) in [(Part::Gland, 0.12), (Part::Puck, 0.3)] {
            // 20 mm from frame to frame.
            let belt = Conveyor {
                part,
                seed: 3,
                speed_m_per_s: 0.2,
                pitch_m,
                defect_share: 0.2,
                frame_rate_hz: 10.0,
                surroundings: Surroundings::default(),
                frames_max: 20,
                as_asked: true,
            };
            let period = (50.0 * pitch_m) as u64;
            let found = found(&belt, 2 * period as usize + 2);
            assert_eq!(found.len(), 3, "{part:?}: {found:?}");
            for (number, frame) in found.into_iter().enumerate() {
                assert!(frame.abs_diff(number as u64 * period) <= 1, "{part:?}, part {number}: frame {frame}");
            }
        }
    }

    /// Sums to numbers of the frames that triggered.
    fn follow(shares: &[f32]) -> Vec<u64> {
        let mut finder = Finder::new(None, &Preparation::default());
        (0..).zip(shares).filter_map(|(i, share)| finder.follow(*share, i)).collect()
    }

    #[test]
    fn a_belt_that_stops_under_a_part_finds_it_once() {
        let stands = [[0.0, 0.1, 0.3].as_slice(), &[0.3, 0.299, 0.302, 0.301].repeat(50), &[0.2, 0.0, 0.0]].concat();
        assert_eq!(follow(&stands).len(), 1);
        // Stopped on its way out, it was found already.
        let left = [[0.0, 0.3, 0.2].as_slice(), &[0.2, 0.199, 0.202].repeat(50), &[0.1, 0.0]].concat();
        assert_eq!(follow(&left), [1]);
    }

    #[test]
    fn an_empty_belt_has_no_part() {
        assert!(follow(&[0.0, 0.002, 0.0, 0.009, 0.001, 0.0]).is_empty());
    }
}
