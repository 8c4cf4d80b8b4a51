//! Where the part of a frame lies, and how far it may go.

use super::pinhole::Pinhole;
use crate::frame::{Region, RgbdFrame, is_point};
use crate::prepare::plane::Plane;
use crate::prepare::{NetworkInput, PartChoice};

/// A part that came nearer to the edge than this would count as one that touches it, pixels.
const EDGE: usize = 3;

/// A part as its frame shows it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The mean of the pixels that were taken for the part, `[x, y]` in the photograph.
    pub middle: [f32; 2],
    /// The mean of its points, metres.
    pub middle_m: [f32; 3],
    /// The plane through that point along the belt; across the optical axis where no belt is known.
    pub level: Plane,
    pub pinhole: Pinhole,
    /// Pixels by which it may go back and forth along x and along y and stay as whole as it is.
    pub room: [[isize; 2]; 2],
    /// Whether all of it is seen, so that it may be turned.
    pub is_whole: bool,
}

impl Place {
    /// The part of `frame` that `input` was prepared from. None where its points do not tell how the camera sees.
    pub fn of(frame: &RgbdFrame, input: &NetworkInput, part: PartChoice) -> Option<Self> {
        let mut pixels = Vec::new();
        input.window.nearest_into(|x, y| Some((x, y)), None, &mut pixels);
        let kept = pixels.iter().zip(&input.kept).filter_map(|(at, kept)| at.filter(|_| *kept));
        let (mut count, mut sum, mut sum_m, mut bounds) = (0.0, [0.0; 2], [0.0; 3], None);
        for (x, y) in kept {
            // The points of the frame: those of the input may have been moved under a window that follows the part.
            let point = frame.cloud().points()[y * frame.width() + x];
            if !is_point(&point) {
                continue;
            }
            count += 1.0;
            sum = [sum[0] + x as f64, sum[1] + y as f64];
            sum_m = [0, 1, 2].map(|axis| sum_m[axis] + f64::from(point[axis]));
            let pixel = Region { x, y, width: 1, height: 1 };
            bounds = Some(bounds.map_or(pixel, |seen: Region| seen.union(pixel)));
        }
        let bounds = bounds?;
        let middle_m = sum_m.map(|v| (v / count) as f32);
        // With all that there is, nothing is cut that was not cut before.
        let takes_all = matches!(part, PartChoice::All | PartChoice::Everything);
        let is_whole = takes_all || !input.taken.touches_edge;
        Some(Self {
            middle: sum.map(|v| (v / count) as f32),
            middle_m,
            level: level(input, middle_m),
            pinhole: Pinhole::of(frame.cloud())?,
            room: if takes_all { [[isize::MAX; 2]; 2] } else { room(bounds, input.window.bounds, is_whole) },
            is_whole,
        })
    }
}

/// How far `part` may go within `crop`: nowhere where it is cut already, since its cut edge would become an edge of the part.
fn room(part: Region, crop: Region, is_whole: bool) -> [[isize; 2]; 2] {
    let free = |near: usize, far: usize| if is_whole { near.saturating_sub(far + EDGE) as isize } else { 0 };
    [
        [free(part.x, crop.x), free(crop.right(), part.right())],
        [free(part.y, crop.y), free(crop.bottom(), part.bottom())],
    ]
}

/// The plane through a point along the belt.
fn level(input: &NetworkInput, through: [f32; 3]) -> Plane {
    let normal = input.taken.belt.map_or([0.0, 0.0, -1.0], |belt| belt.plane.towards_camera().normal);
    Plane { normal, offset_m: -(0..3).map(|i| normal[i] * through[i]).sum::<f32>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_as_far_as_it_stays_clear_of_the_edge() {
        let (part, crop) =
            (Region { x: 14, y: 2, width: 10, height: 10 }, Region { x: 10, y: 0, width: 20, height: 20 });
        assert_eq!(room(part, crop, true), [[1, 3], [0, 5]]);
        assert_eq!(room(part, crop, false), [[0; 2]; 2]);
    }
}
