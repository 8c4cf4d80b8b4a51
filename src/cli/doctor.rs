use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::config::Station;
use crosscheck::doctor::gpio::{self, Loopback};
use crosscheck::doctor::{self, Finding, Status, System};
use serde_json::json;

use super::Exit;
use super::examples;
use super::say::print;

/// Check whether a station can run well on this machine, and print a fix for each finding. Exit code: 1 if something
/// must be fixed.
#[derive(Args)]
#[command(after_long_help = examples::DOCTOR)]
pub struct Arguments {
    /// Configuration of the station (TOML); if left out, only the machine is checked
    #[arg(long)]
    config: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Change an output, and check that an input which is wired to it follows, such as reject:confirm. This moves what
    /// is connected!
    #[arg(long, value_name = "OUTPUT:INPUT", requires = "config")]
    loopback: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let station = arguments.config.as_deref().map(Station::read).transpose()?;
    let findings = doctor::examine(&System::here(), station.as_ref());
    let loopback = match (&arguments.loopback, &station) {
        (Some(pair), Some(station)) => Some(gpio::loopback(&station.gpio, pair)?),
        _ => None,
    };
    let text = if arguments.json {
        json!({ "findings": findings, "loopback": loopback }).to_string()
    } else {
        to_text(&findings, loopback.as_ref())
    };
    print(text)?;
    let sound = findings.iter().all(|finding| finding.status < Status::Error);
    Ok(if sound { Exit::Done } else { Exit::Rejected })
}

fn to_text(findings: &[Finding], loopback: Option<&Loopback>) -> String {
    let mut text = String::new();
    for Finding { name, status, found, fix } in findings {
        let status = match status {
            Status::Ok => "ok",
            Status::Note => "note",
            Status::Warning => "WARNING",
            Status::Error => "ERROR",
        };
        text += &format!("{status:8}{name:22}{found}\n");
        text += &fix.as_ref().map_or(String::new(), |fix| format!("{:8}{:22}-> {fix}\n", "", ""));
    }
    if let Some(Loopback { changes, median_us, max_us }) = loopback {
        text += &format!(
            "ok      loopback              {changes} changes seen; median {median_us:.0} us, max {max_us:.0} us\n"
        );
    }
    let count = |wanted: Status| findings.iter().filter(|f| f.status == wanted).count();
    text + &format!("{} errors, {} warnings", count(Status::Error), count(Status::Warning))
}
