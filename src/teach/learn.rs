//! The second step: the mappings are learnt from the parts of the first set.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::error::TeachError;
use super::event::{Event, Observer, Pace, Phase, Step, tell};
use super::lesson::Lesson;
use crate::collect::Set;
use crate::dataset::Entry;
use crate::fit::{self, Fit, FitError, FitSettings, Keep, Progress, state};
use crate::inspect::{Doubts, Tally};
use crate::model::engine_file::Engine;
use crate::preview::{ContactSheet, PartPixels};

/// How often the state of the fit is kept: what a sudden end can take.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Reads every frame and adds its features to the fit. Logs doubts about the part, and draws what was taken for it into
/// `sheet`. `observe` is given how many frames are done, and ends the work by a break.
pub fn add_all(
    fit: &mut Fit,
    entries: &[Entry],
    tally: &mut Tally,
    mut sheet: Option<&mut ContactSheet>,
    observe: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, TeachError> {
    let mut doubts = Doubts::default();
    for (done, entry) in entries.iter().enumerate() {
        if observe(done).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let frame = entry.frame()?;
        let added = fit.add(&frame).map_err(TeachError::frame(&entry.xyz))?;
        added.tell(&entry.name, &entry.rgb, tally);
        added.parts.iter().for_each(|seen| doubts.count(&seen.taken, seen.doubt));
        if let Some(sheet) = &mut sheet {
            let parts: Vec<PartPixels> =
                added.parts.iter().map(|s| PartPixels { window: s.window, kept: &s.kept }).collect();
            sheet.add(&frame, &parts);
        }
    }
    if observe(entries.len()).is_break() {
        return Ok(ControlFlow::Break(()));
    }
    if let Some(usual) = fit.usual() {
        log::info!(
            "the part usually has {} points in the network frame, at a depth of {:.3} m",
            usual.points,
            usual.depth_m
        );
    }
    doubts.say("fit");
    Ok(ControlFlow::Continue(()))
}

/// Learns the engine of the lesson.
pub fn step(lesson: &Lesson, epochs: Option<usize>, observe: &mut Observer) -> Result<String, TeachError> {
    let (engine, text) = learn(lesson, &lesson.entries(Set::Train)?, &lesson.engine(), epochs, observe)?;
    engine.write(&lesson.engine())?;
    // Only now that the engine is written: one of the two always exists.
    state::remove(&lesson.engine_state())?;
    Ok(text)
}

/// Learns an engine of the lesson's scene from `entries`, and returns it with a sentence on what it was learnt from. `to`:
/// where it is to be written; the state of the fit is kept beside it. A fit that was broken off goes on, unless the parts,
/// the scene or the settings are others now.
pub fn learn(
    lesson: &Lesson,
    entries: &[Entry],
    to: &Path,
    epochs: Option<usize>,
    observe: &mut Observer,
) -> Result<(Engine, String), TeachError> {
    let path = state::beside(to);
    let mut keep = Keep { resume: path.exists(), path, every: KEEP_EVERY };
    match fit(lesson, entries, &keep, epochs, observe) {
        Err(TeachError::Fit(FitError::StateRead { reason, .. })) => {
            let text = format!("the fit that was broken off does not go on, since {reason}: it begins again");
            tell(Event::Note { step: Step::Learn, text }, observe)?;
            state::remove(&keep.path)?;
            keep.resume = false;
            fit(lesson, entries, &keep, epochs, observe)
        }
        done => done,
    }
}

fn fit(
    lesson: &Lesson,
    entries: &[Entry],
    keep: &Keep,
    epochs: Option<usize>,
    observe: &mut Observer,
) -> Result<(Engine, String), TeachError> {
    let mut engine = Engine::built_in()?;
    engine.metadata.preparation = lesson.preparation(&engine.metadata.preparation)?;
    let own = FitSettings::of(engine.metadata.variant);
    let settings = FitSettings { epochs: epochs.unwrap_or(own.epochs).max(1), ..own };
    let mut fit = Fit::new(engine, settings, lesson.folder().into())?;
    let mut tally = Tally::default();
    let pace = Pace::new(Step::Learn, Phase::Features, 0);
    let mut told = |done: usize| observe(pace.progress(done, entries.len()));
    if add_all(&mut fit, entries, &mut tally, None, &mut told)?.is_break() {
        return Err(TeachError::Interrupted);
    }
    fit::check_left_out(&tally, false)?;
    let mut epochs = Epochs { pace: None, interrupted: false, observe };
    let learnt = fit.run(Some(keep), &mut |progress| epochs.tell(progress));
    let engine = match learnt {
        // Its best mappings so far would be taken for those of a whole fit.
        Ok(_) | Err(FitError::Interrupted) if epochs.interrupted => return Err(TeachError::Interrupted),
        learnt => learnt?,
    };
    let text = format!("learnt from {} parts; {tally}", engine.metadata.fitted_on.len());
    Ok((engine, text))
}

/// Tells of the epochs of a fit, and whether the observer has ended it.
struct Epochs<'a, 'b> {
    pace: Option<Pace>,
    interrupted: bool,
    observe: &'a mut Observer<'b>,
}

impl Epochs<'_, '_> {
    fn tell(&mut self, progress: &Progress) -> ControlFlow<()> {
        let phase = if progress.is_trial { Phase::Trial } else { Phase::Epochs };
        // The second of the two trials counts from 1 again.
        let begins = self.pace.as_ref().is_none_or(|pace| pace.phase() != phase) || progress.epoch == 1;
        if begins {
            // The first epoch is over by now, so that the pace follows from those after it.
            self.pace = Some(Pace::new(Step::Learn, phase, progress.epoch));
        }
        let Some(pace) = &self.pace else { unreachable!("it was made above") };
        let mut event = pace.progress(progress.epoch, progress.epochs);
        if let Event::Progress { loss, held_out_loss, .. } = &mut event {
            let finite = |loss: f64| loss.is_finite().then_some(loss);
            (*loss, *held_out_loss) = (finite(progress.loss), progress.held_out_loss.and_then(finite));
        }
        // The last epoch is done: nothing is left to be interrupted.
        let is_last = !progress.is_trial && progress.epoch >= progress.epochs;
        self.interrupted = (self.observe)(event).is_break() && !is_last;
        if self.interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
