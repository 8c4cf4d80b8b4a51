//! A frame on a GPU, counted: every launch of its kernels in order, with its grid and its work, and the time that a GPU
//! cannot go below for it. No GPU is needed. A test compares the launches with those that the back end makes.
//!
//! Instructions are those of the kernels' loops as ptxas 12.6 assembles them for sm_89, times how often the loops run;
//! sizes that only a frame decides are assumed ([`Scene`]). Instructions and operations include those on padding.

mod frame;
mod gpu;
mod launch;
mod mapping;
mod networks;
mod phase;
mod pixels;
mod prepare;
mod products;
mod scene;

pub use frame::{Frame, frame};
pub use gpu::{Chip, Gpu, Known, Link};
pub use launch::{Launch, Work};
pub use phase::{Phase, Step, Stream};
pub use pixels::registration;
pub use scene::Scene;
