//! Frames on disk: colour as PNG or JPEG; points as float TIFF, NPY, or 16-bit depth PNG with intrinsics.

mod eyecandies;
mod jpeg;
mod layout;
pub mod mvtec3d;
mod npy;
pub mod recording;
mod tiff;
mod unit;

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use thiserror::Error;

use crate::calibration::distance::{DistanceError, check_distance, has_signal};
use crate::calibration::{CalibrationError, Camera};
use crate::frame::{FrameError, OrganisedCloud, RgbdFrame, SIDE_MAX, check_size};

pub use self::layout::{Entry, Layout, Split, draw, frames_under, nominal};
pub use self::tiff::write_map;
pub use self::unit::metres_of;

#[derive(Debug, Error)]
pub enum DatasetError {
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot read {} as {expected}: {reason}; check that the file is complete", path.display())]
    Decode { path: PathBuf, expected: &'static str, reason: String },
    #[error("{}: expected {expected}, found {found}", path.display())]
    Layout { path: PathBuf, expected: &'static str, found: String },
    #[error("{}: expected a cloud as .tif, .tiff or .npy, or a 16-bit depth .png", path.display())]
    Kind { path: PathBuf },
    #[error("{} is a depth image: give the camera file with --camera FILE", path.display())]
    NoCamera { path: PathBuf },
    #[error("{} has no cloud of the same name beside it: each colour image needs its xyz", rgb.display())]
    NoCloud { rgb: PathBuf },
    #[error("{} has no colour image of the same name beside it: each cloud needs its rgb", xyz.display())]
    NoColour { xyz: PathBuf },
    #[error("{} shows a defect but has no mask in {}", rgb.display(), expected.display())]
    NoTruth { rgb: PathBuf, expected: PathBuf },
    #[error("{} has no class {class}; it has {found}", root.display())]
    Class { root: PathBuf, class: String, found: String },
    #[error("{} has no frames", path.display())]
    Empty { path: PathBuf },
    #[error("{} and {}: {source}", rgb.display(), xyz.display())]
    Frame { rgb: PathBuf, xyz: PathBuf, source: FrameError },
    #[error("{}: {source}", path.display())]
    Size { path: PathBuf, source: FrameError },
    #[error("{}: {source}", path.display())]
    Camera { path: PathBuf, source: CalibrationError },
    #[error("{}: {unit}", path.display())]
    Unit { path: PathBuf, unit: DistanceError },
}

/// How the points of files are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// For clouds that are depth images.
    pub camera: Option<Camera>,
    /// What a coordinate of the other clouds is in metres.
    pub cloud_unit_m: f32,
}

impl Default for Reading {
    fn default() -> Self {
        Self { camera: None, cloud_unit_m: 1.0 }
    }
}

impl From<Camera> for Reading {
    fn from(camera: Camera) -> Self {
        Self { camera: Some(camera), ..Self::default() }
    }
}

/// Reads one pixel-registered frame. One at a distance that no camera measures at is refused: its unit is wrong.
pub fn read_frame(rgb: &Path, xyz: &Path, reading: &Reading) -> Result<RgbdFrame, DatasetError> {
    let frame = read_as_it_is(rgb, xyz, reading)?;
    if has_signal(frame.cloud()) {
        check_distance(frame.cloud().points()).map_err(|unit| DatasetError::Unit { path: xyz.into(), unit })?;
    }
    Ok(frame)
}

/// [`read_frame`] at whatever distance: for a camera, whose first frames decide together.
fn read_as_it_is(rgb: &Path, xyz: &Path, reading: &Reading) -> Result<RgbdFrame, DatasetError> {
    let camera = reading.camera.as_ref();
    let image = read_rgb(rgb)?;
    let mut cloud = read_cloud(xyz, reading)?;
    let (mut width, mut height) = (image.width() as usize, image.height() as usize);
    let mut image = image.into_raw();
    if let Some(camera) = camera.filter(|_| is_depth(xyz)) {
        let failed = |source| DatasetError::Camera { path: rgb.into(), source };
        if let Some(colours) = camera.colour_at(&mut cloud, &image, width, height).map_err(failed)? {
            (image, width, height) = (colours, cloud.width(), cloud.height());
        }
    }
    RgbdFrame::new(width, height, image, cloud).map_err(|source| DatasetError::Frame {
        rgb: rgb.into(),
        xyz: xyz.into(),
        source,
    })
}

/// Reads a colour image; a grey one has three equal channels.
pub fn read_rgb(path: &Path) -> Result<image::RgbImage, DatasetError> {
    match decode(path, "a PNG or JPEG image")? {
        DynamicImage::ImageLuma16(_) => Err(DatasetError::Layout {
            path: path.into(),
            expected: "a colour image",
            found: "one channel of 16 bits a pixel: is this the depth image?".into(),
        }),
        image => Ok(image.into_rgb8()),
    }
}

/// Reads a cloud by what its name ends in.
pub fn read_cloud(path: &Path, reading: &Reading) -> Result<OrganisedCloud, DatasetError> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let cloud = match extension.to_str() {
        Some("tif" | "tiff") => tiff::read_cloud(path),
        Some("npy") => npy::read_cloud(path),
        Some("png") => return read_depth(path, reading.camera.as_ref()),
        _ => Err(DatasetError::Kind { path: path.into() }),
    }?;
    Ok(if reading.cloud_unit_m == 1.0 { cloud } else { cloud.scaled(reading.cloud_unit_m) })
}

/// Whether a cloud's file is a depth image.
fn is_depth(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

/// Reads a picture as grey values.
pub fn read_grey(path: &Path) -> Result<image::GrayImage, DatasetError> {
    Ok(decode(path, "a mask image")?.into_luma8())
}

/// Reads a mask of `width` x `height`: whether each pixel is defective.
pub fn read_mask(path: &Path, width: usize, height: usize) -> Result<Vec<bool>, DatasetError> {
    let mask = read_grey(path)?;
    if (mask.width() as usize, mask.height() as usize) != (width, height) {
        return Err(DatasetError::Layout {
            path: path.into(),
            expected: "a mask of its frame's size",
            found: format!("{} x {} where the frame is {width} x {height}", mask.width(), mask.height()),
        });
    }
    Ok(mask.into_raw().into_iter().map(|v| v > 0).collect())
}

fn read_depth(path: &Path, camera: Option<&Camera>) -> Result<OrganisedCloud, DatasetError> {
    let camera = camera.ok_or_else(|| DatasetError::NoCamera { path: path.into() })?;
    match decode(path, "a 16-bit depth PNG")? {
        DynamicImage::ImageLuma16(depth) => {
            let (width, height) = (depth.width() as usize, depth.height() as usize);
            camera.cloud(&depth, width, height).map_err(|source| DatasetError::Camera { path: path.into(), source })
        }
        other => Err(DatasetError::Layout {
            path: path.into(),
            expected: "one channel of 16 bits a pixel (depth)",
            found: format!("{:?}", other.color()),
        }),
    }
}

fn decode(path: &Path, expected: &'static str) -> Result<DynamicImage, DatasetError> {
    let failed = |reason: String| DatasetError::Decode { path: path.into(), expected, reason };
    let unopened = |source| DatasetError::Open { path: path.into(), source };
    let mut reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(unopened)?;
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg::is_complete(&std::fs::read(path).map_err(unopened)?) {
        return Err(failed("the image ends too early".into()));
    }
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX as u32), Some(SIDE_MAX as u32));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| failed(e.to_string()))?;
    let (width, height) = decoder.dimensions();
    check_size(width as usize, height as usize).map_err(|source| DatasetError::Size { path: path.into(), source })?;
    DynamicImage::from_decoder(decoder).map_err(|e| failed(e.to_string()))
}
