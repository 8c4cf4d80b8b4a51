//! Point clouds on which grouping and interpolation go wrong easily.

use crosscheck::shapes::{H, P, W};
use fastrand::Rng;

pub type Point = [f32; 3];

/// The point that a camera half a metre above a gently curved part sees at a pixel.
pub fn surface(pixel: usize) -> Point {
    let (x, y) = ((pixel % W) as f32 * 0.001 - 0.112, (pixel / W) as f32 * 0.001 - 0.112);
    [x, y, 0.5 + 0.1 * (x * x - x * y) + 0.004 * (40.0 * y).sin()]
}

fn cloud(point: impl FnMut(usize) -> Option<Point>) -> Vec<Point> {
    (0..P).map(point).map(|p| p.unwrap_or_default()).collect()
}

/// A part in the middle, a little noisy.
pub fn disc(radius: usize, seed: u64) -> Vec<Point> {
    let mut random = Rng::with_seed(seed);
    cloud(|p| {
        let inside = (p / W).abs_diff(H / 2).pow(2) + (p % W).abs_diff(W / 2).pow(2) <= radius * radius;
        inside.then(|| surface(p).map(|v| v + (random.f32() - 0.5) * 5e-4))
    })
}

pub fn full() -> Vec<Point> {
    cloud(|p| Some(surface(p)))
}

pub fn empty() -> Vec<Point> {
    cloud(|_| None)
}

pub fn one_point() -> Vec<Point> {
    cloud(|p| (p == 7 * W + 3).then(|| surface(p)))
}

/// The four corners, and pixels that no window joins.
pub fn isolated() -> Vec<Point> {
    let corner = |p: usize| (p / W).is_multiple_of(H - 1) && (p % W).is_multiple_of(W - 1);
    cloud(|p| (corner(p) || (p / W) % 9 == 4 && (p % W) % 9 == 4).then(|| surface(p)))
}

/// Coordinates that f32 holds exactly, so that distances tie everywhere.
pub fn lattice() -> Vec<Point> {
    let at = |i: usize| (i / 4) as f32 / 64.0;
    cloud(|p| ((p / W) < 90 && (p % W) % 3 != 1).then(|| [at(p % W), at(p / W), 1.0]))
}

/// A handful of places, many points on each.
pub fn duplicates(seed: u64) -> Vec<Point> {
    let mut random = Rng::with_seed(seed);
    let places: Vec<Point> = (0..5).map(|_| surface(random.usize(..P))).collect();
    cloud(|_| (random.f32() < 0.05).then(|| places[random.usize(..places.len())]))
}

/// A dome with fine ripples that covers `share` of the image.
fn dome(share: f32) -> Vec<Point> {
    let radius = (share * P as f32 / std::f32::consts::PI).sqrt();
    cloud(|p| {
        let (x, y) = ((p % W) as f32 - 112.0, (p / W) as f32 - 112.0);
        let height = 1.0 - x.hypot(y) / radius;
        (height > 0.0 || share >= 1.0).then(|| [x * 5e-4, y * 5e-4, 0.4 - 0.02 * height + 5e-4 * (0.4 * x).sin()])
    })
}

/// A flat square of points `step` apart.
fn square(step: f32) -> Vec<Point> {
    let inside = |at: usize| (52..173).contains(&at);
    cloud(|p| (inside(p % W) && inside(p / W)).then_some([(p % W) as f32 * step, (p / W) as f32 * step, 0.4]))
}

/// Points side by side, at distances that f32 holds.
fn line() -> Vec<Point> {
    cloud(|p| (p < 15_000).then(|| [p as f32 / 4096.0, 0.0, 1.0]))
}

/// Clouds, and the most rounds that the GPU's sampler may take for a thousand of their points. On every pixel: four blocks
/// of the sampler; the others: one.
pub fn sampled() -> [(&'static str, Vec<Point>, i32); 8] {
    [
        ("a dome", dome(0.3), 160),
        ("a noisy disc", disc(69, 6), 160),
        ("a dome on every pixel", dome(1.0), 160),
        ("a flat square", square(5e-4), 450),
        ("a flat square whose distances tie", square(1.0 / 1024.0), 700),
        ("a line whose distances tie", line(), 800),
        ("duplicates", duplicates(4), 40),
        ("a small noisy disc", disc(40, 7), 160),
    ]
}

pub fn all() -> Vec<(&'static str, Vec<Point>)> {
    vec![
        ("no point", empty()),
        ("one point", one_point()),
        ("isolated points", isolated()),
        ("a lattice", lattice()),
        ("duplicates", duplicates(4)),
        ("a disc", disc(30, 5)),
    ]
}

/// Its points, row-major.
pub fn points(cloud: &[Point]) -> Vec<Point> {
    cloud.iter().copied().filter(|p| *p != [0.0; 3]).collect()
}
