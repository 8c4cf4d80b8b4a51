//! Commands that come by the broker.

use std::time::{Duration, Instant};

use crosscheck::action::{Action, By, Reply, Way};
use crosscheck::clock::monotonic_ns;
use crosscheck::mqtt::Publisher;
use crosscheck::reject::fault::Fault;

use super::broker::Broker;
use super::{mqtt, next, next_state, running, ways};

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn commands_are_done_once_and_answered() {
    let mut broker = Broker::start();
    let config = mqtt(&format!("port = {}\nclient_id = \"line-1\"\ncommands = true", broker.port()));
    let (ways, asked, mut names) = ways();
    // One that the broker keeps is an old one.
    broker.publish("plant/line-1/command/hold", "on", true);
    let metrics = running();
    let publisher = Publisher::start(&config, "line-1", metrics.clone(), ways).unwrap();
    // The state comes in between, whenever it does.
    let refused = next(&mut broker, "plant/line-1/result", |_| true);
    assert!(refused["result"] == "refused" && refused["text"].as_str().unwrap().contains("retained"), "{refused}");
    for (command, payload, action, reply, result) in [
        ("recipe", "2", Action::Recipe(2), Reply::Done("recipe 2 takes over".into()), "done"),
        ("hold", "on", Action::Hold(true), Reply::Busy("later".into()), "busy"),
        ("acknowledge", "", Action::Acknowledge, Reply::Refused("no".into()), "refused"),
    ] {
        broker.publish(&format!("plant/line-1/command/{command}"), payload, false);
        let got = asked.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!((got.action, &got.by), (action, &By::machine(Way::Mqtt, None)));
        got.reply(reply);
        let message = next(&mut broker, "plant/line-1/result", |_| true);
        assert_eq!((&message["command"], &message["result"]), (&command.into(), &result.into()));
    }
    broker.publish("plant/line-1/command/identity", "SN-0042", false);
    assert_eq!(next(&mut broker, "plant/line-1/result", |_| true)["result"], "done");
    assert_eq!(names.take(1, monotonic_ns()).text(), "SN-0042");
    for (command, payload) in [("recipe", "two"), ("threshold", "3"), ("identity", "a\tb")] {
        broker.publish(&format!("plant/line-1/command/{command}"), payload, false);
        assert_eq!(next(&mut broker, "plant/line-1/result", |_| true)["result"], "refused");
    }
    assert!(asked.try_recv().is_err(), "nothing else was asked");
    metrics.raise(Fault::Held as usize);
    assert_eq!(next_state(&mut broker, "held")["faults"][0], "held");
    drop(publisher);
}

#[test]
#[ignore = "needs mosquitto: ci/mqtt/run.sh"]
fn a_station_that_takes_no_commands_hears_none() {
    let mut broker = Broker::start();
    let config = mqtt(&format!("port = {}\nclient_id = \"line-1\"", broker.port()));
    let (ways, asked, _names) = ways();
    let _publisher = Publisher::start(&config, "line-1", running(), ways).unwrap();
    next_state(&mut broker, "running");
    broker.publish("plant/line-1/command/hold", "on", false);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        assert!(asked.try_recv().is_err(), "it was taken");
        std::thread::sleep(Duration::from_millis(20));
    }
}
