//! Lenses that were given for each other: colour as depth, or depth as colour.

use std::path::Path;

use super::imagers::Imager;
use super::types::ImportedLens;
use crate::calibration::error::CalibrationError;

/// Refuses two lenses of which one claims to belong to the other imager. `colour` and `depth`: each with its file.
pub fn check_imagers(colour: (&Path, &ImportedLens), depth: (&Path, &ImportedLens)) -> Result<(), CalibrationError> {
    let said = |(path, of): (&Path, &ImportedLens), imager: Imager| {
        let claim = of.says.iter().find(|claim| claim.imager == imager)?;
        Some(format!("{} is of the {} imager by its {}", path.display(), imager.name(), claim.by))
    };
    let (colour_is_depth, depth_is_colour) = (said(colour, Imager::Depth), said(depth, Imager::Colour));
    let (reason, advice) = match (colour_is_depth, depth_is_colour) {
        (None, None) => return Ok(()),
        (Some(first), Some(second)) => (format!("{first}, and {second}"), "exchange --colour and --depth"),
        (Some(first), None) => match said(depth, Imager::Depth) {
            Some(second) => (format!("{first}, and {second} too"), "give the colour imager's with --colour"),
            None => (first, "it was given as --colour: exchange --colour and --depth, or correct that name"),
        },
        (None, Some(second)) => match said(colour, Imager::Colour) {
            Some(first) => (
                format!("{first}, and {second} too"),
                "give the depth imager's with --depth; where the camera registers depth to colour itself, leave out --depth and --extrinsics",
            ),
            None => (second, "it was given as --depth: exchange --colour and --depth, or correct that name"),
        },
    };
    Err(CalibrationError::Imagers { reason, advice })
}
