//! Score, verdict and colour bar below the photograph.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::FONT_10X20;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use image::{Rgb, RgbImage};

use super::content::Overlay;
use super::scale::{Scale, colour};
use crate::score::Verdict;

/// Lengths in pixels of a legend that is not enlarged.
const WIDTH_MIN: u32 = 400;
const HEIGHT: u32 = 86;
const MARGIN: u32 = 10;
const BAR_TOP: u32 = 36;
const BAR_HEIGHT: u32 = 14;
const LABEL_TOP: u32 = BAR_TOP + BAR_HEIGHT + 6;
const BACKGROUND: [u8; 3] = [24, 24, 28];
const INK: Rgb888 = Rgb888::new(235, 235, 235);

/// The picture with a legend added below; text grows with the picture.
pub fn below(picture: &RgbImage, what: &Overlay, scale: &Scale) -> RgbImage {
    let zoom = (picture.width() / WIDTH_MIN).max(1);
    let width = picture.width().max(WIDTH_MIN);
    let mut canvas = RgbImage::from_pixel(width, picture.height() + HEIGHT * zoom, Rgb(BACKGROUND));
    image::imageops::replace(&mut canvas, picture, i64::from((width - picture.width()) / 2), 0);
    let mut legend = Legend { top: picture.height(), zoom, width: width / zoom, canvas };
    legend.title(what);
    legend.bar(what, scale);
    legend.canvas
}

/// The strip below the picture, drawn in pixels of `zoom` x `zoom`.
struct Legend {
    canvas: RgbImage,
    top: u32,
    zoom: u32,
    width: u32,
}

impl Legend {
    fn title(&mut self, what: &Overlay) {
        let score = what.score.map_or("not scored".into(), |score| format!("score {score:.4}"));
        self.text(&score, MARGIN, MARGIN, Alignment::Left, INK);
        let right = self.width - MARGIN;
        match what.verdict {
            Some(Verdict::Pass) => self.text("PASS", right, MARGIN, Alignment::Right, Rgb888::new(90, 220, 110)),
            Some(Verdict::Review) => self.text("REVIEW", right, MARGIN, Alignment::Right, Rgb888::new(250, 200, 60)),
            Some(Verdict::Reject) => self.text("REJECT", right, MARGIN, Alignment::Right, Rgb888::new(255, 90, 80)),
            None => self.text("no threshold", right, MARGIN, Alignment::Right, INK),
        }
    }

    fn bar(&mut self, what: &Overlay, scale: &Scale) {
        let (left, right) = (MARGIN, self.width - MARGIN);
        for x in left..right {
            let colour = colour((x - left) as f32 / (right - left - 1) as f32);
            self.fill(x, BAR_TOP, 1, BAR_HEIGHT, colour);
        }
        self.text(&format!("{:.4}", scale.low), left, LABEL_TOP, Alignment::Left, INK);
        self.text(&format!("{:.4}", scale.high), right, LABEL_TOP, Alignment::Right, INK);
        if let Some(threshold) = what.threshold {
            let mark = left + (scale.position(threshold) * (right - left - 1) as f32) as u32;
            self.fill(mark.saturating_sub(1), BAR_TOP - 4, 3, BAR_HEIGHT + 8, [255; 3]);
            self.text(&format!("threshold {threshold:.4}"), self.width / 2, LABEL_TOP, Alignment::Center, INK);
        }
    }

    fn fill(&mut self, left: u32, top: u32, width: u32, height: u32, colour: [u8; 3]) {
        for (x, y) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y))) {
            self.dot(x, y, colour);
        }
    }

    fn text(&mut self, text: &str, x: u32, y: u32, alignment: Alignment, ink: Rgb888) {
        let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Top).build();
        let font = MonoTextStyle::new(&FONT_10X20, ink);
        let Ok(_) = Text::with_text_style(text, Point::new(x as i32, y as i32), font, style).draw(self);
    }

    /// One enlarged pixel; outside the strip nothing is drawn.
    fn dot(&mut self, x: u32, y: u32, colour: [u8; 3]) {
        if x >= self.width || y >= HEIGHT {
            return;
        }
        for row in 0..self.zoom {
            for column in 0..self.zoom {
                self.canvas.put_pixel(x * self.zoom + column, self.top + y * self.zoom + row, Rgb(colour));
            }
        }
    }
}

impl OriginDimensions for Legend {
    fn size(&self) -> Size {
        Size::new(self.width, HEIGHT)
    }
}

impl DrawTarget for Legend {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(point, ink) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) {
                self.dot(x, y, [ink.r(), ink.g(), ink.b()]);
            }
        }
        Ok(())
    }
}
