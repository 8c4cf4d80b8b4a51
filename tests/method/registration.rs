//! Registration of depth to colour: against librealsense (ci/realsense/make.py), and on geometry worked out by hand.

use std::path::Path;
use std::sync::Arc;

use crosscheck::calibration::assembly::{Assembler, Registrar, Take};
use crosscheck::calibration::camera_file::{CameraFile, Extrinsics, Grid};
use crosscheck::calibration::distortion::{Coefficients, Distortion, of_five};
use crosscheck::calibration::registration::{RegisteredDepth, Registration};
use crosscheck::calibration::sampling::sample_colour;
use crosscheck::calibration::{Camera, Lens};
use crosscheck::frame::{OrganisedCloud, RgbdFrame, is_point};

use crate::allocations::watched;
use crate::support::golden::Golden;

const CASES: [&str; 7] = [
    "align-pinhole",
    "align-colour-radial",
    "rule-colour-modified",
    "rule-colour-brown",
    "rule-colour-inverse",
    "rule-depth-brown",
    "rule-depth-inverse",
];

fn u16s(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect()
}

fn register(registration: &Registration, depth: &[u16]) -> RegisteredDepth {
    let mut registered = RegisteredDepth::default();
    registration.register(depth, &mut registered);
    registered
}

#[test]
fn every_pixel_on_which_librealsense_is_unambiguous_is_equal() {
    let golden = Golden::open("registration");
    for case in CASES {
        let raw = |name: &str| golden.raw(&format!("{case}.{name}"));
        let camera = CameraFile::parse(&String::from_utf8(raw("camera")).unwrap(), Path::new(case)).unwrap();
        let registered = register(&Registration::new(camera), &u16s(&raw("depth")));
        let (expected, unambiguous) = (u16s(&raw("expected")), raw("unambiguous"));
        let counted = || (0..expected.len()).filter(|i| unambiguous[*i] != 0);
        let differing: Vec<usize> = counted().filter(|i| registered.steps()[*i] != expected[*i]).collect();
        assert!(differing.is_empty(), "{case}: {} pixels differ, the first is {}", differing.len(), differing[0]);
        let share = counted().count() as f64 / expected.len() as f64;
        assert!(share > 0.997, "{case}: only {share} of the pixels are unambiguous");
        for (point, step) in registered.points().iter().zip(registered.steps()) {
            assert_eq!(is_point(point), *step > 0);
        }
    }
}

fn lens(width: usize, height: usize, focal: f64) -> Lens {
    let (cx, cy) = ((width - 1) as f64 / 2.0, (height - 1) as f64 / 2.0);
    Lens {
        width,
        height,
        fx: focal,
        fy: focal,
        cx,
        cy,
        distortion: Distortion::None,
        coefficients: Coefficients::default(),
    }
}

/// Depth 64 x 48 and colour 128 x 96 with the same view, the colour imager to the left by 20 mm.
fn camera() -> CameraFile {
    CameraFile {
        depth_unit_m: 0.001,
        depth_offset_m: 0.0,
        grid: Grid::Colour,
        colour: lens(128, 96, 120.0),
        depth: Some(lens(64, 48, 60.0)),
        depth_to_colour: Some(Extrinsics { translation_m: [0.02, 0.0, 0.0], ..Extrinsics::IDENTITY }),
        provenance: None,
    }
}

#[test]
fn a_plane_is_moved_by_its_disparity_and_its_points_lie_on_their_rays() {
    let camera = camera();
    let registered = register(&Registration::new(camera.clone()), &[600; 64 * 48]);
    // 120 px x 20 mm / 600 mm = 4 px to the right: the first four columns see past the depth image's edge.
    let (mut there, mut missing) = (0, 0);
    for (i, point) in registered.points().iter().enumerate() {
        let (u, v) = (i % 128, i / 128);
        if !is_point(point) {
            missing += 1;
            assert!(u < 4, "a hole at {u}, {v}");
            continue;
        }
        there += 1;
        let [x, y] = camera.colour.project(point.map(f64::from));
        assert!((x - u as f64).abs() < 1e-3 && (y - v as f64).abs() < 1e-3 && (point[2] - 0.6).abs() < 1e-6);
    }
    assert!(there >= 124 * 96 && missing > 3 * 96, "{there} {missing}");
}

#[test]
fn holes_stay_and_the_nearest_wins() {
    let registration = Registration::new(camera());
    assert!(register(&registration, &[0; 64 * 48]).points().iter().all(|point| !is_point(point)));
    let mut depth = [0; 64 * 48];
    depth[24 * 64 + 32] = 600;
    let one = register(&registration, &depth);
    let covered: Vec<usize> = (0..128 * 96).filter(|i| one.steps()[*i] > 0).collect();
    // A depth pixel is two colour pixels wide, and both ends of its rectangle count: three by three.
    assert_eq!(covered.len(), 9);
    // A farther pixel, whose rectangle meets the first one in a column: 300 mm more is 1.33 px less of disparity.
    depth[24 * 64 + 34] = 900;
    let two = register(&registration, &depth);
    assert!(covered.iter().all(|i| two.steps()[*i] == 600));
    assert!(two.steps().contains(&900));
}

#[test]
fn registering_again_allocates_nothing_and_gives_the_same() {
    let registration = Registration::new(camera());
    let depth: Vec<u16> = (0..64 * 48).map(|i| if i % 7 == 0 { 0 } else { 500 + (i * 31 % 200) as u16 }).collect();
    let mut registered = register(&registration, &depth);
    let first = (registered.points().to_vec(), registered.steps().to_vec());
    let ((), largest) = watched(|| registration.register(&depth, &mut registered));
    assert_eq!(largest, 0, "bytes asked for at once");
    assert_eq!((registered.points().to_vec(), registered.steps().to_vec()), first);
}

#[test]
fn what_is_too_near_or_behind_is_no_point() {
    let near = CameraFile { depth_unit_m: 5e-6, ..camera() };
    // 5 um to 1 mm away: pixels would cover the whole image.
    let depth: Vec<u16> = (0..64 * 48).map(|i| 1 + (i % 200) as u16).collect();
    assert!(register(&Registration::new(near), &depth).points().iter().all(|point| !is_point(point)));
    let behind = CameraFile {
        depth_to_colour: Some(Extrinsics { translation_m: [0.0, 0.0, -0.7], ..Extrinsics::IDENTITY }),
        ..camera()
    };
    assert!(register(&Registration::new(behind), &[600; 64 * 48]).points().iter().all(|point| !is_point(point)));
}

#[test]
fn a_registered_image_of_a_distorted_lens_gives_points_that_project_to_their_pixels() {
    let bent = Lens {
        distortion: Distortion::BrownConrady,
        coefficients: of_five([0.1, -0.15, 0.001, -0.002, 0.02]),
        ..lens(64, 48, 60.0)
    };
    let camera = CameraFile { colour: bent, depth: None, depth_to_colour: None, ..camera() };
    let registered = register(&Registration::new(camera), &[750; 64 * 48]);
    for (i, point) in registered.points().iter().enumerate() {
        let [u, v] = bent.project(point.map(f64::from));
        assert!((u - (i % 64) as f64).abs() < 1e-3 && (v - (i / 64) as f64).abs() < 1e-3, "{i}: {u} {v}");
    }
}

/// The rule of `Registration`, without its tables and in `f64`: the nearest step of each colour pixel, and whether a
/// rounding within a thousandth of a pixel could have decided it.
fn by_the_rule(camera: &CameraFile, depth: &[u16]) -> (Vec<u16>, Vec<bool>) {
    let (of_depth, colour, way) = (camera.depth.unwrap(), camera.colour, camera.depth_to_colour.unwrap());
    let size = [colour.width as i64, colour.height as i64];
    let (mut nearest, mut close) = (vec![0; colour.width * colour.height], vec![false; colour.width * colour.height]);
    for (i, step) in depth.iter().enumerate().filter(|(_, step)| **step > 0) {
        let (u, v) = ((i % of_depth.width) as f64, (i / of_depth.width) as f64);
        let corner = |off: f64| {
            let [x, y] = of_depth.ray(u + off, v + off).unwrap();
            let z = f64::from(*step) * camera.depth_unit_m;
            colour.project(way.transform([x * z, y * z, z])).map(|at| at + 0.5)
        };
        let (first, last) = (corner(-0.5), corner(0.5));
        let near = first.iter().chain(&last).any(|at| (at - at.round()).abs() < 1e-3);
        // Where a rounding is close the rectangle may be one wider.
        let margin = i64::from(near);
        let range = |axis: usize, margin: i64| {
            (first[axis].floor() as i64 - margin).max(0)..=(last[axis].floor() as i64 + margin).min(size[axis] - 1)
        };
        for y in range(1, margin) {
            for x in range(0, margin) {
                let at = (y * size[0] + x) as usize;
                close[at] |= near;
                let inside = range(0, 0).contains(&x) && range(1, 0).contains(&y);
                if inside && (nearest[at] == 0 || *step < nearest[at]) {
                    nearest[at] = *step;
                }
            }
        }
    }
    (nearest, close)
}

// Registration by a lens of eight coefficients, on either side.
#[test]
fn rational_lenses_are_registered_by_the_rule() {
    let wide = [3.13, 2.32, 0.0001, -0.0002, 0.13, 3.46, 3.35, 0.66];
    let other = [0.72, -2.89, 0.0008, -0.0001, 1.63, 0.6, -2.72, 1.57];
    let bent = |lens: Lens, coefficients| Lens { distortion: Distortion::Rational, coefficients, ..lens };
    for (depth, colour) in [
        (bent(lens(64, 48, 40.0), wide), bent(lens(128, 96, 90.0), other)),
        (lens(64, 48, 50.0), bent(lens(128, 96, 80.0), wide)),
        (bent(lens(64, 48, 40.0), wide), lens(128, 96, 90.0)),
    ] {
        let camera = CameraFile { depth: Some(depth), colour, ..camera() }.check().unwrap();
        let steps: Vec<u16> = (0..64 * 48).map(|i| if i % 7 == 0 { 0 } else { 500 + (i * 31 % 200) as u16 }).collect();
        let registered = register(&Registration::new(camera.clone()), &steps);
        let (expected, close) = by_the_rule(&camera, &steps);
        let differing = (0..expected.len()).filter(|i| !close[*i] && registered.steps()[*i] != expected[*i]).count();
        let sure = close.iter().filter(|close| !**close).count();
        assert_eq!(differing, 0, "{colour:?}");
        assert!(sure > expected.len() * 9 / 10, "only {sure} pixels are sure");
        let there = registered.steps().iter().filter(|step| **step > 0).count();
        assert!(there > expected.len() / 2, "{there}");
        for (i, point) in registered.points().iter().enumerate().filter(|(_, point)| is_point(point)) {
            let [u, v] = camera.colour.project(point.map(f64::from));
            assert!((u - (i % 128) as f64).abs() < 1e-3 && (v - (i / 128) as f64).abs() < 1e-3, "{i}: {u} {v}");
        }
    }
}

// Beyond its pole at 1, x / (1 - x^2) is drawn into the picture again from the other side.
#[test]
fn what_a_rational_lens_does_not_see_is_not_in_its_picture() {
    let colour = Lens {
        distortion: Distortion::Rational,
        coefficients: [0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0],
        ..lens(64, 48, 80.0)
    };
    // Four times as wide a view: points up to 3.2 to the side, of which the colour imager sees those up to 0.35.
    let wide = lens(96, 64, 20.0);
    for grid in [Grid::Colour, Grid::Depth] {
        let camera = CameraFile { grid, colour, depth: Some(wide), ..camera() }.check().unwrap();
        let seen = |i: usize| {
            let [x, y] = wide.ray((i % 96) as f64, (i / 96) as f64).unwrap();
            x.hypot(y) < 0.8
        };
        let depth: Vec<u16> = (0..96 * 64).map(|i| if seen(i) { 900 } else { 300 }).collect();
        let registered = register(&Registration::new(camera.clone()), &depth);
        if grid == Grid::Colour {
            assert!(registered.steps().iter().all(|step| *step != 300), "a point from beyond the pole");
            assert!(registered.steps().iter().filter(|step| **step == 900).count() > 64 * 48 * 9 / 10);
        } else {
            let mut cloud = OrganisedCloud::new(96, 64, registered.into_points()).unwrap();
            sample_colour(&camera, &mut cloud, &[7; 64 * 48 * 3], &mut Vec::new());
            let kept: Vec<usize> = (0..96 * 64).filter(|i| is_point(&cloud.points()[*i])).collect();
            assert!(kept.len() > 100 && kept.iter().all(|i| seen(*i)), "{} points", kept.len());
        }
    }
}

#[test]
fn native_depth_takes_the_colour_that_its_points_have() {
    let camera = CameraFile { grid: Grid::Depth, ..camera() };
    let registration = Registration::new(camera.clone());
    assert_eq!(registration.size(), (64, 48));
    let mut depth = vec![600; 64 * 48];
    depth[20 * 64 + 30] = 0;
    let registered = register(&registration, &depth);
    assert_eq!(registered.steps(), depth);
    // Red tells the column and green the row.
    let rgb: Vec<u8> = (0..128 * 96).flat_map(|i| [2 * (i % 128) as u8, 2 * (i / 128) as u8, 7]).collect();
    let mut cloud = OrganisedCloud::new(64, 48, registered.into_points()).unwrap();
    let mut colours = Vec::new();
    sample_colour(&camera, &mut cloud, &rgb, &mut colours);
    let mut lost = 0;
    for i in 0..64 * 48 {
        let (u, v) = ((i % 64) as f64, (i / 64) as f64);
        // Twice the focal length, and 4 px of disparity.
        let at = [2.0 * (u - 31.5) + 63.5 + 4.0, 2.0 * (v - 23.5) + 47.5];
        if at[0] > 127.0 {
            lost += 1;
            assert!(!is_point(&cloud.points()[i]), "{u} {v}");
            continue;
        }
        let expected = [2.0 * at[0], 2.0 * at[1], 7.0];
        let found = &colours[3 * i..3 * i + 3];
        assert!((0..3).all(|c| (f64::from(found[c]) - expected[c]).abs() <= 1.0), "{u} {v}: {found:?} {expected:?}");
        // The hole has its colour and no point.
        assert_eq!(is_point(&cloud.points()[i]), i != 20 * 64 + 30);
    }
    assert_eq!(lost, 2 * 48);
}

/// Gives one frame, whose points are all at a metre, and fails from then on.
struct Failing {
    frames: usize,
}

impl Registrar for Failing {
    fn register(&mut self, _: &[u16], take: &mut Take<'_>) -> Result<(), String> {
        self.frames += 1;
        if self.frames > 1 {
            return Err("it fell off the bus".into());
        }
        take(&vec![[0.0, 0.0, 1.0]; 128 * 96], &vec![1000; 128 * 96]);
        Ok(())
    }
}

#[test]
fn where_another_machine_fails_the_cpu_goes_on() {
    let camera = Camera::Lenses(Arc::new(Registration::new(camera())));
    let depth: Vec<u16> = (0..64 * 48).map(|i| 500 + (i * 31 % 200) as u16).collect();
    let rgb = vec![7; 128 * 96 * 3];
    let frame = |assembler: &mut Assembler| {
        let mut frame = RgbdFrame::blank();
        assembler.assemble(&camera, (&rgb, (128, 96)), (&depth, (64, 48)), &mut frame).unwrap();
        frame
    };
    let mut failing = Assembler::with_registrar(Some(|_| Ok(Box::new(Failing { frames: 0 }))));
    let first = frame(&mut failing);
    assert!(first.cloud().points().iter().all(|point| *point == [0.0, 0.0, 1.0]), "the other machine's frame");
    let mut never = Assembler::with_registrar(Some(|_| Err("there is none".into())));
    let want = frame(&mut Assembler::with_registrar(None));
    for _ in 0..2 {
        assert!(frame(&mut failing) == want && frame(&mut never) == want, "the CPU's frame");
    }
}
