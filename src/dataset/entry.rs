//! One frame of a dataset, by its files.

use std::path::PathBuf;

use super::error::DatasetError;
use super::read::{open, read_as_it_is, read_frame, read_mask_of};
use super::reading::Reading;
use super::recording::PartRecord;
use crate::frame::RgbdFrame;

/// One frame of a dataset, not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Unique within its split, `good/003`.
    pub name: String,
    /// None for a good part.
    pub defect: Option<String>,
    /// The file of the colour image.
    pub rgb: PathBuf,
    /// The file of points or depth.
    pub xyz: PathBuf,
    /// The mask of defective pixels; a good part may have none.
    pub truth: Option<PathBuf>,
    /// What the numbers of its cloud mean.
    pub reading: Reading,
}

impl Entry {
    /// Reads the frame. Points at a distance that no camera measures are an error: their unit is another one.
    pub fn frame(&self) -> Result<RgbdFrame, DatasetError> {
        read_frame(&self.rgb, &self.xyz, &self.reading)
    }

    /// Reads the frame at whatever distance its points are: a camera's first frames decide together whether the unit is
    /// right.
    #[doc(hidden)]
    pub fn frame_as_it_is(&self) -> Result<RgbdFrame, DatasetError> {
        read_as_it_is(&self.rgb, &self.xyz, &self.reading)
    }

    /// Sets what the numbers of the cloud mean; a frame with a camera of its own keeps it.
    pub fn read_as(&mut self, reading: &Reading) {
        let camera = self.reading.camera.take().or_else(|| reading.camera.clone());
        self.reading = Reading { camera, ..*reading };
    }

    /// Whether each pixel of the frame, `[height, width]`, is defective. A mask that cannot be its defect's is refused; a
    /// station's own may be empty, since a part may be rejected without a pixel above the threshold.
    pub fn truth(&self, width: usize, height: usize) -> Result<Vec<bool>, DatasetError> {
        let Some(path) = &self.truth else { return Ok(vec![false; width * height]) };
        let mask = read_mask_of(path, width, height)?;
        if self.defect.is_some() && PartRecord::beside(&self.rgb)?.is_none() {
            mask.check_defect(path)?;
        }
        Ok(mask.marked)
    }

    /// The width and height of the frame by its files' headers; files that do not belong together are refused.
    pub fn size(&self) -> Result<(usize, usize), DatasetError> {
        let (picture, points) = open(&self.rgb, &self.xyz, &self.reading)?;
        Ok(points.size_of_frame(&self.reading, picture.size()))
    }

    /// Refuses a frame whose files do not belong together by their headers, or whose mask cannot be its own.
    pub fn check(&self) -> Result<(), DatasetError> {
        let (width, height) = self.size()?;
        self.truth(width, height).map(drop)
    }
}
