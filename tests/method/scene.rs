//! The procedural station: its frames have the properties that their descriptions claim.

use crosscheck::frame::{RgbdFrame, is_point};
use crosscheck::prepare::belt::Fitter;
use crosscheck::prepare::components::{Components, Wanted};
use crosscheck::prepare::plane::is_background;
use crosscheck::prepare::point_grid::PointGrid;
use crosscheck::prepare::{Preparation, prepare};
use crosscheck::scene::{Defect, Part, SIDE, Sample, Scene, Surroundings, SurroundingsError};
use crosscheck::shapes::P;
use sha2::{Digest, Sha256};

fn share(mask: &[bool]) -> f64 {
    mask.iter().filter(|m| **m).count() as f64 / mask.len() as f64
}

/// Mean absolute difference of colour (display values) and of depth (millimetres) where both frames have points,
/// over the pixels of `mask`.
fn differences(a: &Sample, b: &Sample, mask: &[bool]) -> (f64, f64) {
    let pixels: Vec<usize> = (0..SIDE * SIDE).filter(|p| mask[*p]).collect();
    let (colours_a, colours_b) = (a.frame.rgb().as_chunks::<3>().0, b.frame.rgb().as_chunks::<3>().0);
    let colour = |p: &usize| (0..3).map(|c| f64::from(colours_a[*p][c].abs_diff(colours_b[*p][c]))).sum::<f64>() / 3.0;
    let points = |sample: &Sample, p: usize| sample.frame.cloud().points()[p];
    let both = pixels.iter().filter(|p| is_point(&points(a, **p)) && is_point(&points(b, **p)));
    let depths: Vec<f64> = both.map(|p| 1e3 * f64::from((points(a, *p)[2] - points(b, *p)[2]).abs())).collect();
    let mean_depth = if depths.is_empty() { 0.0 } else { depths.iter().sum::<f64>() / depths.len() as f64 };
    (pixels.iter().map(colour).sum::<f64>() / pixels.len() as f64, mean_depth)
}

#[test]
fn the_same_numbers_make_the_same_frame_and_others_another() {
    for part in Part::ALL {
        let scene = Scene::new(part, 5);
        let once = scene.nominal(3);
        assert_eq!(once, Scene::new(part, 5).nominal(3), "{part:?}");
        assert_ne!(once.frame, scene.nominal(4).frame, "{part:?}");
        assert_ne!(once.frame, Scene::new(part, 6).nominal(3).frame, "{part:?}");
        let defective = scene.defective(3, Defect::Mismatch);
        assert_eq!(defective, Scene::new(part, 5).defective(3, Defect::Mismatch), "{part:?}");
    }
}

#[test]
fn a_part_fills_the_frame_as_the_method_needs() {
    for part in Part::ALL {
        let sample = Scene::new(part, 1).nominal(0);
        let on_part = share(&sample.part_mask);
        assert!((0.15..0.4).contains(&on_part), "{part:?}: {on_part}");
        assert_eq!(sample.defect, None);
        assert_eq!(share(&sample.ground_truth), 0.0);
        let missing = 1.0 - sample.frame.cloud().valid_count() as f64 / (SIDE * SIDE) as f64;
        assert!((0.003..0.08).contains(&missing), "{part:?}: {missing} without a point");
    }
}

#[test]
fn preparation_leaves_the_part() {
    for part in Part::ALL {
        let sample = Scene::new(part, 2).nominal(0);
        let left = prepare(&sample.frame, &Preparation::default()).unwrap().points() as f64 / P as f64;
        let on_part = share(&sample.part_mask);
        // The rim goes with the belt: its last half millimetre or so is within the plane's band.
        assert!((0.85 * on_part..1.02 * on_part).contains(&left), "{part:?}: {left} of {on_part}");
    }
}

#[test]
fn a_defect_changes_what_it_says_there_and_nothing_elsewhere() {
    for part in Part::ALL {
        let scene = Scene::new(part, 7);
        for defect in Defect::ALL {
            let (good, bad) = (scene.nominal(11), scene.defective(11, defect));
            let name = format!("{part:?} {defect:?}");
            let here = share(&bad.ground_truth);
            assert!((0.0005..0.05).contains(&here), "{name}: {here}");
            let on_part = bad.ground_truth.iter().zip(&good.part_mask).filter(|(truth, _)| **truth);
            assert!(on_part.clone().filter(|(_, part)| **part).count() >= on_part.count() * 9 / 10, "{name}");
            // Shading reaches a pixel or two further than what is changed.
            let far: Vec<bool> = (0..SIDE * SIDE).map(|p| !near(&bad.ground_truth, p, 6)).collect();
            let (colour, depth) = differences(&good, &bad, &far);
            assert!(colour < 0.2 && depth < 0.02, "{name} elsewhere: {colour} {depth}");
            let (colour, depth) = differences(&good, &bad, &bad.ground_truth);
            match defect {
                Defect::Colour => assert!(colour > 15.0 && depth < 0.4, "{name}: {colour} {depth}"),
                Defect::Shape => assert!(colour < 15.0 && depth > 0.5, "{name}: {colour} {depth}"),
                Defect::Mismatch => assert!(colour > 10.0 || depth > 0.5, "{name}: {colour} {depth}"),
                Defect::MissingMaterial => {
                    let gone = (0..SIDE * SIDE).filter(|p| good.part_mask[*p] && !bad.part_mask[*p]).count();
                    assert!(gone > 80, "{name}: {gone}");
                }
                Defect::ForeignBody => assert!(depth > 0.5, "{name}: {colour} {depth}"),
            }
        }
    }
}

/// Whether a marked pixel lies within `distance` pixels along both axes.
fn near(mask: &[bool], pixel: usize, distance: usize) -> bool {
    let (u, v) = (pixel % SIDE, pixel / SIDE);
    let rows = v.saturating_sub(distance)..(v + distance + 1).min(SIDE);
    let columns = u.saturating_sub(distance)..(u + distance + 1).min(SIDE);
    rows.into_iter().any(|v| mask[v * SIDE + columns.start..v * SIDE + columns.end].contains(&true))
}

/// SHA-256 of all that is in the samples and of a frame with two parts.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn fingerprint() -> String {
    let mut hasher = Sha256::new();
    let mut of_frame = |frame: &RgbdFrame| {
        hasher.update(frame.rgb());
        frame.cloud().points().iter().flatten().for_each(|v| hasher.update(v.to_le_bytes()));
    };
    let mut masks = Vec::new();
    for (part, seed) in [(Part::Puck, 3), (Part::Biscuit, 4), (Part::Board, 9)] {
        let scene = Scene::new(part, seed);
        for sample in
            [scene.nominal(2), scene.defective(5, Defect::Mismatch), scene.defective(6, Defect::MissingMaterial)]
        {
            of_frame(&sample.frame);
            masks.extend(sample.ground_truth.iter().chain(&sample.part_mask).map(|m| u8::from(*m)));
        }
        let parts = [scene.carried(7, None), scene.carried(8, Some(Defect::ForeignBody))];
        of_frame(&scene.along(9, &[(&parts[0], 55.0), (&parts[1], -60.0)], 31.5));
    }
    hasher.update(&masks);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Datasets and figures were made of these frames. Other systems' mathematical libraries round the last bit otherwise.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn frames_on_a_bare_belt_stay_what_they_were() {
    assert_eq!(fingerprint(), "07669bdd1c8f5a50ae53f02f5469bf3219e281e8464d5b230224825e207b858f");
}

const LARGE: [usize; 2] = [1280, 720];

fn sized([width, height]: [usize; 2]) -> Surroundings {
    Surroundings { width, height, ..Surroundings::default() }
}

/// The largest component above the belt, `[height, width]`.
fn largest(sample: &Sample) -> Vec<bool> {
    let (points, width) = (sample.frame.cloud().points(), sample.frame.width());
    let plane = Fitter::default().fit(PointGrid::whole(points, width), 0).unwrap().plane;
    let mut components = Components::default();
    components.find(points, width, |point| is_point(point) && !is_background(point, &plane));
    let choice = components.choose(Wanted::Largest).unwrap();
    (0..points.len()).map(|pixel| components.has(&choice, pixel)).collect()
}

/// Of marked pixels: first and last column, first and last row.
fn bounds(mask: &[bool], width: usize) -> [usize; 4] {
    mask.iter()
        .enumerate()
        .filter(|(_, marked)| **marked)
        .fold([usize::MAX, 0, usize::MAX, 0], |[a, b, c, d], (p, _)| {
            [a.min(p % width), b.max(p % width), c.min(p / width), d.max(p / width)]
        })
}

#[test]
fn a_large_frame_shows_the_same_part_in_its_middle() {
    let ([width, height], surroundings) = (LARGE, Surroundings { fixture: true, ..sized(LARGE) }.with_black_belt());
    for part in [Part::Board, Part::Gland] {
        let small = Scene::new(part, 3).defective(1, Defect::Colour);
        let large = Scene::with_surroundings(part, 3, &surroundings).unwrap().defective(1, Defect::Colour);
        let middle = |mask: &[bool]| {
            let rows = mask.chunks(width).skip((height - SIDE) / 2).take(SIDE);
            rows.flat_map(|row| row[(width - SIDE) / 2..][..SIDE].to_vec()).collect::<Vec<bool>>()
        };
        assert_eq!((large.frame.width(), large.frame.height()), (width, height));
        assert!(middle(&large.part_mask) == small.part_mask, "{part:?}");
        assert!(middle(&large.ground_truth) == small.ground_truth, "{part:?}");
        let on_part = share(&large.part_mask);
        assert!((0.03..0.05).contains(&on_part), "{part:?}: {on_part}");
    }
}

/// The least frame of a width in which a fixture stands, as the error says.
fn least(width: usize) -> [usize; 2] {
    match Scene::with_surroundings(Part::Puck, 0, &Surroundings { fixture: true, ..sized([width, 64]) }) {
        Err(SurroundingsError::Fixture { height_min, .. }) => [width, height_min],
        _ => panic!("a fixture of {width} x 64 pixels was drawn"),
    }
}

#[test]
fn a_fixture_is_larger_than_the_part_and_apart_from_it_at_the_edge() {
    for (seed, part) in (0..).zip(Part::ALL) {
        for (size, scatter_mm) in [(LARGE, [60.0, 20.0]), (least(SIDE), [0.0; 2]), (least(800), [0.0; 2])] {
            let name = format!("{part:?} {size:?}");
            let surroundings = Surroundings { fixture: true, scatter_mm, ..sized(size) };
            let scene = Scene::with_surroundings(part, seed, &surroundings).unwrap();
            let [sample, other] = [0, 1].map(|index| scene.nominal(index));
            let [fixture, again] = [&sample, &other].map(largest);
            let points = sample.frame.cloud().points();
            let on_part = (0..points.len()).filter(|p| sample.part_mask[*p] && is_point(&points[*p])).count();
            let on_fixture = fixture.iter().filter(|f| **f).count();
            assert!(on_fixture as f64 > 1.1 * on_part as f64, "{name}: {on_fixture} and {on_part} points");
            assert!(fixture.iter().zip(&sample.part_mask).all(|(fixture, part)| !(fixture & part)), "{name}");
            let [left, right, top, bottom] = bounds(&fixture, size[0]);
            assert!((top == 0) != (bottom == size[1] - 1), "{name}: rows {top} to {bottom}");
            assert!(left > 0 && right < size[0] - 1, "{name}: columns {left} to {right}");
            // Noise and lost points differ, the block does not.
            let both = fixture.iter().zip(&again).filter(|(a, b)| **a && **b).count();
            assert!(both as f64 > 0.85 * on_fixture as f64, "{name}: {both} of {on_fixture}");
        }
    }
}

#[test]
fn a_black_belt_has_few_points_and_the_part_keeps_its_own() {
    let sample = Scene::with_surroundings(Part::Cap, 2, &sized([640, 480]).with_black_belt()).unwrap().nominal(0);
    let (points, colours) = (sample.frame.cloud().points(), sample.frame.rgb().as_chunks::<3>().0);
    let with_point = |on_part: bool| {
        let pixels: Vec<usize> = (0..points.len()).filter(|p| sample.part_mask[*p] == on_part).collect();
        pixels.iter().filter(|p| is_point(&points[**p])).count() as f64 / pixels.len() as f64
    };
    let (belt, part) = (with_point(false), with_point(true));
    assert!((0.045..0.055).contains(&belt) && part > 0.9, "{belt} of the belt, {part} of the part");
    let brightest = (0..points.len()).filter(|p| !sample.part_mask[*p]).flat_map(|p| colours[p]).max();
    assert!(brightest.is_some_and(|value| value < 40), "{brightest:?}");
}

#[test]
fn scattered_parts_lie_elsewhere_and_wholly_inside_the_frame() {
    for (size, scatter_mm) in [([SIDE; 2], [4.0, 4.0]), (LARGE, [125.0, 40.0])] {
        let surroundings = Surroundings { scatter_mm, ..sized(size) };
        let mut reached = [0.0f64; 2];
        for (seed, part) in (0..).zip(Part::ALL) {
            let scene = Scene::with_surroundings(part, seed, &surroundings).unwrap();
            for sample in [scene.nominal(0), scene.nominal(1), scene.defective(2, Defect::Shape)] {
                let [left, right, top, bottom] = bounds(&sample.part_mask, size[0]);
                let inside = left > 0 && right < size[0] - 1 && top > 0 && bottom < size[1] - 1;
                assert!(inside, "{part:?} {size:?}: {left} to {right}, {top} to {bottom}");
                for (i, (from, to)) in [(left, right), (top, bottom)].into_iter().enumerate() {
                    reached[i] = reached[i].max((0.5 * (from + to) as f64 - 0.5 * size[i] as f64).abs() / 3.0);
                }
            }
        }
        assert!((0..2).all(|i| reached[i] > 0.6 * f64::from(scatter_mm[i])), "{reached:?} of {scatter_mm:?}");
    }
}

#[test]
fn surroundings_that_cannot_be_are_refused() {
    let bare = Surroundings::default();
    for (surroundings, words) in [
        (sized([63, 400]), "frames of 63 x 400 pixels cannot be drawn: sides of 64 to 4096 are expected"),
        (sized([400, 4097]), "frames of 400 x 4097"),
        (Surroundings { scatter_mm: [9.0, 0.0], ..bare }, "a scatter of 9 mm along the belt cannot be: 0 to 4"),
        (Surroundings { scatter_mm: [0.0, -1.0], ..bare }, "a scatter of -1 mm across the belt"),
        (Surroundings { scatter_mm: [f32::NAN, 0.0], ..bare }, "a scatter of NaN mm"),
        (Surroundings { fixture: true, ..bare }, "frames of this width need a height of at least 8"),
        (Surroundings { belt_points_share: 1.5, ..bare }, "the share of points of the belt is 1.5 where 0 to 1"),
        (Surroundings { belt_albedo: Some(-0.1), ..bare }, "the albedo of the belt is -0.1 where 0 to 1"),
    ] {
        let Err(error) = Scene::with_surroundings(Part::Puck, 0, &surroundings) else { panic!("{words}") };
        assert!(error.to_string().contains(words), "{error} where {words} is expected");
    }
}
