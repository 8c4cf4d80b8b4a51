//! The layout of MVTec 3D-AD: `{rgb,xyz,gt}` folders of equally named files under `good` and each defect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{GrayImage, ImageFormat, RgbImage};

use super::layout::{Entry, folders, is_good};
use super::pairs::by_stem;
use super::{DatasetError, Reading, picture, points, tiff};
use crate::files;
use crate::frame::RgbdFrame;

/// Frames of a split: `good` and one folder for each defect.
pub fn entries(split: &Path) -> Result<Vec<Entry>, DatasetError> {
    let mut entries = Vec::new();
    for kind in folders(split)? {
        let folder = split.join(&kind);
        if !folder.join("rgb").is_dir() && !folder.join("xyz").is_dir() {
            log::warn!("{}: passed over, since neither rgb nor xyz is inside", folder.display());
            continue;
        }
        let defect = (!is_good(&kind)).then_some(kind);
        entries.extend(folder_entries(&folder, defect)?);
    }
    if entries.is_empty() {
        return Err(DatasetError::Empty { path: split.into() });
    }
    Ok(entries)
}

/// Frames of one folder with `rgb` and `xyz`, and `gt` where pixels are marked.
pub fn folder_entries(folder: &Path, defect: Option<String>) -> Result<Vec<Entry>, DatasetError> {
    let mut clouds = by_stem(&folder.join("xyz"), &points::SUFFIXES)?;
    let truths = folder.join("gt");
    let truths = if truths.is_dir() { by_stem(&truths, &picture::SUFFIXES)? } else { BTreeMap::new() };
    let prefix = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut entries = Vec::new();
    for (stem, rgb) in by_stem(&folder.join("rgb"), &picture::SUFFIXES)? {
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

/// Writes a frame, and its mask where given (`[height, width]`), into `folder`'s `rgb`, `xyz` and `gt`.
pub fn write(folder: &Path, stem: &str, frame: &RgbdFrame, truth: Option<&[bool]>) -> std::io::Result<()> {
    let (width, height) = (frame.width() as u32, frame.height() as u32);
    let path = |kind: &str, extension: &str| -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(folder.join(kind))?;
        Ok(folder.join(kind).join(format!("{stem}.{extension}")))
    };
    let Some(rgb) = RgbImage::from_raw(width, height, frame.rgb().to_vec()) else {
        panic!("a frame's colour has its size")
    };
    files::write_whole(&path("rgb", "png")?, |file| {
        rgb.write_to(file, ImageFormat::Png).map_err(std::io::Error::other)
    })?;
    tiff::write_cloud(&path("xyz", "tiff")?, frame.cloud())?;
    let Some(truth) = truth else { return Ok(()) };
    let mask = truth.iter().map(|defective| if *defective { 255 } else { 0 }).collect();
    let Some(mask) = GrayImage::from_raw(width, height, mask) else { panic!("a mask has its frame's size") };
    files::write_whole(&path("gt", "png")?, |file| mask.write_to(file, ImageFormat::Png).map_err(std::io::Error::other))
}
