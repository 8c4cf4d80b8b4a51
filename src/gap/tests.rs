//! The check on parts whose outlines are made by hand.

use super::learner::PLACED_FRAMES_MIN;
use super::*;
use crate::frame::Region;
use crate::model::Tensor;
use crate::model::engine_file::GapLimits;
use crate::prepare::NetworkInput;
use crate::shapes::{P, W};

/// Metres from a pixel to the next.
const PITCH_M: [f32; 2] = [0.5e-3, 0.4e-3];
/// Square millimetres of a pixel.
const PIXEL_MM2: f32 = 0.2;
const MIDDLE: [f32; 2] = [112.0, 112.0];

/// A part that has the pixels `[x, y]` for which `is_part` is true.
fn part(is_part: impl Fn([f32; 2]) -> bool) -> NetworkInput {
    let kept: Vec<bool> = (0..P).map(|i| is_part([(i % W) as f32, (i / W) as f32])).collect();
    let point = |(i, kept): (usize, &bool)| {
        let [x, y] = [(i % W) as f32 * PITCH_M[0], (i / W) as f32 * PITCH_M[1]];
        if *kept { [x - 0.05, y - 0.05, 0.5] } else { [0.0; 3] }
    };
    let cloud = kept.iter().enumerate().map(point).collect();
    NetworkInput { kept, cloud, ..NetworkInput::default() }
}

/// Distance and angle of a pixel about a place.
fn polar([x, y]: [f32; 2], [mx, my]: [f32; 2]) -> (f32, f32) {
    ((x - mx).hypot(y - my), (y - my).atan2(x - mx))
}

fn is_in_disc(at: [f32; 2], middle: [f32; 2], radius: f32) -> bool {
    polar(at, middle).0 <= radius
}

fn is_in_box([x, y]: [f32; 2], [left, top, width, height]: [f32; 4]) -> bool {
    (left..left + width).contains(&x) && (top..top + height).contains(&y)
}

fn turned([x, y]: [f32; 2], angle: f32) -> [f32; 2] {
    let ((dx, dy), (sin, cos)) = ((x - MIDDLE[0], y - MIDDLE[1]), angle.sin_cos());
    [MIDDLE[0] + cos * dx - sin * dy, MIDDLE[1] + sin * dx + cos * dy]
}

fn learnt(parts: impl IntoIterator<Item = NetworkInput>) -> GapModel {
    let mut learner = GapLearner::default();
    parts.into_iter().for_each(|part| learner.add(&part));
    learner.finish().unwrap()
}

/// Measures a part by a check that was learnt, and the network pixels in areas beyond a limit.
fn found(model: &GapModel, part: &NetworkInput) -> (Gap, Vec<usize>) {
    let mut scratch = GapScratch::default();
    let gap = GapCheck::new(model).measure(part, &mut scratch);
    (gap, scratch.beyond().pixels().collect())
}

/// As many parts as the check by place needs, each shifted a little.
fn shifted(is_part: impl Fn([f32; 2]) -> bool) -> Vec<NetworkInput> {
    let shift = |i: usize| [(i % 3) as f32 - 1.0, (i / 3 % 3) as f32 - 1.0];
    let shifted = |i| part(|[x, y]| is_part([x - shift(i)[0], y - shift(i)[1]]));
    (0..2 * PLACED_FRAMES_MIN).map(shifted).collect()
}

fn is_disc(at: [f32; 2]) -> bool {
    is_in_disc(at, MIDDLE, 60.0)
}

#[test]
fn a_hole_in_a_disc_is_found_with_its_place_and_area() {
    let model = learnt(shifted(is_disc));
    assert_eq!(Measure::LargestGap.limit(&model.limits), 8);
    assert!(found(&model, &part(is_disc)) == (found(&model, &part(is_disc)).0, Vec::new()));
    let (gap, beyond) = found(&model, &part(|at| is_disc(at) && !is_in_box(at, [100.0, 90.0, 10.0, 20.0])));
    // Without its rim it has 8 x 18 pixels, where 8 pass.
    assert_eq!((gap.ratio, gap.pixels), (18.0, 200));
    assert_eq!(gap.bounds, Some(Region { x: 100, y: 90, width: 10, height: 20 }));
    assert!((gap.area_mm2.unwrap() - 200.0 * PIXEL_MM2).abs() < 0.1, "{gap:?}");
    assert_eq!(gap.to_string(), "a gap of 40 mm2 that good parts do not have");
    let hole = |i: &usize| is_in_box([(i % W) as f32, (i / W) as f32], [100.0, 90.0, 10.0, 20.0]);
    assert!(beyond.len() == 200 && beyond.iter().all(hole));
}

#[test]
fn a_hole_wider_than_the_closing_s_disc_is_found_without_places() {
    let model = learnt([part(is_disc)]);
    assert_eq!(model.places, Places::default());
    let (gap, beyond) = found(&model, &part(|at| is_disc(at) && !is_in_disc(at, MIDDLE, 30.0)));
    assert!(gap.measure == Measure::Holes && gap.ratio > 100.0, "{gap:?}");
    assert!((2700..2950).contains(&gap.pixels) && (2700..2950).contains(&beyond.len()), "{gap:?}");
}

#[test]
fn single_missing_points_are_no_gap() {
    let model = learnt(shifted(is_disc));
    let mut random = fastrand::Rng::with_seed(3);
    let mut speckled = part(is_disc);
    speckled.kept.iter_mut().for_each(|kept| *kept &= random.u8(..) > 8);
    let (gap, beyond) = found(&model, &speckled);
    assert!(gap.ratio == 0.0 && gap.bounds.is_none() && beyond.is_empty(), "{gap:?}");
}

#[test]
fn a_slot_that_belongs_there_passes_and_one_beside_it_does_not() {
    let slot = [96.0, 100.0, 20.0, 30.0];
    let is_part = |at| is_disc(at) && !is_in_box(at, slot);
    let model = learnt(shifted(is_part));
    assert!(found(&model, &part(is_part)).0.ratio <= 1.0);
    let (gap, _) = found(&model, &part(|at| is_part(at) && !is_in_box(at, [130.0, 100.0, 8.0, 30.0])));
    assert!(gap.ratio > 10.0 && gap.bounds.unwrap().x == 130, "{gap:?}");
    let (gap, beyond) = found(&model, &part(is_disc));
    assert!(gap.measure == Measure::Excess && gap.ratio > 1.0 && !beyond.is_empty(), "{gap:?}");
    assert!(gap.to_string().ends_with("of material where good parts have none"), "{gap}");
}

/// Eight teeth, as wide as the gaps between them.
fn is_gear(at: [f32; 2], angle: f32) -> bool {
    let (distance, own) = polar(at, MIDDLE);
    distance <= if (8.0 * (own - angle)).cos() > 0.0 { 70.0 } else { 55.0 }
}

#[test]
fn a_gear_passes_turned_by_any_angle_and_with_a_hole_does_not() {
    let model = learnt((0..16).map(|i| part(|at| is_gear(at, 0.37 * i as f32))));
    for angle in [0.11, 0.4, 0.7, 0.98] {
        assert!(found(&model, &part(|at| is_gear(at, angle))).0.ratio <= 1.0, "turned by {angle}");
        let (gap, _) = found(&model, &part(|at| is_gear(at, angle) && !is_in_disc(at, [90.0, 100.0], 9.0)));
        assert!(gap.ratio > 1.0, "turned by {angle}: {gap:?}");
    }
}

#[test]
fn a_tooth_that_is_lost_is_missing_where_gears_lie_alike() {
    let model = learnt(shifted(|at| is_gear(at, 0.0)));
    let is_tooth = |at| polar(at, MIDDLE).1.abs() < 0.2 && polar(at, MIDDLE).0 > 55.0;
    let (gap, _) = found(&model, &part(|at| is_gear(at, 0.0) && !is_tooth(at)));
    assert!(gap.measure == Measure::Missing && gap.ratio > 2.0 && gap.bounds.unwrap().x > 160, "{gap:?}");
}

#[test]
fn parts_that_lie_too_differently_have_no_places_but_their_gaps_are_found() {
    let is_bar = |at, angle| is_in_box(turned(at, angle), [42.0, 102.0, 140.0, 20.0]);
    let model = learnt((0..PLACED_FRAMES_MIN).map(|i| part(|at| is_bar(at, 2.4 * i as f32))));
    assert!(model.places.never == Default::default(), "each bar's ends stick out from all others");
    for angle in [0.2, 1.0] {
        assert!(found(&model, &part(|at| is_bar(at, angle))).0.ratio <= 1.0, "turned by {angle}");
        let (gap, _) = found(&model, &part(|at| is_bar(at, angle) && !is_in_disc(at, MIDDLE, 7.0)));
        assert!(gap.ratio > 1.0, "turned by {angle}: {gap:?}");
    }
}

#[test]
fn a_part_at_the_frame_s_edge_has_no_gap_there() {
    let at_edge = |at| is_in_disc(at, [0.0, 112.0], 60.0) || is_in_disc(at, [223.0, 223.0], 50.0);
    let model = learnt([part(at_edge)]);
    assert_eq!(model.limits, GapLimits { frames: 1, ..learnt([part(|_| false)]).limits });
    let (gap, _) = found(&model, &part(|at| at_edge(at) && !is_in_box(at, [5.0, 100.0, 8.0, 8.0])));
    assert!(gap.ratio > 1.0 && gap.bounds == Some(Region { x: 5, y: 100, width: 8, height: 8 }), "{gap:?}");
}

#[test]
fn frames_without_and_full_of_points_are_measured() {
    assert_eq!(GapLearner::default().finish(), None);
    let (none, all) = (part(|_| false), part(|_| true));
    let disc = learnt(shifted(is_disc));
    let (gap, _) = found(&disc, &none);
    assert!(gap.measure == Measure::Missing && gap.area_mm2.is_none(), "{gap:?}");
    assert!(gap.to_string().contains("network pixels"), "{gap}");
    assert_eq!(found(&disc, &all).0.measure, Measure::Excess);
    let full = learnt((0..PLACED_FRAMES_MIN).map(|_| part(|_| true)));
    assert_eq!(found(&full, &all).0.ratio, 0.0);
    // At the very edge nothing encloses it, and the place tells.
    let (gap, _) = found(&full, &part(|at| !is_in_box(at, [180.0, 80.0, 44.0, 60.0])));
    assert!(gap.measure == Measure::Missing && gap.ratio > 100.0, "{gap:?}");
}

#[test]
fn limits_are_the_largest_areas_of_good_parts_and_a_margin() {
    let hole = |side: f32| part(move |at| is_disc(at) && !is_in_box(at, [100.0, 100.0, side, side]));
    let two =
        part(|at| is_disc(at) && !is_in_box(at, [100.0, 100.0, 6.0, 6.0]) && !is_in_box(at, [120.0, 100.0, 9.0, 9.0]));
    let limits = learnt([hole(0.0), hole(10.0), two]).limits;
    // Areas lose a pixel on each side: 8 x 8, and 4 x 4 with 7 x 7. Three standard deviations of 0, 64 and 49 are 82, of
    // 0, 64 and 65 they are 91.
    let pixels = [64 + 82, 65 + 91, 65 + 91, 8, 8];
    assert_eq!(Measure::ALL.map(|measure| measure.limit(&limits)), pixels);
    assert_eq!(limits.frames, 3);
    let (at_limit, above) = (found(&learnt([hole(10.0)]), &hole(10.0)).0, found(&learnt([hole(10.0)]), &hole(11.0)).0);
    assert!(at_limit.ratio < 1.0 && above.ratio > 1.0, "{at_limit:?} {above:?}");
}

#[test]
fn one_frame_among_others_widens_no_place_where_it_alone_is() {
    // A flash on one of the parts: it is left out against the others, so there is no set of places without points.
    let mut parts = shifted(is_disc);
    parts[3] = part(|at| is_disc(at) || is_in_box(at, [160.0, 100.0, 40.0, 20.0]));
    let model = learnt(parts);
    assert!(model.places.never == Default::default() && model.places.always != Default::default());
    assert_eq!(Measure::Excess.limit(&model.limits), 8);
}

#[test]
fn frames_beyond_those_that_are_left_out_count_for_places() {
    let mut learner = GapLearner::leaving_out(4);
    // Each second, then each fourth is kept: of the frames with a hole only the last, which is not.
    let holed = part(|at| is_disc(at) && !is_in_box(at, [100.0, 100.0, 10.0, 10.0]));
    let whole = part(is_disc);
    (0..12).for_each(|i| learner.add(if i == 11 { &holed } else { &whole }));
    let model = learner.finish().unwrap();
    assert_eq!((model.limits.frames, Measure::LargestGap.limit(&model.limits)), (12, 8));
    let pixels = whole.kept.iter().filter(|kept| **kept).count();
    assert_eq!(model.places.always.count() + 100, pixels);
}

#[test]
fn places_come_back_from_their_tensor_and_damage_is_refused() {
    let places = learnt(shifted(is_disc)).places;
    let tensor = places.to_tensor();
    assert_eq!(Places::from_tensor(&tensor), Ok(places.clone()));
    assert_eq!(Places::from_tensor(&Tensor::F32(tensor.to_f32().into_owned())), Ok(places));
    let values = tensor.into_f32();
    assert_eq!(values.len(), 12_544);
    let with = |value: f32| {
        let mut values = values.clone();
        values[77] = value;
        Places::from_tensor(&Tensor::F32(values))
    };
    for value in [-1.0, 256.0, 0.5, f32::INFINITY] {
        assert_eq!(with(value), Err(GapError::Value(value)));
    }
    assert!(matches!(with(f32::NAN), Err(GapError::Value(_))));
    let short = Places::from_tensor(&Tensor::F32(values[1..].to_vec()));
    assert!(matches!(short, Err(GapError::Length { found: 12_543, expected: 12_544 })));
}
