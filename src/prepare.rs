//! Prepares a frame as the networks' inputs (paper, section 4): the one code path for every command.
//!
//! ```text
//! photograph -> crop -> belt -> part -> window -> H x W
//! ```

#[doc(hidden)]
pub mod belt;
#[doc(hidden)]
pub mod border;
mod colour;
#[doc(hidden)]
pub mod components;
#[doc(hidden)]
pub mod crop;
mod eigen;
mod follow;
#[doc(hidden)]
pub mod plane;
#[doc(hidden)]
pub mod point_grid;
mod preparer;
#[doc(hidden)]
pub mod resize;
#[doc(hidden)]
pub mod spacing;
#[doc(hidden)]
pub mod window;
#[doc(hidden)]
pub mod work;

use serde::{Deserialize, Serialize};

use crate::frame::is_point;
pub use belt::{Belt, Support};
#[doc(hidden)]
pub use colour::{DEVIATION, MEAN, normalise};
pub use crop::{Crop, CropMisfit};
pub use plane::Plane;
pub use preparer::prepare;
#[doc(hidden)]
pub use preparer::{Preparer, wanted};
pub use window::Window;

/// How the belt is found, if it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeltMode {
    /// Fitted to each frame.
    Fit,
    /// Nothing is removed.
    None,
    /// Fitted once for the station.
    Fixed(Plane),
}

impl BeltMode {
    /// The plane that was fitted once.
    pub fn fixed(&self) -> Option<Plane> {
        if let Self::Fixed(plane) = self { Some(*plane) } else { None }
    }
}

/// What is taken for the part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartChoice {
    /// The largest connected component of the cloud: the published choice.
    #[default]
    Largest,
    /// The component nearest to the middle that is clear of the edge.
    Centre,
    /// All components, so that loose debris on the belt stays visible.
    All,
    /// Everything, the belt too: flat parts, sheet, fabric, boards, relief on a plane.
    Everything,
    /// Every component that is clear of the edge, each inspected by itself.
    Each,
}

impl PartChoice {
    /// The word for it in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Largest => "largest",
            Self::Centre => "centre",
            Self::All => "all",
            Self::Everything => "everything",
            Self::Each => "each",
        }
    }
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

crate::words::words!(Stride {
    One = "1",
    Two = "2",
});

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// The part of the photograph that is looked at. Left out of the file where it is the whole photograph, so that files
    /// from before it was there keep their content hash.
    #[serde(default, skip_serializing_if = "Crop::is_whole")]
    pub crop: Crop,
    /// How the belt that parts lie on is found and removed.
    #[serde(rename = "plane")]
    pub belt: BeltMode,
    /// What is taken for the part.
    #[serde(rename = "keep")]
    pub part: PartChoice,
    /// Seed of the belt's sampler.
    pub seed: u64,
    /// Which pixels are evaluated. Left out of the file where it is one, for the same reason.
    #[serde(default, skip_serializing_if = "Stride::is_one")]
    pub stride: Stride,
}

impl Default for Preparation {
    /// The published preparation.
    fn default() -> Self {
        let (belt, part) = (BeltMode::Fit, PartChoice::Largest);
        Self { crop: Crop::default(), belt, part, seed: 0, stride: Stride::One }
    }
}

impl Preparation {
    /// How the scenes of two preparations differ, for a person to read; none where they are one scene. A belt that was
    /// measured for the station may stand in for one that is fitted to each frame.
    pub fn scene_difference(&self, asked: &Self) -> Option<String> {
        let stands_in = matches!((self.belt, asked.belt), (BeltMode::Fit, BeltMode::Fixed(_)));
        let mut differences = Vec::new();
        let mut say = |what: &str, own: String, other: String| {
            if own != other {
                differences.push(format!("{what} is {own} in the engine and {other} in the scene that is asked for"));
            }
        };
        say("crop", self.crop.describe(), asked.crop.describe());
        if !stands_in {
            say("belt", describe_belt(&self.belt), describe_belt(&asked.belt));
        }
        say("part", self.part.name().into(), asked.part.name().into());
        (!differences.is_empty()).then(|| differences.join("; "))
    }

    /// Refuses a preparation that no frame can have.
    pub fn check(&self) -> Result<(), String> {
        self.crop.check()?;
        if let BeltMode::Fixed(plane) = self.belt
            && !plane.is_valid()
        {
            return Err(format!("the belt {plane:?} is no plane: its normal must have unit length"));
        }
        let follows = self.crop.follow_mm.is_some();
        match self.part {
            PartChoice::Each if !follows => {
                Err("part is \"each\" without crop.follow_mm: give the side of each part's window, millimetres".into())
            }
            PartChoice::Everything if follows => {
                Err("part is \"everything\" with crop.follow_mm: there is no part to follow; leave one of them out"
                    .into())
            }
            PartChoice::Everything if self.belt != BeltMode::None => {
                Err("part is \"everything\" with a belt to remove: set belt = \"none\"".into())
            }
            _ => Ok(()),
        }
    }
}

fn describe_belt(belt: &BeltMode) -> String {
    match belt {
        BeltMode::Fit => "fit".into(),
        BeltMode::None => "none".into(),
        BeltMode::Fixed(plane) => {
            let Plane { normal: [a, b, c], offset_m } = plane.towards_camera();
            format!("a plane {offset_m} m away with normal [{a}, {b}, {c}]")
        }
    }
}

/// What the networks are given.
#[derive(Clone, Debug, Default)]
pub struct NetworkInput {
    /// Normalised colour, `[3, H, W]`.
    pub rgb: Vec<f32>,
    /// `[P]` points in metres, the origin where there is none.
    pub cloud: Vec<[f32; 3]>,
    /// Whether each pixel was taken for the part, `[P]`: it has a point.
    pub kept: Vec<bool>,
    /// Where the network pixels lie in the photograph.
    pub window: Window,
    /// What was taken for belt and part.
    pub taken: Taken,
    /// The number under which the machine that prepared colour and cloud has them in its own memory as well; none if it
    /// has not, or after they were changed.
    #[doc(hidden)]
    pub resident: Option<u64>,
}

/// What was taken for the belt and for the part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Taken {
    /// The plane that was removed; none when not asked for, or where no plane qualified.
    pub belt: Option<Belt>,
    /// Median distance of all points along the optical axis, metres; none without a point.
    pub depth_m: Option<f32>,
    /// Why there is no part although there are points.
    pub missing: Option<Missing>,
    /// Whether the part comes to the edge of the crop: perhaps not all of it is seen.
    pub touches_edge: bool,
    /// Whether another component could have been taken nearly as well.
    pub is_close: bool,
    /// What was added to each point so that it moves with the window that follows the part, metres; 0 without one.
    pub shift_m: [f32; 3],
}

/// Why no part was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// Every component is too small, or touches the edge where that is not allowed.
    Component,
    /// What a pixel is in millimetres cannot be told, so that no window can follow the part.
    Scale,
}

impl NetworkInput {
    /// Points of the part, N.
    pub fn points(&self) -> usize {
        self.cloud.iter().filter(|p| is_point(p)).count()
    }
}
