//! One imager of a camera: its size, focal lengths, principal point and distortion, and the ray of every pixel.

use serde::{Deserialize, Serialize};

use super::distortion::Distortion;
use crate::frame::SIDE_MAX;

/// Pixels of an image that tables are made for: 16 megapixels take 200 MB.
const PIXELS_MAX: usize = 1 << 24;
/// Focal lengths in widths of the image: views of 136 and of 2 degrees.
const FOCAL_MIN: f64 = 0.2;
const FOCAL_MAX: f64 = 30.0;
/// A coefficient beyond this is no coefficient.
const COEFFICIENT_MAX: f64 = 1e3;
/// How far from the middle a principal point may be, in half sides.
const OFF_CENTRE_MAX: f64 = 0.4;

/// An imager.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lens {
    /// Pixels.
    pub width: usize,
    pub height: usize,
    /// Focal lengths, pixels.
    pub fx: f64,
    pub fy: f64,
    /// The principal point; the middle of the upper left pixel is (0, 0).
    pub cx: f64,
    pub cy: f64,
    #[serde(default)]
    pub distortion: Distortion,
    /// k1, k2, p1, p2, k3.
    #[serde(default)]
    pub coefficients: [f64; 5],
}

impl Lens {
    /// Where a point is drawn, pixels.
    pub fn project(&self, [x, y, z]: [f64; 3]) -> [f64; 2] {
        let [x, y] = self.distortion.distort(self.coefficients, [x / z, y / z]);
        [x * self.fx + self.cx, y * self.fy + self.cy]
    }

    /// The point of depth 1 that is drawn at (u, v); none where the distortion has no inverse.
    pub fn ray(&self, u: f64, v: f64) -> Option<[f64; 2]> {
        let drawn = [(u - self.cx) / self.fx, (v - self.cy) / self.fy];
        self.distortion.undistort(self.coefficients, drawn)
    }

    /// Rays of a grid of `width` x `height` whose first is at (`first`, `first`), row-major; NaN where there is none.
    pub(super) fn rays(&self, width: usize, height: usize, first: f64) -> Vec<[f32; 2]> {
        let at = |i: usize| self.ray((i % width) as f64 + first, (i / width) as f64 + first);
        (0..width * height).map(|i| at(i).map_or([f32::NAN; 2], |ray| ray.map(|v| v as f32))).collect()
    }

    /// What is wrong with the section `[node]`.
    pub(super) fn check(&self, node: &str, problems: &mut Vec<String>) {
        let Self { width, height, fx, fy, cx, cy, .. } = *self;
        let sides = 1..=SIDE_MAX;
        if !(sides.contains(&width) && sides.contains(&height) && width * height <= PIXELS_MAX) {
            problems.push(format!(
                "[{node}] is {width} x {height} where 1 to {SIDE_MAX} pixels a side and {PIXELS_MAX} in all are expected"
            ));
            return;
        }
        for (name, focal, side) in [("fx", fx, width), ("fy", fy, height)] {
            let (least, most) = (FOCAL_MIN * side as f64, FOCAL_MAX * side as f64);
            if !(least..=most).contains(&focal) {
                problems.push(format!(
                    "[{node}] {name} is {focal} where {least} to {most} pixels are expected for {side} pixels: it is in pixels of this size"
                ));
            }
        }
        if !(0.5..=2.0).contains(&(fx / fy)) {
            problems.push(format!("[{node}] fx is {fx} and fy is {fy} where two numbers near each other are expected"));
        }
        if !(0.0..=OFF_CENTRE_MAX).contains(&self.off_centre(width, height)) {
            problems.push(format!(
                "[{node}] cx, cy is ({cx}, {cy}), far from the middle of {width} x {height}: these are the intrinsics of another resolution"
            ));
        }
        self.check_distortion(node, problems);
    }

    fn check_distortion(&self, node: &str, problems: &mut Vec<String>) {
        if self.coefficients.iter().any(|c| !(-COEFFICIENT_MAX..=COEFFICIENT_MAX).contains(c)) {
            problems
                .push(format!("[{node}] coefficients are {:?} where small numbers are expected", self.coefficients));
        } else if self.distortion == Distortion::None && self.coefficients != [0.0; 5] {
            problems.push(format!(
                "[{node}] has coefficients but no distortion: name the model, such as \"brown_conrady\""
            ));
        } else if problems.is_empty() {
            let quarter = [self.width as f64 * 0.25, self.height as f64 * 0.25];
            if self.ray(quarter[0], quarter[1]).is_none() {
                problems.push(format!(
                    "[{node}] distortion cannot be inverted half-way to a corner: coefficients are k1, k2, p1, p2, k3 in this order"
                ));
            }
        }
    }

    /// How far the principal point is from the middle of an image of `width` x `height`, in half sides.
    pub(super) fn off_centre(&self, width: usize, height: usize) -> f64 {
        let off = |at: f64, side: usize| (2.0 * at / side as f64 - 1.0).abs();
        // NaN is kept: it is off.
        let (x, y) = (off(self.cx, width), off(self.cy, height));
        if x > y || x.is_nan() { x } else { y }
    }
}
