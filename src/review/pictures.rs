//! The pictures of a recorded part, drawn from its files when they are asked for.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, ImageFormat, RgbImage, imageops};

use super::error::ReviewError;
use super::part::RecordedPart;
use crate::dataset::recording::PartRecord;
use crate::dataset::{self, Reading};
use crate::frame::SIDE_MAX;
use crate::overlay::{Overlay, Photograph, heat_map, overlay, relief, small_overlay};
use crate::prepare::Window;
use crate::shapes::{H, W};

/// The longer side of a thumbnail has at most so many pixels.
const THUMBNAIL: usize = 160;
const JPEG_QUALITY: u8 = 85;
/// A window's side, and how far it lies beside its photograph, has at most so many pixels.
const WINDOW_MAX: usize = 4 * SIDE_MAX;

/// What a picture of a part shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// What the camera saw.
    Photograph,
    /// The heat map over it, small and without words.
    Thumbnail,
    /// The heat map over it, with the outlines and kinds of the defects and a legend.
    Overlay,
    /// The shape, as light from the upper left would fall on it.
    Relief,
    /// The distances of colour from what is predicted.
    DistanceRgb,
    /// The distances of shape from what is predicted.
    DistanceXyz,
    /// The mask of defective pixels, white.
    Mask,
}

crate::words::words!(Picture {
    Photograph = "photograph",
    Thumbnail = "thumbnail",
    Overlay = "overlay",
    Relief = "relief",
    DistanceRgb = "distance_rgb",
    DistanceXyz = "distance_xyz",
    Mask = "mask",
});

/// A picture as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
}

/// The maps of a part, each `[P]`.
struct Maps {
    anomaly_map: Vec<f32>,
    /// Pixels that were taken for the part: both distances are 0 elsewhere.
    kept: Vec<bool>,
    /// Those of them where defects count.
    valid: Vec<bool>,
}

impl RecordedPart {
    /// Draws a picture, a JPEG, or a PNG of the mask. A photograph may have as many pixels as a frame; what is larger is
    /// refused before it is decoded.
    pub fn picture(&self, picture: Picture) -> Result<Encoded, ReviewError> {
        match picture {
            Picture::Photograph => self.jpeg(&self.photograph()?),
            Picture::Thumbnail => self.jpeg(&self.thumbnail()?),
            Picture::Overlay => self.jpeg(&self.overlay()?),
            Picture::Relief => {
                let cloud = dataset::read_cloud(&self.file("xyz", "tiff"), &Reading::default());
                self.jpeg(&relief(&cloud.map_err(|error| self.failed(error))?))
            }
            Picture::DistanceRgb => self.jpeg(&heat_map(&self.map("psi_rgb")?)),
            Picture::DistanceXyz => self.jpeg(&heat_map(&self.map("psi_xyz")?)),
            Picture::Mask => self.mask(),
        }
    }

    fn photograph(&self) -> Result<RgbImage, ReviewError> {
        dataset::read_rgb(&self.file("rgb", "png")).map_err(|error| self.failed(error))
    }

    fn map(&self, folder: &str) -> Result<Vec<f32>, ReviewError> {
        dataset::read_map(&self.file(folder, "tiff"), W, H).map_err(|error| self.failed(error))
    }

    fn maps(&self) -> Result<Maps, ReviewError> {
        let anomaly_map = self.map("anomaly_map")?;
        let (psi_rgb, psi_xyz) = (self.map("psi_rgb")?, self.map("psi_xyz")?);
        let kept: Vec<bool> = psi_rgb.iter().zip(&psi_xyz).map(|(rgb, xyz)| *rgb != 0.0 || *xyz != 0.0).collect();
        let valid = kept.iter().zip(&anomaly_map).map(|(kept, value)| *kept && *value != 0.0).collect();
        Ok(Maps { anomaly_map, kept, valid })
    }

    fn overlay(&self) -> Result<RgbImage, ReviewError> {
        let record = self.record()?;
        let window = self.window(&record)?.ok_or_else(|| ReviewError::NoWindow { name: self.name().into() })?;
        let (photograph, maps) = (self.photograph()?, self.maps()?);
        Ok(overlay(&maps.over(&photograph, window, &record)))
    }

    /// The photograph alone, if an earlier version recorded it.
    fn thumbnail(&self) -> Result<RgbImage, ReviewError> {
        let (record, photograph) = (self.record()?, self.photograph()?);
        let (width, height) = photograph.dimensions();
        let reduced = (width.max(height) as usize).div_ceil(THUMBNAIL);
        let side = |side: u32| (side / reduced as u32).max(1);
        let small = imageops::thumbnail(&photograph, side(width), side(height));
        let Some(window) = self.window(&record)? else { return Ok(small) };
        Ok(small_overlay(&self.maps()?.over(&small, reduce(window, reduced), &record)))
    }

    /// The window of the record, if it has one; refused where no photograph can have it.
    fn window(&self, record: &PartRecord) -> Result<Option<Window>, ReviewError> {
        let Some(window) = record.window else { return Ok(None) };
        let Window { left, top, side, .. } = window;
        let is_sane = (1..=WINDOW_MAX).contains(&side) && left.unsigned_abs().max(top.unsigned_abs()) <= WINDOW_MAX;
        if is_sane {
            return Ok(Some(window));
        }
        let found = format!("a square of {side} pixels from column {left}, row {top} on");
        Err(ReviewError::Window { name: self.name().into(), found })
    }

    fn mask(&self) -> Result<Encoded, ReviewError> {
        let entry = self.entry();
        let size = entry.size().map_err(|error| self.failed(error))?;
        let marked = entry.truth(size.0, size.1).map_err(|error| self.failed(error))?;
        let values = marked.iter().map(|marked| if *marked { 255 } else { 0 }).collect();
        let Some(mask) = GrayImage::from_raw(size.0 as u32, size.1 as u32, values) else {
            unreachable!("a mask has its frame's size")
        };
        let mut bytes = Cursor::new(Vec::new());
        let written = mask.write_to(&mut bytes, ImageFormat::Png);
        self.encoded(written, bytes.into_inner(), "image/png")
    }

    fn jpeg(&self, picture: &RgbImage) -> Result<Encoded, ReviewError> {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        let written = encoder.write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8);
        self.encoded(written, bytes, "image/jpeg")
    }

    fn encoded(
        &self,
        written: image::ImageResult<()>,
        bytes: Vec<u8>,
        media_type: &'static str,
    ) -> Result<Encoded, ReviewError> {
        written.map_err(|source| ReviewError::Encode { name: self.name().into(), source })?;
        Ok(Encoded { bytes, media_type })
    }
}

impl Maps {
    fn over<'a>(&'a self, photograph: &'a RgbImage, window: Window, record: &'a PartRecord) -> Overlay<'a> {
        let (width, height) = (photograph.width() as usize, photograph.height() as usize);
        Overlay {
            photograph: Photograph { rgb: photograph, width, height },
            window,
            kept: &self.kept,
            anomaly_map: &self.anomaly_map,
            valid: &self.valid,
            score: record.score,
            threshold: Some(record.threshold),
            verdict: Some(record.verdict),
            defects: &record.defects,
        }
    }
}

/// The window in a photograph of as many times fewer pixels in each direction.
fn reduce(window: Window, reduced: usize) -> Window {
    let along = |at: isize| at.div_euclid(reduced as isize);
    let side = window.side.div_ceil(reduced);
    Window { left: along(window.left), top: along(window.top), side, ..window }
}
