use anyhow::{Context, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Command};
use clap_complete::Shell;

use super::say::print;
use super::{Exit, examples};

/// Print the completions of a shell; for packages.
#[derive(Args)]
#[command(after_long_help = examples::COMPLETIONS)]
pub struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(["bash", "zsh", "fish"]).try_map(|shell| shell.parse::<Shell>()))]
    shell: Shell,
}

/// `program` is the definition of the whole command line.
pub fn run(arguments: &Arguments, mut program: Command) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "crosscheck", &mut script);
    print(String::from_utf8(script).context("the script is not UTF-8")?)?;
    Ok(Exit::Done)
}
