//! TLS: whom the station trusts, and what it shows of itself.

use std::time::Duration;

use crosscheck::mqtt::{self, Publisher};
use crosscheck::runtime::metrics::Count;

use super::broker::Broker;
use super::certificates::{HERE, authority, issue, renew};
use super::{event, log, mqtt, next, next_state, running, ways};

/// Listeners: 0 lets everyone in, 1 demands a certificate of the plant's authority, 2 to 4 have certificates that no station
/// accepts: for another host, expired, and of a stranger.
const LISTENERS: [&str; 5] = [
    "allow_anonymous true\ncafile DIR/plant.pem\ncertfile DIR/broker.pem\nkeyfile DIR/broker.key",
    "allow_anonymous true\ncafile DIR/plant.pem\ncertfile DIR/broker.pem\nkeyfile DIR/broker.key\nrequire_certificate true",
    "allow_anonymous true\ncafile DIR/plant.pem\ncertfile DIR/elsewhere.pem\nkeyfile DIR/elsewhere.key",
    "allow_anonymous true\ncafile DIR/plant.pem\ncertfile DIR/expired.pem\nkeyfile DIR/expired.key",
    "allow_anonymous true\ncafile DIR/stranger.pem\ncertfile DIR/strange.pem\nkeyfile DIR/strange.key",
];

fn broker() -> Broker {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    authority(here, "plant", 30);
    authority(here, "stranger", 30);
    // Of one second.
    renew(here, "plant", "old", 0);
    issue(here, "plant", "broker", HERE, 30);
    issue(here, "plant", "elsewhere", "subjectAltName=DNS:other.plant", 30);
    issue(here, "plant", "expired", HERE, 0);
    issue(here, "stranger", "strange", HERE, 30);
    issue(here, "plant", "line-1", "extendedKeyUsage=clientAuth", 30);
    issue(here, "stranger", "line-2", "extendedKeyUsage=clientAuth", 30);
    std::thread::sleep(Duration::from_millis(1100));
    Broker::with(folder, &LISTENERS)
}

/// The keys of a station at a listener. `DIR` in `more` is the folder of the certificates.
fn keys(broker: &Broker, listener: usize, name: &str, more: &str) -> String {
    let keys = format!("port = {}\nclient_id = \"{name}\"\n{more}", broker.port_of(listener));
    keys.replace("DIR", broker.folder().to_str().unwrap())
}

const PLANT: &str = "tls = true\nca_file = \"DIR/plant.pem\"";
const IDENTITY: &str = "client_certificate_file = \"DIR/line-1.pem\"\nclient_key_file = \"DIR/line-1.key\"";

#[test]
#[ignore = "needs mosquitto and openssl: ci/mqtt/run.sh"]
fn events_go_to_a_broker_that_demands_a_certificate_and_again_after_a_break() {
    let mut broker = broker();
    let (config, metrics) = (mqtt(&keys(&broker, 1, "line-1", &format!("{PLANT}\n{IDENTITY}"))), running());
    mqtt::try_out(&config, Duration::from_secs(10)).unwrap();
    let publisher = Publisher::start(&config, "line-1", metrics.clone(), ways().0).unwrap();
    next_state(&mut broker, "running");
    publisher.verdict(event(1));
    next(&mut broker, "plant/line-1/verdict", |message| message["part"] == 1);
    broker.stop();
    let here = format!(":{}", broker.port_of(1));
    log::wait_for(&[&here, "MQTT is not connected"]);
    publisher.verdict(event(2));
    broker.start_again();
    next(&mut broker, "plant/line-1/verdict", |message| message["part"] == 2);
    publisher.verdict(event(3));
    next(&mut broker, "plant/line-1/verdict", |message| message["part"] == 3);
    drop(publisher);
    next_state(&mut broker, "stopped");
    assert_eq!(log::lines_with(&here).iter().filter(|line| line.contains("is not connected")).count(), 1);
    assert_eq!(
        log::lines_with(&here)
            .iter()
            .filter(|line| line.contains("is connected to") && line.contains("over TLS"))
            .count(),
        2
    );
    assert_eq!(metrics.total(Count::MqttEventsDropped), 0);
}

#[test]
#[ignore = "needs mosquitto and openssl: ci/mqtt/run.sh"]
fn a_broker_that_is_not_trusted_or_does_not_trust_gets_nothing_and_the_station_continues() {
    let mut broker = broker();
    let named = |listener, name: &str, more: &str| (listener, name.to_string(), more.to_string());
    let strange = IDENTITY.replace("line-1", "line-2");
    let cases = [
        (named(4, "of-a-stranger", PLANT), "no authority in DIR/plant.pem (mqtt.ca_file) issued it"),
        (named(0, "without-authority", "tls = true"), "no authority that this system trusts issued it"),
        (
            named(0, "authority-expired", "tls = true\nca_file = \"DIR/old.pem\""),
            "in DIR/old.pem (mqtt.ca_file), expired less than a day ago",
        ),
        (
            named(2, "for-another-host", PLANT),
            "it is not for 127.0.0.1 (mqtt.host), but for other.plant (subjectAltName)",
        ),
        (named(3, "broker-expired", PLANT), "its certificate is not accepted: it expired less than a day ago"),
        (named(1, "without-identity", PLANT), "it demands a certificate of the station"),
        (named(1, "strange-identity", &format!("{PLANT}\n{strange}")), "mqtt.client_certificate_file"),
        (named(0, "without-tls", ""), "and set mqtt.tls if the broker expects it there"),
    ];
    let stations: Vec<_> = cases
        .iter()
        .map(|((listener, name, more), _)| {
            let (config, metrics) = (mqtt(&keys(&broker, *listener, name, more)), running());
            let publisher = Publisher::start(&config, name, metrics.clone(), ways().0).unwrap();
            publisher.verdict(event(1));
            (config, publisher, metrics)
        })
        .collect();
    for ((config, publisher, metrics), (_, expected)) in stations.iter().zip(&cases) {
        let expected = expected.replace("DIR", broker.folder().to_str().unwrap());
        let line = log::wait_for(&[&format!(":{}", config.port()), &expected]);
        assert!(line.starts_with("WARN MQTT is not connected to"), "{line}");
        publisher.verdict(event(2));
        assert_eq!((metrics.total(Count::MqttEventsSent), metrics.total(Count::MqttEventsDropped)), (0, 0));
        let error = mqtt::try_out(config, Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.starts_with("MQTT is not connected to"), "{error}");
    }
    // Two authorities in one file, of which one expired, as while a plant changes from one to the next.
    let both =
        ["old.pem", "plant.pem"].map(|name| std::fs::read_to_string(broker.folder().join(name)).unwrap()).concat();
    std::fs::write(broker.folder().join("both.pem"), both).unwrap();
    let more = "host = \"localhost\"\ntls = true\nca_file = \"DIR/both.pem\"";
    let _publisher =
        Publisher::start(&mqtt(&keys(&broker, 0, "trusted", more)), "trusted", running(), ways().0).unwrap();
    next_state(&mut broker, "running");
}

#[test]
#[ignore = "needs openssl: ci/mqtt/run.sh"]
fn files_that_do_not_fit_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    authority(here, "plant", 30);
    issue(here, "plant", "line-1", HERE, 30);
    issue(here, "plant", "line-2", HERE, 30);
    std::fs::write(here.join("word"), "mortadella\n").unwrap();
    std::fs::write(here.join("empty"), "\n").unwrap();
    let certificate =
        |file: &str| format!("client_certificate_file = \"DIR/{file}\"\nclient_key_file = \"DIR/line-1.key\"");
    for (more, expected) in [
        ("ca_file = \"DIR/none.pem\"".into(), "mqtt.ca_file: cannot use DIR/none.pem: No such file"),
        ("ca_file = \"DIR/word\"".into(), "mqtt.ca_file: cannot use DIR/word: it has no certificate in PEM"),
        ("ca_file = \"DIR/plant.key\"".into(), "mqtt.ca_file: cannot use DIR/plant.key: it has no certificate in PEM"),
        (certificate("line-2.pem"), "DIR/line-1.key: it is not the key of the certificate in DIR/line-2.pem"),
        (certificate("line-1.key"), "mqtt.client_certificate_file: cannot use DIR/line-1.key"),
        (certificate("line-1.pem").replace("line-1.key", "line-1.pem"), "line-1.pem: it has no private key in PEM"),
        (
            "username = \"a\"\npassword_file = \"DIR/empty\"".into(),
            "mqtt.password_file: cannot use DIR/empty: its first line",
        ),
        ("username_file = \"DIR/none\"".into(), "mqtt.username_file: cannot use DIR/none: No such file"),
        ("host = \"no name\"".into(), "mqtt.host is \"no name\""),
    ] {
        let dir = here.to_str().unwrap();
        let ca = if more.contains("ca_file") { "" } else { "\nca_file = \"DIR/plant.pem\"" };
        let config = mqtt(&format!("tls = true\n{more}{ca}").replace("DIR", dir));
        let error = mqtt::check_files(&config).unwrap_err().to_string();
        assert!(error.contains(&expected.replace("DIR", dir)), "{more}: {error}");
        assert!(!error.contains("mortadella"), "{error}");
    }
}
