use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::dataset;
use crosscheck::fit::{self, Fit, Keep, state};
use crosscheck::inspect::Tally;
use crosscheck::preview::ContactSheet;
use crosscheck::teach::learn::add_all;
use crosscheck::{files, overlay};

use super::Exit;
use super::examples;
use super::interrupt::stop_on_interrupt;
use super::options::{EngineOption, FitOptions, MachineOption, ReadingOptions, SceneOption};
use super::progress::{EpochBar, frames_bar};

/// Learn the two mappings from good parts, and write a fitted engine.
#[derive(Args)]
#[command(after_long_help = examples::FIT)]
pub struct Arguments {
    #[command(flatten)]
    engine: EngineOption,
    /// Good parts: a folder with rgb and xyz inside, or a train split of MVTec 3D-AD or Eyecandies
    #[arg(long, value_name = "DIR")]
    nominal: PathBuf,
    /// Learn from the parts of a recording that a person found good, whatever the station's verdict was; --nominal names
    /// the recording
    #[arg(long)]
    reviewed: bool,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    scene: SceneOption,
    /// Folder for a contact sheet that shows which pixels are taken for the part in each frame; it is written before
    /// the mappings are learnt
    #[arg(long, value_name = "DIR")]
    preview: Option<PathBuf>,
    /// Learn from this many frames, drawn at random; from all if left out
    #[arg(long)]
    shots: Option<usize>,
    #[command(flatten)]
    fit: FitOptions,
    #[command(flatten)]
    machine: MachineOption,
    /// Continue an interrupted fit from the state beside the output (ENGINE.state)
    #[arg(long)]
    resume: bool,
    /// Save the state at the end of the first epoch that ends this many seconds after the last save; 0 saves it after
    /// every epoch
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    keep_state_every: u64,
    /// Fitted engine to write
    #[arg(short, long, value_name = "ENGINE")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let mut engine = arguments.engine.read()?;
    // The mappings are learnt in this scene, even if the engine was fitted in another one before.
    engine.metadata.preparation = arguments.scene.apply(&engine.metadata.preparation)?;
    let settings = arguments.fit.settings(engine.metadata.variant);
    let good = if arguments.reviewed { dataset::found_good } else { dataset::nominal };
    let mut entries = good(&arguments.nominal, &arguments.reading.read()?)?;
    if let Some(shots) = arguments.shots {
        anyhow::ensure!(shots > 0, "--shots needs at least 1 frame");
        if shots > entries.len() {
            log::warn!(
                "{} has only {} good frames, but --shots asks for {shots}",
                arguments.nominal.display(),
                entries.len()
            );
        }
        entries = dataset::draw(entries, shots, settings.seed);
    }
    let folder = arguments.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let keep = keep(arguments)?;
    let mut fit = Fit::on_machine(arguments.machine.choice(), engine, settings, folder.into())?;
    let stop = stop_on_interrupt()?;
    let mut tally = Tally::default();
    let mut sheet = arguments.preview.is_some().then(ContactSheet::default);
    let features = frames_bar(entries.len(), "features");
    let added = add_all(&mut fit, &entries, &mut tally, sheet.as_mut(), &mut |done| {
        features.set_position(done as u64);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    features.finish_and_clear();
    anyhow::ensure!(added.is_continue(), "interrupted before the first epoch: nothing was written");
    if let Some((folder, sheet)) = arguments.preview.as_deref().zip(sheet) {
        write_preview(folder, &sheet)?;
    }
    fit::check_left_out(&tally, arguments.fit.accepts_left_out())?;
    let mut bar = EpochBar::default();
    let mut interrupted = false;
    let engine = fit.run(Some(&keep), &mut |progress| {
        bar.show(progress);
        interrupted = stop.load(Ordering::Relaxed) && progress.epoch < progress.epochs;
        if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    bar.finish();
    engine.write(&arguments.output)?;
    if interrupted {
        log::info!("interrupted: the best mappings so far are written; --resume continues the fit");
    } else {
        // Only now that the engine is written: one of the two always exists.
        state::remove(&keep.path)?;
    }
    tally.say("fit");
    log::info!("wrote {}; give it a threshold with `crosscheck calibrate`", arguments.output.display());
    Ok(Exit::Done)
}

/// Where and how often the state is saved. Fails before the work starts if a file cannot be written, or if there is no
/// state to resume from.
fn keep(arguments: &Arguments) -> Result<Keep> {
    let path = state::beside(&arguments.output);
    super::output::check(&arguments.output)?;
    super::output::check(&path)?;
    if arguments.resume && !path.exists() {
        anyhow::bail!(
            "no state found at {}: there is no fit to continue; leave out --resume to start one",
            path.display()
        );
    }
    if !arguments.resume && path.exists() {
        let left = path.display();
        log::warn!(
            "{left} is the state of an interrupted fit: this fit starts from the beginning and replaces it; --resume continues the interrupted one"
        );
    }
    let every = Duration::from_secs(arguments.keep_state_every);
    Ok(Keep { path, every, resume: arguments.resume })
}

/// Writes the contact sheet of what was taken for the part.
fn write_preview(folder: &Path, sheet: &ContactSheet) -> Result<()> {
    files::make_folder(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join("parts.png");
    overlay::write(&path, &sheet.picture()).with_context(|| format!("cannot write {}", path.display()))?;
    let left_out = match sheet.left_out() {
        0 => String::new(),
        frames => format!(", except the last {frames}"),
    };
    log::info!("wrote {}: the pixels that were taken for the part in each frame{left_out}", path.display());
    Ok(())
}
