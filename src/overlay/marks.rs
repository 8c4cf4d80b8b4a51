//! What is written and drawn over the photograph about its defects.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyleBuilder;
use embedded_graphics::mono_font::ascii::FONT_6X10;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Line, Primitive, PrimitiveStyle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use image::{Rgb, RgbImage};

use crate::defects::{Defect, Outline};

/// Letters grow by one step for as many pixels of the photograph's width.
const LETTERS_PER_WIDTH: u32 = 400;
/// Only so many defects are named: those with the highest scores.
const NAMED_MAX: usize = 3;
const LETTERS: Rgb888 = Rgb888::WHITE;
const BEHIND_LETTERS: Rgb888 = Rgb888::new(24, 24, 28);

/// Draws the outlines of defects, lines of `width` pixels.
pub fn outlines(picture: &mut RgbImage, defects: &[Defect], colour: [u8; 3], width: usize) {
    let [red, green, blue] = colour;
    let style = PrimitiveStyle::with_stroke(Rgb888::new(red, green, blue), width as u32);
    let mut canvas = Canvas { picture, zoom: 1 };
    for points in defects.iter().map(|defect| defect.outline.points()) {
        for (from, to) in points.iter().zip(points.iter().cycle().skip(1)) {
            let Ok(()) = Line::new(canvas.point(*from), canvas.point(*to)).into_styled(style).draw(&mut canvas);
        }
    }
}

/// Writes the kinds of the worst defects below them.
pub fn kinds(picture: &mut RgbImage, defects: &[Defect]) {
    let zoom = (picture.width() / LETTERS_PER_WIDTH).max(1);
    let font =
        MonoTextStyleBuilder::new().font(&FONT_6X10).text_color(LETTERS).background_color(BEHIND_LETTERS).build();
    let style = TextStyleBuilder::new().alignment(Alignment::Center).baseline(Baseline::Top).build();
    let mut canvas = Canvas { picture, zoom };
    for Defect { kind, centre, at, outline, .. } in defects.iter().take(NAMED_MAX) {
        let below = lowest(outline).unwrap_or(at[1]);
        let place = canvas.point([centre.unwrap_or(*at)[0], below]) + Point::new(0, 2);
        // Wholly in view, if the photograph is large enough.
        let (Size { width, height }, letters) = (canvas.size(), kind.name().len() as i32 * 6);
        let x = place.x.min(width as i32 - letters / 2).max(letters / 2 + 1);
        let place = Point::new(x, place.y.min(height as i32 - 10).max(0));
        let Ok(_) = Text::with_text_style(kind.name(), place, font, style).draw(&mut canvas);
    }
}

/// The lowest row of an outline.
fn lowest(outline: &Outline) -> Option<f32> {
    outline.points().iter().map(|[_, y]| *y).reduce(f32::max)
}

/// A photograph, drawn on in pixels of `zoom` x `zoom` of its own.
struct Canvas<'a> {
    picture: &'a mut RgbImage,
    zoom: u32,
}

impl Canvas<'_> {
    /// Where a place of the photograph is on it, or beside it if it lies outside.
    fn point(&self, [x, y]: [f32; 2]) -> Point {
        let Size { width, height } = self.size();
        let along = |at: f32, side: u32| (at / self.zoom as f32).clamp(-1.0, side as f32).round() as i32;
        Point::new(along(x, width), along(y, height))
    }
}

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        Size::new(self.picture.width() / self.zoom, self.picture.height() / self.zoom)
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let Size { width, height } = self.size();
        for Pixel(point, ink) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            if x < width && y < height {
                for (dx, dy) in (0..self.zoom).flat_map(|dy| (0..self.zoom).map(move |dx| (dx, dy))) {
                    let colour = Rgb([ink.r(), ink.g(), ink.b()]);
                    self.picture.put_pixel(x * self.zoom + dx, y * self.zoom + dy, colour);
                }
            }
        }
        Ok(())
    }
}
