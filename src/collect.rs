//! Collects frames of good parts for a fit, and leaves out those that are not fit to learn from.

pub mod live;
mod sets;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::calibration::StationCalibration;
use crate::calibration::survey::part::PartFinder;
use crate::dataset::mvtec3d;
use crate::frame::{Region, RgbdFrame};
use crate::prepare::belt::Fitter;
use crate::prepare::crop::{CropMisfit, Cropper};
use crate::prepare::plane::Plane;
use crate::prepare::point_grid::PointGrid;
use crate::prepare::{PartChoice, Preparation};
use crate::quality::Quality;
pub use sets::{Set, Sets};

/// After this many kept parts a frame is compared with those before it, where the station's usual measures are unknown.
const USUAL_AFTER: usize = 5;
/// After this many parts left out in a row, collecting ends with an error.
const LEFT_OUT_MAX: usize = 50;

#[derive(Debug, Error)]
pub enum CollectError {
    #[error("cannot write into {}: {source}", folder.display())]
    Write { folder: PathBuf, source: std::io::Error },
    #[error(
        "{LEFT_OUT_MAX} parts in a row were left out, the last one because of: {reason}; correct that and record again"
    )]
    NothingFits { reason: String },
    #[error(transparent)]
    Crop(#[from] CropMisfit),
}

/// Writes parts that are fit to learn from into one folder's `rgb` and `xyz`.
pub struct Collector {
    folder: PathBuf,
    /// Number of the next part's files.
    number: usize,
    belt: Option<Plane>,
    usual: Option<Quality>,
    scene: Preparation,
    cropper: Cropper,
    fitter: Fitter,
    finder: PartFinder,
    kept: Vec<Quality>,
    seen: HashSet<String>,
    left_out: usize,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Collected {
    /// Written under this name.
    Kept {
        name: String,
        quality: Quality,
    },
    LeftOut {
        faults: Vec<String>,
    },
}

impl Collector {
    /// Goes on after the files that are in `folder` already. `station`: the belt and what is usual; `scene`: what is taken
    /// for the part, and the belt where `station` does not tell it.
    pub fn open(
        folder: &Path,
        station: Option<&StationCalibration>,
        scene: &Preparation,
    ) -> Result<Self, CollectError> {
        Ok(Self {
            folder: folder.into(),
            number: tidy(folder)?,
            belt: station.map(StationCalibration::plane).or(scene.belt.fixed()),
            usual: station.and_then(|station| station.measured.as_ref()).map(|measured| measured.usual),
            scene: scene.clone(),
            cropper: Cropper::default(),
            fitter: Fitter::default(),
            finder: PartFinder::default(),
            kept: Vec::new(),
            seen: HashSet::new(),
            left_out: 0,
        })
    }

    /// Writes further parts into another folder: parts of the one before do not come again in it.
    pub fn go_on_in(&mut self, folder: &Path) -> Result<(), CollectError> {
        (self.folder, self.number) = (folder.into(), tidy(folder)?);
        Ok(())
    }

    /// Parts kept so far, in all folders.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Keeps the frame of a part, or returns the reasons against it.
    pub fn offer(&mut self, frame: &RgbdFrame) -> Result<Collected, CollectError> {
        let (quality, faults) = self.judge(frame)?;
        if !faults.is_empty() {
            self.left_out += 1;
            if self.left_out >= LEFT_OUT_MAX {
                return Err(CollectError::NothingFits { reason: faults.join(", ") });
            }
            return Ok(Collected::LeftOut { faults });
        }
        let name = format!("{:03}", self.number);
        mvtec3d::write(&self.folder, &name, frame, None)
            .map_err(|source| CollectError::Write { folder: self.folder.clone(), source })?;
        self.number += 1;
        self.left_out = 0;
        self.kept.push(quality);
        Ok(Collected::Kept { name, quality })
    }

    fn judge(&mut self, frame: &RgbdFrame) -> Result<(Quality, Vec<String>), CropMisfit> {
        let (seen, bounds) = self.cropper.cut(frame, &self.scene.crop)?;
        let (points, width) = (seen.cloud().points(), seen.width());
        let belt = self.belt.or_else(|| self.fitter.fit(PointGrid::whole(points, width), 0).map(|belt| belt.plane));
        if self.scene.part == PartChoice::Everything {
            return Ok(self.fit_to_learn_from(frame, bounds, false));
        }
        let Some(part) = belt.and_then(|belt| self.finder.find(seen, &belt, self.scene.part)) else {
            return Ok((Quality::of(frame, bounds), vec!["no part stands above the belt".into()]));
        };
        let part = part.moved(bounds.x, bounds.y);
        Ok(self.fit_to_learn_from(frame, part.surroundings, part.cut))
    }

    /// The quality of a frame around a part, and the reasons not to learn from it.
    fn fit_to_learn_from(&mut self, frame: &RgbdFrame, around: Region, cut: bool) -> (Quality, Vec<String>) {
        let quality = Quality::of(frame, around);
        let usual = self.usual.or_else(|| (self.kept.len() >= USUAL_AFTER).then(|| Quality::median(&self.kept)));
        let mut faults = quality.faults(usual.as_ref());
        if cut {
            faults.push("the part reaches the edge of the frame".into());
        }
        if !self.seen.insert(frame.fingerprint()) {
            faults.push("the frame is one that came before: the camera repeats itself".into());
        }
        (quality, faults)
    }
}

/// Removes the half part that a sudden end left in `folder`, which need not be there yet, and gives the number after the
/// largest of its files.
fn tidy(folder: &Path) -> Result<usize, CollectError> {
    let failed = |source| CollectError::Write { folder: folder.into(), source };
    mvtec3d::remove_broken_off(folder).map_err(failed)?;
    let mut number = 0;
    let files = match std::fs::read_dir(folder.join("rgb")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        files => files.map_err(failed)?,
    };
    for file in files {
        let path = file.map_err(failed)?.path();
        let of_file = path.file_stem().and_then(|stem| stem.to_str()?.parse::<usize>().ok());
        number = number.max(of_file.map_or(0, |of_file| of_file.saturating_add(1)));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::survey::Survey;
    use crate::dataset::{Reading, nominal};
    use crate::frame::OrganisedCloud;
    use crate::scene::{Part, Scene};

    fn frames(count: u64) -> Vec<RgbdFrame> {
        let scene = Scene::new(Part::Puck, 2);
        (0..count).map(|i| scene.nominal(i).frame).collect()
    }

    fn faults(collector: &mut Collector, frame: &RgbdFrame) -> String {
        match collector.offer(frame).unwrap() {
            Collected::LeftOut { faults } => faults.join("\n"),
            kept => panic!("{kept:?}"),
        }
    }

    fn darker(frame: &RgbdFrame) -> RgbdFrame {
        let rgb = frame.rgb().iter().map(|v| v / 2).collect();
        RgbdFrame::new(frame.width(), frame.height(), rgb, frame.cloud().clone()).unwrap()
    }

    /// Moved to the right by half the frame; the belt goes on as it was.
    fn cut(frame: &RgbdFrame) -> RgbdFrame {
        let (width, by) = (frame.width(), frame.width() / 2);
        let from = |i: usize| i / width * width + (i % width + width - by) % width;
        let points: Vec<[f32; 3]> = (0..width * frame.height()).map(|i| frame.cloud().points()[from(i)]).collect();
        let cloud = OrganisedCloud::new(width, frame.height(), points).unwrap();
        RgbdFrame::new(width, frame.height(), frame.rgb().to_vec(), cloud).unwrap()
    }

    #[test]
    fn good_parts_are_kept_and_bad_samples_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let frames = frames(8);
        let mut survey = Survey::default();
        frames.iter().for_each(|frame| survey.add(frame).unwrap());
        let station = survey.finish().unwrap();
        let mut collector = Collector::open(folder.path(), Some(&station), &Preparation::default()).unwrap();
        for (i, frame) in frames[..4].iter().enumerate() {
            let Collected::Kept { name, .. } = collector.offer(frame).unwrap() else { panic!("{i}") };
            assert_eq!(name, format!("{i:03}"));
        }
        assert!(faults(&mut collector, &darker(&frames[4])).contains("brightness"));
        assert!(faults(&mut collector, &frames[0]).contains("repeats itself"));
        assert!(faults(&mut collector, &cut(&frames[5])).contains("edge of the frame"));
        let empty = OrganisedCloud::new(400, 400, vec![[0.0; 3]; 160_000]).unwrap();
        let empty = RgbdFrame::new(400, 400, frames[6].rgb().to_vec(), empty).unwrap();
        assert!(faults(&mut collector, &empty).contains("no part"));
        assert_eq!(collector.kept(), 4);
        // Another session goes on behind, and all is read back as it was.
        let mut again = Collector::open(folder.path(), None, &Preparation::default()).unwrap();
        assert!(matches!(again.offer(&frames[7]).unwrap(), Collected::Kept { name, .. } if name == "004"));
        let entries = nominal(folder.path(), &Reading::default()).unwrap();
        let read: Vec<RgbdFrame> = entries.iter().map(|entry| entry.frame().unwrap()).collect();
        assert!(read[..4] == frames[..4] && read[4] == frames[7] && read.len() == 5);
    }

    #[test]
    fn without_a_station_the_first_parts_tell_what_is_usual() {
        let folder = tempfile::tempdir().unwrap();
        let frames = frames(7);
        let mut collector = Collector::open(folder.path(), None, &Preparation::default()).unwrap();
        for frame in &frames[..5] {
            assert!(matches!(collector.offer(frame).unwrap(), Collected::Kept { .. }));
        }
        assert!(faults(&mut collector, &darker(&frames[5])).contains("is usual"));
        assert!(matches!(collector.offer(&frames[6]).unwrap(), Collected::Kept { .. }));
    }

    #[test]
    fn a_camera_that_shows_one_frame_for_ever_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let frame = &frames(1)[0];
        let mut collector = Collector::open(folder.path(), None, &Preparation::default()).unwrap();
        let error = (0..=LEFT_OUT_MAX).find_map(|_| collector.offer(frame).err()).unwrap().to_string();
        assert!(error.contains("repeats itself"), "{error}");
    }
}
