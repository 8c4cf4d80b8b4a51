//! The command line: one file per command, from its arguments to its printed results.

mod account;
mod audit;
mod bench;
mod calibrate;
mod calibrate_camera;
mod calibrate_station;
mod check_config;
mod completions;
mod count;
mod demo;
mod desktop;
mod doctor;
#[cfg(test)]
mod documents;
mod engine;
mod evaluate;
mod examples;
mod exit;
mod export_onnx;
mod fit;
mod import;
mod inspect;
mod interrupt;
mod man;
mod options;
mod output;
mod progress;
mod recipe;
mod record;
#[cfg(test)]
mod reference;
mod replay;
mod report_files;
mod review;
mod rows;
mod run;
mod say;
mod secrets;
mod selftest;
mod sign;
mod synthesize;
mod teach;
mod trace;

use clap::{CommandFactory, Parser, Subcommand};

pub use exit::Exit;
pub use say::{OutputClosed, describe};

/// Finds defects in colour, in shape, and in the mismatch of the two, by Crossmodal Feature Mapping.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, after_long_help = examples::PROGRAM)]
pub struct Cli {
    /// Print nothing but errors on standard error: no progress, no information, no warnings
    #[arg(short, long, global = true, display_order = 1000)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }
}

/// In the order of use, which `--help` keeps.
#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Synthesize(synthesize::Arguments),
    Fit(fit::Arguments),
    Calibrate(calibrate::Arguments),
    Inspect(inspect::Arguments),
    Evaluate(evaluate::Arguments),
    CalibrateCamera(calibrate_camera::Arguments),
    CalibrateStation(calibrate_station::Arguments),
    Record(record::Arguments),
    Teach(teach::Arguments),
    Doctor(doctor::Arguments),
    CheckConfig(check_config::Arguments),
    Run(run::Arguments),
    Recipe(recipe::Arguments),
    Trace(trace::Arguments),
    Audit(audit::Arguments),
    Account(account::Arguments),
    Replay(replay::Arguments),
    Review(review::Arguments),
    Sign(sign::Arguments),
    Import(import::Arguments),
    ExportOnnx(export_onnx::Arguments),
    Engine(engine::Arguments),
    Bench(bench::Arguments),
    Selftest(selftest::Arguments),
    Count(count::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Synthesize(arguments) => synthesize::run(&arguments),
        Command::Fit(arguments) => fit::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::CalibrateCamera(arguments) => calibrate_camera::run(&arguments),
        Command::CalibrateStation(arguments) => calibrate_station::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Teach(arguments) => teach::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Recipe(arguments) => recipe::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Account(arguments) => account::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::ExportOnnx(arguments) => export_onnx::run(&arguments),
        Command::Engine(arguments) => engine::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Selftest(arguments) => selftest::run(&arguments),
        Command::Count(arguments) => count::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
    }
}
