use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::calibrate::calibrate;
use crosscheck::calibration::Camera;
use crosscheck::dataset;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;

use super::Outcome;
use super::options::EvaluationOptions;

/// Find the threshold for a false-reject rate on good parts that the fit has not seen.
#[derive(Args)]
pub struct Arguments {
    /// Fitted engine; the threshold is written into it, or into --output
    #[arg(long)]
    engine: PathBuf,
    /// Good parts: a folder with rgb and xyz inside, or a validation split of MVTec 3D-AD or Eyecandies
    #[arg(long, value_name = "DIR")]
    nominal: PathBuf,
    /// Camera file of depth images (TOML)
    #[arg(long)]
    camera: Option<PathBuf>,
    /// Share of good parts that may be rejected, in expectation
    #[arg(long, value_name = "RATE", default_value_t = 0.003)]
    false_reject_rate: f64,
    /// Share of good parts that may be reviewed or rejected; larger than the false-reject rate
    #[arg(long, value_name = "RATE")]
    review_rate: Option<f64>,
    #[command(flatten)]
    evaluation: EvaluationOptions,
    /// Engine to write, when not over the one that is read
    #[arg(short, long, value_name = "ENGINE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let output = arguments.output.as_ref().unwrap_or(&arguments.engine);
    let mut engine = Engine::read(&arguments.engine)?;
    super::check_output(output)?;
    // The threshold that is found replaces the one before, and belongs to this stride.
    engine.metadata.preparation = arguments.evaluation.apply(engine.metadata.preparation);
    let evaluation = &arguments.evaluation;
    let mut inspector = Inspector::on(evaluation.backend(), engine.clone(), evaluation.arithmetic())?;
    let camera = arguments.camera.as_deref().map(Camera::read).transpose()?;
    let entries = dataset::nominal(&arguments.nominal, camera.as_ref())?;
    let fitted: HashSet<&String> = engine.metadata.fitted_on.iter().collect();
    let (mut scores, mut excluded) = (Vec::new(), 0);
    let bar = super::progress::frames_bar(entries.len(), "scores");
    for entry in &entries {
        let frame = entry.frame()?;
        bar.inc(1);
        if fitted.contains(&frame.fingerprint()) {
            excluded += 1;
            continue;
        }
        let inspection = inspector.inspect(&frame).with_context(|| entry.rgb.display().to_string())?;
        if let Some(reason) = &inspection.reason {
            log::warn!("{}: {reason}", entry.rgb.display());
        }
        scores.push(inspection.ranked_score());
    }
    bar.finish_and_clear();
    if excluded > 0 {
        log::warn!("{excluded} frames were used in the fit and are left out: their scores are too low");
    }
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
    Ok(Outcome::Done)
}
