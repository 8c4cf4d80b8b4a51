//! A made part, without a belt around it: a disc with a ring groove and a two-coloured face, 224 x 224.

use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::shapes::{P, W};

/// Metres between neighbouring points of the part, and from the belt it would lie on to the camera.
pub const SPACING: f32 = 6e-4;
pub const DISTANCE: f32 = 0.45;
/// Pixels from the middle to the part's rim.
pub const RADIUS: f32 = 62.0;

#[derive(Clone, Copy, PartialEq)]
pub enum Defect {
    Stain,
    Dent,
}

/// Pixel `p` from the middle of the frame.
fn from_middle(p: usize) -> (f32, f32) {
    ((p % W) as f32 - 111.5, (p / W) as f32 - 111.5)
}

/// 1 in the middle of where a defect is, 0 away from it.
fn near(x: f32, y: f32) -> f32 {
    (-((x + 22.0).powi(2) + (y + 18.0).powi(2)) / 30.0).exp()
}

/// A part moved and jittered by `seed`; `defect` at its upper left.
pub fn frame(seed: u64, defect: Option<Defect>) -> RgbdFrame {
    let mut random = fastrand::Rng::with_seed(seed);
    let shift = [random.f32() - 0.5, random.f32() - 0.5].map(|v| 2.0 * v);
    let (mut points, mut rgb) = (Vec::with_capacity(P), Vec::with_capacity(3 * P));
    for p in 0..P {
        let (u, v) = from_middle(p);
        let (x, y) = (u - shift[0], v - shift[1]);
        let near = near(x, y);
        let from_axis = x.hypot(y);
        let groove = 1.5e-3 * (-(from_axis - 38.0).powi(2) / 20.0).exp();
        let dent = if defect == Some(Defect::Dent) { 2.5e-3 * near } else { 0.0 };
        let depth = DISTANCE - 0.01 + groove + dent + 1e-4 * (random.f32() - 0.5);
        let inside = from_axis < RADIUS;
        let point = [u * SPACING, v * SPACING, 1.0].map(|v| v * depth);
        points.push(if inside { [point[0] / DISTANCE, point[1] / DISTANCE, depth] } else { [0.0; 3] });
        let face = if from_axis < 38.0 { [180.0, 170.0, 150.0] } else { [70.0, 90.0, 140.0] };
        let stain = if defect == Some(Defect::Stain) && near > 0.4 { [60.0, -50.0, -60.0] } else { [0.0; 3] };
        let colour = if inside { face } else { [40.0; 3] };
        let seen = |i: usize| colour[i] + if inside { stain[i] } else { 0.0 } + 4.0 * (random.f32() - 0.5);
        rgb.extend([0, 1, 2].map(seen).map(|v| v as u8));
    }
    let cloud = OrganisedCloud::new(W, W, points).expect("a network frame");
    RgbdFrame::new(W, W, rgb, cloud).expect("a network frame")
}

/// Where a defect is marked, `[H, W]`.
pub fn truth() -> Vec<bool> {
    (0..P).map(from_middle).map(|(x, y)| near(x, y) > 0.4).collect()
}
