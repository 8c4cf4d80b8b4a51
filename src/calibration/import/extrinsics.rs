//! The extrinsics from depth to colour, and the direction in which a file gives them.

use std::path::Path;

use super::document::read;
use super::fields::{self, Numbers};
use super::imagers::Imager;
use super::kalibr::Chain;
use super::types::{ExtrinsicsRequest, ImportedExtrinsics};
use crate::calibration::camera_file::Extrinsics;
use crate::calibration::error::CalibrationError;
use crate::calibration::lens::Lens;
use crate::yaml::Node;

const NEEDS_EXTRINSICS: &str = "OpenCV's R and T (from camera 1 to camera 2, metres), rotation and translation of a RealSense node's extrinsics, or Kalibr's camchain";
const ROTATION: [&str; 3] = ["r", "rotation", "rotationmatrix"];
const TRANSLATION: [&str; 3] = ["t", "translation", "translationvector"];
const FUNDAMENTAL: [&str; 3] = ["fundamental", "f", "fundamentalmatrix"];
/// A fundamental matrix belongs to two lenses where it is at least this like the one that follows from them and their
/// extrinsics, and less than `UNLIKE` like the one that follows with the lenses exchanged.
const LIKE: f64 = 0.9999;
const UNLIKE: f64 = 0.99;

/// Reads the extrinsics from depth to colour.
pub fn read_extrinsics(path: &Path, between: &ExtrinsicsRequest) -> Result<ImportedExtrinsics, CalibrationError> {
    read(path, NEEDS_EXTRINSICS, |root| extrinsics(root, between))
}

fn extrinsics(root: &Node, between: &ExtrinsicsRequest) -> Result<ImportedExtrinsics, String> {
    if let Some(chain) = Chain::of(root) {
        if between.camera_1.is_some() {
            return Err("it is Kalibr's, which tells the direction itself: leave out --camera-1".into());
        }
        let (extrinsics, told_by) = chain.extrinsics(between.depth_camera, between.colour_camera)?;
        return Ok(ImportedExtrinsics { extrinsics, told_by });
    }
    let list = |names: &[&str], shown: &str| {
        let found = fields::find_numbers(root, names)?;
        found.ok_or_else(|| fields::none_of(root, &[shown]))
    };
    let rotation = list(&ROTATION, "R, rotation")?;
    let (r, by_columns) = turn(&rotation)?;
    let translation = list(&TRANSLATION, "T, translation")?;
    let t = translation.vector(&[3])?;
    let at = |row: usize, column: usize| if by_columns { r[column * 3 + row] } else { r[row * 3 + column] };
    let told = Extrinsics {
        rotation: [0, 1, 2].map(|row| [0, 1, 2].map(|column| at(row, column))),
        translation_m: [t[0], t[1], t[2]],
    };
    let (first, told_by) = direction(root, &told, between)?;
    let extrinsics = if first == Imager::Depth { told } else { told.inverse() };
    let order = if by_columns { "; the rotation is taken column by column, as a RealSense node lists it" } else { "" };
    Ok(ImportedExtrinsics { extrinsics, told_by: format!("{told_by}{order}") })
}

/// The nine numbers of a rotation, and whether they are columns: a bare list of that name is a RealSense node's, which
/// lists them as librealsense does. OpenCV lists rows.
fn turn(rotation: &Numbers) -> Result<([f64; 9], bool), String> {
    let matrix = rotation.matrix(3, 3).map_err(|reason| match rotation.values.len() {
        3 => format!("{reason}: make a matrix of it by cv::Rodrigues"),
        4 => format!("{reason}: make a matrix of the quaternion"),
        _ => reason,
    })?;
    Ok((matrix, rotation.bare && rotation.name == "rotation"))
}

/// From which imager the rotation and translation lead to the other one, and how that is known.
fn direction(root: &Node, told: &Extrinsics, between: &ExtrinsicsRequest) -> Result<(Imager, String), String> {
    let by_name = fields::text(root, &["frameid"])?.or(match root.get("header") {
        Some(header) => fields::text(header, &["frameid"])?,
        None => None,
    });
    let by_name = by_name.and_then(|(key, text)| {
        let (from, to) = text.rsplit_once("_to_")?;
        let (from, to) = (Imager::of_name(from)?, Imager::of_name(to)?);
        (from != to).then(|| (from, format!("its {key} {text:?}")))
    });
    let by_lenses = fields::find_numbers(root, &FUNDAMENTAL)?.map(|found| found.matrix(3, 3)).transpose()?;
    let by_lenses = by_lenses.and_then(|matrix| {
        let first = first_of(&matrix, told, between.depth, between.colour)?;
        Some((first, "its fundamental matrix and the two lenses".to_string()))
    });
    match (by_name.or(by_lenses), between.camera_1) {
        (Some((first, by)), Some(asked)) if first != asked => Err(format!(
            "by {by} it leads from {} to {}: give --camera-1 {}, or correct the file",
            first.name(),
            first.other().name(),
            first.name()
        )),
        (Some((first, by)), _) => Ok((first, led(first, &format!("by {by}")))),
        (None, Some(asked)) => Ok((asked, led(asked, "by --camera-1"))),
        (None, None) => Ok((
            Imager::Depth,
            led(Imager::Depth, "as is taken where nothing tells (give --camera-1 colour if it is the other way round)"),
        )),
    }
}

fn led(first: Imager, by: &str) -> String {
    format!("the file leads from {} to {}, {by}", first.name(), first.other().name())
}

/// Whether depth or colour is camera 1 of a fundamental matrix F, by F ~ K2^-T E K1^-1 with E = [t] R.
fn first_of(fundamental: &[f64; 9], told: &Extrinsics, depth: &Lens, colour: &Lens) -> Option<Imager> {
    let [x, y, z] = told.translation_m;
    let cross = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]];
    let essential = product(&cross, &told.rotation);
    let fundamental = [0, 1, 2].map(|row| [0, 1, 2].map(|column| fundamental[3 * row + column]));
    let matrix = |lens: &Lens| [[lens.fx, 0.0, lens.cx], [0.0, lens.fy, lens.cy], [0.0, 0.0, 1.0]];
    let alike = |first: &Lens, second: &Lens| {
        let second = matrix(second);
        let turned = [0, 1, 2].map(|row| [0, 1, 2].map(|column| second[column][row]));
        likeness(&product(&product(&turned, &fundamental), &matrix(first)), &essential)
    };
    let (depth_first, colour_first) = (alike(depth, colour), alike(colour, depth));
    match (depth_first, colour_first) {
        _ if depth_first > LIKE && colour_first < UNLIKE => Some(Imager::Depth),
        _ if colour_first > LIKE && depth_first < UNLIKE => Some(Imager::Colour),
        _ => None,
    }
}

type Matrix = [[f64; 3]; 3];

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let at = |row: usize, column: usize| (0..3).map(|i| a[row][i] * b[i][column]).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| at(row, column)))
}

/// 1 where one is a multiple of the other.
fn likeness(a: &Matrix, b: &Matrix) -> f64 {
    let dot = |a: &Matrix, b: &Matrix| a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b).abs() / (dot(a, a) * dot(b, b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::distortion::Distortion;
    use crate::yaml::parse;

    const POSE: &str = include_str!("../../../tests/cases/kinect2/calib_pose.yaml");

    fn lens(width: usize, height: usize, [fx, fy, cx, cy]: [f64; 4]) -> Lens {
        Lens { width, height, fx, fy, cx, cy, distortion: Distortion::None, coefficients: [0.0; 8] }
    }

    const STEREO: &str = "%YAML:1.0
---
R: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 1., 0., 0., 0., 0., -1., 0., 1., 0. ]
T: !!opencv-matrix
   rows: 3
   cols: 1
   dt: d
   data: [ 1.5e-02, 0., -1.e-03 ]
";

    /// What `calib_ir.yaml` and `calib_color.yaml` beside it have, to a tenth of a pixel.
    fn infrared() -> Lens {
        lens(512, 424, [366.9, 364.8, 243.0, 207.7])
    }

    fn colour() -> Lens {
        lens(1920, 1080, [1059.9, 1053.9, 954.9, 523.7])
    }

    // iai_kinect2 stores a fundamental matrix, from which the direction follows.
    #[test]
    fn a_fundamental_matrix_tells_the_direction() {
        let (infrared, colour) = (&infrared(), &colour());
        let read = |text: &str, depth, colour, camera_1| {
            extrinsics(
                &parse(text)?,
                &ExtrinsicsRequest { depth, colour, depth_camera: None, colour_camera: None, camera_1 },
            )
        };
        let there = read(POSE, infrared, colour, None).unwrap();
        assert!(there.told_by.contains("from depth to colour, by its fundamental matrix"), "{}", there.told_by);
        assert_eq!(there.extrinsics.translation_m[0], -0.05205247611208199);
        assert_eq!(there.extrinsics.rotation[0][1], -1.6871335541758126e-02);
        // The colour imager of a Kinect v2 is 52 mm to the right of the infrared one, looking as they do.
        let [x, y, z] = there.extrinsics.inverse().translation_m;
        assert!((x - 0.05204).abs() < 1e-5 && y.abs() < 2e-3 && z.abs() < 2e-3, "{x} {y} {z}");
        // With the lenses exchanged camera 1 is colour's, and the way is turned round.
        let back = read(POSE, colour, infrared, None).unwrap();
        assert!(back.told_by.contains("from colour to depth, by its fundamental matrix"), "{}", back.told_by);
        assert_eq!(back.extrinsics, there.extrinsics.inverse());
        let error = read(POSE, infrared, colour, Some(Imager::Colour)).unwrap_err();
        assert!(error.contains("fundamental matrix") && error.contains("--camera-1 depth"), "{error}");
        // Without it, or where it is of other lenses, what was asked holds.
        let without = POSE.replace("fundamental:", "of_others:");
        let asked = read(&without, infrared, colour, Some(Imager::Colour)).unwrap();
        assert!(asked.extrinsics == back.extrinsics && asked.told_by.contains("by --camera-1"), "{}", asked.told_by);
        let alike = read(POSE, infrared, infrared, None).unwrap();
        assert!(alike.told_by.contains("as is taken where nothing tells"), "{}", alike.told_by);
        let error = read(&POSE.replace("-1.1817221592596941e-08,", ""), infrared, colour, None).unwrap_err();
        assert!(error.contains("fundamental has 8 numbers"), "{error}");
    }

    fn way_of(text: &str, camera_1: Option<Imager>) -> Result<ImportedExtrinsics, String> {
        let (depth, colour) =
            (&lens(848, 480, [420.0, 420.0, 424.0, 240.0]), &lens(1280, 720, [910.0, 910.0, 640.0, 360.0]));
        extrinsics(
            &parse(text)?,
            &ExtrinsicsRequest { depth, colour, depth_camera: None, colour_camera: None, camera_1 },
        )
    }

    #[test]
    fn opencv_lists_rows_and_a_realsense_node_columns() {
        let ImportedExtrinsics { extrinsics: way, told_by } = way_of(STEREO, None).unwrap();
        assert_eq!(way.rotation, [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]);
        assert_eq!(way.transform([0.0, 2.0, 0.0]), [0.015, 0.0, 1.999]);
        assert!(told_by.contains("from depth to colour") && told_by.contains("--camera-1 colour"), "{told_by}");
        let columns = "rotation: [1, 0, 0, 0, 0, 1, 0, -1, 0]\ntranslation: [0.015, 0, -0.001]\n";
        let by_columns = way_of(columns, None).unwrap();
        assert!(by_columns.extrinsics == way && by_columns.told_by.contains("column by column"), "{by_columns:?}");
        // Nested rows are rows, whatever the name.
        let rows = "rotation: [[1, 0, 0], [0, 0, -1], [0, 1, 0]]\ntranslation: [[0.015], [0], [-0.001]]\n";
        assert_eq!(way_of(rows, None).unwrap().extrinsics, way);
    }

    #[test]
    fn from_colour_to_depth_it_is_turned_round() {
        let [there, back] = [None, Some(Imager::Colour)].map(|camera_1| way_of(STEREO, camera_1).unwrap().extrinsics);
        let point = [0.1, -0.2, 0.7];
        let returned = back.transform(there.transform(point));
        assert!((0..3).all(|axis| (returned[axis] - point[axis]).abs() < 1e-12), "{returned:?}");
    }

    #[test]
    fn a_way_that_is_none_is_named() {
        let rotation = "R: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\n";
        for (text, word) in [
            (String::new(), "none of R, rotation is there: it has no names at all"),
            (rotation.into(), "none of T, translation is there: it has R"),
            (format!("{rotation}T: [1, 2]\n"), "T has 2 numbers"),
            (format!("{rotation}T: [[0.1, 0, 0], [0, 0, 0]]\n"), "T has 6 numbers of 2 x 3"),
            ("R: [0.1, 0.2, 0.3]\nT: [0, 0, 0]\n".into(), "cv::Rodrigues"),
            (
                "rotation: {x: 0, y: 0, z: 0, w: 1}\ntranslation: {x: 0, y: 0, z: 0}\n".into(),
                "rotation has w, x, y, z where",
            ),
            (format!("{rotation}T: [0, nan, 0]\n"), "\"nan\""),
            (
                format!("{rotation}rotation: [[0, 1, 0], [1, 0, 0], [0, 0, -1]]\nT: [0, 0, 0]\n"),
                "R and rotation differ",
            ),
        ] {
            let error = way_of(&text, None).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    // The frame_id of a message names the direction.
    #[test]
    fn a_frame_id_tells_the_direction() {
        let message = |id: &str| {
            format!("header:\n  frame_id: {id}\nrotation: [1, 0, 0, 0, 1, 0, 0, 0, 1]\ntranslation: [0.015, 0, 0]\n")
        };
        let moved = |text: &str, camera_1| way_of(text, camera_1).map(|way| way.extrinsics.translation_m[0]);
        assert_eq!(moved(&message("depth_to_color_extrinsics"), None), Ok(0.015));
        assert_eq!(moved(&message("color_to_depth_extrinsics"), None), Ok(-0.015));
        assert_eq!(moved(&message("depth_to_infra1_extrinsics"), Some(Imager::Colour)), Ok(-0.015));
        let error = moved(&message("depth_to_color_extrinsics"), Some(Imager::Colour)).unwrap_err();
        assert!(error.contains("depth_to_color_extrinsics") && error.contains("from depth to colour"), "{error}");
    }
}
