//! Colour from a sensor with a filter of one colour before each pixel.
//!
//! The two missing colours of a pixel are interpolated by the filters of Malvar, He and Cutler, "High-quality linear
//! interpolation for demosaicing of Bayer-patterned color images" (ICASSP 2004): bilinear, corrected by the gradient of the
//! colour that is there, so that edges keep their places and colours.

/// The colours of the upper left two by two pixels, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    Rggb,
    Grbg,
    Gbrg,
    Bggr,
}

/// Pixels of a side at least: the filters reach two pixels far, and are mirrored at the border.
pub const SIDE_MIN: usize = 4;

/// What the filter before a pixel lets through.
#[derive(Clone, Copy)]
enum Site {
    Red,
    /// Green, with red neighbours in its row.
    GreenOfRed,
    /// Green, with blue neighbours in its row.
    GreenOfBlue,
    Blue,
}

impl Tile {
    /// The filter at column and row.
    fn site(self, x: usize, y: usize) -> Site {
        use Site::{Blue, GreenOfBlue, GreenOfRed, Red};
        let [even, odd] = match self {
            Self::Rggb => [[Red, GreenOfRed], [GreenOfBlue, Blue]],
            Self::Grbg => [[GreenOfRed, Red], [Blue, GreenOfBlue]],
            Self::Gbrg => [[GreenOfBlue, Blue], [Red, GreenOfRed]],
            Self::Bggr => [[Blue, GreenOfBlue], [GreenOfRed, Red]],
        };
        if y.is_multiple_of(2) { even[x % 2] } else { odd[x % 2] }
    }
}

/// Appends the colours of an image, whose rows `row` gives, to `rgb`. Each side has at least [`SIDE_MIN`] pixels.
pub fn to_rgb<'a>(tile: Tile, (width, height): (usize, usize), row: impl Fn(usize) -> &'a [u8], rgb: &mut Vec<u8>) {
    for y in 0..height {
        let rows = around(y, height).map(&row);
        for x in 0..width {
            rgb.extend(colour(tile.site(x, y), rows, around(x, width)));
        }
    }
}

/// A place and the two on either side of it, mirrored at the ends: the mirror image of a pixel has its filter.
fn around(at: usize, length: usize) -> [usize; 5] {
    let mirrored = |at: usize, step: usize| if at + step < length { at + step } else { 2 * (length - 1) - at - step };
    [at.abs_diff(2), at.abs_diff(1), at, mirrored(at, 1), mirrored(at, 2)]
}

/// The three colours of the pixel in the middle, by filters in sixteenths.
fn colour(site: Site, rows: [&[u8]; 5], columns: [usize; 5]) -> [u8; 3] {
    let at = |row: usize, column: usize| i32::from(rows[row][columns[column]]);
    let own = at(2, 2);
    let (upright, level) = (at(1, 2) + at(3, 2), at(2, 1) + at(2, 3));
    let (far_upright, far_level) = (at(0, 2) + at(4, 2), at(2, 0) + at(2, 4));
    let diagonal = at(1, 1) + at(1, 3) + at(3, 1) + at(3, 3);
    let rounded = |sum: i32| ((sum + 8) >> 4).clamp(0, 255) as u8;
    let green = || rounded(8 * own + 4 * (upright + level) - 2 * (far_upright + far_level));
    let across = || rounded(12 * own + 4 * diagonal - 3 * (far_upright + far_level));
    let along = |near: i32, far: i32, other: i32| rounded(10 * own + 8 * near - 2 * far + other - 2 * diagonal);
    match site {
        Site::Red => [own as u8, green(), across()],
        Site::Blue => [across(), green(), own as u8],
        Site::GreenOfRed => [along(level, far_level, far_upright), own as u8, along(upright, far_upright, far_level)],
        Site::GreenOfBlue => [along(upright, far_upright, far_level), own as u8, along(level, far_level, far_upright)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILES: [Tile; 4] = [Tile::Rggb, Tile::Grbg, Tile::Gbrg, Tile::Bggr];

    /// What a sensor with this tile sees of a picture, and the picture that is made of it.
    fn seen(tile: Tile, (width, height): (usize, usize), picture: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
        let channel = |x, y| match tile.site(x, y) {
            Site::Red => 0,
            Site::GreenOfRed | Site::GreenOfBlue => 1,
            Site::Blue => 2,
        };
        let raw: Vec<u8> =
            (0..width * height).map(|i| (i % width, i / width)).map(|(x, y)| picture(x, y)[channel(x, y)]).collect();
        let mut rgb = Vec::new();
        to_rgb(tile, (width, height), |row| &raw[row * width..][..width], &mut rgb);
        rgb
    }

    #[test]
    fn a_picture_of_one_colour_comes_out_as_it_is_to_its_border() {
        for tile in TILES {
            for size in [(4, 4), (5, 7), (8, 6)] {
                assert_eq!(
                    seen(tile, size, |_, _| [200, 90, 10]),
                    [200, 90, 10].repeat(size.0 * size.1),
                    "{tile:?} {size:?}"
                );
            }
        }
    }

    #[test]
    fn a_slope_of_light_comes_out_as_it_is() {
        let shade =
            |x: usize, y: usize| [(10 + 3 * x + 5 * y) as u8, (40 + 3 * x + 5 * y) as u8, (90 + 3 * x + 5 * y) as u8];
        let size = (14, 12);
        for tile in TILES {
            let found = seen(tile, size, shade);
            for (i, pixel) in found.as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (i % size.0, i / size.0);
                // Mirroring bends the slope at the border.
                if (2..size.0 - 2).contains(&x) && (2..size.1 - 2).contains(&y) {
                    assert_eq!(*pixel, shade(x, y), "{tile:?} at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn a_grey_edge_stays_nearly_grey() {
        // Bilinear interpolation is wrong by 90 here, which shows as a coloured fringe.
        let edge = |x: usize, _| if x < 8 { [30; 3] } else { [210; 3] };
        for tile in TILES {
            let found = seen(tile, (16, 8), edge);
            for pixel in found.as_chunks::<3>().0 {
                let [low, high] = [pixel.iter().min().unwrap(), pixel.iter().max().unwrap()];
                assert!(high - low <= 60, "{tile:?}: {pixel:?}");
            }
        }
    }
}
