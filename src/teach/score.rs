//! The fourth step: every part that was collected is judged by the engine that came of them, for a person to look at.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::TeachError;
use super::event::{Observer, Pace, Phase, Step};
use super::file;
use super::lesson::Lesson;
use crate::collect::Set;
use crate::config::regions::Regions as Areas;
use crate::dataset::Entry;
use crate::inspect::{Inspection, Inspector};
use crate::overlay::{self, Overlay};
use crate::regions::{NetworkMask, Regions};
use crate::score::Verdict;
use crate::{files, text};

/// The version of `scores.json`.
pub const FORMAT: u32 = 1;
/// Twenty thousand parts have some hundred bytes each.
const BYTES_MAX: u64 = 16 << 20;
/// How often what is done is kept.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// `scores.json`: the parts of a lesson by its engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    pub format: u32,
    /// The content hash of the engine, its threshold, and where defects counted.
    pub engine_sha256: String,
    pub threshold: Option<f32>,
    pub regions: Areas,
    pub parts: Vec<ScoredPart>,
}

/// A part of a lesson. Where a frame shows several, it is the one with the highest score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredPart {
    /// The name of its files.
    pub name: String,
    pub set: Set,
    /// None where the frame could not be scored.
    pub score: Option<f32>,
    pub verdict: Verdict,
    /// Why it has no score.
    pub reason: Option<String>,
}

impl Lesson {
    /// What is known of the scores; none where nothing is, or what is known is of another engine or other regions.
    pub fn scores(&self) -> Result<Option<Scores>, TeachError> {
        let path = self.scores_file();
        if !path.exists() {
            return Ok(None);
        }
        let engine = self.calibrated()?;
        // What cannot be read is made again.
        let read = text::read(&path, BYTES_MAX).ok();
        let known: Option<Scores> = read.and_then(|text| serde_json::from_str(&text).ok());
        let is_current = |scores: &Scores| {
            scores.format == FORMAT
                && scores.engine_sha256 == engine.content_sha256
                && scores.regions == self.subject.regions
        };
        Ok(known.filter(is_current))
    }

    /// The picture of a part that was scored.
    pub fn overlay(&self, set: Set, name: &str) -> PathBuf {
        self.folder().join("overlays").join(format!("{}-{name}.png", set.name()))
    }

    fn scores_file(&self) -> PathBuf {
        self.folder().join("scores.json")
    }
}

impl Scores {
    fn has(&self, set: Set, name: &str) -> bool {
        self.parts.iter().any(|part| part.set == set && part.name == name)
    }
}

/// The name of a part's files.
fn stem(entry: &Entry) -> String {
    entry.rgb.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Scores the parts that are not scored yet.
pub fn step(lesson: &Lesson, observe: &mut Observer) -> Result<String, TeachError> {
    let engine = lesson.calibrated()?;
    let threshold = engine.metadata.calibration.map(|calibration| calibration.threshold);
    let nothing = Scores {
        format: FORMAT,
        engine_sha256: engine.content_sha256.clone(),
        threshold,
        regions: lesson.subject.regions.clone(),
        parts: Vec::new(),
    };
    let mut scores = lesson.scores()?.unwrap_or(nothing);
    let mut entries = Vec::new();
    for set in Set::ALL {
        entries.extend(lesson.entries(set)?.into_iter().map(|entry| (set, stem(&entry), entry)));
    }
    // Parts that a person has removed are not listed any more.
    scores.parts.retain(|part| {
        lesson.overlay(part.set, &part.name).exists()
            && entries.iter().any(|(set, name, _)| part.set == *set && part.name == *name)
    });
    let (before, of) = (scores.parts.len(), entries.len());
    let mut inspector = Inspector::new(engine)?;
    inspector.reject_doubtful(lesson.scene()?.is_some_and(|scene| scene.rejects_doubtful()));
    let areas = lesson.subject.recipe().resolved(lesson.folder()).regions.unwrap_or_default();
    inspector.replace_regions(Regions::read(&areas)?.map(NetworkMask::new));
    let overlays = lesson.folder().join("overlays");
    files::make_folder(&overlays).map_err(TeachError::write(&overlays))?;
    let pace = Pace::new(Step::Score, Phase::Scores, before);
    let mut kept = Instant::now();
    for (set, name, entry) in entries {
        if scores.has(set, &name) {
            continue;
        }
        let part = score(&mut inspector, &entry, set, &name, &lesson.overlay(set, &name))?;
        scores.parts.push(part);
        let told = pace.tell(scores.parts.len(), of, observe);
        if told.is_err() || kept.elapsed() >= KEEP_EVERY {
            file::write(&lesson.scores_file(), &scores)?;
            kept = Instant::now();
        }
        told?;
    }
    scores.parts.sort_by(|a, b| (a.set.name(), &a.name).cmp(&(b.set.name(), &b.name)));
    file::write(&lesson.scores_file(), &scores)?;
    let rejected = scores.parts.iter().filter(|part| part.verdict != Verdict::Pass).count();
    Ok(format!("{} parts were scored, {rejected} of them are rejected", scores.parts.len()))
}

/// Judges a part, and draws it.
fn score(
    inspector: &mut Inspector,
    entry: &Entry,
    set: Set,
    name: &str,
    overlay: &Path,
) -> Result<ScoredPart, TeachError> {
    let frame = entry.frame()?;
    let mut worst: Option<Inspection> = None;
    for at in inspector.parts(&frame).map_err(TeachError::frame(&entry.rgb))? {
        let inspection = inspector.inspect_part(&frame, at).map_err(TeachError::frame(&entry.rgb))?;
        if worst.as_ref().is_none_or(|worst| inspection.ranked_score() > worst.ranked_score()) {
            worst = Some(inspection);
        }
    }
    let Some(worst) = worst else { unreachable!("there is one part at least, if only one that is missing") };
    let threshold = inspector.thresholds().map(|thresholds| thresholds.reject);
    let picture = overlay::overlay(&Overlay::from_inspection(&frame, &worst, threshold));
    overlay::write(overlay, &picture).map_err(TeachError::write(overlay))?;
    Ok(ScoredPart {
        name: name.into(),
        set,
        score: worst.outcome.score(),
        verdict: worst.outcome.station_verdict(),
        reason: worst.outcome.reason().map(|reason| reason.to_string()),
    })
}
