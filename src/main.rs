//! `crosscheck`: exit code 0 for pass or done, 1 for reject, 2 for an error, 141 when nobody reads the result any more.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).format_timestamp(None).init();
    match cli::run(cli::Cli::parse()) {
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
