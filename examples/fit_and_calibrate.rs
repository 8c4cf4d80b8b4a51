//! Learns a part from good frames, finds the threshold on others, and writes the engine.
//! Arguments: `FOLDER ENGINE`, where FOLDER has rgb and xyz inside; without them it learns a synthetic part.

use std::env;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use crosscheck::dataset::{self, Reading};
use crosscheck::scene::{Part, Scene};
use crosscheck::{Engine, Fit, FitSettings, Inspector, RgbdFrame, Turned, calibrate};

fn main() -> Result<()> {
    let engine = Engine::built_in()?;
    // What suits the built-in engine: 250 epochs, and copies of each frame. It takes a minute for 16 frames on two cores.
    let suited = FitSettings::of(engine.metadata.variant);
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let (frames, settings, output) = match &arguments[..] {
        [] => {
            let scene = Scene::new(Part::Biscuit, 1);
            let frames = (0..24).map(|number| scene.nominal(number).frame).collect();
            let short = FitSettings { epochs: 10, copies: 0, turned: Turned::Never, ..suited };
            (frames, short, env::temp_dir().join("crosscheck-example.safetensors"))
        }
        [folder, output] => {
            let entries = dataset::nominal(folder, &Reading::default())?;
            let frames: Vec<RgbdFrame> = entries.iter().map(|entry| entry.frame()).collect::<Result<_, _>>()?;
            (frames, suited, output.clone())
        }
        _ => bail!("usage: fit_and_calibrate [FOLDER ENGINE]"),
    };
    ensure!(frames.len() >= 6, "{} good frames were found: give at least 6, better 50", frames.len());
    // A threshold must be found on frames that the fit has not seen.
    let (learnt, judged) = frames.split_at(frames.len() / 3);
    let mut fit = Fit::new(engine, settings, env::temp_dir())?;
    for (number, frame) in learnt.iter().enumerate() {
        if let Some(reason) = fit.add(frame)?.lacking {
            println!("frame {number} is left out: {reason}");
        }
    }
    let mut engine = fit.run(None, &mut |progress| {
        println!("epoch {} of {}: loss {:.4}", progress.epoch, progress.epochs, progress.loss);
        ControlFlow::Continue(())
    })?;

    let mut inspector = Inspector::new(engine.clone())?;
    let mut scores = Vec::new();
    for frame in judged {
        scores.push(inspector.inspect(frame)?.ranked_score());
    }
    // The lowest rate of false rejects that so many good frames can promise.
    let rate = 1.0 / (scores.len() + 1) as f64;
    let calibration = calibrate(&scores, rate, None)?;
    println!("reject above {:.3}: at most {:.1} % of good parts", calibration.threshold, 100.0 * rate);
    engine.metadata.calibration = Some(calibration);
    engine.write(&output)?;
    println!("wrote {}", output.display());
    Ok(())
}
