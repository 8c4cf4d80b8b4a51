//! The work on every pixel of a frame: the CPU's own, and what another machine must offer to do it instead.

use std::convert::Infallible;
use std::fmt::Display;

use super::NetworkInput;
use super::colour::normalise;
use super::components::{Choice, Components, Wanted};
use super::plane::{self, Plane};
use super::point_grid::PointGrid;
use super::resize::Resizer;
use super::window::Window;
use crate::frame::{RgbdFrame, is_point};

/// Which points the networks are given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    None,
    /// Those that do not lie on the belt.
    All,
    /// Those of one component.
    Component(Choice),
}

/// The work on every pixel of what is seen of a frame, in the order of the functions. The small rest of the preparation is
/// the CPU's: the belt, which component is the part, and where the window lies.
pub trait PixelWork {
    /// The reason why the machine cannot do the work.
    type Error: Display;

    /// Leaves out the points that lie on the belt.
    fn remove(&mut self, belt: Option<Plane>) -> Result<(), Self::Error>;

    /// Finds the components of the points that are left, and the one among them that is the part.
    fn find(&mut self, wanted: Wanted) -> Result<Option<Choice>, Self::Error>;

    /// Marks the pixels of the part for [`Self::is_part`].
    fn mark(&mut self, part: Choice) -> Result<(), Self::Error>;

    /// Whether a pixel belongs to the part that was marked.
    fn is_part(&self, pixel: usize) -> bool;

    /// Writes colour and cloud of the window into `input`; `shift_m` is added to each point.
    fn fill(
        &mut self,
        window: &Window,
        keep: Keep,
        shift_m: Option<[f32; 3]>,
        input: &mut NetworkInput,
    ) -> Result<(), Self::Error>;
}

/// A machine that does the work with the result of the CPU, bit for bit.
pub trait PixelMachine: PixelWork {
    /// Takes the next frame, and `seen`, which is what its crop shows of it.
    fn take(&mut self, frame: &RgbdFrame, seen: PointGrid<'_>) -> Result<(), Self::Error>;
}

/// The CPU's buffers, which frames reuse.
#[derive(Default)]
pub struct Buffers {
    components: Components,
    resizer: Resizer,
}

/// The work on a frame by the CPU.
pub struct CpuWork<'a> {
    frame: &'a RgbdFrame,
    buffers: &'a mut Buffers,
    belt: Option<Plane>,
    part: Option<Choice>,
}

impl<'a> CpuWork<'a> {
    pub fn new(frame: &'a RgbdFrame, buffers: &'a mut Buffers) -> Self {
        Self { frame, buffers, belt: None, part: None }
    }

    /// The components of the points that are left.
    pub fn components(&mut self) -> &mut Components {
        let points = self.frame.cloud().points();
        self.buffers.components.find(points, self.frame.width(), is_there(self.belt));
        &mut self.buffers.components
    }
}

impl PixelWork for CpuWork<'_> {
    type Error = Infallible;

    fn remove(&mut self, belt: Option<Plane>) -> Result<(), Infallible> {
        self.belt = belt;
        Ok(())
    }

    fn find(&mut self, wanted: Wanted) -> Result<Option<Choice>, Infallible> {
        Ok(self.components().choose(wanted))
    }

    fn mark(&mut self, part: Choice) -> Result<(), Infallible> {
        self.part = Some(part);
        Ok(())
    }

    fn is_part(&self, pixel: usize) -> bool {
        self.part.is_some_and(|part| self.buffers.components.has(&part, pixel))
    }

    fn fill(
        &mut self,
        window: &Window,
        keep: Keep,
        shift_m: Option<[f32; 3]>,
        input: &mut NetworkInput,
    ) -> Result<(), Infallible> {
        let Buffers { components, resizer } = &mut *self.buffers;
        let (width, points, there) = (self.frame.width(), self.frame.cloud().points(), is_there(self.belt));
        // The network sees few points of a large frame: only these are looked at, except where components are found.
        let keeps = |i: usize| match keep {
            Keep::None => false,
            Keep::All => there(&points[i]),
            Keep::Component(choice) => components.has(&choice, i),
        };
        let point = |x: usize, y: usize| {
            let i = y * width + x;
            let moved = |by: [f32; 3]| std::array::from_fn(|axis| points[i][axis] + by[axis]);
            if keeps(i) { shift_m.map_or(points[i], moved) } else { [0.0; 3] }
        };
        window.nearest_into(point, [0.0; 3], &mut input.cloud);
        normalise(resizer.rgb(self.frame.rgb(), width, window), &mut input.rgb);
        Ok(())
    }
}

/// Whether a point is one, and does not lie on the belt.
fn is_there(belt: Option<Plane>) -> impl Fn(&[f32; 3]) -> bool {
    move |point| is_point(point) && !belt.is_some_and(|belt| plane::is_background(point, &belt))
}
