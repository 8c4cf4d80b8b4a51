mod candidates;
mod findings;
mod galleries;
mod shown;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::dataset::finding::{self, Finding, Opinion};
use crate::dataset::recording::{self, FORMAT, PartRecord};
use crate::dataset::{mvtec3d, write_map};
use crate::defects::{Defect, Kind};
use crate::files::write_whole;
use crate::frame::{OrganisedCloud, Region, RgbdFrame};
use crate::prepare::Window;
use crate::score::Verdict;
use crate::shapes::{H, P, W};

/// A recording in a folder of its own.
struct Recording {
    folder: TempDir,
}

/// Twice the network's pixels across, so that the window reaches above and below.
const WIDTH: usize = 448;
const HEIGHT: usize = 224;

fn record(part: u64, verdict: Verdict, score: f32) -> PartRecord {
    PartRecord {
        format: FORMAT,
        part,
        sequence: part,
        captured_unix_ms: 1_000 * part,
        score: Some(score),
        verdict,
        reason: None,
        gap: None,
        defects: Vec::new(),
        threshold: 0.5,
        review: None,
        at: None,
        recipe: Some(0),
        identity: None,
        window: Some(Window::around(Region::of_size(WIDTH, HEIGHT))),
        engine_sha256: "abc".into(),
        times_ms: BTreeMap::new(),
    }
}

fn defect(kind: Kind) -> Defect {
    Defect {
        kind,
        score: Some(0.7),
        at: [140.0, 8.0],
        centre: None,
        centre_mm: None,
        pixels: 1,
        area_mm2: None,
        height_mm: None,
        bounds: Region::of_size(1, 1),
        outline: [[130.0, 2.0], [150.0, 2.0], [150.0, 14.0]].into_iter().collect(),
    }
}

fn said(opinion: Opinion) -> Finding {
    Finding::new(opinion, None, "Ada", 7).unwrap()
}

impl Recording {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("parts/test/good")).unwrap();
        Self { folder }
    }

    fn gallery(&self) -> Gallery {
        Gallery::open(self.folder.path()).unwrap()
    }

    fn folder_of(&self, verdict: Verdict) -> PathBuf {
        self.folder.path().join("parts/test").join(recording::folder_of(verdict))
    }

    /// A record alone: nothing else is read for pages and counts.
    fn add(&self, name: &str, record: &PartRecord) -> PathBuf {
        let path = mvtec3d::path_in(&self.folder_of(record.verdict), "verdict", name, "json").unwrap();
        write_whole(&path, |file| record.write(file)).unwrap();
        path
    }

    /// All files of a part, whose map is above the threshold in one place of the network frame.
    fn add_whole(&self, name: &str, record: &PartRecord) {
        let folder = self.folder_of(record.verdict);
        let mut points = vec![[0.0, 0.0, 0.5]; WIDTH * HEIGHT];
        points[0] = [0.0; 3];
        let cloud = OrganisedCloud::new(WIDTH, HEIGHT, points).unwrap();
        let frame = RgbdFrame::new(WIDTH, HEIGHT, vec![100; WIDTH * HEIGHT * 3], cloud).unwrap();
        mvtec3d::write(&folder, name, &frame, Some(&vec![false; WIDTH * HEIGHT])).unwrap();
        let mut map = vec![0.1; P];
        (55..65).for_each(|y| map[y * W + 65..y * W + 75].fill(0.7));
        for kind in ["anomaly_map", "psi_rgb", "psi_xyz"] {
            write_map(&mvtec3d::path_in(&folder, kind, name, "tiff").unwrap(), &map, W, H).unwrap();
        }
        self.add(name, record);
    }

    fn say(&self, name: &str, opinion: Opinion) {
        self.gallery().part(name).unwrap().say(&said(opinion), None).unwrap();
    }
}

fn name(part: u64) -> String {
    recording::name(1, part)
}

/// Every file below a folder, with its bytes.
fn files_under(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn finding_of(recording: &Recording, part: u64, verdict: Verdict) -> PathBuf {
    recording.folder_of(verdict).join(finding::FOLDER).join(format!("{}.json", name(part)))
}
