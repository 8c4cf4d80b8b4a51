//! A block that stands at the upper or the lower edge of the frame, as a guide or a clamp does.

use fastrand::Rng;

use super::camera::{DISTANCE_MM, PIXELS_PER_MM, SLOPE_MAX};
use super::surface::Surface;
use crate::procedural::blend::Albedo;
use crate::procedural::noise::{between, field};

/// What it covers: half as much again as the largest part, so that it stays larger without the points that are lost.
const PIXELS: f32 = 64_000.0;
/// How far it reaches into a frame that has the room.
const INWARD_PX: f32 = 160.0;
/// Of the frame's width: how long it is at most, and how near it comes to the corners. What is higher than the belt
/// looks further out, which the rest is for.
const LENGTH_MAX_SHARE: f32 = 0.75;
const CORNER_SHARE: f32 = 0.1;
/// From the parts' way; points of one object are nearer to each other.
const GAP_MM: f32 = 10.0;

/// A block with upright faces. It goes on beyond the edge of the frame.
pub struct Fixture {
    /// From where to where it stands along the belt, millimetres from the middle.
    along_mm: [f32; 2],
    /// Where across the belt its inner face is, and which way it goes on: 1 or -1.
    face_mm: f32,
    outward: f32,
    height_mm: f32,
    albedo: Albedo,
    grain: u32,
}

/// How long the block is and how far it reaches into the frame, pixels. Where it does not fit beside parts that reach
/// `lane_mm` across the belt, the least height of frames of this width is the error.
pub fn size_px(width: usize, height: usize, lane_mm: f32) -> Result<[f32; 2], usize> {
    let clear_mm = lane_mm + GAP_MM;
    let depth_mm = DISTANCE_MM[0] - SLOPE_MAX * (clear_mm + width as f32 / 2.0 / PIXELS_PER_MM);
    let clear_px = PIXELS_PER_MM * clear_mm * DISTANCE_MM[0] / depth_mm;
    let room = height as f32 / 2.0 - clear_px;
    let inward_min = PIXELS / (LENGTH_MAX_SHARE * width as f32);
    if room < inward_min {
        return Err(2 * (clear_px + inward_min).ceil() as usize);
    }
    let inward = INWARD_PX.min(room).max(inward_min);
    Ok([PIXELS / inward, inward])
}

impl Fixture {
    /// `on_belt` tells where on the belt a column and a row see, millimetres from the middle. There is none where it
    /// does not fit.
    pub fn draw(
        [width, height]: [usize; 2],
        lane_mm: f32,
        on_belt: impl Fn(f32, f32) -> [f32; 2],
        random: &mut Rng,
    ) -> Option<Self> {
        let [length, inward] = size_px(width, height, lane_mm).ok()?;
        let outward = if random.bool() { 1.0 } else { -1.0 };
        let row = (height as f32 - 1.0) / 2.0 + outward * (height as f32 / 2.0 - inward);
        let margin = CORNER_SHARE * width as f32;
        let left = between(random, margin, width as f32 - margin - length);
        let [left, middle, right] = [0.0, 0.5, 1.0].map(|share| on_belt(left + share * length, row));
        let grey = between(random, 0.25, 0.4);
        Some(Self {
            along_mm: [left[0], right[0]],
            // Tilt brings a row nearer at some stations; what parts may pass comes first.
            face_mm: outward * (outward * middle[1]).max(lane_mm + GAP_MM),
            outward,
            height_mm: between(random, 30.0, 40.0),
            albedo: [0; 3].map(|_| grey * between(random, 0.97, 1.03)),
            grain: random.u32(..),
        })
    }

    /// Where a ray first meets the block: the height over the belt, and the colour. `on_belt` tells where the ray is
    /// at a height, millimetres from the middle: a straight line, which is cut by each face.
    pub fn meet(&self, on_belt: impl Fn(f32) -> [f32; 2]) -> Option<Surface> {
        let (low, high) = (on_belt(0.0), on_belt(self.height_mm));
        // Shares of the way from the belt to the top at which the ray is within all faces so far.
        let (mut from, mut to) = (0.0f32, 1.0f32);
        let [left, right] = self.along_mm;
        for (at_low, at_high, face, inside) in [
            (low[0], high[0], left, 1.0),
            (low[0], high[0], right, -1.0),
            (low[1], high[1], self.face_mm, self.outward),
        ] {
            let (start, end) = (inside * (at_low - face), inside * (at_high - face));
            match (start >= 0.0, end >= 0.0) {
                (true, true) => {}
                (false, false) => return None,
                (true, false) => to = to.min(start / (start - end)),
                (false, true) => from = from.max(start / (start - end)),
            }
        }
        (from <= to).then(|| {
            let height_mm = to * self.height_mm;
            let [x, y] = on_belt(height_mm);
            let grain = 1.0 + 0.03 * field(self.grain, x / 2.0, (y + height_mm) / 2.0);
            Surface { height_mm, albedo: self.albedo.map(|a| a * grain) }
        })
    }
}
