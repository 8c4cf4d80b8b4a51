//! Sets of pixels of the network grid, their connected areas, and what a pixel is in square millimetres.

mod connected;
mod mask;
mod pixel;

pub use connected::Areas;
pub use mask::{Disc, MARGIN, Mask};
pub use pixel::{LENGTHS_MAX, pixel_mm, pixel_mm2};
