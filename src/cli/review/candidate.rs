//! `crosscheck review candidate`.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::dataset::{self, frames_under};
use crosscheck::evaluate::good_scores::good_scores;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;
use crosscheck::review::{Candidate, Changed, Rates, changes};
use crosscheck::runtime::judgement::Judgement;
use serde_json::json;

use super::super::options::ReadingOptions;
use super::super::progress::frames_bar;
use super::super::say::print;
use super::recording::Recording;
use super::text;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    recording: Recording,
    /// The engine that judged the parts; the station's if left out
    #[arg(long)]
    engine: Option<PathBuf>,
    /// More good parts, which neither the fit nor the recording has: a folder with rgb and xyz inside
    #[arg(long, value_name = "DIR")]
    nominal: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingOptions,
    /// Largest expected share of good parts that are rejected, 0 to 1
    #[arg(long, value_name = "RATE", default_value_t = 0.003)]
    false_reject_rate: f64,
    /// Largest expected share of good parts that are reviewed or rejected; the engine's review band stays if left out
    #[arg(long, value_name = "RATE")]
    review_rate: Option<f64>,
    /// Engine file to write, which must not be there yet
    #[arg(short, long, value_name = "NEW")]
    output: PathBuf,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let output = arguments.output.as_path();
    ensure!(!output.exists(), "{} is there already: name a new file, so that no engine is replaced", output.display());
    super::super::output::check(output)?;
    let (mut gallery, station) = arguments.recording.open()?;
    let (mut engine, mut inspector) = in_force(arguments, station.as_ref())?;
    let validation = validation(arguments, &engine, &mut inspector)?;
    let rates = Rates { false_reject: arguments.false_reject_rate, review: arguments.review_rate };
    let candidate = gallery.recalibrate(&engine, &validation, rates)?;
    let before = engine.metadata.calibration.replace(candidate.calibration);
    engine.write(output)?;
    log::info!("wrote {}", output.display());
    inspector.set_thresholds(candidate.calibration.thresholds());
    let entries = frames_under(gallery.folder(), &arguments.reading.read()?)?;
    let bar = frames_bar(entries.len(), "replay");
    let changed = changes(&mut inspector, &entries, &mut || {
        bar.inc(1);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let before = before.map(|before| before.threshold);
    print(if arguments.json {
        to_json(&candidate, before, &changed)
    } else {
        text::candidate(&candidate, before, &changed)
    })
}

/// The engine that judged the parts, and what inspects with it as the station did.
fn in_force(arguments: &Arguments, station: Option<&Station>) -> Result<(Engine, Inspector)> {
    Ok(match (&arguments.engine, station) {
        (Some(path), None) => (Engine::read(path)?, Judgement::from_engine_file(path, None)?.inspector),
        (None, Some(station)) => (station.engine.read()?.0, Judgement::from_station(station)?.inspector),
        (Some(path), Some(station)) => {
            let mut station = station.clone();
            station.engine.path.clone_from(path);
            (station.engine.read()?.0, Judgement::from_station(&station)?.inspector)
        }
        (None, None) => bail!("give the engine that judged the parts, with --engine, or the station's configuration"),
    })
}

/// The scores of more good parts, if there are some.
fn validation(arguments: &Arguments, engine: &Engine, inspector: &mut Inspector) -> Result<Vec<f32>> {
    let Some(folder) = &arguments.nominal else { return Ok(Vec::new()) };
    let entries = dataset::nominal(folder, &arguments.reading.read()?)?;
    let bar = frames_bar(entries.len(), "scores");
    let mut show = || {
        bar.inc(1);
        ControlFlow::Continue(())
    };
    let found = good_scores(inspector, &engine.metadata.fitted_on, &entries, &mut show)?.unwrap_or_default();
    bar.finish_and_clear();
    found.doubts.say("candidate");
    found.tally.say("candidate");
    Ok(found.scores)
}

fn to_json(candidate: &Candidate, before: Option<f32>, changed: &[Changed]) -> String {
    let Candidate { calibration, good, found, not_reviewed } = candidate;
    json!({
        "threshold": calibration.threshold,
        "review": calibration.review,
        "threshold_before": before,
        "guaranteed_rate": calibration.guaranteed_rate,
        "good": good,
        "found_good": found,
        "not_reviewed": not_reviewed,
        "changed": changed,
    })
    .to_string()
}
