//! Several parts in one frame, each tracked by its own position, with a verdict and a way to the ejector of its own.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crosscheck::camera::{CameraError, CapturedFrame, FrameSource, Opener};
use crosscheck::clock::monotonic_ns;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::{BeltMode, PartChoice, Preparation};
use crosscheck::reject::fault::Fault;
use crosscheck::runtime::metrics::Count;
use crosscheck::runtime::plan::Announced;
use crosscheck::score::Verdict;

use crate::support::plant::Plant;

const WIDTH: usize = 200;
const HEIGHT: usize = 140;
const FOCAL: f32 = 400.0;
const DEPTH: f32 = 0.5;
/// Rows of two parts, so far from one another, and how far the belt moves from frame to frame, pixels.
const ROWS: usize = 5;
const PITCH: f32 = 90.0;
const STEP: f32 = 12.0;
const LANES: [f32; 2] = [40.0, 100.0];
const RADIUS: f32 = 16.0;

/// The belt when it has moved by `moved` pixels.
fn frame(moved: f32) -> RgbdFrame {
    let part_at = |x: f32, y: f32| {
        let parts = (0..ROWS).flat_map(|row| (0..2).map(move |lane| (row, lane)));
        let is_on = |(row, lane): &(usize, usize)| {
            let middle = moved - PITCH * *row as f32 - RADIUS;
            (x - middle).hypot(y - LANES[*lane]) < RADIUS
        };
        // A guide along the edge, which is no part.
        y < 4.0 || parts.filter(is_on).count() > 0
    };
    let point = |i: usize| {
        let (x, y) = ((i % WIDTH) as f32, (i / WIDTH) as f32);
        let ray = [(x - WIDTH as f32 / 2.0) / FOCAL, (y - HEIGHT as f32 / 2.0) / FOCAL];
        let z = DEPTH + 2e-3 * (x * 0.7 + y).sin();
        if part_at(x, y) { [ray[0] * z, ray[1] * z, z] } else { [0.0; 3] }
    };
    let cloud = OrganisedCloud::new(WIDTH, HEIGHT, (0..WIDTH * HEIGHT).map(point).collect()).unwrap();
    let rgb = (0..WIDTH * HEIGHT * 3).map(|i| (i % 200) as u8).collect();
    RgbdFrame::new(WIDTH, HEIGHT, rgb, cloud).unwrap()
}

/// A belt that moves on from frame to frame, whenever it is asked.
struct Belt {
    shown: u64,
    frames: u64,
}

impl FrameSource for Belt {
    fn next(&mut self, into: &mut CapturedFrame, _: Duration) -> Result<bool, CameraError> {
        if self.shown == self.frames {
            return Err(CameraError::Ended { frames: self.shown });
        }
        std::thread::sleep(Duration::from_millis(60));
        // The first frames show the belt's head, until the station is ready.
        let moved = STEP * self.shown.saturating_sub(20) as f32;
        into.frame.copy_from(&frame(moved));
        (into.sequence, into.captured_ns) = (self.shown, monotonic_ns());
        self.shown += 1;
        Ok(true)
    }
}

#[test]
fn every_part_of_a_row_has_its_own_number_and_verdict() {
    let mut plant = Plant::new(Announced::ByFrames, 4000);
    let crop = Crop { follow_mm: Some(60.0), ..Crop::default() };
    let how = Preparation { crop, belt: BeltMode::None, part: PartChoice::Each, ..Preparation::default() };
    plant.preparation = Some(how);
    let judged = plant.judged.clone();
    let frames = 20 + ((PITCH * ROWS as f32 + WIDTH as f32) / STEP) as u64;
    let report = plant.run_camera(Opener::new(move || Ok(Box::new(Belt { shown: 0, frames }))), |_| None);
    report.result.as_ref().unwrap();
    assert_eq!(report.metrics.total(Count::Parts), 2 * ROWS as u64, "{:?}", report.verdicts);
    assert_eq!((report.verdicts.len(), judged.load(Relaxed)), (2 * ROWS, 2 * ROWS as u64));
    let numbers: Vec<u64> = report.verdicts.iter().map(|(part, _)| *part).collect();
    assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    assert_eq!(report.seen.course(Fault::QueueOverflow), [] as [bool; 0]);
    assert!(report.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Pass), "{:?}", report.verdicts);
}
