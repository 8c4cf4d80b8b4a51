//! Files of points or of depth, read as clouds.

use std::path::{Path, PathBuf};

use image::ColorType;

use super::error::DatasetError;
use super::npy::Array;
use super::picture::Picture;
use super::reading::Reading;
use super::tiff::TiffFile;
use super::values::{Narrow, Values};
use crate::calibration::Camera;
use crate::frame::OrganisedCloud;

/// Names of clouds and depth images end in one of these, in capitals or not.
pub const SUFFIXES: [&str; 4] = ["tif", "tiff", "npy", "png"];

/// A file of points or of depth whose header was read.
pub struct PointsFile {
    path: PathBuf,
    content: Content,
}

enum Content {
    Tiff(Box<TiffFile>),
    Npy(Array),
    Png(Picture),
}

impl PointsFile {
    /// Reads the header of a file, whose kind is what its name ends in.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let suffix = path.extension().unwrap_or_default().to_ascii_lowercase();
        let content = match suffix.to_str() {
            Some("tif" | "tiff") => Content::Tiff(Box::new(TiffFile::open(path)?)),
            Some("npy") => Content::Npy(Array::open(path)?),
            Some("png") => Content::Png(open_depth(path)?),
            _ => return Err(DatasetError::Kind { path: path.into() }),
        };
        Ok(Self { path: path.into(), content })
    }

    pub fn size(&self) -> (usize, usize) {
        match &self.content {
            Content::Tiff(file) => file.size(),
            Content::Npy(array) => array.size(),
            Content::Png(picture) => picture.size(),
        }
    }

    /// Whether it has one number a pixel, of which a camera makes a point.
    pub fn is_depth(&self) -> bool {
        match &self.content {
            Content::Tiff(file) => file.channels() == 1,
            Content::Npy(array) => array.channels() == 1,
            Content::Png(_) => true,
        }
    }

    /// The camera that it needs; none for points.
    pub fn camera<'a>(&self, reading: &'a Reading) -> Result<Option<&'a Camera>, DatasetError> {
        if !self.is_depth() {
            return Ok(None);
        }
        reading.camera.as_ref().map(Some).ok_or_else(|| DatasetError::NoCamera { path: self.path.clone() })
    }

    /// Width and height of the frame that it makes with a colour image of `rgb_size`.
    pub fn size_of_frame(&self, reading: &Reading, rgb_size: (usize, usize)) -> (usize, usize) {
        match &reading.camera {
            Some(Camera::Lenses(registration)) if self.is_depth() => registration.size(),
            _ => rgb_size,
        }
    }

    pub fn read(self, reading: &Reading) -> Result<OrganisedCloud, DatasetError> {
        let (width, height) = self.size();
        let camera = self.camera(reading)?;
        let narrow = Narrow { no_point: reading.no_point };
        let path = self.path;
        let values = match self.content {
            Content::Tiff(file) => file.read(narrow)?,
            Content::Npy(array) => array.read(narrow)?,
            Content::Png(picture) => Values::Steps(steps(picture, narrow)?),
        };
        let failed = |source| DatasetError::Camera { path: path.clone(), source };
        match (camera, values) {
            (Some(camera), Values::Steps(steps)) => camera.cloud(&steps, width, height).map_err(failed),
            (Some(camera), Values::Floats(mut depth_m)) => {
                let is_none = |depth: f32| reading.no_point == Some(depth);
                for z in &mut depth_m {
                    *z = if is_none(*z) { 0.0 } else { *z * reading.cloud_unit_m };
                }
                camera.cloud_of_metres(&depth_m, width, height).map_err(failed)
            }
            (None, Values::Floats(values)) => cloud(&path, values, (width, height), reading),
            (None, Values::Steps(_)) | (_, Values::None) => Err(DatasetError::Kind { path }),
        }
    }
}

/// Coordinates `[height, width, 3]` in the unit of `reading`.
fn cloud(
    path: &Path,
    values: Vec<f32>,
    (width, height): (usize, usize),
    reading: &Reading,
) -> Result<OrganisedCloud, DatasetError> {
    let mut points = values.as_chunks::<3>().0.to_vec();
    drop(values);
    if reading.no_point.is_some() {
        points.iter_mut().filter(|point| reading.no_point == Some(point[2])).for_each(|point| *point = [0.0; 3]);
    }
    check_ahead(path, &points)?;
    let cloud = OrganisedCloud::new(width, height, points)
        .map_err(|source| DatasetError::Size { path: path.into(), source })?;
    Ok(if reading.cloud_unit_m == 1.0 { cloud } else { cloud.scaled(reading.cloud_unit_m) })
}

/// Refuses points of which most lie behind the camera: their axes are another convention's. Points behind the camera
/// that all have the same z are a way to write that nothing was measured.
fn check_ahead(path: &Path, points: &[[f32; 3]]) -> Result<(), DatasetError> {
    let behind = || points.iter().map(|point| point[2]).filter(|z| *z < 0.0);
    let Some(first) = behind().next() else { return Ok(()) };
    let behind = behind().filter(|z| *z != first).count();
    let ahead = points.iter().filter(|point| point[2] > 0.0).count();
    if behind <= ahead {
        return Ok(());
    }
    Err(DatasetError::Layout {
        path: path.into(),
        expected: "points in front of the camera (z > 0 is the distance along its axis)",
        found: format!("{behind} points with z below 0 and {ahead} above: turn y and z round"),
    })
}

/// Reads the header of a depth PNG.
fn open_depth(path: &Path) -> Result<Picture, DatasetError> {
    let picture = Picture::open(path, "a 16-bit depth PNG")?;
    let layout = |expected, found| Err(DatasetError::Layout { path: path.into(), expected, found });
    match (picture.kind(), picture.orientation()) {
        (ColorType::L16, 1) => Ok(picture),
        (ColorType::L16, turned) => layout(
            "depth as it lies in the colour image that is shown",
            format!("EXIF orientation {turned}: write it turned, without the tag"),
        ),
        (other, _) => layout("one channel of 16 bits a pixel (depth)", format!("{other:?}")),
    }
}

/// The depth steps of a PNG.
fn steps(picture: Picture, narrow: Narrow) -> Result<Vec<u16>, DatasetError> {
    let mut steps = picture.read()?.into_luma16().into_raw();
    steps.iter_mut().filter(|step| narrow.no_point == Some(f32::from(**step))).for_each(|step| *step = 0);
    Ok(steps)
}
