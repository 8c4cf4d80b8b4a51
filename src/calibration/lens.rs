//! One imager of a camera: its size, focal lengths, principal point and distortion, and the ray of every pixel.

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::distortion::{Coefficients, Distortion, PLAIN};
use crate::frame::{PIXELS_MAX, SIDE_MAX};

/// Focal lengths in widths of the image: views of 136 and of 2 degrees.
const FOCAL_MIN: f64 = 0.2;
const FOCAL_MAX: f64 = 30.0;
/// The largest coefficient that is accepted; a rational model's may be larger, since numerator and denominator grow
/// alike.
const COEFFICIENT_MAX: f64 = 1e3;
const RATIONAL_MAX: f64 = 1e5;
/// Columns and rows of pixels at which a rational model is inverted as a test.
const TRIED: usize = 33;
/// Points are considered up to this multiple of the distance of the farthest corner: tangential terms may move them
/// into the picture.
const REACH: f64 = 1.05;
/// How far from the middle a principal point may be, in half sides.
const OFF_CENTRE_MAX: f64 = 0.4;

/// An imager.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lens {
    /// Pixels.
    pub width: usize,
    /// Pixels of a column.
    pub height: usize,
    /// Focal lengths, pixels.
    pub fx: f64,
    /// Focal length along y, pixels.
    pub fy: f64,
    /// The principal point; the middle of the upper left pixel is (0, 0).
    pub cx: f64,
    /// Row of the optical axis, pixels.
    pub cy: f64,
    /// How the lens bends rays.
    #[serde(default)]
    pub distortion: Distortion,
    /// k1, k2, p1, p2, k3; in a file five numbers, or eight with k4, k5, k6 of the rational model.
    #[serde(default, deserialize_with = "read_coefficients", serialize_with = "write_coefficients")]
    pub coefficients: Coefficients,
}

impl Lens {
    /// Where a point is drawn, pixels.
    pub fn project(&self, [x, y, z]: [f64; 3]) -> [f64; 2] {
        let [x, y] = self.distortion.distort(self.coefficients, [x / z, y / z]);
        [x * self.fx + self.cx, y * self.fy + self.cy]
    }

    /// The point of depth 1 that is drawn at (u, v); none where the distortion has no inverse.
    pub fn ray(&self, u: f64, v: f64) -> Option<[f64; 2]> {
        self.ray_within(self.radius_max(), u, v)
    }

    /// Does the same for many pixels, given [`Self::radius_max`], which takes a while to compute.
    fn ray_within(&self, radius_max: f64, u: f64, v: f64) -> Option<[f64; 2]> {
        let drawn = [(u - self.cx) / self.fx, (v - self.cy) / self.fy];
        self.distortion.undistort_within(self.coefficients, radius_max, drawn)
    }

    /// Rays of a grid of `width` x `height` whose first is at (`first`, `first`), row-major; NaN where there is none.
    pub(super) fn rays(&self, width: usize, height: usize, first: f64) -> Vec<[f32; 2]> {
        let radius_max = self.radius_max();
        let at = |i: usize| self.ray_within(radius_max, (i % width) as f64 + first, (i / width) as f64 + first);
        (0..width * height).map(|i| at(i).map_or([f32::NAN; 2], |ray| ray.map(|v| v as f32))).collect()
    }

    /// Adds what is wrong with the section `[node]` to `problems`.
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
        let rational = self.distortion == Distortion::Rational;
        let most = if rational { RATIONAL_MAX } else { COEFFICIENT_MAX };
        let without_denominator = self.coefficients[PLAIN..] == [0.0; 3];
        if self.coefficients.iter().any(|c| !(-most..=most).contains(c)) {
            problems.push(format!("[{node}] coefficients are {:?} where small numbers are expected", self.written()));
        } else if self.distortion == Distortion::None && self.coefficients != Coefficients::default() {
            problems.push(format!(
                "[{node}] has coefficients but no distortion: name the model, such as \"brown_conrady\""
            ));
        } else if !rational && !without_denominator {
            problems.push(format!(
                "[{node}] has eight coefficients where its distortion has five: the model of eight is \"rational\""
            ));
        } else if rational && without_denominator {
            problems.push(format!(
                "[{node}] distortion is \"rational\", which has eight coefficients, but k4, k5, k6 are 0 or left out: without them it is \"brown_conrady\""
            ));
        } else if problems.is_empty() {
            let names = if rational { "k1, k2, p1, p2, k3, k4, k5, k6" } else { "k1, k2, p1, p2, k3" };
            let quarter = [self.width as f64 * 0.25, self.height as f64 * 0.25];
            if self.ray(quarter[0], quarter[1]).is_none() {
                problems.push(format!(
                    "[{node}] distortion cannot be inverted half-way to a corner: coefficients are {names} in this order"
                ));
            } else if let Some([u, v]) = self.without_inverse() {
                problems.push(format!(
                    "[{node}] distortion cannot be inverted at the pixel ({u:.0}, {v:.0}): coefficients are {names} in this order, and were found with a board that reached there"
                ));
            }
        }
    }

    /// A pixel at which a rational model has no inverse, of those in the ellipse that touches the image's sides: beyond
    /// where the model folds back or has a pole, or where the iteration does not get there. Nearer to the corners, which
    /// calibrations of real cameras miss, rays are missing, as other models' are.
    fn without_inverse(&self) -> Option<[f64; 2]> {
        if self.distortion != Distortion::Rational {
            return None;
        }
        let radius_max = self.radius_max();
        let along = |i: usize| 2.0 * i as f64 / (TRIED - 1) as f64 - 1.0;
        let tried = (0..TRIED * TRIED).map(|i| [along(i % TRIED), along(i / TRIED)]);
        let inside = tried.filter(|[x, y]| x * x + y * y <= 1.0);
        let pixel = |at: f64, side: usize| (at + 1.0) / 2.0 * (side as f64 - 1.0);
        let mut pixels = inside.map(|[x, y]| [pixel(x, self.width), pixel(y, self.height)]);
        pixels.find(|[u, v]| self.ray_within(radius_max, *u, *v).is_none())
    }

    /// How far the furthest corner is from the principal point, in focal lengths.
    fn reach(&self) -> f64 {
        let far = |at: f64, side: usize| (at + 0.5).max(side as f64 - 0.5 - at);
        (far(self.cx, self.width) / self.fx).hypot(far(self.cy, self.height) / self.fy)
    }

    /// The distance from the axis, over its depth, up to which a point may be in the picture. Beyond it, a rational
    /// model may draw points that the lens does not see into the picture.
    pub(super) fn radius_max(&self) -> f64 {
        let within = self.distortion.radius_of(self.coefficients, REACH * self.reach());
        within.unwrap_or_else(|end| end)
    }

    /// The coefficients as a file has them.
    fn written(&self) -> &[f64] {
        written(&self.coefficients)
    }

    /// How far the principal point is from the middle of an image of `width` x `height`, in half sides.
    pub(super) fn off_centre(&self, width: usize, height: usize) -> f64 {
        let off = |at: f64, side: usize| (2.0 * at / side as f64 - 1.0).abs();
        // NaN is kept: it is off.
        let (x, y) = (off(self.cx, width), off(self.cy, height));
        if x > y || x.is_nan() { x } else { y }
    }
}

/// Five numbers, or eight where one of the last three is not 0.
fn written(coefficients: &Coefficients) -> &[f64] {
    if coefficients[PLAIN..] == [0.0; 3] { &coefficients[..PLAIN] } else { coefficients }
}

fn write_coefficients<S: Serializer>(coefficients: &Coefficients, serializer: S) -> Result<S::Ok, S::Error> {
    written(coefficients).serialize(serializer)
}

fn read_coefficients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Coefficients, D::Error> {
    struct FiveOrEight;

    impl<'de> Visitor<'de> for FiveOrEight {
        type Value = Coefficients;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("k1, k2, p1, p2, k3, and k4, k5, k6 for a rational model: five numbers or eight")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Coefficients, A::Error> {
            let (mut coefficients, mut count) = (Coefficients::default(), 0);
            while let Some(number) = numbers.next_element()? {
                if let Some(place) = coefficients.get_mut(count) {
                    *place = number;
                }
                count += 1;
            }
            let known = [PLAIN, coefficients.len()].contains(&count);
            if known { Ok(coefficients) } else { Err(Error::invalid_length(count, &self)) }
        }
    }

    deserializer.deserialize_seq(FiveOrEight)
}
