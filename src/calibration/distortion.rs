//! How a lens bends the picture, as librealsense defines it (`rs2_distortion` and the projections of `rsutil.h`).
//!
//! With (x, y) a point over its depth, r2 = x^2 + y^2, f = 1 + k1 r2 + k2 r2^2 + k3 r2^3,
//! g = 1 + k4 r2 + k5 r2^2 + k6 r2^3 and the coefficients k1, k2, p1, p2, k3, k4, k5, k6:
//!
//! ```text
//! Brown-Conrady           x' = f x + 2 p1 x y + p2 (r2 + 2 x^2)
//!                         y' = f y + 2 p2 x y + p1 (r2 + 2 y^2)
//! modified Brown-Conrady  the same, with f x and f y for x and y in the terms of p1 and p2
//! rational                Brown-Conrady with f / g for f
//! ```
//!
//! Brown-Conrady is OpenCV's model of five coefficients and ROS's `plumb_bob`. What librealsense calls inverse
//! Brown-Conrady is projected by it as the modified one, and inverted by iteration: the two draw the same picture.
//! Rational is OpenCV's model of eight coefficients and ROS's `rational_polynomial`; librealsense has none.

use std::ops::{Add, Div, Mul};

use serde::{Deserialize, Serialize};

/// Steps of the iteration that inverts a model. It gains a digit or more with each where a lens can be inverted.
const STEPS_MAX: usize = 100;
/// The iteration ends with a step shorter than this, in focal lengths.
const NEAR: f64 = 1e-10;
/// A point that is drawn further than this from where it should be is not an inverse, in focal lengths.
const FAR: f64 = 1e-7;
/// Steps of a bisection down to the last bit of a distance.
const HALVINGS: usize = 60;
/// Step and limit of the search, away from the axis, for where a rational model ends: 1/1000 and 89 degrees.
const RADIUS_STEP: f64 = 1e-3;
const RADIUS_MAX: f64 = 57.0;
/// The scale of a point that no picture shows, which draws it far outside.
const OUTSIDE: f32 = 1e6;

/// k1, k2, p1, p2, k3, and for a rational model k4, k5, k6; zeros where a model has no such term.
pub type Coefficients = [f64; 8];

/// The number of coefficients of a model without a denominator.
pub const PLAIN: usize = 5;

/// The coefficients of a model that has five.
pub const fn of_five([k1, k2, p1, p2, k3]: [f64; PLAIN]) -> Coefficients {
    [k1, k2, p1, p2, k3, 0.0, 0.0, 0.0]
}

/// A model of distortion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distortion {
    #[default]
    None,
    BrownConrady,
    ModifiedBrownConrady,
    InverseBrownConrady,
    /// The only one with eight coefficients.
    Rational,
}

/// The formula of a model, chosen once for a whole picture.
#[derive(Clone, Copy, Debug)]
pub enum Formula {
    None,
    /// The terms of p1 and p2 take the point.
    Brown,
    /// They take the point after the radial terms.
    Modified,
    /// They take the point, and the radial terms are a quotient.
    Rational,
}

impl Distortion {
    pub fn formula(self) -> Formula {
        match self {
            Self::None => Formula::None,
            Self::BrownConrady => Formula::Brown,
            Self::ModifiedBrownConrady | Self::InverseBrownConrady => Formula::Modified,
            Self::Rational => Formula::Rational,
        }
    }

    /// Where a point over its depth is drawn.
    pub fn distort(self, coefficients: Coefficients, point: [f64; 2]) -> [f64; 2] {
        match self.formula() {
            Formula::None => point,
            Formula::Brown => bend::<_, false>(coefficients, point),
            Formula::Modified => bend::<_, true>(coefficients, point),
            Formula::Rational => bend_rational(coefficients, point),
        }
    }

    /// The point over its depth that is drawn at `drawn`; none where the model has no inverse there.
    pub fn undistort(self, coefficients: Coefficients, drawn: [f64; 2]) -> Option<[f64; 2]> {
        if self == Self::None {
            return Some(drawn);
        }
        let mut point = drawn;
        for _ in 0..STEPS_MAX {
            let (bent, radial) = (self.distort(coefficients, point), self.radial(coefficients, point));
            // The tangential terms are subtracted from where the point is drawn, and the rest is divided by the radial
            // scale.
            let next = [0, 1].map(|i| (drawn[i] - (bent[i] - radial * point[i])) / radial);
            let moved = (next[0] - point[0]).abs().max((next[1] - point[1]).abs());
            point = next;
            if moved < NEAR {
                break;
            }
        }
        self.is_drawn_at(coefficients, point, drawn).then_some(point)
    }

    /// Does the same for points nearer to the axis than `radius_max`, up to which the rational model is known to have
    /// one inverse at most. Near a pole or a fold, where the iteration does not converge, bisection finds the distance.
    pub fn undistort_within(self, coefficients: Coefficients, radius_max: f64, drawn: [f64; 2]) -> Option<[f64; 2]> {
        let within = |point: &[f64; 2]| point[0].hypot(point[1]) <= radius_max;
        let found = self.undistort(coefficients, drawn).filter(within);
        if self != Self::Rational { found } else { found.or_else(|| self.halved(coefficients, radius_max, drawn)) }
    }

    fn halved(self, coefficients: Coefficients, radius_max: f64, drawn: [f64; 2]) -> Option<[f64; 2]> {
        let scaled = |radius: f64| radius * self.radial(coefficients, [radius, 0.0]);
        let mut point = [0.0; 2];
        for _ in 0..STEPS_MAX {
            let (bent, radial) = (self.distort(coefficients, point), self.radial(coefficients, point));
            let target = [0, 1].map(|i| drawn[i] - (bent[i] - radial * point[i]));
            let distance = target[0].hypot(target[1]);
            if scaled(radius_max) < distance {
                return None;
            }
            let (mut near, mut far) = (0.0, radius_max);
            for _ in 0..HALVINGS {
                let middle = (near + far) / 2.0;
                if scaled(middle) < distance { near = middle } else { far = middle }
            }
            let next = target.map(|v| v * far / distance.max(f64::MIN_POSITIVE));
            let moved = (next[0] - point[0]).abs().max((next[1] - point[1]).abs());
            point = next;
            if moved < NEAR {
                break;
            }
        }
        self.is_drawn_at(coefficients, point, drawn).then_some(point)
    }

    fn is_drawn_at(self, coefficients: Coefficients, point: [f64; 2], drawn: [f64; 2]) -> bool {
        let [x, y] = self.distort(coefficients, point);
        let found = (x - drawn[0]).abs() < FAR && (y - drawn[1]).abs() < FAR;
        found && self.radial(coefficients, point) > 0.0
    }

    /// The distance from the axis of the points that are drawn at `reach` from it; where the rational model folds back or
    /// has a pole before that, the distance of the last point before, as an error. Beyond it, a quotient draws points into
    /// the picture again. Other models are not asked. Tangential terms, a thousandth of the others, are left out.
    pub fn radius_of(self, coefficients: Coefficients, reach: f64) -> Result<f64, f64> {
        if self != Self::Rational {
            return Ok(f64::INFINITY);
        }
        let (mut radius, mut drawn) = (0.0, 0.0);
        while drawn < reach {
            let next = radius + RADIUS_STEP;
            let next_drawn = next * self.radial(coefficients, [next, 0.0]);
            // NaN is not above.
            if !(denominator(coefficients, next * next) > 0.0 && next_drawn > drawn && next < RADIUS_MAX) {
                return Err(radius);
            }
            (radius, drawn) = (next, next_drawn);
        }
        Ok(radius)
    }

    /// What the radial terms scale a point by.
    fn radial(self, coefficients: Coefficients, [x, y]: [f64; 2]) -> f64 {
        let r2 = x * x + y * y;
        match self.formula() {
            Formula::Rational => numerator(coefficients, r2) / denominator(coefficients, r2),
            _ => numerator(coefficients, r2),
        }
    }
}

/// What the formulas are calculated in: `f64`, and `f32` for tables and frames.
pub trait Real: Copy + Add<Output = Self> + Mul<Output = Self> + Div<Output = Self> + From<f32> {}

impl<T: Copy + Add<Output = T> + Mul<Output = T> + Div<Output = T> + From<f32>> Real for T {}

#[inline(always)]
fn numerator<T: Real>([k1, k2, _, _, k3, ..]: [T; 8], r2: T) -> T {
    T::from(1.0) + r2 * (k1 + r2 * (k2 + r2 * k3))
}

#[inline(always)]
fn denominator<T: Real>([.., k4, k5, k6]: [T; 8], r2: T) -> T {
    T::from(1.0) + r2 * (k4 + r2 * (k5 + r2 * k6))
}

/// Brown-Conrady, modified where `MODIFIED`.
#[inline(always)]
pub fn bend<T: Real, const MODIFIED: bool>(coefficients: [T; 8], [x, y]: [T; 2]) -> [T; 2] {
    let r2 = x * x + y * y;
    bend_by::<T, MODIFIED>(numerator(coefficients, r2), coefficients, [x, y])
}

/// The rational model.
#[inline(always)]
pub fn bend_rational<T: Real>(coefficients: [T; 8], [x, y]: [T; 2]) -> [T; 2] {
    let r2 = x * x + y * y;
    bend_by::<T, false>(numerator(coefficients, r2) / denominator(coefficients, r2), coefficients, [x, y])
}

/// The rational model for a picture that shows points up to a distance of the axis whose square is `r2_max`: others are
/// drawn far outside, where the quotient may draw them anywhere.
#[inline(always)]
pub fn bend_rational_within(coefficients: [f32; 8], r2_max: f32, [x, y]: [f32; 2]) -> [f32; 2] {
    let r2 = x * x + y * y;
    let f = numerator(coefficients, r2) / denominator(coefficients, r2);
    bend_by::<f32, false>(if r2 > r2_max { OUTSIDE } else { f }, coefficients, [x, y])
}

/// A point scaled by `f`, and moved by the terms of p1 and p2.
#[inline(always)]
fn bend_by<T: Real, const MODIFIED: bool>(f: T, [_, _, p1, p2, ..]: [T; 8], [x, y]: [T; 2]) -> [T; 2] {
    let two = T::from(2.0);
    let r2 = x * x + y * y;
    let (fx, fy) = (f * x, f * y);
    let (x, y) = if MODIFIED { (fx, fy) } else { (x, y) };
    [fx + two * p1 * x * y + p2 * (r2 + two * x * x), fy + two * p2 * x * y + p1 * (r2 + two * y * y)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: [Distortion; 4] =
        [Distortion::None, Distortion::BrownConrady, Distortion::ModifiedBrownConrady, Distortion::InverseBrownConrady];
    const LENS: Coefficients = of_five([0.12, -0.2, 0.002, -0.0015, 0.05]);

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
        let folding = of_five([-1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(Distortion::BrownConrady.undistort(folding, [0.5, 0.0]), None);
        assert!(Distortion::BrownConrady.undistort(folding, [0.3, 0.0]).is_some());
    }

    /// Of wide lenses, their coefficients rounded.
    const RATIONAL: [Coefficients; 2] = [
        [3.130577, 2.324939, 0.000081, -0.000051, 0.130416, 3.458652, 3.350115, 0.662942],
        [0.722746, -2.885590, 0.000783, -0.000143, 1.632723, 0.602199, -2.719626, 1.565053],
    ];

    #[test]
    fn the_rational_model_is_opencvs() {
        // By OpenCV 5.0 in Python with fx = 500, fy = 510, cx = 320, cy = 288: cv2.projectPoints of (x, y, 1), and
        // cv2.undistortPoints with 500 steps to 1e-14; each pair is (x, y) and where it is drawn, pixels.
        let found = [
            [
                ([0.1, 0.05], [369.79540240189255, 313.3963341624652]),
                ([-0.4, 0.3], [134.791778188869, 429.68974031051516]),
                ([0.8, -0.55], [634.3842773953384, 67.56010648433144]),
                ([-1.2, -0.9], [-63.89272838108087, -5.541097836526831]),
                ([-0.707586779594241, -0.6393525788542649], [40.0, 30.0]),
                ([0.7034320065965901, 0.6205360503021928], [600.0, 540.0]),
                ([2.1094430480159516e-05, -0.6086468584035671], [320.0, 10.0]),
                ([-0.8816972279914184, -0.7782082353366521], [0.0, 0.0]),
            ],
            [
                ([0.1, 0.05], [370.07512066881293, 313.5437589785946]),
                ([-0.4, 0.3], [115.72184564335205, 444.35894620783563]),
                ([0.8, -0.55], [739.2740714291194, -5.686830425607525]),
                ([-1.2, -0.9], [-298.4031698663033, -184.05686307272197]),
                ([-0.5414056158382372, -0.4895548271254796], [40.0, 30.0]),
                ([0.5412069207996433, 0.47707822629135277], [600.0, 540.0]),
                ([3.984996572522705e-05, -0.5336395987203949], [320.0, 10.0]),
                ([-0.6151617702297612, -0.54337861294482], [0.0, 0.0]),
            ],
        ];
        for (coefficients, pairs) in RATIONAL.into_iter().zip(found) {
            for (point, pixel) in pairs {
                let drawn = [(pixel[0] - 320.0) / 500.0, (pixel[1] - 288.0) / 510.0];
                let bent = Distortion::Rational.distort(coefficients, point);
                let back = Distortion::Rational.undistort(coefficients, drawn).unwrap();
                for axis in [0, 1] {
                    assert!((bent[axis] - drawn[axis]).abs() < 1e-12, "{point:?}: {bent:?} {drawn:?}");
                    assert!((back[axis] - point[axis]).abs() < 1e-9, "{point:?}: {back:?}");
                }
            }
        }
    }

    #[test]
    fn without_a_denominator_the_rational_model_is_brown_conradys() {
        for i in 0..100 {
            let point = [(i % 10) as f64 * 0.13 - 0.6, (i / 10) as f64 * 0.09 - 0.4];
            let [rational, brown] = [Distortion::Rational, Distortion::BrownConrady].map(|m| m.distort(LENS, point));
            assert_eq!(rational, brown);
        }
    }

    #[test]
    fn where_a_rational_lens_ends_is_known() {
        let radius = |tail: [f64; 3], reach| {
            let [k4, k5, k6] = tail;
            Distortion::Rational.radius_of([0.0, 0.0, 0.0, 0.0, 0.0, k4, k5, k6], reach)
        };
        // x / (1 + x^2) is largest at 1, where it is a half.
        assert!((radius([1.0, 0.0, 0.0], 0.6).unwrap_err() - 1.0).abs() < 2e-3);
        assert!((radius([1.0, 0.0, 0.0], 0.4).unwrap() - 0.5).abs() < 2e-3);
        // x / (1 - x^2) goes beyond every pixel before its pole at 1.
        assert!(radius([-1.0, 0.0, 0.0], 2.0).is_ok_and(|radius| radius < 1.0));
        // 1 - 4 x^2 + 4.1 x^4 nearly has a pole at 0.7, after which what was drawn far outside comes back.
        assert!(radius([-4.0, 4.1, 0.0], 40.0).is_err_and(|end| (0.69..0.72).contains(&end)));
        for coefficients in RATIONAL {
            assert!(Distortion::Rational.radius_of(coefficients, 1.4).is_ok());
        }
        let folding = of_five([-1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(Distortion::BrownConrady.radius_of(folding, 1.0), Ok(f64::INFINITY));
    }
}
