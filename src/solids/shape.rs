//! Signed distances to shapes, millimetres: negative inside.

use crate::vector::{Vector, along, dot, length, minus};

/// A rectangle about the origin with round corners.
pub fn rectangle([x, y]: [f32; 2], half: [f32; 2], radius: f32) -> f32 {
    let (dx, dy) = (x.abs() - half[0] + radius, y.abs() - half[1] + radius);
    dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - radius
}

pub fn circle([x, y]: [f32; 2], radius: f32) -> f32 {
    x.hypot(y) - radius
}

/// A segment from `a` to `b` with round ends.
pub fn slot(p: [f32; 2], a: [f32; 2], b: [f32; 2], radius: f32) -> f32 {
    capsule([p[0], p[1], 0.0], [a[0], a[1], 0.0], [b[0], b[1], 0.0], radius)
}

pub fn capsule(p: Vector, a: Vector, b: Vector, radius: f32) -> f32 {
    let (from_a, way) = (minus(p, a), minus(b, a));
    let share = (dot(from_a, way) / dot(way, way)).clamp(0.0, 1.0);
    length(along(from_a, -share, way)) - radius
}

pub fn sphere(p: Vector, at: Vector, radius: f32) -> f32 {
    length(minus(p, at)) - radius
}

/// Near the surface the distance to an ellipsoid about the origin; a lower bound far away.
pub fn ellipsoid(p: Vector, half: Vector) -> f32 {
    let least = half[0].min(half[1]).min(half[2]);
    (length([p[0] / half[0], p[1] / half[1], p[2] / half[2]]) - 1.0) * least
}

/// What lies inside a plane shape, `flat` away from its border, from `low` to `high`; edges are rounded by `round`.
pub fn extruded(flat: f32, z: f32, low: f32, high: f32, round: f32) -> f32 {
    let (across, up) = (flat + round, (z - 0.5 * (low + high)).abs() - 0.5 * (high - low) + round);
    across.max(0.0).hypot(up.max(0.0)) + across.max(up).min(0.0) - round
}

/// The first without the second.
pub fn cut(a: f32, b: f32) -> f32 {
    a.max(-b)
}

/// Both together, with a fillet of about `fillet`.
pub fn joined(a: f32, b: f32, fillet: f32) -> f32 {
    let share = (0.5 + 0.5 * (b - a) / fillet).clamp(0.0, 1.0);
    b + share * (a - b) - fillet * share * (1.0 - share)
}

/// The angle's offset from the nearest of `count` equal directions, and the place turned so that this direction is x.
pub fn repeated_about([x, y]: [f32; 2], count: f32) -> [f32; 2] {
    let pitch = std::f32::consts::TAU / count;
    let angle = y.atan2(x);
    let turn = -pitch * (angle / pitch).round();
    crate::vector::turned([x, y], turn.sin_cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_simple_places() {
        assert_eq!(rectangle([5.0, 0.0], [3.0, 2.0], 1.0), 2.0);
        assert_eq!(rectangle([0.0, 0.0], [3.0, 2.0], 1.0), -2.0);
        assert_eq!(capsule([0.0, 3.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], 1.0), 2.0);
        assert_eq!(extruded(-5.0, 4.0, 0.0, 2.0, 0.0), 2.0);
        assert_eq!(extruded(3.0, 6.0, 0.0, 2.0, 0.0), 5.0);
        assert_eq!(cut(-1.0, -3.0), 3.0);
        assert!((joined(1.0, 1.0, 0.4) - 0.9).abs() < 1e-6);
        let [x, y] = repeated_about([0.0, 2.0], 4.0);
        assert!((x - 2.0).abs() < 1e-5 && y.abs() < 1e-5);
    }
}
