use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use super::genicam::Genicam;
use super::realsense::Realsense;
use crate::camera::pixel_format::COLOUR;
use crate::dataset::metres_of;
use crate::frame::SIDE_MAX;
use crate::scene::{Part, SIDES, Surroundings, SurroundingsError};

/// `[camera]`: where frames come from, and what happens when they stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    pub source: CameraSource,
    /// Time without a frame after which the camera is lost.
    #[serde(default = "frame_timeout_ms")]
    pub frame_timeout_ms: f64,
    /// Number of attempts to open a camera that is lost, or not there at the start. After them the program ends, and its service manager may restart it.
    #[serde(default = "reopen_count_max")]
    pub reopen_count_max: u32,
    /// Pause before each such attempt.
    #[serde(default = "reopen_delay_ms")]
    pub reopen_delay_ms: f64,
    /// After this many attempts a camera that has a hardware reset (RealSense) is reset, once; never if 0.
    #[serde(default = "reset_after_reopens")]
    pub reset_after_reopens: u32,
    /// How long the station waits for the camera after its reset; attempts meanwhile do not count.
    #[serde(default = "reset_wait_ms")]
    pub reset_wait_ms: f64,
    /// A file that `crosscheck calibrate-station` wrote; drift of light and depth is measured against it.
    pub station_calibration: Option<PathBuf>,
    /// Options of `source = "synthetic"`.
    pub synthetic: Option<Synthetic>,
    /// Options of `source = "replay"`.
    pub replay: Option<Replay>,
    /// Options of `source = "v4l"`.
    pub v4l: Option<V4l>,
    /// Options of `source = "realsense"`.
    pub realsense: Option<Realsense>,
    /// Options of `source = "genicam"`.
    pub genicam: Option<Genicam>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraSource {
    /// A synthetic conveyor.
    Synthetic,
    /// Frames on disk.
    Replay,
    /// Two video nodes of Linux.
    V4l,
    /// A RealSense camera or a recording of one, in builds with the feature `realsense`.
    Realsense,
    /// An industrial camera over GigE Vision or USB3 Vision, in builds with the feature `genicam`.
    Genicam,
}

/// `[camera.synthetic]`: a belt of synthetic parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Synthetic {
    /// Name of a synthetic part.
    pub part: String,
    pub belt_m_per_s: f64,
    /// Distance from one part to the next.
    pub pitch_m: f64,
    /// Share of parts with a defect, 0 to 1.
    pub defect_share: f64,
    pub frame_rate_hz: f64,
    pub seed: u64,
    /// Size of the frames, pixels.
    pub width: usize,
    pub height: usize,
    /// Whether a block that is larger than any part stands at the edge of the frame.
    pub fixture: bool,
    /// Whether the belt is black, so that only 5 % of its pixels have a point.
    pub black_belt: bool,
}

impl Default for Synthetic {
    fn default() -> Self {
        let part = Part::ALL[0].name().to_string();
        let Surroundings { width, height, fixture, .. } = Surroundings::default();
        Self {
            part,
            belt_m_per_s: 0.2,
            pitch_m: 0.2,
            defect_share: 0.1,
            frame_rate_hz: 10.0,
            seed: 0,
            width,
            height,
            fixture,
            black_belt: false,
        }
    }
}

/// `[camera.replay]`: a recording, or any dataset folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    pub folder: PathBuf,
    /// Camera file (TOML), needed if the folder has depth images.
    #[serde(alias = "intrinsics")]
    pub camera_file: Option<PathBuf>,
    /// Unit of clouds and of floating-point depth images: `m`, `cm`, `mm`, `0.1mm` or `um`.
    #[serde(default = "cloud_unit")]
    pub cloud_unit: String,
    /// A z or depth value in the files that stands for no point, besides values that are not above 0.
    pub no_point: Option<f32>,
    /// Frames a second; the recording's own pace if left out.
    pub frame_rate_hz: Option<f64>,
    /// Whether the recording starts over at its end. If not, the station ends with it.
    #[serde(default)]
    pub repeat: bool,
}

/// `[camera.v4l]`: a colour and a depth node of V4L2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V4l {
    /// `/dev/video0`, or better a link in `/dev/v4l/by-id` or `by-path`, which stays the same after a reboot.
    pub colour: PathBuf,
    pub depth: PathBuf,
    /// Camera file (TOML): intrinsics, extrinsics and the depth unit.
    pub camera_file: PathBuf,
    /// Size of colour images, pixels.
    pub width: u32,
    pub height: u32,
    /// Size of depth images, pixels; that of colour images if left out.
    pub depth_width: Option<u32>,
    pub depth_height: Option<u32>,
    /// RGB3, YUYV, MJPG or GREY; the first of these that the node offers if left out.
    pub colour_format: Option<String>,
    /// Frame rate of both nodes; the drivers' own if left out.
    pub frame_rate_hz: Option<u32>,
    /// Colour and depth of one frame are at most this far apart. It should be at most half of the time between frames.
    #[serde(default = "pair_window_ms")]
    pub pair_window_ms: f64,
}

fn cloud_unit() -> String {
    "m".into()
}

fn pair_window_ms() -> f64 {
    12.0
}

fn frame_timeout_ms() -> f64 {
    2_000.0
}

fn reopen_count_max() -> u32 {
    5
}

fn reopen_delay_ms() -> f64 {
    500.0
}

fn reset_after_reopens() -> u32 {
    2
}

fn reset_wait_ms() -> f64 {
    10_000.0
}

impl Camera {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("camera.frame_timeout_ms", self.frame_timeout_ms, 10.0..=60_000.0);
        problems.range("camera.reopen_count_max", self.reopen_count_max, 0..=1_000);
        problems.range("camera.reopen_delay_ms", self.reopen_delay_ms, 0.0..=60_000.0);
        problems.range("camera.reset_after_reopens", self.reset_after_reopens, 0..=1_000);
        problems.range("camera.reset_wait_ms", self.reset_wait_ms, 0.0..=120_000.0);
        if self.source != CameraSource::Synthetic && self.synthetic.is_some() {
            problems.say("[camera.synthetic] is given where camera.source is another: remove it".into());
        }
        match (self.source, &self.replay) {
            (CameraSource::Replay, None) => {
                problems.say("camera.source is \"replay\" without [camera.replay]: add it".into())
            }
            (CameraSource::Replay, Some(replay)) => replay.check(problems),
            (_, Some(_)) => problems.say("[camera.replay] is given where camera.source is another: remove it".into()),
            (_, None) => {}
        }
        match (self.source, &self.v4l) {
            (CameraSource::V4l, None) => problems.say("camera.source is \"v4l\" without [camera.v4l]: add it".into()),
            (CameraSource::V4l, Some(v4l)) => v4l.check(problems),
            (_, Some(_)) => problems.say("[camera.v4l] is given where camera.source is another: remove it".into()),
            (_, None) => {}
        }
        if self.source != CameraSource::Realsense && self.realsense.is_some() {
            problems.say("[camera.realsense] is given where camera.source is another: remove it".into());
        }
        if let Some(realsense) = &self.realsense {
            realsense.check(problems);
        }
        if self.source != CameraSource::Genicam && self.genicam.is_some() {
            problems.say("[camera.genicam] is given where camera.source is another: remove it".into());
        }
        if let Some(genicam) = &self.genicam {
            genicam.check(problems);
        }
        if let Some(synthetic) = &self.synthetic {
            synthetic.check(problems);
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if self.source == CameraSource::Synthetic {
            self.synthetic.get_or_insert_default();
        }
        if let Some(path) = &mut self.station_calibration {
            resolve(path, folder);
        }
        if let Some(v4l) = &mut self.v4l {
            resolve(&mut v4l.camera_file, folder);
        }
        if self.source == CameraSource::Realsense {
            self.realsense.get_or_insert_default();
        }
        if let Some(realsense) = &mut self.realsense {
            realsense.resolve(folder);
        }
        if self.source == CameraSource::Genicam {
            self.genicam.get_or_insert_default();
        }
        if let Some(genicam) = &mut self.genicam {
            genicam.resolve(folder);
        }
        if let Some(replay) = &mut self.replay {
            resolve(&mut replay.folder, folder);
            if let Some(path) = &mut replay.camera_file {
                resolve(path, folder);
            }
        }
    }
}

impl Synthetic {
    /// Returns the surroundings of the parts.
    pub fn surroundings(&self) -> Surroundings {
        let &Self { width, height, fixture, .. } = self;
        let chosen = Surroundings { width, height, fixture, ..Surroundings::default() };
        if self.black_belt { chosen.with_black_belt() } else { chosen }
    }

    fn check(&self, problems: &mut Problems) {
        if self.part.parse::<Part>().is_err() {
            let known = Part::WORDS.join(", ");
            problems.say(format!("camera.synthetic.part is {:?} where one of {known} is expected", self.part));
        }
        problems.range("camera.synthetic.belt_m_per_s", self.belt_m_per_s, 0.001..=10.0);
        problems.range("camera.synthetic.pitch_m", self.pitch_m, 0.02..=10.0);
        problems.range("camera.synthetic.defect_share", self.defect_share, 0.0..=1.0);
        problems.range("camera.synthetic.frame_rate_hz", self.frame_rate_hz, 0.1..=1_000.0);
        problems.range("camera.synthetic.width", self.width, SIDES);
        problems.range("camera.synthetic.height", self.height, SIDES);
        if let Err(error @ SurroundingsError::Fixture { .. }) = self.surroundings().check() {
            problems.say(format!("camera.synthetic.fixture is true, but {error}"));
        }
    }
}

impl V4l {
    /// Width and height of depth images.
    pub fn depth_size(&self) -> (u32, u32) {
        (self.depth_width.unwrap_or(self.width), self.depth_height.unwrap_or(self.height))
    }

    fn check(&self, problems: &mut Problems) {
        for (name, path) in [("colour", &self.colour), ("depth", &self.depth), ("camera_file", &self.camera_file)] {
            problems.path(&format!("camera.v4l.{name}"), path);
        }
        if self.colour == self.depth {
            problems.say("camera.v4l.colour and camera.v4l.depth are the same node: name two".into());
        }
        let (depth_width, depth_height) = self.depth_size();
        for (name, side) in [
            ("width", self.width),
            ("height", self.height),
            ("depth_width", depth_width),
            ("depth_height", depth_height),
        ] {
            problems.range(&format!("camera.v4l.{name}"), side, 16..=SIDE_MAX as u32);
        }
        let known = COLOUR.map(|format| format.to_string());
        if let Some(format) = self.colour_format.as_ref().filter(|format| !known.contains(format)) {
            let known = known.join(", ");
            problems.say(format!("camera.v4l.colour_format is {format:?} where one of {known} is expected"));
        }
        if let Some(rate) = self.frame_rate_hz {
            problems.range("camera.v4l.frame_rate_hz", rate, 1..=1_000);
        }
        problems.range("camera.v4l.pair_window_ms", self.pair_window_ms, 0.1..=1_000.0);
    }
}

impl Replay {
    fn check(&self, problems: &mut Problems) {
        problems.path("camera.replay.folder", &self.folder);
        if let Err(reason) = metres_of(&self.cloud_unit) {
            problems.say(format!("camera.replay.cloud_unit: {reason}"));
        }
        if self.no_point.is_some_and(|value| !value.is_finite()) {
            problems.say("camera.replay.no_point is not finite: NaN and infinity stand for no point already".into());
        }
        if let Some(rate) = self.frame_rate_hz {
            problems.range("camera.replay.frame_rate_hz", rate, 0.01..=10_000.0);
        }
    }
}
