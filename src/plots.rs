//! Plots as SVG.

use std::io::{Error, Result};
use std::path::Path;

use plotters::prelude::*;

use crate::files;

const SIZE: (u32, u32) = (900, 600);

pub type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub type Drawn<'a> = std::result::Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// Writes what `paint` draws on white to `path`.
pub fn draw(path: &Path, paint: impl for<'a> FnOnce(&Area<'a>) -> Drawn<'a>) -> Result<()> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        let failed = |e| Error::other(format!("{e}"));
        area.fill(&WHITE).map_err(failed)?;
        paint(&area).map_err(failed)?;
        area.present().map_err(failed)?;
    }
    files::write_text(path, &text)
}
