//! The field's metrics against values computed in float64 (tests/golden/README.md, `metrics`).

use crosscheck::evaluate::curves::{AUPRO_LIMITS, Labelled, Pixels, ProCurve, auroc};

use crate::support::golden::Golden;

const SIDE: usize = 64;

#[test]
fn all_six_figures() {
    let golden = Golden::open("metrics");
    let (maps, labels) = (golden.f32("maps"), golden.raw("labels"));
    let truth: Vec<bool> = golden.raw("ground_truth").iter().map(|v| *v != 0).collect();
    let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-6, "{got} where {want} is expected");

    let image_scores = maps.chunks(SIDE * SIDE).map(|map| map.iter().fold(0.0f32, |m, v| m.max(*v)));
    let images: Vec<(f32, bool)> = image_scores.zip(labels.iter().map(|l| *l != 0)).collect();
    near(auroc(&images).unwrap(), golden.f64("image_auroc")[0]);
    let pixels: Vec<(f32, bool)> = maps.iter().copied().zip(truth.iter().copied()).collect();
    near(auroc(&pixels).unwrap(), golden.f64("pixel_auroc")[0]);

    let labelled = maps.chunks(SIDE * SIDE).zip(truth.chunks(SIDE * SIDE));
    let of_pixels = Pixels::of(labelled.map(|(map, truth)| Labelled { map, truth, width: SIDE }));
    near(of_pixels.auroc().unwrap(), golden.f64("pixel_auroc")[0]);
    let curve = ProCurve::of(&of_pixels).unwrap();
    for (limit, want) in AUPRO_LIMITS.into_iter().zip(golden.f64("aupro_30_10_05_01")) {
        near(curve.area(limit), want);
    }
}
