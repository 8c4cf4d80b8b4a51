//! One part as it lies on the plate, sound or with a flaw.

use super::flaw::Flaw;
use super::make::Make;
use super::solid::{Finish, Solid};
use crate::vector::{Vector, along, length, turned, unit};

/// Steps of a ray at most.
const STEPS_MAX: usize = 80;
/// A ray goes on by this share of the distance: bent space and rough surfaces give somewhat more than the true one.
const STRIDE: f32 = 0.8;
const SHADOW_STEPS_MAX: usize = 20;
/// How soft shadows are: the tangent of the light's half angle is one over this.
const SHADOW_HARDNESS: f32 = 9.0;

/// How a part lies on the plate.
#[derive(Clone, Copy)]
pub struct Pose {
    pub turn_rad: f32,
    pub shift_mm: [f32; 2],
    /// How large it is beside the drawing: tolerance.
    pub scale: f32,
}

pub struct Piece {
    solid: Box<dyn Solid>,
    flaw: Option<Flaw>,
    make: &'static Make,
    pose: Pose,
    /// Sine and cosine of its turn.
    turn: (f32, f32),
    /// What counts as met, millimetres.
    near_mm: f32,
}

impl Piece {
    pub fn new(solid: Box<dyn Solid>, make: &'static Make, pose: Pose, pixel_mm: f32) -> Self {
        Self { solid, flaw: None, make, pose, turn: pose.turn_rad.sin_cos(), near_mm: 0.08 * pixel_mm }
    }

    pub fn with_flaw(self, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..self }
    }

    /// A place over the plate in the part's frame.
    pub fn place(&self, q: Vector) -> Vector {
        let [x, y, _] = self.direction([q[0] - self.pose.shift_mm[0], q[1] - self.pose.shift_mm[1], 0.0]);
        [x, y, q[2] - self.make.lift_mm].map(|v| v / self.pose.scale)
    }

    /// A direction in the part's frame.
    pub fn direction(&self, [x, y, z]: Vector) -> Vector {
        let [x, y] = turned([x, y], (-self.turn.0, self.turn.1));
        [x, y, z]
    }

    fn world_direction(&self, [x, y, z]: Vector) -> Vector {
        let [x, y] = turned([x, y], self.turn);
        [x, y, z]
    }

    /// To the surface, from a place in the part's frame.
    pub fn distance(&self, p: Vector) -> f32 {
        match &self.flaw {
            None => self.solid.distance(p),
            Some(flaw) => flaw.distance(p, &*self.solid),
        }
    }

    /// What the surface looks like at a place in the part's frame.
    pub fn finish(&self, p: Vector) -> Finish {
        match &self.flaw {
            None => self.solid.finish(p),
            Some(flaw) => flaw.finish(p, &*self.solid),
        }
    }

    /// Out of the surface over the plate, at a place in the part's frame.
    pub fn normal(&self, p: Vector, pixel_mm: f32) -> Vector {
        let step = 0.35 * pixel_mm;
        let corners = [[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, 1.0, 1.0]];
        let sum =
            corners.iter().fold([0.0; 3], |sum, corner| along(sum, self.distance(along(p, step, *corner)), *corner));
        if length(sum) > 0.0 { self.world_direction(unit(sum)) } else { [0.0, 0.0, 1.0] }
    }

    /// Where a ray, `origin` and unit `way` over the plate, meets the part: how far along it.
    pub fn meet(&self, origin: Vector, way: Vector) -> Option<f32> {
        let (from, to, p, w) = self.within(origin, way)?;
        let mut t = from;
        for _ in 0..STEPS_MAX {
            let distance = self.distance(along(p, t, w));
            if distance < self.near_mm {
                return Some(t * self.pose.scale);
            }
            t += (STRIDE * distance).max(0.5 * self.near_mm);
            if t > to {
                return None;
            }
        }
        // A ray that has not come far in so many steps grazes a surface.
        (self.distance(along(p, t, w)) < 10.0 * self.near_mm).then_some(t * self.pose.scale)
    }

    /// The share of a soft light in direction `way` that arrives at a place over the plate, 0 to 1. Up to `margin_mm` away
    /// nothing hides it.
    pub fn light(&self, from: Vector, way: Vector, margin_mm: f32) -> f32 {
        let Some((start, to, p, w)) = self.within(from, way) else { return 1.0 };
        let mut t = start.max(margin_mm);
        let mut share = 1.0f32;
        for _ in 0..SHADOW_STEPS_MAX {
            if t > to {
                break;
            }
            let distance = self.distance(along(p, t, w));
            share = share.min(0.5 + 0.5 * SHADOW_HARDNESS * distance / t);
            if share < 0.02 {
                return 0.0;
            }
            t += (STRIDE * distance).clamp(9.0 * self.near_mm, 0.2 * self.make.extent_mm());
        }
        let share = share.clamp(0.0, 1.0);
        share * share * (3.0 - 2.0 * share)
    }

    /// A ray in the part's frame, and from where to where it is in the box around the part.
    fn within(&self, origin: Vector, way: Vector) -> Option<(f32, f32, Vector, Vector)> {
        let (p, w) = (self.place(origin), self.direction(way));
        let (low, high) = self.make.bounds();
        let (mut from, mut to) = (0.0f32, f32::MAX);
        for axis in 0..3 {
            let ends = [low[axis], high[axis]].map(|end| (end - p[axis]) / w[axis]);
            from = from.max(ends[0].min(ends[1]));
            to = to.min(ends[0].max(ends[1]));
        }
        (from < to).then_some((from, to, p, w))
    }
}
