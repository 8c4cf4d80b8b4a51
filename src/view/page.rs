//! The data and the channels that answers need.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::access::Access;
use super::board::Board;
use super::picture::Encoder;
use super::state;
use super::station::Station;
use crate::config::view::View;
use crate::review::Gallery;

pub struct Page {
    pub station: Station,
    pub encoder: Encoder,
    pub access: Access,
    /// Whether the page is served over HTTPS.
    pub is_secure: bool,
    /// The latest state that was told to the pages that listen; none before the first.
    pub told: watch::Sender<Option<Arc<str>>>,
    /// The recorded parts, once somebody has asked for them.
    pub gallery: Mutex<Option<Gallery>>,
    /// The charts over time, once somebody has asked for them.
    pub board: Board,
}

impl Page {
    pub fn new(station: Station, config: &View) -> io::Result<Self> {
        Ok(Self {
            encoder: Encoder::new()?,
            access: Access::new(config, station.staff.clone()),
            is_secure: config.certificate_file.is_some(),
            told: watch::Sender::default(),
            gallery: Mutex::default(),
            board: Board::default(),
            station,
        })
    }

    /// What the page shows, as JSON. It waits for a picture that is being drawn.
    pub fn state(&self) -> serde_json::Result<String> {
        self.station.latest.want();
        let part = self.encoder.told(&self.station.latest);
        state::json(&self.station, part, self.access.has_token(), self.unhealthy().as_deref())
    }

    /// Why the station is not healthy; none if it is.
    pub fn unhealthy(&self) -> Option<String> {
        let metrics = &self.station.metrics;
        let mut why: Vec<String> =
            metrics.faults().filter(|(_, _, active)| *active).map(|(name, ..)| format!("fault {name}")).collect();
        let age = metrics.progress_age();
        if age > self.station.progress_age_max {
            why.push(format!("no progress for {:.0} s", age.as_secs_f64()));
        }
        (!why.is_empty()).then(|| why.join(", "))
    }
}
