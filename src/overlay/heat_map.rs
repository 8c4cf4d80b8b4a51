//! A map by itself, in colours.

use image::{Rgb, RgbImage};

use super::scale::colour;
use crate::shapes::{H, W};

/// Pixels of the picture for each of the map, in both directions.
const ZOOM: usize = 2;
/// Where the map has nothing.
const NOTHING: [u8; 3] = [24, 24, 28];

/// Draws a map of distances, `[P]`: blue for 0, red for its largest value; dark where it is 0, since no feature is there,
/// and red where it has no number.
pub fn heat_map(map: &[f32]) -> RgbImage {
    let largest = map.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
    RgbImage::from_fn((W * ZOOM) as u32, (H * ZOOM) as u32, |x, y| {
        let value = map[y as usize / ZOOM * W + x as usize / ZOOM];
        Rgb(match value {
            0.0 => NOTHING,
            _ if value.is_finite() => colour((value / largest).clamp(0.0, 1.0)),
            _ => colour(1.0),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::P;

    #[test]
    fn what_is_larger_is_redder() {
        let mut map = vec![0.0; P];
        (map[1], map[2], map[3], map[4]) = (0.1, 0.9, f32::NAN, f32::INFINITY);
        let drawn = heat_map(&map);
        let at = |pixel: u32| drawn.get_pixel(2 * pixel + 1, 1).0;
        assert_eq!((drawn.width() as usize, at(0)), (2 * W, NOTHING));
        assert!(at(1)[2] > at(1)[0] && at(2)[0] > at(2)[2], "{:?} {:?}", at(1), at(2));
        assert_eq!([at(3), at(4)], [at(2); 2]);
        assert_eq!(heat_map(&[-1.0; P]).get_pixel(0, 0).0, colour(0.0));
    }
}
