use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use crate::camera::genicam::features::Value;
use crate::frame::SIDE_MAX;

/// `[camera.genicam]`: an industrial camera over GigE Vision or USB3 Vision that gives colour and depth, or two of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genicam {
    /// Serial number, IP address, MAC address, name or id of the camera, needed if there is more than one.
    pub device: Option<String>,
    /// The camera that gives depth, where `device` gives colour alone. It needs `camera_file`.
    pub depth_device: Option<String>,
    /// Camera file (TOML), needed by images of distances where the camera does not say what lens it has.
    pub camera_file: Option<PathBuf>,
    /// Colour and depth of one frame are at most this far apart. It should be at most half of the time between frames.
    pub pair_window_ms: f64,
    /// The least confidence of a point, where the camera sends confidences.
    pub confidence_min: u16,
    /// Distance from the camera to the plane C = 0, where coordinate C grows towards the camera.
    pub zero_plane_m: Option<f64>,
    /// Lines of a frame, for a profiler whose lines are joined.
    pub rows: Option<usize>,
    /// Of these lines, those that the next frame shows again.
    pub overlap_rows: usize,
    /// Distance from one line to the next along the belt.
    pub pitch_mm: Option<f64>,
    /// The integer chunk in which the camera counts the edges at its trigger, such as `ChunkCounterValue`: an edge without a
    /// frame is a lost frame then.
    pub trigger_count: Option<String>,
    /// Bytes of a packet; the largest that gets through if left out.
    pub packet_size: Option<u32>,
    /// Whether missing packets are asked for again.
    pub resend: bool,
    /// A packet that has not come for this long is missing.
    pub packet_timeout_ms: f64,
    /// A frame that is not complete this long after its last packet is lost.
    pub frame_retention_ms: f64,
    /// The camera gives its control up if the program is silent for this long; the camera's own time if left out.
    pub heartbeat_ms: Option<u32>,
    /// Features of the camera by their standard names, such as `ExposureTime = 4000.0`.
    pub features: BTreeMap<String, Value>,
    /// The same of `depth_device`.
    pub depth_features: BTreeMap<String, Value>,
}

impl Default for Genicam {
    fn default() -> Self {
        Self {
            device: None,
            depth_device: None,
            camera_file: None,
            pair_window_ms: 12.0,
            confidence_min: 1,
            zero_plane_m: None,
            rows: None,
            overlap_rows: 0,
            pitch_mm: None,
            trigger_count: None,
            packet_size: None,
            resend: true,
            packet_timeout_ms: 20.0,
            frame_retention_ms: 100.0,
            heartbeat_ms: None,
            features: BTreeMap::new(),
            depth_features: BTreeMap::new(),
        }
    }
}

impl Genicam {
    pub(super) fn check(&self, problems: &mut Problems) {
        for (name, text) in [("device", &self.device), ("depth_device", &self.depth_device)] {
            if let Some(text) = text {
                problems.text(&format!("camera.genicam.{name}"), text, 128);
            }
        }
        if let Some(name) = &self.trigger_count {
            problems.text("camera.genicam.trigger_count", name, 128);
            if self.rows.is_some() {
                problems.say(
                    "camera.genicam.trigger_count counts frames, and camera.genicam.rows joins lines: remove one of them"
                        .into(),
                );
            }
        }
        if let Some(path) = &self.camera_file {
            problems.path("camera.genicam.camera_file", path);
        }
        problems.range("camera.genicam.pair_window_ms", self.pair_window_ms, 0.0..=1_000.0);
        if let Some(metres) = self.zero_plane_m {
            problems.range("camera.genicam.zero_plane_m", metres, 0.01..=10.0);
        }
        if let Some(bytes) = self.packet_size {
            problems.range("camera.genicam.packet_size", bytes, 576..=16_000);
        }
        problems.range("camera.genicam.packet_timeout_ms", self.packet_timeout_ms, 0.1..=10_000.0);
        problems.range("camera.genicam.frame_retention_ms", self.frame_retention_ms, 1.0..=10_000.0);
        if let Some(milliseconds) = self.heartbeat_ms {
            problems.range("camera.genicam.heartbeat_ms", milliseconds, 500..=60_000);
        }
        self.check_devices(problems);
        self.check_lines(problems);
    }

    fn check_devices(&self, problems: &mut Problems) {
        if self.depth_device.is_none() {
            if !self.depth_features.is_empty() {
                problems.say(
                    "[camera.genicam.depth_features] is given without camera.genicam.depth_device: remove it".into(),
                );
            }
            return;
        }
        if self.device.is_none() {
            problems
                .say("camera.genicam.depth_device is given without camera.genicam.device: name both cameras".into());
        }
        if self.device == self.depth_device {
            problems.say("camera.genicam.device and camera.genicam.depth_device are the same camera: name two".into());
        }
        if self.camera_file.is_none() {
            problems.say(
                "camera.genicam.depth_device needs camera.genicam.camera_file: lenses and the way between them".into(),
            );
        }
        if self.rows.is_some() || self.zero_plane_m.is_some() {
            problems.say(
                "camera.genicam.rows and camera.genicam.zero_plane_m are for one camera, not for two: remove them"
                    .into(),
            );
        }
    }

    fn check_lines(&self, problems: &mut Problems) {
        match (self.rows, self.pitch_mm) {
            (Some(rows), Some(pitch_mm)) => {
                problems.range("camera.genicam.rows", rows, 16..=SIDE_MAX);
                problems.range("camera.genicam.pitch_mm", pitch_mm, 0.001..=100.0);
                problems.range("camera.genicam.overlap_rows", self.overlap_rows, 0..=rows.saturating_sub(1));
            }
            (None, None) if self.overlap_rows == 0 => {}
            _ => problems.say(
                "camera.genicam.rows, pitch_mm and overlap_rows belong together: give the first two, or none of them"
                    .into(),
            ),
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(path) = &mut self.camera_file {
            resolve(path, folder);
        }
    }
}
