use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::config::Station;
use crosscheck::dataset::{Entry, frames_under};
use crosscheck::inspect::Inspector;
use crosscheck::review::{Played, play};
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::judgement::Judgement;
use serde_json::json;

use super::Exit;
use super::examples;
use super::options::{ReadingOptions, SceneOption};
use super::say::print;

/// Inspect a recording again, frame by frame. Exit code: 0 if every verdict equals the recorded one, 1 if one differs.
#[derive(Args)]
#[command(after_long_help = examples::REPLAY)]
pub struct Arguments {
    /// A station's recording, or any folder of frames
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Fitted and calibrated engine file
    #[arg(long, required_unless_present = "config", conflicts_with = "config")]
    engine: Option<PathBuf>,
    /// Configuration of a station (TOML): use its engine, thresholds, scene and regions
    #[arg(long, value_name = "STATION")]
    config: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    scene: SceneOption,
    /// Print a JSON object for each frame instead of text
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let (mut inspector, judge) = judgement(arguments)?;
    let entries = frames_under(&arguments.folder, &arguments.reading.read()?)?;
    let mut sums = Sums::default();
    for entry in &entries {
        let played = play(&mut inspector, entry)?;
        sums.add(&played, &judge);
        let text = if arguments.json { to_json(entry, &played) } else { to_text(entry, &played, &judge) };
        print(text)?;
    }
    // With --json a program reads standard output, so it holds nothing but the frames.
    let summary = sums.to_text();
    if arguments.json {
        log::info!("{summary}")
    } else {
        print(summary)?
    }
    Ok(if sums.differing == 0 { Exit::Done } else { Exit::Rejected })
}

fn judgement(arguments: &Arguments) -> Result<(Inspector, Judge)> {
    let scene = arguments.scene.read()?;
    let judgement = match (&arguments.config, &arguments.engine) {
        (Some(config), _) => {
            let mut station = Station::read(config)?;
            station.scene = scene.or(station.scene);
            Judgement::from_station(&station)?
        }
        (None, Some(engine)) => Judgement::from_engine_file(engine, scene.as_ref())?,
        (None, None) => anyhow::bail!("give --engine or --config"),
    };
    Ok((judgement.inspector, judgement.judge))
}

fn to_text(entry: &Entry, played: &Played, judge: &Judge) -> String {
    let number = |score: Option<f32>| score.map_or("none".into(), |score| format!("{score:.6}"));
    let mut text = format!("{:<32} score {:>9}  {:6}", entry.name, number(played.score()), played.verdict());
    if let Some(reason) = played.inspection.outcome.reason() {
        text += &format!("  ({reason})");
    }
    if let Some(record) = played.record.as_ref().filter(|_| played.differs()) {
        text += &format!(
            "  <- was {}, score {}, threshold {:.6}; the threshold is {:.6} now",
            record.verdict,
            number(record.score),
            record.threshold,
            judge.thresholds.reject
        );
    }
    text.trim_end().to_string()
}

fn to_json(entry: &Entry, played: &Played) -> String {
    json!({
        "frame": entry.name,
        "score": played.score(),
        "verdict": played.verdict(),
        "reason": played.inspection.outcome.reason().map(|reason| reason.to_string()),
        "recorded_score": played.record.as_ref().and_then(|record| record.score),
        "recorded_verdict": played.record.as_ref().map(|record| record.verdict),
        "differs": played.differs(),
    })
    .to_string()
}

/// The sums over all frames.
#[derive(Default)]
struct Sums {
    frames: usize,
    recorded: usize,
    differing: usize,
    other_engine: usize,
    score_difference_max: f32,
}

impl Sums {
    fn add(&mut self, played: &Played, judge: &Judge) {
        self.frames += 1;
        self.differing += usize::from(played.differs());
        self.score_difference_max = played.score_difference().unwrap_or(0.0).max(self.score_difference_max);
        if let Some(record) = &played.record {
            self.recorded += 1;
            self.other_engine += usize::from(record.engine_sha256 != judge.engine_sha256);
        }
    }

    fn to_text(&self) -> String {
        if self.recorded == 0 {
            return format!("{} frames, none with a recorded verdict", self.frames);
        }
        let mut text = format!(
            "{} frames, {} with a recorded verdict, {} of them differ; scores differ by {:.1e} at most",
            self.frames, self.recorded, self.differing, self.score_difference_max
        );
        if self.other_engine > 0 {
            text += &format!("; {} were judged by another engine", self.other_engine);
        }
        text
    }
}
