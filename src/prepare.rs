//! Prepares a frame as the networks' inputs (paper, section 4): the one code path for every command.
//!
//! ```text
//! photograph -> crop -> belt -> part -> window -> H x W
//! ```

pub mod belt;
pub mod border;
mod colour;
pub mod components;
pub mod crop;
mod eigen;
mod follow;
pub mod plane;
pub mod resize;
pub mod window;

use serde::{Deserialize, Serialize};

use crate::frame::{Region, RgbdFrame, is_point};
use belt::{Belt, Support};
use colour::normalise;
use components::{Choice, Component, Components};
use crop::{Crop, CropMisfit, Cropper};
use follow::Followed;
use plane::Plane;
use window::Window;

pub use colour::{DEVIATION, MEAN};

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
    /// Left out of the file where it is the whole photograph, so that files from before it was there keep their content
    /// hash.
    #[serde(default, skip_serializing_if = "Crop::is_whole")]
    pub crop: Crop,
    #[serde(rename = "plane")]
    pub belt: BeltMode,
    #[serde(rename = "keep")]
    pub part: PartChoice,
    /// Seed of the belt's sampler.
    pub seed: u64,
    /// Left out of the file where it is one, for the same reason.
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
    pub taken: Taken,
}

/// What was taken for the belt and for the part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
}

/// Why no part was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Every component is too small, or touches the edge where that is not allowed.
    Component,
    /// What a pixel is in millimetres cannot be told, so that no window can follow the part.
    Scale,
}

impl NetworkInput {
    /// N.
    pub fn points(&self) -> usize {
        self.cloud.iter().filter(|p| is_point(p)).count()
    }
}

/// Cropped, belt and stray points removed, resized to H x W, normalised.
pub fn prepare(frame: &RgbdFrame, how: &Preparation) -> Result<NetworkInput, CropMisfit> {
    let mut input = NetworkInput::default();
    Preparer::default().run(frame, how, None, &mut input)?;
    Ok(input)
}

/// [`prepare`] with buffers that frames reuse: a frame of the size of the one before allocates nothing.
#[derive(Default)]
pub struct Preparer {
    cropper: Cropper,
    fitter: belt::Fitter,
    components: Components,
    resizer: resize::Resizer,
}

impl Preparer {
    /// `at`: which part is meant, by a pixel `[x, y]` of the photograph, where several are taken; the one nearest to the
    /// middle without it.
    pub fn run(
        &mut self,
        frame: &RgbdFrame,
        how: &Preparation,
        at: Option<[f32; 2]>,
        input: &mut NetworkInput,
    ) -> Result<(), CropMisfit> {
        let Self { cropper, fitter, components, resizer } = self;
        let (seen, bounds) = cropper.cut(frame, &how.crop)?;
        let (width, points) = (seen.width(), seen.cloud().points());
        let at = at.map(|[x, y]| [x - bounds.x as f32, y - bounds.y as f32]);
        let mut taken = Taken { belt: belt(fitter, points, width, how), ..Taken::default() };
        taken.depth_m = fitter.median_depth_m();
        let plane = taken.belt.map(|belt| belt.plane);
        let there = is_there(plane);
        let keeps_all = matches!(how.part, PartChoice::All | PartChoice::Everything);
        let choice = if keeps_all && how.crop.follow_mm.is_none() {
            None
        } else {
            components.find(points, width, &there);
            choose(components, how.part, (width, seen.height()), at)
        };
        if let Some(choice) = choice.filter(|_| !keeps_all) {
            (taken.touches_edge, taken.is_close) = (choice.touches_edge, choice.is_close);
        }
        let mut window = Window::around(Region::whole(seen));
        let mut shift_m = None;
        if let Some(side_mm) = how.crop.follow_mm {
            let is_part = |i: usize| choice.is_some_and(|choice| components.has(&choice, i));
            match follow::follow(points, width, is_part, plane.as_ref(), side_mm) {
                Some(Followed { window: around, shift_m: by }) => (window, shift_m) = (around, Some(by)),
                None => taken.missing = Some(choice.map_or(Missing::Component, |_| Missing::Scale)),
            }
        } else if !keeps_all && choice.is_none() {
            taken.missing = Some(Missing::Component);
        }
        // The network sees few points of a large frame: only these are looked at, except where components are found.
        let keeps = |i: usize| match choice {
            _ if taken.missing.is_some() => false,
            Some(choice) if !keeps_all => components.has(&choice, i),
            _ => there(&points[i]),
        };
        let point = |x: usize, y: usize| {
            let i = y * width + x;
            let moved = |by: [f32; 3]| std::array::from_fn(|axis| points[i][axis] + by[axis]);
            if keeps(i) { shift_m.map_or(points[i], moved) } else { [0.0; 3] }
        };
        window.nearest_into(point, [0.0; 3], &mut input.cloud);
        input.kept.clear();
        input.kept.extend(input.cloud.iter().map(is_point));
        normalise(resizer.rgb(seen.rgb(), width, &window), &mut input.rgb);
        (input.window, input.taken) = (window.moved(bounds.x, bounds.y), taken);
        Ok(())
    }

    /// Where the parts of a frame are that are inspected one by one: the middle of each, pixels `[x, y]` of the photograph.
    pub fn parts(&mut self, frame: &RgbdFrame, how: &Preparation) -> Result<Vec<[f32; 2]>, CropMisfit> {
        let mut middles = Vec::new();
        let bounds = self.each(frame, how, &mut |middle, component| {
            if !component.touches_edge {
                middles.push(middle);
            }
        })?;
        Ok(middles.into_iter().map(|[x, y]| [x + bounds.x as f32, y + bounds.y as f32]).collect())
    }

    /// Shows `see` every component that is no speck, with its middle in pixels of the crop. Returns the crop's bounds.
    pub fn each(
        &mut self,
        frame: &RgbdFrame,
        how: &Preparation,
        see: &mut dyn FnMut([f32; 2], &Component),
    ) -> Result<Region, CropMisfit> {
        let Self { cropper, fitter, components, .. } = self;
        let (seen, bounds) = cropper.cut(frame, &how.crop)?;
        let (width, points) = (seen.width(), seen.cloud().points());
        let plane = belt(fitter, points, width, how).map(|belt| belt.plane);
        components.find(points, width, is_there(plane));
        components.large().iter().for_each(|component| see(component.middle(), component));
        Ok(bounds)
    }
}

/// Whether a point is one, and does not lie on the belt.
fn is_there(belt: Option<Plane>) -> impl Fn(&[f32; 3]) -> bool {
    move |point| is_point(point) && !belt.is_some_and(|belt| plane::is_background(point, &belt))
}

/// The belt of a frame, and its support.
fn belt(fitter: &mut belt::Fitter, points: &[[f32; 3]], width: usize, how: &Preparation) -> Option<Belt> {
    match how.belt {
        BeltMode::Fit => fitter.fit(points, width, how.seed),
        BeltMode::None => {
            fitter.look(points, width);
            None
        }
        BeltMode::Fixed(plane) => {
            let support: Support = fitter.support(points, width, &plane);
            Some(Belt { plane, support })
        }
    }
}

/// The component that is the part, in a frame of a width and a height: of several, the one at `at` where that is given.
pub fn choose(
    components: &mut Components,
    part: PartChoice,
    (width, height): (usize, usize),
    at: Option<[f32; 2]>,
) -> Option<Choice> {
    let middle = [width as f32 / 2.0, height as f32 / 2.0];
    match (part, at) {
        (PartChoice::Largest | PartChoice::All | PartChoice::Everything, _) => components.largest(),
        (PartChoice::Each, Some(at)) => components.at(at),
        (PartChoice::Centre | PartChoice::Each, _) => components.nearest(middle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::OrganisedCloud;
    use crate::shapes::RGB;

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
        let how = Preparation { part: PartChoice::All, ..Preparation::default() };
        let input = prepare(&frame, &how).unwrap();
        let mut before = cloud;
        plane::remove(&mut before, &input.taken.belt.unwrap().plane);
        let want = input.window.nearest(&before, width, [0.0; 3]);
        assert!(input.cloud == want && input.points() > 1000 && input.points() < 40_000, "{}", input.points());
    }
}
