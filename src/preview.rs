//! Pictures of what was taken for the part: the pixels that are kept, over the photograph.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::frame::RgbdFrame;
use crate::overlay::{Photograph, is_part_outline};
use crate::prepare::NetworkInput;
use crate::prepare::window::Window;

/// What is kept is tinted, and outlined in the same colour.
const KEPT: [u8; 3] = [64, 224, 255];
const TINT: f32 = 0.25;
/// The window that becomes the network's picture.
const WINDOW: [u8; 3] = [255, 196, 0];
/// Brightness of what is not kept.
const DIMMED: f32 = 0.55;

/// Tiles of a contact sheet: how many, how many in a row, and their width in pixels.
const TILES_MAX: usize = 120;
const COLUMNS: usize = 6;
const TILE: u32 = 240;
const GAP: u32 = 6;
const BACKGROUND: Rgb<u8> = Rgb([24, 24, 28]);

/// What was taken for one part in a photograph.
#[derive(Clone, Copy)]
pub struct PartPixels<'a> {
    pub window: Window,
    /// Pixels of the network frame, `[P]`.
    pub kept: &'a [bool],
}

impl<'a> PartPixels<'a> {
    /// The part that is shown in the network frame.
    pub fn of(input: &'a NetworkInput) -> Self {
        Self { window: input.window, kept: &input.kept }
    }
}

/// The photograph with what was kept of it: dimmed where nothing was, and with the window's sides.
pub fn picture(photograph: Photograph, parts: &[PartPixels]) -> RgbImage {
    let Photograph { rgb, width, height } = photograph;
    let reach = (width.min(height) / 200).max(1);
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let colour = &rgb[(y * width + x) * 3..][..3];
        let blend = |shade: f32, with: [u8; 3], share: f32| {
            [0, 1, 2].map(|c| (f32::from(colour[c]) * shade * (1.0 - share) + f32::from(with[c]) * share) as u8)
        };
        let is_kept = |part: &PartPixels| part.window.network_pixel(x, y).is_some_and(|pixel| part.kept[pixel]);
        Rgb(if parts.iter().any(|part| is_part_outline(&part.window, part.kept, x, y, reach)) {
            KEPT
        } else if parts.iter().any(|part| is_side(&part.window, x, y, reach)) {
            WINDOW
        } else if parts.iter().any(is_kept) {
            blend(1.0, KEPT, TINT)
        } else {
            blend(DIMMED, KEPT, 0.0)
        })
    })
}

/// Whether a pixel lies on the sides of what the window shows of the photograph.
fn is_side(window: &Window, x: usize, y: usize, reach: usize) -> bool {
    let shows = |x: usize, y: usize| window.shows(x, y);
    let beside = [(x.wrapping_sub(reach), y), (x + reach, y), (x, y.wrapping_sub(reach)), (x, y + reach)];
    shows(x, y) && !beside.iter().all(|&(x, y)| shows(x, y))
}

/// Small pictures of many frames, side by side.
#[derive(Default)]
pub struct ContactSheet {
    tiles: Vec<RgbImage>,
    left_out: usize,
}

impl ContactSheet {
    /// Adds a frame; beyond 120 they are left out.
    pub fn add(&mut self, frame: &RgbdFrame, parts: &[PartPixels]) {
        if self.tiles.len() == TILES_MAX {
            self.left_out += 1;
            return;
        }
        let drawn = picture(frame.into(), parts);
        let height =
            (u64::from(drawn.height()) * u64::from(TILE) / u64::from(drawn.width())).clamp(1, 4 * u64::from(TILE));
        self.tiles.push(imageops::resize(&drawn, TILE, height as u32, FilterType::Triangle));
    }

    /// Frames that found no place.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// All tiles in the order that they came, from left to right and from top to bottom.
    pub fn picture(&self) -> RgbImage {
        let columns = COLUMNS.min(self.tiles.len().max(1)) as u32;
        let row_height = |row: &[RgbImage]| row.iter().map(RgbImage::height).max().unwrap_or(0) + GAP;
        let height = self.tiles.chunks(COLUMNS).map(row_height).sum::<u32>() + GAP;
        let mut sheet = RgbImage::from_pixel(columns * (TILE + GAP) + GAP, height, BACKGROUND);
        let mut top = GAP;
        for row in self.tiles.chunks(COLUMNS) {
            for (column, tile) in (0..).zip(row) {
                imageops::replace(&mut sheet, tile, i64::from(GAP + column * (TILE + GAP)), i64::from(top));
            }
            top += row_height(row);
        }
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{OrganisedCloud, Region};
    use crate::shapes::{P, W};

    fn frame(width: usize, height: usize) -> RgbdFrame {
        let cloud = OrganisedCloud::new(width, height, vec![[0.0; 3]; width * height]).unwrap();
        RgbdFrame::new(width, height, vec![100; width * height * 3], cloud).unwrap()
    }

    #[test]
    fn what_is_kept_is_tinted_and_the_rest_is_dimmed() {
        let frame = frame(896, 448);
        let window = Window::around(Region { x: 448, y: 0, width: 448, height: 448 });
        let kept: Vec<bool> = (0..P).map(|p| (100..150).contains(&(p % W)) && (100..150).contains(&(p / W))).collect();
        let drawn = picture((&frame).into(), &[PartPixels { window, kept: &kept }]);
        let at = |x: u32, y: u32| drawn.get_pixel(x, y).0;
        assert_eq!(at(10, 10), [55; 3]);
        assert_eq!(at(448, 224), WINDOW);
        assert_eq!(at(448 + 2 * 100, 2 * 120), KEPT);
        assert_eq!(at(448 + 2 * 125, 2 * 125), [91, 131, 138]);
    }

    #[test]
    fn a_contact_sheet_has_its_tiles_in_rows() {
        let mut sheet = ContactSheet::default();
        assert!(sheet.picture().width() > 0);
        (0..TILES_MAX + 3).for_each(|_| sheet.add(&frame(40, 30), &[]));
        let drawn = sheet.picture();
        assert_eq!((drawn.width(), drawn.height()), (6 * (TILE + GAP) + GAP, 20 * (180 + GAP) + GAP));
        assert_eq!(sheet.left_out(), 3);
    }
}
