//! The recipe and the thresholds in force, kept on disk: a restart goes on with the recipe, and with a tighter threshold that
//! the page has set, and logs what it loosens.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::judge::{InForce, Judge};
use super::judgement::Judgement;
use crate::config::Station;
use crate::files::write_whole;
use crate::text::{self, TextError};

/// Variable in which systemd names the folder for a service's state.
const STATE_FOLDER: &str = "STATE_DIRECTORY";
/// The file has some lines for each recipe.
const BYTES_MAX: u64 = 64 << 10;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The number of the recipe in force; 0 where there is none.
    pub recipe: u16,
    /// By the number of the recipe.
    pub in_force: BTreeMap<u16, InForce>,
}

#[derive(Debug, Error)]
pub enum LastRunError {
    #[error("{0}; mend or remove the file")]
    Text(#[from] TextError),
    #[error("{}: expected the thresholds of the last run as JSON: {reason}; remove the file", path.display())]
    Damaged { path: PathBuf, reason: String },
}

/// The file of one station.
pub struct LastRun {
    path: PathBuf,
    /// What was written last.
    written: Option<Kept>,
    failing: bool,
}

impl LastRun {
    /// `NAME.thresholds.json` for `NAME.toml`: in systemd's folder for state, or beside the configuration.
    pub fn for_configuration(configuration: &Path) -> Self {
        let name = configuration.file_stem().unwrap_or_default().to_string_lossy();
        let beside = configuration.parent().unwrap_or(Path::new("")).to_path_buf();
        // systemd separates several folders by colons.
        let folder = std::env::var(STATE_FOLDER).ok().and_then(|all| all.split(':').next().map(PathBuf::from));
        Self::at(folder.unwrap_or(beside).join(format!("{name}.thresholds.json")))
    }

    pub fn at(path: PathBuf) -> Self {
        Self { path, written: None, failing: false }
    }

    /// What the last run left; nothing where there was none, or where the file cannot be read, which is logged.
    pub fn recall(&self) -> Kept {
        self.read()
            .unwrap_or_else(|error| {
                log::error!("{error}; whether this start loosens the threshold is not known");
                None
            })
            .unwrap_or_default()
    }

    /// The configuration with the recipe of the last run in force, or with its first one.
    pub fn station(base: &Station, kept: &Kept) -> Station {
        let Some(first) = base.first_recipe() else {
            return base.in_recipe(kept.recipe).unwrap_or_else(|| base.clone());
        };
        let last = base.in_recipe(kept.recipe);
        if last.is_none() && kept.recipe != 0 {
            log::warn!(
                "recipe {} of the last run is not configured any more: recipe {} is in force",
                kept.recipe,
                first.number
            );
        }
        last.or_else(|| base.in_recipe(first.number)).unwrap_or_else(|| base.clone())
    }

    /// Goes on with the thresholds that were in force before, and logs those that are in force from now on.
    pub fn resume(kept: &Kept, judgement: &mut Judgement) {
        if let Some(before) = kept.in_force.get(&judgement.judge.recipe) {
            judgement.follow(before);
            let judge = &judgement.judge;
            if judge.is_overridden() {
                log::warn!("the threshold {}, set on the page before the restart, stays", judge.thresholds);
            }
            if let Some(how) = judge.loosens(before) {
                log::warn!("since the last run: {how}");
            }
        }
        if judgement.judge.is_untaught() {
            log::warn!("there is no engine yet: every part is rejected until a recipe was taught and is gone to");
            return;
        }
        let Judge { thresholds, configured, .. } = judgement.judge;
        log::info!("parts are rejected above {thresholds}; configured is {configured}");
    }

    /// Whether this run has not written anything yet. A station that cannot start leaves the file as it was.
    pub fn is_new(&self) -> bool {
        self.written.is_none() && !self.failing
    }

    /// None where there was no run before.
    fn read(&self) -> Result<Option<Kept>, LastRunError> {
        let text = match text::read(&self.path, BYTES_MAX) {
            Err(TextError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let damaged =
            |error: serde_json::Error| LastRunError::Damaged { path: self.path.clone(), reason: error.to_string() };
        // Before there were recipes, the file had the thresholds alone.
        let before = |in_force| Kept { recipe: 0, in_force: BTreeMap::from([(0, in_force)]) };
        serde_json::from_str(&text)
            .or_else(|error| serde_json::from_str(&text).map(before).map_err(|_| error))
            .map(Some)
            .map_err(damaged)
    }

    /// Writes what is in force, if it has changed. A disk that cannot be written does not stop the station; it is
    /// logged once.
    pub fn keep(&mut self, now: Kept) {
        if self.written.as_ref() == Some(&now) {
            return;
        }
        let written = serde_json::to_vec_pretty(&now)
            .map_err(io::Error::from)
            .and_then(|text| write_whole(&self.path, |file| file.write_all(&text)));
        match written {
            Ok(()) => (self.written, self.failing) = (Some(now), false),
            Err(error) if !self.failing => {
                let path = self.path.display();
                log::warn!(
                    "{path}: {error}; after a restart the configured threshold holds, whatever the page had set"
                );
                self.failing = true;
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Thresholds;

    fn judge() -> Judge {
        let configured = Thresholds { reject: 0.9, review: Some(0.1) };
        Judge::new(configured, [0.45, 1.8], "a".into())
    }

    #[test]
    fn what_was_in_force_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.thresholds.json");
        assert_eq!(LastRun::at(path.clone()).recall(), Kept::default());
        let tight = judge().set(0.5, false).unwrap();
        let kept = Kept { recipe: 3, in_force: BTreeMap::from([(1, judge().in_force()), (3, tight.in_force())]) };
        LastRun::at(path.clone()).keep(kept.clone());
        let before = LastRun::at(path.clone()).recall();
        assert_eq!(before, kept);
        assert_eq!(judge().following(&before.in_force[&3]), tight);
        // A station without recipes wrote its thresholds alone before there were any.
        std::fs::write(&path, serde_json::to_vec(&tight.in_force()).unwrap()).unwrap();
        assert_eq!(LastRun::at(path.clone()).recall().in_force[&0], tight.in_force());
        for damaged in [b"{}".to_vec(), b"\xff\xfe".to_vec(), vec![b' '; 5000]] {
            std::fs::write(&path, damaged).unwrap();
            let error = LastRun::at(path.clone()).read().unwrap_err().to_string();
            assert!(error.contains("line.thresholds.json") && error.contains("remove the file"), "{error}");
        }
    }
}
