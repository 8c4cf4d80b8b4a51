//! Prepares frames step by step, in buffers that frames reuse.

use super::belt::{Belt, Fitter, Support};
use super::components::{Component, Wanted};
use super::crop::{CropMisfit, Cropper};
use super::follow::{self, Followed};
use super::point_grid::PointGrid;
use super::window::Window;
use super::work::{Buffers, CpuWork, Keep, PixelMachine, PixelWork};
use super::{BeltMode, Missing, NetworkInput, PartChoice, Preparation, Taken};
use crate::frame::{Region, RgbdFrame, is_point};

/// Prepares a frame as an inspection does, to see what would be taken for the part: cropped, belt and stray points removed,
/// resized to 224 x 224, normalised.
///
/// An error if the crop does not fit the frame.
///
/// ```
/// use crosscheck::prepare::{PartChoice, Preparation, prepare};
/// use crosscheck::scene::{Part, Scene};
///
/// let frame = Scene::new(Part::Puck, 1).nominal(0).frame;
/// let how = Preparation { part: PartChoice::Centre, ..Preparation::default() };
/// let input = prepare(&frame, &how)?;
/// assert_eq!(input.cloud.len(), 224 * 224);
/// assert!(input.taken.belt.is_some() && input.points() > 5_000);
/// # Ok::<(), crosscheck::prepare::CropMisfit>(())
/// ```
pub fn prepare(frame: &RgbdFrame, how: &Preparation) -> Result<NetworkInput, CropMisfit> {
    let mut input = NetworkInput::default();
    Preparer::default().run(frame, how, None, &mut input)?;
    Ok(input)
}

/// [`prepare`] with buffers that frames reuse: a frame of the size of the one before allocates nothing.
#[derive(Default)]
pub struct Preparer {
    cropper: Cropper,
    fitter: Fitter,
    buffers: Buffers,
    /// Whether another machine failed to prepare a frame, so that the CPU does it.
    has_failed: bool,
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
        let Self { cropper, fitter, buffers, .. } = self;
        let (cut, bounds) = cropper.cut(frame, &how.crop)?;
        let seen = PointGrid::whole(cut.cloud().points(), cut.width());
        let Ok(()) = take(fitter, &mut CpuWork::new(cut, buffers), seen, how, moved(at, bounds), input);
        input.window = input.window.moved(bounds.x, bounds.y);
        Ok(())
    }

    /// [`Self::run`] with the work on every pixel by `machine`. Once that has failed, the CPU prepares the frame and every
    /// later one, with the same result.
    pub fn run_on(
        &mut self,
        machine: &mut impl PixelMachine,
        frame: &RgbdFrame,
        how: &Preparation,
        at: Option<[f32; 2]>,
        input: &mut NetworkInput,
    ) -> Result<(), CropMisfit> {
        if self.has_failed {
            return self.run(frame, how, at, input);
        }
        let seen = self.cropper.look(frame, &how.crop)?;
        let bounds = seen.bounds();
        let taken = machine.take(frame, seen);
        match taken.and_then(|()| take(&mut self.fitter, machine, seen, how, moved(at, bounds), input)) {
            Ok(()) => {
                input.window = input.window.moved(bounds.x, bounds.y);
                Ok(())
            }
            Err(reason) => {
                log::warn!("frames are prepared on the CPU from now on, with the same result: {reason}");
                self.has_failed = true;
                self.run(frame, how, at, input)
            }
        }
    }

    /// Whether the machine of [`Self::run_on`] has failed.
    pub fn has_failed(&self) -> bool {
        self.has_failed
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
        let Self { cropper, fitter, buffers, .. } = self;
        let (cut, bounds) = cropper.cut(frame, &how.crop)?;
        let seen = PointGrid::whole(cut.cloud().points(), cut.width());
        let mut work = CpuWork::new(cut, buffers);
        let Ok(()) = work.remove(belt(fitter, seen, how).map(|belt| belt.plane));
        work.components().large().iter().for_each(|component| see(component.middle(), component));
        Ok(bounds)
    }
}

/// A place in the photograph as one in its crop.
fn moved(at: Option<[f32; 2]>, bounds: Region) -> Option<[f32; 2]> {
    at.map(|[x, y]| [x - bounds.x as f32, y - bounds.y as f32])
}

/// Prepares what is seen of a frame. `at` and the window of `input` are in pixels of that.
fn take<W: PixelWork>(
    fitter: &mut Fitter,
    work: &mut W,
    seen: PointGrid<'_>,
    how: &Preparation,
    at: Option<[f32; 2]>,
    input: &mut NetworkInput,
) -> Result<(), W::Error> {
    let mut taken = Taken { belt: belt(fitter, seen, how), ..Taken::default() };
    taken.depth_m = fitter.median_depth_m();
    let plane = taken.belt.map(|belt| belt.plane);
    work.remove(plane)?;
    let size = (seen.width(), seen.height());
    let keeps_all = matches!(how.part, PartChoice::All | PartChoice::Everything);
    let choice = if keeps_all && how.crop.follow_mm.is_none() { None } else { work.find(wanted(how.part, size, at))? };
    if let Some(choice) = choice.filter(|_| !keeps_all) {
        (taken.touches_edge, taken.is_close) = (choice.touches_edge, choice.is_close);
    }
    let mut window = Window::around(Region::of_size(size.0, size.1));
    let mut shift_m = None;
    if let Some(side_mm) = how.crop.follow_mm {
        let followed = match choice {
            Some(choice) => {
                work.mark(choice)?;
                follow::follow(seen, |i| work.is_part(i), plane.as_ref(), side_mm)
            }
            None => None,
        };
        match followed {
            Some(Followed { window: around, shift_m: by }) => (window, shift_m) = (around, Some(by)),
            None => taken.missing = Some(choice.map_or(Missing::Component, |_| Missing::Scale)),
        }
    } else if !keeps_all && choice.is_none() {
        taken.missing = Some(Missing::Component);
    }
    let keep = match choice {
        _ if taken.missing.is_some() => Keep::None,
        Some(choice) if !keeps_all => Keep::Component(choice),
        _ => Keep::All,
    };
    taken.shift_m = shift_m.unwrap_or_default();
    input.resident = None;
    work.fill(&window, keep, shift_m, input)?;
    input.kept.clear();
    input.kept.extend(input.cloud.iter().map(is_point));
    (input.window, input.taken) = (window, taken);
    Ok(())
}

/// The belt of a frame, and its support.
fn belt(fitter: &mut Fitter, seen: PointGrid<'_>, how: &Preparation) -> Option<Belt> {
    match how.belt {
        BeltMode::Fit => fitter.fit(seen, how.seed),
        BeltMode::None => {
            fitter.look(seen);
            None
        }
        BeltMode::Fixed(plane) => {
            let support: Support = fitter.support(seen, &plane);
            Some(Belt { plane, support })
        }
    }
}

/// The component that is the part, in a frame of a width and a height: of several, the one at `at` where that is given.
pub fn wanted(part: PartChoice, (width, height): (usize, usize), at: Option<[f32; 2]>) -> Wanted {
    let middle = [width as f32 / 2.0, height as f32 / 2.0];
    match (part, at) {
        (PartChoice::Largest | PartChoice::All | PartChoice::Everything, _) => Wanted::Largest,
        (PartChoice::Each, Some(at)) => Wanted::At(at),
        (PartChoice::Centre | PartChoice::Each, _) => Wanted::Nearest(middle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::OrganisedCloud;
    use crate::prepare::plane;
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
