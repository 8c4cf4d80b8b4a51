//! Learning the two mappings from good parts (section 3.2).

mod cache;
mod error;
mod geometry;
mod good_parts;
mod settings;
pub mod state;
mod trainer;
mod trial;
mod usual;
mod variety;
mod versions;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::backend::{BackendError, Choice, Describe, XyzGroups};
use crate::frame::{RgbdFrame, is_point};
use crate::inspect::{Doubt, Tally, Unscored};
use crate::model::Score;
use crate::model::engine_file::{Engine, Geometry, Measures, Usual};
use crate::prepare::window::Window;
use crate::prepare::{NetworkInput, PartChoice, Preparer, Taken};
use cache::TokenCache;
use good_parts::GoodParts;
use trainer::Trainer;
use usual::Usuals;
use versions::{Original, Versions};

pub use error::FitError;
pub use settings::{Decay, FitSettings, Keep, Progress, Turned};

/// Frames that a part's measures are taken from, where the engine takes coordinates in them.
const MEASURED_FRAMES: usize = 16;

/// Learns an engine's mappings from good parts. It holds the features of the parts that were added, and the engine.
pub struct Fit {
    engine: Engine,
    choice: Choice,
    settings: FitSettings,
    cache: TokenCache,
    /// Where the cache has each part and its copies.
    parts: Vec<Versions>,
    /// None until the part is measured, where the engine takes coordinates in measures of the part.
    describer: Option<Box<dyn Describe + Send>>,
    /// Frames that wait for it, in the order of the cache.
    waiting: Vec<NetworkInput>,
    fingerprints: Vec<String>,
    preparer: Preparer,
    usual: Usuals,
    good_parts: GoodParts,
    frames_seen: usize,
}

/// What was taken for a part that is learnt from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LearntPart {
    /// Where the network frame lies in the photograph.
    pub window: Window,
    /// Pixels of the network frame that were taken for the part, `[P]`.
    pub kept: Vec<bool>,
    /// What was taken for belt and part.
    pub taken: Taken,
    /// Why it may be something else than the part.
    pub doubt: Option<Doubt>,
}

/// What became of a frame: the parts that are learnt from, or why there is none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Added {
    /// The parts of the frame that are learnt from.
    pub parts: Vec<LearntPart>,
    /// Why there is none; none where there are parts.
    pub lacking: Option<Unscored>,
}

impl Added {
    /// Counts the frame, and logs the reason where it is left out.
    #[doc(hidden)]
    pub fn tell(&self, name: &str, path: &Path, tally: &mut Tally) {
        match self.lacking {
            None => tally.used(self.parts.iter().any(|seen| seen.doubt.is_some())),
            Some(reason) => {
                log::warn!("{}: left out: {reason}", path.display());
                tally.leave_out(reason.words(), name);
            }
        }
    }
}

impl LearntPart {
    fn from_input(input: &NetworkInput, part: PartChoice) -> Self {
        let doubt = Doubt::from_input(input, part, None);
        Self { window: input.window, kept: input.kept.clone(), taken: input.taken, doubt }
    }
}

impl Fit {
    /// A fit on the CPU. `folder` is where the features are stored when they are many.
    ///
    /// A fit is made, given good parts one by one ([`Self::add`]), and run ([`Self::run`]).
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use crosscheck::scene::{Part, Scene};
    /// use crosscheck::{Engine, Fit, FitSettings};
    ///
    /// let engine = Engine::built_in()?;
    /// // Two parts and two epochs make this example short; `FitSettings::of(engine.metadata.variant)` suits real parts.
    /// let settings = FitSettings { epochs: 2, ..FitSettings::default() };
    /// let mut fit = Fit::new(engine, settings, std::env::temp_dir())?;
    /// let scene = Scene::new(Part::Board, 1);
    /// for number in 0..2 {
    ///     let added = fit.add(&scene.nominal(number).frame)?;
    ///     assert!(added.lacking.is_none());
    /// }
    /// let engine = fit.run(None, &mut |progress| {
    ///     println!("epoch {} of {}: loss {}", progress.epoch, progress.epochs, progress.loss);
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(engine.is_fitted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(engine: Engine, settings: FitSettings, folder: PathBuf) -> Result<Self, FitError> {
        Self::on_machine(Choice::Cpu, engine, settings, folder)
    }

    /// A fit that computes features and steps on the machine of `choice`. What the machine lacks is an error before a
    /// frame is read.
    pub fn on_machine(
        choice: Choice,
        mut engine: Engine,
        settings: FitSettings,
        folder: PathBuf,
    ) -> Result<Self, FitError> {
        if let Some(score) = settings.score {
            engine.set_score(score);
        }
        let architecture = &engine.metadata.architecture;
        if engine.metadata.standardise && architecture.xyz.taps.len() != 1 {
            return Err(FitError::Standardise { taps: architecture.xyz.taps.len() });
        }
        check_machine(choice, architecture.score)?;
        let cache = TokenCache::new(&folder, architecture.c_rgb(), architecture.c_xyz());
        let in_metres = engine.metadata.geometry == Geometry::Metres;
        let describer = if in_metres { Some(open(choice, &engine)?) } else { None };
        Ok(Self {
            engine,
            choice,
            settings,
            cache,
            parts: Vec::new(),
            describer,
            waiting: Vec::new(),
            fingerprints: Vec::new(),
            preparer: Preparer::default(),
            usual: Usuals::default(),
            good_parts: GoodParts::new(settings.gaps),
            frames_seen: 0,
        })
    }

    /// Adds the good part that a frame shows, or all of them where the engine takes each, and makes the copies of them that
    /// the settings ask for.
    pub fn add(&mut self, frame: &RgbdFrame) -> Result<Added, FitError> {
        self.frames_seen += 1;
        let how = self.engine.metadata.preparation.clone();
        let each = how.part == PartChoice::Each;
        let places = if each { self.preparer.parts(frame, &how)? } else { Vec::new() };
        let places = places.into_iter().map(Some).chain((!each).then_some(None));
        let fingerprint = frame.fingerprint();
        let points_min = self.engine.metadata.architecture.xyz.groups;
        let mut parts = Vec::new();
        let has_points = frame.cloud().points().iter().any(is_point);
        let mut lacking = Some(if has_points { Unscored::NoPart } else { Unscored::NoPoints });
        for at in places {
            let mut input = NetworkInput::default();
            self.preparer.run(frame, &how, at, &mut input)?;
            self.usual.check(&input)?;
            lacking = Unscored::from_input(&input, points_min);
            if lacking.is_some() {
                continue;
            }
            self.usual.add(frame, &input);
            self.good_parts.add(&input);
            let (fingerprint, how) = (fingerprint.as_str(), &how);
            let original = Original { frame, fingerprint, part: parts.len(), input: &input, how, points_min };
            let copies = original.copies(&self.settings, &mut self.preparer)?;
            parts.push(LearntPart::from_input(&input, how.part));
            self.push(input, copies);
        }
        if !parts.is_empty() {
            lacking = None;
            self.fingerprints.push(fingerprint);
        }
        if self.describer.is_some() || self.parts.len() >= MEASURED_FRAMES {
            self.describe()?;
        }
        Ok(Added { parts, lacking })
    }

    fn push(&mut self, original: NetworkInput, [shifted, turned]: [Vec<NetworkInput>; 2]) {
        let mut push = |input| {
            self.waiting.push(input);
            self.cache.len() + self.waiting.len() - 1
        };
        self.parts.push(Versions {
            original: push(original),
            shifted: shifted.into_iter().map(&mut push).collect(),
            turned: turned.into_iter().map(&mut push).collect(),
        });
    }

    /// How the parts added so far usually look.
    pub fn usual(&self) -> Option<Usual> {
        self.usual.median()
    }

    /// Puts the features of waiting frames into the cache.
    fn describe(&mut self) -> Result<(), FitError> {
        let Self { engine, choice, cache, parts, describer, waiting, .. } = self;
        let describer = match describer {
            Some(describer) => describer,
            None => {
                let originals = parts.iter().map(|part| &waiting[part.original]);
                let measures = Measures::of(originals, &engine.metadata.architecture.xyz);
                geometry::fold(engine, measures);
                describer.insert(open(*choice, engine)?)
            }
        };
        let mut tokens = Vec::new();
        let mut groups = XyzGroups::default();
        for input in waiting.drain(..) {
            describer.rgb_tokens(&input.rgb, &mut tokens)?;
            describer.xyz_groups(&input.cloud, &mut groups)?;
            cache.push(&tokens, &groups, &input.cloud)?;
        }
        Ok(())
    }

    /// Parts that can be learnt from, without their copies.
    pub fn frames(&self) -> usize {
        self.parts.len()
    }

    /// Whether turned copies are used, where that was said, or chosen by the fit that is continued.
    fn known_turned(&self, keep: Option<&Keep>) -> Result<Option<Turned>, FitError> {
        match (self.settings.turned, keep.filter(|keep| keep.resume)) {
            (Turned::Auto, Some(keep)) => state::turned(&keep.path).map(Some),
            (Turned::Auto, None) => Ok(None),
            (turned, _) => Ok(Some(turned)),
        }
    }

    /// Learns until the last epoch, or until `observe` breaks; returns the engine with the best mappings.
    /// An error if no frame had a part, or the loss is not finite. The state that is kept on the way stays: remove it once
    /// the engine is written.
    pub fn run(
        mut self,
        keep: Option<&Keep>,
        observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Engine, FitError> {
        if self.parts.is_empty() {
            return Err(FitError::NoFrames { frames: self.frames_seen });
        }
        self.describe()?;
        // Frees its memory on the machine for the steps.
        self.describer = None;
        if self.engine.metadata.standardise {
            let (rgb, xyz) = self.cache.channels(self.parts.iter().map(|part| part.original))?;
            rgb.fold_into_norm(&mut self.engine.weights, "rgb.norm");
            xyz.fold_into_norm(&mut self.engine.weights, "xyz.norm");
            self.cache.standardise(rgb, xyz);
        }
        let architecture = &self.engine.metadata.architecture;
        let (turned, cache) = match self.known_turned(keep)? {
            Some(turned) => (turned, self.cache),
            None => trial::choose(self.choice, architecture, self.cache, &self.parts, &self.settings, observe)?,
        };
        let settings = FitSettings { turned, ..self.settings };
        let versions = self.parts.iter().map(|part| part.all(settings.turned == Turned::Always)).collect();
        let mut trainer = Trainer::new(self.choice, architecture, cache, versions, &settings)?;
        let key = state::key(&self.engine, &settings, &trainer, &self.fingerprints);
        if let Some(keep) = keep.filter(|keep| keep.resume) {
            state::restore(&keep.path, &key, &mut trainer)?;
        }
        learn(
            &mut trainer,
            settings.epochs,
            observe,
            &|trainer| keep.map_or(Ok(()), |keep| state::store(&keep.path, &key, trainer)),
            keep.map_or(Duration::MAX, |keep| keep.every),
        )?;
        let best = trainer.finish()?;
        if let Some(name) = state::not_finite(&best) {
            return Err(FitError::NotFinite { name });
        }
        self.engine.weights.set_mappings(best);
        self.engine.metadata.calibration = None;
        self.engine.metadata.forget_mappings();
        self.engine.metadata.usual = self.usual.median();
        self.engine.metadata.fitted_on = self.fingerprints;
        self.engine.forget_good_parts();
        self.good_parts.finish(self.choice, &mut self.engine)?;
        Ok(self.engine)
    }
}

/// Refuses a fit on less than half of the frames that it was given, unless that is accepted.
pub fn check_left_out(tally: &Tally, accepts: bool) -> Result<(), FitError> {
    let is_refused = tally.is_mostly_left_out() && tally.left_out() < tally.frames() && !accepts;
    if is_refused { Err(FitError::LeftOut { tally: tally.clone() }) } else { Ok(()) }
}

/// Runs the epochs up to the last one, or until `observe` breaks. The state is stored at a break and at intervals.
fn learn(
    trainer: &mut Trainer,
    epochs: usize,
    observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    store: &dyn Fn(&Trainer) -> Result<(), FitError>,
    every: Duration,
) -> Result<(), FitError> {
    let mut stored = Instant::now();
    while trainer.epochs_done() < epochs {
        let progress = trainer.epoch()?;
        let stops = observe(&progress).is_break() && progress.epoch < epochs;
        if stops || stored.elapsed() >= every {
            store(trainer)?;
            stored = Instant::now();
        }
        if stops {
            break;
        }
    }
    Ok(())
}

/// Refuses a machine that lacks what a fit needs, and tells where another one learns the mappings.
fn check_machine(choice: Choice, score: Score) -> Result<(), BackendError> {
    let machine = choice.machine();
    machine.check_fit(score)?;
    let learning = machine.learning(score);
    if learning != machine {
        let (score, learning) = (score.name(), learning.name());
        log::info!(
            "the mappings of the score {score} are learnt by the back end {learning}; {} learns those of the score product only",
            machine.name()
        );
    }
    Ok(())
}

fn open(choice: Choice, engine: &Engine) -> Result<Box<dyn Describe + Send>, BackendError> {
    choice.machine().describer(&engine.metadata.architecture, engine.backbones())
}
