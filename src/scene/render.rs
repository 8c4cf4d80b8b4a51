//! The station: camera, belt and light; a piece and a pose become a frame.

use fastrand::Rng;
use rayon::prelude::*;

use super::SIDE;
use super::noise::{between, field, normal};
use super::parts::{Albedo, HEIGHT_MAX_MM, Piece, REACH_MM, Surface};
use crate::frame::{OrganisedCloud, RgbdFrame};

/// A ray goes down by this share of its height over the surface below, until it is near: rays are steep, so
/// that what a slope hides from a step is less than the rest.
const STRIDE: f32 = 0.65;
const NEAR_MM: f32 = 0.01;
const STEPS_MAX: usize = 14;
/// What a part's shift and a slanted ray add to its reach.
const MARGIN_MM: f32 = 8.0;
/// What of depth and albedo counts as changed by a defect.
const DEPTH_CHANGED_MM: f32 = 0.3;
const ALBEDO_CHANGED: f32 = 0.04;
/// A neighbour this much nearer or farther is across an edge, where sensors lose points.
const EDGE_MM: f32 = 1.5;
const EDGE_LOST: f32 = 0.3;
const COLOUR_NOISE: f32 = 1.5;
/// How far the light is from its mean, up or down.
const LIGHT_DRIFT: f32 = 0.06;
const GAMMA: f32 = 1.0 / 2.2;

type Vector = [f32; 3];

/// How a part lies on the belt.
#[derive(Clone, Copy)]
pub struct Pose {
    pub turn_rad: f32,
    pub shift_mm: [f32; 2],
    /// How far the belt has carried it beyond the middle.
    pub along_mm: f32,
}

/// What stays the same from frame to frame.
pub struct Station {
    focal: f32,
    /// Where the optical axis meets the belt, millimetres.
    distance_mm: f32,
    /// Unit vectors along the belt and out of it towards the camera, in the camera's frame.
    belt: [Vector; 3],
    turn_rad: f32,
    light: Vector,
    ambient: f32,
    belt_albedo: Albedo,
    weave: u32,
    depth_noise_mm: f32,
    dropouts: f32,
}

/// What a pixel sees, without light and noise.
#[derive(Clone, Copy)]
struct Seen {
    depth_mm: f32,
    albedo: Albedo,
    on_part: bool,
}

/// All pixels, `[SIDE, SIDE]`.
pub struct View {
    seen: Vec<Seen>,
}

impl View {
    pub fn part_mask(&self) -> Vec<bool> {
        self.seen.iter().map(|s| s.on_part).collect()
    }

    /// Whether a pixel beside this one is much nearer or farther.
    fn is_edge(&self, pixel: usize) -> bool {
        let (u, v) = (pixel % SIDE, pixel / SIDE);
        let depth = |u: usize, v: usize| self.seen[v * SIDE + u].depth_mm;
        let here = depth(u, v);
        let beside = [depth(u.saturating_sub(1), v), depth((u + 1).min(SIDE - 1), v)];
        let above = [depth(u, v.saturating_sub(1)), depth(u, (v + 1).min(SIDE - 1))];
        beside.into_iter().chain(above).any(|there| (there - here).abs() > EDGE_MM)
    }

    /// Pixels where another view of the same scene differs.
    pub fn differences(&self, other: &Self) -> Vec<bool> {
        let differs = |(a, b): (&Seen, &Seen)| {
            let colour = (0..3).any(|i| (a.albedo[i] - b.albedo[i]).abs() > ALBEDO_CHANGED);
            a.on_part != b.on_part || colour || (a.depth_mm - b.depth_mm).abs() > DEPTH_CHANGED_MM
        };
        self.seen.iter().zip(&other.seen).map(differs).collect()
    }
}

impl Station {
    pub fn new(random: &mut Rng) -> Self {
        let distance_mm = between(random, 420.0, 480.0);
        let slope = [0; 2].map(|_| between(random, -0.07, 0.07));
        let grey = between(random, 0.03, 0.1);
        let light = [between(random, -0.5, 0.5), between(random, -0.5, 0.5), -1.0];
        Self {
            // Three pixels a millimetre: parts of 70 to 80 mm fill more than half the frame's width.
            focal: 3.0 * distance_mm,
            distance_mm,
            belt: belt_axes(slope),
            turn_rad: between(random, -0.6, 0.6),
            light: unit(light),
            ambient: between(random, 0.7, 0.85),
            belt_albedo: [0; 3].map(|_| grey * between(random, 0.9, 1.1)),
            weave: random.u32(..),
            depth_noise_mm: between(random, 0.15, 0.3),
            dropouts: between(random, 0.005, 0.015),
        }
    }

    /// What every pixel sees of pieces that do not touch, on a belt that has moved on by `belt_mm`.
    pub fn look(&self, pieces: &[(&Piece, Pose)], belt_mm: f32) -> View {
        let see = |pixel| {
            let ray = ray(self.focal, pixel);
            let [x, y] = self.on_belt(ray, 0.0);
            let below = pieces.iter().find(|(_, pose)| (x - pose.along_mm).hypot(y) <= REACH_MM + MARGIN_MM);
            below.map_or_else(|| self.belt(ray, belt_mm), |(piece, pose)| self.trace(ray, piece, pose, belt_mm))
        };
        View { seen: (0..SIDE * SIDE).into_par_iter().map(see).collect() }
    }

    /// Follows a ray from above any part down to the first surface it meets.
    fn trace(&self, ray: Vector, piece: &Piece, pose: &Pose, belt_mm: f32) -> Seen {
        let (sin, cos) = (self.turn_rad + pose.turn_rad).sin_cos();
        let surface = |[x, y]: [f32; 2]| {
            let (x, y) = (x - pose.shift_mm[0] - pose.along_mm, y - pose.shift_mm[1]);
            piece.surface([cos * x + sin * y, cos * y - sin * x])
        };
        let mut height = HEIGHT_MAX_MM;
        let mut met = None;
        for _ in 0..STEPS_MAX {
            met = surface(self.on_belt(ray, height));
            let gap = height - met.map_or(0.0, |surface| surface.height_mm);
            if gap < NEAR_MM {
                break;
            }
            height -= STRIDE * gap;
        }
        match met {
            None => self.belt(ray, belt_mm),
            Some(Surface { height_mm, albedo }) => Seen { depth_mm: self.depth(ray, height_mm), albedo, on_part: true },
        }
    }

    fn belt(&self, ray: Vector, belt_mm: f32) -> Seen {
        let [x, y] = self.on_belt(ray, 0.0);
        let weave = 1.0 + 0.2 * field(self.weave, (x - belt_mm) / 1.2, y / 1.2);
        Seen { depth_mm: self.depth(ray, 0.0), albedo: self.belt_albedo.map(|a| a * weave), on_part: false }
    }

    /// A part that far from the middle is out of view, millimetres.
    pub fn out_of_view_mm(&self) -> f32 {
        let side = |u: usize| self.on_belt(ray(self.focal, SIDE / 2 * SIDE + u), 0.0)[0].abs();
        side(0).max(side(SIDE - 1)) + REACH_MM + MARGIN_MM
    }

    /// Depth at which a ray is at a height over the belt.
    fn depth(&self, ray: Vector, height_mm: f32) -> f32 {
        let out = self.belt[2];
        (height_mm + self.distance_mm * out[2]) / dot(ray, out)
    }

    /// Where on the belt a ray is when it is at a height over it, from the middle.
    fn on_belt(&self, ray: Vector, height_mm: f32) -> [f32; 2] {
        let depth = self.depth(ray, height_mm);
        let from_middle = [ray[0] * depth, ray[1] * depth, depth - self.distance_mm];
        [dot(from_middle, self.belt[0]), dot(from_middle, self.belt[1])]
    }

    /// A photograph and a cloud, with this frame's light and noise.
    pub fn expose(&self, view: &View, random: &mut Rng) -> RgbdFrame {
        let gain = between(random, 1.0 - LIGHT_DRIFT, 1.0 + LIGHT_DRIFT);
        let light = [0; 3].map(|_| gain * (1.0 + 0.01 * normal(random)));
        let mut rgb = Vec::with_capacity(3 * SIDE * SIDE);
        let mut points = Vec::with_capacity(SIDE * SIDE);
        for (pixel, seen) in view.seen.iter().enumerate() {
            let shade = self.ambient + (1.0 - self.ambient) * dot(self.normal(view, pixel), self.light).max(0.0);
            for (albedo, light) in seen.albedo.iter().zip(light) {
                let display = 255.0 * (albedo * shade * light).clamp(0.0, 1.0).powf(GAMMA);
                rgb.push((display + COLOUR_NOISE * normal(random)).round() as u8);
            }
            let depth_m = 1e-3 * (seen.depth_mm + self.depth_noise_mm * normal(random));
            let lost = if view.is_edge(pixel) { EDGE_LOST } else { self.dropouts };
            let seen = random.f32() >= lost;
            points.push(if seen { ray(self.focal, pixel).map(|v| v * depth_m) } else { [0.0; 3] });
        }
        let frame = OrganisedCloud::new(SIDE, SIDE, points).and_then(|cloud| RgbdFrame::new(SIDE, SIDE, rgb, cloud));
        frame.unwrap_or_else(|error| panic!("a rendered frame has its size: {error}"))
    }

    /// Out of the surface at a pixel, towards the camera.
    fn normal(&self, view: &View, pixel: usize) -> Vector {
        let (u, v) = (pixel % SIDE, pixel / SIDE);
        let point = |u: usize, v: usize| {
            let pixel = v * SIDE + u;
            ray(self.focal, pixel).map(|x| x * view.seen[pixel].depth_mm)
        };
        let along = |a: Vector, b: Vector| [0, 1, 2].map(|i| b[i] - a[i]);
        let across = along(point(u.saturating_sub(1), v), point((u + 1).min(SIDE - 1), v));
        let down = along(point(u, v.saturating_sub(1)), point(u, (v + 1).min(SIDE - 1)));
        unit(cross(down, across))
    }
}

fn ray(focal: f32, pixel: usize) -> Vector {
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let (u, v) = ((pixel % SIDE) as f32, (pixel / SIDE) as f32);
    [(u - middle) / focal, (v - middle) / focal, 1.0]
}

/// Of a belt whose depth grows by `slope` along x and y.
fn belt_axes(slope: [f32; 2]) -> [Vector; 3] {
    let out = unit([slope[0], slope[1], -1.0]);
    let along = unit([1.0, 0.0, slope[0]]);
    [along, cross(along, out), out]
}

fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(v: Vector) -> Vector {
    let length = dot(v, v).sqrt();
    v.map(|x| x / length)
}
