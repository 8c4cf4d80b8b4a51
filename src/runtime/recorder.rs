//! Rejected parts, and a sample of passed ones, on disk in MVTec 3D-AD's layout:
//!
//! ```text
//! FOLDER/parts/test/{good,review,reject}/{rgb,xyz,gt,anomaly_map,psi_rgb,psi_xyz,verdict,finding}/SESSION-PART.*
//! ```
//!
//! The session counts the starts that recorded something, so that names are in the order of the parts even where the
//! clock is wrong. A part's files get their names together, the verdict last: a part without one is not complete.
//!
//! `gt` marks the pixels above the threshold, for a person to correct, and `finding` has what a person says of a part. A
//! thread of low priority writes. A part that finds its queue full is counted and not recorded. The oldest parts are removed
//! to keep to the quota, those first of which nobody has said anything.

mod shelf;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};
use thiserror::Error;

use super::judge::Judge;
use super::metrics::{Count, Metrics};
use super::part_frame::PartFrame;
use crate::clock;
use crate::dataset::recording::{self, PartRecord};
use crate::dataset::{mvtec3d, tiff};
use crate::files::{self, Together};
use crate::inspect::Inspection;
use crate::priority;
use crate::shapes::{H, P, W};
use shelf::Shelf;

/// How long the thread sleeps where nothing wakes it.
const IDLE: Duration = Duration::from_millis(100);

#[derive(Debug, Error)]
pub enum RecorderError {
    #[error("cannot record in {}: {source}; check record.folder and who may write there", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
}

/// The recorder thread's connections to the rest of the station.
pub struct Links<'a> {
    pub queue: Consumer<'a, Box<PartFrame>>,
    /// Where frames go that are no longer needed.
    pub spare: Producer<'a, Box<PartFrame>>,
    pub metrics: &'a Metrics,
    /// Whether the last part could not be written.
    pub failing: &'a AtomicBool,
    /// Set once no more parts come.
    pub stop: &'a AtomicBool,
}

/// Where parts are recorded, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct RecorderOptions {
    pub folder: PathBuf,
    /// The oldest parts are removed where the recording would become larger.
    pub quota_bytes: u64,
}

/// Writes one part after another.
pub struct Recorder {
    test: PathBuf,
    shelf: Shelf,
    session: u64,
}

impl Recorder {
    /// Opens a recording, and removes parts that are incomplete because an earlier run ended suddenly.
    pub fn open(options: &RecorderOptions) -> Result<Self, RecorderError> {
        let test = options.folder.join(recording::CLASS).join("test");
        let failed = |source| RecorderError::Folder { folder: options.folder.clone(), source };
        // `evaluate` knows a class by its folder of good parts.
        files::make_folder(&test.join("good")).map_err(failed)?;
        let shelf = Shelf::open(&test, options.quota_bytes).map_err(failed)?;
        let session = shelf.last_session() + 1;
        Ok(Self { test, shelf, session })
    }

    /// Writes parts until no more come, and returns their frames.
    pub fn run(mut self, mut links: Links) {
        priority::lower();
        links.metrics.set_recording_session(self.session);
        loop {
            let Some(part_frame) = links.queue.dequeue() else {
                if links.stop.load(Relaxed) {
                    return;
                }
                std::thread::park_timeout(IDLE);
                continue;
            };
            let recorded = part_frame.judge.as_ref().map_or(Ok(()), |judge| self.record(&part_frame, judge));
            links.metrics.count(if recorded.is_ok() { Count::Recorded } else { Count::RecordingsFailed });
            let failed = links.failing.swap(recorded.is_err(), Relaxed);
            if let Err(error) = recorded
                && !failed
            {
                log::error!("parts are not recorded: {error}; check the disk, and record.quota_mb");
            }
            let refused = links.spare.enqueue(part_frame);
            assert!(refused.is_ok(), "the queue holds every frame that there is");
        }
    }

    /// Writes a part's frame, maps and verdict. After an error nothing of the part is left.
    pub fn record(&mut self, part_frame: &PartFrame, judge: &Judge) -> io::Result<()> {
        let kind = recording::folder_of(part_frame.inspection.outcome.station_verdict());
        let captured_unix_ms = clock::unix_ms(part_frame.captured.captured_ns);
        let stem = recording::name(self.session, part_frame.part);
        self.shelf.make_room()?;
        write(&self.test.join(kind), &stem, part_frame, &self.entry(part_frame, judge, captured_unix_ms))?;
        self.shelf.add(kind, &stem)
    }

    fn entry(&self, part_frame: &PartFrame, judge: &Judge, captured_unix_ms: u64) -> PartRecord {
        let Inspection { outcome, gap, defects, times, input, .. } = &part_frame.inspection;
        let milliseconds = |(name, time): (&str, Duration)| (name.to_string(), time.as_secs_f64() * 1e3);
        PartRecord {
            format: recording::FORMAT,
            part: part_frame.part,
            sequence: part_frame.captured.sequence,
            captured_unix_ms,
            score: outcome.score(),
            verdict: outcome.station_verdict(),
            reason: outcome.reason().map(|reason| reason.to_string()),
            gap: gap.map(|gap| gap.to_string()),
            defects: defects.worst.to_vec(),
            threshold: judge.thresholds.reject,
            review: judge.thresholds.review,
            at: part_frame.at,
            recipe: Some(part_frame.recipe),
            identity: Some(part_frame.identity.text().to_owned()).filter(|name| !name.is_empty()),
            window: Some(input.window),
            engine_sha256: judge.engine_sha256.clone(),
            times_ms: times
                .stages()
                .into_iter()
                .chain([("capture_to_verdict", clock::between(part_frame.captured.captured_ns, part_frame.judged_ns))])
                .map(milliseconds)
                .collect(),
        }
    }
}

fn write(folder: &Path, stem: &str, part_frame: &PartFrame, record: &PartRecord) -> io::Result<()> {
    let frame = &part_frame.captured.frame;
    let inspection = &part_frame.inspection;
    let truth = above_threshold(inspection, record.threshold, frame.width(), frame.height());
    let mut together = Together::new_marked_by(&mvtec3d::path_in(folder, shelf::MARK, stem, "json")?)?;
    mvtec3d::add(&mut together, folder, stem, frame, Some(&truth))?;
    let maps = &inspection.maps;
    for (name, map) in [("anomaly_map", &maps.anomaly_map), ("psi_rgb", &maps.psi_rgb), ("psi_xyz", &maps.psi_xyz)] {
        together.add(&mvtec3d::path_in(folder, name, stem, "tiff")?, |file| tiff::write_map(file, map, W, H))?;
    }
    together.commit(|file| record.write(file))
}

/// Pixels of the photograph, `[height, width]`, whose network pixel lies above the threshold.
fn above_threshold(inspection: &Inspection, threshold: f32, width: usize, height: usize) -> Vec<bool> {
    let map = &inspection.maps.anomaly_map;
    assert_eq!(map.len(), P, "an inspected frame has its map");
    let place = |pixel: usize| inspection.input.window.network_pixel(pixel % width, pixel / width);
    (0..width * height).map(|pixel| place(pixel).is_some_and(|place| map[place] > threshold)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::dataset::{Layout, Reading, Split, frames_under};
    use crate::frame::{OrganisedCloud, Region, RgbdFrame};
    use crate::identity::Identity;
    use crate::inspect::{Outcome, Scores, Unscored};
    use crate::prepare::window::Window;
    use crate::score::{Thresholds, Verdict};

    const WIDTH: usize = 448;
    const HEIGHT: usize = 224;

    fn judge() -> Judge {
        Judge::new(Thresholds { reject: 0.5, review: None }, [0.25, 1.0], "abc".into())
    }

    /// A part whose map is above the threshold in one place of the network frame.
    fn part_frame(part: u64, verdict: Verdict) -> Box<PartFrame> {
        let mut part_frame = PartFrame::empty();
        let cloud = OrganisedCloud::new(WIDTH, HEIGHT, vec![[0.0, 0.0, 0.5]; WIDTH * HEIGHT]).unwrap();
        part_frame.captured.frame = RgbdFrame::new(WIDTH, HEIGHT, vec![part as u8; WIDTH * HEIGHT * 3], cloud).unwrap();
        part_frame.captured.captured_ns = clock::monotonic_ns();
        part_frame.judged_ns = part_frame.captured.captured_ns + 40_000_000;
        (part_frame.part, part_frame.captured.sequence) = (part, 10 * part);
        (part_frame.recipe, part_frame.identity) = (3, Identity::new("SN-7").unwrap());
        part_frame.inspection.maps.silence();
        part_frame.inspection.input.window = Window::around(Region::of_size(WIDTH, HEIGHT));
        // The photograph is padded by 112 rows above: network pixel (60, 70) is its rows 8 and 9, columns 140 and 141.
        part_frame.inspection.maps.anomaly_map[60 * W + 70] = 0.7;
        let scores = Scores { score: 0.7, reference: 1.0 };
        part_frame.inspection.outcome = Outcome::Scored { scores, verdict: Some(verdict) };
        part_frame
    }

    fn recorder(folder: &Path, quota_bytes: u64) -> Recorder {
        Recorder::open(&RecorderOptions { folder: folder.into(), quota_bytes }).unwrap()
    }

    #[test]
    fn a_recording_is_a_dataset_with_what_was_outlined_as_its_truth() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = recorder(folder.path(), 1 << 30);
        for (part, verdict) in [(1, Verdict::Pass), (2, Verdict::Reject), (3, Verdict::Review)] {
            recorder.record(&part_frame(part, verdict), &judge()).unwrap();
        }
        let layout = Layout::detect(folder.path()).unwrap();
        assert_eq!(layout.classes(folder.path()).unwrap(), [recording::CLASS]);
        let mut entries = layout.entries(folder.path(), recording::CLASS, Split::Test, &Reading::default()).unwrap();
        entries.sort_by_key(|entry| entry.rgb.file_name().map(ToOwned::to_owned));
        let defects: Vec<Option<&str>> = entries.iter().map(|entry| entry.defect.as_deref()).collect();
        assert_eq!(defects, [None, Some("reject"), Some("review")]);
        let truth = entries[1].truth(WIDTH, HEIGHT).unwrap();
        let on: Vec<usize> = (0..truth.len()).filter(|p| truth[*p]).collect();
        assert_eq!(on, [8 * WIDTH + 140, 8 * WIDTH + 141, 9 * WIDTH + 140, 9 * WIDTH + 141]);
        assert!(entries[1].frame().unwrap() == part_frame(2, Verdict::Reject).captured.frame);
    }

    #[test]
    fn the_record_says_how_the_verdict_came_about() {
        let folder = tempfile::tempdir().unwrap();
        let mut unseen = part_frame(7, Verdict::Reject);
        unseen.inspection.outcome = Outcome::Unscored(Unscored::OutsideRegions);
        recorder(folder.path(), 1 << 30).record(&unseen, &judge()).unwrap();
        let entry = frames_under(folder.path(), &Reading::default()).unwrap().remove(0);
        let record = PartRecord::beside(&entry.rgb).unwrap().unwrap();
        assert_eq!((record.part, record.sequence, record.score, record.threshold), (7, 70, None, 0.5));
        assert_eq!((record.verdict, record.engine_sha256.as_str()), (Verdict::Reject, "abc"));
        assert!(record.reason.unwrap().contains("regions"));
        assert_eq!((record.recipe, record.identity.as_deref()), (Some(3), Some("SN-7")));
        assert_eq!(record.window, Some(unseen.inspection.input.window));
        assert_eq!(record.times_ms["capture_to_verdict"], 40.0);
        let age_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64 - record.captured_unix_ms;
        assert!(age_ms < 60_000, "{age_ms}");
    }

    #[test]
    fn the_quota_holds_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let quota_bytes = 8 << 20;
        let mut recorder = recorder(folder.path(), quota_bytes);
        (0..8).for_each(|part| recorder.record(&part_frame(part, Verdict::Reject), &judge()).unwrap());
        let parts: Vec<u64> = frames_under(folder.path(), &Reading::default())
            .unwrap()
            .iter()
            .map(|entry| PartRecord::beside(&entry.rgb).unwrap().unwrap().part)
            .collect();
        // About 1.8 MB each.
        assert!((2..=4).contains(&parts.len()) && parts.is_sorted() && parts.last() == Some(&7), "{parts:?}");
    }

    // The system's clock may have been set back, or have no battery.
    #[test]
    fn what_a_later_start_records_is_newer_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let of_before = |part_frame: &PartFrame, stem: &str| {
            let recorder = recorder(folder.path(), 1 << 30);
            let record = recorder.entry(part_frame, &judge(), 9_999_999_999_999);
            write(&recorder.test.join("reject"), stem, part_frame, &record).unwrap();
            recorder.session
        };
        assert_eq!(of_before(&part_frame(40, Verdict::Reject), "9999999999999-00000040"), 1);
        for (session, parts) in [(1, [7, 8]), (2, [1, 2])] {
            let mut recorder = recorder(folder.path(), 1 << 30);
            assert_eq!(recorder.session, session);
            parts.iter().for_each(|part| recorder.record(&part_frame(*part, Verdict::Reject), &judge()).unwrap());
        }
        let parts = || {
            let entries = frames_under(folder.path(), &Reading::default()).unwrap();
            entries.iter().map(|entry| PartRecord::beside(&entry.rgb).unwrap().unwrap().part).collect::<Vec<u64>>()
        };
        assert_eq!(parts(), [40, 7, 8, 1, 2]);
        // About 1.8 MB each; room for one more is kept.
        recorder(folder.path(), 8 << 20).record(&part_frame(3, Verdict::Pass), &judge()).unwrap();
        let left = parts();
        assert!(left.len() < 5 && [40, 7, 8, 1, 2, 3].ends_with(&left), "{left:?}");
    }

    #[test]
    fn a_part_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = recorder(folder.path(), 1 << 30);
        let kind = folder.path().join(recording::CLASS).join("test/reject");
        std::fs::create_dir_all(&kind).unwrap();
        // A file where the folder of the last but one kind of file would be.
        std::fs::write(kind.join("psi_xyz"), b"").unwrap();
        assert!(recorder.record(&part_frame(1, Verdict::Reject), &judge()).is_err());
        let left =
            std::fs::read_dir(kind.join("rgb")).unwrap().count() + std::fs::read_dir(kind.join("xyz")).unwrap().count();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_folder_that_cannot_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let Err(error) = Recorder::open(&RecorderOptions { folder: file, quota_bytes: 1 }) else {
            panic!("it is a file")
        };
        assert!(error.to_string().contains("record.folder"), "{error}");
    }
}
