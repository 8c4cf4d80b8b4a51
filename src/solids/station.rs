//! The station: camera, plate and light. A piece becomes a view, and a view a frame.

use fastrand::Rng;
use rayon::prelude::*;

use super::make::{Lies, Make};
use super::piece::{Piece, Pose};
use super::plate::Plate;
use super::sensor::Sensor;
use super::view::{Seen, Thing, View};
use crate::procedural::noise::{between, normal};
use crate::vector::{Vector, along, cross, length, minus, unit};

/// From the optical axis to the plate's normal, at most, radians: 4 degrees.
const TILT_MAX_RAD: f32 = 0.07;
/// Standard deviations of how parts lie in guides: 1 % of the extent at 2.5 deviations, and 1.5 degrees at 2.
const SHIFT_SHARE: f32 = 0.004;
const TURN_RAD: f32 = 0.013;
/// Of parts' size.
const SCALE: f32 = 0.002;
/// From the camera to the sensor's other eye, as a share of the distance.
const BASELINE_SHARE: f32 = 0.3;

/// What stays the same from frame to frame.
pub struct Station {
    pub side: usize,
    pub make: &'static Make,
    focal: f32,
    /// Over the plate: the camera, and its axes to the right, down and forward.
    pub eye: Vector,
    axes: [Vector; 3],
    /// Towards the light.
    pub light: Vector,
    pub ambient: f32,
    plate: Plate,
    turn_rad: f32,
    pub sensor: Sensor,
}

impl Station {
    pub fn new(make: &'static Make, side: usize, random: &mut Rng) -> Self {
        let distance_mm = make.distance_mm() * between(random, 0.96, 1.06);
        let [tilt, towards] = [between(random, 0.0, TILT_MAX_RAD), between(random, 0.0, std::f32::consts::TAU)];
        let forward = unit([tilt.tan() * towards.cos(), tilt.tan() * towards.sin(), -1.0]);
        let right = unit([-forward[2], 0.0, forward[0]]);
        let axes = [right, cross(forward, right), forward];
        let target = [0.0, 0.0, make.lift_mm + 0.5 * make.height_mm];
        let eye = along(target, -distance_mm, forward);
        let light = unit([between(random, -0.7, 0.7), between(random, -0.7, 0.7), 1.0]);
        let baseline = if random.bool() { axes[0] } else { axes[1] };
        let side_of = if random.bool() { 1.0 } else { -1.0 };
        let other_eye = along(eye, side_of * BASELINE_SHARE * distance_mm, baseline);
        Self {
            side,
            make,
            focal: side as f32 * distance_mm / make.field_mm(),
            eye,
            axes,
            light,
            ambient: between(random, 0.4, 0.55),
            plate: Plate::draw(make.field_mm(), random),
            turn_rad: 0.25 * std::f32::consts::TAU * f32::from(random.u8(0..4)) + between(random, -0.08, 0.08),
            sensor: Sensor::draw(make, distance_mm, other_eye, random),
        }
    }

    /// What a pixel covers at the part, millimetres.
    pub fn pixel_mm(&self) -> f32 {
        self.make.field_mm() / self.side as f32
    }

    pub fn lay(&self, random: &mut Rng) -> Pose {
        let shift_mm = [0; 2].map(|_| SHIFT_SHARE * self.make.extent_mm() * normal(random).clamp(-2.5, 2.5));
        let turn_rad = match self.make.lies {
            Lies::InGuides => self.turn_rad + TURN_RAD * normal(random).clamp(-2.5, 2.5),
            Lies::Anyhow => between(random, 0.0, std::f32::consts::TAU),
        };
        Pose { turn_rad, shift_mm, scale: 1.0 + SCALE * normal(random) }
    }

    pub fn look(&self, piece: &Piece) -> View {
        let seen =
            (0..self.side * self.side).into_par_iter().with_min_len(self.side).map(|pixel| self.see(pixel, piece));
        View { side: self.side, seen: seen.collect() }
    }

    fn see(&self, pixel: usize, piece: &Piece) -> Seen {
        let (ray, way) = self.ray_of(pixel);
        let per_depth = length(ray);
        // The plate is where z is 0.
        let to_plate = -self.eye[2] / way[2];
        let met = piece.meet(self.eye, way).filter(|t| *t < to_plate);
        let at = along(self.eye, met.unwrap_or(to_plate), way);
        let (thing, finish, normal) = match met {
            Some(_) => {
                let p = piece.place(at);
                (Thing::Part, piece.finish(p), piece.normal(p, self.pixel_mm()))
            }
            None => (Thing::Plate, self.plate.finish([at[0], at[1]]), [0.0, 0.0, 1.0]),
        };
        let off = along(at, 0.6 * self.pixel_mm(), normal);
        let margin = self.pixel_mm();
        let to_other = unit(minus(self.sensor.other_eye, at));
        let by_both = !self.sensor.has_two_eyes() || piece.light(off, to_other, margin) > 0.25;
        Seen {
            depth_mm: met.unwrap_or(to_plate) / per_depth,
            albedo: finish.albedo,
            gloss: finish.gloss,
            sharpness: finish.sharpness,
            normal,
            lit: piece.light(off, self.light, margin),
            by_both,
            thing,
        }
    }

    /// Where a pixel sees, over the plate.
    pub fn at(&self, pixel: usize, seen: &Seen) -> Vector {
        along(self.eye, seen.depth_mm, self.ray_of(pixel).0)
    }

    /// Through a pixel at depth 1, in the camera's frame.
    pub fn in_camera(&self, pixel: usize) -> Vector {
        let middle = (self.side as f32 - 1.0) / 2.0;
        let [u, v] = [pixel % self.side, pixel / self.side].map(|at| (at as f32 - middle) / self.focal);
        [u, v, 1.0]
    }

    /// The same over the plate, and its unit vector.
    fn ray_of(&self, pixel: usize) -> (Vector, Vector) {
        let [u, v, _] = self.in_camera(pixel);
        let ray = along(along(self.axes[2], u, self.axes[0]), v, self.axes[1]);
        (ray, unit(ray))
    }
}
