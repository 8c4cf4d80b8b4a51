//! The procedural station as a live camera: a belt that carries good and defective parts past it.
//!
//! A frame takes longer to render than to inspect, so a ring of frames is rendered when the camera is opened,
//! about 30 ms each of 400 x 400 pixels, and comes by again and again. Its parts, and which are defective, follow
//! from the seed.

use std::time::Duration;

use super::pace::{Pace, interval_ns};
use super::{CameraError, CapturedFrame, FrameSource};
use crate::frame::RgbdFrame;
use crate::scene::{Carried, Defect, PITCH_MM_MIN, Part, Scene, Surroundings};

/// Frames of a ring that show a part, unless fewer are asked for: 150 MB of 400 x 400 pixels.
pub const FRAMES_MAX: usize = 64;
/// Large frames are fewer: 32 of 1280 x 720 pixels, 450 MB.
const PIXELS_MAX: usize = 32 * 1280 * 720;
const PARTS_MAX: usize = 32;
/// First number of the ring's parts, which are not those that `demo` and `synthesize` make.
const FIRST_PART: u64 = 3_000_000;

/// A belt with parts on it, and how often it is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conveyor {
    pub part: Part,
    /// Seeds the station, the parts, and which of them are defective.
    pub seed: u64,
    pub speed_m_per_s: f64,
    /// From one part to the next.
    pub pitch_m: f64,
    /// Share of defective parts, 0 to 1.
    pub defect_share: f64,
    pub frame_rate_hz: f64,
    /// Surroundings of the frames; parts on a belt are not scattered.
    pub surroundings: Surroundings,
    /// Frames that are rendered ahead, at most; fewer where frames are large.
    pub frames_max: usize,
    /// Frames are given whenever they are asked for, not at their rate.
    pub as_asked: bool,
}

/// The belt's camera.
pub struct Synthetic {
    frames: Vec<RgbdFrame>,
    /// Which frame is shown, in the order they come.
    ring: Vec<usize>,
    defects: Vec<Option<Defect>>,
    interval_ns: Option<u64>,
    pace: Pace,
}

impl Conveyor {
    /// How far the belt moves from one frame to the next, millimetres.
    fn step_mm(&self) -> f64 {
        1e3 * self.speed_m_per_s / self.frame_rate_hz
    }

    fn pitch_mm(&self) -> f64 {
        1e3 * self.pitch_m
    }

    /// How many parts the ring has: as many as may be rendered ahead.
    fn parts(&self, out_of_view_mm: f32) -> Result<usize, CameraError> {
        let settings = |reason: String| Err(CameraError::settings(reason));
        if self.pitch_mm() < f64::from(PITCH_MM_MIN) {
            let (pitch, least) = (self.pitch_m, 1e-3 * PITCH_MM_MIN);
            return settings(format!("camera.synthetic.pitch_m is {pitch} where parts touch below {least}"));
        }
        let frames_max = self.frames_max.min(PIXELS_MAX / (self.surroundings.width * self.surroundings.height));
        let frames_per_part = (self.pitch_mm().min(2.0 * f64::from(out_of_view_mm)) / self.step_mm()).ceil();
        if frames_per_part > frames_max as f64 {
            return settings(format!(
                "each part would be seen in {frames_per_part} frames where at most {frames_max} are rendered ahead: set a lower camera.synthetic.frame_rate_hz or a higher belt_m_per_s"
            ));
        }
        Ok((frames_max / frames_per_part.max(1.0) as usize).min(PARTS_MAX))
    }

    /// What is wrong with each of `parts`: the asked share of them, at least one where it is not 0.
    fn defects(&self, parts: usize) -> Vec<Option<Defect>> {
        let defective = (self.defect_share * parts as f64).round().max((self.defect_share > 0.0).into()) as usize;
        let kinds = Defect::ALL.into_iter().cycle().take(defective).map(Some);
        let mut all: Vec<Option<Defect>> = kinds.chain(std::iter::repeat(None)).take(parts).collect();
        fastrand::Rng::with_seed(self.seed).shuffle(&mut all);
        all
    }
}

impl Synthetic {
    /// Renders the ring. The first part is in the middle of the first frame.
    pub fn open(belt: &Conveyor) -> Result<Self, CameraError> {
        let scene = Scene::with_surroundings(belt.part, belt.seed, &belt.surroundings)
            .map_err(|error| CameraError::settings(format!("[camera.synthetic]: {error}")))?;
        let out_of_view = scene.out_of_view_mm();
        let defects = belt.defects(belt.parts(out_of_view)?);
        let parts: Vec<Carried> =
            (FIRST_PART..).zip(&defects).map(|(number, defect)| scene.carried(number, *defect)).collect();
        let mut frames = vec![scene.along(FIRST_PART, &[], 0.0)];
        let mut ring = Vec::new();
        let length_mm = belt.pitch_mm() * parts.len() as f64;
        for frame in 0..(length_mm / belt.step_mm()).round().max(1.0) as u64 {
            let belt_mm = frame as f64 * belt.step_mm();
            let in_view = in_view(&parts, belt.pitch_mm(), belt_mm, out_of_view);
            ring.push(if in_view.is_empty() { 0 } else { frames.len() });
            if !in_view.is_empty() {
                frames.push(scene.along(FIRST_PART + frame, &in_view, belt_mm as f32));
            }
        }
        let interval_ns = (!belt.as_asked).then(|| interval_ns(belt.frame_rate_hz));
        Ok(Self { frames, ring, defects, interval_ns, pace: Pace::start() })
    }

    /// What is wrong with each part, in the order they come by.
    pub fn defects(&self) -> &[Option<Defect>] {
        &self.defects
    }
}

/// Parts that the camera sees when the belt has moved on by `belt_mm`, and where: part i is in the middle at i
/// pitches, and after the last part the first follows.
fn in_view(parts: &[Carried], pitch_mm: f64, belt_mm: f64, out_of_view_mm: f32) -> Vec<(&Carried, f32)> {
    let nearest = (belt_mm / pitch_mm).round() as i64;
    let reach = (f64::from(out_of_view_mm) / pitch_mm).ceil() as i64;
    let placed = (nearest - reach..=nearest + reach).map(|number| {
        let part = &parts[number.rem_euclid(parts.len() as i64) as usize];
        (part, (belt_mm - number as f64 * pitch_mm) as f32)
    });
    placed.filter(|(_, along_mm)| along_mm.abs() < out_of_view_mm).collect()
}

impl FrameSource for Synthetic {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        let Some(due) = self.pace.wait(wait, |_| self.interval_ns) else { return Ok(false) };
        let shown = self.ring[(due.sequence % self.ring.len() as u64) as usize];
        into.frame.copy_from(&self.frames[shown]);
        (into.sequence, into.captured_ns) = (due.sequence, due.at_ns);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::{Preparation, prepare};

    /// A part every 16 frames.
    fn belt() -> Conveyor {
        Conveyor {
            part: Part::Puck,
            seed: 4,
            speed_m_per_s: 0.5,
            pitch_m: 0.4,
            defect_share: 0.5,
            frame_rate_hz: 20.0,
            surroundings: Surroundings::default(),
            frames_max: 24,
            as_asked: true,
        }
    }

    fn next(camera: &mut Synthetic) -> CapturedFrame {
        let mut captured = CapturedFrame::empty();
        assert!(camera.next(&mut captured, Duration::ZERO).unwrap());
        captured
    }

    #[test]
    fn parts_come_by_and_come_again() {
        let mut camera = Synthetic::open(&belt()).unwrap();
        let parts = camera.defects().len();
        assert!(parts == 2 && camera.defects().iter().flatten().count() == 1, "{:?}", camera.defects());
        let shown: Vec<CapturedFrame> = (0..16 * parts + 3).map(|_| next(&mut camera)).collect();
        assert!(shown.iter().enumerate().all(|(i, captured)| captured.sequence == i as u64));
        let points = |i: usize| prepare(&shown[i].frame, &Preparation::default()).unwrap().points();
        let in_the_middle: Vec<usize> = (0..parts).map(|part| points(16 * part)).collect();
        assert!(in_the_middle.iter().all(|n| *n > 8_000), "{in_the_middle:?}");
        // At a quarter of a second, 125 mm on, the part has left and the next one has not come.
        assert!(points(3) < in_the_middle[0] && points(6) < 60, "{} {}", points(3), points(6));
        for (first, again) in shown.iter().zip(&shown[16 * parts..]) {
            assert!(first.frame == again.frame);
        }
        assert!(shown[0].frame != shown[16].frame);
    }

    #[test]
    fn the_part_in_the_middle_is_that_of_the_dataset() {
        let bare = Conveyor { defect_share: 0.0, frame_rate_hz: 2.0, frames_max: 4, ..belt() };
        let large = Surroundings { width: 1280, height: 720, fixture: true, ..Surroundings::default() };
        for surroundings in [Surroundings::default(), large.with_black_belt()] {
            let belt = Conveyor { surroundings, pitch_m: 0.7, ..bare };
            let shown = next(&mut Synthetic::open(&belt).unwrap());
            let scene = Scene::with_surroundings(belt.part, belt.seed, &surroundings).unwrap();
            assert!(shown.frame == scene.nominal(FIRST_PART).frame, "{surroundings:?}");
        }
    }

    #[test]
    fn parts_may_be_in_view_together() {
        let scene = Scene::new(Part::Puck, 1);
        let parts = [scene.carried(0, None), scene.carried(1, None)];
        let placed = in_view(&parts, 120.0, 60.0, scene.out_of_view_mm());
        let along: Vec<f32> = placed.iter().map(|(_, along_mm)| *along_mm).collect();
        assert_eq!(along, [60.0, -60.0]);
    }

    #[test]
    fn a_belt_that_cannot_be_is_refused() {
        let bare = Surroundings::default();
        let huge = Surroundings { width: 4096, height: 4096, ..bare };
        for (belt, word) in [
            (Conveyor { pitch_m: 0.09, ..belt() }, "pitch_m"),
            (Conveyor { frame_rate_hz: 1e3, ..belt() }, "frame_rate_hz"),
            (Conveyor { surroundings: huge, ..belt() }, "at most 1 are rendered ahead"),
            (Conveyor { surroundings: Surroundings { fixture: true, ..bare }, ..belt() }, "a fixture does not fit"),
        ] {
            let Err(error) = Synthetic::open(&belt) else { panic!("{belt:?} was taken") };
            assert!(error.to_string().contains(word) && !error.reopening_may_help(), "{error}");
        }
    }
}
