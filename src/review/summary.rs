//! What the findings say of a station: how often it rejects good parts, which defects are known to have passed, and which
//! kinds there are.

use serde::Serialize;

use super::error::ReviewError;
use super::filter::Found;
use super::gallery::Gallery;
use super::index::{EngineId, Facts};
use super::judged::Judged;
use super::what_if::Scored;
use crate::conformal::Calibration;
use crate::dataset::finding::Finding;
use crate::defects::Kind;
use crate::evaluate::interval::{Interval, binomial};
use crate::model::engine_file::Engine;
use crate::score::Verdict;

/// The rate of false rejects that an engine promises.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    rate: Option<f64>,
    engine: EngineId,
}

impl Promise {
    /// That of the engine in force. `engine`: the first 16 digits of its content hash, or more.
    pub fn new(rate: Option<f64>, engine: &str) -> Self {
        Self { rate, engine: EngineId::of(engine) }
    }

    /// That of a calibrated engine.
    pub fn of(engine: &Engine) -> Self {
        let rate = engine.metadata.calibration.map(|Calibration { guaranteed_rate, .. }| guaranteed_rate);
        Self { rate, engine: EngineId::of(&engine.content_sha256) }
    }
}

/// Recorded parts of one verdict, by what a person says of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub recorded: usize,
    pub good: usize,
    pub defect: usize,
    pub unsure: usize,
    /// Nobody has said anything yet.
    pub not_reviewed: usize,
}

/// How often good parts are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FalseRejects {
    /// Rejected parts that a person found good.
    pub count: usize,
    /// Parts that the station judged, without those in which a person found a defect.
    pub of: u64,
    pub rate: f64,
    /// The Clopper-Pearson interval of the rate, 95 %.
    pub interval: Interval,
    /// The rate if each rejected part that is not reviewed, or that nobody could tell, were good.
    pub rate_at_most: f64,
}

/// Confirmed defects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KindCount {
    pub kind: Kind,
    pub parts: usize,
}

/// What the findings about a recording say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Parts between the oldest and the newest recorded one of each start of the station.
    pub judged: u64,
    pub pass: Counts,
    pub review: Counts,
    pub reject: Counts,
    /// None where the names of the parts do not tell how many were judged, or where all of them have a confirmed defect.
    pub false_rejects: Option<FalseRejects>,
    /// The expected rate of false rejects that the engine's calibration guarantees; none without an engine.
    pub promised_rate: Option<f64>,
    /// Parts that another engine judged; none without an engine.
    pub other_engine: Option<usize>,
    /// Parts that passed, and in which a person found a defect.
    pub misses_known: usize,
    /// Confirmed defects by kind, the most frequent first.
    pub kinds: Vec<KindCount>,
    /// Every part that a person found good or defective.
    pub scores: Vec<Scored>,
    /// Parts whose records cannot be read.
    pub unreadable: usize,
}

impl Gallery {
    /// Counts all parts, beside what the engine in force promises.
    pub fn summary(&mut self, promise: Option<&Promise>) -> Result<Summary, ReviewError> {
        let index = self.renewed()?;
        let mut summary = Summary {
            judged: Judged::of(index).parts(),
            promised_rate: promise.and_then(|promise| promise.rate),
            other_engine: promise.map(|_| 0),
            ..Summary::default()
        };
        for at in 0..index.len() {
            let Some(facts) = index.facts(at) else {
                summary.unreadable += 1;
                continue;
            };
            let is_other = promise.is_some_and(|promise| promise.engine != facts.engine);
            summary.other_engine = summary.other_engine.map(|other| other + usize::from(is_other));
            let verdict = index.verdict(at);
            summary.add(verdict, &facts, index.finding(at));
        }
        summary.kinds.sort_by(|a, b| b.parts.cmp(&a.parts).then(a.kind.cmp(&b.kind)));
        summary.misses_known = summary.pass.defect;
        summary.false_rejects = summary.rate();
        Ok(summary)
    }
}

impl Summary {
    fn add(&mut self, verdict: Verdict, facts: &Facts, finding: Option<&Finding>) {
        let counts = match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Review => &mut self.review,
            Verdict::Reject => &mut self.reject,
        };
        counts.recorded += 1;
        let found = Found::from(finding);
        match found {
            Found::None => counts.not_reviewed += 1,
            Found::Good => counts.good += 1,
            Found::Defect => counts.defect += 1,
            Found::Unsure => counts.unsure += 1,
        }
        if matches!(found, Found::Good | Found::Defect) {
            self.scores.push(Scored { score: facts.score, is_defective: found == Found::Defect });
        }
        if found == Found::Defect {
            let kind = finding.and_then(|finding| finding.kind).or(facts.kind).unwrap_or(Kind::Unknown);
            match self.kinds.iter_mut().find(|count| count.kind == kind) {
                Some(count) => count.parts += 1,
                None => self.kinds.push(KindCount { kind, parts: 1 }),
            }
        }
    }

    fn rate(&self) -> Option<FalseRejects> {
        let defective = (self.pass.defect + self.review.defect + self.reject.defect) as u64;
        let Counts { good: count, unsure, not_reviewed, .. } = self.reject;
        let most = count + unsure + not_reviewed;
        let of = self.judged.checked_sub(defective).filter(|of| *of >= most as u64 && *of > 0)?;
        let interval = binomial(count, usize::try_from(of).ok()?)?;
        let share = |count: usize| count as f64 / of as f64;
        Some(FalseRejects { count, of, rate: share(count), interval, rate_at_most: share(most) })
    }
}
