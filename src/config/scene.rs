use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use super::file::{ConfigError, FILE_BYTES_MAX, parse};
use crate::calibration::{CalibrationError, read_plane};
use crate::prepare::crop::Crop;
use crate::prepare::{BeltMode, PartChoice, Preparation};
use crate::text;

/// `[scene]`: which pixels of a photograph are taken for the part. Reloaded on SIGHUP. It may also be in a file of its
/// own, for the option `--scene` of every command that reads frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scene {
    /// Where in the photograph the part may be; anywhere if left out.
    #[serde(skip_serializing_if = "Crop::is_whole")]
    pub crop: Crop,
    /// `fit` (to each frame), `none`, or a plane file. If left out, `none` with part `everything`, and `fit` otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belt: Option<Belt>,
    /// `largest`, `centre`, `all`, `everything` or `each`.
    pub part: PartChoice,
    /// What to do if something else may have been taken for the part: `warn` or `reject`.
    pub doubtful: Doubtful,
}

/// The values of `scene.belt`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Belt {
    Fit,
    None,
    File(PathBuf),
}

impl From<String> for Belt {
    fn from(text: String) -> Self {
        match text.as_str() {
            "fit" => Self::Fit,
            "none" => Self::None,
            _ => Self::File(text.into()),
        }
    }
}

impl From<Belt> for String {
    fn from(belt: Belt) -> Self {
        match belt {
            Belt::Fit => "fit".into(),
            Belt::None => "none".into(),
            Belt::File(path) => path.to_string_lossy().into_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubtful {
    #[default]
    Warn,
    Reject,
}

/// A file with a scene: a station's configuration, or one with a scene alone.
#[derive(Deserialize)]
struct SceneFile {
    scene: Option<Scene>,
}

impl Scene {
    /// Reads the `[scene]` of a file, and ignores its other sections.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file: SceneFile = parse(&text::read(path, FILE_BYTES_MAX)?, path)?;
        let mut problems = Problems::default();
        match &file.scene {
            Some(scene) => scene.check(&mut problems),
            None => problems.say("the file has no [scene] with crop, belt and part".into()),
        }
        match file.scene.filter(|_| problems.found().is_empty()) {
            Some(mut scene) => {
                scene.resolve(path.parent().unwrap_or(Path::new("")));
                Ok(scene)
            }
            None => Err(ConfigError::Invalid { path: path.display().to_string(), problems: problems.found().to_vec() }),
        }
    }

    /// Returns the preparation `base` with this scene. Reads the plane file that the scene names.
    pub fn prepare(&self, base: &Preparation) -> Result<Preparation, CalibrationError> {
        let belt = match self.belt() {
            Belt::Fit => BeltMode::Fit,
            Belt::None => BeltMode::None,
            Belt::File(path) => BeltMode::Fixed(read_plane(&path)?),
        };
        Ok(Preparation { crop: self.crop.clone(), belt, part: self.part, ..base.clone() })
    }

    /// Whether a part is rejected if something else may have been taken for it.
    pub fn rejects_doubtful(&self) -> bool {
        self.doubtful == Doubtful::Reject
    }

    /// Returns the same scene without its belt, so that the default applies.
    pub fn without_belt(mut self) -> Self {
        self.belt = None;
        self
    }

    fn belt(&self) -> Belt {
        let usual = if self.part == PartChoice::Everything { Belt::None } else { Belt::Fit };
        self.belt.clone().unwrap_or(usual)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        // The check does not depend on the plane.
        let belt = if self.belt() == Belt::None { BeltMode::None } else { BeltMode::Fit };
        let prepared = Preparation { crop: self.crop.clone(), belt, part: self.part, ..Preparation::default() };
        if let Err(problem) = prepared.check() {
            problems.say(format!("scene: {problem}"));
        }
        if let Some(Belt::File(path)) = &self.belt {
            problems.path("scene.belt", path);
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(Belt::File(path)) = &mut self.belt {
            resolve(path, folder);
        }
    }
}
