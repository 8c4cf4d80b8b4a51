//! Registration: every pixel gets the point that it shows, from a depth image seen from elsewhere.
//!
//! The rule is that of librealsense's `Align`: the two opposite corners of a depth pixel are taken to the pixel's
//! depth, moved into the colour imager's frame and projected; the depth fills the rectangle of colour pixels between
//! them, and where several meet the nearest stays. Nothing is filled in between: what no depth pixel reaches has no
//! point. A colour pixel's point lies on its own ray, at the depth of the depth pixel as the colour imager sees it.
//!
//! librealsense has the rule twice: written for x86 it draws half a pixel to the lower right and knows of distortions
//! the radial terms of the modified Brown-Conrady model only; elsewhere it draws as its own projection does. Here a
//! pixel's middle is where it is, and all distortions count; a rectangle that leaves the image is cut at its edge, as
//! on x86. `tests/realsense/make.py` holds this to either.

use super::CalibrationError;
use super::camera_file::{CameraFile, Extrinsics, Grid};
use super::distortion::{Tangential, bend};
use super::lens::Lens;
use crate::frame::OrganisedCloud;

/// A depth pixel that would cover more colour pixels along a side is nearer than any camera measures.
const COVER_MAX: i32 = 64;
/// No depth pixel has reached this pixel.
const NOTHING: u64 = u64::MAX;

/// A camera and the tables that its frames are registered by, made once.
#[derive(Debug)]
pub struct Registration {
    file: CameraFile,
    /// Rays of the pixels of frames: `[height, width]` of the grid's image; NaN where a lens has no inverse.
    rays: Vec<[f32; 2]>,
    /// None where the depth image has the frame's grid already.
    corners: Option<Corners>,
}

/// Rays of the depth image's pixel corners, `[height + 1, width + 1]`, turned into the colour imager's frame.
#[derive(Debug)]
struct Corners {
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
    translation: [f32; 3],
}

/// A registered depth image, in buffers that frames reuse.
#[derive(Debug, Default)]
pub struct RegisteredDepth {
    /// `[height, width]` of the frame; the step in the upper half and the bits of the depth in the lower half, so that
    /// the smallest is the nearest.
    nearest: Vec<u64>,
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
}

/// Corners in the colour image: columns and rows, rounded; and their depth as the colour imager sees it.
#[derive(Debug, Default)]
struct Projected {
    u: Vec<i32>,
    v: Vec<i32>,
    z: Vec<f32>,
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
            (Grid::Colour, Some(depth), Some(extrinsics)) => Some(Corners::new(depth, extrinsics)),
            _ => None,
        };
        let grid = grid_lens(&file);
        let rays = grid.rays(grid.width, grid.height, 0.0);
        let without = rays.iter().filter(|ray| ray[0].is_nan()).count();
        if without > 0 {
            let share = 100.0 * without as f64 / rays.len() as f64;
            log::warn!("{share:.1} % of the image, at its edges, has no points: its distortion has no inverse there");
        }
        Self { file, rays, corners }
    }

    pub fn file(&self) -> &CameraFile {
        &self.file
    }

    /// Width and height of frames.
    pub fn size(&self) -> (usize, usize) {
        let grid = grid_lens(&self.file);
        (grid.width, grid.height)
    }

    /// Refuses a depth image of another size than the file's.
    pub fn check_depth_size(&self, width: usize, height: usize) -> Result<(), CalibrationError> {
        self.file.depth.as_ref().unwrap_or(&self.file.colour).check_size("depth", width, height)
    }

    /// Registers depth steps, `[height, width]` of the depth image, 0 = none. Allocates nothing once `into` was used.
    pub fn register(&self, depth: &[u16], into: &mut RegisteredDepth) {
        let depth_lens = self.file.depth.as_ref().unwrap_or(&self.file.colour);
        assert_eq!(depth.len(), depth_lens.width * depth_lens.height, "a depth image of the file's size");
        into.points.clear();
        into.steps.clear();
        let Some(corners) = &self.corners else {
            into.steps.extend_from_slice(depth);
            into.points.extend(depth.iter().zip(&self.rays).map(|(step, ray)| match step {
                0 => [0.0; 3],
                step => on_ray(*ray, self.metres(*step)),
            }));
            return;
        };
        let colour = &self.file.colour;
        into.nearest.clear();
        into.nearest.resize(colour.width * colour.height, NOTHING);
        for (row, steps) in depth.chunks_exact(depth_lens.width).enumerate() {
            let buffer = &mut into.row;
            buffer.depth_m.clear();
            buffer.depth_m.extend(steps.iter().map(|step| self.metres(*step)));
            corners.project(row, &buffer.depth_m, colour, &mut buffer.first, [0, 0]);
            corners.project(row, &buffer.depth_m, colour, &mut buffer.last, [1, 1]);
            fill(steps, buffer, colour.width, &mut into.nearest);
        }
        into.steps.extend(into.nearest.iter().map(|key| if *key == NOTHING { 0 } else { (key >> 32) as u16 }));
        into.points.extend(into.nearest.iter().zip(&self.rays).map(|(key, ray)| match *key {
            NOTHING => [0.0; 3],
            key => on_ray(*ray, f32::from_bits(key as u32)),
        }));
    }

    fn metres(&self, step: u16) -> f32 {
        f32::from(step) * self.file.depth_unit_m as f32 + self.file.depth_offset_m as f32
    }
}

/// The imager whose pixels frames have.
fn grid_lens(file: &CameraFile) -> &Lens {
    match (file.grid, &file.depth) {
        (Grid::Depth, Some(depth)) => depth,
        _ => &file.colour,
    }
}

#[inline(always)]
fn on_ray([x, y]: [f32; 2], z: f32) -> [f32; 3] {
    if x.is_nan() || z <= 0.0 { [0.0; 3] } else { [x * z, y * z, z] }
}

impl Corners {
    fn new(depth: &Lens, extrinsics: &Extrinsics) -> Self {
        let rays = depth.rays(depth.width + 1, depth.height + 1, -0.5);
        let turn = Extrinsics { translation_m: [0.0; 3], ..*extrinsics };
        let turned = |axis: usize| {
            let along = |ray: &[f32; 2]| turn.transform([ray[0].into(), ray[1].into(), 1.0])[axis] as f32;
            rays.iter().map(along).collect()
        };
        Self { x: turned(0), y: turned(1), z: turned(2), translation: extrinsics.translation_m.map(|v| v as f32) }
    }

    /// The corners at `[right, below]` of the pixels of a row, each at its pixel's depth, in the colour image.
    fn project(&self, row: usize, depth_m: &[f32], colour: &Lens, out: &mut Projected, [right, below]: [usize; 2]) {
        let first = (row + below) * (depth_m.len() + 1) + right;
        let at = first..first + depth_m.len();
        let rays = [&self.x[at.clone()], &self.y[at.clone()], &self.z[at]];
        let lens = Projection {
            focal: [colour.fx as f32, colour.fy as f32],
            centre: [colour.cx as f32 + 0.5, colour.cy as f32 + 0.5],
            end: [colour.width as f32, colour.height as f32],
            translation: self.translation,
        };
        for values in [&mut out.u, &mut out.v] {
            values.resize(depth_m.len(), 0);
        }
        out.z.resize(depth_m.len(), 0.0);
        let coefficients = colour.coefficients.map(|c| c as f32);
        let arch = pulp::Arch::new();
        match colour.distortion.tangential() {
            Tangential::None => arch.dispatch(|| lens.row(rays, depth_m, out, |point| point)),
            Tangential::Plain => arch.dispatch(|| lens.row(rays, depth_m, out, |p| bend::<_, false>(coefficients, p))),
            Tangential::AfterRadial => {
                arch.dispatch(|| lens.row(rays, depth_m, out, |p| bend::<_, true>(coefficients, p)));
            }
        }
    }
}

/// What the projection of a row needs of the colour imager.
struct Projection {
    focal: [f32; 2],
    /// The principal point, half a pixel on, so that rounding down rounds to the nearest.
    centre: [f32; 2],
    /// Width and height.
    end: [f32; 2],
    translation: [f32; 3],
}

impl Projection {
    #[inline(always)]
    fn row(&self, [x, y, z]: [&[f32]; 3], depth_m: &[f32], out: &mut Projected, bend: impl Fn([f32; 2]) -> [f32; 2]) {
        let [dx, dy, dz] = self.translation;
        let rays = x.iter().zip(y).zip(z).zip(depth_m);
        let out = out.u.iter_mut().zip(&mut out.v).zip(&mut out.z);
        for ((((x, y), z), depth), ((u, v), out_z)) in rays.zip(out) {
            let [x, y, z] = [x * depth + dx, y * depth + dy, z * depth + dz];
            let [x, y] = bend([x / z, y / z]);
            // Corners far outside are brought beside the image, so that they fit an i32. What is NaN has a depth of NaN.
            *u = (x * self.focal[0] + self.centre[0]).floor().clamp(-1.0, self.end[0]) as i32;
            *v = (y * self.focal[1] + self.centre[1]).floor().clamp(-1.0, self.end[1]) as i32;
            *out_z = z;
        }
    }
}

/// Fills the rectangles of a row's pixels where they are nearest.
fn fill(steps: &[u16], row: &Row, width: usize, nearest: &mut [u64]) {
    let height = nearest.len() / width;
    let (first, last) = (&row.first, &row.last);
    for (i, &step) in steps.iter().enumerate() {
        // Half-way between the corners; not above 0 behind the imager, and where a lens has no inverse.
        let z = 0.5 * (first.z[i] + last.z[i]);
        if step == 0 || !(first.z[i] > 0.0 && last.z[i] > 0.0) {
            continue;
        }
        let (left, top) = (first.u[i].max(0), first.v[i].max(0));
        let (right, bottom) = (last.u[i].min(width as i32 - 1), last.v[i].min(height as i32 - 1));
        if right - left >= COVER_MAX || bottom - top >= COVER_MAX || right < left {
            continue;
        }
        let key = u64::from(step) << 32 | u64::from(z.to_bits());
        for v in top..=bottom {
            let start = v as usize * width;
            let covered = &mut nearest[start + left as usize..=start + right as usize];
            covered.iter_mut().for_each(|nearest| *nearest = key.min(*nearest));
        }
    }
}

/// The colour of every pixel of a cloud on the depth image's grid, `[height, width, 3]`, bilinear between the colour
/// image's pixels. A point that the colour image does not show is removed. A pixel without a point takes its colour
/// beside that of the last pixel that had one, so that the picture has no holes where depth has.
pub fn sample_colour(file: &CameraFile, cloud: &mut OrganisedCloud, rgb: &[u8], colours: &mut Vec<u8>) {
    let colour = &file.colour;
    let depth = file.depth.as_ref().unwrap_or(colour);
    let extrinsics = file.depth_to_colour.unwrap_or(Extrinsics::IDENTITY);
    let step = [colour.fx / depth.fx, colour.fy / depth.fy];
    let picture = Picture { rgb, width: colour.width, height: colour.height };
    let width = cloud.width();
    colours.clear();
    // Where the last pixel with a point lies in both images.
    let mut last: Option<([usize; 2], [f64; 2])> = None;
    for i in 0..cloud.points().len() {
        let pixel = [i % width, i / width];
        let point = cloud.points()[i].map(f64::from);
        if point[2] > 0.0 {
            let moved = extrinsics.transform(point);
            let at = colour.project(moved);
            match picture.at(at).filter(|_| moved[2] > 0.0) {
                Some(sampled) => {
                    last = Some((pixel, at));
                    colours.extend(sampled);
                    continue;
                }
                None => cloud.remove(i),
            }
        }
        let beside =
            last.map(|(from, at)| [0, 1].map(|axis| at[axis] + step[axis] * (pixel[axis] as f64 - from[axis] as f64)));
        colours.extend(beside.and_then(|at| picture.at(at)).unwrap_or([0; 3]));
    }
}

impl Extrinsics {
    pub const IDENTITY: Self =
        Self { rotation: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], translation_m: [0.0; 3] };
}

/// A colour image, `[height, width, 3]`.
struct Picture<'a> {
    rgb: &'a [u8],
    width: usize,
    height: usize,
}

impl Picture<'_> {
    /// The colour at (u, v), which the middles of four pixels surround; none outside.
    fn at(&self, [u, v]: [f64; 2]) -> Option<[u8; 3]> {
        let inside = (0.0..=(self.width - 1) as f64).contains(&u) && (0.0..=(self.height - 1) as f64).contains(&v);
        if !inside {
            return None;
        }
        let (left, top) = (u as usize, v as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (across, down) = (u - left as f64, v - top as f64);
        let value = |x: usize, y: usize, c: usize| f64::from(self.rgb[(y * self.width + x) * 3 + c]);
        let mixed = |c: usize| {
            let above = value(left, top, c) * (1.0 - across) + value(right, top, c) * across;
            let below = value(left, bottom, c) * (1.0 - across) + value(right, bottom, c) * across;
            (above * (1.0 - down) + below * down).round() as u8
        };
        Some([0, 1, 2].map(mixed))
    }
}
