//! Planes that are belts, and planes that are none.

use crosscheck::backend::Choice;
use crosscheck::bench;
use crosscheck::frame::{OrganisedCloud, RgbdFrame, is_point};
use crosscheck::inspect::{Inspector, Unscored};
use crosscheck::model::engine_file::Engine;
use crosscheck::prepare::{Preparation, prepare};
use crosscheck::scene::{Part, Scene};

use super::{frame, tote};

fn inspector() -> Inspector {
    let engine = bench::with_mappings(Engine::built_in().unwrap());
    Inspector::on_machine(Choice::Cpu, engine, Default::default()).unwrap()
}

#[test]
fn a_border_in_one_line_of_sight_does_not_hide_the_belt() {
    let input = prepare(&frame("sightline"), &Preparation::default()).unwrap();
    let belt = input.taken.belt.unwrap();
    assert!((belt.plane.towards_camera().offset_m - 0.5).abs() < 1e-3, "{belt:?}");
    let valid = inspector().inspect(&frame("sightline")).unwrap().valid_pixels();
    assert!(valid.abs_diff(4440) < 4440 / 50, "{valid} valid pixels");
}

#[test]
fn a_tote_has_its_floor_for_a_belt_or_none() {
    let frame = tote();
    let nearest = frame.cloud().points().iter().filter(|p| is_point(p)).map(|p| p[2]).fold(f32::INFINITY, f32::min);
    let input = prepare(&frame, &Preparation::default()).unwrap();
    let depth = input.taken.belt.map(|belt| -belt.plane.offset_m / belt.plane.normal[2]);
    assert!(depth.is_none_or(|depth| depth > nearest && depth > 0.5), "{depth:?}, nearest {nearest}");
}

/// A part without its belt, as preprocessed data have it, with `stray` points in the border.
fn without_belt(index: u64, stray: usize) -> RgbdFrame {
    let sample = Scene::new(Part::Blister, 5).nominal(index);
    let (width, height) = (sample.frame.width(), sample.frame.height());
    let mut points = sample.frame.cloud().points().to_vec();
    points.iter_mut().zip(&sample.part_mask).filter(|(_, part)| !**part).for_each(|(point, _)| *point = [0.0; 3]);
    let mut random = fastrand::Rng::with_seed(index);
    for _ in 0..stray {
        let (x, y) =
            (random.usize(..width), if random.bool() { random.usize(..10) } else { height - 1 - random.usize(..10) });
        let z = 0.3 + 0.4 * random.f32();
        points[y * width + x] = [(x as f32 - 200.0) / 1300.0 * z, (y as f32 - 200.0) / 1300.0 * z, z];
    }
    let cloud = OrganisedCloud::new(width, height, points).unwrap();
    RgbdFrame::new(width, height, sample.frame.rgb().to_vec(), cloud).unwrap()
}

#[test]
fn stray_points_in_the_border_change_no_verdict() {
    let mut inspector = inspector();
    for index in 0..2 {
        let clean = inspector.inspect(&without_belt(index, 0)).unwrap();
        assert!(clean.input.taken.belt.is_none() && clean.outcome.scores().is_some());
        for stray in [1, 3, 20, 100] {
            let found = inspector.inspect(&without_belt(index, stray)).unwrap();
            assert_eq!(found.outcome.scores(), clean.outcome.scores(), "{stray} stray points");
        }
    }
}

#[test]
fn a_frame_without_a_point_is_a_reject_with_its_reason() {
    let blank = OrganisedCloud::new(300, 200, vec![[0.0; 3]; 60_000]).unwrap();
    let blank = RgbdFrame::new(300, 200, vec![90; 180_000], blank).unwrap();
    let found = inspector().inspect(&blank).unwrap();
    assert_eq!(found.outcome.reason(), Some(Unscored::NoPoints));
    assert_eq!(found.outcome.verdict(), Some(crosscheck::score::Verdict::Reject));
}
