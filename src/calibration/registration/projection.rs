//! Where the colour imager sees the corners of the depth image's pixels.

use crate::calibration::camera_file::Extrinsics;
use crate::calibration::distortion::{Formula, bend, bend_rational_within};
use crate::calibration::lens::Lens;
use crate::vectorised::vectorised;

/// The corners of the depth image's pixels, and where the colour imager sees them.
#[derive(Debug)]
pub(super) struct Corners {
    /// Along each axis of the colour imager's frame, `[height + 1, width + 1]` of the depth image.
    pub rays: [Vec<f32>; 3],
    pub projection: Projection,
}

/// Corners in the colour image: columns and rows, rounded; and their depth as the colour imager sees it.
#[derive(Debug, Default)]
pub(super) struct Projected {
    pub u: Vec<i32>,
    pub v: Vec<i32>,
    pub z: Vec<f32>,
}

impl Corners {
    pub fn new(depth: &Lens, extrinsics: &Extrinsics, colour: &Lens) -> Self {
        let rays = depth.rays(depth.width + 1, depth.height + 1, -0.5);
        let turn = Extrinsics { translation_m: [0.0; 3], ..*extrinsics };
        let turned = |axis: usize| {
            let along = |ray: &[f32; 2]| turn.transform([ray[0].into(), ray[1].into(), 1.0])[axis] as f32;
            rays.iter().map(along).collect()
        };
        let projection = Projection {
            focal: [colour.fx as f32, colour.fy as f32],
            centre: [colour.cx as f32 + 0.5, colour.cy as f32 + 0.5],
            end: [colour.width as f32, colour.height as f32],
            translation: extrinsics.translation_m.map(|v| v as f32),
            formula: colour.distortion.formula(),
            coefficients: colour.coefficients.map(|c| c as f32),
            r2_max: colour.radius_max().powi(2) as f32,
        };
        Self { rays: [0, 1, 2].map(turned), projection }
    }

    /// The corners at `[right, below]` of the pixels of a row, each at its pixel's depth, in the colour image.
    pub fn project(&self, row: usize, depth_m: &[f32], out: &mut Projected, [right, below]: [usize; 2]) {
        let first = (row + below) * (depth_m.len() + 1) + right;
        let rays = self.rays.each_ref().map(|along| &along[first..first + depth_m.len()]);
        for values in [&mut out.u, &mut out.v] {
            values.resize(depth_m.len(), 0);
        }
        out.z.resize(depth_m.len(), 0.0);
        project(&self.projection, rays, depth_m, out);
    }
}

vectorised! {
    /// A row of points, which lie on `rays` at `depth_m`.
    fn project(lens: &Projection, rays: [&[f32]; 3], depth_m: &[f32], out: &mut Projected) {
        let coefficients = lens.coefficients;
        // Without these attributes the closures are not inlined, and the loop is not vectorised.
        match lens.formula {
            Formula::None => lens.row(rays, depth_m, out, #[inline(always)] |point| point),
            Formula::Brown => {
                lens.row(rays, depth_m, out, #[inline(always)] |point| bend::<_, false>(coefficients, point));
            }
            Formula::Modified => {
                lens.row(rays, depth_m, out, #[inline(always)] |point| bend::<_, true>(coefficients, point));
            }
            Formula::Rational => {
                let r2_max = lens.r2_max;
                lens.row(rays, depth_m, out, #[inline(always)] |point| {
                    bend_rational_within(coefficients, r2_max, point)
                });
            }
        }
    }
}

/// How the colour imager sees a point of the depth imager's frame, turned into its own.
#[derive(Debug)]
pub struct Projection {
    /// Pixels.
    pub focal: [f32; 2],
    /// The principal point, half a pixel on, so that rounding down rounds to the nearest.
    pub centre: [f32; 2],
    /// Width and height.
    end: [f32; 2],
    /// Metres.
    pub translation: [f32; 3],
    pub formula: Formula,
    /// k1, k2, p1, p2, k3, k4, k5, k6.
    pub coefficients: [f32; 8],
    /// The square of the distance from the axis beyond which a rational lens shows no point; infinite for the others.
    pub r2_max: f32,
}

impl Projection {
    #[inline(always)]
    fn row(&self, [x, y, z]: [&[f32]; 3], depth_m: &[f32], out: &mut Projected, bend: impl Fn([f32; 2]) -> [f32; 2]) {
        let [dx, dy, dz] = self.translation;
        // All of one length, so that no access is checked.
        let count = depth_m.len();
        let (x, y, z) = (&x[..count], &y[..count], &z[..count]);
        let (u, v, out_z) = (&mut out.u[..count], &mut out.v[..count], &mut out.z[..count]);
        for i in 0..count {
            let depth = depth_m[i];
            let [px, py, pz] = [x[i] * depth + dx, y[i] * depth + dy, z[i] * depth + dz];
            let [bent_x, bent_y] = bend([px / pz, py / pz]);
            u[i] = whole(bent_x * self.focal[0] + self.centre[0], self.end[0]);
            v[i] = whole(bent_y * self.focal[1] + self.centre[1], self.end[1]);
            out_z[i] = pz;
        }
    }
}

/// Rounds down. A value far outside of an image that ends at `end` becomes one just outside of it.
#[inline(always)]
fn whole(at: f32, end: f32) -> i32 {
    // From 0 on, cutting off rounds down; NaN becomes 0, and its depth is NaN too.
    let shifted = (at + 1.0).max(0.0).min(end + 1.0);
    // SAFETY: `shifted` is not NaN, since `max` and `min` return the other operand where one is NaN, and lies between 0
    // and an image's side. A checked conversion would keep the loop from being vectorised.
    unsafe { shifted.to_int_unchecked::<i32>() - 1 }
}
