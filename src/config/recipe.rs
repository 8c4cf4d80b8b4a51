use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::camera::{Camera, CameraSource};
use super::check::{Problems, resolve};
use super::engine::Engine;
use super::regions::Regions;
use super::reject::Reject;
use super::scene::Scene;

/// Recipes of one station.
pub(super) const RECIPES_MAX: usize = 64;

/// `[[recipe]]`: a product of the line. What a recipe leaves out is as in the other sections. Reloaded on SIGHUP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The number by which a PLC and the command line ask for it.
    pub number: u16,
    /// What people call it.
    pub name: String,
    /// A fitted and calibrated engine file, in place of `engine.path`. Thresholds and check frames of `[engine]` do not
    /// apply to it.
    pub engine: Option<PathBuf>,
    /// In place of `engine.threshold`.
    pub threshold: Option<f32>,
    /// In place of `engine.review`.
    pub review: Option<f32>,
    /// In place of `engine.threshold_range`.
    pub threshold_range: Option<[f32; 2]>,
    /// In place of `engine.check_frames`.
    pub check_frames: Option<PathBuf>,
    /// In place of `reject.delay_ms`.
    pub delay_ms: Option<f64>,
    /// In place of `reject.delay_counts`.
    pub delay_counts: Option<u32>,
    /// In place of `reject.decision_lead_ms`.
    pub decision_lead_ms: Option<f64>,
    /// In place of `reject.decision_lead_counts`.
    pub decision_lead_counts: Option<u32>,
    /// In place of `reject.pulse_ms`.
    pub pulse_ms: Option<f64>,
    /// In place of the whole `[scene]`.
    pub scene: Option<Scene>,
    /// In place of the whole `[regions]`.
    pub regions: Option<Regions>,
    /// Settings of the camera.
    pub camera: Option<CameraSettings>,
}

/// `[recipe.camera]`: what a recipe sets of the camera. The camera is opened again where one of these differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraSettings {
    /// In place of `camera.realsense.preset`.
    pub preset: Option<String>,
    /// In place of `camera.realsense.laser_power`.
    pub laser_power: Option<f32>,
    /// In place of `camera.realsense.depth_exposure`.
    pub depth_exposure: Option<f32>,
    /// In place of `camera.realsense.colour_exposure`.
    pub colour_exposure: Option<f32>,
    /// In place of `camera.synthetic.part`: what lies on the belt of a simulated line.
    pub part: Option<String>,
}

impl Recipe {
    /// A recipe that leaves out everything.
    pub fn new(number: u16, name: String) -> Self {
        Self {
            number,
            name,
            engine: None,
            threshold: None,
            review: None,
            threshold_range: None,
            check_frames: None,
            delay_ms: None,
            delay_counts: None,
            decision_lead_ms: None,
            decision_lead_counts: None,
            pulse_ms: None,
            scene: None,
            regions: None,
            camera: None,
        }
    }

    /// The recipe with its paths, which start from `folder`, made whole.
    pub fn resolved(mut self, folder: &Path) -> Self {
        self.resolve(folder);
        self
    }

    /// Takes over what was taught for this recipe: engine, thresholds, check frames, scene and regions. The rest stays.
    pub(super) fn learn(&mut self, taught: Self) {
        let Self { name, engine, threshold, review, threshold_range, check_frames, scene, regions, .. } = taught;
        (self.name, self.engine, self.check_frames) = (name, engine, check_frames);
        (self.threshold, self.review, self.threshold_range) = (threshold, review, threshold_range);
        (self.scene, self.regions) = (scene, regions);
    }

    /// Puts the recipe's values into the place of the station's.
    pub(super) fn apply(&self, engine: &mut Engine, reject: &mut Reject, camera: &mut Camera) {
        if let Some(path) = &self.engine {
            engine.path.clone_from(path);
            // They belong to the other engine.
            (engine.threshold, engine.review, engine.threshold_range, engine.check_frames) = (None, None, None, None);
        }
        over(&mut engine.threshold, &self.threshold);
        over(&mut engine.review, &self.review);
        over(&mut engine.threshold_range, &self.threshold_range);
        over(&mut engine.check_frames, &self.check_frames);
        over(&mut reject.delay_ms, &self.delay_ms);
        over(&mut reject.delay_counts, &self.delay_counts);
        over(&mut reject.decision_lead_ms, &self.decision_lead_ms);
        over(&mut reject.decision_lead_counts, &self.decision_lead_counts);
        reject.pulse_ms = self.pulse_ms.unwrap_or(reject.pulse_ms);
        if let Some(settings) = &self.camera {
            settings.apply(camera);
        }
    }

    /// Checks what a recipe has of its own. `before`: the recipes above it in the file.
    pub(super) fn check(&self, before: &[Self], source: CameraSource, problems: &mut Problems) {
        problems.range("recipe.number", self.number, 1..=u16::MAX);
        problems.text("recipe.name", &self.name, 64);
        if before.iter().any(|other| other.number == self.number || other.name == self.name) {
            problems.say("another recipe has the same number or name: each needs its own".into());
        }
        if let Some(settings) = &self.camera {
            settings.check(source, problems);
        }
        for (name, path) in [("recipe.engine", &self.engine), ("recipe.check_frames", &self.check_frames)] {
            if let Some(path) = path {
                problems.path(name, path);
            }
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.engine, &mut self.check_frames].into_iter().flatten() {
            resolve(path, folder);
        }
        if let Some(scene) = &mut self.scene {
            scene.resolve(folder);
        }
        if let Some(regions) = &mut self.regions {
            regions.resolve(folder);
        }
    }
}

/// Puts a value of a recipe in the place of the station's.
pub(super) fn over<T: Clone>(value: &mut Option<T>, own: &Option<T>) {
    if own.is_some() {
        value.clone_from(own);
    }
}

impl CameraSettings {
    fn apply(&self, camera: &mut Camera) {
        if camera.source == CameraSource::Realsense {
            let realsense = camera.realsense.get_or_insert_default();
            over(&mut realsense.preset, &self.preset);
            over(&mut realsense.laser_power, &self.laser_power);
            over(&mut realsense.depth_exposure, &self.depth_exposure);
            over(&mut realsense.colour_exposure, &self.colour_exposure);
        }
        if let Some(part) = self.part.as_ref().filter(|_| camera.source == CameraSource::Synthetic) {
            camera.synthetic.get_or_insert_default().part.clone_from(part);
        }
    }

    /// Refuses settings that the station's camera does not have.
    fn check(&self, source: CameraSource, problems: &mut Problems) {
        let of_realsense = [
            ("preset", self.preset.is_some()),
            ("laser_power", self.laser_power.is_some()),
            ("depth_exposure", self.depth_exposure.is_some()),
            ("colour_exposure", self.colour_exposure.is_some()),
        ];
        let foreign = of_realsense.into_iter().filter(|_| source != CameraSource::Realsense);
        let part = [("part", self.part.is_some() && source != CameraSource::Synthetic)];
        for (name, _) in foreign.chain(part).filter(|(_, is_given)| *is_given) {
            problems.say(format!("recipe.camera.{name} is given where camera.source has no such setting: remove it"));
        }
    }
}
