use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use crate::calibration::camera_file::Grid;
use crate::camera::realsense::Preset;
use crate::frame::SIDE_MAX;

/// `[camera.realsense]`: a RealSense camera, or a recording of one. Sizes and the frame rate are the camera's own if
/// left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Realsense {
    /// Serial number of the camera, needed if there is more than one.
    pub serial: Option<String>,
    /// A `.bag` file that is played at its own pace instead of a camera.
    pub recording: Option<PathBuf>,
    /// Whether the recording starts over at its end. If not, the station ends with it.
    pub repeat: bool,
    /// Width and height of the streams, pixels.
    pub colour: Option<[u32; 2]>,
    pub depth: Option<[u32; 2]>,
    pub frame_rate_hz: Option<u32>,
    /// Image whose pixels the frames have: colour, to which depth is registered, or depth, at whose points colour is
    /// sampled.
    pub grid: Grid,
    /// Camera file (TOML) whose intrinsics, extrinsics and grid replace those that the camera reports.
    pub camera_file: Option<PathBuf>,
    /// Preset of the D400 series: default, hand, high_accuracy, high_density or medium_density.
    pub preset: Option<String>,
    /// Power of the laser, milliwatts.
    pub laser_power: Option<f32>,
    /// Exposure of the depth imagers, microseconds; automatic if left out.
    pub depth_exposure: Option<f32>,
    /// Exposure of the colour imager in its own steps, of 100 microseconds on most cameras; automatic if left out.
    pub colour_exposure: Option<f32>,
    /// Decimation: number of depth pixels along each side that become one.
    pub decimation: Option<u32>,
    pub spatial_filter: bool,
    /// Whether depth is averaged over frames, which smears moving parts.
    pub temporal_filter: bool,
    /// Depth and colour of one frame are at most this far apart.
    pub pair_window_ms: f64,
}

impl Default for Realsense {
    fn default() -> Self {
        Self {
            serial: None,
            recording: None,
            repeat: false,
            colour: None,
            depth: None,
            frame_rate_hz: None,
            grid: Grid::default(),
            camera_file: None,
            preset: None,
            laser_power: None,
            depth_exposure: None,
            colour_exposure: None,
            decimation: None,
            spatial_filter: false,
            temporal_filter: false,
            pair_window_ms: 20.0,
        }
    }
}

impl Realsense {
    pub(super) fn check(&self, problems: &mut Problems) {
        for (name, path) in [("recording", &self.recording), ("camera_file", &self.camera_file)] {
            if let Some(path) = path {
                problems.path(&format!("camera.realsense.{name}"), path);
            }
        }
        if let Some(serial) = &self.serial {
            problems.text("camera.realsense.serial", serial, 64);
        }
        for (name, size) in [("colour", self.colour), ("depth", self.depth)] {
            for side in size.into_iter().flatten() {
                problems.range(&format!("camera.realsense.{name}"), side, 16..=SIDE_MAX as u32);
            }
        }
        if let Some(rate) = self.frame_rate_hz {
            problems.range("camera.realsense.frame_rate_hz", rate, 1..=1_000);
        }
        if let Some(preset) = self.preset.as_ref().filter(|preset| preset.parse::<Preset>().is_err()) {
            let known = Preset::WORDS.join(", ");
            problems.say(format!("camera.realsense.preset is {preset:?} where one of {known} is expected"));
        }
        // The device has narrower ranges, which are checked when it is opened.
        for (name, value) in [
            ("laser_power", self.laser_power),
            ("depth_exposure", self.depth_exposure),
            ("colour_exposure", self.colour_exposure),
        ] {
            if let Some(value) = value {
                problems.range(&format!("camera.realsense.{name}"), value, 0.0..=1e6);
            }
        }
        if let Some(decimation) = self.decimation {
            problems.range("camera.realsense.decimation", decimation, 2..=8);
        }
        problems.range("camera.realsense.pair_window_ms", self.pair_window_ms, 0.0..=1_000.0);
        self.check_recording(problems);
    }

    /// Refuses options of a camera for a recording, and options of a recording for a camera.
    fn check_recording(&self, problems: &mut Problems) {
        if self.recording.is_none() {
            if self.repeat {
                problems.say("camera.realsense.repeat is given without camera.realsense.recording: remove it".into());
            }
            return;
        }
        for (name, given) in [
            ("serial", self.serial.is_some()),
            ("preset", self.preset.is_some()),
            ("laser_power", self.laser_power.is_some()),
            ("depth_exposure", self.depth_exposure.is_some()),
            ("colour_exposure", self.colour_exposure.is_some()),
        ] {
            if given {
                problems.say(format!("camera.realsense.{name} is for cameras, not for a recording: remove it"));
            }
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.recording, &mut self.camera_file].into_iter().flatten() {
            resolve(path, folder);
        }
    }
}
