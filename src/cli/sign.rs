use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use crosscheck::model::engine_file::Engine;
use crosscheck::signature::{self, Keys, Protection};

use super::Outcome;
use super::say::print;

/// Sign an engine, so that stations with engine.keys take it; make and check keys and signatures.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Engine file to sign: ENGINE.minisig is written beside it
    #[arg(value_name = "ENGINE", required = true)]
    engine: Option<PathBuf>,
    /// Secret key, from `crosscheck sign keygen`, or minisign's with a password, which is asked for
    #[arg(long, value_name = "FILE", required = true)]
    key: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key: FILE is secret, FILE.pub goes to stations, and is printed
    Keygen(Keygen),
    /// Check the signature beside an engine, as a station does
    Verify(Verify),
}

#[derive(Args)]
struct Keygen {
    /// File of the secret key, which must not be there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Protect the secret key by a password, which is asked for
    #[arg(long)]
    password: bool,
}

#[derive(Args)]
struct Verify {
    /// Engine file with ENGINE.minisig beside it
    #[arg(value_name = "ENGINE")]
    engine: PathBuf,
    /// Public key, or a file of one; repeatable, and one of them must have signed
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    match (&arguments.command, &arguments.engine, &arguments.key) {
        (Some(Command::Keygen(Keygen { file, password })), ..) => keygen(file, *password)?,
        (Some(Command::Verify(Verify { engine, key })), ..) => {
            let (_, signer) = Engine::read_signed(engine, &Keys::read(key)?)?;
            print(format_args!("{}: signed by key {signer}", engine.display()))?;
        }
        (None, Some(engine), Some(key)) => sign(engine, key)?,
        // clap asks for both.
        (None, ..) => anyhow::bail!("name the engine, and its key with --key"),
    }
    Ok(Outcome::Done)
}

fn keygen(file: &Path, password: bool) -> Result<()> {
    let public = signature::new_key(file, if password { Protection::Password } else { Protection::None })?;
    let path = file.display();
    log::info!("wrote {path}, which is secret, and {path}.pub; stations take it as engine.keys = [\"{public}\"]");
    print(public)
}

/// Signs what is an engine, and the very bytes that were found to be one.
fn sign(engine: &Path, key: &Path) -> Result<()> {
    let bytes = Engine::bytes(engine)?;
    Engine::from_bytes(engine, &bytes)?;
    let signer = signature::sign(engine, &bytes, key)?;
    log::info!("wrote {}: signed by key {signer}", signature::path_of(engine).display());
    Ok(())
}
