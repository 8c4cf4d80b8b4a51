//! The command line: one file per command, each from its arguments to what is printed.

mod bench;
mod import;
mod inspect;
mod options;

use clap::{Parser, Subcommand};

/// Crossmodal feature mapping: finds defects in colour, in shape, and in the mismatch of the two.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Import(import::Arguments),
    Inspect(inspect::Arguments),
    Bench(bench::Arguments),
}

/// What a command came to when nothing went wrong.
pub enum Outcome {
    Done,
    Rejected,
}

pub fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::Import(arguments) => import::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
    }
}
