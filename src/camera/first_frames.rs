//! Checks the depth unit before a frame is used, by frames that show something: a single frame of noise decides
//! nothing.

use std::time::Duration;

use super::CameraError;
use crate::calibration::distance::{DistanceError, check_distance, has_signal};
use crate::frame::OrganisedCloud;

/// After so many first frames at a distance that no camera measures, the unit is wrong.
const FRAMES: u32 = 5;
/// After this time fewer frames decide, at least two.
pub const TIME_MAX: Duration = Duration::from_secs(2);

/// Looks at frames until one shows that the unit is right.
#[derive(Debug, Default)]
pub struct FirstFrames {
    decided: bool,
    /// Frames at an impossible distance so far, and when the first of them came.
    wrong: u32,
    since_ns: u64,
    last: Option<DistanceError>,
}

impl FirstFrames {
    /// Whether a frame may be used. An error is final: the unit is wrong.
    pub fn look(&mut self, cloud: &OrganisedCloud, now_ns: u64) -> Result<bool, CameraError> {
        if self.decided || !has_signal(cloud) {
            return Ok(true);
        }
        let Err(error) = check_distance(cloud.points()) else {
            self.decided = true;
            return Ok(true);
        };
        if self.wrong == 0 {
            log::warn!("in a first frame {error}. It is not used, and the next frames decide");
            self.since_ns = now_ns;
        }
        self.wrong += 1;
        let slow = self.wrong > 1 && now_ns.saturating_sub(self.since_ns) >= TIME_MAX.as_nanos() as u64;
        if self.wrong >= FRAMES || slow {
            return Err(refusal(self.wrong, &error));
        }
        self.last = Some(error);
        Ok(false)
    }

    /// The error for a camera that gives no more frames; none where no frame was wrong, or one was right.
    pub fn refused(&self) -> Option<CameraError> {
        let last = self.last.as_ref().filter(|_| !self.decided);
        last.map(|error| refusal(self.wrong, error))
    }
}

fn refusal(frames: u32, error: &DistanceError) -> CameraError {
    CameraError::settings(format!("in each of its first {frames} frames with depth {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of 20 x 20 with so many points, `distance_m` away.
    fn cloud(points: usize, distance_m: f32) -> OrganisedCloud {
        let point = |i: usize| if i < points { [0.0, 0.0, distance_m] } else { [0.0; 3] };
        OrganisedCloud::new(20, 20, (0..400).map(point).collect()).unwrap()
    }

    /// What became of frames a tenth of a second apart: used or not, until the camera was refused.
    fn looks(frames: &[OrganisedCloud]) -> (Vec<bool>, Option<String>) {
        let (mut first, mut used) = (FirstFrames::default(), Vec::new());
        for (i, frame) in frames.iter().enumerate() {
            match first.look(frame, 100_000_000 * i as u64) {
                Ok(use_it) => used.push(use_it),
                Err(error) => return (used, Some(error.to_string())),
            }
        }
        (used, first.refused().map(|error| error.to_string()))
    }

    #[test]
    fn a_wrong_unit_is_refused_before_a_frame_is_used() {
        let (used, refused) = looks(&[0; 9].map(|_| cloud(400, 500.0)));
        assert_eq!(used, [false; 4]);
        let refused = refused.unwrap();
        assert!(refused.contains("first 5 frames") && refused.contains("depth_unit_m"), "{refused}");
        // And where there were fewer altogether.
        let (used, refused) = looks(&[0; 2].map(|_| cloud(400, 0.0005)));
        assert!(used == [false; 2] && refused.unwrap().contains("first 2 frames"));
    }

    #[test]
    fn noise_in_first_frames_decides_nothing() {
        let noise = || cloud(400, 32.0);
        assert_eq!(looks(&[noise(), noise(), cloud(400, 0.5), noise()]), (vec![false, false, true, true], None));
        // Without signal neither a right distance nor a wrong one counts.
        let (few_right, few_wrong) = (cloud(3, 0.5), cloud(3, 500.0));
        let wrong = || cloud(400, 500.0);
        let (used, refused) =
            looks(&[few_right, few_wrong, cloud(0, 0.0), wrong(), wrong(), wrong(), wrong(), wrong()]);
        assert_eq!(used, [true, true, true, false, false, false, false]);
        assert!(refused.is_some());
        assert_eq!(looks(&[0; 9].map(|_| cloud(3, 500.0))), (vec![true; 9], None));
    }

    #[test]
    fn frames_that_come_slowly_are_not_waited_for_long() {
        let mut first = FirstFrames::default();
        let (wrong, second) = (cloud(400, 500.0), 1_000_000_000);
        assert_eq!([0, 1].map(|at| first.look(&wrong, at * second).unwrap()), [false; 2]);
        assert!(first.look(&wrong, 3 * second).is_err());
    }
}
