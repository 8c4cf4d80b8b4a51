use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::calibration::Camera;
use crosscheck::dataset::{self, Entry};
use crosscheck::fit::Fit;

use super::Outcome;
use super::interrupt::stop_on_interrupt;
use super::options::{EngineOption, FitOptions, MachineOption};
use super::progress::{EpochBar, frames_bar};

/// Learn the two mappings from good parts.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    engine: EngineOption,
    /// Good parts: a folder with rgb and xyz inside, or a train split of MVTec 3D-AD or Eyecandies
    #[arg(long, value_name = "DIR")]
    nominal: PathBuf,
    /// Camera file of depth images (TOML)
    #[arg(long)]
    camera: Option<PathBuf>,
    /// Learn from this many frames, drawn at random
    #[arg(long)]
    shots: Option<usize>,
    #[command(flatten)]
    fit: FitOptions,
    #[command(flatten)]
    machine: MachineOption,
    /// Go on with a fit that was broken off, from the state beside the output
    #[arg(long)]
    resume: bool,
    /// Fitted engine to write
    #[arg(short, long, value_name = "ENGINE")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let engine = arguments.engine.read()?;
    let settings = arguments.fit.settings();
    let camera = arguments.camera.as_deref().map(Camera::read).transpose()?;
    let mut entries = dataset::nominal(&arguments.nominal, camera.as_ref())?;
    if let Some(shots) = arguments.shots {
        anyhow::ensure!(shots > 0, "--shots needs at least 1 frame");
        if shots > entries.len() {
            log::warn!("{} has {} good frames where {shots} are asked for", arguments.nominal.display(), entries.len());
        }
        entries = dataset::draw(entries, shots, settings.seed);
    }
    let folder = arguments.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(".".as_ref());
    super::check_output(&arguments.output)?;
    let mut fit = Fit::on(arguments.machine.choice(), engine, folder.into())?;
    let mut state = arguments.output.clone().into_os_string();
    state.push(".state");
    let state = PathBuf::from(state);
    if !arguments.resume && state.exists() {
        std::fs::remove_file(&state).with_context(|| format!("cannot remove {}", state.display()))?;
    }
    let stop = stop_on_interrupt()?;
    if add_all(&mut fit, &entries, &stop)?.is_break() {
        anyhow::bail!("interrupted before the first epoch: nothing was written");
    }
    let mut bar = EpochBar::new(settings);
    let engine = fit.run(&settings, Some(&state), &mut |progress| {
        bar.show(progress);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    bar.finish();
    engine.write(&arguments.output)?;
    if state.exists() {
        log::info!("interrupted: the best mappings so far are written; --resume goes on");
    }
    log::info!("wrote {}; give it a threshold with `crosscheck calibrate`", arguments.output.display());
    Ok(Outcome::Done)
}

/// Reads every frame and computes its features.
fn add_all(fit: &mut Fit, entries: &[Entry], stop: &AtomicBool) -> Result<ControlFlow<()>> {
    let bar = frames_bar(entries.len(), "features");
    for entry in entries {
        if stop.load(Ordering::Relaxed) {
            return Ok(ControlFlow::Break(()));
        }
        if !fit.add(&entry.frame()?)? {
            log::warn!("{}: left out, its part has too few points", entry.rgb.display());
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(ControlFlow::Continue(()))
}
