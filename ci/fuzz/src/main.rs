//! Gives every reader inputs that are changed from good ones, and looks for panics, hangs and memory out of proportion.

mod child;
mod memory;
mod mend;
mod mutate;
mod targets;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use targets::{BROKEN, TARGETS, Target};

/// Changed inputs for every reader of files and requests.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run targets, all together for this long
    Run {
        #[arg(long, default_value_t = 60.0)]
        seconds: f64,
        /// Targets, with commas between; all when left out
        #[arg(long, value_delimiter = ',')]
        target: Vec<String>,
        /// The same seed gives the same inputs
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where inputs that fail are kept
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/failures"))]
        failures: PathBuf,
    },
    /// Run a file again that failed
    Again { target: String, file: PathBuf },
    /// One target, as `run` starts it
    #[command(hide = true)]
    Child { target: String, scratch: PathBuf, seconds: f64, seed: u64 },
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Verb::Run { seconds, target, seed, failures } => run(seconds, &target, seed, &failures),
        Verb::Again { target, file } => {
            let scratch = tempfile::tempdir()?;
            let sums = child::again(named(&target)?, &file, scratch.path());
            let outcome = if sums.read == 1 { "read" } else { "refused" };
            println!("{outcome}, {} bytes held at most, {} ms", sums.peak_bytes, sums.slowest_ms);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Child { target, scratch, seconds, seed } => {
            let target = named(&target)?;
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
            let sums = child::run(target, &corpus, &scratch, Duration::from_secs_f64(seconds), seed);
            println!("done {} {} {} {}", sums.executions, sums.read, sums.peak_bytes, sums.slowest_ms);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn named(name: &str) -> Result<&'static Target> {
    let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    TARGETS
        .iter()
        .chain(BROKEN)
        .find(|target| target.name == name)
        .with_context(|| format!("no target {name}; there are {}", names()))
}

fn run(seconds: f64, names: &[String], seed: u64, failed: &Path) -> Result<ExitCode> {
    ensure!(seconds > 0.0 && seconds.is_finite(), "--seconds {seconds}: expected a time above 0");
    let chosen: Vec<&Target> = match names {
        [] => TARGETS.iter().collect(),
        names => names.iter().map(|name| named(name)).collect::<Result<_>>()?,
    };
    println!(
        "seed {seed}\n{:12} {:>10} {:>8} {:>8} {:>9} {:>10}",
        "target", "inputs", "/s", "read", "peak MB", "slowest ms"
    );
    let each = seconds / chosen.len() as f64;
    let mut failures = 0;
    for (i, target) in chosen.iter().enumerate() {
        match run_one(target, each, seed.wrapping_add(i as u64), failed)? {
            Outcome::Done([executions, read, peak, slowest]) => println!(
                "{:12} {executions:>10} {:>8.0} {:>7.1}% {:>9.1} {slowest:>10}",
                target.name,
                executions as f64 / each,
                100.0 * read as f64 / executions.max(1) as f64,
                peak as f64 / 1e6
            ),
            Outcome::Failed { what, input } => {
                failures += 1;
                println!(
                    "{:12} FAILED: {what}\n  the input: {}\n  again: ci/fuzz/run.sh again {} {}",
                    target.name,
                    input.display(),
                    target.name,
                    input.display()
                );
            }
        }
        std::io::stdout().flush()?;
    }
    if failures > 0 {
        println!("{failures} of {} targets failed", chosen.len());
        return Ok(ExitCode::FAILURE);
    }
    println!("no target failed");
    Ok(ExitCode::SUCCESS)
}

enum Outcome {
    /// Inputs, those that were read, the most bytes held, and the slowest in milliseconds.
    Done([u64; 4]),
    Failed {
        what: String,
        input: PathBuf,
    },
}

fn run_one(target: &Target, seconds: f64, seed: u64, failed: &Path) -> Result<Outcome> {
    // In memory where that may be: every input is a file.
    let memory = Path::new("/dev/shm");
    let scratch = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", target.name]).arg(scratch.path()).args([seconds.to_string(), seed.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(sums) = said.lines().find_map(|line| line.strip_prefix("done ")) {
        let sums: Vec<u64> = sums.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let Ok(sums) = sums.try_into() else { bail!("{}: it said {said}", target.name) };
        return Ok(Outcome::Done(sums));
    }
    let what = said.lines().find_map(|line| line.strip_prefix("failed "));
    let what = what.map_or(format!("the process ended: {}", output.status), String::from);
    let last = std::fs::read_to_string(scratch.path().join("last")).with_context(|| what.clone())?;
    let last = Path::new(&last);
    std::fs::create_dir_all(failed)?;
    let input = failed.join(format!("{}-{seed}", target.name)).with_extension(last.extension().unwrap_or_default());
    std::fs::copy(last, &input).with_context(|| format!("cannot write {}", input.display()))?;
    Ok(Outcome::Failed { what, input })
}
