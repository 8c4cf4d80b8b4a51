//! From a frame to the network's inputs (paper, section 4): the one code path for every command.

pub mod components;
pub mod plane;
pub mod resize;

use serde::{Deserialize, Serialize};

use crate::frame::RgbdFrame;
use plane::Plane;

/// ImageNet's mean and deviation of each channel, of values in 0..1.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
pub const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// What is done about the belt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaneMode {
    /// Fitted to the border of each frame.
    Fit,
    /// Nothing is removed.
    None,
    /// Fitted once for the station.
    Fixed(Plane),
}

/// Which connected components of the cloud stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The largest: the published choice.
    Largest,
    /// All, so that loose debris on the belt stays visible.
    All,
}

/// How frames are prepared. It lives in the engine file: scores compare only between equal preparations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    pub plane: PlaneMode,
    pub keep: Keep,
    /// Seed of the plane's sampler.
    pub seed: u64,
}

impl Default for Preparation {
    fn default() -> Self {
        Self { plane: PlaneMode::Fit, keep: Keep::Largest, seed: 0 }
    }
}

/// What the networks are given.
#[derive(Clone, Debug, Default)]
pub struct NetworkInput {
    /// Normalised colour, `[3, H, W]`.
    pub rgb: Vec<f32>,
    /// `[P]` points in metres, the origin where there is none.
    pub cloud: Vec<[f32; 3]>,
    /// The plane that was removed; none when not asked for, or when the border has no points.
    pub plane: Option<Plane>,
}

impl NetworkInput {
    /// N.
    pub fn points(&self) -> usize {
        self.cloud.iter().filter(|p| crate::frame::is_point(p)).count()
    }
}

/// Belt and stray points removed, padded to a square, resized to H x W, normalised.
pub fn prepare(frame: &RgbdFrame, how: &Preparation) -> NetworkInput {
    let mut cloud = frame.cloud().clone();
    let plane = match how.plane {
        PlaneMode::Fit => plane::fit_border(&cloud, how.seed),
        PlaneMode::None => None,
        PlaneMode::Fixed(plane) => Some(plane),
    };
    if let Some(plane) = &plane {
        plane::remove(&mut cloud, plane);
    }
    if how.keep == Keep::Largest {
        components::keep_largest(&mut cloud);
    }
    let rgb = normalise(&resize::rgb(frame.rgb(), frame.width(), frame.height()));
    NetworkInput { rgb, cloud: resize::cloud(&cloud), plane }
}

/// `[H, W, 3]` bytes -> `[3, H, W]`.
fn normalise(rgb: &[u8]) -> Vec<f32> {
    let channel =
        |c: usize| rgb.iter().skip(c).step_by(3).map(move |&v| (f32::from(v) / 255.0 - MEAN[c]) / DEVIATION[c]);
    (0..3).flat_map(channel).collect()
}
