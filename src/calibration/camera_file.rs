//! The camera file: both lenses, the extrinsics from depth to colour, and the depth unit, as TOML.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::depth_unit::check_depth_unit;
use super::error::CalibrationError;
use super::lens::Lens;
use super::toml_file::{parse, read_text, write_toml};

/// The rows of a rotation are orthonormal to within this.
const ROTATION_NEAR: f64 = 1e-3;
/// The imagers of one camera are nearer than this, metres.
const BASELINE_M_MAX: f64 = 1.0;
/// Two lenses look swapped where each principal point is at least this far from the middle of its own image, and less
/// than `SWAPPED_NEAR` from the middle of the other one, in half sides.
const SWAPPED_OFF: f64 = 0.2;
const SWAPPED_NEAR: f64 = 0.12;
const TEXT_BYTES_MAX: usize = 256;
const NEEDS: &str = "[colour] with width, height, fx, fy, cx, cy (pixels), depth_unit_m (metres per step), and where depth is not registered to colour [depth] and [depth_to_colour] with rotation and translation_m";

/// A camera's calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraFile {
    /// Metres per step of the depth image.
    pub depth_unit_m: f64,
    /// Depth of step 0, metres.
    #[serde(default)]
    pub depth_offset_m: f64,
    #[serde(default)]
    pub grid: Grid,
    pub colour: Lens,
    /// Left out where the depth image is registered to the colour image already.
    pub depth: Option<Lens>,
    /// Left out with `depth`.
    pub depth_to_colour: Option<Extrinsics>,
    pub provenance: Option<Provenance>,
}

/// Whose pixels a frame has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grid {
    /// The colour image's: depth is registered to it.
    #[default]
    Colour,
    /// The depth image's, at its native resolution: colour is sampled at the points.
    Depth,
}

crate::words::words!(serde Grid {
    Colour = "colour",
    Depth = "depth",
});

/// Takes points from the depth imager's frame to the colour imager's: rotation . point + translation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extrinsics {
    /// Rows.
    pub rotation: [[f64; 3]; 3],
    pub translation_m: [f64; 3],
}

/// Where the numbers come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The tool or the files.
    pub source: String,
    /// The camera's own number.
    pub serial: Option<String>,
    /// Root mean square distance of the board's corners from where they were expected, pixels.
    pub reprojection_error_px: Option<f64>,
}

impl Extrinsics {
    pub fn transform(&self, point: [f64; 3]) -> [f64; 3] {
        let along = |row: [f64; 3]| row[0] * point[0] + row[1] * point[1] + row[2] * point[2];
        let [x, y, z] = self.rotation.map(along);
        let [dx, dy, dz] = self.translation_m;
        [x + dx, y + dy, z + dz]
    }

    /// The inverse transformation.
    pub fn inverse(&self) -> Self {
        let rotation = [0, 1, 2].map(|row| [0, 1, 2].map(|column| self.rotation[column][row]));
        let turn = Self { rotation, translation_m: [0.0; 3] };
        Self { rotation, translation_m: turn.transform(self.translation_m).map(|v| 0.0 - v) }
    }

    /// This transformation followed by `next`.
    pub fn then(&self, next: &Self) -> Self {
        let turn = Self { translation_m: [0.0; 3], ..*next };
        let columns = [0, 1, 2].map(|column| turn.transform(self.rotation.map(|row| row[column])));
        let rotation = [0, 1, 2].map(|row| columns.map(|column| column[row]));
        Self { rotation, translation_m: next.transform(self.translation_m) }
    }

    fn check(&self, problems: &mut Vec<String>) {
        let rows = self.rotation;
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let [x, y, z] = rows;
        let cross = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
        let unit = rows.iter().all(|row| (dot(*row, *row) - 1.0).abs() < ROTATION_NEAR);
        if !(unit && dot(x, y).abs() < ROTATION_NEAR && (dot(cross, z) - 1.0).abs() < ROTATION_NEAR) {
            problems.push(format!(
                "[depth_to_colour] rotation is {rows:?} where the three rows of a rotation matrix are expected"
            ));
        }
        let baseline = dot(self.translation_m, self.translation_m).sqrt();
        if !(0.0..=BASELINE_M_MAX).contains(&baseline) {
            problems.push(format!(
                "[depth_to_colour] translation_m is {:?}, {baseline} m long where at most {BASELINE_M_MAX} m is expected: it is in metres",
                self.translation_m
            ));
        }
    }
}

impl CameraFile {
    /// Whether a text has this long form and not the short one of a registered pinhole camera.
    pub(super) fn is_long(text: &str) -> bool {
        let table = text.parse::<toml::Table>();
        // A text that does not parse is taken for the long form where it has a section.
        let section = || text.lines().any(|line| line.trim_start().starts_with('['));
        table.map_or_else(|_| section(), |table| table.values().any(toml::Value::is_table))
    }

    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        Self::parse(&read_text(path)?, path)
    }

    /// Parses and checks the text of the file at `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CalibrationError> {
        parse(text, path, NEEDS, Self::check)
    }

    /// Refuses a calibration that no camera has.
    pub fn check(self) -> Result<Self, String> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(problems.join("; ")) }
    }

    /// Writes the file, whole or not at all; one that could not be read again is refused.
    pub fn write(&self, path: &Path) -> Result<(), CalibrationError> {
        let problems = self.problems();
        if !problems.is_empty() {
            let (path, reason) = (path.display().to_string(), problems.join("; "));
            return Err(CalibrationError::Parse { path, reason, needs: NEEDS });
        }
        write_toml(path, "# A camera, for --camera. Pixels are counted from the middle of the upper left one.\n", self)
    }

    /// Every problem of the calibration, each as a line of text.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(check_depth_unit(self.depth_unit_m).err());
        if !(-10.0..=10.0).contains(&self.depth_offset_m) {
            problems.push(format!("depth_offset_m is {} where metres are expected", self.depth_offset_m));
        }
        if let Some(depth) = &self.depth
            && swapped(&self.colour, depth)
        {
            problems.push(format!(
                "[colour] and [depth] are swapped: the principal point of [colour] is the middle of {} x {}, that of [depth] of {} x {}",
                depth.width, depth.height, self.colour.width, self.colour.height
            ));
            return problems;
        }
        self.colour.check("colour", &mut problems);
        if let Some(depth) = &self.depth {
            depth.check("depth", &mut problems);
        }
        if let Some(extrinsics) = &self.depth_to_colour {
            extrinsics.check(&mut problems);
        }
        match (&self.depth, &self.depth_to_colour) {
            (Some(_), None) => problems.push("[depth] is given without [depth_to_colour]: add its rotation and translation_m".into()),
            (None, Some(_)) => problems.push("[depth_to_colour] is given without [depth]: add the depth imager".into()),
            (None, None) if self.grid == Grid::Depth => problems.push(
                "grid is \"depth\" without [depth]: a registered depth image has the colour image's grid; leave grid out".into(),
            ),
            _ => {}
        }
        let provenance = self.provenance.iter().flat_map(|p| [Some(&p.source), p.serial.as_ref()]).flatten();
        if provenance.into_iter().any(|text| text.len() > TEXT_BYTES_MAX) {
            problems.push(format!("[provenance] has a text of more than {TEXT_BYTES_MAX} bytes: shorten it"));
        }
        problems
    }
}

/// Whether each lens is off the middle of its own image and in the middle of the other's.
fn swapped(colour: &Lens, depth: &Lens) -> bool {
    let off = |lens: &Lens, of: &Lens| lens.off_centre(of.width, of.height);
    let own = off(colour, colour) > SWAPPED_OFF && off(depth, depth) > SWAPPED_OFF;
    own && off(colour, depth) < SWAPPED_NEAR && off(depth, colour) < SWAPPED_NEAR
}

impl Lens {
    /// Refuses an image of another size.
    pub(super) fn check_size(&self, node: &'static str, width: usize, height: usize) -> Result<(), CalibrationError> {
        if (self.width, self.height) == (width, height) {
            return Ok(());
        }
        let scaled = width * self.height == height * self.width;
        let advice = if scaled {
            let scale = width as f64 / self.width as f64;
            format!(
                "stream that size, or calibrate at this one (scaled from it, fx, fy, cx and cy would be {scale} times theirs)"
            )
        } else {
            "stream that size, or calibrate at this one".into()
        };
        Err(CalibrationError::Resolution {
            node,
            found_width: width,
            found_height: height,
            width: self.width,
            height: self.height,
            advice,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Camera;

    const EXAMPLE: &str = include_str!("../../calibration/depth-848x480-colour-1280x720.toml");

    fn parsed(text: &str) -> Result<CameraFile, CalibrationError> {
        CameraFile::parse(text, Path::new("camera.toml"))
    }

    /// The example with `from` replaced once.
    fn changed(from: &str, to: &str) -> String {
        assert!(EXAMPLE.contains(from), "{from}");
        EXAMPLE.replacen(from, to, 1)
    }

    #[test]
    fn the_examples_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("calibration");
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("station-calibration.toml") {
                crate::calibration::read_plane(&path).unwrap();
            } else {
                Camera::read(&path).unwrap();
            }
            read += 1;
        }
        assert_eq!(read, 5);
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("camera.toml");
        let file = parsed(EXAMPLE).unwrap();
        file.write(&path).unwrap();
        assert_eq!(CameraFile::read(&path).unwrap(), file);
        let registered = CameraFile { depth: None, depth_to_colour: None, ..file };
        registered.write(&path).unwrap();
        assert_eq!(CameraFile::read(&path).unwrap(), registered);
        let unfit = CameraFile { depth_unit_m: 1.0, ..registered.clone() };
        assert!(unfit.write(&path).unwrap_err().to_string().contains("0.001 for millimetres"));
        assert_eq!(CameraFile::read(&path).unwrap(), registered);
    }

    #[test]
    fn each_slip_is_named() {
        let swapped = EXAMPLE.replace("[colour]", "[x]").replace("[depth]", "[colour]").replace("[x]", "[depth]");
        let sizes_only = EXAMPLE.replace("width = 1280", "width = 848").replace("height = 720", "height = 480");
        for (text, word) in [
            (changed("distortion =", "distorsion ="), "did you mean `distortion`?"),
            (changed("\"brown_conrady\" ", "\"brown_konrady\""), "did you mean `brown_conrady`?"),
            (changed("[depth_to_colour]", "[colour_to_depth]"), "unknown field `colour_to_depth`"),
            (changed("depth_unit_m = 0.001", "depth_unit_m = 1.0"), "0.001 for millimetres"),
            (changed("depth_unit_m = 0.001", "depth_unit_m = 0.000001"), "metres per step"),
            (changed("translation_m = [0.015, 0.0, 0.0003]", "translation_m = [15.0, 0.0, 0.3]"), "it is in metres"),
            (changed("rotation = [[1.0", "rotation = [[2.0"), "rotation matrix"),
            (changed("rotation = [[1.0", "rotation = [[-1.0"), "rotation matrix"),
            (changed("cx = 423.5", "cx = 960.5"), "[depth] cx, cy is (960.5, 239.5)"),
            (changed("fx = 424.0", "fx = 4.24"), "[depth] fx is 4.24"),
            (changed("fy = 424.0", "fy = 212.0").replacen("fx = 424.0", "fx = 524.0", 1), "near each other"),
            (changed("distortion = \"brown_conrady\"", "distortion = \"none\""), "name the model"),
            (
                changed("[0.12, -0.24, 0.0005, -0.0003, 0.1]", "[-30.0, -0.24, 0.0, 0.0, 0.1]"),
                "k1, k2, p1, p2, k3 in this order",
            ),
            (changed("width = 848", "width = 100000"), "[depth] is 100000 x 480"),
            (swap_lenses(), "[colour] and [depth] are swapped"),
            (sizes_only, "another resolution"),
            (
                EXAMPLE.split("[depth]").next().unwrap().replace("# grid = \"colour\"", "grid = \"depth\""),
                "without [depth]",
            ),
            (EXAMPLE.split("[depth_to_colour]").next().unwrap().to_string(), "without [depth_to_colour]"),
        ] {
            let error = parsed(&text).unwrap_err().to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
        // Whole sections exchanged are a valid file of another camera; their images tell.
        assert!(parsed(&swapped).is_ok());
    }

    #[test]
    fn eight_coefficients_are_the_rational_models() {
        let with = |distortion: &str, coefficients: &str| {
            changed("distortion = \"brown_conrady\"", &format!("distortion = \"{distortion}\""))
                .replace("0.12, -0.24, 0.0005, -0.0003, 0.1", coefficients)
        };
        let eight = "0.7, -2.9, 0.0008, -0.0001, 1.6, 0.6, -2.7, 1.5";
        let file = parsed(&with("rational", eight)).unwrap();
        assert_eq!(file.colour.coefficients, [0.7, -2.9, 0.0008, -0.0001, 1.6, 0.6, -2.7, 1.5]);
        let written = toml::to_string(&file).unwrap();
        assert!(
            written.contains("1.6, 0.6, -2.7, 1.5]") && written.contains("coefficients = [0.0, 0.0, 0.0, 0.0, 0.0]")
        );
        assert_eq!(parsed(&written).unwrap(), file);
        for (distortion, coefficients, word) in [
            ("rational", "1.0, 0.0, 0.0", "five numbers or eight"),
            ("rational", &format!("{eight}, 0.0"), "five numbers or eight"),
            ("rational", "0.12, -0.24, 0.0005, -0.0003, 0.1", "k4, k5, k6 are 0 or left out"),
            ("rational", "0.7, -2.9, 0.0, 0.0, 1.6, 0.6, nan, 1.5", "small numbers are expected"),
            ("brown_conrady", eight, "the model of eight is \"rational\""),
            ("none", eight, "name the model"),
            // x / (1 + 6 x^2) is never above 0.21, x / (1 + x^2) never above 0.5: the sides are 0.7 from the middle.
            ("rational", "0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0", "k1, k2, p1, p2, k3, k4, k5, k6 in this order"),
            ("rational", "0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0", "cannot be inverted at the pixel ("),
            // Only on the left, by p2.
            ("rational", "0.0, 0.0, 0.0, 0.15, 0.0, 0.1, 0.0, 0.0", "cannot be inverted at the pixel ("),
        ] {
            let error = parsed(&with(distortion, coefficients)).unwrap_err().to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
        // Never above 0.754: the corners, 0.8 from the middle, are lost, as other models' are.
        let lens = parsed(&with("rational", "0.0, 0.0, 0.0, 0.0, 0.0, 0.44, 0.0, 0.0")).unwrap().colour;
        assert!(lens.ray(0.0, 360.0).is_some() && lens.ray(641.0, 0.0).is_some() && lens.ray(0.0, 0.0).is_none());
    }

    // Three cameras of one kind (OAK-D, colour at 250 x 250). Their distortion has a pole beyond the corners of the
    // image, and folds back before it.
    #[test]
    fn lenses_of_real_cameras_are_read() {
        for (focal, cx, cy, coefficients) in [
            (196.79, 123.86, 127.05, "-4.0934, 9.1908, 0.0012542, -0.0010304, -8.9172, -4.188, 9.5568, -9.3035"),
            (202.62, 124.35, 127.29, "-3.4752, -38.573, 0.0003431, -0.0000938, 286.44, -3.6408, -36.689, 279.05"),
            (196.51, 126.87, 125.85, "-4.8608, 17.282, 0.0002038, 0.0010251, -25.172, -4.9436, 17.514, -25.291"),
        ] {
            let text = format!(
                "depth_unit_m = 0.001\n[colour]\nwidth = 250\nheight = 250\nfx = {focal}\nfy = {focal}\ncx = {cx}\ncy = {cy}\ndistortion = \"rational\"\ncoefficients = [{coefficients}]\n"
            );
            let lens = parsed(&text).unwrap().colour;
            let missing = lens.rays(250, 250, 0.0).iter().filter(|ray| ray[0].is_nan()).count();
            assert!(missing < 250 * 250 / 20, "{focal}: {missing} pixels");
        }
    }

    /// The numbers of each lens under the other one's size.
    fn swap_lenses() -> String {
        let CameraFile { colour, depth, .. } = parsed(EXAMPLE).unwrap();
        let depth = depth.unwrap();
        let of = |size: Lens, numbers: Lens| Lens { width: size.width, height: size.height, ..numbers };
        let file = CameraFile { colour: of(colour, depth), depth: Some(of(depth, colour)), ..parsed(EXAMPLE).unwrap() };
        toml::to_string(&file).unwrap()
    }

    #[test]
    fn images_of_another_size_are_named() {
        let lens = parsed(EXAMPLE).unwrap().colour;
        lens.check_size("colour", 1280, 720).unwrap();
        let scaled = lens.check_size("colour", 640, 360).unwrap_err().to_string();
        assert!(
            scaled.contains("640 x 360") && scaled.contains("1280 x 720") && scaled.contains("0.5 times"),
            "{scaled}"
        );
        let other = lens.check_size("colour", 640, 480).unwrap_err().to_string();
        assert!(other.contains("640 x 480") && !other.contains("times"), "{other}");
    }
}
