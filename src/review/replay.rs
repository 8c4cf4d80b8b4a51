//! Recorded parts, inspected again.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::error::ReviewError;
use super::part::is_gone;
use crate::dataset::Entry;
use crate::dataset::finding::{Finding, Opinion};
use crate::dataset::recording::PartRecord;
use crate::inspect::{Inspection, Inspector};
use crate::score::Verdict;

/// One frame, inspected again.
pub struct Played {
    /// What was recorded of it, if a station did.
    pub record: Option<PartRecord>,
    pub inspection: Inspection,
}

impl Played {
    pub fn verdict(&self) -> Verdict {
        self.inspection.outcome.station_verdict()
    }

    pub fn score(&self) -> Option<f32> {
        self.inspection.outcome.score()
    }

    pub fn differs(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.verdict != self.verdict())
    }

    /// The difference of the score and the recorded score, if there are both.
    pub fn score_difference(&self) -> Option<f32> {
        Some((self.score()? - self.record.as_ref()?.score?).abs())
    }
}

/// Inspects a frame of a recording as the station did, at the place of its part.
pub fn play(inspector: &mut Inspector, entry: &Entry) -> Result<Played, ReviewError> {
    let frame = entry.frame()?;
    let record = PartRecord::beside(&entry.rgb)?;
    let at = record.as_ref().and_then(|record| record.at);
    let inspection = inspector.inspect_part(&frame, at);
    let inspection = inspection.map_err(|source| ReviewError::Inspect { path: entry.rgb.clone(), source })?;
    Ok(Played { record, inspection })
}

/// A part that gets another verdict than the one that was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    pub name: String,
    pub recorded_verdict: Verdict,
    pub verdict: Verdict,
    pub recorded_score: Option<f32>,
    pub score: Option<f32>,
    /// What a person says of the part.
    pub opinion: Option<Opinion>,
}

impl Changed {
    /// What changes for the part of `entry`; none where its verdict stays.
    pub fn of(entry: &Entry, played: &Played) -> Result<Option<Self>, ReviewError> {
        let Some(record) = played.record.as_ref().filter(|_| played.differs()) else { return Ok(None) };
        Ok(Some(Self {
            name: entry.name.clone(),
            recorded_verdict: record.verdict,
            verdict: played.verdict(),
            recorded_score: record.score,
            score: played.score(),
            opinion: Finding::beside(&entry.rgb)?.map(|finding| finding.opinion),
        }))
    }
}

/// Inspects a frame of a recording as [`play`] does; none where its part was removed meanwhile.
pub fn play_if_there(inspector: &mut Inspector, entry: &Entry) -> Result<Option<Played>, ReviewError> {
    match play(inspector, entry) {
        Err(ReviewError::Dataset(error)) if is_gone(&error) => Ok(None),
        played => played.map(Some),
    }
}

/// Inspects the parts of a recording again, and returns those whose verdict changes. Parts that are removed meanwhile are
/// left out. `each` is called after each part; if it breaks, so does the replay, with what it has found so far.
pub fn changes(
    inspector: &mut Inspector,
    entries: &[Entry],
    each: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Vec<Changed>, ReviewError> {
    let mut changed = Vec::new();
    for entry in entries {
        if let Some(played) = play_if_there(inspector, entry)? {
            changed.extend(Changed::of(entry, &played)?);
        }
        if each().is_break() {
            break;
        }
    }
    Ok(changed)
}
