//! The scene that the frames of a survey suggest.

use super::part::PartView;
use crate::frame::Region;
use crate::prepare::PartChoice;
use crate::prepare::crop::Crop;

/// A part whose surroundings take this share of the photograph is looked at as a whole.
const WHOLE_SHARE: f32 = 0.7;
/// Parts that lie within this share of their window's side of each other need no window that follows them.
const MOVES_SHARE: f32 = 0.15;
/// The window is so much larger than the part, however it is turned.
const AROUND: f32 = 1.2;
/// Sides of a window are whole steps of this, millimetres.
const STEP_MM: f32 = 5.0;

/// What is taken for the part: the largest thing, where it is clear of the edge in nine of ten frames, or the one in the
/// middle.
pub(super) fn part_choice(largest: &[Option<PartView>]) -> PartChoice {
    let seen: Vec<&PartView> = largest.iter().flatten().collect();
    let clear = seen.iter().filter(|part| !part.cut && !part.is_close).count();
    if 10 * clear >= 9 * seen.len() { PartChoice::Largest } else { PartChoice::Centre }
}

/// A window around all `parts`, or one that goes with the part where they lie apart; none where they fill the photograph,
/// or there are none. `length_m` and `width_m`: a part's sides.
pub(super) fn crop(parts: &[PartView], (length_m, width_m): (f32, f32), (width, height): (usize, usize)) -> Crop {
    let sides = parts.iter().map(|part| part.surroundings.width.max(part.surroundings.height));
    let side = sides.max().unwrap_or(0) as f32;
    if side == 0.0 || side >= WHOLE_SHARE * width.max(height) as f32 {
        return Crop::default();
    }
    let range = |axis: usize| {
        let values = || parts.iter().map(move |part| part.middle[axis]);
        values().fold(0.0, f32::max) - values().fold(f32::INFINITY, f32::min)
    };
    if range(0).hypot(range(1)) <= MOVES_SHARE * side {
        let all = parts.iter().map(|part| part.surroundings).reduce(Region::union);
        let rectangle = all.map(|Region { x, y, width, height }| [x, y, width, height]);
        return Crop { rectangle, ..Crop::default() };
    }
    let side_mm = (AROUND * 1e3 * length_m.hypot(width_m) / STEP_MM).ceil() * STEP_MM;
    Crop { follow_mm: Some(side_mm), ..Crop::default() }
}
