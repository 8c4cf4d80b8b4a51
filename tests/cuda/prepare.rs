//! `prepare.cu` against `crosscheck::prepare`: the same bytes, the same points.

use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::prepare::plane::Plane;
use crosscheck::prepare::{BeltMode, PartChoice, Preparation, prepare};
use crosscheck::shapes::{H, P, RGB, W};
use fastrand::Rng;
use half::f16;

use crate::host::{Argument, Host, Schedule, float, grid, host, in_every_schedule, input, int, one_each, output};
use crate::support::clouds::Point;

/// rgb `[height, width, 3]` -> normalised half `[3, H, W]`.
fn resized(host: &Host, schedule: Schedule, rgb: &[u8], width: usize, height: usize) -> Vec<f16> {
    let side = width.max(height);
    let window = (2.0 * (side as f64 / W as f64).max(1.0)).ceil() as usize * 2 + 1;
    let (mut first, mut weight) = (vec![0; W], vec![0; W * window]);
    let mut table = [int(side), int(window), output::<i32>(&mut first), output::<i32>(&mut weight)];
    host.launch(schedule, "resize_table", grid(1, W), &mut table);
    let mut columns = vec![0u8; height * W * RGB];
    let source = [input(rgb), int(width), int(height)];
    let rest = [input(&first), input(&weight), int(window), output(&mut columns)];
    pass(host, schedule, "resize_columns", height * W, source, rest);
    let mut out = vec![f16::ZERO; RGB * P];
    let source = [input(&columns), int(width), int(height)];
    let rest = [input(&first), input(&weight), int(window), output(&mut out)];
    pass(host, schedule, "resize_rows", P, source, rest);
    out
}

/// One direction of the resize: its source, then the table and where the result goes.
fn pass(host: &Host, schedule: Schedule, kernel: &str, items: usize, source: [Argument; 3], rest: [Argument; 4]) {
    let mut arguments: Vec<Argument> = source.into_iter().chain(rest).collect();
    host.launch(schedule, kernel, one_each(items, 256), &mut arguments);
}

/// cloud `[height, width, 3]` -> `[P, 3]`, the belt removed.
fn prepared(
    host: &Host,
    schedule: Schedule,
    cloud: &[Point],
    width: usize,
    height: usize,
    plane: &Plane,
) -> Vec<Point> {
    let mut cloud = cloud.to_vec();
    let [a, b, c] = plane.normal;
    let count = cloud.len();
    let mut arguments = [output(&mut cloud), int(count), float(a), float(b), float(c), float(plane.offset_m)];
    host.launch(schedule, "remove_plane", one_each(count, 256), &mut arguments);
    let mut out = vec![[f32::NAN; 3]; P];
    let mut arguments = [input(&cloud), int(width), int(height), output(&mut out)];
    host.launch(schedule, "resize_cloud", one_each(P, 256), &mut arguments);
    out
}

const LEVEL: Plane = Plane { normal: [0.0, 0.0, -1.0], offset_m: 0.5 };
const NO_PLANE: Plane = Plane { normal: [0.0; 3], offset_m: f32::INFINITY };

/// Random colours, points about a belt, some of which are missing or no numbers.
fn random_frame(width: usize, height: usize, seed: u64, belt: &Plane) -> (Vec<u8>, Vec<Point>) {
    let mut random = Rng::with_seed(seed);
    let rgb = (0..width * height * RGB).map(|_| random.u8(..)).collect();
    let [a, b, c] = belt.normal;
    let mut above_belt = |above: f32| {
        let (x, y) = (random.f32() - 0.5, random.f32() - 0.5);
        [x, y, (above - belt.offset_m - a * x - b * y) / c]
    };
    let cloud = (0..width * height).map(|i| match (i * 7) % 20 {
        0 => [0.0; 3],
        1 => [f32::NAN, 0.1, 0.5],
        2 => [0.1, f32::NEG_INFINITY, 0.5],
        3 => [0.1, 0.2, f32::INFINITY],
        // Half of the others where rounding decides whether they are nearer than the 5 mm of background.
        4..12 => above_belt(0.005),
        12 => above_belt(-0.005),
        _ => above_belt((i % 31) as f32 * 1e-3 - 0.015),
    });
    // A cloud has none behind the camera.
    (rgb, cloud.map(|point| if point[2] <= 0.0 { [0.0; 3] } else { point }).collect())
}

/// A frame about `belt`, which is removed where `remove`.
fn check(host: &Host, width: usize, height: usize, seed: u64, belt: &Plane, remove: bool) {
    let (rgb, points) = random_frame(width, height, seed, belt);
    let cloud = OrganisedCloud::new(width, height, points.clone()).unwrap();
    let frame = RgbdFrame::new(width, height, rgb.clone(), cloud).unwrap();
    let mode = if remove { BeltMode::Fixed(*belt) } else { BeltMode::None };
    let how = Preparation { belt: mode, part: PartChoice::All, ..Preparation::default() };
    let want = prepare(&frame, &how).unwrap();
    let (got_rgb, got_cloud) = in_every_schedule(|schedule| {
        let plane = if remove { belt } else { &NO_PLANE };
        let cloud = prepared(host, schedule, &points, width, height, plane);
        (resized(host, schedule, &rgb, width, height), cloud)
    });
    let want_rgb: Vec<f16> = want.rgb.iter().map(|&v| f16::from_f32(v)).collect();
    let differing = got_rgb.iter().zip(&want_rgb).filter(|(g, w)| g != w).count();
    assert_eq!(differing, 0, "of {} colours of a frame of {width} x {height}", want_rgb.len());
    assert!(got_cloud == want.cloud, "the cloud of a frame of {width} x {height} differs");
}

#[test]
fn frames_of_any_size_are_prepared_as_by_the_cpu() {
    let Some(host) = host() else { return };
    let sizes = [(1, 1), (2, 3), (W, H), (W + 1, H - 1), (300, 7), (7, 300), (500, 400), (640, 360)];
    for (seed, (width, height)) in sizes.into_iter().enumerate() {
        check(host, width, height, seed as u64, &LEVEL, false);
    }
}

#[test]
fn the_belt_goes_as_on_the_cpu() {
    let Some(host) = host() else { return };
    let tilted = Plane { normal: [0.36, 0.48, -0.8], offset_m: 0.4 };
    for (seed, belt) in [(20, LEVEL), (21, tilted)] {
        check(host, W, H, seed, &belt, true);
        check(host, 320, 240, seed, &belt, true);
    }
}
