use std::io::{BufRead, IsTerminal, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use crosscheck::people::{Accounts, Role};

use super::Exit;
use super::examples;
use super::options::one_of;
use super::say::print_by;

/// Longest line that is read as a password.
const LINE_BYTES_MAX: u64 = 4096;

/// Add, change, remove and list the accounts of people who may log in at a station. A running station reads the file again
/// on a reload.
#[derive(Args)]
#[command(after_long_help = examples::ACCOUNT)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add an account; the file is made where it is not there
    Add(Add),
    /// Give an account another password
    Password(Named),
    /// Remove an account
    Remove(Named),
    /// List the accounts and their roles
    List(Listed),
}

#[derive(Args)]
struct Add {
    /// File of the accounts, view.accounts of the station
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the account: 1 to 32 letters from a to z, digits, dots, underscores and hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// What its owner may do: a viewer sees; an operator also acknowledges faults, holds the output and reviews parts; an
    /// engineer also changes thresholds, recipes and settings
    #[arg(long, value_parser = one_of::<Role>(Role::WORDS))]
    role: Role,
}

#[derive(Args)]
struct Named {
    /// File of the accounts, view.accounts of the station
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the account
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args)]
struct Listed {
    /// File of the accounts, view.accounts of the station
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    match &arguments.command {
        Command::Add(Add { file, name, role }) => {
            let mut accounts = Accounts::read_or_begin(file)?;
            accounts.check_new(name)?;
            accounts.add(name, *role, &password(name)?)?;
            accounts.write()?;
            log::info!("{}: {name} is {}", file.display(), role.name());
        }
        Command::Password(Named { file, name }) => {
            let mut accounts = Accounts::read(file)?;
            accounts.find(name)?;
            accounts.set_password(name, &password(name)?)?;
            accounts.write()?;
            log::info!("{}: {name} has another password", file.display());
        }
        Command::Remove(Named { file, name }) => {
            let mut accounts = Accounts::read(file)?;
            accounts.remove(name)?;
            accounts.write()?;
            log::info!("{}: {name} is removed", file.display());
        }
        Command::List(Listed { file }) => {
            let accounts = Accounts::read(file)?;
            print_by(|out| {
                accounts
                    .all()
                    .iter()
                    .try_for_each(|account| writeln!(out, "{:<32}  {}", account.name, account.role.name()))
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Asks for a new password at the terminal, where it is not shown, twice; or reads one line of a standard input that is no
/// terminal.
fn password(name: &str) -> Result<String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        let mut line = String::new();
        input
            .lock()
            .take(LINE_BYTES_MAX)
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        ensure!(!line.is_empty(), "a password is expected: one line on standard input, or at a terminal");
        return Ok(line.trim_end_matches(['\r', '\n']).into());
    }
    let ask = |prompt: String| rpassword::prompt_password(prompt).context("cannot read the password from the terminal");
    let password = ask(format!("New password of {name}: "))?;
    ensure!(password == ask("The same again: ".into())?, "the two passwords differ: nothing was changed");
    Ok(password)
}
