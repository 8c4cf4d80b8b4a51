//! The belt: a plane through the border of the frame, found by RANSAC (paper, section 4).

use nalgebra::{Matrix3, SymmetricEigen, Vector3};
use serde::{Deserialize, Serialize};

use crate::frame::{OrganisedCloud, is_point};

/// Width of the border that shows the belt, pixels.
const BORDER: usize = 10;
/// Points nearer than this to a candidate plane support it, metres.
const INLIER_M: f32 = 0.004;
/// Points nearer than this to the plane are background, metres (paper, section 4).
pub const BACKGROUND_M: f32 = 0.005;
/// Candidate planes. With half of the border on the belt, 50 leave one chance in 800 of no clean sample.
const CANDIDATES: usize = 200;
/// Border points that candidates are judged on.
const JUDGES_MAX: usize = 2000;

/// The points q with normal . q + offset = 0; the normal has unit length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plane {
    pub normal: [f32; 3],
    /// Metres.
    pub offset_m: f32,
}

impl Plane {
    /// Metres, never negative.
    pub fn distance(&self, point: &[f32; 3]) -> f32 {
        let [a, b, c] = self.normal;
        (a * point[0] + b * point[1] + c * point[2] + self.offset_m).abs()
    }

    /// Whether this is a plane at all: finite, with a normal of unit length.
    pub fn is_valid(&self) -> bool {
        let length: f32 = self.normal.iter().map(|v| v * v).sum();
        self.offset_m.is_finite() && (length - 1.0).abs() < 1e-3
    }

    fn through(points: [&[f32; 3]; 3]) -> Option<Self> {
        let [a, b, c] = points.map(|p| Vector3::from(*p));
        let normal = (b - a).cross(&(c - a)).try_normalize(f32::MIN_POSITIVE)?;
        Some(Self { normal: normal.into(), offset_m: -normal.dot(&a) })
    }

    /// Least squares: the direction in which the points vary least.
    fn least_squares(points: &[[f32; 3]]) -> Option<Self> {
        let to_f64 = |p: &[f32; 3]| Vector3::from(p.map(f64::from));
        let mean = points.iter().map(to_f64).sum::<Vector3<f64>>() / points.len() as f64;
        let covariance: Matrix3<f64> = points.iter().map(|p| to_f64(p) - mean).map(|d| d * d.transpose()).sum();
        let eigen = SymmetricEigen::new(covariance);
        let normal: Vector3<f64> = eigen.eigenvectors.column(eigen.eigenvalues.imin()).into();
        let plane = Self { normal: normal.map(|v| v as f32).into(), offset_m: -normal.dot(&mean) as f32 };
        plane.is_valid().then_some(plane)
    }
}

/// The plane of the frame's border; none when the border has no points to carry one.
pub fn fit_border(cloud: &OrganisedCloud, seed: u64) -> Option<Plane> {
    let (w, h) = (cloud.width(), cloud.height());
    let in_border = |i: usize| {
        let (x, y) = (i % w, i / w);
        x < BORDER || y < BORDER || x + BORDER >= w || y + BORDER >= h
    };
    let border: Vec<[f32; 3]> =
        cloud.points().iter().enumerate().filter(|&(i, p)| in_border(i) && is_point(p)).map(|(_, p)| *p).collect();
    fit(&border, seed)
}

/// RANSAC, then least squares over the winner's inliers.
fn fit(points: &[[f32; 3]], seed: u64) -> Option<Plane> {
    if points.len() < 3 {
        return None;
    }
    let judges: Vec<[f32; 3]> = points.iter().step_by(points.len().div_ceil(JUDGES_MAX)).copied().collect();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut pick = || &points[random.usize(..points.len())];
    let mut best: Option<(usize, Plane)> = None;
    for _ in 0..CANDIDATES {
        let Some(plane) = Plane::through([pick(), pick(), pick()]) else { continue };
        let support = judges.iter().filter(|p| plane.distance(p) < INLIER_M).count();
        if best.is_none_or(|(most, _)| support > most) {
            best = Some((support, plane));
        }
    }
    let (_, plane) = best?;
    let inliers: Vec<[f32; 3]> = points.iter().filter(|p| plane.distance(p) < INLIER_M).copied().collect();
    Plane::least_squares(&inliers).or(Some(plane))
}

/// Drops the points on the plane.
pub fn remove(cloud: &mut OrganisedCloud, plane: &Plane) {
    for i in 0..cloud.points().len() {
        if is_point(&cloud.points()[i]) && plane.distance(&cloud.points()[i]) < BACKGROUND_M {
            cloud.remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A belt with a part on it: 100 x 80, 1 mm a pixel, tilted.
    fn scene() -> OrganisedCloud {
        let point = |i: usize| {
            let (x, y) = ((i % 100) as f32 * 1e-3, (i / 100) as f32 * 1e-3);
            let part = (30..60).contains(&(i % 100)) && (30..60).contains(&(i / 100));
            [x, y, 0.5 + 0.1 * x - 0.05 * y - if part { 0.02 } else { 0.0 }]
        };
        OrganisedCloud::new(100, 80, (0..8000).map(point).collect()).unwrap()
    }

    #[test]
    fn the_belt_goes_and_the_part_stays() {
        let mut cloud = scene();
        let plane = fit_border(&cloud, 3).unwrap();
        remove(&mut cloud, &plane);
        assert_eq!(cloud.valid_count(), 900);
    }

    #[test]
    fn the_same_seed_gives_the_same_plane() {
        assert_eq!(fit_border(&scene(), 5), fit_border(&scene(), 5));
    }

    #[test]
    fn a_border_without_points_has_no_plane() {
        let cloud = OrganisedCloud::new(50, 50, vec![[0.0; 3]; 2500]).unwrap();
        assert_eq!(fit_border(&cloud, 0), None);
        let line: Vec<[f32; 3]> = (0..2500).map(|i| [i as f32 * 1e-3, 0.0, 1.0]).collect();
        let on_a_line = fit_border(&OrganisedCloud::new(50, 50, line).unwrap(), 0);
        assert!(on_a_line.is_none_or(|plane| plane.is_valid()));
    }
}
