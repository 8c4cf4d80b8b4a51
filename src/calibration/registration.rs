//! Registration: every pixel gets the point that it shows, from a depth image seen from elsewhere.
//!
//! The rule is that of librealsense's `Align`: the two opposite corners of a depth pixel are taken to the pixel's
//! depth, moved into the colour imager's frame and projected; the depth fills the rectangle of colour pixels between
//! them, and where several meet the nearest stays. Nothing is filled in between: what no depth pixel reaches has no
//! point. A colour pixel's point lies on its own ray, where the depth imager sees it at the depth it measured.
//!
//! librealsense has the rule twice: written for x86 it draws half a pixel to the lower right and knows of distortions
//! the radial terms of the modified Brown-Conrady model only; elsewhere it draws as its own projection does. Here
//! nothing is shifted by half a pixel, and all distortions count; a rectangle that leaves the image is cut at its edge,
//! as on x86. `ci/realsense/make.py` holds this to either.

pub mod projection;
mod rectangles;

use std::sync::Arc;

use super::camera_file::{CameraFile, Extrinsics, Grid};
use super::error::CalibrationError;
use super::lens::Lens;
use crate::frame::Rays;
use projection::{Corners, Projected, Projection};
use rectangles::{LANES, NOTHING, Rectangles};

/// A ray is used where the depth imager sees it at no less than this share of its depth: others go past its side.
const AHEAD_MIN: f64 = 0.1;

/// A camera and the tables that its frames are registered by, made once.
#[derive(Debug)]
pub struct Registration {
    file: CameraFile,
    /// Rays of the pixels of frames, `[height, width]` of the grid's image, scaled so that the depth imager sees a
    /// depth of 1; NaN where a lens has no inverse. A point is as far ahead as the colour imager is of the depth imager.
    rays: Arc<Rays>,
    /// None where the depth image has the frame's grid already.
    corners: Option<Corners>,
}

/// What a machine other than the CPU needs for the same result.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    /// Width and height of the depth image, and of frames.
    pub depth_size: (usize, usize),
    pub size: (usize, usize),
    /// A depth is a step times the unit, and the offset, metres.
    pub depth_unit_m: f32,
    pub depth_offset_m: f32,
    /// Rays of the corners of the depth image's pixels along each axis of the colour imager's frame,
    /// `[depth height + 1, depth width + 1]`; NaN where a lens has no inverse.
    pub corners: [&'a [f32]; 3],
    pub projection: &'a Projection,
    /// Rays of the pixels of frames, `[height, width]`, and what is added to a depth for its point.
    pub rays: &'a [[f32; 3]],
    pub ahead_m: f32,
}

/// A registered depth image, in buffers that frames reuse.
#[derive(Debug, Default)]
pub struct RegisteredDepth {
    /// `[height, width]` of the frame, and room for a last rectangle's lanes.
    nearest: Vec<u16>,
    row: Row,
    points: Vec<[f32; 3]>,
    steps: Vec<u16>,
}

/// One row of the depth image, projected.
#[derive(Debug, Default)]
struct Row {
    depth_m: Vec<f32>,
    first: Projected,
    last: Projected,
    rectangles: Rectangles,
}

impl PartialEq for Registration {
    /// Tables follow from the file.
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl RegisteredDepth {
    /// `[height, width]`, metres, the origin where there is none.
    pub fn points(&self) -> &[[f32; 3]] {
        &self.points
    }

    pub fn into_points(self) -> Vec<[f32; 3]> {
        self.points
    }

    /// Depth steps `[height, width]`, as the depth imager measured them, 0 = none: what `Align` gives.
    pub fn steps(&self) -> &[u16] {
        &self.steps
    }
}

impl Registration {
    /// Makes the tables of a checked file.
    pub fn new(file: CameraFile) -> Self {
        let corners = match (file.grid, &file.depth, &file.depth_to_colour) {
            (Grid::Colour, Some(depth), Some(extrinsics)) => Some(Corners::new(depth, extrinsics, &file.colour)),
            _ => None,
        };
        let (rays, ahead_m) = rays(&file, corners.is_some());
        let without = rays.iter().filter(|ray| ray[0].is_nan()).count();
        if without > 0 {
            let share = 100.0 * without as f64 / rays.len() as f64;
            log::warn!("{share:.1} % of the image, at its edges, has no points: its distortion has no inverse there");
        }
        let (unit_m, offset_m) = (file.depth_unit_m as f32, file.depth_offset_m as f32);
        Self { file, rays: Arc::new(Rays { rays, unit_m, offset_m, ahead_m }), corners }
    }

    pub fn file(&self) -> &CameraFile {
        &self.file
    }

    /// Width and height of frames.
    pub fn size(&self) -> (usize, usize) {
        let grid = grid_lens(&self.file);
        (grid.width, grid.height)
    }

    /// The tables by which depth is moved; none where its image has the frame's grid already.
    pub fn tables(&self) -> Option<Tables<'_>> {
        let Corners { rays, projection } = self.corners.as_ref()?;
        let depth = self.file.depth.as_ref()?;
        Some(Tables {
            depth_size: (depth.width, depth.height),
            size: self.size(),
            depth_unit_m: self.rays.unit_m,
            depth_offset_m: self.rays.offset_m,
            corners: rays.each_ref().map(Vec::as_slice),
            projection,
            rays: &self.rays.rays,
            ahead_m: self.rays.ahead_m,
        })
    }

    /// Refuses a depth image of another size than the file's.
    pub fn check_depth_size(&self, width: usize, height: usize) -> Result<(), CalibrationError> {
        self.file.depth.as_ref().unwrap_or(&self.file.colour).check_size("depth", width, height)
    }

    /// Registers depth steps, `[height, width]` of the depth image, 0 = none. Allocates nothing once `into` was used.
    pub fn register(&self, depth: &[u16], into: &mut RegisteredDepth) {
        self.register_steps(depth, into);
        into.points.extend(self.points(&into.steps));
    }

    /// Does the same without points, which [`Self::points`] makes of the steps.
    pub fn register_steps(&self, depth: &[u16], into: &mut RegisteredDepth) {
        let depth_lens = self.file.depth.as_ref().unwrap_or(&self.file.colour);
        assert_eq!(depth.len(), depth_lens.width * depth_lens.height, "a depth image of the file's size");
        into.points.clear();
        into.steps.clear();
        match &self.corners {
            None => into.steps.extend_from_slice(depth),
            Some(corners) => self.nearest_steps(corners, depth, depth_lens.width, into),
        }
    }

    /// The points of registered steps, `[height, width]`, metres, the origin where there is none.
    pub fn points(&self, steps: &[u16]) -> impl Iterator<Item = [f32; 3]> {
        self.rays.points(steps)
    }

    /// How points follow from registered steps.
    pub fn rays(&self) -> &Arc<Rays> {
        &self.rays
    }

    /// The nearest step of every colour pixel, into `into.steps`.
    fn nearest_steps(&self, corners: &Corners, depth: &[u16], width: usize, into: &mut RegisteredDepth) {
        let colour = &self.file.colour;
        let pixels = colour.width * colour.height;
        let RegisteredDepth { nearest, row: buffer, steps: nearest_steps, .. } = into;
        nearest.clear();
        nearest.resize(pixels + LANES, NOTHING);
        for (row, steps) in depth.chunks_exact(width).enumerate() {
            buffer.depth_m.clear();
            buffer.depth_m.extend(steps.iter().map(|step| self.metres(*step)));
            corners.project(row, &buffer.depth_m, &mut buffer.first, [0, 0]);
            corners.project(row, &buffer.depth_m, &mut buffer.last, [1, 1]);
            let Row { first, last, rectangles, .. } = &mut *buffer;
            rectangles.between(first, last, steps, (colour.width, colour.height));
            rectangles.fill(steps, colour.width, nearest);
        }
        nearest_steps.extend(nearest[..pixels].iter().map(|step| step.wrapping_add(1)));
    }

    /// Rounds depths in metres to steps, 0 = none. Depths in another unit may be farther than the last step. Where most
    /// depths are, they become the last step, at which no camera measures, so that the unit is refused; otherwise they
    /// become 0.
    pub fn steps_of(&self, depth_m: &[f32]) -> Vec<u16> {
        let Rays { unit_m, offset_m, .. } = *self.rays;
        let step = |depth_m: f32| ((depth_m - offset_m) / unit_m).round();
        let last = f32::from(u16::MAX);
        let is_measured = |depth_m: &&f32| depth_m.is_finite() && **depth_m > 0.0;
        let measured = depth_m.iter().filter(is_measured).count();
        let farther = depth_m.iter().filter(is_measured).filter(|depth_m| step(**depth_m) > last).count();
        let beyond = if 2 * farther > measured { u16::MAX } else { 0 };
        let nearest = |depth_m: &f32| match step(*depth_m) {
            _ if !is_measured(&depth_m) => 0,
            step if step > last => beyond,
            step => step as u16,
        };
        depth_m.iter().map(nearest).collect()
    }

    fn metres(&self, step: u16) -> f32 {
        f32::from(step) * self.rays.unit_m + self.rays.offset_m
    }
}

/// The imager whose pixels frames have.
fn grid_lens(file: &CameraFile) -> &Lens {
    match (file.grid, &file.depth) {
        (Grid::Depth, Some(depth)) => depth,
        _ => &file.colour,
    }
}

/// The rays of a frame's pixels and how far the colour imager is ahead, both along the depth imager's axis.
fn rays(file: &CameraFile, moved: bool) -> (Vec<[f32; 3]>, f32) {
    let grid = grid_lens(file);
    let extrinsics = file.depth_to_colour.filter(|_| moved).unwrap_or(Extrinsics::IDENTITY);
    let axis = extrinsics.rotation.map(|row| row[2]);
    let along = |[x, y, z]: [f64; 3]| axis[0] * x + axis[1] * y + axis[2] * z;
    let ray = |[x, y]: [f32; 2]| {
        let ray = [x.into(), y.into(), 1.0];
        let depth = along(ray);
        if depth > AHEAD_MIN { ray.map(|v| (v / depth) as f32) } else { [f32::NAN; 3] }
    };
    let rays = grid.rays(grid.width, grid.height, 0.0).into_iter().map(ray).collect();
    (rays, along(extrinsics.translation_m) as f32)
}

impl Extrinsics {
    pub const IDENTITY: Self =
        Self { rotation: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], translation_m: [0.0; 3] };
}
