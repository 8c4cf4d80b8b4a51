//! What several examples need: an engine that learns a synthetic part within seconds.

use std::ops::ControlFlow;

use anyhow::Result;
use crosscheck::scene::Scene;
use crosscheck::{Engine, Fit, FitSettings, Inspector, calibrate};

/// Learns from 4 good parts and finds a threshold on 9 others. Real parts need 20 to 50 good ones and the settings that
/// the example `fit_and_calibrate` uses.
pub fn quick_engine(scene: &Scene) -> Result<Engine> {
    let settings = FitSettings { epochs: 8, ..FitSettings::default() };
    let mut fit = Fit::new(Engine::built_in()?, settings, std::env::temp_dir())?;
    for number in 0..4 {
        fit.add(&scene.nominal(number).frame)?;
    }
    let mut engine = fit.run(None, &mut |_| ControlFlow::Continue(()))?;
    let mut inspector = Inspector::new(engine.clone())?;
    let mut scores = Vec::new();
    for number in 10..19 {
        scores.push(inspector.inspect(&scene.nominal(number).frame)?.ranked_score());
    }
    engine.metadata.calibration = Some(calibrate(&scores, 0.1, None)?);
    Ok(engine)
}
