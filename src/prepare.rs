//! From a frame to the network's inputs (paper, section 4): the one code path for every command.

pub mod components;
pub mod plane;
pub mod resize;

use serde::{Deserialize, Serialize};

use crate::frame::{RgbdFrame, is_point};
use crate::shapes::RGB;
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

/// Which pixels the discrepancies are evaluated at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stride {
    /// All: the published choice.
    #[default]
    One,
    /// Every second in both directions, the others bilinear between them.
    Two,
}

impl Stride {
    /// From one evaluated pixel to the next.
    pub fn pixels(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    fn is_one(&self) -> bool {
        *self == Self::One
    }
}

/// How frames are prepared and evaluated. It lives in the engine file: scores compare only between equal preparations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    pub plane: PlaneMode,
    pub keep: Keep,
    /// Seed of the plane's sampler.
    pub seed: u64,
    /// Left out of the file where it is one, so that files from before it was there keep their content hash.
    #[serde(default, skip_serializing_if = "Stride::is_one")]
    pub stride: Stride,
}

impl Default for Preparation {
    fn default() -> Self {
        Self { plane: PlaneMode::Fit, keep: Keep::Largest, seed: 0, stride: Stride::One }
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
        self.cloud.iter().filter(|p| is_point(p)).count()
    }
}

/// Belt and stray points removed, padded to a square, resized to H x W, normalised.
pub fn prepare(frame: &RgbdFrame, how: &Preparation) -> NetworkInput {
    let mut input = NetworkInput::default();
    Preparer::default().run(frame, how, &mut input);
    input
}

/// [`prepare`] with buffers that frames reuse: a frame of the size of the one before allocates nothing.
#[derive(Default)]
pub struct Preparer {
    plane: plane::Fitter,
    components: components::Components,
    resizer: resize::Resizer,
}

impl Preparer {
    pub fn run(&mut self, frame: &RgbdFrame, how: &Preparation, input: &mut NetworkInput) {
        let (width, height) = (frame.width(), frame.height());
        let points = frame.cloud().points();
        input.plane = match how.plane {
            PlaneMode::Fit => self.plane.fit_border(points, width, how.seed),
            PlaneMode::None => None,
            PlaneMode::Fixed(plane) => Some(plane),
        };
        let plane = input.plane;
        let there =
            |point: &[f32; 3]| is_point(point) && !plane.is_some_and(|plane| plane::is_background(point, &plane));
        // Of a large frame few points are seen by the network: only these are looked at, but for components.
        let mut resize = |keeps: &dyn Fn(usize) -> bool| {
            let kept = |i: usize| if keeps(i) { points[i] } else { [0.0; 3] };
            resize::nearest_of(kept, width, height, [0.0; 3], &mut input.cloud);
        };
        match how.keep {
            Keep::Largest => resize(&self.components.largest(points, width, there)),
            Keep::All => resize(&|i| there(&points[i])),
        }
        normalise(self.resizer.rgb(frame.rgb(), width, height), &mut input.rgb);
    }
}

/// `[H, W, 3]` bytes -> `[3, H, W]`.
fn normalise(rgb: &[u8], out: &mut Vec<f32>) {
    out.clear();
    for channel in 0..RGB {
        let of_byte: [f32; 256] = std::array::from_fn(|v| (v as f32 / 255.0 - MEAN[channel]) / DEVIATION[channel]);
        out.extend(rgb.iter().skip(channel).step_by(RGB).map(|&v| of_byte[usize::from(v)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::OrganisedCloud;

    #[test]
    fn points_are_the_same_whether_the_plane_goes_before_or_after_resizing() {
        let mut random = fastrand::Rng::with_seed(1);
        let (width, height) = (330, 250);
        let point = |i: usize| {
            let up = if random.bool() { 0.0 } else { 0.03 * random.f32() };
            [(i % width) as f32 * 1e-3, (i / width) as f32 * 1e-3, 0.5 - up]
        };
        let cloud: Vec<[f32; 3]> = (0..width * height).map(point).collect();
        let organised = OrganisedCloud::new(width, height, cloud.clone()).unwrap();
        let frame = RgbdFrame::new(width, height, vec![100; width * height * RGB], organised).unwrap();
        let how = Preparation { keep: Keep::All, ..Preparation::default() };
        let input = prepare(&frame, &how);
        let mut before = cloud;
        plane::remove(&mut before, &input.plane.unwrap());
        let want = resize::nearest(&before, width, height, [0.0; 3]);
        assert!(input.cloud == want && input.points() > 1000 && input.points() < 40_000, "{}", input.points());
    }
}
