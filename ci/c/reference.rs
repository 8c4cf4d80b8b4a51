//! Writes what the C programs of the test inspect into a folder, and prints what the Rust library finds of it.
//!
//! usage: reference FOLDER
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod case;
#[path = "../../tests/support/small_engine.rs"]
mod small_engine;

use std::fs;
use std::path::Path;

use case::{Case, SIDE, bits, golden_engine};
use crosscheck::calibration::Camera;
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::{PartChoice, Preparation};
use crosscheck::scene::{Part, Scene, Surroundings};
use crosscheck::{Engine, Inspector, OrganisedCloud, RgbdFrame};

/// The camera of the depth image: one step is a tenth of a millimetre.
const CAMERA: &str = "fx = 300\nfy = 300\ncx = 112\ncy = 112\ndepth_unit_m = 0.0001\n";
const STEPS_OF_A_METRE: f32 = 10_000.0;
/// How far f32 is from the golden data's float64 (tests/golden/README.md).
const SCORE_BOUND: f32 = 1e-4;

/// A depth image of the same part, as [`CAMERA`] would take one.
fn depth_of(case: &Case) -> Vec<u16> {
    case.xyz.iter().map(|point| (point[2] * STEPS_OF_A_METRE).round() as u16).collect()
}

fn portable(kind: &str, [width, height]: [usize; 2], most: u32, values: &[u8]) -> Vec<u8> {
    [format!("{kind}\n{width} {height}\n{most}\n").as_bytes(), values].concat()
}

fn bytes_of(points: &[[f32; 3]]) -> Vec<u8> {
    points.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The golden frame, by its points and by its depth image.
fn golden_frame(folder: &Path) {
    let case = Case::golden();
    let depth = depth_of(&case);
    let steps: Vec<u8> = depth.iter().flat_map(|step| step.to_be_bytes()).collect();
    fs::write(folder.join("part.ppm"), portable("P6", [SIDE; 2], 255, &case.rgb)).unwrap();
    fs::write(folder.join("part.xyz"), bytes_of(&case.xyz)).unwrap();
    fs::write(folder.join("part.pgm"), portable("P5", [SIDE; 2], 65535, &steps)).unwrap();
    fs::write(folder.join("camera.toml"), CAMERA).unwrap();
    let engine = folder.join("golden.safetensors");
    golden_engine(&case).write(&engine).unwrap();

    let mut inspector = Inspector::new(Engine::read(&engine).unwrap()).unwrap();
    let mut found = |cloud: OrganisedCloud| {
        let frame = RgbdFrame::new(SIDE, SIDE, case.rgb.clone(), cloud).unwrap();
        inspector.inspect(&frame).unwrap()
    };
    let of_points = found(OrganisedCloud::new(SIDE, SIDE, case.xyz.clone()).unwrap());
    let error = (of_points.outcome.score().unwrap() / case.score - 1.0).abs();
    assert!(error < SCORE_BOUND, "the score is {error} away from the golden one");
    println!("points {}", bits(&of_points));
    let camera = Camera::read(&folder.join("camera.toml")).unwrap();
    println!("depth {}", bits(&found(camera.cloud(&depth, SIDE, SIDE).unwrap())));
}

/// Three parts in a frame, for an engine that inspects each by itself.
fn several_parts(folder: &Path) {
    let surroundings = Surroundings { width: 1280, height: 720, ..Surroundings::default() };
    let scene = Scene::with_surroundings(Part::Gland, 3, &surroundings).unwrap();
    let parts = [0, 1, 2].map(|index| scene.carried(index, None));
    let carried: Vec<_> = parts.iter().zip([-120.0, 0.0, 120.0]).collect();
    let frame = scene.along(0, &carried, 0.0);
    let size = [frame.width(), frame.height()];
    fs::write(folder.join("several.ppm"), portable("P6", size, 255, frame.rgb())).unwrap();
    fs::write(folder.join("several.xyz"), bytes_of(frame.cloud().points())).unwrap();
    let mut engine = small_engine::engine(0.0);
    let crop = Crop { follow_mm: Some(100.0), ..Crop::default() };
    engine.metadata.preparation = Preparation { part: PartChoice::Each, crop, ..Preparation::default() };
    let path = folder.join("each.safetensors");
    engine.write(&path).unwrap();
    let mut inspector = Inspector::new(Engine::read(&path).unwrap()).unwrap();
    for at in inspector.parts(&frame).unwrap() {
        let inspection = inspector.inspect_part(&frame, at).unwrap();
        let numbers = [at.unwrap()[0], at.unwrap()[1], inspection.outcome.score().unwrap()].map(f32::to_bits);
        println!(
            "part {:08x} {:08x} score {:08x} defects {}",
            numbers[0], numbers[1], numbers[2], inspection.defects.count
        );
    }
}

fn main() {
    let folder = std::env::args_os().nth(1).expect("usage: reference FOLDER");
    let folder = Path::new(&folder);
    golden_frame(folder);
    several_parts(folder);
    small_engine::engine(1e9).write(&folder.join("small.safetensors")).unwrap();
}
