//! Colour for depth at its own resolution: every point takes the colour that it has in the picture.

use super::camera_file::{CameraFile, Extrinsics};
use crate::frame::OrganisedCloud;

/// The colour of every pixel of a cloud on the depth image's grid, `[height, width, 3]`, bilinear between the colour
/// image's pixels. A point that the colour image does not show is removed. A pixel without a point takes its colour
/// beside that of the last pixel that had one, so that the picture has no holes where depth has.
pub fn sample_colour(file: &CameraFile, cloud: &mut OrganisedCloud, rgb: &[u8], colours: &mut Vec<u8>) {
    let colour = &file.colour;
    let depth = file.depth.as_ref().unwrap_or(colour);
    let extrinsics = file.depth_to_colour.unwrap_or(Extrinsics::IDENTITY);
    let step = [colour.fx / depth.fx, colour.fy / depth.fy];
    let picture = Picture { rgb, width: colour.width, height: colour.height };
    let (width, radius_max) = (cloud.width(), colour.radius_max());
    let shown = |[x, y, z]: [f64; 3]| z > 0.0 && x.hypot(y) <= radius_max * z;
    colours.clear();
    // Where the last pixel with a point lies in both images.
    let mut last: Option<([usize; 2], [f64; 2])> = None;
    for i in 0..cloud.points().len() {
        let pixel = [i % width, i / width];
        let point = cloud.points()[i].map(f64::from);
        if point[2] > 0.0 {
            let moved = extrinsics.transform(point);
            let at = colour.project(moved);
            match picture.at(at).filter(|_| shown(moved)) {
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
