//! Events published to a real broker. `ci/mqtt/run.sh` runs this where mosquitto is installed.

mod broker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Broker;
use crosscheck::config::view::Mqtt;
use crosscheck::defects::{Defect, Kind};
use crosscheck::frame::Region;
use crosscheck::mqtt::{Event, Publisher};
use crosscheck::runtime::metrics::{Count, Gauge, Metrics};
use crosscheck::score::Verdict;
use serde_json::Value;

const QUEUE: u64 = 64;
const WORST: Defect = Defect {
    kind: Kind::Shape,
    score: Some(0.75),
    at: [212.0, 80.0],
    pixels: 9,
    area_mm2: Some(2.5),
    bounds: Region { x: 1, y: 2, width: 3, height: 3 },
};

fn event(part: u64) -> Event {
    let (verdict, score) = if part.is_multiple_of(2) { (Verdict::Pass, Some(0.25)) } else { (Verdict::Reject, None) };
    Event {
        part,
        verdict,
        score,
        threshold: 0.5,
        reason: score.is_none().then_some("no_frame"),
        defects: 2,
        worst: Some(WORST),
        latency_ms: Some(80.0),
    }
}

fn start(broker: &Broker) -> (Publisher, Arc<Metrics>) {
    let config = format!(
        "host = \"127.0.0.1\"\nport = {}\nclient_id = \"line-1\"\ntopic = \"plant/line-1\"\nqueue_events_max = {QUEUE}",
        broker.port()
    );
    let config: Mqtt = toml::from_str(&config).unwrap();
    let metrics = Arc::new(Metrics::new(&["camera_lost"]));
    metrics.set(Gauge::Threshold, 0.5);
    (Publisher::start(&config, metrics.clone()).unwrap(), metrics)
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

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn verdicts_arrive_in_order_and_the_state_is_retained() {
    let mut broker = Broker::start();
    let (publisher, metrics) = start(&broker);
    assert_eq!(next_state(&mut broker, "running")["threshold"], 0.5);
    for part in 0..QUEUE / 2 {
        publisher.verdict(event(part));
    }
    for part in 0..QUEUE / 2 {
        let message = next(&mut broker, "plant/line-1/verdict", |_| true);
        assert_eq!(
            (&message["part"], &message["verdict"]),
            (&part.into(), &Value::from(["pass", "reject"][part as usize % 2]))
        );
        assert_eq!(message["score"].is_null(), part % 2 == 1);
        assert_eq!((&message["defects"], &message["worst"]), (&2.into(), &serde_json::to_value(WORST).unwrap()));
    }
    // The last message may be here before it is counted there.
    let start = Instant::now();
    while metrics.total(Count::MqttEventsSent) < QUEUE / 2 && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((metrics.total(Count::MqttEventsSent), metrics.total(Count::MqttEventsDropped)), (QUEUE / 2, 0));
    metrics.raise(0);
    assert_eq!(next_state(&mut broker, "fault")["faults"], serde_json::json!(["camera_lost"]));
    assert_eq!(broker.retained("plant/line-1/state")["state"], "fault");
    metrics.clear(0);
    next_state(&mut broker, "running");
    drop(publisher);
    next_state(&mut broker, "stopped");
    assert_eq!(broker.retained("plant/line-1/state")["state"], "stopped");
}

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn the_broker_says_when_the_station_is_gone() {
    let mut broker = Broker::start();
    let (_publisher, _metrics) = start(&broker);
    next_state(&mut broker, "running");
    // Who connects under the same name ends the connection without a word from the station.
    broker.publish_as("line-1");
    next_state(&mut broker, "offline");
    next_state(&mut broker, "running");
}

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn a_broker_that_is_away_costs_events_but_no_time() {
    let mut broker = Broker::start();
    let (publisher, metrics) = start(&broker);
    next_state(&mut broker, "running");
    broker.stop();
    let (count, start) = (20_000, Instant::now());
    (0..count).for_each(|part| publisher.verdict(event(part)));
    assert!(start.elapsed() < Duration::from_secs(5), "the line waited");
    assert!(
        metrics.total(Count::MqttEventsDropped) >= count - QUEUE - 32,
        "{}",
        metrics.total(Count::MqttEventsDropped)
    );
    broker.start_again();
    next_state(&mut broker, "running");
    // What waited may still fill the queue.
    loop {
        let dropped = metrics.total(Count::MqttEventsDropped);
        publisher.verdict(event(count));
        if metrics.total(Count::MqttEventsDropped) == dropped {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    next(&mut broker, "plant/line-1/verdict", |message| message["part"] == count);
}
