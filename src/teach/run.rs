//! The steps of a lesson, one after another.

use super::error::TeachError;
use super::event::{Event, Observer, Step, tell};
use super::lesson::{Lesson, State, Work};
use super::settings::Settings;
use super::{activate, calibrate, learn, revise, score, survey};

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
    Ok(match step {
        Step::Survey => lesson.subject.scene.is_none() && lesson.surveyed()?.is_none(),
        Step::Learn => !matches!(lesson.state()?, State::Learnt | State::Calibrated | State::Activated),
        Step::Calibrate => !matches!(lesson.state()?, State::Calibrated | State::Activated),
        Step::Collect | Step::Score | Step::Activate | Step::Revise | Step::Accept | Step::Discard => true,
    })
}

fn one(lesson: &Lesson, step: Step, settings: &Settings, observe: &mut Observer) -> Result<(), TeachError> {
    tell(Event::Began { step }, observe)?;
    let config = || settings.config.as_deref().ok_or(TeachError::NoConfiguration { step: step.name() });
    let done = match step {
        Step::Collect => return Err(TeachError::NoConfiguration { step: step.name() }),
        Step::Survey => survey::step(lesson, observe),
        Step::Learn => learn::step(lesson, settings.epochs, observe),
        Step::Calibrate => calibrate::step(lesson, settings.false_reject_rate, observe),
        Step::Score => score::step(lesson, observe),
        Step::Activate => activate::step(lesson, config()?, observe),
        Step::Revise => revise::step(lesson, config()?, settings, observe),
        Step::Accept => activate::accept(lesson, config()?, observe),
        Step::Discard => lesson.discard_revision().map(|()| "the revision is removed".into()),
    };
    // It is done, whether or not others are to follow.
    let _ = observe(Event::Done { step, text: done? });
    Ok(())
}
