//! The picture of an inspection: the heat map over the photograph, in the photograph's own pixels.

mod content;
mod heat_map;
mod legend;
mod marks;
mod relief;
mod scale;

use std::io::Write;
use std::path::Path;

use image::{ImageEncoder, RgbImage};
use rayon::prelude::*;

use crate::files;
use crate::prepare::window::Window;
use crate::score::Verdict;
use crate::shapes::{H, W};
use scale::Scale;

pub use content::{Overlay, Photograph};
pub use heat_map::heat_map;
pub use relief::relief;

/// Brightness of the photograph where there is no shape feature.
const DIMMED: f32 = 0.6;
/// One pixel of outline for as many of the photograph's shorter side.
const OUTLINE_PER_SIDE: usize = 250;
const OUTLINE: [u8; 3] = [255, 255, 255];
/// Outline of what was taken for the part.
const PART_OUTLINE: [u8; 3] = [64, 224, 255];

/// Draws the photograph with the heat map, the outlines of its defects, the kinds of the worst, and a legend below.
pub fn overlay(what: &Overlay) -> RgbImage {
    let scale = Scale::for_overlay(what);
    let mut picture = heated(what, &scale);
    // Those of a part that is rejected lie above the threshold, and are outlined as the heat map runs.
    if what.verdict == Some(Verdict::Review) {
        let reach = outline_reach(what.photograph.width, what.photograph.height);
        marks::outlines(&mut picture, what.defects, OUTLINE, reach);
    }
    marks::kinds(&mut picture, what.defects);
    legend::below(&picture, what, &scale)
}

/// Draws the photograph with the heat map and its outlines alone, for a picture that is too small for words.
pub fn small_overlay(what: &Overlay) -> RgbImage {
    heated(what, &Scale::for_overlay(what))
}

fn heated(what: &Overlay, scale: &Scale) -> RgbImage {
    let Photograph { rgb, width, height } = what.photograph;
    let heat = Heat { map: what.anomaly_map, window: what.window };
    // Above the threshold a pixel may have no shape feature: there is a gap.
    let is_above = |pixel: usize| what.threshold.is_some_and(|threshold| what.anomaly_map[pixel] > threshold);
    let is_heated = |pixel: usize| what.valid[pixel] || is_above(pixel);
    let mut pixels = vec![0; width * height * 3];
    let reach = outline_reach(width, height);
    let rows = pixels.par_chunks_exact_mut(width * 3).zip(rgb.par_chunks_exact(width * 3)).enumerate();
    rows.for_each(|(y, (out, photograph))| {
        for (x, (out, colour)) in out.chunks_exact_mut(3).zip(photograph.chunks_exact(3)).enumerate() {
            let drawn = match what.threshold {
                Some(threshold) if heat.is_outline(x, y, width, height, threshold) => OUTLINE,
                _ if is_part_outline(&what.window, what.kept, x, y, reach) => PART_OUTLINE,
                _ if heat.pixel(x, y).is_some_and(is_heated) => scale.blend(colour, heat.at(x, y)),
                _ => [0, 1, 2].map(|c| (f32::from(colour[c]) * DIMMED) as u8),
            };
            out.copy_from_slice(&drawn);
        }
    });
    let Some(picture) = RgbImage::from_raw(width as u32, height as u32, pixels) else {
        unreachable!("three bytes a pixel")
    };
    picture
}

/// Writes a PNG, whole or not at all.
pub fn write(path: &Path, picture: &RgbImage) -> std::io::Result<()> {
    files::write_whole(path, |file| {
        let mut out = std::io::BufWriter::new(file);
        image::codecs::png::PngEncoder::new(&mut out)
            .write_image(picture, picture.width(), picture.height(), image::ExtendedColorType::Rgb8)
            .map_err(std::io::Error::other)?;
        out.flush()
    })
}

/// The network frame's map in the photograph's pixels.
struct Heat<'a> {
    map: &'a [f32],
    window: Window,
}

impl Heat<'_> {
    /// The network pixel that a pixel of the photograph lies in; none outside the window.
    fn pixel(&self, x: usize, y: usize) -> Option<usize> {
        self.window.network_pixel(x, y)
    }

    /// Bilinear between the centres of network pixels.
    fn at(&self, x: usize, y: usize) -> f32 {
        let axis = |at: f32, out: usize| {
            let at = at.clamp(0.0, (out - 1) as f32);
            (at as usize, (at as usize + 1).min(out - 1), at.fract())
        };
        let [x, y] = self.window.network_place(x, y);
        let (top, bottom, v) = axis(y, H);
        let (left, right, u) = axis(x, W);
        let row = |y: usize| self.map[y * W + left] * (1.0 - u) + self.map[y * W + right] * u;
        row(top) * (1.0 - v) + row(bottom) * v
    }

    /// Above the threshold, but not all of its neighbours are.
    fn is_outline(&self, x: usize, y: usize, width: usize, height: usize, threshold: f32) -> bool {
        let above = |x: usize, y: usize| self.pixel(x, y).is_some() && self.at(x, y) > threshold;
        let reach = outline_reach(width, height);
        let (right, below) = ((x + reach).min(width - 1), (y + reach).min(height - 1));
        let neighbours = [(x.saturating_sub(reach), y), (right, y), (x, y.saturating_sub(reach)), (x, below)];
        above(x, y) && !neighbours.iter().all(|&(x, y)| above(x, y))
    }
}

/// Pixels from an outline to what it goes around.
fn outline_reach(width: usize, height: usize) -> usize {
    (width.min(height) / OUTLINE_PER_SIDE).max(1)
}

/// Whether a pixel of the photograph was taken for the part, and one beside it was not.
pub fn is_part_outline(window: &Window, kept: &[bool], x: usize, y: usize, reach: usize) -> bool {
    let is_kept = |x: usize, y: usize| window.network_pixel(x, y).is_some_and(|pixel| kept[pixel]);
    let beside = [(x.wrapping_sub(reach), y), (x + reach, y), (x, y.wrapping_sub(reach)), (x, y + reach)];
    is_kept(x, y) && !beside.iter().all(|&(x, y)| is_kept(x, y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::{Defect, Kind};
    use crate::frame::{OrganisedCloud, Region, RgbdFrame};
    use crate::inspect::Inspection;
    use crate::shapes::P;

    fn frame(width: usize, height: usize) -> RgbdFrame {
        let cloud = OrganisedCloud::new(width, height, vec![[0.0; 3]; width * height]).unwrap();
        RgbdFrame::new(width, height, vec![100; width * height * 3], cloud).unwrap()
    }

    fn draw(frame: &RgbdFrame, map: &[f32], valid: &[bool], threshold: Option<f32>) -> RgbImage {
        overlay(&Overlay {
            photograph: frame.into(),
            window: window(frame.width(), frame.height()),
            kept: &[false; P],
            anomaly_map: map,
            valid,
            score: Some(1.0),
            threshold,
            verdict: None,
            defects: &[],
        })
    }

    fn window(width: usize, height: usize) -> Window {
        Window::around(Region::of_size(width, height))
    }

    /// The middle of what is outlined, pixels of the photograph.
    fn outlined(picture: &RgbImage, width: usize, height: usize) -> Option<(f32, f32)> {
        let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let on: Vec<_> = points.filter(|&(x, y)| picture.get_pixel(x as u32, y as u32).0 == OUTLINE).collect();
        let n = on.len() as f32;
        let mean = |axis: fn(&(usize, usize)) -> usize| on.iter().map(|p| axis(p) as f32).sum::<f32>() / n;
        (n > 0.0).then(|| (mean(|p| p.0), mean(|p| p.1)))
    }

    #[test]
    fn a_gap_is_coloured_and_what_is_beside_it_is_dimmed() {
        let (hole, beside) = (100 * W + 100, 30 * W + 30);
        let mut map = vec![0.0; P];
        (0..9).for_each(|i| map[hole + i % 3 + i / 3 * W] = 2.0);
        map[beside] = 0.4;
        // Three pixels of the photograph for each of the map.
        let picture = draw(&frame(3 * W, 3 * H), &map, &[false; P], Some(0.5));
        let at = |pixel: usize| picture.get_pixel((pixel % W * 3 + 1) as u32, (pixel / W * 3 + 1) as u32).0;
        assert_eq!((at(beside), at(0)), ([60; 3], [60; 3]));
        let [red, _, blue] = at(hole + W + 1);
        assert!(red > 100 && blue < 100, "{:?}", at(hole + W + 1));
    }

    #[test]
    fn a_hot_spot_lands_on_its_part_of_the_photograph() {
        for (width, height) in [(800, 600), (600, 800), (640, 640)] {
            let window = window(width, height);
            let mut map = vec![0.1; P];
            (100..110).for_each(|y| map[y * W + 60..y * W + 70].fill(1.0));
            let picture = draw(&frame(width, height), &map, &[true; P], Some(0.5));
            let (x, y) = outlined(&picture, width, height).unwrap();
            let scale = window.side as f32 / W as f32;
            let want = (65.0 * scale + window.left as f32, 105.0 * scale + window.top as f32);
            assert!((x - want.0).abs() < 2.0 && (y - want.1).abs() < 2.0, "{x} {y} where {want:?} is expected");
        }
    }

    fn defect(corner: f32, side: f32) -> Defect {
        let far = corner + side;
        Defect {
            kind: Kind::Mismatch,
            score: Some(1.0),
            at: [corner; 2],
            centre: Some([corner + side / 2.0; 2]),
            centre_mm: None,
            pixels: 1,
            area_mm2: None,
            height_mm: None,
            bounds: Region::of_size(1, 1),
            outline: [[corner, corner], [far, corner], [far, far], [corner, far]].into_iter().collect(),
        }
    }

    #[test]
    fn defects_are_named_and_those_of_a_review_are_outlined() {
        for side in [400, 900] {
            let frame = frame(side, side);
            let (map, valid, defects) = (vec![0.1; P], vec![true; P], [defect(100.0, 60.0)]);
            let of = |verdict, defects| {
                overlay(&Overlay {
                    photograph: (&frame).into(),
                    window: window(side, side),
                    kept: &[false; P],
                    anomaly_map: &map,
                    valid: &valid,
                    score: Some(0.4),
                    threshold: Some(0.5),
                    verdict: Some(verdict),
                    defects,
                })
            };
            let bare = of(Verdict::Review, &[]);
            assert_eq!(outlined(&bare, side, side), None);
            let (x, y) = outlined(&of(Verdict::Review, &defects), side, side).unwrap();
            assert!((x - 130.0).abs() < 6.0 && (100.0..200.0).contains(&y), "{x} {y}");
            // The name alone, below it, in letters that grow with the picture.
            let named = of(Verdict::Reject, &defects);
            let changed: Vec<usize> = (0..side * side)
                .filter(|i| {
                    named.get_pixel((i % side) as u32, (i / side) as u32)
                        != bare.get_pixel((i % side) as u32, (i / side) as u32)
                })
                .collect();
            let rows = changed[0] / side..changed[changed.len() - 1] / side + 1;
            assert!((155..=165).contains(&rows.start) && rows.len() == 10 * (side / 400).max(1), "{rows:?}");
        }
    }

    #[test]
    fn defects_beyond_the_picture_are_drawn() {
        for corner in [-1e9, -50.0, 290.0, f32::NAN, 1e30] {
            let frame = frame(30, 20);
            let defects = [defect(corner, 40.0); 5];
            let (verdict, silent) = (Some(Verdict::Review), Inspection::default());
            let (valid, map) = (vec![false; P], vec![0.0; P]);
            let what = Overlay {
                verdict,
                defects: &defects,
                kept: &valid,
                valid: &valid,
                anomaly_map: &map,
                ..Overlay::from_inspection(&frame, &silent, None)
            };
            assert!(overlay(&what).width() >= 30);
        }
    }

    #[test]
    fn without_a_threshold_nothing_is_outlined() {
        let mut map = vec![0.1; P];
        map[P / 2] = 5.0;
        assert_eq!(outlined(&draw(&frame(500, 500), &map, &[true; P], None), 500, 500), None);
        assert_eq!(outlined(&draw(&frame(500, 500), &map, &[true; P], Some(6.0)), 500, 500), None);
    }

    #[test]
    fn where_there_is_no_shape_the_photograph_is_only_dimmed() {
        let picture = draw(&frame(448, 448), &[1.0; P], &[false; P], None);
        assert_eq!(picture.get_pixel(100, 100).0, [60; 3]);
        assert_ne!(draw(&frame(448, 448), &[1.0; P], &[true; P], None).get_pixel(100, 100).0, [60; 3]);
    }

    #[test]
    fn odd_sizes_and_maps_are_drawn() {
        for (width, height) in [(1, 1), (1, 300), (3000, 2), (399, 401)] {
            for value in [0.0, 1.0, f32::NAN, f32::INFINITY] {
                for threshold in [None, Some(0.5), Some(0.0), Some(f32::NAN)] {
                    let picture = draw(&frame(width, height), &[value; P], &[true; P], threshold);
                    assert!(picture.width() as usize >= width && picture.height() as usize > height);
                }
            }
        }
    }
}
