//! Why frames on disk cannot be read.

use std::path::PathBuf;

use thiserror::Error;

use crate::calibration::CalibrationError;
use crate::calibration::distance::DistanceError;
use crate::frame::FrameError;

/// Why frames on disk cannot be read. The message says which file, what was expected and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what each is")]
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
    #[error("{} has no part that a person found good: say so with `crosscheck review say`", path.display())]
    NoneFoundGood { path: PathBuf },
    #[error("{}: {unit}", path.display())]
    Unit { path: PathBuf, unit: DistanceError },
}
