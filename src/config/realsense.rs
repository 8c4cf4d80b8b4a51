use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use crate::calibration::camera_file::Grid;
use crate::camera::realsense::Preset;
use crate::frame::SIDE_MAX;

/// `[camera.realsense]`: a RealSense camera, or a recording of one. Sizes and rate that are left out are the camera's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Realsense {
    /// Of the camera, where more than one is there.
    pub serial: Option<String>,
    /// A `.bag` file instead of a camera, played at its own pace.
    pub recording: Option<PathBuf>,
    /// Start the recording over at its end; without it the end ends the station.
    pub repeat: bool,
    /// Width and height of the streams, pixels.
    pub colour: Option<[u32; 2]>,
    pub depth: Option<[u32; 2]>,
    pub frame_rate_hz: Option<u32>,
    /// Whose pixels frames have: depth is registered to colour, or colour is sampled at the points.
    pub grid: Grid,
    /// Camera file (TOML) instead of what the camera says of its lenses; its grid counts then.
    pub camera_file: Option<PathBuf>,
    /// Of the D400 series: default, hand, high_accuracy, high_density or medium_density.
    pub preset: Option<String>,
    /// Milliwatts.
    pub laser_power: Option<f32>,
    /// Of the depth imagers, microseconds; automatic where left out.
    pub depth_exposure: Option<f32>,
    /// Of the colour imager, in its own steps: 100 microseconds on most; automatic where left out.
    pub colour_exposure: Option<f32>,
    /// Depth pixels of a side that become one.
    pub decimation: Option<u32>,
    pub spatial_filter: bool,
    /// It smears what moves.
    pub temporal_filter: bool,
    /// Depth and colour of one frame are at most so far apart.
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
        self.recording.iter().for_each(|path| problems.path("camera.realsense.recording", path));
        self.camera_file.iter().for_each(|path| problems.path("camera.realsense.camera_file", path));
        self.serial.iter().for_each(|serial| problems.text("camera.realsense.serial", serial, 64));
        for (name, size) in [("colour", self.colour), ("depth", self.depth)] {
            let sides = size.into_iter().flatten();
            sides.for_each(|side| problems.range(&format!("camera.realsense.{name}"), side, 16..=SIDE_MAX as u32));
        }
        let rate = self.frame_rate_hz.into_iter();
        rate.for_each(|rate| problems.range("camera.realsense.frame_rate_hz", rate, 1..=1_000));
        if let Some(preset) = self.preset.as_ref().filter(|preset| Preset::from_name(preset).is_none()) {
            let known = Preset::ALL.map(|(name, _)| name).join(", ");
            problems.say(format!("camera.realsense.preset is {preset:?} where one of {known} is expected"));
        }
        // The device tells its own, narrower ranges when it is opened.
        for (name, value) in [
            ("laser_power", self.laser_power),
            ("depth_exposure", self.depth_exposure),
            ("colour_exposure", self.colour_exposure),
        ] {
            value.into_iter().for_each(|v| problems.range(&format!("camera.realsense.{name}"), v, 0.0..=1e6));
        }
        self.decimation.into_iter().for_each(|v| problems.range("camera.realsense.decimation", v, 2..=8));
        problems.range("camera.realsense.pair_window_ms", self.pair_window_ms, 0.0..=1_000.0);
        self.check_recording(problems);
    }

    /// What a recording cannot do any more, and what a camera cannot do at all.
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
        let paths = [self.recording.as_mut(), self.camera_file.as_mut()];
        paths.into_iter().flatten().for_each(|path| resolve(path, folder));
    }
}
