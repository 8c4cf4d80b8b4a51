//! The built-in engine can be read, is fitted to a part's own measures, and then finds defects.

use std::ops::ControlFlow;
use std::path::Path;

use crosscheck::fit::{Fit, FitSettings};
use crosscheck::inspect::Inspector;
use crosscheck::model::Variant;
use crosscheck::model::engine_file::{Engine, Geometry};

use crate::support::part::{DISTANCE, Defect, RADIUS, SPACING, frame};

/// What a download may cost.
const FILE_BYTES_MAX: u64 = 8 << 20;

fn path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/engines/default.safetensors"))
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
    let settings = FitSettings { epochs: 60, pixels: 512, ..FitSettings::default() };
    let engine = Engine::read(path()).expect("the default engine");
    let mut fit = Fit::new(engine, settings, folder.path().into()).expect("a fit");
    for seed in 0..4 {
        assert_eq!(fit.add(&frame(seed, None)).expect("features").parts.len(), 1);
    }
    assert_eq!(fit.frames(), 4);
    let fitted = fit.run(None, &mut |_| ControlFlow::Continue(())).expect("mappings");
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
        inspection.outcome.score().expect("enough points")
    };
    let good = (100..106).map(|seed| score(seed, None)).fold(0.0, f32::max);
    for defect in [Defect::Stain, Defect::Dent] {
        let found = score(200, Some(defect));
        assert!(found > 1.2 * good, "{found} where good parts reach {good}");
    }
}
