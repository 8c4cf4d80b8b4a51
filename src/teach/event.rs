//! What a step tells while it works, for a person or for a page: one JSON object for each.

use std::ops::ControlFlow;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::error::TeachError;
use super::lesson::State;
use crate::collect::{Collected, Set};
use crate::words::words;

/// The steps of a lesson, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Good parts are collected from a camera.
    Collect,
    /// The belt is measured, and a scene proposed.
    Survey,
    /// The mappings are learnt.
    Learn,
    /// The threshold is found.
    Calibrate,
    /// All collected parts are judged by it.
    Score,
    /// The engine becomes a recipe of a station.
    Activate,
    /// The recipe is made better by its reviewed parts.
    Revise,
    /// The revision takes the place of the recipe.
    Accept,
    /// The revision is removed.
    Discard,
}

words!(serde Step {
    Collect = "collect",
    Survey = "survey",
    Learn = "learn",
    Calibrate = "calibrate",
    Score = "score",
    Activate = "activate",
    Revise = "revise",
    Accept = "accept",
    Discard = "discard",
});

/// What is counted while a step works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Parts that were kept.
    Parts,
    /// Frames that were measured.
    Frames,
    /// Frames whose features were computed.
    Features,
    /// Epochs of the two short fits that find out whether turned copies help.
    Trial,
    /// Epochs of the fit.
    Epochs,
    /// Frames that were scored.
    Scores,
    /// Recorded parts that were inspected again.
    Replay,
}

words!(serde Phase {
    Parts = "parts",
    Frames = "frames",
    Features = "features",
    Trial = "trial",
    Epochs = "epochs",
    Scores = "scores",
    Replay = "replay",
});

/// What a step tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step begins.
    Began { step: Step },
    /// How far a step is. `seconds_left`: of this phase.
    Progress {
        step: Step,
        phase: Phase,
        done: usize,
        of: usize,
        seconds_left: Option<f64>,
        loss: Option<f64>,
        held_out_loss: Option<f64>,
    },
    /// A part came.
    Part(Part),
    /// What a person should know, although the step goes on.
    Note { step: Step, text: String },
    /// A step is done: what came of it, in words.
    Done { step: Step, text: String },
    /// The work was stopped, in a step if one had begun; run again, it goes on.
    Interrupted { step: Option<Step> },
    /// The work cannot be done, and why.
    Refused { step: Option<Step>, text: String },
    /// No more steps follow.
    Ended { state: State },
}

/// What became of a part: it was kept under a name, or left out for reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub set: Set,
    /// Its name in the set; none where it was left out.
    pub name: Option<String>,
    pub faults: Vec<String>,
}

impl Part {
    pub fn of(set: Set, collected: Collected) -> Self {
        match collected {
            Collected::Kept { name, .. } => Self { set, name: Some(name), faults: Vec::new() },
            Collected::LeftOut { faults } => Self { set, name: None, faults },
        }
    }
}

/// Receives events, and says whether the step goes on.
pub type Observer<'a> = dyn FnMut(Event) -> ControlFlow<()> + 'a;

/// Tells the observer of an event, and ends the step if that is what it wants.
pub fn tell(event: Event, observe: &mut Observer) -> Result<(), TeachError> {
    match observe(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(TeachError::Interrupted),
    }
}

/// Tells how far a phase is, and how long it still takes at its pace so far.
pub struct Pace {
    step: Step,
    phase: Phase,
    begun: Instant,
    /// What was done before this run.
    before: usize,
}

impl Pace {
    pub fn new(step: Step, phase: Phase, before: usize) -> Self {
        Self { step, phase, begun: Instant::now(), before }
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// An event that has `done` of the phase's `of`.
    pub fn progress(&self, done: usize, of: usize) -> Event {
        let own = done.saturating_sub(self.before);
        let each = self.begun.elapsed().as_secs_f64() / own.max(1) as f64;
        let seconds_left = (own > 0).then(|| each * of.saturating_sub(done) as f64);
        let (step, phase) = (self.step, self.phase);
        Event::Progress { step, phase, done, of, seconds_left, loss: None, held_out_loss: None }
    }

    /// Tells the observer, and ends the step if that is what it wants.
    pub fn tell(&self, done: usize, of: usize, observe: &mut Observer) -> Result<(), TeachError> {
        tell(self.progress(done, of), observe)
    }
}
