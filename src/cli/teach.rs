use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use clap::Args;
use crosscheck::calibration::StationCalibration;
use crosscheck::collect::live;
use crosscheck::config::Station;
use crosscheck::teach::{
    self, Event, How, Lesson, Part, Phase, Settings, State, Step, Subject, TeachError, Work, revise, subject,
};
use indicatif::ProgressBar;

use super::interrupt::stop_on_interrupt;
use super::options::one_of;
use super::say::print;
use super::{Exit, examples, progress, record};

/// Teach a recipe in a folder of its own, beside a station that runs: every step takes only the processor time that nobody
/// else wants, and goes on where it was broken off.
#[derive(Args)]
#[command(after_long_help = examples::TEACH)]
pub struct Arguments {
    /// Folder of the lesson: its parts, its engine, and the scores
    #[arg(value_name = "LESSON")]
    folder: PathBuf,
    /// Collect good parts from the camera of --config, which no station may be using; begins the lesson if there is none
    #[arg(long, requires = "config", conflicts_with = "step")]
    collect: bool,
    /// Step to do: survey (propose a scene), learn, calibrate, score, activate (make the engine a recipe of the station of
    /// --config), revise (make the recipe better by its reviewed parts), accept or discard (the revision); if left out, all
    /// up to score that are not done yet
    #[arg(long, value_parser = one_of::<Step>(STEPS))]
    step: Option<Step>,
    /// Configuration of the station (TOML)
    #[arg(long, value_name = "STATION")]
    config: Option<PathBuf>,
    /// Good parts to learn from [default: 16]
    #[arg(long, requires = "collect")]
    parts: Option<usize>,
    /// Good parts for finding the threshold [default: 12]
    #[arg(long, requires = "collect")]
    validation: Option<usize>,
    /// Number of the recipe [default: the name of the folder]
    #[arg(long)]
    number: Option<u16>,
    /// Name of the recipe [default: the name of the folder]
    #[arg(long)]
    name: Option<String>,
    /// What revise makes: another threshold, from the rejected parts that were found good (recalibrate), or another engine,
    /// learnt from the lesson's parts and those that were found good (refit) [default: recalibrate]
    #[arg(long, value_parser = one_of::<How>(How::WORDS))]
    how: Option<How>,
    /// Recipe of the station whose reviewed parts revise takes, 0 for a station without recipes [default: the lesson's own]
    #[arg(long, value_name = "NUMBER")]
    of: Option<u16>,
    /// Passes over the frames [default: 250]
    #[arg(long)]
    epochs: Option<usize>,
    /// Largest expected share of good parts that are rejected, 0 to 1 [default: 0.003, or what the parts support]
    #[arg(long, value_name = "RATE")]
    false_reject_rate: Option<f64>,
    /// Print one JSON object for each event on a line of its own, instead of text
    #[arg(long)]
    events: bool,
    /// Take processor time as other programs do: only where no station runs on this machine
    #[arg(long)]
    eager: bool,
    /// Process that has started this one: end when it ends
    #[arg(long, value_name = "PID")]
    parent: Option<i32>,
}

/// Steps by their names; parts are collected by --collect.
const STEPS: [&str; 8] = ["survey", "learn", "calibrate", "score", "activate", "revise", "accept", "discard"];

pub fn run(arguments: &Arguments) -> Result<Exit> {
    check(arguments)?;
    // The camera does not wait for those who collect.
    if !arguments.collect && !arguments.eager {
        teach::step_back();
    }
    arguments.parent.map_or(Ok(()), teach::end_with)?;
    let stop = stop_on_interrupt()?;
    let mut teller = Teller { stop: &stop, events: arguments.events, step: None, bar: None };
    let done = match arguments.collect {
        true => collect(arguments, &mut teller),
        false => steps(arguments, &mut teller),
    };
    teller.finish();
    if let Err(error) = &done
        && arguments.events
    {
        teller.end(error)?;
    }
    done.map(|state| {
        log::info!("{}: {}", arguments.folder.display(), state.name());
        Exit::Done
    })
}

fn steps(arguments: &Arguments, teller: &mut Teller) -> Result<State> {
    let lesson = lesson(arguments)?;
    let settings = Settings {
        epochs: arguments.epochs,
        false_reject_rate: arguments.false_reject_rate,
        config: arguments.config.clone(),
        how: arguments.how.unwrap_or_default(),
        of: arguments.of,
    };
    let mut failed = Ok(());
    let state = teach::run(&lesson, arguments.step, &settings, &mut |event| teller.tell(event, &mut failed));
    // Where nobody listens any more, that is why the work was interrupted.
    failed?;
    Ok(state?)
}

/// The lesson; a new one to revise a recipe in, if there is none.
fn lesson(arguments: &Arguments) -> Result<Lesson> {
    let Arguments { folder, config, of, .. } = arguments;
    match (Lesson::open(folder), config) {
        (Err(TeachError::NoLesson { .. }), Some(config)) if arguments.step == Some(Step::Revise) => {
            let number = number_of(arguments)?;
            let subject = revise::subject_of(config, of.unwrap_or(number), number, arguments.name.clone())?;
            Ok(Lesson::create(folder, subject)?)
        }
        (opened, _) => Ok(opened?),
    }
}

/// Collects parts as `record` does, into the lesson.
fn collect(arguments: &Arguments, teller: &mut Teller) -> Result<State> {
    let config = arguments.config.as_deref().context("give --config")?;
    // Its paths are whole then, wherever the lesson is.
    let mut station = Station::read(&std::path::absolute(config)?)?;
    let lesson = begin(arguments, &station)?;
    let lock = lesson.lock(Work::Collecting)?;
    station.scene = lesson.scene()?;
    let mut sets = lesson.collector()?;
    let mut failed = Ok(());
    teller.tell_one(Event::Began { step: Step::Collect })?;
    if sets.missing() > 0 {
        let of = sets.missing();
        let pace = teach::Pace::new(Step::Collect, Phase::Parts, 0);
        let belt = lesson.surveyed()?.as_ref().map(StationCalibration::plane);
        live::of_station(&station, belt, teller.stop, |frame| -> Result<ControlFlow<()>> {
            let set = sets.set();
            let collected = sets.offer(frame)?;
            if !teller.events {
                record::tell(&collected);
            }
            let told = teller.tell(Event::Part(Part::of(set, collected)), &mut failed);
            let told = told.is_break() || teller.tell(pace.progress(of - sets.missing(), of), &mut failed).is_break();
            Ok(if told || sets.missing() == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
    }
    failed?;
    if sets.missing() > 0 && teller.stop.load(Ordering::Relaxed) {
        return Err(TeachError::Interrupted.into());
    }
    anyhow::ensure!(
        sets.missing() == 0,
        "{} more parts are needed, and no more came from the camera: run it again for the others",
        sets.missing()
    );
    drop(lock);
    let [parts, validation] = lesson.parts()?;
    let text = format!("{parts} parts to learn from and {validation} for the threshold are there");
    teller.tell_one(Event::Done { step: Step::Collect, text })?;
    let state = lesson.state()?;
    teller.tell_one(Event::Ended { state })?;
    Ok(state)
}

/// The lesson, with what was given on the command line; a new one, in the station's scene, if there is none.
fn begin(arguments: &Arguments, station: &Station) -> Result<Lesson> {
    let Arguments { folder, parts, validation, number, name, .. } = arguments;
    let mut lesson = match Lesson::open(folder) {
        Err(TeachError::NoLesson { .. }) => return create(arguments, station),
        opened => opened?,
    };
    let before = lesson.subject.clone();
    let subject = &mut lesson.subject;
    subject.number = number.unwrap_or(subject.number);
    subject.name = name.clone().unwrap_or_else(|| subject.name.clone());
    subject.parts = parts.unwrap_or(subject.parts);
    subject.validation = validation.unwrap_or(subject.validation);
    if lesson.subject != before {
        lesson.write()?;
    }
    Ok(lesson)
}

fn create(arguments: &Arguments, station: &Station) -> Result<Lesson> {
    let Arguments { folder, parts, validation, name, .. } = arguments;
    let number = number_of(arguments)?;
    let name = name.clone().unwrap_or_else(|| own_name(folder));
    let mut subject =
        Subject::new(number, name, parts.unwrap_or(subject::PARTS), validation.unwrap_or(subject::VALIDATION));
    subject.scene.clone_from(&station.scene);
    Ok(Lesson::create(folder, subject)?)
}

fn own_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The number of a new lesson's recipe: the one that was given, or the folder's name.
fn number_of(Arguments { folder, number, .. }: &Arguments) -> Result<u16> {
    number.or_else(|| own_name(folder).parse().ok()).context(
        "the folder's name is no number, by which a station asks for the recipe: give --number, or name the folder by it",
    )
}

/// Refuses options that would have no effect.
fn check(Arguments { collect, step, number, name, how, of, .. }: &Arguments) -> Result<()> {
    let revises = *step == Some(Step::Revise);
    ensure!(
        *collect || revises || (number.is_none() && name.is_none()),
        "--number and --name are for a new lesson: give them with --collect or --step revise"
    );
    ensure!(revises || (how.is_none() && of.is_none()), "--how and --of are for --step revise");
    Ok(())
}

/// Tells a person or a program how far a lesson is.
struct Teller<'a> {
    stop: &'a AtomicBool,
    events: bool,
    step: Option<Step>,
    bar: Option<(Phase, ProgressBar)>,
}

impl Teller<'_> {
    /// Tells of an event, and whether the work goes on. What cannot be told ends it: nobody listens any more.
    fn tell(&mut self, event: Event, failed: &mut Result<()>) -> ControlFlow<()> {
        if let Err(error) = self.tell_one(event) {
            *failed = Err(error);
            return ControlFlow::Break(());
        }
        if self.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tell_one(&mut self, event: Event) -> Result<()> {
        if let Event::Began { step } = event {
            self.step = Some(step);
        }
        if self.events {
            return print(serde_json::to_string(&event)?);
        }
        match event {
            Event::Progress { phase, done, of, loss, .. } => self.show(phase, done, of, loss),
            Event::Note { text, .. } => log::warn!("{text}"),
            Event::Done { step, text } => {
                self.finish();
                print(format_args!("{:<10}{text}", step.name()))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn show(&mut self, phase: Phase, done: usize, of: usize, loss: Option<f64>) {
        if self.bar.as_ref().is_none_or(|(shown, _)| *shown != phase) {
            self.finish();
            self.bar = Some((phase, progress::bar("{prefix} {bar:30} {pos}/{len} {msg}, {eta} left")));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_prefix(phase.name());
            bar.set_length(of as u64);
            bar.set_message(loss.map_or(String::new(), |loss| format!("loss {loss:.4}")));
            bar.set_position(done as u64);
        }
    }

    fn finish(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Tells why the work ended before its time.
    fn end(&mut self, error: &anyhow::Error) -> Result<()> {
        let step = self.step;
        self.tell_one(match error.downcast_ref() {
            Some(TeachError::Interrupted) => Event::Interrupted { step },
            _ => Event::Refused { step, text: super::describe(error) },
        })
    }
}
