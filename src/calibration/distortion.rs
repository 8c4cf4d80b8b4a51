//! How a lens bends the picture, as librealsense defines it (`rs2_distortion` and the projections of `rsutil.h`).
//!
//! With (x, y) a point over its depth, r2 = x^2 + y^2, f = 1 + k1 r2 + k2 r2^2 + k3 r2^3 and the coefficients
//! k1, k2, p1, p2, k3:
//!
//! ```text
//! Brown-Conrady           x' = f x + 2 p1 x y + p2 (r2 + 2 x^2)
//!                         y' = f y + 2 p2 x y + p1 (r2 + 2 y^2)
//! modified Brown-Conrady  the same, with f x and f y for x and y in the terms of p1 and p2
//! ```
//!
//! Brown-Conrady is OpenCV's model of five coefficients and ROS's `plumb_bob`. What librealsense calls inverse
//! Brown-Conrady is projected by it as the modified one, and inverted by iteration: the two draw the same picture.

use std::ops::{Add, Mul};

use serde::{Deserialize, Serialize};

/// Steps of the iteration that inverts a model. It gains a digit or more with each where a lens can be inverted.
const STEPS_MAX: usize = 100;
/// An inverse that is this near, in units of the focal length: a thousandth of a thousandth of a pixel.
const NEAR: f64 = 1e-10;
/// An inverse further off than this is none.
const FAR: f64 = 1e-7;

/// A model of distortion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distortion {
    #[default]
    None,
    BrownConrady,
    ModifiedBrownConrady,
    InverseBrownConrady,
}

/// Which model is meant, once for a whole picture.
#[derive(Clone, Copy, Debug)]
pub enum Tangential {
    None,
    /// The terms of p1 and p2 take the point.
    Plain,
    /// They take the point after the radial terms.
    AfterRadial,
}

impl Distortion {
    pub fn tangential(self) -> Tangential {
        match self {
            Self::None => Tangential::None,
            Self::BrownConrady => Tangential::Plain,
            Self::ModifiedBrownConrady | Self::InverseBrownConrady => Tangential::AfterRadial,
        }
    }

    /// Where a point over its depth is drawn.
    pub fn distort(self, coefficients: [f64; 5], point: [f64; 2]) -> [f64; 2] {
        match self.tangential() {
            Tangential::None => point,
            Tangential::Plain => bend::<_, false>(coefficients, point),
            Tangential::AfterRadial => bend::<_, true>(coefficients, point),
        }
    }

    /// The point over its depth that is drawn at `drawn`; none where the model has no inverse there.
    pub fn undistort(self, coefficients: [f64; 5], drawn: [f64; 2]) -> Option<[f64; 2]> {
        if self == Self::None {
            return Some(drawn);
        }
        let mut point = drawn;
        for _ in 0..STEPS_MAX {
            let (bent, radial) = (self.distort(coefficients, point), radial(coefficients, point));
            // What is no scaling is taken from where the point is drawn, and the rest scaled back.
            let next = [0, 1].map(|i| (drawn[i] - (bent[i] - radial * point[i])) / radial);
            let moved = (next[0] - point[0]).abs().max((next[1] - point[1]).abs());
            point = next;
            if moved < NEAR {
                break;
            }
        }
        let [x, y] = self.distort(coefficients, point);
        let found = (x - drawn[0]).abs() < FAR && (y - drawn[1]).abs() < FAR;
        (found && radial(coefficients, point) > 0.0).then_some(point)
    }
}

#[inline(always)]
fn radial<T: Copy + Add<Output = T> + Mul<Output = T> + From<f32>>([k1, k2, _, _, k3]: [T; 5], [x, y]: [T; 2]) -> T {
    let r2 = x * x + y * y;
    T::from(1.0) + r2 * (k1 + r2 * (k2 + r2 * k3))
}

/// Brown-Conrady, modified where `MODIFIED`.
#[inline(always)]
pub fn bend<T: Copy + Add<Output = T> + Mul<Output = T> + From<f32>, const MODIFIED: bool>(
    coefficients: [T; 5],
    [x, y]: [T; 2],
) -> [T; 2] {
    let [_, _, p1, p2, _] = coefficients;
    let two = T::from(2.0);
    let r2 = x * x + y * y;
    let f = radial(coefficients, [x, y]);
    let (fx, fy) = (f * x, f * y);
    let (x, y) = if MODIFIED { (fx, fy) } else { (x, y) };
    [fx + two * p1 * x * y + p2 * (r2 + two * x * x), fy + two * p2 * x * y + p1 * (r2 + two * y * y)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: [Distortion; 4] =
        [Distortion::None, Distortion::BrownConrady, Distortion::ModifiedBrownConrady, Distortion::InverseBrownConrady];
    const LENS: [f64; 5] = [0.12, -0.2, 0.002, -0.0015, 0.05];

    #[test]
    fn what_is_drawn_is_found_again() {
        for model in MODELS {
            for i in 0..121 {
                let point = [(i % 11) as f64 * 0.1 - 0.5, (i / 11) as f64 * 0.08 - 0.4];
                let found = model.undistort(LENS, model.distort(LENS, point)).unwrap();
                let off = (found[0] - point[0]).hypot(found[1] - point[1]);
                assert!(off < 1e-7, "{model:?} {point:?} {found:?}");
            }
        }
    }

    #[test]
    fn models_differ_where_they_should() {
        let [none, brown, modified, inverse] = MODELS.map(|model| model.distort(LENS, [0.4, 0.3]));
        assert_eq!(none, [0.4, 0.3]);
        // f = 1 + 0.12/4 - 0.2/16 + 0.05/64 = 1.01828125
        assert!((brown[0] - (0.4073125 + 2.0 * 0.002 * 0.12 - 0.0015 * 0.57)).abs() < 1e-12, "{brown:?}");
        assert!((brown[1] - (0.305484375 - 2.0 * 0.0015 * 0.12 + 0.002 * 0.43)).abs() < 1e-12, "{brown:?}");
        assert_eq!(modified, inverse);
        // At (0.4, 0.3) the two terms nearly cancel.
        let [brown, modified] = [MODELS[1], MODELS[2]].map(|model| model.distort(LENS, [0.1, 0.5]));
        assert!((modified[1] - brown[1]).abs() > 1e-5, "{modified:?} {brown:?}");
    }

    #[test]
    fn where_a_lens_folds_back_there_is_no_inverse() {
        // x' = x - x^3 never exceeds 0.385.
        assert_eq!(Distortion::BrownConrady.undistort([-1.0, 0.0, 0.0, 0.0, 0.0], [0.5, 0.0]), None);
        assert!(Distortion::BrownConrady.undistort([-1.0, 0.0, 0.0, 0.0, 0.0], [0.3, 0.0]).is_some());
    }
}
