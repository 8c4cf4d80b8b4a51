//! The gap check on scenes, from the frame on.

use crate::allocations::in_thread;
use crosscheck::gap::{GapCheck, GapLearner, GapScratch};
use crosscheck::prepare::{NetworkInput, Preparation, prepare};
use crosscheck::scene::{Defect, Part, Sample, Scene};
use crosscheck::shapes::P;

/// What preparation gives of a frame.
fn prepared(sample: &Sample) -> NetworkInput {
    prepare(&sample.frame, &Preparation::default()).unwrap()
}

#[test]
fn missing_material_is_found_and_a_warm_check_allocates_nothing() {
    let scene = Scene::new(Part::Gland, 3);
    let mut learner = GapLearner::default();
    (0..2).for_each(|i| learner.add(&prepared(&scene.nominal(i))));
    let check = GapCheck::new(&learner.finish().unwrap());
    let good = prepared(&scene.nominal(100));
    let mut random = fastrand::Rng::with_seed(1);
    let kept = (0..P).map(|_| random.bool()).collect();
    let torn = NetworkInput { kept, ..good.clone() };
    let bad = prepared(&scene.defective(200, Defect::MissingMaterial));
    let mut scratch = GapScratch::default();
    assert!(check.measure(&good, &mut scratch).ratio <= 1.0);
    for (i, input) in [&good, &bad, &torn, &good].into_iter().enumerate() {
        let before = in_thread();
        let gap = check.measure(input, &mut scratch);
        let beyond = scratch.beyond().count();
        assert_eq!(in_thread() - before, 0, "frame {i}");
        let is_good = i == 0 || i == 3;
        assert!((gap.ratio <= 1.0) == is_good && (beyond == 0) == is_good, "frame {i}: {gap:?}");
    }
}
