mod candidate;
mod recording;
mod text;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use crosscheck::clock;
use crosscheck::dataset::finding::{Finding, Opinion};
use crosscheck::defects::Kind;
use crosscheck::model::engine_file::Engine;
use crosscheck::review::{Filter, Found, MASK_BYTES_MAX, Promise, what_if};
use crosscheck::score::Verdict;
use jiff::Timestamp;

use super::Exit;
use super::examples;
use super::options::{one_of, time};
use super::say::print;
use recording::Recording;

/// Look through the parts that a station recorded, say what they are, and see what follows from that.
#[derive(Args)]
#[command(after_long_help = examples::REVIEW)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the recorded parts, the newest first
    List(List),
    /// Say what a part is: good after all, defective, or that it cannot be told. It outweighs the station's verdict wherever
    /// the recording is evaluated or learnt from
    Say(Say),
    /// How often good parts are rejected, which defects are known to have passed, and which kinds there are
    Summary(Summary),
    /// What another threshold would have done to the parts that were reviewed
    WhatIf(WhatIf),
    /// Find a new threshold from the rejected parts that were found good, and show whose verdict it changes. The engine in
    /// force stays as it is
    Candidate(candidate::Arguments),
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    recording: Recording,
    /// Parts with this verdict
    #[arg(long, value_parser = one_of::<Verdict>(Verdict::WORDS))]
    verdict: Option<Verdict>,
    /// Parts whose worst defect is of this kind
    #[arg(long, value_parser = one_of::<Kind>(Kind::WORDS))]
    kind: Option<Kind>,
    /// Parts of which a person has said this; none: of which nobody has said anything
    #[arg(long, value_parser = one_of::<Found>(Found::WORDS))]
    finding: Option<Found>,
    /// Parts that were announced under the recipe of this number
    #[arg(long, value_name = "NUMBER")]
    recipe: Option<u16>,
    /// Parts that were captured at this time or later, such as 2026-11-30T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Parts that were captured before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Parts of one page
    #[arg(long, value_name = "1..100", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    count: u8,
    /// Begin after the part of this name, the last one of the page before
    #[arg(long, value_name = "NAME")]
    after: Option<String>,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Say {
    #[command(flatten)]
    recording: Recording,
    /// The part, as `crosscheck review list` names it
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is
    #[arg(value_parser = one_of::<Opinion>(Opinion::WORDS))]
    opinion: Opinion,
    /// The kind of the defect
    #[arg(long, value_parser = one_of::<Kind>(Kind::WORDS))]
    kind: Option<Kind>,
    /// Who says so
    #[arg(long, value_name = "WHO", default_value = "", hide_default_value = true)]
    by: String,
    /// Corrected mask, which replaces the one in gt: a picture of the photograph's size in which what is not black is the
    /// defect
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
}

#[derive(Args)]
struct Summary {
    #[command(flatten)]
    recording: Recording,
    /// Calibrated engine whose promised false-reject rate is shown beside the measured one; the station's if left out
    #[arg(long)]
    engine: Option<PathBuf>,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct WhatIf {
    #[command(flatten)]
    recording: Recording,
    /// A score above this would reject
    #[arg(long)]
    threshold: f32,
    /// Print a JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    match &arguments.command {
        Command::List(arguments) => list(arguments)?,
        Command::Say(arguments) => say(arguments)?,
        Command::Summary(arguments) => summary(arguments)?,
        Command::WhatIf(arguments) => if_threshold(arguments)?,
        Command::Candidate(arguments) => candidate::run(arguments)?,
    }
    Ok(Exit::Done)
}

fn list(arguments: &List) -> Result<()> {
    let filter = Filter {
        verdict: arguments.verdict,
        kind: arguments.kind,
        found: arguments.finding,
        recipe: arguments.recipe,
        from_unix_ms: arguments.from.map(unix_ms),
        to_unix_ms: arguments.to.map(unix_ms),
    };
    let (mut gallery, _) = arguments.recording.open()?;
    let page = gallery.page(&filter, arguments.after.as_deref(), arguments.count.into())?;
    print(if arguments.json { serde_json::to_string(&page)? } else { text::page(&page) })
}

/// Nothing was captured before 1970.
fn unix_ms(time: Timestamp) -> u64 {
    time.as_millisecond().max(0) as u64
}

fn say(arguments: &Say) -> Result<()> {
    let Say { name, opinion, kind, by, mask, .. } = arguments;
    let finding = Finding::new(*opinion, *kind, by, clock::unix_ms(clock::monotonic_ns()))?;
    let mask = mask.as_deref().map(read_mask).transpose()?;
    let (gallery, _) = arguments.recording.open()?;
    gallery.part(name)?.say(&finding, mask.as_deref())?;
    print(format_args!("{name}: {}", text::finding(&finding)))
}

/// Reads no more than a mask may have.
fn read_mask(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(MASK_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    file.with_context(|| format!("cannot read the mask {}", path.display()))?;
    Ok(bytes)
}

fn summary(arguments: &Summary) -> Result<()> {
    let (mut gallery, station) = arguments.recording.open()?;
    let engine = match (&arguments.engine, &station) {
        (Some(path), _) => Some(Engine::read(path)?),
        (None, Some(station)) => Some(station.engine.read()?.0),
        (None, None) => None,
    };
    let summary = gallery.summary(engine.as_ref().map(Promise::of).as_ref())?;
    print(if arguments.json { serde_json::to_string(&summary)? } else { text::summary(&summary) })
}

fn if_threshold(arguments: &WhatIf) -> Result<()> {
    let (mut gallery, _) = arguments.recording.open()?;
    let counts = what_if(&gallery.summary(None)?.scores, arguments.threshold);
    print(if arguments.json { serde_json::to_string(&counts)? } else { text::what_if(&counts) })
}
