//! Plots as SVG.

use std::io::{Error, Result};

use plotters::prelude::*;

const SIZE: (u32, u32) = (900, 600);

pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub type Drawn<'a> = std::result::Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// What `paint` draws on white.
pub fn draw(paint: impl for<'a> FnOnce(&Area<'a>) -> Drawn<'a>) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        let failed = |e| Error::other(format!("{e}"));
        area.fill(&WHITE).map_err(failed)?;
        paint(&area).map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(text)
}
