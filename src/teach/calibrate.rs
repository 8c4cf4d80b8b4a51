//! The third step: the threshold is found on good parts that the mappings were not learnt from.

use super::error::TeachError;
use super::event::{Observer, Pace, Phase, Step};
use super::lesson::Lesson;
use crate::collect::Set;
use crate::conformal::{calibrate, supported_rate};
use crate::evaluate::good_scores::good_scores;
use crate::inspect::Inspector;

/// The rate that `crosscheck calibrate` takes; few parts support a higher one only.
pub const FALSE_REJECT_RATE: f64 = 0.003;

/// Finds the threshold of the lesson's engine. `rate`: the largest expected share of good parts that are rejected; the
/// smallest that the parts support, and at least [`FALSE_REJECT_RATE`], where there is none.
pub fn step(lesson: &Lesson, rate: Option<f64>, observe: &mut Observer) -> Result<String, TeachError> {
    let mut engine = lesson.learnt()?;
    let mut inspector = Inspector::new(engine.clone())?;
    let scores = scores(lesson, &mut inspector, &engine.metadata.fitted_on, observe)?;
    let rate = rate.unwrap_or_else(|| FALSE_REJECT_RATE.max(supported_rate(scores.len())));
    let calibration = calibrate(&scores, rate, None)?;
    engine.metadata.calibration = Some(calibration);
    engine.write(&lesson.engine())?;
    Ok(format!("reject above {:.6}: {}", calibration.threshold, calibration.guarantee()))
}

/// The scores of the parts of the lesson that are for the threshold. `fitted_on`: the fingerprints of frames that the engine
/// was learnt from.
pub fn scores(
    lesson: &Lesson,
    inspector: &mut Inspector,
    fitted_on: &[String],
    observe: &mut Observer,
) -> Result<Vec<f32>, TeachError> {
    let entries = lesson.entries(Set::Validation)?;
    let pace = Pace::new(Step::Calibrate, Phase::Scores, 0);
    let mut done = 0;
    let mut told = || {
        done += 1;
        observe(pace.progress(done - 1, entries.len()))
    };
    let found = good_scores(inspector, fitted_on, &entries, &mut told)?.ok_or(TeachError::Interrupted)?;
    found.doubts.say("calibrate");
    found.tally.say("calibrate");
    Ok(found.scores)
}
