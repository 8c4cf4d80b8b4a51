//! A recording, or any folder of frames, as a live camera.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pace::{Pace, interval_ns};
use super::{CameraError, CapturedFrame, FrameSource};
use crate::dataset::recording::PartRecord;
use crate::dataset::{DatasetError, Entry, Reading, frames_under};
use crate::frame::RgbdFrame;

/// Frames are kept once read while they take no more than this, so that a repetition reads nothing.
const KEPT_BYTES_MAX: usize = 256 << 20;
/// A longer pause between recorded frames is cut to this: what was not recorded in between is not waited for.
const PAUSE_NS_MAX: u64 = 1_000_000_000;

/// How fast frames follow one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// As they were recorded, pauses cut to a second.
    Recorded,
    PerSecond(f64),
    /// A frame each time that one is asked for.
    AsAsked,
}

/// What is played, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Playback {
    pub folder: PathBuf,
    pub rate: Rate,
    /// After the last frame the first comes again.
    pub repeat: bool,
    pub reading: Reading,
}

impl Playback {
    /// Refuses a folder by its first frame's headers, such as depth images without a camera file. One that is not there
    /// yet, or is empty, may be filled before it is played.
    pub fn check(&self) -> Result<(), DatasetError> {
        if !self.folder.is_dir() {
            return Ok(());
        }
        match frames_under(&self.folder, &self.reading) {
            Ok(entries) => entries.first().map_or(Ok(()), |entry| entry.size().map(drop)),
            Err(DatasetError::Empty { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

pub struct Replay {
    entries: Vec<Entry>,
    /// `[entries]`, nanoseconds from each frame to the next; none where frames come as asked.
    intervals_ns: Option<Vec<u64>>,
    kept: Vec<Option<RgbdFrame>>,
    kept_bytes: usize,
    repeat: bool,
    /// A frame could be read.
    readable: bool,
    pace: Pace,
}

impl Replay {
    pub fn open(playback: &Playback) -> Result<Self, CameraError> {
        let entries = frames_under(&playback.folder, &playback.reading)?;
        let intervals_ns = match playback.rate {
            Rate::AsAsked => None,
            Rate::PerSecond(rate) => Some(vec![interval_ns(rate); entries.len()]),
            Rate::Recorded => Some(recorded_intervals_ns(&entries, &playback.folder)?),
        };
        let kept = entries.iter().map(|_| None).collect();
        Ok(Self {
            entries,
            intervals_ns,
            kept,
            kept_bytes: 0,
            repeat: playback.repeat,
            readable: false,
            pace: Pace::start(),
        })
    }

    /// Reads a frame, or copies it where it was kept. A file that cannot be read is a lost frame. An error that all
    /// frames share, such as a camera file of another size, is returned with the first frame.
    fn read(&mut self, index: usize, into: &mut RgbdFrame) -> Result<bool, CameraError> {
        if let Some(kept) = &self.kept[index] {
            into.copy_from(kept);
            return Ok(true);
        }
        match self.entries[index].frame_as_it_is() {
            Ok(frame) => {
                into.copy_from(&frame);
                let bytes = size_of_val(frame.rgb()) + size_of_val(frame.cloud().points());
                if self.repeat && self.kept_bytes + bytes <= KEPT_BYTES_MAX {
                    self.kept_bytes += bytes;
                    self.kept[index] = Some(frame);
                }
                self.readable = true;
                Ok(true)
            }
            Err(error) if !self.readable && is_of_all(&error) => Err(error.into()),
            Err(error) => {
                log::warn!("replay: left out: {error}");
                Ok(false)
            }
        }
    }
}

/// Whether an error of the first frame is one of all frames: images of another kind or size than expected.
fn is_of_all(error: &DatasetError) -> bool {
    match error {
        DatasetError::Camera { .. }
        | DatasetError::Frame { .. }
        | DatasetError::Kind { .. }
        | DatasetError::Layout { .. }
        | DatasetError::NoCamera { .. }
        | DatasetError::Turned { .. } => true,
        DatasetError::Open { .. }
        | DatasetError::Decode { .. }
        | DatasetError::NoCloud { .. }
        | DatasetError::NoColour { .. }
        | DatasetError::NoTruth { .. }
        | DatasetError::Twice { .. }
        | DatasetError::Unmarked { .. }
        | DatasetError::Inverted { .. }
        | DatasetError::Class { .. }
        | DatasetError::Empty { .. }
        | DatasetError::NoneFoundGood { .. }
        | DatasetError::Size { .. }
        | DatasetError::Unit { .. } => false,
    }
}

fn recorded_intervals_ns(entries: &[Entry], folder: &Path) -> Result<Vec<u64>, CameraError> {
    let times_ms = entries.iter().map(|entry| match PartRecord::beside(&entry.rgb)? {
        Some(record) => Ok(record.captured_unix_ms),
        None => Err(CameraError::settings(format!(
            "{} in {} has no recorded time: set camera.replay.frame_rate_hz",
            entry.name,
            folder.display()
        ))),
    });
    let times_ms: Vec<u64> = times_ms.collect::<Result<_, _>>()?;
    let interval = |from: u64, to: u64| to.saturating_sub(from).saturating_mul(1_000_000).clamp(1, PAUSE_NS_MAX);
    let mut intervals: Vec<u64> = times_ms.windows(2).map(|pair| interval(pair[0], pair[1])).collect();
    intervals.push(PAUSE_NS_MAX);
    Ok(intervals)
}

impl FrameSource for Replay {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        let frames = self.entries.len() as u64;
        if !self.repeat && self.pace.sequence() >= frames {
            return Err(CameraError::Ended { frames });
        }
        let interval = |sequence: u64| self.intervals_ns.as_ref().map(|all| all[(sequence % frames) as usize]);
        let Some(due) = self.pace.wait(wait, interval) else { return Ok(false) };
        if !self.repeat && due.sequence >= frames {
            return Err(CameraError::Ended { frames });
        }
        (into.sequence, into.captured_ns) = (due.sequence, due.at_ns);
        self.read((due.sequence % frames) as usize, &mut into.frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::mvtec3d;
    use crate::frame::OrganisedCloud;

    /// A frame of one colour, known by it.
    fn frame(colour: u8) -> RgbdFrame {
        let cloud = OrganisedCloud::new(4, 3, vec![[0.0, 0.0, 1.0]; 12]).unwrap();
        RgbdFrame::new(4, 3, vec![colour; 36], cloud).unwrap()
    }

    fn recording() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (kind, stem, colour) in [("good", "001", 1), ("reject", "002", 2), ("good", "003", 3)] {
            mvtec3d::write(&folder.path().join("test").join(kind), stem, &frame(colour), None).unwrap();
        }
        folder
    }

    fn playback(folder: &Path, rate: Rate, repeat: bool) -> Playback {
        Playback { folder: folder.into(), rate, repeat, reading: Reading::default() }
    }

    /// Colours and numbers until the recording ends, or `count` of them.
    fn play(playback: &Playback, count: usize) -> Vec<(u8, u64)> {
        let (mut camera, mut captured, mut seen) = (Replay::open(playback).unwrap(), CapturedFrame::empty(), vec![]);
        while seen.len() < count {
            match camera.next(&mut captured, Duration::from_millis(5)) {
                Ok(true) => seen.push((captured.frame.rgb()[0], captured.sequence)),
                Ok(false) => {}
                Err(error) => {
                    assert!(matches!(error, CameraError::Ended { frames: 3 }), "{error}");
                    break;
                }
            }
        }
        seen
    }

    #[test]
    fn frames_come_in_the_order_of_their_names_and_then_end_or_repeat() {
        let folder = recording();
        let once = playback(folder.path(), Rate::AsAsked, false);
        assert_eq!(play(&once, 10), [(1, 0), (2, 1), (3, 2)]);
        assert_eq!(play(&Playback { repeat: true, ..once }, 5), [(1, 0), (2, 1), (3, 2), (1, 3), (2, 4)]);
        // A busy machine may lose a frame that has its time, never show another in its place.
        let timed = play(&playback(folder.path(), Rate::PerSecond(20.0), false), 10);
        assert!(!timed.is_empty() && timed.is_sorted_by(|a, b| a.1 < b.1), "{timed:?}");
        assert!(timed.iter().all(|&(colour, sequence)| u64::from(colour) == sequence + 1), "{timed:?}");
    }

    #[test]
    fn a_frame_that_cannot_be_read_is_lost_and_the_next_one_comes() {
        let folder = recording();
        std::fs::write(folder.path().join("test/reject/xyz/002.tiff"), b"cut").unwrap();
        assert_eq!(play(&playback(folder.path(), Rate::AsAsked, false), 10), [(1, 0), (3, 2)]);
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let folder = recording();
        let Err(error) = Replay::open(&playback(folder.path(), Rate::Recorded, false)) else { panic!("no times") };
        assert!(error.to_string().contains("camera.replay.frame_rate_hz"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        let Err(error) = Replay::open(&playback(empty.path(), Rate::AsAsked, false)) else { panic!("no frames") };
        assert!(error.to_string().contains("no frames") && !error.reopening_may_help(), "{error}");
    }

    #[test]
    fn depth_images_without_their_camera_are_refused_before_they_are_played() {
        let folder = recording();
        let asked = playback(folder.path(), Rate::AsAsked, false);
        assert!(asked.check().is_ok());
        let depth = image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::from_pixel(4, 3, image::Luma([500]));
        std::fs::remove_file(folder.path().join("test/good/xyz/001.tiff")).unwrap();
        depth.save(folder.path().join("test/good/xyz/001.png")).unwrap();
        let error = asked.check().unwrap_err().to_string();
        assert!(error.contains("001.png") && error.contains("camera.replay.camera_file"), "{error}");
        // A folder that is not there yet is filled before it is played.
        assert!(playback(&folder.path().join("later"), Rate::AsAsked, false).check().is_ok());
        assert!(playback(tempfile::tempdir().unwrap().path(), Rate::AsAsked, false).check().is_ok());
    }

    #[test]
    fn recorded_pauses_are_kept_up_to_a_second() {
        let folder = recording();
        for (kind, stem, captured_unix_ms) in [("good", "001", 1000), ("reject", "002", 1040), ("good", "003", 90_000)]
        {
            let record = PartRecord {
                gap: None,
                defects: Vec::new(),
                format: crate::dataset::recording::FORMAT,
                part: 0,
                sequence: 0,
                captured_unix_ms,
                score: None,
                verdict: crate::score::Verdict::Reject,
                reason: None,
                threshold: 1.0,
                review: None,
                at: None,
                recipe: None,
                identity: None,
                window: None,
                engine_sha256: String::new(),
                times_ms: Default::default(),
            };
            let path = mvtec3d::path_in(&folder.path().join("test").join(kind), "verdict", stem, "json").unwrap();
            crate::files::write_whole(&path, |file| record.write(file)).unwrap();
        }
        let replay = Replay::open(&playback(folder.path(), Rate::Recorded, true)).unwrap();
        assert_eq!(replay.intervals_ns, Some(vec![40_000_000, PAUSE_NS_MAX, PAUSE_NS_MAX]));
    }
}
