//! Answers the request for each path.

use std::io;
use std::net::IpAddr;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::guard::{Guard, Refusal};
use super::http::{Answer, Request};
use super::picture::{Encoder, Kind};
use super::state;
use super::station::Station;
use crate::action::{self, Action, Reply, Untaken};
use crate::config::view::View;
use crate::runtime::metrics::prometheus;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The word at the end of a request's body that confirms an action which may let parts pass.
const MAY_LOOSEN: &str = "loosen";
/// How long an answer waits for the action. Reading and checking an engine takes less; a longer action is still done.
const REPLY_MAX: Duration = Duration::from_secs(5);

/// The data and channels that answers need.
pub struct Page {
    station: Station,
    encoder: Encoder,
    guard: Guard,
}

impl Page {
    pub fn new(station: Station, config: &View) -> io::Result<Self> {
        Ok(Self { station, encoder: Encoder::new()?, guard: Guard::new(config) })
    }

    pub fn answer(&self, peer: IpAddr, request: &Request) -> Answer {
        if !self.guard.answers_to(request.host.as_deref()) {
            return Answer::text(421, "the view does not answer to this name: add it to view.hosts");
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", path) => self.show(path),
            ("POST", "/threshold" | "/reload" | "/acknowledge" | "/hold" | "/recipe") => self.act(peer, request),
            _ => Answer::text(405, "only GET, and POST to /threshold, /reload, /acknowledge, /hold and /recipe"),
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
                match state::json(&self.station, picture, self.guard.may_act(), unhealthy.as_deref()) {
                    Ok(json) => Answer::new("application/json", json),
                    Err(error) => Answer::text(500, &format!("cannot write the state: {error}")),
                }
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
            None => Answer::text(503, "no frame was inspected since the first request; ask again"),
        }
    }

    /// Why the station is not healthy; none if it is.
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

    fn act(&self, peer: IpAddr, request: &Request) -> Answer {
        match self.guard.admit(peer, request.authorization.as_deref()) {
            Ok(()) => {}
            Err(Refusal::NoToken) => {
                return Answer::text(
                    403,
                    "this view is read-only: set a token in the station's [view] to allow actions",
                );
            }
            Err(Refusal::Wrong) => {
                return Answer::text(401, "the token is missing or wrong: Authorization: Bearer TOKEN");
            }
            Err(Refusal::TooOften) => {
                return Answer::text(429, "too many wrong tokens came from this address: wait a minute");
            }
        }
        match action(request) {
            Some(action) => self.ask(action),
            None => {
                let expected = "the body must be a positive number, the new threshold, and `loosen` behind it to confirm; \
                                for /reload nothing or `loosen`; for /hold `on` or `off`; for /recipe its number";
                Answer::text(400, expected)
            }
        }
    }

    /// Passes an action to the station, and answers with its result.
    fn ask(&self, action: Action) -> Answer {
        let reply = match action::ask(&self.station.actions, action) {
            Ok(reply) => reply,
            Err(Untaken::Full) => {
                return Answer::text(503, "the station has not finished the last action yet; try again");
            }
            Err(Untaken::Stopping) => return Answer::text(503, "the station is stopping"),
        };
        log::info!("the view asks for {action:?}");
        match reply.recv_timeout(REPLY_MAX) {
            Ok(Reply::Done(text)) => Answer::text(200, &text),
            Ok(Reply::Unconfirmed(how)) => Answer::text(
                409,
                &format!("this may let parts pass that do not pass now: {how}; send `{MAY_LOOSEN}` to confirm"),
            ),
            Ok(Reply::Refused(why)) => Answer::text(422, &why),
            Ok(Reply::Busy(why)) => Answer::text(503, &why),
            Err(RecvTimeoutError::Timeout) => {
                Answer::text(202, "accepted, but not done yet: see the log for the result")
            }
            Err(RecvTimeoutError::Disconnected) => Answer::text(503, "the station is stopping"),
        }
    }
}

/// The action of a request; none if its body is not valid.
fn action(request: &Request) -> Option<Action> {
    let body = std::str::from_utf8(&request.body).ok()?.trim();
    let (rest, may_loosen) = match body.strip_suffix(MAY_LOOSEN) {
        Some(rest) => (rest.trim_end(), true),
        None => (body, false),
    };
    match request.path.as_str() {
        "/acknowledge" => Some(Action::Acknowledge),
        "/reload" => rest.is_empty().then_some(Action::Reload { may_loosen }),
        "/hold" => match body {
            "on" => Some(Action::Hold(true)),
            "off" => Some(Action::Hold(false)),
            _ => None,
        },
        "/recipe" => body.parse().ok().map(Action::Recipe),
        _ => {
            let reject: f32 = rest.parse().ok()?;
            (reject.is_finite() && reject > 0.0).then_some(Action::SetThreshold { reject, may_loosen })
        }
    }
}
