//! Events published to a real broker. `ci/mqtt/run.sh` runs this where mosquitto and openssl are installed.

mod broker;
mod certificates;
mod commands;
mod log;
mod login;
mod plain;
mod tls;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use broker::{Broker, HOST};
use crosscheck::action::Asked;
use crosscheck::config::mqtt::Mqtt;
use crosscheck::identity::{Identity, Names};
use crosscheck::mqtt::{Event, Publisher, Ways};
use crosscheck::runtime::FAULT_NAMES;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::metrics::Metrics;
use crosscheck::score::{Thresholds, Verdict};
use serde_json::Value;

use crate::support::worst::worst;

const QUEUE: u64 = 64;

fn event(part: u64) -> Event {
    let (verdict, score) = if part.is_multiple_of(2) { (Verdict::Pass, Some(0.25)) } else { (Verdict::Reject, None) };
    Event {
        part,
        identity: Identity::new("SN-1").unwrap(),
        recipe: 0,
        verdict,
        score,
        threshold: 0.5,
        reason: score.is_none().then_some("no_points"),
        defects: 2,
        worst: Some(worst()),
        latency_ms: Some(80.0),
    }
}

/// What commands act on, and the station's end of it.
fn ways() -> (Ways, Receiver<Asked>, Names) {
    let (actions, asked) = sync_channel(4);
    let mut names = Names::new(jiff::Timestamp::now());
    (Ways { actions, namer: names.source() }, asked, names)
}

fn judge() -> Judge {
    Judge::new(Thresholds { reject: 0.5, review: None }, [0.25, 1.0], "a".repeat(64))
}

/// Metrics of a station that judges parts.
fn running() -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    metrics.set_judge(&judge());
    metrics
}

fn mqtt(keys: &str) -> Mqtt {
    log::keep();
    let config = format!("host = \"{HOST}\"\ntopic = \"plant/line-1\"\nqueue_events_max = {QUEUE}\n{keys}");
    let host = keys.lines().find(|line| line.starts_with("host"));
    toml::from_str(&if host.is_some() { config.replacen(&format!("host = \"{HOST}\"\n"), "", 1) } else { config })
        .unwrap()
}

/// A station that is connected without TLS.
fn start(broker: &Broker) -> (Publisher, Arc<Metrics>) {
    let (config, metrics) = (mqtt(&format!("port = {}\nclient_id = \"line-1\"", broker.port())), running());
    (Publisher::start(&config, "line-1", metrics.clone(), ways().0).unwrap(), metrics)
}

/// The next message of `topic` that `fits`; what comes before it is passed over.
fn next(broker: &mut Broker, topic: &str, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        let (found, message) = broker.message();
        if found == topic && fits(&message) {
            return message;
        }
    }
}

fn next_state(broker: &mut Broker, state: &str) -> Value {
    next(broker, "plant/line-1/state", |message| message["state"] == state)
}
