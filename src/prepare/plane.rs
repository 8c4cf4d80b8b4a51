//! The belt: a plane through the border of the frame, found by RANSAC (paper, section 4).

use nalgebra::{Matrix3, SymmetricEigen, Vector3};
use serde::{Deserialize, Serialize};

use crate::frame::is_point;

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

/// Finds the belt, in buffers that frames reuse.
#[derive(Default)]
pub struct Fitter {
    border: Vec<[f32; 3]>,
    judges: Vec<[f32; 3]>,
    inliers: Vec<[f32; 3]>,
}

impl Fitter {
    /// The plane of the border of `points`, `[height, width]`; none when it has no points to carry one.
    pub fn fit_border(&mut self, points: &[[f32; 3]], width: usize, seed: u64) -> Option<Plane> {
        let height = points.len() / width;
        self.border.clear();
        self.inliers.clear();
        // All of the border, so that a frame with more of it there than the one before allocates nothing.
        let most = 2 * BORDER * (width + height).min(points.len());
        [&mut self.border, &mut self.inliers].into_iter().for_each(|some| some.reserve(most));
        for (y, row) in points.chunks_exact(width).enumerate() {
            let whole = y < BORDER || y + BORDER >= height || width <= 2 * BORDER;
            let (left, right) = if whole { (row, &row[..0]) } else { (&row[..BORDER], &row[width - BORDER..]) };
            self.border.extend(left.iter().chain(right).filter(|p| is_point(p)));
        }
        self.fit(seed)
    }

    /// RANSAC, then least squares over the winner's inliers.
    fn fit(&mut self, seed: u64) -> Option<Plane> {
        let points = &self.border;
        if points.len() < 3 {
            return None;
        }
        self.judges.clear();
        self.judges.reserve(JUDGES_MAX);
        self.judges.extend(points.iter().step_by(points.len().div_ceil(JUDGES_MAX)));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut pick = || &points[random.usize(..points.len())];
        let mut best: Option<(usize, Plane)> = None;
        for _ in 0..CANDIDATES {
            let Some(plane) = Plane::through([pick(), pick(), pick()]) else { continue };
            let support = self.judges.iter().filter(|p| plane.distance(p) < INLIER_M).count();
            if best.is_none_or(|(most, _)| support > most) {
                best = Some((support, plane));
            }
        }
        let (_, plane) = best?;
        self.inliers.extend(points.iter().filter(|p| plane.distance(p) < INLIER_M));
        Plane::least_squares(&self.inliers).or(Some(plane))
    }
}

/// Drops the points on the plane.
pub fn remove(points: &mut [[f32; 3]], plane: &Plane) {
    points.iter_mut().filter(|p| is_background(p, plane)).for_each(|p| *p = [0.0; 3]);
}

/// Whether a point lies on the plane.
pub fn is_background(point: &[f32; 3], plane: &Plane) -> bool {
    is_point(point) && plane.distance(point) < BACKGROUND_M
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A belt with a part on it: 100 x 80, 1 mm a pixel, tilted.
    fn scene() -> Vec<[f32; 3]> {
        let point = |i: usize| {
            let (x, y) = ((i % 100) as f32 * 1e-3, (i / 100) as f32 * 1e-3);
            let part = (30..60).contains(&(i % 100)) && (30..60).contains(&(i / 100));
            [x, y, 0.5 + 0.1 * x - 0.05 * y - if part { 0.02 } else { 0.0 }]
        };
        (0..8000).map(point).collect()
    }

    fn fit(points: &[[f32; 3]], width: usize, seed: u64) -> Option<Plane> {
        Fitter::default().fit_border(points, width, seed)
    }

    #[test]
    fn the_belt_goes_and_the_part_stays() {
        let mut points = scene();
        let plane = fit(&points, 100, 3).unwrap();
        remove(&mut points, &plane);
        assert_eq!(points.iter().filter(|p| is_point(p)).count(), 900);
    }

    #[test]
    fn the_same_seed_gives_the_same_plane() {
        let mut fitter = Fitter::default();
        let first = fitter.fit_border(&scene(), 100, 5);
        assert_eq!(fitter.fit_border(&scene(), 100, 5), first);
        assert_eq!(fit(&scene(), 100, 5), first);
    }

    #[test]
    fn a_border_without_points_has_no_plane() {
        assert_eq!(fit(&vec![[0.0; 3]; 2500], 50, 0), None);
        let line: Vec<[f32; 3]> = (0..2500).map(|i| [i as f32 * 1e-3, 0.0, 1.0]).collect();
        assert!(fit(&line, 50, 0).is_none_or(|plane| plane.is_valid()));
    }

    #[test]
    fn a_frame_narrower_than_its_border_counts_once() {
        let mut fitter = Fitter::default();
        for width in [1, 19, 20, 21] {
            fitter.fit_border(&vec![[0.0, 0.0, 1.0]; width * 30], width, 0);
            assert_eq!(fitter.border.len(), width * 30 - width.saturating_sub(20) * 10);
        }
    }
}
