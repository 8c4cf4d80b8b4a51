//! From tokens and groups to a feature of every pixel (section 3.1).

use crosscheck::shapes::{H, P, T_SIDE, W};

use super::Rows;
use super::grouping::nearest;

/// Side of the 3 x 3 mean's output, which has no padding.
const INNER: usize = H - 2;

/// tokens `[T, C]` -> `[P, C]`: bilinear with align_corners = false.
pub fn rgb_features(tokens: &Rows) -> Rows {
    (0..P).map(|p| rgb_feature(tokens, p)).collect()
}

/// The same at one pixel.
pub fn rgb_feature(tokens: &Rows, pixel: usize) -> Vec<f64> {
    let source = |i: usize| {
        let at = ((i as f64 + 0.5) * T_SIDE as f64 / W as f64 - 0.5).max(0.0);
        (at.floor() as usize, (at.floor() as usize + 1).min(T_SIDE - 1), at - at.floor())
    };
    let ((top, bottom, down), (left, right, across)) = (source(pixel / W), source(pixel % W));
    let token = |row: usize, column: usize, c: usize| tokens[row * T_SIDE + column][c];
    let value = |c: usize| {
        (1.0 - down) * ((1.0 - across) * token(top, left, c) + across * token(top, right, c))
            + down * ((1.0 - across) * token(bottom, left, c) + across * token(bottom, right, c))
    };
    (0..tokens[0].len()).map(value).collect()
}

/// groups `[G, C]` -> `[P, C]`: each point's three nearest centres, 3 x 3 mean, adaptive mean back to H x W.
pub fn xyz_features(groups: &Rows, centres: &[[f32; 3]], cloud: &[[f32; 3]], channels: usize) -> Rows {
    let scattered: Rows = (0..P).map(|p| scatter(groups, centres, cloud[p], channels)).collect();
    let smoothed: Rows = (0..INNER * INNER).map(|i| mean_3x3(i, |p| scattered[p].clone())).collect();
    (0..P).map(|p| adaptive_mean(p, |i| smoothed[i].clone())).collect()
}

/// The same at one pixel, where a map of every pixel would be too large.
pub fn xyz_feature(groups: &Rows, centres: &[[f32; 3]], cloud: &[[f32; 3]], pixel: usize) -> Vec<f64> {
    adaptive_mean(pixel, |i| mean_3x3(i, |p| scatter(groups, centres, cloud[p], groups[0].len())))
}

fn scatter(groups: &Rows, centres: &[[f32; 3]], point: [f32; 3], channels: usize) -> Vec<f64> {
    if point == [0.0; 3] { vec![0.0; channels] } else { of_point(groups, centres, point) }
}

/// Element `i` of the 3 x 3 mean without padding.
fn mean_3x3(i: usize, scattered: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let (top, left) = (i / INNER, i % INNER);
    mean((top..top + 3).flat_map(|y| (left..left + 3).map(move |x| y * W + x)).map(scattered))
}

/// Element `i` of an adaptive mean from n to m covers floor(i n / m) .. ceil((i + 1) n / m).
fn adaptive_mean(pixel: usize, smoothed: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let window = |i: usize| i * INNER / H..((i + 1) * INNER).div_ceil(H);
    mean(window(pixel / W).flat_map(|y| window(pixel % W).map(move |x| y * INNER + x)).map(smoothed))
}

/// The sum of the three nearest centres' features, weighted by 1 / (d^2 + 1e-8) over the weights' sum.
fn of_point(groups: &Rows, centres: &[[f32; 3]], point: [f32; 3]) -> Vec<f64> {
    let three = nearest(centres, point, 3);
    let squared = |centre: [f32; 3]| (0..3).map(|i| (f64::from(point[i]) - f64::from(centre[i])).powi(2)).sum::<f64>();
    let closeness: Vec<f64> = three.iter().map(|&i| 1.0 / (squared(centres[i]) + 1e-8)).collect();
    let total: f64 = closeness.iter().sum();
    let mut feature = vec![0.0; groups[0].len()];
    for (&i, weight) in three.iter().zip(&closeness) {
        feature.iter_mut().zip(&groups[i]).for_each(|(f, g)| *f += weight / total * g);
    }
    feature
}

fn mean(mut features: impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
    let mut sum = features.next().unwrap();
    let mut count = 1.0;
    for feature in features {
        sum.iter_mut().zip(feature).for_each(|(s, v)| *s += v);
        count += 1.0;
    }
    sum.iter_mut().for_each(|s| *s /= count);
    sum
}
