//! Measures a station from its frames: the belt, the part on it, and whether the method can see it so.

mod advice;
pub mod part;

use thiserror::Error;

use super::station::{Belt, Measured, PartSize, StationCalibration};
use crate::frame::{RgbdFrame, is_point};
use crate::prepare::plane::{self, Fitter, Plane};
use crate::quality::{Quality, Region};
use part::{PartFinder, PartView};

pub use advice::warnings;

/// Width of the border that shows the belt, pixels, as preparation takes it.
const BORDER_PX: usize = 10;
/// Border points kept of each frame, for the residual.
const BORDER_KEPT_MAX: usize = 1000;
/// Planes of frames that are further than this from the median plane do not count.
const TURN_DEG_MAX: f32 = 1.0;
const SHIFT_M_MAX: f32 = 0.003;
/// Distances that a depth camera measures at, metres. Beyond them the depth unit is wrong.
const DISTANCE_M_MIN: f32 = 0.05;
const DISTANCE_M_MAX: f32 = 20.0;

#[derive(Debug, Error, PartialEq)]
pub enum SurveyError {
    #[error("no frame was given: give a folder of frames with --frames")]
    NoFrames,
    #[error("frames are {width} x {height} and {other_width} x {other_height}: give frames of one camera")]
    Sizes { width: usize, height: usize, other_width: usize, other_height: usize },
    #[error(
        "points are {distance_m} m away where {DISTANCE_M_MIN} to {DISTANCE_M_MAX} m is expected: is depth_unit_m of the camera file off by 1,000?"
    )]
    Distance { distance_m: f32 },
    #[error(
        "none of {frames} frames shows the belt in its border: check the depth stream, or give frames whose background was not removed"
    )]
    NoBelt { frames: usize },
}

/// Takes frames one by one.
#[derive(Default)]
pub struct Survey {
    fitter: Fitter,
    finder: PartFinder,
    size: Option<(usize, usize)>,
    frames: usize,
    seen: Vec<Seen>,
}

/// What one frame shows.
struct Seen {
    plane: Plane,
    border: Vec<[f32; 3]>,
    part: Option<PartView>,
    quality: Quality,
}

impl Survey {
    /// Measures a frame. One without a belt in its border is counted, and adds nothing.
    pub fn add(&mut self, frame: &RgbdFrame) -> Result<(), SurveyError> {
        let (width, height) = *self.size.get_or_insert((frame.width(), frame.height()));
        let (other_width, other_height) = (frame.width(), frame.height());
        if (width, height) != (other_width, other_height) {
            return Err(SurveyError::Sizes { width, height, other_width, other_height });
        }
        self.frames += 1;
        let points = frame.cloud().points();
        check_distance(points)?;
        let Some(plane) = self.fitter.fit_border(points, width, 0).map(towards_camera) else { return Ok(()) };
        let part = self.finder.find(frame, &plane);
        let quality = Quality::of(frame, part.map_or(Region::whole(frame), |part| part.surroundings));
        self.seen.push(Seen { plane, border: border(points, width, height), part, quality });
        Ok(())
    }

    /// What all frames came to.
    pub fn finish(&self) -> Result<StationCalibration, SurveyError> {
        let Some((width, height)) = self.size else { return Err(SurveyError::NoFrames) };
        let Some(median) = median_plane(self.seen.iter().map(|seen| seen.plane)) else {
            return Err(SurveyError::NoBelt { frames: self.frames });
        };
        let (plane, belt) = self.belt(&median);
        let with_part: Vec<&Seen> = self.seen.iter().filter(|seen| seen.part.is_some_and(|part| !part.cut)).collect();
        let parts: Vec<PartView> = with_part.iter().filter_map(|seen| seen.part).collect();
        let whole = Region { x: 0, y: 0, width, height };
        let qualities = |all: &[&Seen]| Quality::median(&all.iter().map(|seen| seen.quality).collect::<Vec<_>>());
        let usual =
            if with_part.is_empty() { qualities(&self.seen.iter().collect::<Vec<_>>()) } else { qualities(&with_part) };
        Ok(StationCalibration {
            normal: plane.normal,
            offset_m: plane.offset_m,
            measured: Some(Measured {
                frames: self.frames,
                frames_with_part: parts.len(),
                width,
                height,
                belt,
                part: PartSize::median(&parts.iter().map(|part| part.size).collect::<Vec<_>>()),
                region_of_interest: parts.iter().map(|part| part.surroundings).reduce(Region::union).unwrap_or(whole),
                usual,
            }),
        })
    }

    /// The mean of the planes near the median one, and how far frames are from it.
    fn belt(&self, median: &Plane) -> (Plane, Belt) {
        let counts =
            |seen: &&Seen| turn_deg(&seen.plane, median) <= TURN_DEG_MAX && shift_m(&seen.plane, median) <= SHIFT_M_MAX;
        let counted: Vec<&Seen> = self.seen.iter().filter(counts).collect();
        let plane = mean_plane(&counted).unwrap_or(*median);
        let distances: Vec<f32> = counted.iter().flat_map(|seen| &seen.border).map(|p| plane.distance(p)).collect();
        let near: Vec<f32> = distances.iter().copied().filter(|d| *d < plane::BACKGROUND_M).collect();
        let squares: f32 = near.iter().map(|d| d * d).sum();
        let most = |of: fn(&Plane, &Plane) -> f32| self.seen.iter().map(|s| of(&s.plane, &plane)).fold(0.0, f32::max);
        let belt = Belt {
            working_distance_m: along_axis(&plane),
            tilt_deg: plane.normal[2].abs().min(1.0).acos().to_degrees(),
            residual_m: (squares / near.len().max(1) as f32).sqrt(),
            border_left_share: 1.0 - near.len() as f32 / distances.len().max(1) as f32,
            turn_deg_max: most(turn_deg),
            shift_m_max: most(shift_m),
            frames_left_out: self.seen.len() - counted.len(),
        };
        (plane, belt)
    }
}

/// Refuses points at a median distance that no camera measures.
fn check_distance(points: &[[f32; 3]]) -> Result<(), SurveyError> {
    let mut depths: Vec<f32> = points.iter().filter(|p| is_point(p)).map(|p| p[2]).collect();
    if depths.is_empty() {
        return Ok(());
    }
    let middle = depths.len() / 2;
    let distance_m = *depths.select_nth_unstable_by(middle, f32::total_cmp).1;
    let measured = (DISTANCE_M_MIN..=DISTANCE_M_MAX).contains(&distance_m);
    if measured { Ok(()) } else { Err(SurveyError::Distance { distance_m }) }
}

/// The same plane with its normal on the camera's side, which makes its offset the camera's distance.
fn towards_camera(plane: Plane) -> Plane {
    if plane.offset_m >= 0.0 { plane } else { Plane { normal: plane.normal.map(|v| -v), offset_m: -plane.offset_m } }
}

fn border(points: &[[f32; 3]], width: usize, height: usize) -> Vec<[f32; 3]> {
    let inner = |at: usize, side: usize| (BORDER_PX..side.saturating_sub(BORDER_PX)).contains(&at);
    let in_border = |i: &usize| !(inner(i % width, width) && inner(i / width, height));
    let border: Vec<[f32; 3]> =
        (0..points.len()).filter(in_border).map(|i| points[i]).filter(|point| is_point(point)).collect();
    border.iter().step_by(border.len().div_ceil(BORDER_KEPT_MAX).max(1)).copied().collect()
}

/// Where the optical axis meets a plane, metres.
fn along_axis(plane: &Plane) -> f32 {
    -plane.offset_m / plane.normal[2]
}

/// Between the normals of two planes.
fn turn_deg(a: &Plane, b: &Plane) -> f32 {
    let cos: f32 = a.normal.iter().zip(b.normal).map(|(a, b)| a * b).sum();
    cos.clamp(-1.0, 1.0).acos().to_degrees()
}

/// How far `a` is from where the optical axis meets `b`.
fn shift_m(a: &Plane, b: &Plane) -> f32 {
    a.distance(&[0.0, 0.0, along_axis(b)])
}

/// The median of each coordinate of the normals, and of where the optical axis meets the planes.
fn median_plane(planes: impl Iterator<Item = Plane>) -> Option<Plane> {
    let planes: Vec<Plane> = planes.collect();
    let median = |of: &dyn Fn(&Plane) -> f32| {
        let mut values: Vec<f32> = planes.iter().map(of).collect();
        values.sort_unstable_by(f32::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let normal = [median(&|p| p.normal[0])?, median(&|p| p.normal[1])?, median(&|p| p.normal[2])?];
    plane_at(normal, median(&along_axis)?)
}

fn mean_plane(seen: &[&Seen]) -> Option<Plane> {
    let mean = |of: &dyn Fn(&Plane) -> f32| {
        let sum: f64 = seen.iter().map(|seen| f64::from(of(&seen.plane))).sum();
        (sum / seen.len() as f64) as f32
    };
    plane_at([0, 1, 2].map(|axis| mean(&|p| p.normal[axis])), mean(&along_axis))
}

/// The plane that the optical axis meets at `distance_m`.
fn plane_at(normal: [f32; 3], distance_m: f32) -> Option<Plane> {
    let length = normal.iter().map(|v| v * v).sum::<f32>().sqrt();
    let normal = normal.map(|v| v / length);
    let plane = Plane { normal, offset_m: -normal[2] * distance_m };
    plane.is_valid().then_some(plane)
}

#[cfg(test)]
mod tests;
