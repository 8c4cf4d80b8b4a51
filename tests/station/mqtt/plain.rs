//! What is published, without TLS.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosscheck::mqtt::Publisher;
use crosscheck::reject::fault::Fault;
use crosscheck::runtime::FAULT_NAMES;
use crosscheck::runtime::metrics::{Count, Metrics};
use serde_json::{Value, json};

use super::broker::Broker;
use super::{QUEUE, event, judge, log, mqtt, next, next_state, start, ways, worst};

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
        assert_eq!((&message["defects"], &message["worst"]), (&2.into(), &serde_json::to_value(worst()).unwrap()));
    }
    // The last message may be here before it is counted there.
    let start = Instant::now();
    while metrics.total(Count::MqttEventsSent) < QUEUE / 2 && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((metrics.total(Count::MqttEventsSent), metrics.total(Count::MqttEventsDropped)), (QUEUE / 2, 0));
    metrics.raise(Fault::CameraLost as usize);
    assert_eq!(next_state(&mut broker, "fault")["faults"], json!(["camera_lost"]));
    assert_eq!(broker.retained("plant/line-1/state")["state"], "fault");
    metrics.clear(Fault::CameraLost as usize);
    next_state(&mut broker, "running");
    drop(publisher);
    next_state(&mut broker, "stopped");
    assert_eq!(broker.retained("plant/line-1/state")["state"], "stopped");
    let info = broker.retained("plant/line-1/info");
    assert_eq!((&info["station"], &info["format"]), (&json!("line-1"), &json!(1)));
}

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn a_station_that_judges_nothing_yet_is_starting_without_an_engine() {
    let mut broker = Broker::start();
    let config = mqtt(&format!("port = {}\nclient_id = \"line-1\"", broker.port()));
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let _publisher = Publisher::start(&config, "line-1", metrics.clone(), ways().0).unwrap();
    next(&mut broker, "plant/line-1/info", |info| info["version"] == env!("CARGO_PKG_VERSION"));
    // Nothing was said of the station before.
    let first = next(&mut broker, "plant/line-1/state", |_| true);
    assert_eq!(
        (&first["state"], &first["engine"], &first["threshold"]),
        (&json!("starting"), &json!(null), &json!(null))
    );
    metrics.raise(Fault::Starting as usize);
    metrics.set_judge(&judge());
    assert_eq!(next(&mut broker, "plant/line-1/state", |_| true)["state"], "starting");
    metrics.clear(Fault::Starting as usize);
    let running = next(&mut broker, "plant/line-1/state", |_| true);
    assert_eq!((&running["state"], &running["engine"]), (&json!("running"), &json!("aaaaaaaaaaaaaaaa")));
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
    log::wait_for(&[&format!(":{}", broker.port()), "another client may use the name \"line-1\""]);
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
    // What waits is in the queue, between the threads, or with the library, which has no more than 100 on their way.
    let dropped = metrics.total(Count::MqttEventsDropped);
    assert!(dropped >= count - QUEUE - 132, "{dropped}");
    std::thread::sleep(Duration::from_secs(3));
    broker.start_again();
    // The broker has forgotten the session, but what waited arrives.
    next(&mut broker, "plant/line-1/verdict", |message| message["part"] == 0);
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
    let (here, warned) = (format!(":{}", broker.port()), "is not connected");
    let said: Vec<String> = log::lines_with(warned).into_iter().filter(|line| line.contains(&here)).collect();
    assert_eq!(said.len(), 1, "one line for each break: {said:#?}");
}
