use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use crosscheck::audit::{self, Query, Reader, Verified, VerifyError, What};
use jiff::Timestamp;

use super::Exit;
use super::examples;
use super::options::{one_of, time};
use super::rows::{file_of, put};
use super::say::print;

/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// Print the audit of a station as CSV: who did what, when, from what to what; or verify that no entry was changed or
/// removed. It may be read while the station writes it.
#[derive(Args)]
#[command(after_long_help = examples::AUDIT)]
pub struct Arguments {
    /// The audit, or a station's configuration (NAME.toml) whose audit.file is read
    #[arg(value_name = "FILE|STATION")]
    file: PathBuf,
    /// Write into this file instead of standard output; it appears whole or not at all
    #[arg(short, long, value_name = "FILE", conflicts_with = "verify")]
    out: Option<PathBuf>,
    /// Entries that were recorded at this time or later, such as 2026-11-30T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "verify")]
    from: Option<Timestamp>,
    /// Entries that were recorded before this time
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "verify")]
    to: Option<Timestamp>,
    /// Entries of this account; token, plc, mqtt, gpio, signal or station where it was no person
    #[arg(long, value_name = "NAME", conflicts_with = "verify")]
    who: Option<String>,
    /// Entries about this
    #[arg(long, value_parser = one_of::<What>(What::WORDS), conflicts_with = "verify")]
    what: Option<What>,
    /// Verify the chain of hashes instead: the first entry that does not fit is named, and the hash of the last one printed
    #[arg(long)]
    verify: bool,
    /// Also verify that the entry with this hash is there, which somebody noted as the last one: entries were removed from
    /// the end otherwise
    #[arg(long, value_name = "HASH", value_parser = hash, requires = "verify")]
    expect: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let path = file_of(&arguments.file, "audit", |station| Some(station.audit?.file))?;
    if arguments.verify {
        return verify(&path, arguments.expect.as_deref());
    }
    let reader = Reader::open(&path)?;
    let query = Query {
        from_unix_ms: arguments.from.map(Timestamp::as_millisecond),
        to_unix_ms: arguments.to.map(Timestamp::as_millisecond),
        who: arguments.who.clone(),
        what: arguments.what,
    };
    put(arguments.out.as_deref(), |out| reader.write_csv(&query, out))?;
    Ok(Exit::Done)
}

fn verify(path: &Path, expect: Option<&str>) -> Result<Exit> {
    let Verified { entries, last_hash, lost, expected } = match audit::verify(path, expect) {
        Ok(verified) => verified,
        Err(misfit @ VerifyError::Misfit { .. }) => {
            print(misfit)?;
            return Ok(Exit::Rejected);
        }
        Err(error) => return Err(error.into()),
    };
    let path = path.display();
    if entries == 0 {
        print(format_args!("{path}: there is no entry yet"))?;
    } else {
        print(format_args!("{path}: {entries} entries fit; the hash of the last one is {last_hash}"))?;
    }
    if lost > 0 {
        print(format_args!("{lost} more were never written: the column `lost` tells before which entries"))?;
    }
    match (expect, expected) {
        (Some(_), Some(entry)) => {
            print(format_args!("the expected hash is that of entry {entry}"))?;
            Ok(Exit::Done)
        }
        (Some(hash), None) => {
            print(format_args!(
                "no entry has the expected hash {hash}: entries were removed from the end, or all of them were written anew"
            ))?;
            Ok(Exit::Rejected)
        }
        (None, _) => Ok(Exit::Done),
    }
}

fn hash(text: &str) -> Result<String, String> {
    let is_hash = text.len() == HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(text.into()) } else { Err(format!("expected {HASH_DIGITS} hexadecimal digits")) }
}
