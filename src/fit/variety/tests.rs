use std::sync::LazyLock;

use super::*;
use crate::frame::is_point;
use crate::prepare::crop::Crop;
use crate::prepare::{BeltMode, NetworkInput, PartChoice, Preparation, prepare};
use crate::scene::{Part, Scene};

const SEED: u64 = 5;

/// Drawn once for all tests.
static FRAME: LazyLock<RgbdFrame> = LazyLock::new(|| Scene::new(Part::ALL[0], 3).nominal(0).frame);

fn place(frame: &RgbdFrame, how: &Preparation) -> (Place, NetworkInput) {
    let input = prepare(frame, how).unwrap();
    (Place::of(frame, &input, how.part).unwrap(), input)
}

fn copy(number: usize) -> CopyOf<'static> {
    CopyOf { seed: SEED, fingerprint: "0123", part: 0, number, attempt: 0 }
}

/// The mean height of the part over a plane, metres.
fn height_m(input: &NetworkInput, plane: &Plane) -> f32 {
    let heights: Vec<f32> = input.cloud.iter().filter(|p| is_point(p)).map(|p| plane.distance(p)).collect();
    heights.iter().sum::<f32>() / heights.len() as f32
}

/// Prepares a copy: its part is as large as the original's, lies where it is said to, and is as high over the belt, whether
/// that is fitted to the copy or the original's.
fn check(original: &RgbdFrame, made: &FrameCopy) {
    let fit = Preparation::default();
    let (_, before) = place(original, &fit);
    let belt = before.taken.belt.unwrap().plane;
    let fixed = Preparation { belt: BeltMode::Fixed(belt), ..fit.clone() };
    for how in [fit, fixed] {
        let (at, after) = place(&made.frame, &how);
        let points = [&before, &after].map(|input| input.points() as f32);
        assert!((points[1] / points[0] - 1.0).abs() < 0.03, "{points:?} with {how:?}");
        let heights = [height_m(&before, &belt), height_m(&after, &after.taken.belt.unwrap().plane)];
        assert!((heights[1] - heights[0]).abs() < 2e-4, "{heights:?} with {how:?}");
        let off = (at.middle[0] - made.middle[0]).hypot(at.middle[1] - made.middle[1]);
        assert!(off < 1.5, "{off} pixels with {how:?}");
        assert!(after.taken.belt.unwrap().support.border_share > 0.9, "{how:?}");
    }
}

#[test]
fn a_shifted_part_lies_elsewhere_on_the_same_belt() {
    let frame = &*FRAME;
    let (place, _) = place(frame, &Preparation::default());
    let mut far = 0.0_f32;
    for number in 0..2 {
        let made = shifted(frame, &place, copy(number));
        let by = [0, 1].map(|axis| made.middle[axis] - place.middle[axis]);
        assert!(by.iter().all(|by| by.abs() <= 10.0), "{by:?}");
        far = far.max(by[0].hypot(by[1]));
        check(frame, &made);
        // A pixel within, and one that the edge is repeated in.
        let colour = |frame: &RgbdFrame, x: isize, y: isize| f32::from(frame.rgb()[(y * 400 + x) as usize * 3]);
        let (dx, dy) = (by[0].round() as isize, by[1].round() as isize);
        let mean = |frame: &RgbdFrame, dx: isize, dy: isize| {
            (180..220).map(|i| colour(frame, i + dx, i + dy)).sum::<f32>() / 40.0
        };
        let ratio = mean(&made.frame, dx, dy) / mean(frame, 0, 0);
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
    }
    assert!(far > 2.0);
}

#[test]
fn a_turned_part_lies_at_another_angle_on_the_same_belt() {
    let frame = &*FRAME;
    let (place, _) = place(frame, &Preparation::default());
    let made = turned(frame, &place, copy(1), 6).unwrap();
    check(frame, &made);
    // Each point lies near where its pixel sees it: what is higher or lower than the part's middle is seen elsewhere.
    let points = made.frame.cloud().points().iter().enumerate().filter(|(_, p)| is_point(p));
    let off = points.map(|(i, p)| {
        let [x, y] = place.pinhole.pixel(*p);
        (x - (i % 400) as f32).hypot(y - (i / 400) as f32)
    });
    let mut off: Vec<f32> = off.collect();
    off.sort_unstable_by(f32::total_cmp);
    let (median, most) = (off[off.len() / 2], off[off.len() - 1]);
    assert!(median < 3.0 && most < 12.0, "{median} {most}");
}

#[test]
fn a_copy_is_the_same_whenever_it_is_made_and_no_two_are_alike() {
    let frame = &*FRAME;
    let (place, _) = place(frame, &Preparation::default());
    let first = shifted(frame, &place, copy(0));
    assert_eq!(shifted(frame, &place, copy(0)).frame, first.frame);
    for other in [
        copy(1),
        CopyOf { seed: SEED + 1, ..copy(0) },
        CopyOf { fingerprint: "4567", ..copy(0) },
        CopyOf { attempt: 1, ..copy(0) },
    ] {
        assert_ne!(shifted(frame, &place, other).frame, first.frame, "{other:?}");
    }
}

#[test]
fn a_part_stays_within_the_crop_and_one_that_is_cut_stays_in_its_place() {
    let frame = &*FRAME;
    let (whole, _) = place(frame, &Preparation::default());
    let crop = |x: usize| {
        let crop = Crop { rectangle: Some([x, 0, 400 - x, 400]), ..Crop::default() };
        Preparation { crop, ..Preparation::default() }
    };
    let left = whole.middle[0] as usize;
    let (cut, _) = place(frame, &crop(left));
    assert!(!cut.is_whole && cut.room == [[0; 2]; 2], "{cut:?}");
    assert!(turned(frame, &cut, copy(0), 6).is_none());
    assert_eq!(shifted(frame, &cut, copy(0)).middle, cut.middle);
    let everything = Preparation { belt: BeltMode::None, part: PartChoice::Everything, ..Preparation::default() };
    let (all, _) = place(frame, &everything);
    assert!(all.is_whole && all.room == [[isize::MAX; 2]; 2] && all.level.normal == [0.0, 0.0, -1.0]);
}

#[test]
fn what_is_seen_from_the_side_is_not_turned() {
    let frame = &*FRAME;
    let (mut place, _) = place(frame, &Preparation::default());
    let (sin, cos) = 25.0_f32.to_radians().sin_cos();
    place.level.normal = [sin, 0.0, -cos];
    assert!(turned(frame, &place, copy(0), 6).is_none());
}
