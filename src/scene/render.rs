//! The station: camera, belt and light; a piece and a pose become a frame.

use fastrand::Rng;
use rayon::prelude::*;

use super::camera::{DISTANCE_MM, PIXELS_PER_MM, SLOPE_MAX};
use super::fixture::Fixture;
use super::piece::Piece;
use super::pose::Pose;
use super::surface::{HEIGHT_MAX_MM, REACH_MM, Surface};
use super::surroundings::Surroundings;
use crate::frame::{OrganisedCloud, RgbdFrame};
use crate::procedural::blend::{Albedo, is_changed};
use crate::procedural::noise::{between, field, normal};
use crate::vector::{Vector, cross, dot, unit};

/// A ray goes down by this share of its height over the surface below, until it is near: rays are steep, so
/// that what a slope hides from a step is less than the rest.
const STRIDE: f32 = 0.65;
const NEAR_MM: f32 = 0.01;
const STEPS_MAX: usize = 14;
/// What a part's shift and a slanted ray add to its reach.
const MARGIN_MM: f32 = 8.0;
/// What of depth counts as changed by a defect.
const DEPTH_CHANGED_MM: f32 = 0.3;
/// A neighbour this much nearer or farther is across an edge, where sensors lose points.
const EDGE_MM: f32 = 1.5;
const EDGE_LOST: f32 = 0.3;
const COLOUR_NOISE: f32 = 1.5;
/// How far the light is from its mean, up or down.
const LIGHT_DRIFT: f32 = 0.06;
const GAMMA: f32 = 1.0 / 2.2;

/// What stays the same from frame to frame.
pub struct Station {
    /// Of the frames, pixels.
    width: usize,
    height: usize,
    focal: f32,
    /// Where the optical axis meets the belt, millimetres.
    distance_mm: f32,
    /// Unit vectors along the belt and out of it towards the camera, in the camera's frame.
    belt: [Vector; 3],
    turn_rad: f32,
    light: Vector,
    ambient: f32,
    belt_albedo: Albedo,
    belt_points_share: f32,
    weave: u32,
    depth_noise_mm: f32,
    dropouts: f32,
    fixture: Option<Fixture>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    Belt,
    Part,
    Fixture,
}

/// What a pixel sees, without light and noise.
#[derive(Clone, Copy)]
struct Seen {
    depth_mm: f32,
    albedo: Albedo,
    thing: Thing,
}

/// All pixels, `[height, width]`.
pub struct View {
    width: usize,
    height: usize,
    seen: Vec<Seen>,
}

impl View {
    pub fn pixels(&self) -> usize {
        self.seen.len()
    }

    pub fn part_mask(&self) -> Vec<bool> {
        self.seen.iter().map(|s| s.thing == Thing::Part).collect()
    }

    /// Whether a pixel beside this one is much nearer or farther.
    fn is_edge(&self, pixel: usize) -> bool {
        let (u, v) = (pixel % self.width, pixel / self.width);
        let depth = |u: usize, v: usize| self.seen[v * self.width + u].depth_mm;
        let here = depth(u, v);
        let beside = [depth(u.saturating_sub(1), v), depth((u + 1).min(self.width - 1), v)];
        let above = [depth(u, v.saturating_sub(1)), depth(u, (v + 1).min(self.height - 1))];
        beside.into_iter().chain(above).any(|there| (there - here).abs() > EDGE_MM)
    }

    /// Pixels where another view of the same scene differs.
    pub fn differences(&self, other: &Self) -> Vec<bool> {
        let differs = |(a, b): (&Seen, &Seen)| {
            a.thing != b.thing || is_changed(a.albedo, b.albedo) || (a.depth_mm - b.depth_mm).abs() > DEPTH_CHANGED_MM
        };
        self.seen.iter().zip(&other.seen).map(differs).collect()
    }
}

impl Station {
    pub fn new(surroundings: &Surroundings, random: &mut Rng, of_fixture: &mut Rng) -> Self {
        let &Surroundings { width, height, .. } = surroundings;
        let distance_mm = between(random, DISTANCE_MM[0], DISTANCE_MM[1]);
        let slope = [0; 2].map(|_| between(random, -SLOPE_MAX, SLOPE_MAX));
        let grey = between(random, 0.03, 0.1);
        let light = [between(random, -0.5, 0.5), between(random, -0.5, 0.5), -1.0];
        let mut station = Self {
            width,
            height,
            focal: PIXELS_PER_MM * distance_mm,
            distance_mm,
            belt: belt_axes(slope),
            turn_rad: between(random, -0.6, 0.6),
            light: unit(light),
            ambient: between(random, 0.7, 0.85),
            belt_albedo: [0; 3].map(|_| grey * between(random, 0.9, 1.1)),
            weave: random.u32(..),
            depth_noise_mm: between(random, 0.15, 0.3),
            dropouts: between(random, 0.005, 0.015),
            belt_points_share: surroundings.belt_points_share,
            fixture: None,
        };
        // The numbers of a belt that is not seen are drawn too, so that the others stay what they are.
        station.belt_albedo = surroundings.belt_albedo.map_or(station.belt_albedo, |albedo| [albedo; 3]);
        if surroundings.fixture {
            let on_belt = |u: f32, v: f32| station.on_belt(station.ray(u, v), 0.0);
            station.fixture = Fixture::draw([width, height], surroundings.lane_mm(), on_belt, of_fixture);
        }
        station
    }

    /// What every pixel sees of pieces that do not touch, on a belt that has moved on by `belt_mm`.
    pub fn look(&self, pieces: &[(&Piece, Pose)], belt_mm: f32) -> View {
        let see = |pixel| {
            let ray = self.ray_of(pixel);
            // Above the belt a slanted ray is elsewhere.
            let ends = [0.0, HEIGHT_MAX_MM].map(|height_mm| self.on_belt(ray, height_mm));
            let is_near =
                |[x, y]: [f32; 2], pose: &Pose| (x - pose.at_mm[0]).hypot(y - pose.at_mm[1]) <= REACH_MM + MARGIN_MM;
            let near = pieces.iter().filter(|(_, pose)| ends.iter().any(|end| is_near(*end, pose)));
            let part = near.filter_map(|(piece, pose)| Some((Thing::Part, self.trace(ray, piece, pose)?))).next();
            // A ray that meets the fixture goes outward, so that a part on its way comes first.
            let fixture =
                || Some((Thing::Fixture, self.fixture.as_ref()?.meet(|height_mm| self.on_belt(ray, height_mm))?));
            let (thing, Surface { height_mm, albedo }) =
                part.or_else(fixture).unwrap_or_else(|| (Thing::Belt, self.belt(ends[0], belt_mm)));
            Seen { depth_mm: self.depth(ray, height_mm), albedo, thing }
        };
        let (width, height) = (self.width, self.height);
        View { width, height, seen: (0..width * height).into_par_iter().map(see).collect() }
    }

    /// Follows a ray from above any part down to the first surface it meets.
    fn trace(&self, ray: Vector, piece: &Piece, pose: &Pose) -> Option<Surface> {
        let (sin, cos) = (self.turn_rad + pose.turn_rad).sin_cos();
        let surface = |[x, y]: [f32; 2]| {
            let (x, y) = (x - pose.shift_mm[0] - pose.at_mm[0], y - pose.shift_mm[1] - pose.at_mm[1]);
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
        met
    }

    fn belt(&self, [x, y]: [f32; 2], belt_mm: f32) -> Surface {
        let weave = 1.0 + 0.2 * field(self.weave, (x - belt_mm) / 1.2, y / 1.2);
        Surface { height_mm: 0.0, albedo: self.belt_albedo.map(|a| a * weave) }
    }

    /// A part that far from the middle is out of view, millimetres.
    pub fn out_of_view_mm(&self) -> f32 {
        let side = |u: usize| self.on_belt(self.ray_of(self.height / 2 * self.width + u), 0.0)[0].abs();
        side(0).max(side(self.width - 1)) + REACH_MM + MARGIN_MM
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
        let mut rgb = Vec::with_capacity(3 * view.pixels());
        let mut points = Vec::with_capacity(view.pixels());
        for (pixel, seen) in view.seen.iter().enumerate() {
            let shade = self.ambient + (1.0 - self.ambient) * dot(self.normal(view, pixel), self.light).max(0.0);
            for (albedo, light) in seen.albedo.iter().zip(light) {
                let display = 255.0 * (albedo * shade * light).clamp(0.0, 1.0).powf(GAMMA);
                rgb.push((display + COLOUR_NOISE * normal(random)).round() as u8);
            }
            let depth_m = 1e-3 * (seen.depth_mm + self.depth_noise_mm * normal(random));
            let lost = if view.is_edge(pixel) { EDGE_LOST } else { self.dropouts };
            let lost = if seen.thing == Thing::Belt { lost.max(1.0 - self.belt_points_share) } else { lost };
            let seen = random.f32() >= lost;
            points.push(if seen { self.ray_of(pixel).map(|v| v * depth_m) } else { [0.0; 3] });
        }
        let (width, height) = (self.width, self.height);
        let cloud = OrganisedCloud::new(width, height, points);
        let frame = cloud.and_then(|cloud| RgbdFrame::new(width, height, rgb, cloud));
        frame.unwrap_or_else(|error| unreachable!("a rendered frame has its size: {error}"))
    }

    /// Out of the surface at a pixel, towards the camera.
    fn normal(&self, view: &View, pixel: usize) -> Vector {
        let (u, v) = (pixel % self.width, pixel / self.width);
        let point = |u: usize, v: usize| {
            let pixel = v * self.width + u;
            self.ray_of(pixel).map(|x| x * view.seen[pixel].depth_mm)
        };
        let along = |a: Vector, b: Vector| [0, 1, 2].map(|i| b[i] - a[i]);
        let across = along(point(u.saturating_sub(1), v), point((u + 1).min(self.width - 1), v));
        let down = along(point(u, v.saturating_sub(1)), point(u, (v + 1).min(self.height - 1)));
        unit(cross(down, across))
    }

    fn ray_of(&self, pixel: usize) -> Vector {
        self.ray((pixel % self.width) as f32, (pixel / self.width) as f32)
    }

    /// Through a column and a row; the optical axis goes through the middle of the frame.
    fn ray(&self, u: f32, v: f32) -> Vector {
        let [column, row] = [self.width, self.height].map(|side| (side as f32 - 1.0) / 2.0);
        [(u - column) / self.focal, (v - row) / self.focal, 1.0]
    }
}

/// Of a belt whose depth grows by `slope` along x and y.
fn belt_axes(slope: [f32; 2]) -> [Vector; 3] {
    let out = unit([slope[0], slope[1], -1.0]);
    let along = unit([1.0, 0.0, slope[0]]);
    [along, cross(along, out), out]
}
