use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::dataset::recording::PartRecord;
use crosscheck::dataset::{Entry, frames_under};
use crosscheck::inspect::{Inspection, Inspector};
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::judgement::Judgement;
use crosscheck::score::Verdict;
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
        let frame = entry.frame()?;
        let record = PartRecord::beside(&entry.rgb)?;
        let at = record.as_ref().and_then(|record| record.at);
        let inspection = inspector.inspect_part(&frame, at).with_context(|| entry.rgb.display().to_string())?;
        let played = Played { entry, record: record.as_ref(), inspection: &inspection };
        sums.add(&played, &judge);
        let text = if arguments.json { played.to_json() } else { played.to_text(&judge) };
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

/// One frame, inspected again.
struct Played<'a> {
    entry: &'a Entry,
    record: Option<&'a PartRecord>,
    inspection: &'a Inspection,
}

impl Played<'_> {
    fn verdict(&self) -> Verdict {
        self.inspection.outcome.station_verdict()
    }

    fn score(&self) -> Option<f32> {
        self.inspection.outcome.score()
    }

    fn differs(&self) -> bool {
        self.record.is_some_and(|record| record.verdict != self.verdict())
    }

    /// Difference of the score and the recorded score, if there are both.
    fn score_difference(&self) -> Option<f32> {
        Some((self.score()? - self.record?.score?).abs())
    }

    fn to_text(&self, judge: &Judge) -> String {
        let number = |score: Option<f32>| score.map_or("none".into(), |score| format!("{score:.6}"));
        let mut text = format!("{:<32} score {:>9}  {:6}", self.entry.name, number(self.score()), self.verdict());
        if let Some(reason) = self.inspection.outcome.reason() {
            text += &format!("  ({reason})");
        }
        if let Some(record) = self.record.filter(|_| self.differs()) {
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

    fn to_json(&self) -> String {
        json!({
            "frame": self.entry.name,
            "score": self.score(),
            "verdict": self.verdict(),
            "reason": self.inspection.outcome.reason().map(|reason| reason.to_string()),
            "recorded_score": self.record.and_then(|record| record.score),
            "recorded_verdict": self.record.map(|record| record.verdict),
            "differs": self.differs(),
        })
        .to_string()
    }
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
        if let Some(record) = played.record {
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
