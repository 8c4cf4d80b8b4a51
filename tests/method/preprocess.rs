//! One raw frame through every step of the preparation, against the inputs the published method makes of it
//! (tests/golden/README.md, `preprocess/`).

use std::path::PathBuf;

use crosscheck::dataset::{self, Reading};
use crosscheck::frame::{OrganisedCloud, RgbdFrame, is_point};
use crosscheck::prepare::{BeltMode, DEVIATION, NetworkInput, PartChoice, Preparation};
use crosscheck::shapes::P;

use crate::support::golden::Golden;

fn frame() -> RgbdFrame {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/preprocess");
    dataset::read_frame(&folder.join("rgb.png"), &folder.join("xyz.tiff"), &Reading::default()).unwrap()
}

fn unchanged() -> Preparation {
    Preparation { belt: BeltMode::None, part: PartChoice::All, ..Preparation::default() }
}

fn prepare(frame: &RgbdFrame, how: &Preparation) -> NetworkInput {
    crosscheck::prepare::prepare(frame, how).unwrap()
}

#[test]
fn resizing_equals_the_published_inputs() {
    let expected = Golden::open("preprocess/expected");
    let input = prepare(&frame(), &unchanged());
    let (mut total, want) = (0.0, expected.f32("rgb_input"));
    for (i, (got, want)) in input.rgb.iter().zip(&want).enumerate() {
        // In units of a channel that spans 0 to 1.
        let error = (got - want).abs() * DEVIATION[i / P];
        assert!(error <= 1.001 / 255.0, "pixel {i}: {got} where {want} is expected");
        total += f64::from(error);
    }
    assert!(total / want.len() as f64 <= 1e-3, "mean error {}", total / want.len() as f64);
    let axis = |a: usize| input.cloud.iter().map(move |p| p[a]);
    assert!((0..3).flat_map(axis).eq(expected.f32("xyz_input")), "the cloud differs");
}

#[test]
fn the_fitted_plane_leaves_the_part() {
    let expected = Golden::open("preprocess/expected");
    let input = prepare(&frame(), &Preparation::default());
    let pairs = input.cloud.iter().map(is_point).zip(expected.raw("object").into_iter().map(|v| v != 0));
    let (both, either) =
        pairs.fold((0, 0), |(b, e), (got, want)| (b + usize::from(got && want), e + usize::from(got || want)));
    let overlap = both as f64 / either as f64;
    assert!(overlap >= 0.97, "IoU {overlap}");
    assert!(input.taken.belt.is_some());
}

/// The frame with 20 x 20 points lifted a hand above the belt, near a corner.
fn with_stray_cluster() -> (RgbdFrame, Vec<[f32; 3]>) {
    let frame = frame();
    let (width, mut points) = (frame.width(), frame.cloud().points().to_vec());
    let mut stray = Vec::new();
    for (row, column) in (0..20).flat_map(|r| (0..20).map(move |c| (30 + r, 30 + c))) {
        let point = &mut points[row * width + column];
        point[2] -= 0.05;
        stray.push(*point);
    }
    let cloud = OrganisedCloud::new(width, frame.height(), points).unwrap();
    (RgbdFrame::new(width, frame.height(), frame.rgb().to_vec(), cloud).unwrap(), stray)
}

#[test]
fn a_stray_cluster_goes_with_largest_and_stays_with_all() {
    let (frame, stray) = with_stray_cluster();
    let kept = |part| {
        let input = prepare(&frame, &Preparation { part, ..Preparation::default() });
        stray.iter().filter(|p| is_point(p) && input.cloud.contains(p)).count()
    };
    assert_eq!(kept(PartChoice::Largest), 0);
    assert!(kept(PartChoice::All) > 20, "{} stray points stay", kept(PartChoice::All));
}
