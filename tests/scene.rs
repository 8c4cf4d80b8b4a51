//! The procedural station: what its frames are said to be, they are.

use crosscheck::frame::is_point;
use crosscheck::prepare::{Preparation, prepare};
use crosscheck::scene::{Defect, Part, SIDE, Sample, Scene};
use crosscheck::shapes::P;

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
        let left = prepare(&sample.frame, &Preparation::default()).points() as f64 / P as f64;
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
