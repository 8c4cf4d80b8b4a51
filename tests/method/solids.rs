//! The second family of procedural parts: its frames have the properties that their descriptions claim.

use crosscheck::frame::is_point;
use crosscheck::prepare::{Preparation, prepare};
use crosscheck::solids::{Defect, Part, Sample, Scene};

/// Small frames, in which the same is seen.
const SIDE: usize = 128;
/// Defects need a few pixels more.
const FINE: usize = 200;
/// The free border of 10 pixels of 400, in small frames.
const BORDER: usize = 4;

fn count(mask: &[bool]) -> usize {
    mask.iter().filter(|m| **m).count()
}

#[test]
fn the_families_have_no_name_in_common() {
    for part in Part::ALL {
        assert!(part.name().parse::<crosscheck::scene::Part>().is_err(), "{part:?}");
        assert_eq!(part.name().parse(), Ok(part));
    }
}

#[test]
fn the_same_numbers_make_the_same_frame_and_others_another() {
    for part in [Part::Bottle, Part::Clip] {
        let scene = Scene::with_side(part, 5, 64);
        let once = scene.nominal(3);
        assert_eq!(once, Scene::with_side(part, 5, 64).nominal(3), "{part:?}");
        assert_ne!(once.frame, scene.nominal(4).frame, "{part:?}");
        assert_ne!(once.frame, Scene::with_side(part, 6, 64).nominal(3).frame, "{part:?}");
        let defective = scene.defective(3, Defect::ForeignBody);
        assert_eq!(defective, Scene::with_side(part, 5, 64).defective(3, Defect::ForeignBody), "{part:?}");
    }
}

fn is_whole_and_prepared(parts: &[Part]) {
    for part in parts {
        let sample = Scene::with_side(*part, 2, SIDE).nominal(1);
        assert_eq!((sample.defect, count(&sample.ground_truth)), (None, 0));
        let near_edge = |p: &usize| [p % SIDE, p / SIDE].iter().any(|at| *at < BORDER || *at >= SIDE - BORDER);
        assert!((0..SIDE * SIDE).filter(near_edge).all(|p| !sample.part_mask[p]), "{part:?} is cut");
        let input = prepare(&sample.frame, &Preparation::default()).unwrap();
        assert!(input.taken.belt.is_some(), "{part:?} lies on nothing");
        // Of the network's pixels with a point, those that show the part.
        let on_part = (0..SIDE * SIDE).filter(|p| sample.part_mask[*p]);
        let shown: std::collections::BTreeSet<usize> =
            on_part.filter_map(|p| input.window.network_pixel(p % SIDE, p / SIDE)).collect();
        let with_point = shown.iter().filter(|p| is_point(&input.cloud[**p])).count();
        // A small frame's pixel is shown by several of the network's; one of them is counted.
        assert!(with_point > 1_500, "{part:?}: {with_point} of {}", shown.len());
        assert!(with_point as f64 > 0.5 * shown.len() as f64, "{part:?}: {with_point} of {}", shown.len());
    }
}

#[test]
fn small_parts_are_whole_and_preparation_leaves_them() {
    is_whole_and_prepared(&[Part::Microswitch, Part::Clip, Part::Bracket, Part::Flange]);
}

#[test]
fn large_parts_are_whole_and_preparation_leaves_them() {
    is_whole_and_prepared(&[Part::Casting, Part::Bottle, Part::Panel, Part::Insole]);
}

/// Mean absolute difference of colour, display values, and of depth, millimetres, where both have points, over the
/// pixels of `mask`.
fn differences(a: &Sample, b: &Sample, mask: &[bool]) -> (f64, f64) {
    let pixels: Vec<usize> = (0..mask.len()).filter(|p| mask[*p]).collect();
    let [colours_a, colours_b] = [a, b].map(|sample| sample.frame.rgb().as_chunks::<3>().0);
    let colour = |p: &usize| (0..3).map(|c| f64::from(colours_a[*p][c].abs_diff(colours_b[*p][c]))).sum::<f64>() / 3.0;
    let [points_a, points_b] = [a, b].map(|sample| sample.frame.cloud().points());
    let both = pixels.iter().filter(|p| is_point(&points_a[**p]) && is_point(&points_b[**p]));
    let depths: Vec<f64> = both.map(|p| 1e3 * f64::from((points_a[*p][2] - points_b[*p][2]).abs())).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    (mean(&pixels.iter().map(colour).collect::<Vec<f64>>()), mean(&depths))
}

/// The good and the defective sample, the mean change of colour and of depth where the truth is, and how many pixels that
/// are. Elsewhere little differs: shadows and light that a changed shape throws.
fn changed(part: Part, defect: Defect) -> (Sample, Sample, (f64, f64)) {
    let scene = Scene::with_side(part, 7, FINE);
    let (good, bad) = (scene.nominal(11), scene.defective(11, defect));
    let name = format!("{part:?} {defect:?}");
    assert_eq!(bad.defect, Some(defect));
    assert!(count(&bad.ground_truth) >= 30, "{name}: {} pixels", count(&bad.ground_truth));
    let elsewhere: Vec<bool> = bad.ground_truth.iter().map(|truth| !truth).collect();
    let (colour, depth) = differences(&good, &bad, &elsewhere);
    assert!(colour < 0.6 && depth < 0.15, "{name} elsewhere: {colour} {depth}");
    let change = differences(&good, &bad, &bad.ground_truth);
    (good, bad, change)
}

fn on_part(good: &Sample, bad: &Sample) -> f64 {
    let both = bad.ground_truth.iter().zip(&good.part_mask).filter(|(truth, part)| **truth && **part).count();
    both as f64 / count(&bad.ground_truth) as f64
}

#[test]
fn defects_of_colour_change_colour_only() {
    for (part, defect, least) in [
        (Part::Bottle, Defect::WrongColour, 8.0),
        (Part::Panel, Defect::Contamination, 4.0),
        (Part::Bracket, Defect::Scratch, 5.0),
    ] {
        let (good, bad, (colour, depth)) = changed(part, defect);
        assert!(colour > least && depth < 0.3, "{part:?} {defect:?}: {colour} {depth}");
        assert_eq!(on_part(&good, &bad), 1.0, "{part:?} {defect:?}");
    }
}

#[test]
fn defects_of_shape_change_depth() {
    for (part, defect) in [(Part::Panel, Defect::Dent), (Part::Bottle, Defect::Bump), (Part::Clip, Defect::Warp)] {
        let (good, bad, (_, depth)) = changed(part, defect);
        let noise_mm = differences(&good, &Scene::with_side(part, 7, FINE).nominal(11), &bad.ground_truth).1;
        assert_eq!(noise_mm, 0.0);
        let least_mm = if part == Part::Panel { 1.0 } else { 0.1 };
        assert!(depth > least_mm, "{part:?} {defect:?}: {depth}");
        assert!(on_part(&good, &bad) > 0.8, "{part:?} {defect:?}");
    }
}

#[test]
fn material_that_goes_leaves_less_of_the_part_and_material_that_comes_more() {
    let (good, bad, _) = changed(Part::Clip, Defect::MissingMaterial);
    assert!(count(&bad.part_mask) < count(&good.part_mask));
    assert!(on_part(&good, &bad) > 0.9);
    for (part, defect) in [(Part::Clip, Defect::Burr), (Part::Microswitch, Defect::ForeignBody)] {
        let (good, bad, _) = changed(part, defect);
        let mark: Vec<usize> = (0..FINE * FINE).filter(|p| bad.ground_truth[*p]).collect();
        let points = |sample: &Sample, p: usize| sample.frame.cloud().points()[p][2];
        let higher = mark.iter().filter(|p| points(&bad, **p) > 0.0 && points(&bad, **p) < points(&good, **p)).count();
        assert!(3 * higher > mark.len(), "{part:?} {defect:?}: {higher} of {}", mark.len());
    }
}

#[test]
fn features_go_and_move() {
    for (part, defect) in [
        (Part::Bracket, Defect::MissingFeature),
        (Part::Panel, Defect::Misplaced),
        (Part::Microswitch, Defect::Misplaced),
    ] {
        let (good, bad, _) = changed(part, defect);
        // Where a hole was, the part is seen now.
        let beside = (0..FINE * FINE).filter(|p| bad.ground_truth[*p] && !good.part_mask[*p] && !bad.part_mask[*p]);
        assert_eq!(beside.count(), 0, "{part:?} {defect:?}");
    }
    let (_, bad, _) = changed(Part::Casting, Defect::Crack);
    assert!(count(&bad.ground_truth) < 2_000);
}
