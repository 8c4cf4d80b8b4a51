//! Another recipe, read and checked beside a station that goes on with its own.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use super::judge::Judge;
use super::judgement::{Judgement, JudgementError};
use crate::config::Station;
use crate::inspect::Inspector;
use crate::locked::locked;
use crate::prepare::Preparation;
use crate::priority;

/// The recipes of a station, for whoever shows them.
#[derive(Clone, Default)]
pub struct Roster(Arc<Mutex<Vec<(u16, String)>>>);

impl Roster {
    /// The number and the name of each.
    pub fn all(&self) -> Vec<(u16, String)> {
        locked(&self.0).clone()
    }

    /// Takes over those of a configuration.
    pub fn read(&self, station: &Station) {
        let recipes = station.recipes.iter().map(|recipe| (recipe.number, recipe.name.clone()));
        *locked(&self.0) = recipes.collect();
    }
}

/// A recipe that may take over.
pub struct Ready {
    /// The configuration with the recipe in force.
    pub station: Station,
    pub inspector: Box<Inspector>,
    pub judge: Judge,
    pub preparation: Preparation,
}

/// The thread that reads and checks the engine of a recipe.
pub struct Preparing {
    number: u16,
    thread: JoinHandle<Result<Ready, JudgementError>>,
}

impl Preparing {
    /// `station`: the configuration with the recipe in force.
    pub fn start(station: Station) -> io::Result<Self> {
        let number = station.active_recipe;
        let work = move || {
            priority::lower();
            let judgement = checked(&station, &format!("recipe {number}"))?;
            let Judgement { inspector, judge, preparation } = judgement;
            Ok(Ready { station, inspector: Box::new(inspector), judge, preparation })
        };
        Ok(Self { number, thread: Builder::new().name("recipe".into()).spawn(work)? })
    }

    /// The recipe's number.
    pub fn number(&self) -> u16 {
        self.number
    }

    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// What came of it; none where the thread ended by a panic.
    pub fn finish(self) -> Option<Result<Ready, JudgementError>> {
        self.thread.join().ok()
    }
}

/// Reads the engine of a station, and checks it on the check frames. `what` the check is for, in the log.
pub fn checked(station: &Station, what: &str) -> Result<Judgement, JudgementError> {
    let mut judgement = Judgement::from_station(station)?;
    match &station.engine.check_frames {
        Some(folder) => {
            let frames = judgement.check(folder)?;
            log::info!("{what}: the engine was checked on {frames} frames");
        }
        None => log::warn!("{what}: the engine is not checked: set check_frames to a folder of frames"),
    }
    Ok(judgement)
}
