//! Rejected parts, and a sample of passed ones, on disk in MVTec 3D-AD's layout:
//!
//! ```text
//! FOLDER/parts/test/{good,review,reject}/{rgb,xyz,gt,anomaly_map,psi_rgb,psi_xyz,verdict}/TIME-PART.*
//! ```
//!
//! `gt` is what lay above the threshold, for a person to correct. A thread of low priority writes; when its queue is
//! full a part is not recorded, and counted. The oldest parts are removed to keep to the quota.

mod shelf;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use super::judgement::Judge;
use super::matching::Shot;
use crate::clock;
use crate::dataset::recording::{self, Record};
use crate::dataset::{mvtec3d, write_map};
use crate::inspect::Inspection;
use crate::prepare::resize::Square;
use crate::score::Verdict;
use crate::shapes::{H, P, W};
use shelf::Shelf;

/// The class that a recording is to `evaluate`.
pub const CLASS: &str = "parts";

#[derive(Debug, Error)]
pub enum RecorderError {
    #[error("cannot record in {}: {source}; check record.folder and who may write there", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
}

/// What is recorded, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub folder: PathBuf,
    /// The oldest parts go when the recording is larger.
    pub quota_bytes: u64,
}

/// Writes one part after another.
pub struct Recorder {
    test: PathBuf,
    shelf: Shelf,
}

impl Recorder {
    /// Takes stock of what is recorded already, and removes what a sudden end left half-written.
    pub fn open(settings: &Settings) -> Result<Self, RecorderError> {
        let test = settings.folder.join(CLASS).join("test");
        let failed = |source| RecorderError::Folder { folder: settings.folder.clone(), source };
        // `evaluate` knows a class by its folder of good parts.
        std::fs::create_dir_all(test.join("good")).map_err(failed)?;
        let shelf = Shelf::open(&test, settings.quota_bytes).map_err(failed)?;
        Ok(Self { test, shelf })
    }

    /// Writes a part's frame, maps and verdict. After an error nothing of the part is left.
    pub fn record(&mut self, shot: &Shot, judge: &Judge) -> io::Result<()> {
        let inspection = &shot.inspection;
        let verdict = inspection.verdict.unwrap_or(Verdict::Reject);
        let kind = kind(verdict);
        let captured_unix_ms = unix_ms(shot.captured.captured_ns);
        let stem = format!("{captured_unix_ms:013}-{:08}", shot.part);
        self.shelf.make_room()?;
        let written = write(&self.test.join(kind), &stem, shot, &self.entry(shot, judge, captured_unix_ms));
        match written {
            Ok(()) => self.shelf.add(kind, &stem),
            Err(error) => {
                self.shelf.discard(kind, &stem);
                Err(error)
            }
        }
    }

    fn entry(&self, shot: &Shot, judge: &Judge, captured_unix_ms: u64) -> Record {
        let inspection = &shot.inspection;
        let milliseconds = |(name, time): (&str, Duration)| (name.to_string(), time.as_secs_f64() * 1e3);
        Record {
            format: recording::FORMAT,
            part: shot.part,
            sequence: shot.captured.sequence,
            captured_unix_ms,
            score: inspection.scores.map(|scores| scores.score),
            verdict: inspection.verdict.unwrap_or(Verdict::Reject),
            reason: inspection.reason.map(|reason| reason.to_string()),
            threshold: judge.thresholds.reject,
            review: judge.thresholds.review,
            engine_sha256: judge.engine_sha256.clone(),
            times_ms: inspection
                .times
                .stages()
                .into_iter()
                .chain([("capture_to_verdict", Duration::from_nanos(shot.judged_ns - shot.captured.captured_ns))])
                .map(milliseconds)
                .collect(),
        }
    }
}

/// The folder of a verdict. What is not passed is a defect to `evaluate`.
fn kind(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "good",
        Verdict::Review => "review",
        Verdict::Reject => "reject",
    }
}

fn write(folder: &Path, stem: &str, shot: &Shot, record: &Record) -> io::Result<()> {
    let (frame, inspection) = (&shot.captured.frame, &shot.inspection);
    let truth = above_threshold(inspection, record.threshold, frame.width(), frame.height());
    mvtec3d::write(folder, stem, frame, Some(&truth))?;
    let maps = &inspection.maps;
    for (name, map) in [("anomaly_map", &maps.anomaly_map), ("psi_rgb", &maps.psi_rgb), ("psi_xyz", &maps.psi_xyz)] {
        std::fs::create_dir_all(folder.join(name))?;
        write_map(&folder.join(name).join(format!("{stem}.tiff")), map, W, H)?;
    }
    record.write(folder, stem)
}

/// Pixels of the photograph, `[height, width]`, whose network pixel lies above the threshold.
fn above_threshold(inspection: &Inspection, threshold: f32, width: usize, height: usize) -> Vec<bool> {
    let map = &inspection.maps.anomaly_map;
    assert_eq!(map.len(), P, "an inspected frame has its map");
    let square = Square::around(width, height);
    (0..width * height).map(|pixel| map[square.network_pixel(pixel % width, pixel / width)] > threshold).collect()
}

/// Milliseconds since 1970 at a moment of the monotonic clock.
fn unix_ms(monotonic_ns: u64) -> u64 {
    let ago = Duration::from_nanos(clock::monotonic_ns().saturating_sub(monotonic_ns));
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_1970.saturating_sub(ago).as_millis() as u64
}

/// Puts the calling thread behind everything else.
pub fn lower_priority() {
    // Where that is not allowed, the recorder shares like any other thread.
    let _ = rustix::process::setpriority_process(None, 19);
}
