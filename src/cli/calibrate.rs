use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::conformal::calibrate;
use crosscheck::dataset;
use crosscheck::inspect::{Doubts, Inspector, Tally};
use crosscheck::model::engine_file::Engine;

use super::Exit;
use super::examples;
use super::options::{EvaluationOptions, ReadingOptions, SceneOption};

/// Find an engine's threshold for a false-reject rate, on good parts that the fit has not seen.
#[derive(Args)]
#[command(after_long_help = examples::CALIBRATE)]
pub struct Arguments {
    /// Fitted engine file; the threshold is written into it unless --output is given
    #[arg(long)]
    engine: PathBuf,
    /// Good parts: a folder with rgb and xyz inside, or a validation split of MVTec 3D-AD or Eyecandies
    #[arg(long, value_name = "DIR")]
    nominal: PathBuf,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    scene: SceneOption,
    /// Largest expected share of good parts that are rejected, 0 to 1
    #[arg(long, value_name = "RATE", default_value_t = 0.003)]
    false_reject_rate: f64,
    /// Largest expected share of good parts that are reviewed or rejected; must be larger than the false-reject rate;
    /// no review band if left out
    #[arg(long, value_name = "RATE")]
    review_rate: Option<f64>,
    #[command(flatten)]
    evaluation: EvaluationOptions,
    /// Engine file to write; if left out, the engine that was read is overwritten
    #[arg(short, long, value_name = "ENGINE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let output = arguments.output.as_ref().unwrap_or(&arguments.engine);
    let mut engine = Engine::read(&arguments.engine)?;
    super::output::check(output)?;
    engine.prepare_as(arguments.scene.apply(&engine.metadata.preparation)?)?;
    // The new threshold replaces the earlier one, and holds for this stride only.
    engine.metadata.preparation = arguments.evaluation.apply(&engine.metadata.preparation);
    let evaluation = &arguments.evaluation;
    let mut inspector = Inspector::on_machine(evaluation.backend(), engine.clone(), evaluation.arithmetic())?;
    let entries = dataset::nominal(&arguments.nominal, &arguments.reading.read()?)?;
    let fitted: HashSet<&String> = engine.metadata.fitted_on.iter().collect();
    let mut scores = Vec::new();
    let mut tally = Tally::default();
    let mut doubts = Doubts::default();
    let bar = super::progress::frames_bar(entries.len(), "scores");
    for entry in &entries {
        let frame = entry.frame()?;
        bar.inc(1);
        if fitted.contains(&frame.fingerprint()) {
            tally.leave_out("used in the fit, which makes its score too low", &entry.name);
            continue;
        }
        let named = || entry.rgb.display().to_string();
        let mut warned = false;
        for at in inspector.parts(&frame).with_context(named)? {
            let inspection = inspector.inspect_part(&frame, at).with_context(named)?;
            let reason = inspection.outcome.reason();
            if let Some(reason) = reason {
                log::warn!("{}: {reason}", entry.rgb.display());
            }
            warned |= reason.is_some() || inspection.doubt.is_some();
            doubts.add(&inspection.input, inspection.doubt);
            scores.push(inspection.ranked_score());
        }
        tally.used(warned);
    }
    bar.finish_and_clear();
    doubts.say("calibrate");
    tally.say("calibrate");
    let calibration = calibrate(&scores, arguments.false_reject_rate, arguments.review_rate)?;
    engine.metadata.calibration = Some(calibration);
    engine.write(output)?;
    let review = calibration.review.map_or(String::new(), |review| format!(", review above {review:.6}"));
    log::info!(
        "wrote {}: reject above {:.6}{review}; from {} good frames, which guarantee an expected false-reject rate of {:.4}",
        output.display(),
        calibration.threshold,
        calibration.frames,
        calibration.guaranteed_rate
    );
    Ok(Exit::Done)
}
