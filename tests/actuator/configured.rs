//! Actuators started from a configuration, as far as a machine without GPIO can start them.

use std::path::Path;
use std::sync::Mutex;

use crosscheck::config::Station;
use crosscheck::plan::Plan;
use crosscheck::reject::actuator::Running;
use crosscheck::reject::channel::Command;
use crosscheck::reject::fault::Fault;
use crosscheck::reject::plan::Delay;
use crosscheck::reject::{self, RejectError};

use crate::bench::MS;

const EXAMPLE: &str = include_str!("../../systemd/station.example.toml");

const LOGGED: &str = r#"
engine.path = "e.safetensors"
camera.source = "synthetic"
trigger.source = "free"
reject = { delay_ms = 2, decision_lead_ms = 1, pulse_ms = 30 }
actuator.sink = "log"
"#;

/// Keeps what is logged.
struct Kept(Mutex<Vec<String>>);

impl log::Log for Kept {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

static LOG: Kept = Kept(Mutex::new(Vec::new()));

fn station(text: &str) -> Station {
    Station::parse(text, Path::new("station.toml")).unwrap()
}

fn start(station: &Station) -> Result<Running, RejectError> {
    let plan = Plan::from(station);
    reject::start(station, plan.reject, plan.actuator)
}

#[test]
fn the_log_sink_prints_every_change_of_the_outputs() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let mut line = start(&station(LOGGED)).unwrap();
    line.handles.station.send(Command::Clear(Fault::Starting));
    let printed = |text: &str| LOG.0.lock().unwrap().iter().filter(|line| *line == text).count();
    while printed("output ready: active") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(printed("output reject: inactive"), 1);
    line.actuator.stop().unwrap();
    assert_eq!((printed("output reject: active"), printed("output fault: active")), (1, 1), "the safe state");
}

#[test]
fn a_configuration_becomes_times_and_counts() {
    let plan = Plan::from(&station(LOGGED));
    assert_eq!((plan.runtime.timing.deadline_ns, plan.runtime.passage_ns_max), (Some(MS), 32 * MS));
    let timed = plan.reject;
    assert_eq!(timed.delay, Delay::Time { delay_ns: 2 * MS, lead_ns: MS });
    assert_eq!((timed.pulse_ns, timed.gap_ns, timed.debounce_ns), (30 * MS, 10 * MS, 0));
    assert_eq!((timed.belt, timed.confirm_ns_max, timed.pitch_counts), (None, None, None));
    let plan = Plan::from(&station(EXAMPLE));
    let age_ns_max = plan.reject.age_ns_max;
    assert_eq!((plan.runtime.timing.deadline_ns, age_ns_max), (None, 60_000 * MS));
    assert_eq!(plan.runtime.passage_ns_max, age_ns_max + plan.reject.pulse_ns);
    let counted = plan.reject;
    assert_eq!(counted.delay, Delay::Counts { delay: 800, lead: 20 });
    assert_eq!((counted.debounce_ns, counted.confirm_ns_max), (2 * MS, Some(500 * MS)));
    let belt = counted.belt.unwrap();
    assert_eq!((belt.interval_ns_min, belt.stopped_ns, belt.missing_pulses), (MS / 2, 200 * MS, true));
}

#[test]
fn a_line_that_is_not_there_is_refused_with_its_name_and_what_to_do() {
    for (chip, expected) in [
        ("\"/dev/gpiochip-none\"", "cannot open /dev/gpiochip-none"),
        ("\"none\"", "no GPIO chip that may be opened is labelled \"none\""),
    ] {
        let text = EXAMPLE.replace("\"/dev/gpiochip0\"", chip);
        let Err(error @ RejectError::Gpio { name: "reject", .. }) = start(&station(&text)) else { panic!("{chip}") };
        assert!(error.to_string().contains(expected), "{error}");
    }
    let text = format!("{}[gpio]\nreject.line = \"none-0\"\n", LOGGED.replace("\"log\"", "\"gpio\""));
    let Err(error) = start(&station(&text)) else { panic!("a line of that name") };
    assert!(
        error.to_string().contains("gpio.reject: no chip that may be opened has a line named \"none-0\""),
        "{error}"
    );
}
