//! The folders of the published datasets, and the frames in them.

use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::error::DatasetError;
use super::folders::{folders, is_good, names};
use super::reading::Reading;
use super::{eyecandies, finding, mvtec3d};

/// A dataset's frames are not deeper than this: class, split, kind.
const DEPTH_MAX: usize = 4;

/// The folders of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `<class>/<split>/<good or defect>/{rgb,xyz,gt}/<name>`, as MVTec 3D-AD and `crosscheck synthesize`.
    Mvtec3d,
    /// `<class>/<split>/data/<name>_{image_4,depth,...}`, as Eyecandies.
    Eyecandies,
}

crate::words::words!(Layout {
    Mvtec3d = "mvtec3d",
    Eyecandies = "eyecandies",
});

/// Which part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Good frames to learn from.
    Train,
    /// Good frames for the threshold.
    Validation,
    /// Good and defective frames, with masks.
    Test,
}

impl Layout {
    /// The layout that `root` has: a class with a `data` folder in its train split is one of Eyecandies.
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
        for entry in &mut entries {
            entry.read_as(reading);
        }
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
/// the `data` folder of an Eyecandies split, or holds one. A part in it in which a person found a defect is none.
pub fn nominal(folder: &Path, reading: &Reading) -> Result<Vec<Entry>, DatasetError> {
    let inside = |name: &str| folder.join(name).is_dir();
    let mut entries = if inside("rgb") {
        finding::apply(folder, mvtec3d::folder_entries(folder, None)?)?
    } else if let Some(good) = good_in(folder) {
        finding::apply(&good, mvtec3d::folder_entries(&good, None)?)?
    } else if inside("data") {
        eyecandies::entries(folder)?
    } else {
        let expected = "a folder with rgb and xyz inside, such as <class>/train/good of MVTec 3D-AD";
        let found = describe(folder)?;
        return Err(DatasetError::Layout { path: folder.into(), expected, found });
    };
    entries.retain(|entry| entry.defect.is_none());
    for entry in &mut entries {
        entry.read_as(reading);
    }
    if entries.is_empty() {
        return Err(DatasetError::Empty { path: folder.into() });
    }
    Ok(entries)
}

/// The parts of a recording that a person found good, whatever the station's verdict was: `folder` is the recording, or
/// one within it.
pub fn found_good(folder: &Path, reading: &Reading) -> Result<Vec<Entry>, DatasetError> {
    let good = finding::found_good(frames_under(folder, reading)?)?;
    if good.is_empty() {
        return Err(DatasetError::NoneFoundGood { path: folder.into() });
    }
    Ok(good)
}

/// The folder of good frames in `folder`, in capitals or not.
fn good_in(folder: &Path) -> Option<PathBuf> {
    let name = folders(folder).ok()?.into_iter().find(|name| is_good(name))?;
    Some(folder.join(name))
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
    for entry in &mut entries {
        entry.read_as(reading);
    }
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
