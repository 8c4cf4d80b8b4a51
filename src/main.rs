//! `crosscheck`: exit code 0 for pass or done, 1 for reject, 2 for an error, 141 when nobody reads the result any more.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use log::LevelFilter;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    start_log(cli.is_quiet());
    match cli::run(cli) {
        Ok(cli::Exit::Done) => ExitCode::SUCCESS,
        Ok(cli::Exit::Rejected) => ExitCode::from(1),
        // As a program that the signal of a closed pipe ends, in the words of a shell.
        Err(error) if error.is::<cli::OutputClosed>() => ExitCode::from(141),
        Err(error) => {
            // Not eprintln: it panics where standard error cannot be written.
            let _ = writeln!(std::io::stderr(), "crosscheck: {}", cli::describe(&error));
            ExitCode::from(2)
        }
    }
}

/// Logs to standard error what RUST_LOG asks for. `--quiet` is the more recent wish of the two, and prevails.
fn start_log(is_quiet: bool) {
    let mut log = env_logger::Builder::new();
    if is_quiet {
        log.filter_level(LevelFilter::Error);
    } else {
        log.parse_env(env_logger::Env::default().default_filter_or("info"));
    }
    log.format_timestamp(None).init();
}
