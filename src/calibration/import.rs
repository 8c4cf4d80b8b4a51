//! Calibrations as OpenCV and ROS write them, read as they are.
//!
//! Of OpenCV: what its calibration samples write, and any file of a `FileStorage` with a camera matrix, distortion
//! coefficients and the image's size; of a stereo calibration `M1`, `D1` (depth), `M2`, `D2` (colour), `R` and `T`.
//! Of ROS: a `camera_info` file, or a `CameraInfo` message as `ros2 topic echo` prints it; the way from depth to
//! colour from an `Extrinsics` message of a RealSense node.

mod yaml;

use std::path::Path;

use super::camera_file::Extrinsics;
use super::distortion::Distortion;
use super::lens::Lens;
use super::{CalibrationError, read_text};
use crate::frame::SIDE_MAX;
use yaml::Values;

const NEEDS_LENS: &str =
    "OpenCV's camera_matrix and distortion_coefficients with image_width and image_height, or ROS's camera_info";
const NEEDS_EXTRINSICS: &str = "OpenCV's R and T (camera 1 is depth, camera 2 is colour, metres), or rotation and translation of a RealSense node's extrinsics";

/// Which imager a file is read for: a stereo calibration holds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imager {
    Depth,
    Colour,
}

/// A lens as it was calibrated.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    pub lens: Lens,
    /// Pixels, where the file tells.
    pub reprojection_error_px: Option<f64>,
}

/// Reads a lens; `size` (width, height) where the file does not tell it.
pub fn read_lens(path: &Path, imager: Imager, size: Option<(usize, usize)>) -> Result<Calibrated, CalibrationError> {
    read(path, NEEDS_LENS, |values| lens(values, imager, size))
}

/// Reads the way from depth to colour.
pub fn read_extrinsics(path: &Path) -> Result<Extrinsics, CalibrationError> {
    read(path, NEEDS_EXTRINSICS, extrinsics)
}

fn read<T>(
    path: &Path,
    needs: &'static str,
    of: impl FnOnce(&Values) -> Result<T, String>,
) -> Result<T, CalibrationError> {
    let text = read_text(path)?;
    let values = match text.trim_start().starts_with(['<', '{']) {
        true => Err("it is XML or JSON: have OpenCV write it as .yml".into()),
        false => yaml::values(&text),
    };
    let path = || path.display().to_string();
    values.and_then(|values| of(&values)).map_err(|reason| CalibrationError::Parse { path: path(), reason, needs })
}

fn lens(values: &Values, imager: Imager, size: Option<(usize, usize)>) -> Result<Calibrated, String> {
    let number = match imager {
        Imager::Depth => 1,
        Imager::Colour => 2,
    };
    let of_pair = |name: &str| format!("{name}{number}.data");
    let names = ["camera_matrix.data", "cameraMatrix.data", "K.data", "K", "k"].map(String::from);
    let matrix = numbers(values, &[&names[..], &[of_pair("M"), of_pair("cameraMatrix")]].concat(), 9..=9)?;
    let [fx, skew, cx, _, fy, cy, ..] = matrix[..] else { return Err("the camera matrix is no 3 x 3 matrix".into()) };
    if skew != 0.0 {
        return Err(format!("the camera matrix has a skew of {skew} where 0 is expected"));
    }
    let names = ["distortion_coefficients.data", "distCoeffs.data", "dist_coeffs.data", "D.data", "D", "d"];
    let names = [&names.map(String::from)[..], &[of_pair("D"), of_pair("distCoeffs")]].concat();
    let (distortion, coefficients) = distortion(values, &numbers(values, &names, 0..=14)?)?;
    let (width, height) = match (side(values, ["image_width", "width"])?, side(values, ["image_height", "height"])?) {
        (Some(width), Some(height)) => {
            if size.is_some_and(|size| size != (width, height)) {
                return Err(format!("it is for {width} x {height}, another size than the one given"));
            }
            (width, height)
        }
        _ => size.ok_or("it does not tell the image's size: give it, such as --colour-size 1280x720")?,
    };
    let lens = Lens { width, height, fx, fy, cx, cy, distortion, coefficients };
    let error = ["avg_reprojection_error", "reprojection_error", "rms"].into_iter().find_map(|name| values.get(name));
    let reprojection_error_px = error.and_then(|text| text.first()?.parse().ok());
    Ok(Calibrated { lens, reprojection_error_px })
}

/// Brown-Conrady of five coefficients, by whichever name; what has more of them is another model.
fn distortion(values: &Values, coefficients: &[f64]) -> Result<(Distortion, [f64; 5]), String> {
    let model = values.get("distortion_model").and_then(|model| model.first()).map(String::as_str);
    if !matches!(model, None | Some("plumb_bob" | "rational_polynomial" | "brown_conrady" | "")) {
        return Err(format!(
            "its distortion_model is {:?} where plumb_bob is expected: calibrate with five coefficients",
            model.unwrap_or_default()
        ));
    }
    if coefficients.iter().skip(5).any(|c| *c != 0.0) {
        return Err(format!(
            "it has {} distortion coefficients where k1, k2, p1, p2, k3 are expected: calibrate without a rational, thin prism or tilted model",
            coefficients.len()
        ));
    }
    let mut five = [0.0; 5];
    five.iter_mut().zip(coefficients).for_each(|(five, c)| *five = *c);
    let model = if five == [0.0; 5] { Distortion::None } else { Distortion::BrownConrady };
    Ok((model, five))
}

fn extrinsics(values: &Values) -> Result<Extrinsics, String> {
    let realsense = values.contains_key("rotation") && values.contains_key("translation");
    let (rotation, translation) = if realsense { ("rotation", "translation") } else { ("R.data", "T.data") };
    let numbers_of = |name: &str, count: usize| numbers(values, &[name.to_string()], count..=count);
    let (r, t) = (numbers_of(rotation, 9)?, numbers_of(translation, 3)?);
    // A RealSense node lists columns, as librealsense does; OpenCV rows.
    let at = |row: usize, column: usize| if realsense { r[column * 3 + row] } else { r[row * 3 + column] };
    Ok(Extrinsics {
        rotation: [0, 1, 2].map(|row| [0, 1, 2].map(|column| at(row, column))),
        translation_m: [t[0], t[1], t[2]],
    })
}

/// The numbers under the first of `names` that is there.
fn numbers(values: &Values, names: &[String], count: std::ops::RangeInclusive<usize>) -> Result<Vec<f64>, String> {
    let Some((name, found)) = names.iter().find_map(|name| Some((name, values.get(name)?))) else {
        let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches(".data")).collect();
        return Err(format!("it has none of {}", names.join(", ")));
    };
    if !count.contains(&found.len()) {
        let (from, to) = count.into_inner();
        let expected = if from == to { from.to_string() } else { format!("{from} to {to}") };
        return Err(format!("{name} has {} numbers where {expected} are expected", found.len()));
    }
    let number = |text: &String| match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{name} has {text:?} where a number is expected")),
    };
    found.iter().map(number).collect()
}

fn side(values: &Values, names: [&str; 2]) -> Result<Option<usize>, String> {
    let Some(text) = names.iter().find_map(|name| values.get(*name)?.first()) else { return Ok(None) };
    match text.parse() {
        Ok(side) if (1..=SIDE_MAX).contains(&side) => Ok(Some(side)),
        _ => Err(format!("{} is {text:?} where 1 to {SIDE_MAX} pixels are expected", names[0])),
    }
}

#[cfg(test)]
mod tests;
