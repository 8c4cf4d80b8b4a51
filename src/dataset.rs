//! Frames on disk: colour and masks as pictures; points or depth as TIFF, NPY or PNG. docs/guide/files.md has the table
//! of formats.

mod entry;
mod error;
mod eyecandies;
mod folders;
mod jpeg;
mod layout;
mod mask;
pub mod mvtec3d;
mod npy;
mod pairs;
mod picture;
mod png;
mod points;
mod read;
mod reading;
pub mod recording;
pub(crate) mod tiff;
mod unit;
mod values;

use std::path::Path;

use crate::files;

pub use entry::Entry;
pub use error::DatasetError;
pub use layout::{Layout, Split, draw, frames_under, nominal};
pub use mask::Mask;
pub use read::{read_cloud, read_frame, read_mask, read_rgb};
pub use reading::Reading;
pub use unit::metres_of;

/// Writes `[height, width]` f32 as a TIFF of one channel; whole or not at all.
pub fn write_map(path: &Path, map: &[f32], width: usize, height: usize) -> std::io::Result<()> {
    files::write_whole(path, |file| tiff::write_map(file, map, width, height))
}
