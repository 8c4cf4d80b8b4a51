//! Frames on disk: colour and masks as pictures; points or depth as TIFF, NPY or PNG. README.md has the table of formats.

mod eyecandies;
mod jpeg;
mod layout;
mod mask;
pub mod mvtec3d;
mod npy;
mod pairs;
mod picture;
mod png;
mod points;
pub mod recording;
pub(crate) mod tiff;
mod unit;
mod values;

use std::path::{Path, PathBuf};

use thiserror::Error;

use self::picture::Picture;
use self::points::PointsFile;
use crate::calibration::distance::{DistanceError, check_distance, has_signal};
use crate::calibration::{CalibrationError, Camera};
use crate::files;
use crate::frame::{FrameError, OrganisedCloud, RgbdFrame};

pub use self::layout::{Entry, Layout, Split, draw, frames_under, nominal};
pub use self::mask::Mask;
pub use self::unit::metres_of;

#[derive(Debug, Error)]
pub enum DatasetError {
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot read {} as {expected}: {reason}; check that the file is complete", path.display())]
    Decode { path: PathBuf, expected: &'static str, reason: String },
    #[error("{}: expected {expected}, found {found}", path.display())]
    Layout { path: PathBuf, expected: &'static str, found: String },
    #[error("{}: expected a cloud or depth as .tif, .tiff or .npy, or a 16-bit depth .png", path.display())]
    Kind { path: PathBuf },
    #[error(
        "{} is a depth image: give the camera file that makes points of it, with --camera FILE (camera.replay.camera_file of a station)",
        path.display()
    )]
    NoCamera { path: PathBuf },
    #[error("{} has no cloud of the same name beside it: each colour image needs its xyz", rgb.display())]
    NoCloud { rgb: PathBuf },
    #[error("{} has no colour image of the same name beside it: each cloud needs its rgb", xyz.display())]
    NoColour { xyz: PathBuf },
    #[error("{} and {} are files of one name, which can both be the one that is meant: remove one", first.display(), second.display())]
    Twice { first: PathBuf, second: PathBuf },
    #[error("{} shows a defect but has no mask in {}", rgb.display(), expected.display())]
    NoTruth { rgb: PathBuf, expected: PathBuf },
    #[error("{} is the mask of a defect but marks no pixel: mark it, or move its frame to good", path.display())]
    Unmarked { path: PathBuf },
    #[error(
        "{} is the mask of a defect but marks {percent:.0} % of the picture: is it inverted? What is not black is the defect",
        path.display()
    )]
    Inverted { path: PathBuf, percent: f64 },
    #[error("{} has no class {class}; it has {found}", root.display())]
    Class { root: PathBuf, class: String, found: String },
    #[error("{} has no frames", path.display())]
    Empty { path: PathBuf },
    #[error("{} and {}: {source}", rgb.display(), xyz.display())]
    Frame { rgb: PathBuf, xyz: PathBuf, source: FrameError },
    #[error(
        "{} is shown as {} x {} since its orientation tag ({orientation}) is applied, and {} fits it only as it is stored, without: take the tag out, or register the points to the image that is shown",
        rgb.display(), shown.0, shown.1, xyz.display()
    )]
    Turned { rgb: PathBuf, xyz: PathBuf, orientation: u8, shown: (usize, usize) },
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
    /// What a number of other files is in metres: a coordinate, or a depth that is a floating-point number.
    pub cloud_unit_m: f32,
    /// A z or a depth that stands for no point, as it is written in the file; besides what is not finite or not above 0.
    pub no_point: Option<f32>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { camera: None, cloud_unit_m: 1.0, no_point: None }
    }
}

impl From<Camera> for Reading {
    fn from(camera: Camera) -> Self {
        Self { camera: Some(camera), ..Self::default() }
    }
}

/// Writes `[height, width]` f32 as a TIFF of one channel; whole or not at all.
pub fn write_map(path: &Path, map: &[f32], width: usize, height: usize) -> std::io::Result<()> {
    files::write_whole(path, |file| tiff::write_map(file, map, width, height))
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
    let (picture, points) = open(rgb, xyz, reading)?;
    let of_depth = reading.camera.as_ref().filter(|_| points.is_depth());
    let mut cloud = points.read(reading)?;
    let image = picture::read_colour(picture)?;
    let (mut width, mut height) = (image.width() as usize, image.height() as usize);
    let mut image = image.into_raw();
    if let Some(camera) = of_depth {
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

/// Reads the headers of both files of a frame, and refuses them where they do not belong together.
fn open(rgb: &Path, xyz: &Path, reading: &Reading) -> Result<(Picture, PointsFile), DatasetError> {
    let picture = picture::open_colour(rgb)?;
    let points = PointsFile::open(xyz)?;
    let camera = points.camera(reading)?;
    let (rgb_size, xyz_size) = (picture.size(), points.size());
    let as_shown = check_sizes(camera, rgb_size, xyz_size);
    if as_shown.is_err() && check_sizes(camera, picture.stored_size(), xyz_size).is_ok() {
        let (orientation, shown) = (picture.orientation(), rgb_size);
        return Err(DatasetError::Turned { rgb: rgb.into(), xyz: xyz.into(), orientation, shown });
    }
    as_shown.map_err(|error| match error {
        CalibrationError::Size(source) => DatasetError::Frame { rgb: rgb.into(), xyz: xyz.into(), source },
        CalibrationError::Resolution { node: "colour", .. } => DatasetError::Camera { path: rgb.into(), source: error },
        source => DatasetError::Camera { path: xyz.into(), source },
    })?;
    Ok((picture, points))
}

/// Refuses images, each of a width and a height, that are not of one frame.
fn check_sizes(camera: Option<&Camera>, rgb: (usize, usize), xyz: (usize, usize)) -> Result<(), CalibrationError> {
    match camera {
        Some(camera) => camera.check_sizes(rgb, xyz),
        None if rgb == xyz => Ok(()),
        None => {
            Err(FrameError::SizeMismatch { rgb_width: rgb.0, rgb_height: rgb.1, xyz_width: xyz.0, xyz_height: xyz.1 })?
        }
    }
}

/// Reads a colour image, turned as it is shown; a grey one has three equal channels.
pub fn read_rgb(path: &Path) -> Result<image::RgbImage, DatasetError> {
    picture::read_colour(picture::open_colour(path)?)
}

/// Reads a cloud, or a depth image as the cloud that its camera makes of it.
pub fn read_cloud(path: &Path, reading: &Reading) -> Result<OrganisedCloud, DatasetError> {
    PointsFile::open(path)?.read(reading)
}

/// Reads a mask of `width` x `height`: whether each pixel is defective.
pub fn read_mask(path: &Path, width: usize, height: usize) -> Result<Vec<bool>, DatasetError> {
    read_mask_of(path, width, height).map(|mask| mask.marked)
}

fn read_mask_of(path: &Path, width: usize, height: usize) -> Result<Mask, DatasetError> {
    let mask = Mask::read(path)?;
    if (mask.width, mask.height) != (width, height) {
        return Err(DatasetError::Layout {
            path: path.into(),
            expected: "a mask of its frame's size",
            found: format!("{} x {} where the frame is {width} x {height}", mask.width, mask.height),
        });
    }
    Ok(mask)
}
