use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::score::Verdict;
use crosscheck::trace::{Query, Reader, What};
use jiff::Timestamp;

use super::Exit;
use super::examples;
use super::options::{one_of, time};
use super::rows::{file_of, put};

/// Print the trace of a station as CSV: a row for each part. It may be read while the station writes it.
#[derive(Args)]
#[command(after_long_help = examples::TRACE)]
pub struct Arguments {
    /// The trace, or a station's configuration (NAME.toml) whose trace.file is read
    #[arg(value_name = "FILE|STATION")]
    file: PathBuf,
    /// Write into this file instead of standard output; it appears whole or not at all
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Parts that were announced at this time or later, such as 2026-11-30T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Parts that were announced before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Parts with this verdict
    #[arg(long, value_parser = one_of::<Verdict>(Verdict::WORDS))]
    verdict: Option<Verdict>,
    /// Parts that were announced under the recipe of this number
    #[arg(long, value_name = "NUMBER")]
    recipe: Option<u16>,
    /// The part of this name
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// What the trace lacks instead of the parts that it has: lost, unfinished, and unknown after a run that was killed
    #[arg(long, conflicts_with_all = ["from", "to", "verdict", "recipe", "identity", "runs"])]
    lost: bool,
    /// The runs of the station instead of the parts: when each began, and how it ended
    #[arg(long, conflicts_with_all = ["from", "to", "verdict", "recipe", "identity"])]
    runs: bool,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let reader = Reader::open(&file_of(&arguments.file, "trace", |station| Some(station.trace?.file))?)?;
    let query = Query {
        from_unix_ms: arguments.from.map(Timestamp::as_millisecond),
        to_unix_ms: arguments.to.map(Timestamp::as_millisecond),
        verdict: arguments.verdict,
        recipe: arguments.recipe,
        identity: arguments.identity.clone(),
    };
    let what = match (arguments.runs, arguments.lost) {
        (true, _) => What::Runs,
        (false, true) => What::Lost,
        (false, false) => What::Parts,
    };
    put(arguments.out.as_deref(), |out| reader.write_csv(what, &query, out))?;
    Ok(Exit::Done)
}
