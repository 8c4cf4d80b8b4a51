//! Copies of good frames, so that a fit on few of them sees more of what good parts may look like.
//!
//! A copy is made of a whole frame, before it is prepared. A shifted one shows the part as the belt carries it elsewhere by a
//! few pixels; a turned one shows it lying at another angle. Both have another light and more noise.
//!
//! Points move along the belt, all of them by the same motion: distances between them and heights over the belt stay what
//! they are, and a belt that is fitted to the frame or was measured once is still the belt. What comes in from outside the
//! photograph has the colour of its edge and no point. Stretches of the border without points do not count in the fit of the
//! belt (`prepare::border`), so that the others find it.

mod exposure;
mod pinhole;
mod place;

use std::f32::consts::TAU;

use crate::frame::{OrganisedCloud, RgbdFrame};
use crate::prepare::plane::Plane;
use crate::random;
use crate::shapes::RGB;
use exposure::Exposure;
pub use place::Place;

/// The most that a copy is shifted along x and along y: this share of the frame's width.
const SHIFT_OF_WIDTH: usize = 40;
/// A part is turned only where the belt is seen from as steep as this: the cosine of 20 degrees. From elsewhere a turned part
/// would show other sides.
const STEEP_MIN: f32 = 0.94;

/// What tells the random numbers of one copy from those of all others.
#[derive(Clone, Copy, Debug)]
pub struct CopyOf<'a> {
    pub seed: u64,
    /// Of the frame.
    pub fingerprint: &'a str,
    /// Which of the parts of the frame.
    pub part: usize,
    /// Which of the copies of the part.
    pub number: usize,
    /// How often it was drawn anew.
    pub attempt: usize,
}

/// A copy of a frame, and where its part is in it.
#[derive(Clone, Debug)]
pub struct FrameCopy {
    pub frame: RgbdFrame,
    /// The middle of the part, `[x, y]` in the photograph.
    pub middle: [f32; 2],
}

impl CopyOf<'_> {
    fn random(&self, purpose: &str) -> fastrand::Rng {
        let numbers = [self.seed, self.part as u64, self.number as u64, self.attempt as u64];
        let names = self.fingerprint.bytes().chain(purpose.bytes());
        random::stream(numbers.into_iter().flat_map(u64::to_le_bytes).chain(names))
    }
}

/// The frame as if the belt had carried the part by whole pixels, within a fortieth of the width along x and y, and not
/// beyond the edge of the crop.
pub fn shifted(frame: &RgbdFrame, place: &Place, copy: CopyOf) -> FrameCopy {
    let mut random = copy.random("shift");
    let most = (frame.width() / SHIFT_OF_WIDTH) as isize;
    let by = place.room.map(|[back, forth]| random.isize(-most.min(back)..=most.min(forth)) as f32);
    let middle = [place.middle[0] + by[0], place.middle[1] + by[1]];
    let [from, to] = [place.middle, middle].map(|pixel| place.pinhole.meet(pixel, &place.level));
    // A level that is seen from its edge is met nowhere.
    let moved_m = [0, 1, 2].map(|i| if to[i].is_finite() && from[i].is_finite() { to[i] - from[i] } else { 0.0 });
    let source = |[x, y]: [f32; 2]| [x - by[0], y - by[1]];
    let move_point = |point: [f32; 3]| [0, 1, 2].map(|i| point[i] + moved_m[i]);
    FrameCopy { frame: remade(frame, place, source, move_point, &mut random), middle }
}

/// The frame as if the belt had been turned about its normal through the part's middle. `copy` is one of `of`, each of which
/// has an angle in its own share of the circle. Points turn exactly; a pixel has the colour of where it was seen before in
/// the height of the part's middle, so that light, shadows and the sides that are seen of what is higher or lower turn with
/// it. None where the part is cut, or the belt is seen too much from the side.
pub fn turned(frame: &RgbdFrame, place: &Place, copy: CopyOf, of: usize) -> Option<FrameCopy> {
    if !place.is_whole || steepness(&place.level, place.middle_m) < STEEP_MIN {
        return None;
    }
    let mut random = copy.random("turn");
    let angle = TAU * (copy.number as f32 + random.f32()) / of as f32;
    let pivot = place.middle_m;
    let [there, back] = [angle, -angle].map(|angle| rotation(place.level.normal, angle));
    let about = |matrix: &[[f32; 3]; 3], point: [f32; 3]| {
        let from = [0, 1, 2].map(|i| point[i] - pivot[i]);
        [0, 1, 2].map(|i| pivot[i] + (0..3).map(|j| matrix[i][j] * from[j]).sum::<f32>())
    };
    let source = |pixel| place.pinhole.pixel(about(&back, place.pinhole.meet(pixel, &place.level)));
    let remade = remade(frame, place, source, |point| about(&there, point), &mut random);
    Some(FrameCopy { frame: remade, middle: place.pinhole.pixel(pivot) })
}

/// The cosine between a plane's normal and the ray to a point on it.
fn steepness(plane: &Plane, point: [f32; 3]) -> f32 {
    let length = point.iter().map(|v| v * v).sum::<f32>().sqrt();
    (0..3).map(|i| -plane.normal[i] * point[i]).sum::<f32>() / length
}

/// By `angle` about a unit vector (Rodrigues).
fn rotation([x, y, z]: [f32; 3], angle: f32) -> [[f32; 3]; 3] {
    let (sin, cos) = angle.sin_cos();
    let rest = 1.0 - cos;
    [
        [cos + x * x * rest, x * y * rest - z * sin, x * z * rest + y * sin],
        [y * x * rest + z * sin, cos + y * y * rest, y * z * rest - x * sin],
        [z * x * rest - y * sin, z * y * rest + x * sin, cos + z * z * rest],
    ]
}

/// A frame of which each pixel shows what `source` of it showed, with points moved, in another light and with more noise.
fn remade(
    frame: &RgbdFrame,
    place: &Place,
    source: impl Fn([f32; 2]) -> [f32; 2],
    move_point: impl Fn([f32; 3]) -> [f32; 3],
    random: &mut fastrand::Rng,
) -> RgbdFrame {
    let (width, height) = (frame.width(), frame.height());
    let exposure = Exposure::draw(exposure::depth_noise_m(frame.cloud()), place.middle_m[2], random);
    let mut rgb = Vec::with_capacity(frame.rgb().len());
    let mut points = Vec::with_capacity(width * height);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let at = source([x as f32, y as f32]);
        rgb.extend(exposure.colour(colour_at(frame, at), random));
        let point = point_at(frame, at).map_or([0.0; 3], &move_point);
        points.push(exposure.point(point, random));
    }
    let cloud = OrganisedCloud::new(width, height, points);
    let copy = cloud.and_then(|cloud| RgbdFrame::new(width, height, rgb, cloud));
    copy.unwrap_or_else(|error| unreachable!("a copy has the size of its frame: {error}"))
}

/// Bilinear; that of the edge outside.
fn colour_at(frame: &RgbdFrame, [x, y]: [f32; 2]) -> [f32; 3] {
    let along = |at: f32, side: usize| {
        let last = side - 1;
        let at = at.clamp(0.0, last as f32);
        let first = at as usize;
        (first, (first + 1).min(last), at - first as f32)
    };
    let ((left, right, u), (above, below, v)) = (along(x, frame.width()), along(y, frame.height()));
    let value = |x: usize, y: usize, channel: usize| f32::from(frame.rgb()[(y * frame.width() + x) * RGB + channel]);
    [0, 1, 2].map(|channel| {
        let row = |y: usize| {
            let (a, b) = (value(left, y, channel), value(right, y, channel));
            a + u * (b - a)
        };
        let (a, b) = (row(above), row(below));
        a + v * (b - a)
    })
}

/// That of the nearest pixel; none outside, or where it has none.
fn point_at(frame: &RgbdFrame, at: [f32; 2]) -> Option<[f32; 3]> {
    let [x, y] = at.map(f32::round);
    let is_inside = |at: f32, side: usize| at >= 0.0 && at < side as f32;
    if !is_inside(x, frame.width()) || !is_inside(y, frame.height()) {
        return None;
    }
    let point = frame.cloud().points()[y as usize * frame.width() + x as usize];
    crate::frame::is_point(&point).then_some(point)
}

#[cfg(test)]
mod tests;
