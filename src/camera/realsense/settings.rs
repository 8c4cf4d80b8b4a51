//! How a RealSense camera, or a recording of one, is used.

use std::path::PathBuf;

use crate::backend::Machine;
use crate::calibration::Camera;
use crate::calibration::camera_file::Grid;

/// What frames are taken from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The device with this serial number, or the one that is there.
    Device(Option<String>),
    Recording {
        path: PathBuf,
        /// After the last frame the first one follows.
        repeat: bool,
    },
}

/// A camera and how it is used. A size of (0, 0) and a rate of 0 are the device's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Realsense {
    pub origin: Origin,
    /// Width and height, pixels.
    pub colour: (u32, u32),
    pub depth: (u32, u32),
    pub frame_rate_hz: u32,
    /// Whose pixels frames have, where `camera` does not define it.
    pub grid: Grid,
    /// Lenses as calibrated by the user, instead of the device's own.
    pub camera: Option<Camera>,
    pub controls: Controls,
    pub filters: Filters,
    /// Pictures that were taken further apart do not belong together, nanoseconds.
    pub pair_window_ns: u64,
    /// The machine that registers depth to colour.
    pub machine: Machine,
}

/// Settings of a device, in its own units; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Controls {
    pub preset: Option<Preset>,
    /// Milliwatts.
    pub laser_power: Option<f32>,
    /// Microseconds. Automatic exposure is off where one is given.
    pub depth_exposure: Option<f32>,
    /// Steps of the colour imager: 100 microseconds on most.
    pub colour_exposure: Option<f32>,
}

/// Filters of librealsense for depth, in the order they are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filters {
    /// Pixels of a side that become one.
    pub decimation: Option<u32>,
    pub spatial: bool,
    /// It smears what moves.
    pub temporal: bool,
}

/// Visual presets of the D400 series (`rs2_rs400_visual_preset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Default,
    Hand,
    HighAccuracy,
    HighDensity,
    MediumDensity,
}

crate::words::words!(Preset {
    Default = "default",
    Hand = "hand",
    HighAccuracy = "high_accuracy",
    HighDensity = "high_density",
    MediumDensity = "medium_density",
});

impl Preset {
    /// librealsense's number.
    pub fn number(self) -> f32 {
        match self {
            Self::Default => 1.0,
            Self::Hand => 2.0,
            Self::HighAccuracy => 3.0,
            Self::HighDensity => 4.0,
            Self::MediumDensity => 5.0,
        }
    }
}
