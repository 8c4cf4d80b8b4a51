//! The station's calibration file: the belt plane, and what else was measured when it was set up.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::CalibrationError;
use super::toml_file::{parse, read_text, write_toml};
use crate::frame::Region;
use crate::prepare::PartChoice;
use crate::prepare::crop::Crop;
use crate::prepare::plane::Plane;
use crate::quality::Quality;

const NEEDS: &str = "normal = [x, y, z] of unit length and offset_m (metres)";

/// What `crosscheck calibrate-station` writes; a plane file needs the first two lines only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationCalibration {
    /// A unit vector out of the belt towards the camera, in the camera's frame.
    pub normal: [f32; 3],
    /// The distance from the camera to the belt, metres.
    pub offset_m: f32,
    /// The scene that the station's frames suggest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<Proposal>,
    pub measured: Option<Measured>,
}

/// `[scene]`, as a station and `--scene` read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// This file, whose first lines are the belt's plane.
    pub belt: String,
    pub part: PartChoice,
    #[serde(default, skip_serializing_if = "Crop::is_whole")]
    pub crop: Crop,
}

impl Proposal {
    /// The scene in words.
    pub fn describe(&self) -> String {
        format!("part {}, crop {}", self.part.name(), self.crop.describe())
    }
}

/// Measures of a station, over the frames that it was set up with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    pub frames: usize,
    /// Of them, those that show the whole part.
    pub frames_with_part: usize,
    /// Pixels of a frame.
    pub width: usize,
    pub height: usize,
    pub belt: BeltGeometry,
    /// None where no frame shows the whole part.
    pub part: Option<PartSize>,
    /// Where the part lies, with a margin, pixels of the frame.
    pub region_of_interest: Region,
    /// Medians over the frames, of the region of interest.
    pub usual: Quality,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeltGeometry {
    /// Along the optical axis, metres.
    pub working_distance_m: f32,
    /// Between the belt's normal and the optical axis, degrees.
    pub tilt_deg: f32,
    /// Root mean square distance of belt points from the plane, metres.
    pub residual_m: f32,
    /// Means over frames: the share of the border that shows the frame's own belt, and of all points that lie on it.
    #[serde(default)]
    pub border_share: f32,
    #[serde(default)]
    pub cloud_share: f32,
    /// Share of the border's points that lie too far from the plane to be removed with it.
    pub border_left_share: f32,
    /// The farthest that one frame's own plane is from the station's: degrees, and metres at the middle of the frame.
    pub turn_deg_max: f32,
    pub shift_m_max: f32,
    /// Frames whose own plane was too far off to count.
    pub frames_left_out: usize,
}

/// Medians over frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSize {
    /// The longer and the shorter side as it lies on the belt, and its height over it, metres.
    pub length_m: f32,
    pub width_m: f32,
    pub height_m: f32,
    /// Share of the frame's pixels.
    pub frame_share: f32,
    /// Points on the part that the shape network is given, N.
    pub points: usize,
    /// The fewest of any frame.
    pub points_min: usize,
    /// Between neighbouring ones, metres.
    pub point_spacing_m: f32,
}

impl StationCalibration {
    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        parse(&read_text(path)?, path, NEEDS, |station: Self| {
            let plane = station.plane();
            if plane.is_valid() { Ok(station) } else { Err(format!("{plane:?} is no plane")) }
        })
    }

    /// Writes the file, whole or not at all. The scene in it names the file itself for its belt.
    pub fn write(&self, path: &Path) -> Result<(), CalibrationError> {
        let mut written = self.clone();
        if let Some(scene) = &mut written.scene {
            scene.belt = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        }
        write_toml(path, "# The belt, the [scene] that was found, for --scene, and what was measured.\n", &written)
    }

    pub fn plane(&self) -> Plane {
        Plane { normal: self.normal, offset_m: self.offset_m }
    }
}

/// Reads the station's belt plane: `normal`, a unit vector, and `offset_m`, in the camera's frame. The file has these
/// two lines, or is one that `crosscheck calibrate-station` wrote.
pub fn read_plane(path: &Path) -> Result<Plane, CalibrationError> {
    StationCalibration::read(path).map(|station| station.plane())
}
