//! The first step: the belt is measured on the first frames, and a scene is proposed.

use std::path::{Path, PathBuf};

use super::error::TeachError;
use super::event::{Event, Observer, Pace, Phase, Step, tell};
use super::lesson::Lesson;
use crate::calibration::StationCalibration;
use crate::calibration::survey::{Survey, SurveyError, warnings};
use crate::collect::Set;
use crate::config::scene::Scene;
use crate::frame::RgbdFrame;
use crate::model::PointMaeShape;
use crate::model::engine_file::Engine;
use crate::overlay;
use crate::prepare::{Preparation, prepare};
use crate::preview::{ContactSheet, PartPixels};

/// Number of frames that the picture shows.
const PICTURED: usize = 12;

/// A survey, and some of its frames for a picture.
pub struct Pictured {
    survey: Survey,
    frames: Vec<RgbdFrame>,
}

impl Pictured {
    /// `scene`: where it is known already. The belt is measured all the same, so that of the scene is not used.
    pub fn new(scene: Option<Scene>) -> Result<Self, TeachError> {
        let known = scene.map(|scene| scene.without_belt().prepare(&Preparation::default())).transpose()?;
        Ok(Self { survey: known.map_or_else(Survey::default, Survey::in_scene), frames: Vec::new() })
    }

    pub fn add(&mut self, frame: &RgbdFrame) -> Result<(), SurveyError> {
        self.survey.add(frame)?;
        if self.frames.len() < PICTURED {
            self.frames.push(frame.clone());
        }
        Ok(())
    }

    /// Writes the station calibration, and beside it a contact sheet of the pixels that its scene takes for the part.
    /// Returns both, and where the sheet is.
    pub fn write(&self, path: &Path) -> Result<(StationCalibration, PathBuf), TeachError> {
        let station = self.survey.finish()?;
        station.write(path)?;
        let scene = Scene::read(path)?.prepare(&Preparation::default())?;
        let mut sheet = ContactSheet::default();
        for frame in &self.frames {
            let input = prepare(frame, &scene)?;
            sheet.add(frame, &[PartPixels::of(&input)]);
        }
        let picture = path.with_extension("png");
        overlay::write(&picture, &sheet.picture()).map_err(TeachError::write(&picture))?;
        Ok((station, picture))
    }
}

/// What in the geometry does not suit a method with this shape network.
pub fn doubts(station: &StationCalibration, shape: &PointMaeShape) -> Vec<String> {
    let warned = station.measured.as_ref().map(|measured| warnings(measured, shape.groups, shape.group_size));
    warned.unwrap_or_default()
}

/// Measures the parts that the lesson has so far.
pub fn step(lesson: &Lesson, observe: &mut Observer) -> Result<String, TeachError> {
    let entries = lesson.entries(Set::Train)?;
    let mut seen = Pictured::new(lesson.subject.scene.clone())?;
    let pace = Pace::new(Step::Survey, Phase::Frames, 0);
    for (done, entry) in entries.iter().enumerate() {
        seen.add(&entry.frame()?).map_err(TeachError::frame(&entry.rgb))?;
        pace.tell(done + 1, entries.len(), observe)?;
    }
    let (station, _) = seen.write(&lesson.belt())?;
    for text in doubts(&station, &Engine::built_in()?.metadata.architecture.xyz) {
        tell(Event::Note { step: Step::Survey, text }, observe)?;
    }
    let scene = station.scene.as_ref().map_or_else(|| "none".into(), |scene| scene.describe());
    Ok(format!("the belt was measured on {} parts; scene: {scene}", entries.len()))
}
