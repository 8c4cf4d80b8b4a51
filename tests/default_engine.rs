//! The engine that ships with the program: it reads, is fitted to a part's own measures, and sees a defect.

use std::ops::ControlFlow;
use std::path::Path;

use crosscheck::fit::{Fit, Settings};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::inspect::Inspector;
use crosscheck::model::Variant;
use crosscheck::model::engine_file::{Engine, Geometry};
use crosscheck::shapes::{P, W};

/// What a download may cost.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Metres between neighbouring points of the test part, and from it to the camera.
const SPACING: f32 = 6e-4;
const DISTANCE: f32 = 0.45;
/// Pixels from the middle to the part's rim.
const RADIUS: f32 = 62.0;

fn path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/engines/default.safetensors"))
}

/// A round part with a ring groove and a two-coloured face, jittered; `defect` at its upper left.
fn frame(seed: u64, defect: Option<Defect>) -> RgbdFrame {
    let mut random = fastrand::Rng::with_seed(seed);
    let shift = [random.f32() - 0.5, random.f32() - 0.5].map(|v| 2.0 * v);
    let (mut points, mut rgb) = (Vec::with_capacity(P), Vec::with_capacity(3 * P));
    for p in 0..P {
        let (u, v) = ((p % W) as f32 - 111.5, (p / W) as f32 - 111.5);
        let (x, y) = (u - shift[0], v - shift[1]);
        let near = (-((x + 22.0).powi(2) + (y + 18.0).powi(2)) / 30.0).exp();
        let from_middle = x.hypot(y);
        let groove = 1.5e-3 * (-(from_middle - 38.0).powi(2) / 20.0).exp();
        let dent = if defect == Some(Defect::Dent) { 2.5e-3 * near } else { 0.0 };
        let depth = DISTANCE - 0.01 + groove + dent + 1e-4 * (random.f32() - 0.5);
        let inside = from_middle < RADIUS;
        let point = [u * SPACING, v * SPACING, 1.0].map(|v| v * depth);
        points.push(if inside { [point[0] / DISTANCE, point[1] / DISTANCE, depth] } else { [0.0; 3] });
        let face = if from_middle < 38.0 { [180.0, 170.0, 150.0] } else { [70.0, 90.0, 140.0] };
        let stain = if defect == Some(Defect::Stain) && near > 0.4 { [60.0, -50.0, -60.0] } else { [0.0; 3] };
        let colour = if inside { face } else { [40.0; 3] };
        let seen = |i: usize| colour[i] + if inside { stain[i] } else { 0.0 } + 4.0 * (random.f32() - 0.5);
        rgb.extend([0, 1, 2].map(seen).map(|v| v as u8));
    }
    let cloud = OrganisedCloud::new(W, W, points).expect("a network frame");
    RgbdFrame::new(W, W, rgb, cloud).expect("a network frame")
}

#[derive(Clone, Copy, PartialEq)]
enum Defect {
    Stain,
    Dent,
}

#[test]
fn it_is_small_and_unfitted() {
    let engine = Engine::read(path()).expect("the default engine");
    assert_eq!(engine.metadata.variant, Variant::Default);
    assert_eq!(engine.metadata.geometry, Geometry::Relative);
    assert!(engine.metadata.standardise && !engine.is_fitted() && engine.metadata.calibration.is_none());
    assert!(std::fs::metadata(path()).expect("its file").len() <= FILE_BYTES_MAX);
}

#[test]
fn a_fit_on_a_few_good_parts_finds_defects_of_either_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut fit = Fit::new(Engine::read(path()).expect("the default engine"), folder.path().into()).expect("a fit");
    for seed in 0..4 {
        assert!(fit.add(&frame(seed, None)).expect("features"));
    }
    assert_eq!(fit.frames(), 4);
    let settings = Settings { epochs: 60, pixels: 512, ..Settings::default() };
    let fitted = fit.run(&settings, None, &mut |_| ControlFlow::Continue(())).expect("mappings");
    let Geometry::Folded(measures) = fitted.metadata.geometry else { panic!("the part was not measured") };
    assert!((1.5 * SPACING..6.0 * SPACING).contains(&measures.radius_m), "{measures:?}");
    assert!((0.5 * RADIUS * SPACING..RADIUS * SPACING).contains(&measures.spread_m), "{measures:?}");
    assert!((measures.centre_m[2] - (DISTANCE - 0.01)).abs() < 1e-3, "{measures:?}");

    let stored = folder.path().join("fitted.safetensors");
    fitted.write(&stored).expect("written");
    let read = Engine::read(&stored).expect("read again");
    assert_eq!(read.metadata, fitted.metadata);
    let mut inspector = Inspector::new(read).expect("a fitted engine");
    let mut score = |seed, defect| {
        let inspection = inspector.inspect(&frame(seed, defect)).expect("a frame with points");
        inspection.scores.expect("enough points").score
    };
    let good = (100..106).map(|seed| score(seed, None)).fold(0.0, f32::max);
    for defect in [Defect::Stain, Defect::Dent] {
        let found = score(200, Some(defect));
        assert!(found > 1.2 * good, "{found} where good parts reach {good}");
    }
}
