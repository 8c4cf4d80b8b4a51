//! A revision on trial: the recording is played again with it.

use super::copy::copy;
use super::error::TeachError;
use super::event::{Observer, Pace, Phase, Step};
use super::lesson::Lesson;
use crate::dataset::finding::{self, Finding, Opinion};
use crate::dataset::{Entry, file_beside, recording};
use crate::inspect::Inspector;
use crate::review::{Changed, play_if_there};
use crate::score::Verdict;

/// Parts that are played again besides those that were reviewed: the newest ones. More would take long beside a station.
const REPLAYED_MAX: usize = 500;
/// Parts that the new engine is checked on before it takes over.
const CHECK_PARTS: usize = 4;

/// What came of it.
#[derive(Default)]
pub struct Trial<'a> {
    pub changed: Vec<Changed>,
    /// Parts that pass and are good as far as anybody knows, with their scores.
    passing: Vec<(f32, &'a Entry)>,
}

/// The entries that are played again: the newest, and all that a person has said something of.
pub fn newest_and_reviewed(entries: &[Entry]) -> Result<Vec<Entry>, TeachError> {
    let newest = entries.len().saturating_sub(REPLAYED_MAX);
    let mut played = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        if i >= newest || Finding::beside(&entry.rgb)?.is_some() {
            played.push(entry.clone());
        }
    }
    Ok(played)
}

impl<'a> Trial<'a> {
    /// Inspects `entries` again.
    pub fn run(inspector: &mut Inspector, entries: &'a [Entry], observe: &mut Observer) -> Result<Self, TeachError> {
        let mut trial = Self::default();
        let pace = Pace::new(Step::Revise, Phase::Replay, 0);
        for (done, entry) in entries.iter().enumerate() {
            if let Some(played) = play_if_there(inspector, entry)? {
                trial.changed.extend(Changed::of(entry, &played)?);
                let opinion = Finding::beside(&entry.rgb)?.map(|finding| finding.opinion);
                let is_good = match opinion {
                    None => played.record.as_ref().is_some_and(|record| record.verdict == Verdict::Pass),
                    Some(opinion) => opinion == Opinion::Good,
                };
                if let Some(score) = played.score().filter(|_| is_good && played.verdict() == Verdict::Pass) {
                    trial.passing.push((score, entry));
                }
            }
            pace.tell(done + 1, entries.len(), observe)?;
        }
        trial.passing.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(trial)
    }

    /// Keeps the parts that the engine is checked on: those in the middle of the scores, so that none is near the threshold.
    pub fn keep_check(&self, lesson: &Lesson) -> Result<(), TeachError> {
        let first = (self.passing.len() / 2).saturating_sub(CHECK_PARTS / 2);
        let folder = lesson.new_check()?;
        for (_, entry) in self.passing.iter().skip(first).take(CHECK_PARTS) {
            copy(&entry.rgb, &folder.join("rgb"))?;
            copy(&entry.xyz, &folder.join("xyz"))?;
            for kind in [recording::FOLDER, finding::FOLDER] {
                if let Some(path) = file_beside(&entry.rgb, kind).filter(|path| path.exists()) {
                    copy(&path, &folder.join(kind))?;
                }
            }
        }
        match self.passing.is_empty() {
            true => Err(TeachError::NonePassesAgain),
            false => Ok(()),
        }
    }
}
