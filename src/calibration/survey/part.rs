//! The part in one frame: where it is, how large, and how many points describe it.

use crate::calibration::station::PartSize;
use crate::frame::{Region, RgbdFrame, is_point};
use crate::prepare::components::Components;
use crate::prepare::plane::{self, Plane};
use crate::prepare::spacing::spacing_m;
use crate::prepare::window::Window;
use crate::prepare::{PartChoice, wanted};

/// Fewer points than this are no part.
const POINTS_MIN: usize = 200;
/// Added around the part, as a share of its sides.
const MARGIN: f32 = 0.15;
/// Lengths leave out this share of the points at either end: stray ones.
const TRIMMED: f32 = 0.005;

/// A part as one frame shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartView {
    /// Pixels that it covers and a margin around them.
    pub surroundings: Region,
    /// The middle of the pixels that it covers, `[x, y]`.
    pub middle: [f32; 2],
    pub size: PartSize,
    /// Whether another thing could have been taken for it nearly as well.
    pub is_close: bool,
    /// Whether it reaches the edge of the frame: not all of it is seen.
    pub cut: bool,
}

impl PartView {
    /// The same part in a photograph of which its frame is a cut-out that begins at `x`, `y`.
    pub fn moved(self, x: usize, y: usize) -> Self {
        let surroundings = Region { x: self.surroundings.x + x, y: self.surroundings.y + y, ..self.surroundings };
        Self { surroundings, middle: [self.middle[0] + x as f32, self.middle[1] + y as f32], ..self }
    }
}

/// Finds parts, in buffers that frames reuse.
#[derive(Default)]
pub struct PartFinder {
    components: Components,
    points: Vec<[f32; 3]>,
    network: Vec<[f32; 3]>,
}

impl PartFinder {
    /// What is taken for the part on the belt; none where there is only belt.
    pub fn find(&mut self, frame: &RgbdFrame, belt: &Plane, part: PartChoice) -> Option<PartView> {
        let (width, height) = (frame.width(), frame.height());
        self.points.clear();
        self.points.extend_from_slice(frame.cloud().points());
        plane::remove(&mut self.points, belt);
        self.components.find(&self.points, width, is_point);
        let part = self.components.choose(wanted(part, (width, height), None))?;
        let others = self.points.iter_mut().enumerate().filter(|(i, _)| !self.components.has(&part, *i));
        others.for_each(|(_, point)| *point = [0.0; 3]);
        let covered = covered(&self.points, width)?;
        let count = self.points.iter().filter(|p| is_point(p)).count();
        if count < POINTS_MIN {
            return None;
        }
        let window = Window::around(Region::whole(frame));
        window.nearest_into(|x, y| self.points[y * width + x], [0.0; 3], &mut self.network);
        let (length_m, width_m, height_m) = extents(&self.points, belt);
        let points = self.network.iter().filter(|p| is_point(p)).count();
        let size = PartSize {
            length_m,
            width_m,
            height_m,
            frame_share: count as f32 / (width * height) as f32,
            points,
            points_min: points,
            point_spacing_m: spacing_m(&self.network, [1, 0]).unwrap_or(0.0),
        };
        let cut = covered.x == 0
            || covered.y == 0
            || covered.x + covered.width == width
            || covered.y + covered.height == height;
        let middle = [covered.x as f32 + 0.5 * covered.width as f32, covered.y as f32 + 0.5 * covered.height as f32];
        Some(PartView {
            surroundings: grown(covered).within(width, height),
            middle,
            size,
            cut,
            is_close: part.is_close,
        })
    }
}

/// The pixels that have points; none without any.
fn covered(points: &[[f32; 3]], width: usize) -> Option<Region> {
    let pixel = |i: usize| Region { x: i % width, y: i / width, width: 1, height: 1 };
    (0..points.len()).filter(|i| is_point(&points[*i])).map(pixel).reduce(Region::union)
}

fn grown(region: Region) -> Region {
    let [across, down] = [region.width, region.height].map(|side| (MARGIN * side as f32) as usize);
    let (left, top) = (across.min(region.x), down.min(region.y));
    let (x, y) = (region.x - left, region.y - top);
    Region { x, y, width: region.width + left + across, height: region.height + top + down }
}

/// Length, width and height over the belt: the sides along the part's own axes as it lies there.
fn extents(points: &[[f32; 3]], belt: &Plane) -> (f32, f32, f32) {
    let [along, across] = axes(belt.normal);
    let dot = |a: [f32; 3], b: &[f32; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let lying: Vec<[f32; 2]> =
        points.iter().filter(|p| is_point(p)).map(|point| [dot(along, point), dot(across, point)]).collect();
    let mean = |of: &dyn Fn(&[f32; 2]) -> f32| lying.iter().map(|p| f64::from(of(p))).sum::<f64>() / lying.len() as f64;
    let (x, y) = (mean(&|p| p[0]) as f32, mean(&|p| p[1]) as f32);
    let covariance = mean(&|p| (p[0] - x) * (p[1] - y));
    let difference = mean(&|p| (p[0] - x).powi(2)) - mean(&|p| (p[1] - y).powi(2));
    let (sin, cos) = (0.5 * (2.0 * covariance).atan2(difference)).sin_cos();
    let (sin, cos) = (sin as f32, cos as f32);
    let sides = [
        trimmed_range(lying.iter().map(|p| cos * p[0] + sin * p[1])),
        trimmed_range(lying.iter().map(|p| cos * p[1] - sin * p[0])),
    ];
    let (_, height_m) = trimmed(points.iter().filter(|p| is_point(p)).map(|p| belt.distance(p)));
    (sides[0].max(sides[1]), sides[0].min(sides[1]), height_m)
}

/// Two directions along a plane, at right angles.
fn axes(normal: [f32; 3]) -> [[f32; 3]; 2] {
    let cross =
        |a: [f32; 3], b: [f32; 3]| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let start = if normal[0].abs() < 0.7 { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] };
    let across = cross(normal, start);
    let length = across.iter().map(|v| v * v).sum::<f32>().sqrt();
    let across = across.map(|v| v / length);
    [cross(across, normal), across]
}

fn trimmed_range(values: impl Iterator<Item = f32>) -> f32 {
    let (least, most) = trimmed(values);
    most - least
}

/// The least and the greatest value, stray ones left out.
fn trimmed(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let mut values: Vec<f32> = values.collect();
    values.sort_unstable_by(f32::total_cmp);
    let cut = (TRIMMED * values.len() as f32) as usize;
    (values[cut], values[values.len() - 1 - cut])
}

impl PartSize {
    /// The median of each measure, and the fewest points; none without any part.
    pub(super) fn median(all: &[Self]) -> Option<Self> {
        let median = |of: fn(&Self) -> f32| {
            let mut values: Vec<f32> = all.iter().map(of).collect();
            values.sort_unstable_by(f32::total_cmp);
            values[values.len() / 2]
        };
        let points_min = all.iter().map(|size| size.points).min()?;
        Some(Self {
            length_m: median(|s| s.length_m),
            width_m: median(|s| s.width_m),
            height_m: median(|s| s.height_m),
            frame_share: median(|s| s.frame_share),
            points: median(|s| s.points as f32) as usize,
            points_min,
            point_spacing_m: median(|s| s.point_spacing_m),
        })
    }
}
