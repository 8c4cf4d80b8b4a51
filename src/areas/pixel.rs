//! What a network pixel is in square millimetres, by the cloud itself.

use crate::prepare::spacing::Pairs;
use crate::shapes::{H, W};

/// Pixels between two points that are compared. A window takes the nearest pixel of the photograph, so that neighbours
/// may be one and the same; over so many, the rounding is at most 3 % for windows of at least 224 pixels.
const STEP: usize = 16;
/// One row of so many, and one column of so many, is looked at.
const SAMPLED: usize = 4;

/// The most lengths that are compared, along rows as along columns.
pub const LENGTHS_MAX: usize = (H / SAMPLED) * (W / SAMPLED);

/// The width and the height of a pixel at the distance of the part, mm, from the medians of the distances along rows and
/// columns of `cloud`, `[P]` points in metres before a camera that looks along z. None where too little of it is there.
/// `lengths` is memory for [`LENGTHS_MAX`] that is overwritten.
pub fn pixel_mm(cloud: &[[f32; 3]], lengths: &mut Vec<f32>) -> Option<[f32; 2]> {
    let across = pitch_mm(cloud, [STEP, 0], lengths)?;
    let down = pitch_mm(cloud, [0, STEP], lengths)?;
    Some([across, down])
}

/// The area of a pixel, mm2, from [`pixel_mm`].
pub fn pixel_mm2(cloud: &[[f32; 3]], lengths: &mut Vec<f32>) -> Option<f32> {
    pixel_mm(cloud, lengths).map(|[across, down]| across * down)
}

/// The median length of a pixel along `apart`, columns and rows, mm.
fn pitch_mm(cloud: &[[f32; 3]], apart: [usize; 2], lengths: &mut Vec<f32>) -> Option<f32> {
    // A step of height between the two makes no pixel longer: the camera looks along z.
    let across = |from: [f32; 3], to: [f32; 3]| (to[0] - from[0]).hypot(to[1] - from[1]);
    let median = Pairs { apart, every: SAMPLED }.median(cloud, across, lengths)?;
    (median > 0.0 && median.is_finite()).then_some(1e3 * median / STEP as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Region;
    use crate::prepare::window::Window;
    use crate::shapes::P;

    #[test]
    fn the_area_is_that_of_the_photograph_s_pixels_in_the_window() {
        for side in [224, 300, 341, 720] {
            // 0.25 x 0.2 mm a pixel, with steps of height, and holes.
            let point = |x: usize, y: usize| {
                let z = if (x / 40 + y / 30).is_multiple_of(2) { 0.5 } else { 0.53 };
                if (x + y).is_multiple_of(7) { [0.0; 3] } else { [x as f32 * 0.25e-3, y as f32 * 0.2e-3 + 0.1, z] }
            };
            let mut cloud = Vec::new();
            Window::around(Region::of_size(side, side)).nearest_into(point, [0.0; 3], &mut cloud);
            let want = 0.05 * (side as f32 / W as f32).powi(2);
            let found = pixel_mm2(&cloud, &mut Vec::new()).unwrap();
            assert!((found / want - 1.0).abs() < 0.06, "{side}: {found} {want}");
        }
    }

    #[test]
    fn too_little_tells_nothing() {
        assert_eq!(pixel_mm2(&vec![[0.0; 3]; P], &mut Vec::new()), None);
        assert_eq!(pixel_mm2(&vec![[0.1, 0.1, 0.5]; P], &mut Vec::new()), None);
        let mut one = vec![[0.0; 3]; P];
        one[P / 2] = [0.1, 0.1, 0.5];
        assert_eq!(pixel_mm2(&one, &mut Vec::new()), None);
    }
}
