//! A stream of frames allocates nothing once the first went through, on any thread, whatever the frames show. It is a
//! program of its own because it counts the allocations of all threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use allocations::in_process;
use crosscheck::backend::Arithmetic;
use crosscheck::backend::Choice;
use crosscheck::bench;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::gap::{GapLearner, GapModel};
use crosscheck::inspect::{Inspection, Inspector};
use crosscheck::model::Score;
use crosscheck::model::engine_file::{Engine, Gaps};
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::{PartChoice, Preparation, Stride, prepare};
use crosscheck::scene::{Part, Scene};
use crosscheck::score::{Thresholds, Verdict};
use support::part::{Defect, frame};

/// The part on a belt, in a picture of another size than the network's.
fn on_belt(seed: u64, defect: Option<Defect>) -> RgbdFrame {
    let small = frame(seed, defect);
    let (width, height) = (300, 260);
    let from =
        |p: usize| (p % width).checked_sub(38).zip((p / width).checked_sub(18)).filter(|(x, y)| *x < 224 && *y < 224);
    let point = |p: usize| {
        let there = from(p).map(|(x, y)| small.cloud().points()[y * 224 + x]).filter(|q| q[2] != 0.0);
        there.unwrap_or([(p % width) as f32 * 6e-4, (p / width) as f32 * 6e-4, 0.45])
    };
    let colour = |p: usize| from(p).map_or([40; 3], |(x, y)| [0, 1, 2].map(|c| small.rgb()[(y * 224 + x) * 3 + c]));
    let cloud = OrganisedCloud::new(width, height, (0..width * height).map(point).collect()).expect("a cloud");
    RgbdFrame::new(width, height, (0..width * height).flat_map(colour).collect(), cloud).expect("a frame")
}

/// A belt with nothing on it.
fn empty() -> RgbdFrame {
    let bare = on_belt(0, None);
    let points = (0..300 * 260).map(|p| [(p % 300) as f32 * 6e-4, (p / 300) as f32 * 6e-4, 0.45]).collect();
    RgbdFrame::new(300, 260, bare.rgb().to_vec(), OrganisedCloud::new(300, 260, points).expect("a cloud"))
        .expect("a frame")
}

/// Every way in which a part is found.
fn preparations() -> [Preparation; 6] {
    let cropped = Crop { rectangle: Some([20, 10, 370, 380]), ..Crop::default() };
    let polygon = vec![[10.0, 5.0], [390.0, 5.0], [390.0, 355.0], [150.0, 398.0], [10.0, 390.0]];
    let followed = Crop { polygon: Some(polygon), follow_mm: Some(110.0), ..Crop::default() };
    let plain = Preparation::default;
    [
        Preparation { part: PartChoice::All, ..plain() },
        Preparation { crop: cropped.clone(), ..plain() },
        Preparation { crop: cropped, part: PartChoice::Centre, ..plain() },
        Preparation { crop: followed.clone(), ..plain() },
        Preparation { crop: followed.clone(), part: PartChoice::All, ..plain() },
        Preparation { crop: followed, part: PartChoice::Each, ..plain() },
    ]
}

fn however_the_part_is_found() {
    for preparation in preparations() {
        let mut engine = bench::with_mappings(Engine::built_in().expect("the built-in engine"));
        engine.metadata.preparation = preparation.clone();
        let mut inspector =
            Inspector::on_machine(Choice::Cpu, engine, Arithmetic::F32).expect("an engine with mappings");
        let mut inspection = Inspection::default();
        let scene = Scene::new(Part::Puck, 1);
        let seen = |index| scene.nominal(index).frame;
        inspector.inspect_into(&seen(0), None, &mut inspection).expect("a frame with points");
        assert!(inspection.outcome.scores().is_some(), "{preparation:?}: {:?}", inspection.outcome);
        let bare = scene.along(0, &[], 0.0);
        let frames = [seen(1), bare, seen(2)];
        for (i, frame) in frames.iter().cycle().take(6).enumerate() {
            let before = in_process();
            let result = inspector.inspect_into(frame, None, &mut inspection);
            let after = in_process();
            assert_eq!((result, inspection.outcome.scores().is_none()), (Ok(()), i % 3 == 1));
            assert_eq!(after - before, 0, "frame {i} allocated with {preparation:?}");
        }
    }
}

/// The engine with a check for gaps that one part has taught.
fn with_gaps(mut engine: Engine) -> Engine {
    let mut learner = GapLearner::default();
    learner.add(&prepare(&on_belt(0, None), &engine.metadata.preparation).expect("a part"));
    let GapModel { limits, places } = learner.finish().expect("a part");
    engine.metadata.gaps = Some(Gaps { limits, score: 1.0 });
    engine.weights.set_gap_places(Some(places.to_tensor()));
    engine
}

/// One test: what another thread allocates would be counted.
#[test]
fn a_warm_inspector_does_not_allocate() {
    however_the_part_is_found();
    in_every_arithmetic();
}

fn in_every_arithmetic() {
    let in_f32 = [Stride::One, Stride::Two].map(|stride| (stride, Arithmetic::F32));
    let others = [Arithmetic::Bf16, Arithmetic::F16, Arithmetic::Int8].map(|other| (Stride::One, other));
    let all = in_f32.into_iter().chain(others).flat_map(|way| Score::ALL.map(|score| (score, way)));
    for (score, (stride, arithmetic)) in all {
        let mut engine = Engine::built_in().expect("the built-in engine");
        engine.set_score(score);
        engine = with_gaps(bench::with_mappings(engine));
        engine.metadata.preparation.stride = stride;
        let mut inspector = Inspector::on_machine(Choice::Cpu, engine, arithmetic).expect("an engine with mappings");
        inspector.set_thresholds(Thresholds { reject: f32::MAX, review: None });
        let mut inspection = Inspection::default();
        inspector.inspect_into(&on_belt(0, None), None, &mut inspection).expect("a frame with points");
        assert_eq!(inspection.outcome.verdict(), Some(Verdict::Pass), "{:?}", inspection.outcome);
        // A good part comes first on a line, and the first reject allocates nothing either.
        inspector.set_thresholds(Thresholds { reject: 0.0, review: None });
        let frames = [on_belt(1, None), on_belt(2, Some(Defect::Dent)), empty(), on_belt(3, Some(Defect::Stain))];
        for (i, frame) in frames.iter().cycle().take(12).enumerate() {
            let before = in_process();
            let result = inspector.inspect_into(frame, None, &mut inspection);
            let after = in_process();
            assert_eq!(result, Ok(()));
            assert_eq!(
                (inspection.outcome.scores().is_none(), inspection.outcome.verdict()),
                (i % 4 == 2, Some(Verdict::Reject))
            );
            assert_eq!(after - before, 0, "frame {i} with {score:?}, stride {stride:?} in {arithmetic:?} allocated");
        }
    }
}
