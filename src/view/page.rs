//! Which path shows what.

use std::io;
use std::sync::mpsc::TrySendError;

use sha2::{Digest, Sha256};

use super::http::{Answer, Request};
use super::picture::{Encoder, Kind};
use super::{Action, Station, state};
use crate::config::view::View;
use crate::runtime::metrics::prometheus;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Everything that answers.
pub struct Page {
    station: Station,
    encoder: Encoder,
    /// The token's hash: two hashes are compared, whose differences say nothing about the token.
    token: Option<[u8; 32]>,
}

impl Page {
    pub fn new(station: Station, config: &View) -> io::Result<Self> {
        let token = config.token.as_ref().map(|token| Sha256::digest(token.reveal()).into());
        Ok(Self { station, encoder: Encoder::new()?, token })
    }

    pub fn answer(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", path) => self.show(path),
            ("POST", "/threshold" | "/reload") => self.act(request),
            _ => Answer::text(405, "only GET, and POST to /threshold and /reload"),
        }
    }

    fn show(&self, path: &str) -> Answer {
        match path {
            "/" => Answer::new("text/html; charset=utf-8", HTML),
            "/page.css" => Answer::new("text/css; charset=utf-8", STYLE),
            "/page.js" => Answer::new("text/javascript; charset=utf-8", SCRIPT),
            "/metrics" => Answer::new(prometheus::CONTENT_TYPE, prometheus::render(&self.station.metrics)),
            "/healthz" => match self.unhealthy() {
                None => Answer::text(200, "ok"),
                Some(why) => Answer::text(503, &why),
            },
            "/state.json" => {
                self.station.latest.want();
                let picture = self.encoder.part(&self.station.latest);
                let unhealthy = self.unhealthy();
                let json = state::json(&self.station, picture, self.token.is_some(), unhealthy.as_deref());
                Answer::new("application/json", json)
            }
            "/frame.jpg" => self.picture(Kind::Frame),
            "/overlay.jpg" => self.picture(Kind::Overlay),
            _ => Answer::text(404, "there is /, /metrics, /healthz, /state.json, /frame.jpg and /overlay.jpg"),
        }
    }

    fn picture(&self, kind: Kind) -> Answer {
        self.station.latest.want();
        match self.encoder.jpeg(&self.station.latest, kind) {
            Some(jpeg) => Answer::new("image/jpeg", jpeg),
            None => Answer::text(503, "no frame was inspected since someone looks; ask again"),
        }
    }

    /// Why the station is not well.
    fn unhealthy(&self) -> Option<String> {
        let metrics = &self.station.metrics;
        let mut why: Vec<String> =
            metrics.faults().filter(|(_, _, active)| *active).map(|(name, ..)| format!("fault {name}")).collect();
        let age = metrics.progress_age();
        if age > self.station.progress_age_max {
            why.push(format!("no progress for {:.0} s", age.as_secs_f64()));
        }
        (!why.is_empty()).then(|| why.join(", "))
    }

    fn act(&self, request: &Request) -> Answer {
        let Some(token) = self.token else {
            return Answer::text(403, "this view only shows: set a token in the station's [view] to act");
        };
        let given = request.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        if given.is_none_or(|given| <[u8; 32]>::from(Sha256::digest(given)) != token) {
            return Answer::text(401, "the token is missing or wrong: Authorization: Bearer TOKEN");
        }
        let action = match request.path.as_str() {
            "/reload" => Action::Reload,
            _ => match threshold(&request.body) {
                Some(threshold) => Action::SetThreshold(threshold),
                None => return Answer::text(400, "the body must be a positive number: the new threshold"),
            },
        };
        match self.station.actions.try_send(action) {
            Ok(()) => {
                log::info!("asked by the view: {action:?}");
                Answer::text(202, "accepted")
            }
            Err(TrySendError::Full(_)) => Answer::text(503, "the station has not done the last action yet; try again"),
            Err(TrySendError::Disconnected(_)) => Answer::text(503, "the station is stopping"),
        }
    }
}

fn threshold(body: &[u8]) -> Option<f32> {
    let value: f32 = std::str::from_utf8(body).ok()?.trim().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}
