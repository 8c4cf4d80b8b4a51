//! The real librealsense without a camera: a software device is recorded, and the recording is played through the source.
//! `ci/realsense/run.sh` fetches the library and runs this.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod program;
mod recorder;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crosscheck::backend::Machine;
use crosscheck::calibration::camera_file::{CameraFile, Extrinsics, Grid};
use crosscheck::calibration::distortion::{Coefficients, Distortion};
use crosscheck::calibration::registration::{RegisteredDepth, Registration};
use crosscheck::calibration::{Camera, Lens};
use crosscheck::camera::realsense::{Controls, Filters, Origin, Realsense, open, reset};
use crosscheck::camera::{CameraError, CapturedFrame};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use realsense_rust::config::Config;
use realsense_rust::context::Context;
use realsense_rust::frame::{ColorFrame, CompositeFrame, DepthFrame, PixelKind};
use realsense_rust::kind::Rs2StreamKind;
use realsense_rust::pipeline::InactivePipeline;
use realsense_rust::prelude::{FrameCategory, FrameEx};
use realsense_rust::processing_blocks::align::Align;
use realsense_sys as sys;
use recorder::{COLOUR, DEPTH, UNIT_M, colour, depth, extrinsics, intrinsics, record, temporally_filtered};

const FRAMES: usize = 20;
/// The player reads at the recording's pace, and leaves out what a busy machine does not fetch in time.
const FRAMES_MIN: usize = FRAMES / 2;
/// Pixels that a rounding may decide: where a shift of the colour image by so much changes something.
const SHIFT_PX: f64 = 1e-3;

/// The recording, made once.
fn recording() -> &'static Path {
    static MADE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.bag");
        record(&path, FRAMES);
        (folder, path)
    });
    &made.1
}

fn camera() -> Realsense {
    Realsense {
        origin: Origin::Recording { path: recording().into(), repeat: false },
        colour: (0, 0),
        depth: (0, 0),
        frame_rate_hz: 0,
        grid: Grid::Colour,
        camera: None,
        controls: Controls::default(),
        filters: Filters::default(),
        pair_window_ns: 20_000_000,
        machine: Machine::Cpu,
    }
}

/// Frames until the recording ends, `most` of them, and how it ended.
fn play(camera: &Realsense, most: usize) -> (Vec<CapturedFrame>, Option<CameraError>) {
    let (mut source, mut into, mut frames) = (open(camera).unwrap(), CapturedFrame::empty(), Vec::new());
    while frames.len() < most {
        match source.next(&mut into, Duration::from_millis(50)) {
            Ok(true) => frames.push(into.clone()),
            Ok(false) => {}
            Err(error) => return (frames, Some(error)),
        }
    }
    (frames, None)
}

fn lens(found: sys::rs2_intrinsics) -> Lens {
    let [fx, fy, cx, cy] = [found.fx, found.fy, found.ppx, found.ppy].map(f64::from);
    let (width, height) = (found.width as usize, found.height as usize);
    Lens { width, height, fx, fy, cx, cy, distortion: Distortion::None, coefficients: Coefficients::default() }
}

/// What the software device was made with; colour's principal point moved on by `shift` pixels.
fn camera_file(grid: Grid, shift: [f64; 2]) -> CameraFile {
    let way = extrinsics();
    let mut colour = lens(intrinsics(COLOUR, 0.72));
    (colour.cx, colour.cy) = (colour.cx + shift[0], colour.cy + shift[1]);
    let rotation = [0, 1, 2].map(|row| [0, 1, 2].map(|column| f64::from(way.rotation[3 * column + row])));
    CameraFile {
        depth_unit_m: UNIT_M.into(),
        depth_offset_m: 0.0,
        grid,
        colour,
        depth: Some(lens(intrinsics(DEPTH, 0.52))),
        depth_to_colour: Some(Extrinsics { rotation, translation_m: way.translation.map(f64::from) }),
        provenance: None,
    }
}

/// The frame that the pictures of this number are, worked out without librealsense.
fn expected(number: usize, grid: Grid) -> RgbdFrame {
    assembled(&depth(number), number, grid)
}

/// The frame of a depth picture and the colour picture of this number.
fn assembled(depth: &[u16], number: usize, grid: Grid) -> RgbdFrame {
    let camera = Camera::Lenses(Arc::new(Registration::new(camera_file(grid, [0.0; 2]))));
    let rgb = colour(number);
    let mut cloud: OrganisedCloud = camera.cloud(depth, DEPTH.0, DEPTH.1).unwrap();
    let rgb = camera.colour_at(&mut cloud, &rgb, COLOUR.0, COLOUR.1).unwrap().unwrap_or(rgb);
    RgbdFrame::new(cloud.width(), cloud.height(), rgb, cloud).unwrap()
}

#[test]
fn a_recording_comes_back_bit_for_bit_with_the_devices_calibration() {
    let (frames, end) = play(&camera(), usize::MAX);
    assert!(matches!(end, Some(CameraError::Ended { frames: found }) if found == frames.len() as u64), "{end:?}");
    assert!((FRAMES_MIN..=FRAMES).contains(&frames.len()), "{} frames", frames.len());
    for captured in &frames {
        // The device counts from 1.
        let number = captured.sequence as usize - 1;
        assert_eq!(usize::from(captured.frame.rgb()[0]), number);
        assert!(captured.frame == expected(number, Grid::Colour), "frame {number}");
    }
    assert!(frames.is_sorted_by(|a, b| a.sequence < b.sequence && a.captured_ns < b.captured_ns));
    println!("{} of {FRAMES} frames, each equal", frames.len());
}

#[test]
fn colour_is_sampled_at_the_points_where_the_grid_is_depths() {
    let (frames, _) = play(&Realsense { grid: Grid::Depth, ..camera() }, 3);
    for captured in &frames {
        assert!(captured.frame == expected(captured.sequence as usize - 1, Grid::Depth));
    }
    assert_eq!((frames.len(), frames[0].frame.width()), (3, DEPTH.0));
}

#[test]
fn times_are_the_devices_on_this_machines_clock() {
    let (frames, _) = play(&camera(), FRAMES_MIN);
    let now = crosscheck::clock::monotonic_ns();
    for pair in frames.windows(2) {
        let counted = (pair[1].sequence - pair[0].sequence) * 100_000_000;
        let found = pair[1].captured_ns - pair[0].captured_ns;
        // Exact but for what the estimate of the offset moves by.
        assert!(found.abs_diff(counted) < 90_000_000, "{found} ns for {counted} ns");
        assert!(pair[1].captured_ns <= now);
    }
}

#[test]
fn a_repeated_recording_does_not_end_and_filters_change_what_they_should() {
    let repeat = Realsense { origin: Origin::Recording { path: recording().into(), repeat: true }, ..camera() };
    let (frames, end) = play(&repeat, FRAMES + 5);
    assert!(end.is_none() && frames.len() == FRAMES + 5, "{end:?}");
    assert!(frames.windows(2).any(|pair| pair[1].sequence < pair[0].sequence), "it begins again");
    let filters = Filters { decimation: Some(2), spatial: true, temporal: false };
    let (frames, _) = play(&Realsense { filters, grid: Grid::Depth, ..camera() }, 2);
    let frame = &frames[1].frame;
    assert_eq!((frame.width(), frame.height()), (DEPTH.0 / 2, DEPTH.1 / 2));
    let depths: Vec<f32> = frame.cloud().points().iter().map(|point| point[2]).filter(|z| *z > 0.0).collect();
    assert!(depths.len() > frame.width() * frame.height() / 2);
    assert!(depths.iter().all(|z| (0.3..0.8).contains(z)), "depths in metres, by the device's unit");
}

#[test]
fn the_temporal_filter_does_what_librealsenses_block_does_of_the_same_frames() {
    let filters = Filters { temporal: true, ..Filters::default() };
    let (frames, _) = play(&Realsense { filters, ..camera() }, usize::MAX);
    assert!(frames.len() >= FRAMES_MIN, "{} frames", frames.len());
    // Its state is of the frames that came before, so it is given those that came through here, in their order.
    let numbers: Vec<usize> = frames.iter().map(|captured| captured.sequence as usize - 1).collect();
    let filtered = temporally_filtered(&numbers);
    let mut smeared = 0;
    for ((captured, number), depth) in frames.iter().zip(numbers).zip(&filtered) {
        assert!(captured.frame == assembled(depth, number, Grid::Colour), "frame {number}");
        smeared += usize::from(captured.frame != expected(number, Grid::Colour));
    }
    // The first has nothing before it; points that stay where they were are as they were.
    assert!(frames[0].frame == expected(frames[0].sequence as usize - 1, Grid::Colour));
    assert!(smeared > frames.len() / 2, "{smeared} of {} frames", frames.len());
}

#[test]
fn a_camera_file_stands_in_for_the_devices_calibration_but_not_with_another_unit() {
    let with = |unit_m: f64| {
        let file = CameraFile { depth_unit_m: unit_m, ..camera_file(Grid::Depth, [3.0, 0.0]) };
        Realsense { camera: Some(Camera::Lenses(Arc::new(Registration::new(file)))), ..camera() }
    };
    let (frames, _) = play(&with(UNIT_M.into()), 1);
    assert_eq!(frames[0].frame.width(), DEPTH.0);
    assert!(frames[0].frame != expected(frames[0].sequence as usize - 1, Grid::Depth), "colour is taken elsewhere");
    let (frames, end) = play(&with(1e-6 * 10.0), usize::MAX);
    let error = end.unwrap();
    assert!(
        frames.is_empty() && error.to_string().contains("depth_unit_m of the camera file is 0.00001 where"),
        "{error}"
    );
}

/// Of a set's frame of one kind, as the device counted it.
fn number<F: FrameCategory + FrameEx + TryFrom<NonNull<sys::rs2_frame>>>(set: &CompositeFrame) -> Option<u64> {
    set.frames_of_type::<F>().first().map(FrameEx::frame_number)
}

/// Numbers of pictures as librealsense's player gives them, and what its `Align` makes of their depth.
fn aligned() -> Vec<(usize, Vec<u16>)> {
    let steps = |frame: &DepthFrame| -> Vec<u16> {
        frame
            .iter()
            .map(|pixel| if let PixelKind::Z16 { depth } = pixel { *depth } else { panic!("no depth") })
            .collect()
    };
    let mut config = Config::new();
    config.enable_device_from_file(recording(), false).unwrap();
    let idle = InactivePipeline::try_from(&Context::new().unwrap()).unwrap();
    let mut pipeline = idle.start(Some(config)).unwrap();
    let mut align = Align::new(Rs2StreamKind::Color, 1).unwrap();
    let mut found = Vec::new();
    while let Ok(set) = pipeline.wait(Some(Duration::from_secs(2))) {
        let numbers = [number::<DepthFrame>(&set), number::<ColorFrame>(&set)];
        // The library gives sets of neighbours too, which the source leaves out by their times.
        let ([Some(depth), Some(colour)], true) = (numbers, numbers[0] == numbers[1]) else { continue };
        let number = depth.min(colour) as usize - 1;
        align.queue(set).unwrap();
        let set = align.wait(Duration::from_secs(2)).unwrap();
        found.extend(set.frames_of_type::<DepthFrame>().first().map(|frame| (number, steps(frame))));
    }
    found
}

#[test]
fn registration_is_aligns_on_every_pixel_that_no_rounding_decides() {
    let found = aligned();
    assert!(found.len() >= FRAMES_MIN, "{} frames", found.len());
    // Align draws half a pixel to the lower right (see make.py).
    let at = |dx: f64, dy: f64| Registration::new(camera_file(Grid::Colour, [0.5 + dx, 0.5 + dy]));
    let ours = at(0.0, 0.0);
    let shifted = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)].map(|(x, y)| at(x * SHIFT_PX, y * SHIFT_PX));
    let register = |registration: &Registration, number: usize| {
        let mut into = RegisteredDepth::default();
        registration.register(&depth(number), &mut into);
        into.steps().to_vec()
    };
    let (mut counted, mut of) = (0, 0);
    for (number, theirs) in found {
        let steps = register(&ours, number);
        let others = [0, 1, 2, 3].map(|i| register(&shifted[i], number));
        let clear = |i: &usize| others.iter().all(|other| other[*i] == steps[*i]);
        let differing: Vec<usize> = (0..steps.len()).filter(clear).filter(|i| steps[*i] != theirs[*i]).collect();
        assert!(
            differing.is_empty(),
            "frame {number}: {} pixels differ, the first is {}",
            differing.len(),
            differing[0]
        );
        counted += (0..steps.len()).filter(clear).count();
        of += steps.len();
    }
    let share = counted as f64 / of as f64;
    println!("{:.2} % of the pixels are unambiguous, and equal", 100.0 * share);
    assert!(share > 0.99, "{share}");
}

#[test]
fn a_camera_that_is_not_there_cannot_be_reset() {
    for serial in [None, Some("7")] {
        let error = reset(serial).unwrap_err();
        assert!(error.reopening_may_help() && error.to_string().contains("no RealSense camera is there"), "{error}");
    }
}

#[test]
fn what_cannot_be_opened_says_what_is_wrong() {
    let refused = |camera: &Realsense| open(camera).err().map(|error| (error.reopening_may_help(), error.to_string()));
    let nowhere = Origin::Recording { path: "nowhere.bag".into(), repeat: false };
    let cut = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(cut.path(), &std::fs::read(recording()).unwrap()[..3_000]).unwrap();
    let cut = Origin::Recording { path: cut.path().into(), repeat: false };
    let cases = [
        (Realsense { origin: nowhere, ..camera() }, false, "nowhere.bag is no file"),
        (Realsense { origin: cut, ..camera() }, false, "recording"),
        (Realsense { colour: (1280, 720), ..camera() }, false, "1280 x 720"),
        (Realsense { origin: Origin::Device(None), ..camera() }, true, "no RealSense camera is there"),
        (Realsense { origin: Origin::Device(Some("7".into())), ..camera() }, true, "no RealSense camera is there"),
    ];
    for (camera, may_help, word) in cases {
        let (helps, error) = refused(&camera).unwrap_or_else(|| panic!("{word}: was opened"));
        assert!(helps == may_help && error.contains(word), "{word}: {error}");
    }
}
