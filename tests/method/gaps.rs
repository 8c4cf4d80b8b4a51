//! The check for gaps from its fit to the score of a part, on rendered parts.

use std::ops::ControlFlow;

use crosscheck::config::regions::{Area, Regions as Described};
use crosscheck::fit::{Fit, FitSettings};
use crosscheck::inspect::{Inspection, Inspector};
use crosscheck::model::engine_file::{Engine, EngineError};
use crosscheck::regions::{NetworkMask, Regions};
use crosscheck::scene::{Defect, Part, Scene};

const SEED: u64 = 7;
const FRAMES: u64 = 8;

/// An engine whose mappings have learnt next to nothing: what it sees of a hole is the gap.
fn fitted(scene: &Scene) -> Engine {
    let settings = FitSettings { epochs: 2, pixels: 64, gaps: true, ..FitSettings::default() };
    let mut fit = Fit::new(Engine::built_in().unwrap(), settings, std::env::temp_dir()).unwrap();
    (0..FRAMES).for_each(|index| assert_eq!(fit.add(&scene.nominal(index).frame).unwrap().parts.len(), 1));
    fit.run(None, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn inspect(inspector: &mut Inspector, scene: &Scene, index: u64, defect: Option<Defect>) -> Inspection {
    let sample = match defect {
        Some(defect) => scene.defective(index, defect),
        None => scene.nominal(index),
    };
    inspector.inspect(&sample.frame).unwrap()
}

#[test]
fn a_hole_is_a_gap_that_raises_score_and_map() {
    let scene = Scene::new(Part::Puck, SEED);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.safetensors");
    let engine = fitted(&scene);
    engine.write(&path).unwrap();
    // What was written is what is checked.
    let engine = Engine::read(&path).unwrap();
    let at_limit = engine.metadata.gaps.unwrap().score;
    let mut unchecked = engine.clone();
    unchecked.forget_good_parts();
    let mut with = Inspector::new(engine).unwrap();
    let mut without = Inspector::new(unchecked).unwrap();
    for index in 100..103 {
        let good = inspect(&mut with, &scene, index, None);
        assert_eq!(good.gap, None);
        let plain = inspect(&mut without, &scene, index, None);
        assert!(good.maps.anomaly_map == plain.maps.anomaly_map, "a part without a gap scores as it did");

        let holed = inspect(&mut with, &scene, index, Some(Defect::MissingMaterial));
        let gap = holed.gap.unwrap();
        assert!(gap.to_string().starts_with("a gap of ") || gap.to_string().starts_with("holes of "), "{gap}");
        // Holes of 3 to 6 mm radius: 28 to 113 mm2, and a fifth for their uneven rims.
        assert!((15.0..160.0).contains(&gap.area_mm2.unwrap()), "{gap}");
        let score = holed.outcome.score().unwrap();
        assert!(gap.ratio > 1.0 && score >= at_limit * gap.ratio, "{score} for a ratio of {}", gap.ratio);
        let plain = inspect(&mut without, &scene, index, Some(Defect::MissingMaterial));
        let raised = holed.maps.anomaly_map.iter().zip(&plain.maps.anomaly_map);
        assert!(raised.clone().all(|(with, without)| with >= without), "no value is lowered");
        assert!(raised.filter(|(with, without)| with > without).count() >= gap.pixels / 2);
    }
}

#[test]
fn gaps_count_where_defects_count() {
    let scene = Scene::new(Part::Puck, SEED);
    let mut inspector = Inspector::new(fitted(&scene)).unwrap();
    let whole = inspect(&mut inspector, &scene, 100, Some(Defect::MissingMaterial));
    let bounds = whole.gap.unwrap().bounds.unwrap();
    let Inspection { input, .. } = whole;
    // A region on the other side of the part's middle than the gap.
    let side = input.window.side as f32;
    let in_photograph = |pixel: usize| pixel as f32 * side / 224.0;
    let is_left = bounds.x + bounds.width / 2 < 112;
    let (from, to) = if is_left {
        (in_photograph(bounds.x + bounds.width) + 30.0, side)
    } else {
        (0.0, in_photograph(bounds.x) - 30.0)
    };
    let polygon = Some(vec![[from, 0.0], [to, 0.0], [to, side], [from, side]]);
    let area = Area { polygon, ..Area::default() };
    let regions = Regions::read(&Described { of_interest: vec![area], ignore: Vec::new() }).unwrap();
    inspector.replace_regions(regions.map(NetworkMask::new));
    let outside = inspect(&mut inspector, &scene, 100, Some(Defect::MissingMaterial));
    assert_eq!(outside.gap, None);
}

#[test]
fn limits_and_places_belong_together() {
    let scene = Scene::new(Part::Puck, SEED);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.safetensors");
    let engine = fitted(&scene);
    let refused = |engine: &Engine| {
        engine.write(&path).unwrap();
        match Engine::read(&path) {
            Err(EngineError::Damaged { reason, .. }) => reason,
            other => panic!("{other:?} where a damaged engine is expected"),
        }
    };
    let mut half = engine.clone();
    half.metadata.gaps = None;
    assert!(refused(&half).contains("not both"));
    let mut zero = engine.clone();
    zero.metadata.gaps.as_mut().unwrap().limits.holes_pixels = 0;
    assert!(refused(&zero).contains("0 pixels"));
    let mut silent = engine;
    silent.metadata.gaps.as_mut().unwrap().score = 0.0;
    assert!(refused(&silent).contains("above 0"));
}
