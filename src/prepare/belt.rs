//! Finds the belt: the plane that the part lies on (paper, section 4).
//!
//! Candidates come from the border of the frame, as published; from stretches of the border that count alike however
//! many points they have, where a fixture has more than a dark belt; and from the whole cloud, where the border does
//! not show the belt. Not every plane is a belt: one that runs along the camera's line of sight, lies nearer than
//! everything that the camera sees, has much of the cloud behind it, or has little support, is no belt, and then
//! nothing is removed.

use serde::Serialize;

use super::border::Border;
use super::plane::Plane;
use super::point_grid::PointGrid;
use crate::frame::is_point;
use crate::median::median;

/// Points nearer than this to a candidate plane support it, metres.
const INLIER_M: f32 = 0.004;
/// Candidate planes. With half of the points on the belt, 50 leave one chance in 800 of no clean sample.
const CANDIDATES: usize = 200;
/// Points that candidates are judged on.
const JUDGES_MAX: usize = 2000;
/// After so many it is looked whether a candidate can still be the best.
const JUDGES_AT_ONCE: usize = 128;
/// The most points of the whole cloud that a plane is compared with.
const SAMPLE_MAX: usize = 4096;

/// A belt holds at least so many points,
const POINTS_MIN: usize = 100;
/// this share of the border's pixels, missing points included, so that stray points are no belt,
const BORDER_PIXELS_MIN: f32 = 0.03;
/// and this share of the stretches of the border that have points.
const BORDER_SHARE_MIN: f32 = 0.25;
/// From this share on it is certain; below it, other candidates may be better.
const BORDER_SHARE_CERTAIN: f32 = 0.5;
/// A belt that the border does not show fills at least this share of all pixels: the flat top of a part does not.
const CLOUD_PIXELS_MIN: f32 = 1.0 / 3.0;
/// The share of the cloud that may lie behind a belt: what is seen beside it.
const BEHIND_MAX: f32 = 0.25;
/// Points farther behind than this are not its noise, metres.
const BEHIND_M: f32 = 0.01;
/// A belt is seen at a steeper angle than this; the sine of 10 degrees.
const GRAZING_MIN: f32 = 0.17;
/// This share of the cloud may be nearer than what counts as the nearest point: stray ones.
const NEAREST: f32 = 0.01;

/// The support of a plane: how much of the frame lies on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Support {
    /// Share of the border that shows it: of its 32 stretches, those with points, half of which at least lie on it.
    pub border_share: f32,
    /// Share of all points that lie on it.
    pub cloud_share: f32,
    /// Share of all pixels that show it.
    pub pixel_share: f32,
}

/// A plane that the part lies on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belt {
    /// Where it is.
    pub plane: Plane,
    /// How much of the frame lies on it.
    pub support: Support,
}

/// Finds the belt, in buffers that frames reuse.
#[derive(Default)]
pub struct Fitter {
    border: Border,
    /// Points of the whole cloud, evenly spread over its pixels.
    sample: Vec<[f32; 3]>,
    /// Pixels of the cloud that were looked at for them.
    sample_pixels: usize,
    depths: Vec<f32>,
    judges: Judges,
    inliers: Vec<[f32; 3]>,
}

impl Fitter {
    /// The belt of what is seen; none where no plane qualifies.
    pub fn fit(&mut self, seen: PointGrid<'_>, seed: u64) -> Option<Belt> {
        self.look(seen);
        if (self.border.points().len() as f32) < BORDER_PIXELS_MIN * self.border.pixels() as f32 {
            // The background was removed already, or the border has stray points only.
            return None;
        }
        let mut best: Option<Belt> = None;
        for source in [Source::Border, Source::Stretches, Source::Cloud] {
            let Some(belt) = self.candidate(source, seed).filter(|belt| self.is_belt(belt, source)) else { continue };
            if belt.support.border_share >= BORDER_SHARE_CERTAIN {
                return Some(belt);
            }
            if best.is_none_or(|best| belt.support.cloud_share > best.support.cloud_share) {
                best = Some(belt);
            }
        }
        best
    }

    /// Looks at a frame without a belt to find.
    pub fn look(&mut self, seen: PointGrid<'_>) {
        self.border.take(seen);
        self.take_sample(seen);
        // As many as there may be, so that a frame with more of them than the one before allocates nothing.
        self.judges.reserve();
        self.inliers.clear();
        self.inliers.reserve(self.border.pixels().max(SAMPLE_MAX));
    }

    /// The support of a plane that was measured before.
    pub fn support(&mut self, seen: PointGrid<'_>, plane: &Plane) -> Support {
        self.look(seen);
        self.support_of(plane)
    }

    /// The median distance of the points last looked at along the optical axis, metres; none without any.
    pub fn median_depth_m(&mut self) -> Option<f32> {
        self.depths.clear();
        self.depths.extend(self.sample.iter().map(|p| p[2]));
        median(&mut self.depths)
    }

    fn take_sample(&mut self, seen: PointGrid<'_>) {
        let pixels = seen.pixels();
        let mut step = pixels.div_ceil(SAMPLE_MAX).max(1);
        // Never one column again and again.
        if step > 1 && seen.width().is_multiple_of(step) {
            step += 1;
        }
        self.sample.clear();
        self.sample.reserve(SAMPLE_MAX);
        self.depths.clear();
        self.depths.reserve(SAMPLE_MAX);
        let points_every = |step| (0..pixels).step_by(step).map(move |i| seen.point(i)).filter(is_point);
        self.sample.extend(points_every(step));
        if self.sample.is_empty() {
            // So few that the steps went past all of them.
            self.sample.extend(points_every(1).take(SAMPLE_MAX));
        }
        self.sample_pixels = pixels.div_ceil(step);
    }

    fn points(&self, source: Source) -> &[[f32; 3]] {
        match source {
            Source::Border => self.border.points(),
            Source::Stretches => self.border.even(),
            Source::Cloud => &self.sample,
        }
    }

    /// RANSAC, then least squares over the winner's inliers.
    fn candidate(&mut self, source: Source, seed: u64) -> Option<Belt> {
        if let Source::Stretches = source {
            self.border.make_even();
        }
        let mut judges = std::mem::take(&mut self.judges);
        let mut inliers = std::mem::take(&mut self.inliers);
        let plane = search(self.points(source), seed, &mut judges, &mut inliers);
        (self.judges, self.inliers) = (judges, inliers);
        plane.map(|plane| Belt { plane, support: self.support_of(&plane) })
    }

    fn support_of(&self, plane: &Plane) -> Support {
        let on = |points: &[[f32; 3]]| points.iter().filter(|p| plane.distance(p) < INLIER_M).count() as f32;
        let cloud = on(&self.sample);
        Support {
            border_share: self.border.share(plane, INLIER_M),
            cloud_share: cloud / self.sample.len().max(1) as f32,
            pixel_share: cloud / self.sample_pixels.max(1) as f32,
        }
    }

    fn is_belt(&self, belt: &Belt, source: Source) -> bool {
        let Support { border_share, pixel_share, .. } = belt.support;
        let on_border = || self.border.points().iter().filter(|p| belt.plane.distance(p) < INLIER_M).count() as f32;
        let supported = match source {
            Source::Border | Source::Stretches => {
                border_share >= BORDER_SHARE_MIN
                    && on_border() >= (BORDER_PIXELS_MIN * self.border.pixels() as f32).max(POINTS_MIN as f32)
            }
            Source::Cloud => pixel_share >= CLOUD_PIXELS_MIN,
        };
        supported && self.is_backdrop(&belt.plane.towards_camera(), source)
    }

    /// Whether a camera at the origin sees the plane from above, and most of the cloud before it. Where points do not lie
    /// before a camera at the origin, nothing is said.
    fn is_backdrop(&self, plane: &Plane, source: Source) -> bool {
        if !self.sample.iter().all(|p| p[2] > 0.0) {
            return true;
        }
        let own = mean_ray(self.points(source).iter().filter(|p| p[2] > 0.0 && plane.distance(p) < INLIER_M));
        let depth_m = plane.offset_m / facing(plane, mean_ray(self.sample.iter()));
        let count = self.sample.len().max(1) as f32;
        let nearer = self.sample.iter().filter(|p| p[2] < depth_m + INLIER_M).count() as f32;
        let behind = self.sample.iter().filter(|p| plane.height(p) < -BEHIND_M).count() as f32;
        facing(plane, own) > GRAZING_MIN * length(own) && nearer > NEAREST * count && behind <= BEHIND_MAX * count
    }
}

/// The mean direction from the camera to points, at a depth of 1.
fn mean_ray<'a>(points: impl Iterator<Item = &'a [f32; 3]>) -> [f32; 3] {
    let sum = |(count, [x, y]): (usize, [f32; 2]), p: &[f32; 3]| (count + 1, [x + p[0] / p[2], y + p[1] / p[2]]);
    let (count, [x, y]) = points.fold((0, [0.0; 2]), sum);
    [x / count.max(1) as f32, y / count.max(1) as f32, 1.0]
}

fn length(ray: [f32; 3]) -> f32 {
    ray.iter().map(|r| r * r).sum::<f32>().sqrt()
}

/// The distance that a ray, of depth 1, comes nearer to a plane whose normal is on the camera's side; below 0 where it
/// never meets it.
fn facing(plane: &Plane, ray: [f32; 3]) -> f32 {
    -plane.normal.iter().zip(ray).map(|(n, r)| n * r).sum::<f32>()
}

/// Where a candidate's points come from.
#[derive(Clone, Copy)]
enum Source {
    Border,
    Stretches,
    Cloud,
}

/// The points that candidates are judged on, in a row for each coordinate, so that the processor compares several of them
/// with a plane at once.
#[derive(Default)]
struct Judges {
    rows: [Vec<f32>; 3],
}

impl Judges {
    fn reserve(&mut self) {
        self.rows.iter_mut().for_each(|row| {
            row.clear();
            row.reserve(JUDGES_MAX);
        });
    }

    /// Takes an even choice of points.
    fn take(&mut self, points: &[[f32; 3]]) {
        self.reserve();
        for point in points.iter().step_by(points.len().div_ceil(JUDGES_MAX)) {
            self.rows.iter_mut().zip(point).for_each(|(row, value)| row.push(*value));
        }
    }

    /// How many points lie on a plane. If there cannot be more than `most`, only that is certain of the result.
    fn support(&self, plane: &Plane, most: usize) -> usize {
        let [x, y, z] = self.rows.each_ref().map(|row| row.chunks(JUDGES_AT_ONCE));
        let (mut support, mut left) = (0, self.rows[0].len());
        for ((x, y), z) in x.zip(y).zip(z) {
            let is_near = |((&x, &y), &z): ((&f32, &f32), &f32)| u32::from(plane.distance(&[x, y, z]) < INLIER_M);
            support += x.iter().zip(y).zip(z).map(is_near).sum::<u32>() as usize;
            left -= x.len();
            if support + left <= most {
                break;
            }
        }
        support
    }
}

fn search(points: &[[f32; 3]], seed: u64, judges: &mut Judges, inliers: &mut Vec<[f32; 3]>) -> Option<Plane> {
    if points.len() < 3 {
        return None;
    }
    judges.take(points);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut pick = || &points[random.usize(..points.len())];
    let mut best: Option<(usize, Plane)> = None;
    for _ in 0..CANDIDATES {
        let Some(plane) = Plane::through([pick(), pick(), pick()]) else { continue };
        let support = judges.support(&plane, best.map_or(0, |(most, _)| most));
        if best.is_none_or(|(most, _)| support > most) {
            best = Some((support, plane));
        }
    }
    let (_, plane) = best?;
    inliers.clear();
    inliers.extend(points.iter().filter(|p| plane.distance(p) < INLIER_M));
    Plane::least_squares(inliers).or(Some(plane))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::border::BORDER;
    use crate::prepare::plane;

    /// A belt with a part on it: 100 x 80, 1 mm a pixel, tilted.
    fn scene() -> Vec<[f32; 3]> {
        let point = |i: usize| {
            let (x, y) = ((i % 100) as f32 * 1e-3, (i / 100) as f32 * 1e-3);
            let part = (30..60).contains(&(i % 100)) && (30..60).contains(&(i / 100));
            [x, y, 0.5 + 0.1 * x - 0.05 * y - if part { 0.02 } else { 0.0 }]
        };
        (0..8000).map(point).collect()
    }

    fn fit(points: &[[f32; 3]], width: usize, seed: u64) -> Option<Belt> {
        Fitter::default().fit(PointGrid::whole(points, width), seed)
    }

    #[test]
    fn the_belt_goes_and_the_part_stays() {
        let mut points = scene();
        let belt = fit(&points, 100, 3).unwrap();
        assert!(belt.support.border_share == 1.0 && (belt.support.cloud_share - 7100.0 / 8000.0).abs() < 1e-3);
        plane::remove(&mut points, &belt.plane);
        assert_eq!(points.iter().filter(|p| is_point(p)).count(), 900);
    }

    #[test]
    fn the_same_seed_gives_the_same_plane() {
        let mut fitter = Fitter::default();
        let first = fitter.fit(PointGrid::whole(&scene(), 100), 5);
        assert_eq!(fitter.fit(PointGrid::whole(&scene(), 100), 5), first);
        assert_eq!(fit(&scene(), 100, 5), first);
    }

    #[test]
    fn a_border_without_points_has_no_belt() {
        assert_eq!(fit(&vec![[0.0; 3]; 2500], 50, 0), None);
        let line: Vec<[f32; 3]> = (0..2500).map(|i| [i as f32 * 1e-3, 0.0, 1.0]).collect();
        assert!(fit(&line, 50, 0).is_none_or(|belt| belt.plane.is_valid()));
    }

    #[test]
    fn stray_points_in_the_border_are_no_belt() {
        // The part alone, as preprocessed data have it, and a flat top that must not go.
        let mut points = scene();
        let part = |i: usize| (30..60).contains(&(i % 100)) && (30..60).contains(&(i / 100));
        (0..points.len()).filter(|i| !part(*i)).for_each(|i| points[i] = [0.0; 3]);
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..100 {
            let (x, y) = (random.usize(..100), random.usize(..BORDER));
            points[y * 100 + x] = [x as f32 * 1e-3, y as f32 * 1e-3, 0.5 + 0.04 * random.f32()];
            assert_eq!(fit(&points, 100, 0), None);
        }
    }

    #[test]
    fn a_plane_along_the_line_of_sight_is_no_belt() {
        // The border has points in its upper rows only, at any depth: they lie in a plane through the camera.
        let mut random = fastrand::Rng::with_seed(4);
        let mut point = |i: usize| {
            let (u, v) = ((i % 160) as f32 - 80.0, (i / 160) as f32 - 60.0);
            let inner = (15..145).contains(&(i % 160)) && (15..105).contains(&(i / 160));
            let part = (60..100).contains(&(i % 160)) && (40..80).contains(&(i / 160));
            let z = match (i / 160 < BORDER, inner, part) {
                (true, ..) => 0.4 + 0.2 * random.f32(),
                (_, true, true) => 0.47,
                (_, true, false) => 0.5,
                _ => return [0.0; 3],
            };
            [u / 150.0 * z, v / 150.0 * z, z]
        };
        let points: Vec<[f32; 3]> = (0..160 * 120).map(&mut point).collect();
        let belt = fit(&points, 160, 0).unwrap();
        assert!((belt.plane.towards_camera().offset_m - 0.5).abs() < 1e-3, "{belt:?}");
        assert!(belt.support.border_share < 0.3 && belt.support.pixel_share > 0.5, "{belt:?}");
    }

    #[test]
    fn a_plane_with_much_behind_it_is_no_belt() {
        // A frame in front of the belt fills the border; a third of the belt is seen through it.
        let point = |i: usize| {
            let (u, v) = ((i % 100) as f32 - 50.0, (i / 100) as f32 - 40.0);
            let z = if u.abs() < 30.0 && v.abs() < 24.0 { 0.5 } else { 0.4 };
            [u / 100.0 * z, v / 100.0 * z, z]
        };
        let points: Vec<[f32; 3]> = (0..8000).map(point).collect();
        let found = fit(&points, 100, 0);
        assert!(found.is_none_or(|belt| (belt.plane.towards_camera().offset_m - 0.5).abs() < 1e-3), "{found:?}");
    }
}
