//! `crosscheck`: exit code 0 for pass or done, 1 for reject, 2 for an error.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).format_timestamp(None).init();
    match cli::run(cli::Cli::parse()) {
        Ok(cli::Outcome::Done) => ExitCode::SUCCESS,
        Ok(cli::Outcome::Rejected) => ExitCode::from(1),
        Err(error) => {
            // Not eprintln: it panics where standard error cannot be written.
            let _ = writeln!(std::io::stderr(), "crosscheck: {error:#}");
            ExitCode::from(2)
        }
    }
}
