//! The steps of a lesson, one after another.

use std::path::PathBuf;

use super::error::TeachError;
use super::event::{Event, Observer, Step};
use super::lesson::{Lesson, State, Work};
use super::{activate, calibrate, learn, score, survey};

/// How the steps work.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Passes over the frames; what suits the engine if there is none.
    pub epochs: Option<usize>,
    /// The largest expected share of good parts that are rejected; what the parts support if there is none.
    pub false_reject_rate: Option<f64>,
    /// The configuration of the station that is to have the recipe.
    pub config: Option<PathBuf>,
}

/// The steps that [`run`] does where none is named.
const ALL: [Step; 4] = [Step::Survey, Step::Learn, Step::Calibrate, Step::Score];

/// Does one step, or all up to the scores that are not done yet, and tells of them. A step that ends before its time leaves
/// what it has done, from which it goes on.
pub fn run(
    lesson: &Lesson,
    step: Option<Step>,
    settings: &Settings,
    observe: &mut Observer,
) -> Result<State, TeachError> {
    let lock = lesson.lock(Work::Steps)?;
    match step {
        Some(step) => one(lesson, step, settings, observe)?,
        None => {
            for step in ALL {
                if is_open(lesson, step)? {
                    one(lesson, step, settings, observe)?;
                }
            }
        }
    }
    drop(lock);
    let state = lesson.state()?;
    // Nothing follows that could be ended.
    let _ = observe(Event::Ended { state });
    Ok(state)
}

/// Whether a step is still to be done.
fn is_open(lesson: &Lesson, step: Step) -> Result<bool, TeachError> {
    let calibrated = || Ok::<_, TeachError>(matches!(lesson.state()?, State::Calibrated | State::Activated));
    Ok(match step {
        Step::Survey => lesson.subject.scene.is_none() && lesson.surveyed()?.is_none(),
        Step::Learn => !calibrated()? && lesson.state()? != State::Learnt,
        Step::Calibrate => !calibrated()?,
        Step::Collect | Step::Score | Step::Activate => true,
    })
}

fn one(lesson: &Lesson, step: Step, settings: &Settings, observe: &mut Observer) -> Result<(), TeachError> {
    if observe(Event::Began { step }).is_break() {
        return Err(TeachError::Interrupted);
    }
    let done = match step {
        Step::Collect => return Err(TeachError::NoConfiguration { step: step.name() }),
        Step::Survey => survey::step(lesson, observe),
        Step::Learn => learn::step(lesson, settings.epochs, observe),
        Step::Calibrate => calibrate::step(lesson, settings.false_reject_rate, observe),
        Step::Score => score::step(lesson, observe),
        Step::Activate => match &settings.config {
            Some(config) => activate::step(lesson, config, observe),
            None => Err(TeachError::NoConfiguration { step: step.name() }),
        },
    };
    // It is done, whether or not others are to follow.
    let _ = observe(Event::Done { step, text: done? });
    Ok(())
}
