//! Made scenes with what real ones have: a fixture that is larger than the part, a belt that swallows light, parts that lie
//! anywhere, several of them in a frame.

use crosscheck::backend::Choice;
use crosscheck::bench;
use crosscheck::frame::{OrganisedCloud, RgbdFrame, is_point};
use crosscheck::inspect::{Doubt, Inspector, Unscored};
use crosscheck::model::engine_file::Engine;
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::{NetworkInput, PartChoice, Preparation, prepare};
use crosscheck::scene::{Part, Sample, Scene, Surroundings};

fn wide() -> Surroundings {
    Surroundings { width: 1280, height: 720, ..Surroundings::default() }
}

fn fixture() -> Surroundings {
    Surroundings { fixture: true, ..wide() }.with_black_belt()
}

fn sample(surroundings: &Surroundings, part: Part, index: u64) -> Sample {
    Scene::with_surroundings(part, 3, surroundings).unwrap().nominal(index)
}

fn scene(part: PartChoice, crop: Crop) -> Preparation {
    Preparation { part, crop, ..Preparation::default() }
}

fn followed(side_mm: f32) -> Crop {
    Crop { follow_mm: Some(side_mm), ..Crop::default() }
}

fn inspector(preparation: Preparation) -> Inspector {
    let mut engine = Engine::built_in().unwrap();
    engine.prepare_as(preparation).unwrap();
    Inspector::on_machine(Choice::Cpu, bench::with_mappings(engine), Default::default()).unwrap()
}

/// Of the pixels kept and those of the part, the share that is both.
fn overlap(input: &NetworkInput, sample: &Sample) -> f64 {
    let truth = input.window.nearest(&sample.part_mask, sample.frame.width(), false);
    let pairs = || input.kept.iter().zip(&truth);
    let both = pairs().filter(|(kept, part)| **kept && **part).count();
    both as f64 / pairs().filter(|(kept, part)| **kept || **part).count().max(1) as f64
}

#[test]
fn a_fixture_is_not_taken_for_the_part_where_the_scene_says_so() {
    for part in [Part::Puck, Part::Board] {
        let sample = sample(&fixture(), part, 0);
        let middle = Crop { rectangle: Some([400, 200, 500, 400]), ..Crop::default() };
        for how in [
            scene(PartChoice::Largest, middle),
            scene(PartChoice::Centre, Crop::default()),
            scene(PartChoice::Centre, followed(110.0)),
        ] {
            let input = prepare(&sample.frame, &how).unwrap();
            assert!(overlap(&input, &sample) > 0.9, "{part:?}, {how:?}: {}", overlap(&input, &sample));
            assert!(!input.taken.touches_edge);
        }
        let found = inspector(scene(PartChoice::Largest, Crop::default())).inspect(&sample.frame).unwrap();
        assert!(overlap(&found.input, &sample) < 0.1, "{part:?}: the fixture is taken");
        assert_eq!(found.doubt, Some(Doubt::TouchesEdge));
    }
}

#[test]
fn a_doubtful_part_is_rejected_where_that_is_asked_for() {
    let frame = sample(&fixture(), Part::Puck, 1).frame;
    let mut inspector = inspector(scene(PartChoice::Largest, Crop::default()));
    assert_eq!(inspector.inspect(&frame).unwrap().outcome.reason(), None);
    inspector.reject_doubtful(true);
    let found = inspector.inspect(&frame).unwrap();
    assert_eq!(found.outcome.reason(), Some(Unscored::Doubtful(Doubt::TouchesEdge)));
    assert!(found.outcome.scores().is_none() && found.outcome.verdict() == Some(crosscheck::score::Verdict::Reject));
}

#[test]
fn without_a_part_that_is_clear_of_the_edge_there_is_none() {
    let sample = sample(&fixture(), Part::Puck, 2);
    let mut points = sample.frame.cloud().points().to_vec();
    points.iter_mut().zip(&sample.part_mask).filter(|(_, part)| **part).for_each(|(point, _)| *point = [0.0; 3]);
    let cloud = OrganisedCloud::new(1280, 720, points).unwrap();
    let frame = RgbdFrame::new(1280, 720, sample.frame.rgb().to_vec(), cloud).unwrap();
    let found = inspector(scene(PartChoice::Centre, Crop::default())).inspect(&frame).unwrap();
    assert_eq!(found.outcome.reason(), Some(Unscored::NoPart));
}

#[test]
fn a_part_looks_the_same_wherever_it_lies() {
    let lying = Surroundings { scatter_mm: [100.0, 40.0], ..wide() };
    let how = scene(PartChoice::Largest, followed(100.0));
    let inputs: Vec<(NetworkInput, Sample)> = (0..4)
        .map(|index| sample(&lying, Part::Cap, index))
        .map(|sample| (prepare(&sample.frame, &how).unwrap(), sample))
        .collect();
    let sides: Vec<usize> = inputs.iter().map(|(input, _)| input.window.side).collect();
    assert!(sides.iter().all(|side| side.abs_diff(sides[0]) <= sides[0] / 50), "{sides:?}");
    let lefts: Vec<isize> = inputs.iter().map(|(input, _)| input.window.left).collect();
    assert!(lefts.iter().max().unwrap() - lefts.iter().min().unwrap() > 100, "{lefts:?}");
    for (input, sample) in &inputs {
        assert!(overlap(input, sample) > 0.9, "{}", overlap(input, sample));
        let points = || input.cloud.iter().filter(|p| is_point(p));
        let mean = |axis: usize| points().map(|p| p[axis]).sum::<f32>() / points().count() as f32;
        // Its middle comes to the optical axis, its height over the belt stays.
        assert!(mean(0).abs() < 2e-3 && mean(1).abs() < 2e-3, "{} {}", mean(0), mean(1));
        assert!((0.48..0.5).contains(&mean(2)), "{}", mean(2));
    }
}

#[test]
fn each_of_several_parts_is_inspected_in_its_own_window() {
    let scene_of = Scene::with_surroundings(Part::Gland, 3, &wide()).unwrap();
    let parts = [scene_of.carried(0, None), scene_of.carried(1, None), scene_of.carried(2, None)];
    let places = [-120.0, 0.0, 120.0];
    let carried: Vec<_> = parts.iter().zip(places).collect();
    let frame = scene_of.along(0, &carried, 0.0);
    let mut inspector = inspector(scene(PartChoice::Each, followed(100.0)));
    let found = inspector.parts(&frame).unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    let mut lefts = Vec::new();
    for at in found {
        let inspection = inspector.inspect_part(&frame, at).unwrap();
        assert!(inspection.outcome.scores().is_some(), "{:?}", inspection.outcome);
        let [x, y] = at.unwrap();
        assert!(inspection.input.window.network_pixel(x as usize, y as usize).is_some());
        // Nothing of its neighbours.
        assert!((5_000..25_000).contains(&inspection.input.points()), "{}", inspection.input.points());
        lefts.push(inspection.input.window.left);
    }
    lefts.sort_unstable();
    assert!(lefts[1] - lefts[0] > 250 && lefts[2] - lefts[1] > 250, "{lefts:?}");
    // Where there is no part, none is judged in its place.
    assert_eq!(inspector.inspect_part(&frame, Some([100.0, 100.0])).unwrap().outcome.reason(), Some(Unscored::NoPart));
}
