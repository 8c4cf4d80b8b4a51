//! How pixels of a frame and its points belong together, found from the points alone.

use crate::frame::{OrganisedCloud, is_point};
use crate::prepare::plane::Plane;

/// Points that are compared with their pixels.
const SAMPLE_MAX: usize = 4096;
/// Less than this share of the pixels' spread across a line is no area.
const AREA_MIN: f64 = 1e-4;

/// A camera without distortion: the ray of a pixel, at a depth of 1, is linear in column and row. An organised cloud has no
/// camera file with it, and axes that differ from dataset to dataset, so the least squares over its own points say it.
#[derive(Clone, Copy, Debug)]
pub struct Pinhole {
    /// A pixel `[x, y]` in the middle of those with a point, and its ray `[x / z, y / z]`.
    pixel: [f32; 2],
    ray: [f32; 2],
    /// By how much a ray changes from a column to the next, and from a row to the next: `[ray axis][pixel axis]`.
    slope: [[f32; 2]; 2],
    inverse: [[f32; 2]; 2],
}

impl Pinhole {
    /// None where the points lie in a line of pixels or along one ray.
    pub fn of(cloud: &OrganisedCloud) -> Option<Self> {
        let points = cloud.points();
        let mut step = points.len().div_ceil(SAMPLE_MAX).max(1);
        // Never one column again and again.
        if step > 1 && cloud.width().is_multiple_of(step) {
            step += 1;
        }
        let place = |i: usize| [(i % cloud.width()) as f64, (i / cloud.width()) as f64];
        let ray = |p: &[f32; 3]| [0, 1].map(|axis| f64::from(p[axis]) / f64::from(p[2]));
        let seen = || (0..points.len()).step_by(step).filter(|i| is_point(&points[*i]));
        let count = seen().count().max(1) as f64;
        let mean = |of: &dyn Fn(usize) -> [f64; 2]| {
            seen().map(of).fold([0.0; 2], |sum, v| [sum[0] + v[0] / count, sum[1] + v[1] / count])
        };
        let (pixel, middle) = (mean(&place), mean(&|i| ray(&points[i])));
        let (mut spread, mut along) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
        for i in seen() {
            let (at, seen) = (place(i), ray(&points[i]));
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                spread[a][b] += (at[a] - pixel[a]) * (at[b] - pixel[b]);
                along[a][b] += (seen[a] - middle[a]) * (at[b] - pixel[b]);
            }
        }
        let slope = times(along, inverse(spread)?);
        let narrow = |m: [[f64; 2]; 2]| m.map(|row| row.map(|v| v as f32));
        Some(Self {
            pixel: pixel.map(|v| v as f32),
            ray: middle.map(|v| v as f32),
            slope: narrow(slope),
            inverse: narrow(inverse(slope)?),
        })
    }

    /// Where the ray of a pixel `[x, y]` meets a plane, metres; not finite where it does not.
    pub fn meet(&self, pixel: [f32; 2], plane: &Plane) -> [f32; 3] {
        let [x, y] = linear(&self.slope, pixel, self.pixel, self.ray);
        let ray = [x, y, 1.0];
        let depth_m = -plane.offset_m / (0..3).map(|i| plane.normal[i] * ray[i]).sum::<f32>();
        ray.map(|v| v * depth_m)
    }

    /// The pixel `[x, y]` that sees a point.
    pub fn pixel(&self, [x, y, z]: [f32; 3]) -> [f32; 2] {
        linear(&self.inverse, [x / z, y / z], self.ray, self.pixel)
    }
}

/// `to + matrix (at - from)`.
fn linear(matrix: &[[f32; 2]; 2], at: [f32; 2], from: [f32; 2], to: [f32; 2]) -> [f32; 2] {
    let [a, b] = [at[0] - from[0], at[1] - from[1]];
    [to[0] + matrix[0][0] * a + matrix[0][1] * b, to[1] + matrix[1][0] * a + matrix[1][1] * b]
}

fn times(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    a.map(|row| [0, 1].map(|column| row[0] * b[0][column] + row[1] * b[1][column]))
}

/// None for a matrix that maps an area to next to none.
fn inverse([[a, b], [c, d]]: [[f64; 2]; 2]) -> Option<[[f64; 2]; 2]> {
    let area = a * d - b * c;
    let size = a * a + b * b + c * c + d * d;
    (area.abs() > AREA_MIN * size && area.is_finite()).then(|| [[d / area, -b / area], [-c / area, a / area]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 x 40 pixels with the y axis up, on a tilted plane with a step.
    fn cloud() -> OrganisedCloud {
        let point = |i: usize| {
            let (u, v) = ((i % 60) as f32, (i / 60) as f32);
            let z = 0.5 + 0.002 * u - if u > 20.0 && v > 15.0 { 0.03 } else { 0.0 };
            [(u - 31.0) / 300.0 * z, (18.0 - v) / 280.0 * z, z]
        };
        OrganisedCloud::new(60, 40, (0..2400).map(point).collect()).unwrap()
    }

    #[test]
    fn a_pixel_and_its_point_are_found_from_each_other() {
        let cloud = cloud();
        let pinhole = Pinhole::of(&cloud).unwrap();
        for i in [0, 59, 700, 1234, 2399] {
            let (point, at) = (cloud.points()[i], [(i % 60) as f32, (i / 60) as f32]);
            let pixel = pinhole.pixel(point);
            assert!((pixel[0] - at[0]).hypot(pixel[1] - at[1]) < 1e-2, "{pixel:?} for {at:?}");
            let plane = Plane { normal: [0.0, 0.0, -1.0], offset_m: point[2] };
            let met = pinhole.meet(at, &plane);
            assert!((0..3).all(|axis| (met[axis] - point[axis]).abs() < 1e-5), "{met:?} for {point:?}");
        }
    }

    #[test]
    fn points_in_one_line_say_nothing() {
        let points = (0..2400).map(|i| if i / 60 == 7 { [i as f32 * 1e-3, 0.0, 0.5] } else { [0.0; 3] }).collect();
        assert!(Pinhole::of(&OrganisedCloud::new(60, 40, points).unwrap()).is_none());
        assert!(Pinhole::of(&OrganisedCloud::new(60, 40, vec![[0.0; 3]; 2400]).unwrap()).is_none());
    }
}
