//! The command line: one file per command, from its arguments to its printed results.

mod bench;
mod calibrate;
mod calibrate_camera;
mod calibrate_station;
mod check_config;
mod count;
mod demo;
mod desktop;
mod doctor;
mod engine;
mod evaluate;
mod exit;
mod export_onnx;
mod fit;
mod import;
mod inspect;
mod interrupt;
mod options;
mod output;
mod parts;
mod progress;
mod record;
mod replay;
mod report_files;
mod run;
mod say;
mod secrets;
mod selftest;
mod sign;
mod synthesize;

use clap::{Parser, Subcommand};

pub use exit::Exit;
pub use say::{OutputClosed, describe};

/// Finds defects in colour, in shape, and in the mismatch of the two, by Crossmodal Feature Mapping.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Import(import::Arguments),
    ExportOnnx(export_onnx::Arguments),
    Engine(engine::Arguments),
    Sign(sign::Arguments),
    CalibrateCamera(calibrate_camera::Arguments),
    CalibrateStation(calibrate_station::Arguments),
    Record(record::Arguments),
    Fit(fit::Arguments),
    Calibrate(calibrate::Arguments),
    Evaluate(evaluate::Arguments),
    Inspect(inspect::Arguments),
    Bench(bench::Arguments),
    Count(count::Arguments),
    Synthesize(synthesize::Arguments),
    Run(run::Arguments),
    Replay(replay::Arguments),
    Doctor(doctor::Arguments),
    Selftest(selftest::Arguments),
    CheckConfig(check_config::Arguments),
}

pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::ExportOnnx(arguments) => export_onnx::run(&arguments),
        Command::Engine(arguments) => engine::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::CalibrateCamera(arguments) => calibrate_camera::run(&arguments),
        Command::CalibrateStation(arguments) => calibrate_station::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Fit(arguments) => fit::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Count(arguments) => count::run(&arguments),
        Command::Synthesize(arguments) => synthesize::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Selftest(arguments) => selftest::run(&arguments),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
    }
}
