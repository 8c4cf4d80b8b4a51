//! Where the published datasets keep their frames, and what belongs to what.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::recording::Record;
use super::{DatasetError, Reading, eyecandies, mvtec3d, open, read_as_it_is, read_frame, read_mask_of};
use crate::frame::RgbdFrame;

/// A dataset's frames are not deeper than this: class, split, kind.
const DEPTH_MAX: usize = 4;

/// How a dataset lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// `<class>/<split>/<good or defect>/{rgb,xyz,gt}/<name>`, as MVTec 3D-AD and `crosscheck synthesize`.
    Mvtec3d,
    /// `<class>/<split>/data/<name>_{image_4,depth,...}`, as Eyecandies.
    Eyecandies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Train,
    Validation,
    Test,
}

/// One frame of a dataset, not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Unique within its split, `good/003`.
    pub name: String,
    /// None for a good part.
    pub defect: Option<String>,
    pub rgb: PathBuf,
    pub xyz: PathBuf,
    /// The mask of defective pixels; a good part may have none.
    pub truth: Option<PathBuf>,
    /// How its cloud is meant.
    pub reading: Reading,
}

impl Entry {
    pub fn frame(&self) -> Result<RgbdFrame, DatasetError> {
        read_frame(&self.rgb, &self.xyz, &self.reading)
    }

    /// The frame at whatever distance its points are: for a camera, whose first frames decide whether the unit is right.
    pub fn frame_as_it_is(&self) -> Result<RgbdFrame, DatasetError> {
        read_as_it_is(&self.rgb, &self.xyz, &self.reading)
    }

    /// Reads the cloud as is said; a frame that brings its own camera keeps it.
    pub fn read_as(&mut self, reading: &Reading) {
        let camera = self.reading.camera.take().or_else(|| reading.camera.clone());
        self.reading = Reading { camera, ..*reading };
    }

    /// Whether each pixel of the frame, `[height, width]`, is defective. A mask that cannot be its defect's is refused; a
    /// station's own may be empty, since a part may be rejected without a pixel above the threshold.
    pub fn truth(&self, width: usize, height: usize) -> Result<Vec<bool>, DatasetError> {
        let Some(path) = &self.truth else { return Ok(vec![false; width * height]) };
        let mask = read_mask_of(path, width, height)?;
        if self.defect.is_some() && Record::beside(&self.rgb)?.is_none() {
            mask.check_defect(path)?;
        }
        Ok(mask.marked)
    }

    /// The width and height of the frame by its files' headers; files that do not belong together are refused.
    pub fn size(&self) -> Result<(usize, usize), DatasetError> {
        let (picture, points) = open(&self.rgb, &self.xyz, &self.reading)?;
        Ok(points.size_of_frame(&self.reading, picture.size()))
    }

    /// Refuses a frame by its files' headers, or whose mask cannot be its own.
    pub fn check(&self) -> Result<(), DatasetError> {
        let (width, height) = self.size()?;
        self.truth(width, height).map(drop)
    }
}

impl Layout {
    /// What `root` looks like: a class with a `data` folder in its train split is Eyecandies'.
    pub fn detect(root: &Path) -> Result<Self, DatasetError> {
        let classes = folders(root)?;
        let is = |class: &String, inside: &str| root.join(class).join(inside).is_dir();
        if classes.iter().any(|class| is(class, "train/data") || is(class, "test_public/data")) {
            return Ok(Self::Eyecandies);
        }
        if classes.iter().any(|class| is(class, "test") || good_in(&root.join(class).join("train")).is_some()) {
            return Ok(Self::Mvtec3d);
        }
        let expected = "class folders with train/good and test inside (MVTec 3D-AD), or train/data (Eyecandies)";
        let found = if classes.is_empty() { "no folders".into() } else { classes.join(", ") };
        Err(DatasetError::Layout { path: root.into(), expected, found })
    }

    /// The classes under `root`, by name.
    pub fn classes(self, root: &Path) -> Result<Vec<String>, DatasetError> {
        let (path, expected) = (root.to_path_buf(), "class folders with a test split");
        let split = root_of(self, Split::Test);
        let classes: Vec<String> =
            folders(root)?.into_iter().filter(|class| root.join(class).join(split).is_dir()).collect();
        if classes.is_empty() {
            return Err(DatasetError::Layout { path, expected, found: "none".into() });
        }
        Ok(classes)
    }

    /// The frames of one split of a class, by name.
    pub fn entries(
        self,
        root: &Path,
        class: &str,
        split: Split,
        reading: &Reading,
    ) -> Result<Vec<Entry>, DatasetError> {
        let folder = root.join(class);
        if !folder.is_dir() {
            let found = folders(root)?.join(", ");
            return Err(DatasetError::Class { root: root.into(), class: class.into(), found });
        }
        let folder = folder.join(root_of(self, split));
        let mut entries = match self {
            Self::Mvtec3d => mvtec3d::entries(&folder),
            Self::Eyecandies => eyecandies::entries(&folder),
        }?;
        entries.iter_mut().for_each(|entry| entry.read_as(reading));
        Ok(entries)
    }
}

fn root_of(layout: Layout, split: Split) -> &'static str {
    match (layout, split) {
        (_, Split::Train) => "train",
        (Layout::Mvtec3d, Split::Validation) => "validation",
        (Layout::Mvtec3d, Split::Test) => "test",
        (Layout::Eyecandies, Split::Validation) => "val",
        // The private split's masks are not published.
        (Layout::Eyecandies, Split::Test) => "test_public",
    }
}

/// Good frames for a fit or a calibration: `folder` holds `rgb` and `xyz`, or a `good` folder that does, or is
/// the `data` folder of an Eyecandies split, or holds one.
pub fn nominal(folder: &Path, reading: &Reading) -> Result<Vec<Entry>, DatasetError> {
    let inside = |name: &str| folder.join(name).is_dir();
    let mut entries = if inside("rgb") {
        mvtec3d::folder_entries(folder, None)?
    } else if let Some(good) = good_in(folder) {
        mvtec3d::folder_entries(&good, None)?
    } else if inside("data") {
        eyecandies::entries(folder)?
    } else {
        let expected = "a folder with rgb and xyz inside, such as <class>/train/good of MVTec 3D-AD";
        let found = describe(folder)?;
        return Err(DatasetError::Layout { path: folder.into(), expected, found });
    };
    entries.retain(|entry| entry.defect.is_none());
    entries.iter_mut().for_each(|entry| entry.read_as(reading));
    if entries.is_empty() {
        return Err(DatasetError::Empty { path: folder.into() });
    }
    Ok(entries)
}

/// The folder of good frames in `folder`, in whatever capitals.
fn good_in(folder: &Path) -> Option<PathBuf> {
    let name = folders(folder).ok()?.into_iter().find(|name| is_good(name))?;
    Some(folder.join(name))
}

/// Whether a folder of this name holds good frames, not those of a defect.
pub(super) fn is_good(name: &str) -> bool {
    name.eq_ignore_ascii_case("good")
}

/// Every frame in `folder` or in folders within it, whatever its layout, in the order of the frames' own names:
/// for a recording, the order that they were captured in.
pub fn frames_under(folder: &Path, reading: &Reading) -> Result<Vec<Entry>, DatasetError> {
    let mut entries = Vec::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((path, depth)) = open.pop() {
        if path.join("rgb").is_dir() && path.join("xyz").is_dir() {
            entries.extend(mvtec3d::folder_entries(&path, None)?);
        } else if path.join("data").is_dir() {
            entries.extend(eyecandies::entries(&path)?);
        } else if depth < DEPTH_MAX {
            open.extend(folders(&path)?.into_iter().map(|name| (path.join(name), depth + 1)));
        }
    }
    if entries.is_empty() {
        return Err(DatasetError::Empty { path: folder.into() });
    }
    entries.sort_by(|a, b| (a.rgb.file_name(), &a.rgb).cmp(&(b.rgb.file_name(), &b.rgb)));
    entries.iter_mut().for_each(|entry| entry.read_as(reading));
    Ok(entries)
}

/// `shots` of `entries` drawn at random, in their order: the few-shot protocol of section 4.
pub fn draw(entries: Vec<Entry>, shots: usize, seed: u64) -> Vec<Entry> {
    let chosen = fastrand::Rng::with_seed(seed).choose_multiple(0..entries.len(), shots);
    entries.into_iter().enumerate().filter(|(i, _)| chosen.contains(i)).map(|(_, entry)| entry).collect()
}

fn describe(folder: &Path) -> Result<String, DatasetError> {
    let names = names(folder)?;
    if names.is_empty() {
        return Ok("an empty folder".into());
    }
    let more = if names.len() > 5 { ", ..." } else { "" };
    Ok(names.iter().take(5).cloned().collect::<Vec<_>>().join(", ") + more)
}

/// Names in `folder`, sorted; those that start with a dot are nobody's data, and one that is not UTF-8 is passed over with
/// a warning.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, DatasetError> {
    let failed = |source| DatasetError::Open { path: folder.into(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        match entry.map_err(failed)?.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) => log::warn!("{}: passed over {name:?}, a name that is not UTF-8: rename it", folder.display()),
        }
    }
    names.sort();
    Ok(names)
}

/// Names of the folders in `folder`, sorted.
pub(super) fn folders(folder: &Path) -> Result<Vec<String>, DatasetError> {
    Ok(names(folder)?.into_iter().filter(|name| folder.join(name).is_dir()).collect())
}
