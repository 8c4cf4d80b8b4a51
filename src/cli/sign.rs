use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use crosscheck::model::engine_file::Engine;
use crosscheck::signature::{self, Keys, Protection};

use super::Exit;
use super::examples;
use super::say::print;

/// Sign an engine, so that stations with engine.keys accept it; make keys, and check signatures.
#[derive(Args)]
#[command(after_long_help = examples::SIGN)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Engine file to sign; the signature is written to ENGINE.minisig beside it
    #[arg(value_name = "ENGINE", required = true)]
    engine: Option<PathBuf>,
    /// File of the secret key, from `crosscheck sign keygen` or minisign; if it has a password, the command asks for it
    #[arg(long, value_name = "FILE", required = true)]
    key: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key pair: FILE is the secret key; FILE.pub, which is also printed, is the public key for stations
    Keygen(Keygen),
    /// Check the signature beside an engine, as a station does
    Verify(Verify),
}

#[derive(Args)]
struct Keygen {
    /// File to write the secret key to; it must not exist yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Protect the secret key with a password; the command asks for it
    #[arg(long)]
    password: bool,
}

#[derive(Args)]
struct Verify {
    /// Engine file with ENGINE.minisig beside it
    #[arg(value_name = "ENGINE")]
    engine: PathBuf,
    /// Public key, or a file with one; repeatable: one of the keys must have signed the engine
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    match (&arguments.command, &arguments.engine, &arguments.key) {
        (Some(Command::Keygen(Keygen { file, password })), ..) => keygen(file, *password)?,
        (Some(Command::Verify(Verify { engine, key })), ..) => {
            let (_, signer) = Engine::read_signed(engine, &Keys::read(key)?)?;
            print(format_args!("{}: signed by key {signer}", engine.display()))?;
        }
        (None, Some(engine), Some(key)) => sign(engine, key)?,
        // clap requires both, unless a subcommand is given.
        (None, ..) => anyhow::bail!("name the engine, and its key with --key"),
    }
    Ok(Exit::Done)
}

fn keygen(file: &Path, password: bool) -> Result<()> {
    let public = signature::new_key(file, if password { Protection::Password } else { Protection::None })?;
    let path = file.display();
    log::info!("wrote {path}, which is secret, and {path}.pub; stations take it as engine.keys = [\"{public}\"]");
    print(public)
}

/// Signs a file if it is a valid engine. The signed bytes are the same that were checked.
fn sign(engine: &Path, key: &Path) -> Result<()> {
    let bytes = Engine::bytes(engine)?;
    Engine::from_bytes(engine, &bytes)?;
    let signer = signature::sign(engine, &bytes, key)?;
    log::info!("wrote {}: signed by key {signer}", signature::path_of(engine).display());
    Ok(())
}
