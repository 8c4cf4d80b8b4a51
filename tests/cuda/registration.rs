//! `registration.cu` against `crosscheck::calibration::registration`: the same step and the same point at every pixel.

use crosscheck::calibration::Lens;
use crosscheck::calibration::camera_file::{CameraFile, Extrinsics, Grid};
use crosscheck::calibration::distortion::{Coefficients, Distortion, Formula, of_five};
use crosscheck::calibration::registration::{RegisteredDepth, Registration, Tables};
use crosscheck::frame::is_point;
use fastrand::Rng;

use crate::host::{Argument, Host, Schedule, float, host, in_every_schedule, input, int, one_each, output};
use crate::support::clouds::Point;

const FARTHEST: u16 = u16::MAX;
const RATIONAL: Coefficients = [0.72, -2.89, 0.0008, -0.0001, 1.63, 0.6, -2.72, 1.57];

/// Depth steps and points, by their bits.
fn registered(host: &Host, schedule: Schedule, tables: &Tables, depth: &[u16]) -> (Vec<u16>, Vec<[u32; 3]>) {
    let pixels = tables.size.0 * tables.size.1;
    let (mut nearness, mut points) = (vec![0u32; pixels], vec![[f32::NAN; 3]; pixels]);
    let mut steps = vec![7u16; pixels];
    let projection = tables.projection;
    let bent = match projection.formula {
        Formula::None => 0,
        Formula::Brown => 1,
        Formula::Modified => 2,
        Formula::Rational => 3,
    };
    let mut arguments = vec![input(depth)];
    arguments.extend(tables.corners.map(input));
    arguments.extend([tables.depth_size.0, tables.depth_size.1].map(int));
    arguments.extend([tables.depth_unit_m, tables.depth_offset_m].map(float));
    arguments.extend(projection.translation.map(float));
    arguments.extend(projection.focal.iter().chain(&projection.centre).map(|v| float(*v)));
    arguments.push(int(bent));
    arguments.extend(projection.coefficients.map(float));
    arguments.push(float(projection.r2_max));
    arguments.extend([tables.size.0, tables.size.1].map(int));
    arguments.push(output(&mut nearness));
    host.launch(schedule, "nearest_steps", one_each(depth.len(), 256), &mut arguments);
    drop(arguments);
    let metres = [tables.depth_unit_m, tables.depth_offset_m, tables.ahead_m].map(float);
    let mut arguments: Vec<Argument> = vec![input(&nearness), input(tables.rays), int(pixels)];
    arguments.extend(metres);
    arguments.extend([output(&mut points), output(&mut steps)]);
    host.launch(schedule, "registered_points", one_each(pixels, 256), &mut arguments);
    drop(arguments);
    (steps, bits(&points))
}

fn bits(points: &[Point]) -> Vec<[u32; 3]> {
    points.iter().map(|point| point.map(f32::to_bits)).collect()
}

/// Holds the kernels to the CPU; how many pixels have a point.
fn check(host: &Host, name: &str, file: &CameraFile, depth: &[u16]) -> usize {
    let registration = Registration::new(file.clone());
    let mut want = RegisteredDepth::default();
    registration.register(depth, &mut want);
    let tables = registration.tables().expect("depth is moved");
    let (steps, points) = in_every_schedule(|schedule| registered(host, schedule, &tables, depth));
    let differing = steps.iter().zip(want.steps()).filter(|(got, want)| got != want).count();
    assert_eq!(differing, 0, "{name}: steps of {} differ", steps.len());
    let expected = bits(want.points());
    let differing = points.iter().zip(&expected).filter(|(got, want)| got != want).count();
    assert!(points.len() == expected.len() && differing == 0, "{name}: {differing} points of {} differ", points.len());
    want.points().iter().filter(|point| is_point(point)).count()
}

fn lens((width, height): (usize, usize), focal: f64, distortion: Distortion, coefficients: Coefficients) -> Lens {
    let (cx, cy) = (0.49 * width as f64, 0.52 * height as f64);
    Lens { width, height, fx: focal, fy: 1.05 * focal, cx, cy, distortion, coefficients }
}

fn plain(size: (usize, usize), focal: f64) -> Lens {
    lens(size, focal, Distortion::None, Coefficients::default())
}

/// Turned by these angles about x, y and z, one after the other.
fn turned([a, b, c]: [f64; 3], translation_m: [f64; 3]) -> Extrinsics {
    let (x, y, z) = (a.sin_cos(), b.sin_cos(), c.sin_cos());
    let of = |rotation| Extrinsics { rotation, translation_m: [0.0; 3] };
    let about_x = of([[1.0, 0.0, 0.0], [0.0, x.1, -x.0], [0.0, x.0, x.1]]);
    let about_y = of([[y.1, 0.0, y.0], [0.0, 1.0, 0.0], [-y.0, 0.0, y.1]]);
    let about_z = of([[z.1, -z.0, 0.0], [z.0, z.1, 0.0], [0.0, 0.0, 1.0]]);
    let columns = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        .map(|axis| about_z.transform(about_y.transform(about_x.transform(axis))));
    Extrinsics { rotation: [0, 1, 2].map(|row| [0, 1, 2].map(|column| columns[column][row])), translation_m }
}

fn camera(depth: Lens, colour: Lens, depth_to_colour: Extrinsics) -> CameraFile {
    CameraFile {
        depth_unit_m: 0.001,
        depth_offset_m: 0.0,
        grid: Grid::Colour,
        colour,
        depth: Some(depth),
        depth_to_colour: Some(depth_to_colour),
        provenance: None,
    }
}

/// A stepped surface around `middle`, every seventh pixel a hole, a few at either end of the range.
fn surface((width, height): (usize, usize), middle: u16, seed: u64) -> Vec<u16> {
    let mut random = Rng::with_seed(seed);
    let step = |i: usize| match random.u16(..70) {
        0..10 => 0,
        10 => 1,
        11 => FARTHEST,
        _ => middle + 40 * ((i % width / 9 + i / width / 7) % 5) as u16 + random.u16(..12),
    };
    (0..width * height).map(step).collect()
}

#[test]
fn every_point_is_the_cpus() {
    let Some(host) = host() else { return };
    let bent = of_five([0.12, -0.2, 0.002, -0.0015, 0.05]);
    let models = [
        (Distortion::None, Coefficients::default()),
        (Distortion::BrownConrady, bent),
        (Distortion::ModifiedBrownConrady, bent),
        (Distortion::InverseBrownConrady, bent),
        (Distortion::Rational, RATIONAL),
    ];
    // Sizes that are no multiples of a block, either image the larger one.
    let sizes = [((97, 61), (130, 50)), ((160, 90), (64, 101)), ((33, 1), (1, 40)), ((128, 96), (128, 96))];
    for (seed, (depth, colour)) in sizes.into_iter().enumerate() {
        for (model, coefficients) in models {
            let to_colour = turned([0.02, -0.03, 0.01], [0.015, 0.004, -0.002]);
            let (of_depth, of_colour) = (plain(depth, depth.0.max(50) as f64), colour.0.max(50) as f64);
            let file = camera(of_depth, lens(colour, of_colour, model, coefficients), to_colour);
            let name = format!("{model:?}, {depth:?} to {colour:?}");
            let found = check(host, &name, &file, &surface(depth, 600, seed as u64));
            let least = if depth.1 == 1 { 1 } else { colour.0 * colour.1 / 4 };
            assert!(found >= least, "{name}: only {found} points");
        }
    }
}

#[test]
fn bent_and_turned_lenses_are_the_cpus() {
    let Some(host) = host() else { return };
    // Folds back within the image: rays at its edge are no numbers.
    let folding = of_five([-0.9, 0.1, 0.01, -0.02, 0.0]);
    // The same by a quotient, and one with a pole, about which points are drawn at infinity.
    let (ending, with_pole) = ([0.1, 0.0, 0.01, -0.02, 0.0, 1.5, 0.0, 0.3], [0.0, 0.0, 0.0, 0.0, 0.0, -4.0, 0.0, 0.0]);
    for (model, coefficients, angles, translation) in [
        (Distortion::BrownConrady, folding, [0.0, 0.0, 3.1], [0.01, 0.0, 0.0]),
        (Distortion::ModifiedBrownConrady, folding, [0.3, -0.4, 0.9], [-0.2, 0.1, 0.05]),
        (Distortion::InverseBrownConrady, folding, [0.0, 1.2, 0.0], [-0.7, 0.0, 0.4]),
        (Distortion::Rational, RATIONAL, [0.2, 0.3, 0.5], [0.05, 0.0, 0.1]),
        (Distortion::Rational, ending, [0.0, 0.3, 3.1], [0.01, 0.0, 0.0]),
        (Distortion::Rational, with_pole, [0.0, 0.1, 0.0], [0.01, 0.0, 0.0]),
    ] {
        let depth = lens((120, 80), 90.0, model, coefficients);
        let colour = lens((100, 110), 80.0, model, coefficients);
        let file = camera(depth, colour, turned(angles, translation));
        let found = check(host, &format!("{model:?} {coefficients:?}, {angles:?}"), &file, &surface((120, 80), 700, 9));
        assert!(found > 40, "{model:?}: only {found} points");
    }
}

#[test]
fn far_near_and_missing_depth_is_the_cpus() {
    let Some(host) = host() else { return };
    let (depth, colour) = ((70, 50), (140, 90));
    let file = camera(plain(depth, 60.0), plain(colour, 120.0), turned([0.0; 3], [0.02, 0.0, 0.0]));
    let count = depth.0 * depth.1;
    assert_eq!(check(host, "nothing", &file, &vec![0; count]), 0);
    assert!(check(host, "the farthest", &file, &vec![FARTHEST; count]) > colour.0 * colour.1 / 2);
    assert!(check(host, "the nearest", &file, &vec![1; count]) < colour.0 * colour.1);
    // From a tenth of a millimetre on: rectangles of every width about the limit.
    let near = CameraFile { depth_unit_m: 1e-4, ..file.clone() };
    let ramp: Vec<u16> = (0..count).map(|i| 1 + (i % depth.0 * 4) as u16).collect();
    let wide = camera(plain(depth, 60.0), plain(colour, 600.0), turned([0.0; 3], [0.0, 0.0, 0.012]));
    check(host, "a ramp from the lens on", &near, &ramp);
    let wide = CameraFile { depth_unit_m: 1e-4, ..wide };
    assert!(check(host, "a ramp from the colour imager on", &wide, &ramp) > 0);
}

#[test]
fn what_is_behind_is_the_cpus() {
    let Some(host) = host() else { return };
    let size = (90, 70);
    for (name, back, offset) in
        [("some behind", -0.65, 0.0), ("all behind", -3.0, 0.0), ("a negative offset", 0.1, -0.62)]
    {
        let file = camera(plain(size, 80.0), plain((60, 60), 70.0), turned([0.05, 0.0, 0.0], [0.0, 0.0, back]));
        let file = CameraFile { depth_offset_m: offset, ..file };
        let mut depth = surface(size, 520, 4);
        depth.iter_mut().filter(|step| **step == FARTHEST).for_each(|step| *step = 0);
        let found = check(host, name, &file, &depth);
        assert_eq!(found > 0, name != "all behind", "{name}: {found} points");
    }
}

#[test]
fn one_pixel_is_the_cpus() {
    let Some(host) = host() else { return };
    let one = Lens { cx: 0.0, cy: 0.0, ..plain((1, 1), 1.0) };
    for step in [0, 1, 500, FARTHEST] {
        let found = check(host, "one to one", &camera(one, one, turned([0.0; 3], [0.0; 3])), &[step]);
        assert_eq!(found, usize::from(step > 0), "{step}");
        let many = camera(one, plain((50, 40), 30.0), turned([0.0; 3], [0.0; 3]));
        assert!(check(host, "one to many", &many, &[step]) <= 64 * 64);
        let few = camera(plain((50, 40), 30.0), one, turned([0.0; 3], [0.0; 3]));
        assert_eq!(check(host, "many to one", &few, &[step; 2000]), usize::from(step > 0));
    }
    // Rectangles as wide as the focal length: up to the limit, and beyond it.
    let wide = |focal: f64| Lens { fy: 0.5 * focal, ..plain((120, 100), focal) };
    let found: Vec<usize> = (52..72)
        .map(|focal| camera(one, wide(focal.into()), turned([0.0; 3], [0.0; 3])))
        .map(|file| check(host, "a rectangle about the limit", &file, &[700]))
        .collect();
    assert!(found[0] > 52 * 25 && found[19] == 0, "{found:?}");
}
