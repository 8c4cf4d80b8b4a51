//! The camera file: both lenses, the way from depth to colour, and the depth unit, as TOML.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lens::Lens;
use super::{CalibrationError, check_depth_unit, parse, write_toml};

/// A rotation whose rows are this near to orthonormal.
const ROTATION_NEAR: f64 = 1e-3;
/// The imagers of one camera are nearer than this, metres.
const BASELINE_M_MAX: f64 = 1.0;
/// A principal point this far from the middle, in half sides, makes a lens look like another one's.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// The colour image's: depth is registered to it.
    #[default]
    Colour,
    /// The depth image's, at its native resolution: colour is sampled at the points.
    Depth,
}

/// From points in the depth imager's frame to the colour imager's: rotation . point + translation.
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
        if !(baseline <= BASELINE_M_MAX) {
            problems.push(format!(
                "[depth_to_colour] translation_m is {:?}, {baseline} m long where at most {BASELINE_M_MAX} m is expected: it is in metres",
                self.translation_m
            ));
        }
    }
}

impl CameraFile {
    /// Whether a text is of this form, not of the short one of a registered pinhole.
    pub(super) fn is_long(text: &str) -> bool {
        let table = text.parse::<toml::Table>();
        // One that does not parse is long where it has a section.
        let section = || text.lines().any(|line| line.trim_start().starts_with('['));
        table.map_or_else(|_| section(), |table| table.values().any(toml::Value::is_table))
    }

    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        Self::parse(&super::read_text(path)?, path)
    }

    /// Parses and checks the text of the file at `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CalibrationError> {
        parse(text, path, NEEDS, |file: Self| {
            let problems = file.problems();
            if problems.is_empty() { Ok(file) } else { Err(problems.join("; ")) }
        })
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

    /// Everything that is wrong, each as a line of text.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(check_depth_unit(self.depth_unit_m).err());
        if !(self.depth_offset_m.abs() <= 10.0) {
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
        self.depth.iter().for_each(|depth| depth.check("depth", &mut problems));
        self.depth_to_colour.iter().for_each(|extrinsics| extrinsics.check(&mut problems));
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
mod tests;
