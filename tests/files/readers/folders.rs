//! Folders as people and their programs leave them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crosscheck::dataset::{Entry, Layout, Reading, Split, frames_under, mvtec3d, nominal};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use image::ImageFormat;

use super::writers::{encoded, npy, picture, refusal};

fn frame() -> RgbdFrame {
    let (width, height) = (picture().width() as usize, picture().height() as usize);
    let cloud = OrganisedCloud::new(width, height, vec![[0.0, 0.0, 0.5]; width * height]).unwrap();
    RgbdFrame::new(width, height, picture().into_raw(), cloud).unwrap()
}

/// `folder` with `rgb` and `xyz` of these frames.
fn write(folder: &Path, stems: &[&str]) {
    stems.iter().for_each(|stem| mvtec3d::write(folder, stem, &frame(), None).unwrap());
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.rsplit_once('/').unwrap().1).collect()
}

fn rename(folder: &Path, from: &str, to: &str) {
    std::fs::rename(folder.join(from), folder.join(to)).unwrap();
}

#[test]
fn what_is_no_frame_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["000", "001"]);
    for kind in ["rgb", "xyz"] {
        let inside = folder.path().join(kind);
        for name in
            ["Thumbs.db", "desktop.ini", ".DS_Store", "000.txt", "000.json", "000", "._000.png", "001.png~", ".tmpA1"]
        {
            std::fs::write(inside.join(name), "no frame").unwrap();
        }
        std::fs::create_dir(inside.join("old")).unwrap();
        std::fs::create_dir(inside.join("002.png")).unwrap();
        std::fs::write(inside.join(OsStr::from_bytes(b"003\xFF.png")), "no frame").unwrap();
    }
    let entries = nominal(folder.path(), &Reading::default()).unwrap();
    assert_eq!(names(&entries), ["000", "001"]);
    assert!(entries.iter().all(|entry| entry.frame().is_ok()));
    assert_eq!(frames_under(folder.path(), &Reading::default()).unwrap(), entries);
}

#[test]
fn suffixes_are_told_in_capitals_as_well() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["a", "b", "c", "d"]);
    rename(folder.path(), "rgb/a.png", "rgb/a.PNG");
    rename(folder.path(), "xyz/a.tiff", "xyz/a.Tif");
    std::fs::remove_file(folder.path().join("rgb/b.png")).unwrap();
    std::fs::write(folder.path().join("rgb/b.JPG"), encoded(picture(), ImageFormat::Jpeg)).unwrap();
    std::fs::remove_file(folder.path().join("rgb/c.png")).unwrap();
    std::fs::write(folder.path().join("rgb/c.Bmp"), encoded(picture(), ImageFormat::Bmp)).unwrap();
    std::fs::remove_file(folder.path().join("xyz/d.tiff")).unwrap();
    let points: Vec<u8> = frame().cloud().points().as_flattened().iter().flat_map(|v| v.to_le_bytes()).collect();
    let shape = format!("{}, {}, 3", picture().height(), picture().width());
    std::fs::write(folder.path().join("xyz/d.NPY"), npy("<f4", false, &shape, &points)).unwrap();
    let entries = nominal(folder.path(), &Reading::default()).unwrap();
    assert_eq!(names(&entries), ["a", "b", "c", "d"]);
    for entry in &entries {
        let read = entry.frame().unwrap();
        assert!(read.cloud() == frame().cloud());
        assert!(entry.name.ends_with('b') || read.rgb() == frame().rgb(), "{}", entry.name);
    }
}

#[test]
fn two_files_of_one_name_are_both_named() {
    let twice = |kind: &str, names: [&str; 2]| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["000"]);
        let first = std::fs::read_dir(folder.path().join(kind)).unwrap().next().unwrap().unwrap().path();
        std::fs::copy(&first, folder.path().join(kind).join(names[1])).unwrap();
        let message = refusal(names[0], nominal(folder.path(), &Reading::default()));
        assert!(message.contains(names[1]) && message.contains("remove one"), "{message}");
    };
    twice("rgb", ["000.png", "000.jpg"]);
    twice("rgb", ["000.png", "000.PNG"]);
    twice("xyz", ["000.tiff", "000.npy"]);
    twice("xyz", ["000.tiff", "000.png"]);
}

#[test]
fn names_in_either_unicode_form_are_one_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["geh\u{e4}use", "plain"]);
    rename(folder.path(), "xyz/geh\u{e4}use.tiff", "xyz/geha\u{308}use.tiff");
    let entries = nominal(folder.path(), &Reading::default()).unwrap();
    assert_eq!(names(&entries), ["geh\u{e4}use", "plain"]);
    assert!(entries[0].frame().is_ok());
    // And two of them in one folder are two files of one name.
    std::fs::copy(folder.path().join("rgb/plain.png"), folder.path().join("rgb/geha\u{308}use.png")).unwrap();
    assert!(nominal(folder.path(), &Reading::default()).unwrap_err().to_string().contains("files of one name"));
}

#[test]
fn a_file_without_its_other_half_is_named() {
    for (missing, word) in [("rgb/001.png", "has no colour image"), ("xyz/001.tiff", "has no cloud")] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["000", "001"]);
        std::fs::remove_file(folder.path().join(missing)).unwrap();
        let message = refusal("001", nominal(folder.path(), &Reading::default()));
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_dataset_with_junk_is_read() {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("part");
    write(&class.join("train/Good"), &["000"]);
    write(&class.join("test/Good"), &["000"]);
    mvtec3d::write(&class.join("test/bent"), "000", &frame(), Some(&vec![true; picture().len() / 3])).unwrap();
    let junk: [PathBuf; 3] =
        ["part/test/notes", "part/test/Thumbs.db", "part/train/Good/rgb/Thumbs.db"].map(|at| root.path().join(at));
    std::fs::create_dir(&junk[0]).unwrap();
    junk[1..].iter().for_each(|path| std::fs::write(path, "no frame").unwrap());
    assert_eq!(Layout::detect(root.path()).unwrap(), Layout::Mvtec3d);
    let of = |split| Layout::Mvtec3d.entries(root.path(), "part", split, &Reading::default()).unwrap();
    assert_eq!(of(Split::Train).len(), 1);
    let defects: Vec<Option<String>> = of(Split::Test).into_iter().map(|entry| entry.defect).collect();
    assert_eq!(defects, [None, Some("bent".into())]);
}
