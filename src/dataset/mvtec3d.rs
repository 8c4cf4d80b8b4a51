//! The layout of MVTec 3D-AD: `{rgb,xyz,gt}` folders of equally named files under `good` and each defect.
//!
//! The files of a part get their names one after another. The last one is the cloud, or the verdict in a station's
//! recording: while its temporary file is there and it is not, the part is not complete.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use image::{GrayImage, ImageFormat, RgbImage};

use super::entry::Entry;
use super::error::DatasetError;
use super::folders::{folders, is_good, names};
use super::pairs::by_stem;
use super::reading::Reading;
use super::{finding, picture, points, recording, tiff};
use crate::files::{self, Temporary, Together};
use crate::frame::RgbdFrame;

/// Frames of a split: `good` and one folder for each defect. In a recording, what a person found counts instead.
pub fn entries(split: &Path) -> Result<Vec<Entry>, DatasetError> {
    let mut entries = Vec::new();
    for kind in folders(split)? {
        let folder = split.join(&kind);
        if !folder.join("rgb").is_dir() && !folder.join("xyz").is_dir() {
            log::warn!("{}: passed over, since neither rgb nor xyz is inside", folder.display());
            continue;
        }
        let defect = (!is_good(&kind)).then_some(kind);
        entries.extend(finding::apply(&folder, folder_entries(&folder, defect)?)?);
    }
    if entries.is_empty() {
        return Err(DatasetError::Empty { path: split.into() });
    }
    Ok(entries)
}

/// Frames of one folder with `rgb` and `xyz`, and `gt` where pixels are marked.
pub fn folder_entries(folder: &Path, defect: Option<String>) -> Result<Vec<Entry>, DatasetError> {
    // In a recording, or in an empty folder, these may not be there yet.
    let may_lack = folder.join("verdict").is_dir() || names(folder)?.is_empty();
    let read = if may_lack { by_stem_if_there } else { by_stem };
    let mut colours = read(&folder.join("rgb"), &picture::SUFFIXES)?;
    let mut clouds = read(&folder.join("xyz"), &points::SUFFIXES)?;
    leave_out_incomplete(folder, &mut colours, &mut clouds)?;
    let truths = by_stem_if_there(&folder.join("gt"), &picture::SUFFIXES)?;
    let prefix = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut entries = Vec::new();
    for (stem, rgb) in colours {
        let Some(xyz) = clouds.remove(&stem) else { return Err(DatasetError::NoCloud { rgb }) };
        let truth = truths.get(&stem).cloned();
        if defect.is_some() && truth.is_none() {
            return Err(DatasetError::NoTruth { rgb, expected: folder.join("gt") });
        }
        let name = format!("{prefix}/{stem}");
        entries.push(Entry { name, defect: defect.clone(), rgb, xyz, truth, reading: Reading::default() });
    }
    match clouds.into_values().next() {
        Some(xyz) => Err(DatasetError::NoColour { xyz }),
        None => Ok(entries),
    }
}

/// Removes the parts that are not complete, with a warning.
fn leave_out_incomplete(
    folder: &Path,
    colours: &mut BTreeMap<String, PathBuf>,
    clouds: &mut BTreeMap<String, PathBuf>,
) -> Result<(), DatasetError> {
    let verdicts = folder.join("verdict");
    let is_recording = verdicts.is_dir();
    let verdict = by_stem_if_there(&verdicts, &["json"])?;
    let (no_verdict_yet, no_cloud_yet) = (unfinished(&verdicts)?, unfinished(&folder.join("xyz"))?);
    let is_incomplete = |stem: &String| {
        let (coloured, clouded) = (colours.contains_key(stem), clouds.contains_key(stem));
        let judged = verdict.contains_key(stem);
        let lacks = !judged || !coloured || !clouded;
        (no_verdict_yet.contains(stem) && !judged)
            || (no_cloud_yet.contains(stem) && !clouded)
            || (is_recording && recording::is_name(stem) && lacks)
    };
    let stems: BTreeSet<&String> = colours.keys().chain(clouds.keys()).collect();
    let incomplete: Vec<String> = stems.into_iter().filter(|stem| is_incomplete(stem)).cloned().collect();
    for stem in &incomplete {
        colours.remove(stem);
        clouds.remove(stem);
    }
    if !incomplete.is_empty() {
        log::warn!(
            "{}: {} parts are left out: not all of their files are there, as their writing was broken off or goes on",
            folder.display(),
            incomplete.len()
        );
    }
    Ok(())
}

/// Stems in `folder` that a file is being written for, or was until its writer was ended.
fn unfinished(folder: &Path) -> Result<BTreeSet<String>, DatasetError> {
    let stem = |name: String| name.rsplit_once('.').map_or(name.clone(), |(stem, _)| stem.into());
    match files::unfinished(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        names => {
            let names = names.map_err(|source| DatasetError::Open { path: folder.into(), source })?;
            Ok(names.into_iter().map(stem).collect())
        }
    }
}

fn by_stem_if_there(folder: &Path, suffixes: &[&str]) -> Result<BTreeMap<String, PathBuf>, DatasetError> {
    if folder.is_dir() { by_stem(folder, suffixes) } else { Ok(BTreeMap::new()) }
}

/// Writes a frame, and its mask where given (`[height, width]`), into `folder`'s `rgb`, `xyz` and `gt`; whole or not at all.
pub fn write(folder: &Path, stem: &str, frame: &RgbdFrame, truth: Option<&[bool]>) -> io::Result<()> {
    let mut together = Together::new_marked_by(&path_in(folder, "xyz", stem, "tiff")?)?;
    add_pictures(&mut together, folder, stem, frame, truth)?;
    together.commit(|file| tiff::write_cloud(file, frame.cloud()))
}

/// Writes the same files as a part of what is written `together`.
pub fn add(
    together: &mut Together,
    folder: &Path,
    stem: &str,
    frame: &RgbdFrame,
    truth: Option<&[bool]>,
) -> io::Result<()> {
    add_pictures(together, folder, stem, frame, truth)?;
    together.add(&path_in(folder, "xyz", stem, "tiff")?, |file| tiff::write_cloud(file, frame.cloud()))
}

fn add_pictures(
    together: &mut Together,
    folder: &Path,
    stem: &str,
    frame: &RgbdFrame,
    truth: Option<&[bool]>,
) -> io::Result<()> {
    let (width, height) = (frame.width() as u32, frame.height() as u32);
    let Some(rgb) = RgbImage::from_raw(width, height, frame.rgb().to_vec()) else {
        unreachable!("a frame's colour has its size")
    };
    together.add(&path_in(folder, "rgb", stem, "png")?, |file| {
        rgb.write_to(file, ImageFormat::Png).map_err(io::Error::other)
    })?;
    let Some(truth) = truth else { return Ok(()) };
    let mask = mask(width, height, truth);
    together.add(&path_in(folder, "gt", stem, "png")?, |file| write_png(file, &mask))
}

/// Replaces a part's mask, `[height, width]`, in `folder`'s `gt`; whole or not at all.
pub fn write_mask(folder: &Path, stem: &str, (width, height): (usize, usize), truth: &[bool]) -> io::Result<()> {
    let mask = mask(width as u32, height as u32, truth);
    files::write_whole(&path_in(folder, "gt", stem, "png")?, |file| write_png(file, &mask))
}

fn mask(width: u32, height: u32, truth: &[bool]) -> GrayImage {
    let values = truth.iter().map(|defective| if *defective { 255 } else { 0 }).collect();
    let Some(mask) = GrayImage::from_raw(width, height, values) else { unreachable!("a mask has its frame's size") };
    mask
}

fn write_png(file: &mut Temporary, mask: &GrayImage) -> io::Result<()> {
    mask.write_to(file, ImageFormat::Png).map_err(io::Error::other)
}

/// Where a part's file of one kind goes; the folder is made.
pub fn path_in(folder: &Path, kind: &str, stem: &str, extension: &str) -> io::Result<PathBuf> {
    files::make_folder(&folder.join(kind))?;
    Ok(folder.join(kind).join(format!("{stem}.{extension}")))
}

/// Removes what [`write()`] left in `folder` where it was ended before the cloud had its name.
pub fn remove_broken_off(folder: &Path) -> io::Result<()> {
    let pictures = ["rgb", "gt"].map(|kind| folder.join(kind));
    let of_stem = |stem: &str| Ok(pictures.iter().map(|kind| kind.join(format!("{stem}.png"))).collect());
    files::remove_broken_off((&folder.join("xyz"), ".tiff"), &pictures, of_stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::failing::{Plan, run_by};
    use crate::frame::OrganisedCloud;

    const SIDE: usize = 32;

    fn frame(seed: u8) -> RgbdFrame {
        let cloud = OrganisedCloud::new(SIDE, SIDE, vec![[0.0, 0.0, 0.5]; SIDE * SIDE]).unwrap();
        RgbdFrame::new(SIDE, SIDE, vec![seed; SIDE * SIDE * 3], cloud).unwrap()
    }

    fn names_in(folder: &Path) -> Vec<String> {
        folder_entries(folder, None)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name.rsplit_once('/').unwrap().1.into())
            .collect()
    }

    fn files_in(folder: &Path) -> usize {
        ["rgb", "gt", "xyz"].map(|kind| std::fs::read_dir(folder.join(kind)).map_or(0, Iterator::count)).iter().sum()
    }

    #[test]
    fn wherever_the_writing_of_a_part_ends_the_others_are_read_and_no_half_stays() {
        let mask = vec![false; SIDE * SIDE];
        let run = |plan| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), "000", &frame(0), Some(&mask)).unwrap();
            let (written, steps) = run_by(plan, || write(folder.path(), "001", &frame(1), Some(&mask)));
            let read = names_in(folder.path());
            assert!(read == ["000", "001"] || (read == ["000"] && written.is_err()), "{plan:?} {read:?}");
            remove_broken_off(folder.path()).unwrap();
            assert_eq!((names_in(folder.path()), files_in(folder.path())), (read.clone(), 3 * read.len()), "{plan:?}");
            steps
        };
        for step in 0..run(Plan::None) {
            run(Plan::FailsAt(step));
            run(Plan::EndsAt(step));
        }
    }

    // Files of a part may be missing since an earlier version did not write them all, or a person removed some.
    #[test]
    fn a_recording_with_half_parts_is_read_without_them() {
        let folder = tempfile::tempdir().unwrap();
        let stems = [1, 2, 3, 4].map(|part| recording::name(1, part));
        for stem in &stems {
            write(folder.path(), stem, &frame(0), None).unwrap();
            std::fs::write(path_in(folder.path(), "verdict", stem, "json").unwrap(), "{}").unwrap();
        }
        let take = |kind: &str, stem: &str, extension| {
            std::fs::remove_file(path_in(folder.path(), kind, stem, extension).unwrap())
        };
        take("verdict", &stems[0], "json").unwrap();
        take("rgb", &stems[1], "png").unwrap();
        take("xyz", &stems[3], "tiff").unwrap();
        assert_eq!(names_in(folder.path()), [stems[2].clone()]);
        // What a person put there is read, and refused where it is half.
        write(folder.path(), "mine", &frame(0), None).unwrap();
        assert_eq!(names_in(folder.path()), ["mine".into(), stems[2].clone()]);
        take("xyz", "mine", "tiff").unwrap();
        assert!(matches!(folder_entries(folder.path(), None), Err(DatasetError::NoCloud { .. })));
    }

    // A station that ends before its first part leaves empty folders.
    #[test]
    fn a_recording_that_has_no_part_of_a_kind_yet_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for made in ["test/good", "test/reject/verdict", "test/review/rgb", "test/review/verdict"] {
            std::fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        assert!(matches!(entries(&folder.path().join("test")), Err(DatasetError::Empty { .. })));
        let mask = vec![false; SIDE * SIDE];
        write(&folder.path().join("test/review"), "000", &frame(0), Some(&mask)).unwrap();
        assert_eq!(entries(&folder.path().join("test")).unwrap().len(), 1);
    }
}
