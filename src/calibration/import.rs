//! Calibrations as OpenCV and ROS write them, read as they are.
//!
//! Of OpenCV: what its calibration samples write, and any file of a `FileStorage` with a camera matrix, distortion
//! coefficients and the image's size; of a stereo calibration `M1`, `D1` (depth), `M2`, `D2` (colour), `R` and `T`.
//! Of ROS: a `camera_info` file, or a `CameraInfo` message as `ros2 topic echo` prints it; the way from depth to
//! colour from an `Extrinsics` message of a RealSense node.

mod yaml;

use std::path::Path;

use super::camera_file::Extrinsics;
use super::distortion::{Distortion, of_five};
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
    let lens = Lens { width, height, fx, fy, cx, cy, distortion, coefficients: of_five(coefficients) };
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
mod tests {
    use super::*;

    const OPENCV: &str = r#"%YAML:1.0
---
calibration_time: "Mon 02 Mar 2026 10:00:00"
nr_of_frames: 21
image_width: 1280
image_height: 720
flags: 0
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 9.1250e+02, 0., 6.4125e+02, 0., 9.1325e+02, 3.5875e+02, 0.,
       0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ 1.25e-01, -2.5e-01, 5.0e-04, -2.5e-04, 6.25e-02 ]
avg_reprojection_error: 2.1e-01
"#;

    const ROS: &str = "image_width: 640
image_height: 480
camera_name: camera
camera_matrix:
  rows: 3
  cols: 3
  data: [615.5, 0, 320.25, 0, 615.75, 240.5, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0, 0, 0, 0, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [615.5, 0, 320.25, 0, 0, 615.75, 240.5, 0, 0, 0, 1, 0]
";

    const MESSAGE: &str = "header:
  stamp:
    sec: 1
    nanosec: 2
  frame_id: camera_color_optical_frame
height: 480
width: 640
distortion_model: plumb_bob
d:
- 0.1
- -0.2
- 0.0
- 0.0
- 0.05
k:
- 615.5
- 0.0
- 320.25
- 0.0
- 615.75
- 240.5
- 0.0
- 0.0
- 1.0
r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
binning_x: 0
roi:
  x_offset: 0
  height: 0
  width: 0
---
";

    fn read_text_as(text: &str, imager: Imager, size: Option<(usize, usize)>) -> Result<Calibrated, String> {
        lens(&yaml::values(text)?, imager, size)
    }

    #[test]
    fn opencv_is_read_as_it_is() {
        let calibrated = read_text_as(OPENCV, Imager::Colour, None).unwrap();
        let lens = Lens {
            width: 1280,
            height: 720,
            fx: 912.5,
            fy: 913.25,
            cx: 641.25,
            cy: 358.75,
            distortion: Distortion::BrownConrady,
            coefficients: of_five([0.125, -0.25, 0.0005, -0.00025, 0.0625]),
        };
        assert_eq!(calibrated, Calibrated { lens, reprojection_error_px: Some(0.21) });
    }

    #[test]
    fn ros_is_read_as_a_file_and_as_a_message() {
        let file = read_text_as(ROS, Imager::Colour, None).unwrap().lens;
        assert_eq!((file.width, file.height, file.fx, file.cy), (640, 480, 615.5, 240.5));
        assert_eq!(file.distortion, Distortion::None);
        let message = read_text_as(MESSAGE, Imager::Depth, Some((640, 480))).unwrap().lens;
        assert_eq!(message.coefficients, of_five([0.1, -0.2, 0.0, 0.0, 0.05]));
        assert_eq!(Lens { distortion: Distortion::None, coefficients: of_five([0.0; 5]), ..message }, file);
    }

    #[test]
    fn a_stereo_calibration_has_both_lenses_and_the_way_between() {
        let matrix = |name: &str, data: &str| {
            format!("{name}: !!opencv-matrix\n   rows: 1\n   cols: 1\n   dt: d\n   data: [ {data} ]\n")
        };
        let text = ["%YAML:1.0\n---\n".to_string()]
            .into_iter()
            .chain([
                matrix("M1", "420., 0., 424., 0., 421., 240., 0., 0., 1."),
                matrix("D1", "0., 0., 0., 0."),
                matrix("M2", "910., 0., 640., 0., 911., 360., 0., 0., 1."),
                matrix("D2", "0.1, 0., 0., 0., 0., 0., 0., 0."),
                matrix("R", "1., 0., 0., 0., 0., -1., 0., 1., 0."),
                matrix("T", "1.5e-02, 0., -1.e-03"),
            ])
            .collect::<String>();
        let depth = read_text_as(&text, Imager::Depth, Some((848, 480))).unwrap().lens;
        let colour = read_text_as(&text, Imager::Colour, Some((1280, 720))).unwrap().lens;
        assert_eq!((depth.fx, depth.cx, depth.distortion), (420.0, 424.0, Distortion::None));
        assert_eq!((colour.fy, colour.cy, colour.distortion), (911.0, 360.0, Distortion::BrownConrady));
        let way = extrinsics(&yaml::values(&text).unwrap()).unwrap();
        assert_eq!(way.rotation, [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]);
        assert_eq!(way.transform([0.0, 2.0, 0.0]), [0.015, 0.0, 1.999]);
        let columns = "rotation: [1, 0, 0, 0, 0, 1, 0, -1, 0]\ntranslation: [0.015, 0, -0.001]\n";
        assert_eq!(extrinsics(&yaml::values(columns).unwrap()).unwrap(), way);
        assert!(read_text_as(&text, Imager::Depth, None).unwrap_err().contains("--colour-size"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (from, to, word) in [
            ("camera_matrix:", "kamera_matrix:", "none of camera_matrix"),
            ("0.,\n       0., 1. ]", "0. ]", "7 numbers where 9"),
            ("9.1250e+02", ".Nan", "\".Nan\" where a number"),
            ("9.1250e+02, 0.,", "9.1250e+02, 1.5,", "skew"),
            ("image_width: 1280", "image_width: 128000", "128000"),
            ("6.25e-02 ]", "6.25e-02, 0.5, 0., 0. ]", "8 distortion coefficients"),
            ("flags: 0", "distortion_model: equidistant", "plumb_bob is expected"),
            ("flags: 0", "flags: &a [*a]", "alias"),
        ] {
            let error = read_text_as(&OPENCV.replacen(from, to, 1), Imager::Colour, None).unwrap_err();
            assert!(error.contains(word), "{to}: {error}");
        }
        let other = read_text_as(OPENCV, Imager::Colour, Some((640, 360))).unwrap_err();
        assert!(other.contains("1280 x 720"), "{other}");
    }

    #[test]
    fn files_of_another_kind_and_size_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("camera.yml");
        for (bytes, word) in [("<?xml version=\"1.0\"?>", ".yml"), ("{\"a\": 1}", ".yml"), ("", "none of")] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_lens(&path, Imager::Colour, None).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("camera_info"), "{error}");
        }
        std::fs::write(&path, "#".repeat(70_000)).unwrap();
        assert!(read_lens(&path, Imager::Colour, None).unwrap_err().to_string().contains("is it the right file"));
    }
}
