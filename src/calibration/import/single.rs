//! A file of one lens, or of a stereo calibration's two.

use std::path::Path;

use super::document::read;
use super::imagers::{self, Imager};
use super::kalibr::Chain;
use super::types::{ImportedLens, LensRequest};
use super::{fields, model};
use crate::calibration::error::CalibrationError;
use crate::calibration::lens::Lens;
use crate::yaml::Node;

const NEEDS_LENS: &str = "OpenCV's camera_matrix and distortion_coefficients with image_width and image_height, ROS's camera_info, or Kalibr's camchain";

/// Reads a lens.
pub fn read_lens(path: &Path, asked: &LensRequest) -> Result<ImportedLens, CalibrationError> {
    read(path, NEEDS_LENS, |root| lens(root, asked))
}

fn lens(root: &Node, asked: &LensRequest) -> Result<ImportedLens, String> {
    if let Some(chain) = Chain::of(root) {
        return chain.lens(asked);
    }
    if let Some(camera) = asked.camera {
        let option = format!("--{}-camera", asked.imager.name());
        return Err(format!("it is no camchain of Kalibr, so that {option} {camera} names nothing: leave it out"));
    }
    let number = if asked.imager == asked.camera_1.unwrap_or(Imager::Depth) { 1 } else { 2 };
    let of_pair = |names: &[&str]| names.iter().map(|name| format!("{name}{number}")).collect::<Vec<_>>();
    let numbers = |shown: &[&str], single: &[&str], pair: &[String]| {
        let names: Vec<&str> = single.iter().copied().chain(pair.iter().map(String::as_str)).collect();
        let found = fields::find_numbers(root, &names)?;
        found.ok_or_else(|| format!("{}{}", fields::none_of(root, shown), hint(root)))
    };
    let pair = of_pair(&["m", "cameramatrix", "k"]);
    let matrix =
        numbers(&["camera_matrix", "K", "M1 and M2"], &["cameramatrix", "intrinsicmatrix", "mtx", "k"], &pair)?;
    let [fx, skew, cx, shear, fy, cy, last @ ..]: [f64; 9] = matrix.matrix(3, 3)?;
    if skew != 0.0 {
        return Err(format!("{} has a skew of {skew} where 0 is expected", matrix.name));
    }
    if (shear, last) != (0.0, [0.0, 0.0, 1.0]) {
        return Err(format!("{} is {:?} where fx, 0, cx, 0, fy, cy, 0, 0, 1 are expected", matrix.name, matrix.values));
    }
    let single = ["distortioncoefficients", "distcoeffs", "distcoeff", "distcoefs", "distortion", "dist", "d"];
    let found = numbers(
        &["distortion_coefficients", "dist_coeffs", "D", "D1 and D2"],
        &single,
        &of_pair(&["d", "distcoeffs", "distortioncoefficients", "dist"]),
    )?;
    let values = found.vector(&model::COUNTS)?;
    let (distortion, coefficients) = model::distortion(root, values)?;
    let (width, height) = size(root, asked)?;
    let lens = Lens { width, height, fx, fy, cx, cy, distortion, coefficients };
    let error = fields::text(root, &["avgreprojectionerror", "reprojectionerror", "rms"])?;
    let is_of_pair = matrix.name.ends_with(['1', '2']);
    Ok(ImportedLens {
        lens,
        reprojection_error_px: error.and_then(|(_, text)| text.parse().ok()),
        part: is_of_pair.then(|| format!("{} and {}", matrix.name, found.name)),
        // The names in a file of two lenses are not one lens's.
        says: if is_of_pair { Vec::new() } else { imagers::claims(root)? },
        doubt: model::doubt(root, values),
    })
}

fn size(root: &Node, asked: &LensRequest) -> Result<(usize, usize), String> {
    match (fields::size(root)?, asked.size) {
        (Some((width, height)), Some(size)) if size != (width, height) => {
            Err(format!("it is for {width} x {height}, another size than the one given"))
        }
        (Some(size), _) | (None, Some(size)) => Ok(size),
        (None, None) => {
            Err(format!("it does not tell the image's size: give it, such as --{}-size 1280x720", asked.imager.name()))
        }
    }
}

/// What a file without a lens is, where that is known.
fn hint(root: &Node) -> String {
    let shift_mm = fields::text(root, &["depthshift"]).ok().flatten().and_then(|(_, text)| text.parse::<f64>().ok());
    shift_mm.map_or(String::new(), |shift_mm| {
        let metres = shift_mm / 1000.0;
        format!("; the depthShift of a Kinect v2 is no lens: give --depth-offset-m={metres:.6}, and calib_ir.yaml with --depth")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::distortion::{Distortion, of_five};
    use crate::yaml;

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

    fn asked(imager: Imager, size: Option<(usize, usize)>) -> LensRequest<'static> {
        LensRequest { imager, size, camera: None, camera_1: None }
    }

    fn read_text_as(text: &str, imager: Imager, size: Option<(usize, usize)>) -> Result<ImportedLens, String> {
        lens(&yaml::parse(text)?, &asked(imager, size))
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
        assert_eq!(
            calibrated,
            ImportedLens { lens, reprojection_error_px: Some(0.21), part: None, says: Vec::new(), doubt: None }
        );
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

    fn matrix(name: &str, (rows, columns): (usize, usize), data: &str) -> String {
        format!("{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: [ {data} ]\n")
    }

    fn stereo() -> String {
        let matrices = [
            matrix("M1", (3, 3), "420., 0., 424., 0., 421., 240., 0., 0., 1."),
            matrix("D1", (1, 4), "0., 0., 0., 0."),
            matrix("M2", (3, 3), "910., 0., 640., 0., 911., 360., 0., 0., 1."),
            matrix("D2", (1, 8), "0.1, 0., 0., 0., 0., 0., 0., 0."),
        ];
        format!("%YAML:1.0\n---\n{}", matrices.concat())
    }

    #[test]
    fn a_stereo_calibration_has_both_lenses() {
        let text = stereo();
        let depth = read_text_as(&text, Imager::Depth, Some((848, 480))).unwrap();
        let colour = read_text_as(&text, Imager::Colour, Some((1280, 720))).unwrap();
        assert_eq!((depth.part.as_deref(), colour.part.as_deref()), (Some("M1 and D1"), Some("M2 and D2")));
        let (depth, colour) = (depth.lens, colour.lens);
        assert_eq!((depth.fx, depth.cx, depth.distortion), (420.0, 424.0, Distortion::None));
        assert_eq!((colour.fy, colour.cy, colour.distortion), (911.0, 360.0, Distortion::BrownConrady));
        assert!(read_text_as(&text, Imager::Depth, None).unwrap_err().contains("--depth-size"));
    }

    #[test]
    fn camera_1_may_be_the_colour_imager() {
        let root = yaml::parse(&stereo()).unwrap();
        let first = |imager| LensRequest { camera_1: Some(Imager::Colour), ..asked(imager, Some((1280, 720))) };
        let colour = lens(&root, &first(Imager::Colour)).unwrap();
        assert_eq!((colour.lens.fx, colour.part.as_deref()), (420.0, Some("M1 and D1")));
        assert_eq!(lens(&root, &first(Imager::Depth)).unwrap().lens.fx, 910.0);
    }

    #[test]
    fn names_and_forms_of_opencvs_users_are_read() {
        let want = read_text_as(OPENCV, Imager::Colour, None).unwrap().lens;
        let rows = "[[912.5, 0, 641.25], [0, 913.25, 358.75], [0, 0, 1]]";
        let flat = "[912.5, 0, 641.25, 0, 913.25, 358.75, 0, 0, 1]";
        let five = "[0.125, -0.25, 0.0005, -0.00025, 0.0625]";
        let size = "image_width: 1280\nimage_height: 720\n";
        for text in [
            OPENCV
                .replace("camera_matrix", "cameraMatrix")
                .replace("distortion_coefficients", "distortionCoefficients"),
            OPENCV
                .replace("camera_matrix", "Camera_Matrix")
                .replace("distortion_coefficients", "Distortion_Coefficients"),
            OPENCV.replace("%YAML:1.0\n---\n", "%YAML:1.0\n"),
            OPENCV.replace("%YAML:1.0", "%YAML 1.0"),
            OPENCV.replace('\n', "\r\n"),
            format!("\u{feff}{OPENCV}"),
            format!("{size}camera_matrix: {rows}\ndist_coeff: [{five}]\n"),
            format!("{size}K: {flat}\nD: {five}\n"),
            format!("{size}K: {rows}\ndist_coeffs: [[0.125], [-0.25], [0.0005], [-0.00025], [0.0625]]\n"),
            format!("mtx: {rows}\ndist: [{five}]\nresolution: [1280, 720]\n"),
            format!(
                "{{\"image_width\": 1280, \"image_height\": 720, \"camera_matrix\": {rows}, \"dist_coeffs\": {five}}}"
            ),
            // As OpenCV writes JSON.
            format!(
                "{{\n    \"image_width\": 1280,\n    \"image_height\": 720,\n    \"cameraMatrix\": {{\n        \"type_id\": \"opencv-matrix\",\n        \"rows\": 3,\n        \"cols\": 3,\n        \"dt\": \"d\",\n        \"data\": {flat}\n    }},\n    \"distCoeffs\": {{\n        \"type_id\": \"opencv-matrix\",\n        \"rows\": 1,\n        \"cols\": 5,\n        \"dt\": \"d\",\n        \"data\": {five}\n    }}\n}}\n"
            ),
            OPENCV.replace("6.25e-02 ]", "6.25e-02, 0., 0., 0. ]").replace("rows: 5", "rows: 8"),
            OPENCV
                .replace("6.25e-02 ]", "6.25e-02, 0., 0., 0., 0., 0., 0., 0., 0., 0. ]")
                .replace("rows: 5", "rows: 14"),
        ] {
            assert_eq!(read_text_as(&text, Imager::Colour, None).map(|of| of.lens), Ok(want), "{text}");
        }
        let four = OPENCV.replace(", 6.25e-02 ]", " ]").replace("rows: 5", "rows: 4");
        let calibrated = read_text_as(&four, Imager::Colour, None).unwrap();
        assert_eq!(calibrated.lens.coefficients, of_five([0.125, -0.25, 0.0005, -0.00025, 0.0]));
        assert!(calibrated.doubt.unwrap().contains("fisheye"));
        let named = read_text_as(&format!("{four}distortion_model: plumb_bob\n"), Imager::Colour, None).unwrap();
        assert_eq!(named, ImportedLens { doubt: None, ..calibrated });
    }

    // The factory calibrations of OAK-D and Azure Kinect have eight coefficients.
    #[test]
    fn eight_coefficients_are_read() {
        let eight = "0.7, -2.9, 0.0008, -0.0001, 1.6, 0.6, -2.7, 1.5";
        let want = [0.7, -2.9, 0.0008, -0.0001, 1.6, 0.6, -2.7, 1.5];
        let message = MESSAGE.replace("plumb_bob", "rational_polynomial");
        let (from, to) = (message.find("d:\n").unwrap(), message.find("k:\n").unwrap());
        for text in [
            ROS.replace("plumb_bob", "rational_polynomial")
                .replace("cols: 5\n  data: [0, 0, 0, 0, 0]", &format!("cols: 8\n  data: [{eight}]")),
            format!("{}D: [{eight}]\n{}", &message[..from], &message[to..]),
            OPENCV.replace("1.25e-01, -2.5e-01, 5.0e-04, -2.5e-04, 6.25e-02", eight).replace("rows: 5", "rows: 8"),
            OPENCV
                .replace("1.25e-01, -2.5e-01, 5.0e-04, -2.5e-04, 6.25e-02", &format!("{eight}, 0., 0., 0., 0."))
                .replace("rows: 5", "rows: 12"),
        ] {
            let lens = read_text_as(&text, Imager::Colour, None).unwrap().lens;
            assert_eq!((lens.distortion, lens.coefficients), (Distortion::Rational, want), "{text}");
        }
        // Named the model of eight, but of five: that is Brown-Conrady.
        let lens = read_text_as(&message, Imager::Colour, None).unwrap().lens;
        assert_eq!(lens.distortion, Distortion::BrownConrady);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (from, to, word) in [
            ("camera_matrix:", "kamera_matrix:", "none of camera_matrix"),
            ("camera_matrix:", "kamera_matrix:", "it has avg_reprojection_error, calibration_time"),
            ("distortion_coefficients:", "distorsion:", "none of distortion_coefficients"),
            ("0.,\n       0., 1. ]", "0. ]", "7 numbers where its 3 rows and 3 columns need 9"),
            ("cols: 3", "cols: 4", "9 numbers where its 3 rows and 4 columns need 12"),
            ("rows: 3\n   cols: 3", "rows: 1\n   cols: 9", "9 numbers of 1 x 9 where 9 of 3 x 3"),
            ("9.1250e+02", ".Nan", "\".Nan\" where a number"),
            ("9.1250e+02, 0.,", "9.1250e+02, 1.5,", "skew"),
            ("       0., 1. ]", "       6.4125e+02, 1. ]", "where fx, 0, cx, 0, fy, cy, 0, 0, 1 are expected"),
            ("image_width: 1280", "image_width: 128000", "128000"),
            ("rows: 5", "rows: 4", "5 numbers where its 4 rows"),
            ("6.25e-02 ]", "6.25e-02, 0.5 ]\n   #", "6 numbers where its 5 rows"),
            ("flags: 0", "distortion_model: equidistant", "plumb_bob or rational_polynomial is expected"),
            ("flags: 0", "distortion_model: fisheye", "fisheye or omnidirectional"),
            ("flags: 0", "fisheye_model: 1", "fisheye_model is 1"),
            ("flags: 0", "camera_model: omni", "pinhole is expected"),
            ("flags: 0", "xi: 1.2", "omnidirectional"),
            ("flags: 0", "flags: &a [*a]", "alias"),
            ("flags: 0", "nr_of_frames: 22", "nr_of_frames comes a second time"),
            ("flags: 0", "K: [1, 0, 0, 0, 1, 0, 0, 0, 1]", "camera_matrix and K differ"),
            ("flags: 0", "image_height: 720", "comes a second time"),
        ] {
            let error = read_text_as(&OPENCV.replacen(from, to, 1), Imager::Colour, None).unwrap_err();
            assert!(error.contains(word), "{to}: {error}");
        }
        let other = read_text_as(OPENCV, Imager::Colour, Some((640, 360))).unwrap_err();
        assert!(other.contains("1280 x 720"), "{other}");
    }

    #[test]
    fn models_of_more_coefficients_are_refused_by_name() {
        let with = |count: usize, coefficients: &str| {
            OPENCV
                .replace("1.25e-01, -2.5e-01, 5.0e-04, -2.5e-04, 6.25e-02", coefficients)
                .replace("rows: 5", &format!("rows: {count}"))
        };
        for (text, word) in [
            (with(12, "0.1, 0, 0, 0, 0, 0, 0, 0, 0.01, 0, 0, 0"), "12 distortion coefficients, of a thin prism model"),
            (with(14, "0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.01"), "of a tilted sensor model"),
            (with(6, "0.1, 0, 0, 0, 0, 0"), "6 numbers of 6 x 1 where 4, 5, 8, 12 or 14 are expected"),
            (with(3, "0.1, 0, 0"), "3 numbers"),
            (
                with(8, "0.1, 0, 0, 0, 0, 0, 0, 0.2").replace("flags: 0", "distortion_model: plumb_bob"),
                "but its distortion_model is \"plumb_bob\", which has five",
            ),
        ] {
            let error = read_text_as(&text, Imager::Colour, None).unwrap_err();
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn files_of_another_kind_and_size_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("camera.yml");
        for (bytes, word) in [
            ("<?xml version=\"1.0\"?>", ".yml"),
            ("\u{feff}<opencv_storage>", ".yml"),
            ("{\"a\": 1}", "it has a"),
            ("{\"a\": 1", "camera_info"),
            ("", "none of"),
            ("depthShift: -1.3354238655403018e+01", "--depth-offset-m=-0.013354"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_lens(&path, &asked(Imager::Colour, None)).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("camera_info"), "{error}");
        }
        std::fs::write(&path, "#".repeat(70_000)).unwrap();
        let error = read_lens(&path, &asked(Imager::Colour, None)).unwrap_err().to_string();
        assert!(error.contains("is it the right file"), "{error}");
    }
}
