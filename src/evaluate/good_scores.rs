//! The scores of good parts, from which a threshold is found.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::protocol::EvaluateError;
use crate::dataset::Entry;
use crate::dataset::recording::PartRecord;
use crate::frame::RgbdFrame;
use crate::inspect::{Doubts, InspectError, Inspector, Tally};

/// Scores of good parts, and what became of their frames.
#[derive(Debug, Default)]
pub struct GoodScores {
    /// Infinite for a part that could not be scored.
    pub scores: Vec<f32>,
    pub tally: Tally,
    pub doubts: Doubts,
}

/// Inspects every part in the frames of `entries`; of a recorded frame, the part that was recorded. Frames that are among
/// `fitted_on`, their fingerprints, are left out. `each` is called before each frame, and after the last; none if it broke.
pub fn good_scores(
    inspector: &mut Inspector,
    fitted_on: &[String],
    entries: &[Entry],
    each: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<GoodScores>, EvaluateError> {
    let fitted: HashSet<&String> = fitted_on.iter().collect();
    let mut found = GoodScores::default();
    for entry in entries {
        if each().is_break() {
            return Ok(None);
        }
        let frame = entry.frame()?;
        if fitted.contains(&frame.fingerprint()) {
            found.tally.leave_out("used in the fit, which makes its score too low", &entry.name);
            continue;
        }
        found.add(inspector, entry, &frame)?;
    }
    Ok(each().is_continue().then_some(found))
}

impl GoodScores {
    fn add(&mut self, inspector: &mut Inspector, entry: &Entry, frame: &RgbdFrame) -> Result<(), EvaluateError> {
        let failed = |source: InspectError| EvaluateError::Inspect { path: entry.rgb.clone(), source };
        let recorded = PartRecord::beside(&entry.rgb)?.and_then(|record| record.at);
        let places = match recorded {
            Some(at) => vec![Some(at)],
            None => inspector.parts(frame).map_err(failed)?,
        };
        let mut warned = false;
        for at in places {
            let inspection = inspector.inspect_part(frame, at).map_err(failed)?;
            let reason = inspection.outcome.reason();
            if let Some(reason) = reason {
                log::warn!("{}: {reason}", entry.rgb.display());
            }
            warned |= reason.is_some() || inspection.doubt.is_some();
            self.doubts.add(&inspection.input, inspection.doubt);
            self.scores.push(inspection.ranked_score());
        }
        self.tally.used(warned);
        Ok(())
    }
}
