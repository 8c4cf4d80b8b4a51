//! A plane, and which points lie on it.

use serde::{Deserialize, Serialize};

use super::eigen::least_eigenvector;
use crate::frame::is_point;
use crate::vector::{cross, dot, length, unit};

/// Points nearer than this to the plane are background, metres (paper, section 4).
pub const BACKGROUND_M: f32 = 0.005;

/// The points q with normal . q + offset = 0; the normal has unit length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plane {
    /// Unit length.
    pub normal: [f32; 3],
    /// Metres.
    pub offset_m: f32,
}

impl Plane {
    /// Metres, never negative.
    pub fn distance(&self, point: &[f32; 3]) -> f32 {
        self.height(point).abs()
    }

    /// Metres; above zero on the side that the normal points to.
    pub fn height(&self, point: &[f32; 3]) -> f32 {
        let [a, b, c] = self.normal;
        a * point[0] + b * point[1] + c * point[2] + self.offset_m
    }

    /// The same plane with its normal on the side of the origin, where the camera is.
    pub fn towards_camera(self) -> Self {
        if self.offset_m >= 0.0 { self } else { Self { normal: self.normal.map(|v| -v), offset_m: -self.offset_m } }
    }

    /// Whether this is a plane at all: finite, with a normal of unit length.
    pub fn is_valid(&self) -> bool {
        let length: f32 = self.normal.iter().map(|v| v * v).sum();
        self.offset_m.is_finite() && (length - 1.0).abs() < 1e-3
    }

    /// The plane through three points; none where they lie in a line.
    pub(super) fn through([a, b, c]: [&[f32; 3]; 3]) -> Option<Self> {
        let along = |to: &[f32; 3]| -> [f32; 3] { std::array::from_fn(|axis| to[axis] - a[axis]) };
        let normal = cross(along(b), along(c));
        if length(normal) <= f32::MIN_POSITIVE {
            return None;
        }
        let normal = unit(normal);
        Some(Self { normal, offset_m: -dot(normal, *a) })
    }

    /// Least squares: the normal is the direction in which the points vary least.
    pub(super) fn least_squares(points: &[[f32; 3]]) -> Option<Self> {
        let mut mean = [0.0; 3];
        for point in points {
            mean = std::array::from_fn(|axis| mean[axis] + f64::from(point[axis]));
        }
        let mean = mean.map(|sum| sum / points.len() as f64);
        let mut covariance = [[0.0; 3]; 3];
        for point in points {
            let from_mean: [f64; 3] = std::array::from_fn(|axis| f64::from(point[axis]) - mean[axis]);
            for (row, along) in covariance.iter_mut().zip(from_mean) {
                for (sum, across) in row.iter_mut().zip(from_mean) {
                    *sum += along * across;
                }
            }
        }
        let normal = least_eigenvector(covariance);
        let offset_m = -(normal[0] * mean[0] + normal[1] * mean[1] + normal[2] * mean[2]);
        let plane = Self { normal: normal.map(|v| v as f32), offset_m: offset_m as f32 };
        plane.is_valid().then_some(plane)
    }
}

/// Removes the points on the plane.
pub fn remove(points: &mut [[f32; 3]], plane: &Plane) {
    points.iter_mut().filter(|p| is_background(p, plane)).for_each(|p| *p = [0.0; 3]);
}

/// Whether a point lies on the plane.
pub fn is_background(point: &[f32; 3], plane: &Plane) -> bool {
    is_point(point) && plane.distance(point) < BACKGROUND_M
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_above_the_belt_where_the_normal_points_to_the_camera() {
        let away = Plane { normal: [0.0, 0.0, 1.0], offset_m: -0.5 };
        let towards = away.towards_camera();
        assert_eq!(towards, Plane { normal: [0.0, 0.0, -1.0], offset_m: 0.5 });
        assert_eq!(towards.towards_camera(), towards);
        let above = [0.1, 0.2, 0.48];
        assert!((towards.height(&above) - 0.02).abs() < 1e-6 && (away.height(&above) + 0.02).abs() < 1e-6);
        assert_eq!(towards.distance(&above), away.distance(&above));
    }

    #[test]
    fn what_is_on_the_plane_goes() {
        let plane = Plane { normal: [0.0, 0.0, -1.0], offset_m: 0.5 };
        let mut points = vec![[0.1, 0.0, 0.5], [0.0, 0.1, 0.4951], [0.0, 0.0, 0.494], [0.0; 3]];
        remove(&mut points, &plane);
        assert_eq!(points, [[0.0; 3], [0.0; 3], [0.0, 0.0, 0.494], [0.0; 3]]);
    }
}
