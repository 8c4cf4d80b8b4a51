//! Reads frames, clouds and masks, and refuses files that do not belong together.

use std::path::Path;

use super::error::DatasetError;
use super::mask::Mask;
use super::picture::{self, Picture};
use super::points::PointsFile;
use super::reading::Reading;
use crate::calibration::distance::{check_distance, has_signal};
use crate::calibration::{CalibrationError, Camera};
use crate::frame::{FrameError, OrganisedCloud, RgbdFrame};

/// Reads one pixel-registered frame. A frame at a distance that no camera measures is refused: its unit is wrong.
///
/// ```
/// use crosscheck::dataset::{Reading, read_frame, write_frame};
/// use crosscheck::scene::{Part, Scene};
///
/// let folder = tempfile::tempdir()?;
/// let frame = Scene::new(Part::Puck, 1).nominal(0).frame;
/// write_frame(folder.path(), "0001", &frame, None)?;
/// let (rgb, xyz) = (folder.path().join("rgb/0001.png"), folder.path().join("xyz/0001.tiff"));
/// assert_eq!(read_frame(&rgb, &xyz, &Reading::default())?, frame);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_frame(rgb: &Path, xyz: &Path, reading: &Reading) -> Result<RgbdFrame, DatasetError> {
    let frame = read_as_it_is(rgb, xyz, reading)?;
    if has_signal(frame.cloud()) {
        check_distance(frame.cloud().points()).map_err(|unit| DatasetError::Unit { path: xyz.into(), unit })?;
    }
    Ok(frame)
}

/// Reads a frame at whatever distance its points are: a camera's first frames decide together whether the unit is
/// right.
pub fn read_as_it_is(rgb: &Path, xyz: &Path, reading: &Reading) -> Result<RgbdFrame, DatasetError> {
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
pub fn open(rgb: &Path, xyz: &Path, reading: &Reading) -> Result<(Picture, PointsFile), DatasetError> {
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

/// Refuses a colour image and a cloud, each given by its width and height, that cannot be of one frame.
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

pub fn read_mask_of(path: &Path, width: usize, height: usize) -> Result<Mask, DatasetError> {
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
