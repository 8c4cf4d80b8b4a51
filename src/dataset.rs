//! Frames on disk: colour and masks as pictures; points or depth as TIFF, NPY or PNG. docs/guide/files.md has the table
//! of formats.
//!
//! [`nominal`] finds the good frames of a folder, [`Layout`] the frames of a published dataset, and [`read_frame`] reads
//! a frame from two files. [`Reading`] says what the numbers in the files mean: metres, unless it says otherwise.

mod beside;
mod entry;
mod error;
mod eyecandies;
#[doc(hidden)]
pub mod finding;
mod folders;
mod jpeg;
mod layout;
mod mask;
#[doc(hidden)]
pub mod mvtec3d;
mod npy;
mod pairs;
mod picture;
mod png;
mod points;
mod read;
mod reading;
#[doc(hidden)]
pub mod recording;
pub(crate) mod tiff;
mod unit;
mod values;

use std::path::Path;

use crate::files;

#[doc(hidden)]
pub use beside::path as file_beside;
pub use entry::Entry;
pub use error::DatasetError;
pub use layout::{Layout, Split, frames_under, nominal};
#[doc(hidden)]
pub use layout::{draw, found_good};
#[doc(hidden)]
pub use mask::Mask;
pub use mvtec3d::write as write_frame;
#[doc(hidden)]
pub use read::read_rgb;
pub use read::{read_cloud, read_frame, read_mask};
pub use reading::Reading;
#[doc(hidden)]
pub use unit::metres_of;

/// Reads a map of `width` x `height` that [`write_map`] wrote; another size is refused before anything is decoded.
#[doc(hidden)]
pub fn read_map(path: &Path, width: usize, height: usize) -> Result<Vec<f32>, DatasetError> {
    tiff::read_map(path, width, height)
}

/// Writes `[height, width]` f32 as a TIFF of one channel; whole or not at all.
#[doc(hidden)]
pub fn write_map(path: &Path, map: &[f32], width: usize, height: usize) -> std::io::Result<()> {
    files::write_whole(path, |file| tiff::write_map(file, map, width, height))
}
