use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use crosscheck::config::Station;
use serde_json::Value;

use super::Exit;
use super::examples;
use super::say::print;

/// Longest wait for an answer of the station: reading and checking an engine takes some seconds.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Largest answer: the state of a station takes some kilobytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// List the recipes of a running station, or have it go to another one.
#[derive(Args)]
#[command(after_long_help = examples::RECIPE)]
pub struct Arguments {
    /// Configuration of the running station (TOML), for the address and the token of its page
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Number of the recipe to go to; the recipes are listed if left out
    #[arg(value_name = "NUMBER")]
    number: Option<u16>,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let station = Station::read(&arguments.config)?;
    ensure!(
        station.view.enabled,
        "view.enabled is false in {}: the command asks the station by its page",
        arguments.config.display()
    );
    let page = Page { address: format!("http://{}", station.view.bind), agent: agent() };
    match arguments.number {
        None => page.list()?,
        Some(number) => {
            let token = station.view.token.as_ref().with_context(|| {
                format!(
                    "{} has no view.token, without which nobody may act on the station: set one",
                    arguments.config.display()
                )
            })?;
            print(page.go(number, token.reveal())?)?;
        }
    }
    Ok(Exit::Done)
}

/// The page of a running station.
struct Page {
    address: String,
    agent: ureq::Agent,
}

fn agent() -> ureq::Agent {
    // The answers that refuse something are for the person who asked.
    ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_MAX))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into()
}

impl Page {
    fn list(&self) -> Result<()> {
        let text = self.answer(self.agent.get(format!("{}/state.json", self.address)).call())?.1;
        let state: Value = serde_json::from_str(&text).context("the answer is no state of a station")?;
        let recipes = state["recipes"].as_array().map_or(&[][..], Vec::as_slice);
        ensure!(!recipes.is_empty(), "the station has no recipes: add [[recipe]] to its configuration, and reload it");
        for recipe in recipes {
            let in_force = if recipe[0].as_f64() == state["recipe"].as_f64() { "  in force" } else { "" };
            print(format_args!("{:>5}  {}{in_force}", recipe[0], recipe[1].as_str().unwrap_or_default()))?;
        }
        Ok(())
    }

    /// What the station says to a change of the recipe.
    fn go(&self, number: u16, token: &str) -> Result<String> {
        let asked =
            self.agent.post(format!("{}/recipe", self.address)).header("Authorization", format!("Bearer {token}"));
        let (status, text) = self.answer(asked.send(number.to_string()))?;
        match status {
            200 | 202 => Ok(text),
            _ => bail!("the station does not go to recipe {number}: {text}"),
        }
    }

    fn answer(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<(u16, String)> {
        let mut answer = answer.with_context(|| format!("no station answers on {}: is it running?", self.address))?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        Ok((answer.status().as_u16(), text.context("the answer cannot be read")?.trim_end().to_string()))
    }
}
