use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::conformal::calibrate;
use crosscheck::dataset;
use crosscheck::evaluate::good_scores::good_scores;
use crosscheck::inspect::Inspector;
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
    /// Good parts: a folder with rgb and xyz inside, or a validation split of MVTec 3D-AD or Eyecandies. Of a recording,
    /// `crosscheck review candidate` makes a threshold
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
    let bar = super::progress::frames_bar(entries.len(), "scores");
    let mut show = || {
        bar.inc(1);
        ControlFlow::Continue(())
    };
    let found = good_scores(&mut inspector, &engine.metadata.fitted_on, &entries, &mut show)?.unwrap_or_default();
    bar.finish_and_clear();
    found.doubts.say("calibrate");
    found.tally.say("calibrate");
    let calibration = calibrate(&found.scores, arguments.false_reject_rate, arguments.review_rate)?;
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
