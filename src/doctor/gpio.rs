//! Checks whether the GPIO lines exist, are free, may be opened, and are wired as configured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gpiocdev::line::{EdgeDetection, EdgeKind, Info, Offset, Value};
use gpiocdev::{Chip, Request};
use serde::Serialize;
use thiserror::Error;

use super::finding::Finding;
use crate::clock::monotonic_ns;
use crate::config::Station;
use crate::config::gpio::Gpio;
use crate::config::reject::Sink;
use crate::reject::gpio;

/// Consumer name that the kernel shows for the GPIO lines during the test.
const CONSUMER: &str = "crosscheck doctor";
/// Number of output changes in a loop-back test.
const CHANGES: usize = 200;
/// Longest wait for an edge: a wire needs far less, relays and optocouplers need more.
const EDGE_TIME_MAX: Duration = Duration::from_millis(200);
const PERMISSION_FIX: &str = "add the user to the group gpio and log in again: usermod -aG gpio USER (systemd/install.sh makes the group and its udev rule)";

#[derive(Debug, Error)]
pub enum LoopbackError {
    #[error("{name}: {reason}")]
    Line { name: String, reason: String },
    #[error(
        "the pair {text:?} is not of the form OUTPUT:INPUT, as in reject:confirm: outputs are reject, ready, fault, heartbeat; inputs trigger, encoder, confirm, acknowledge"
    )]
    Pair { text: String },
    #[error("change {change} of the output {output} was not seen at the input {input} within {} ms: check the wire between them and that both are on the same ground", EDGE_TIME_MAX.as_millis())]
    NotSeen { change: usize, output: String, input: String },
    #[error("the input {input} changed in the opposite direction of the output {output}: check active_low of both")]
    Inverted { output: String, input: String },
    #[error("the GPIO lines cannot be driven: {0}")]
    Gpio(#[from] gpiocdev::Error),
}

/// Times measured by a loop-back test, each from before the call that changes the output to the edge at the input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loopback {
    pub changes: usize,
    pub median_us: f64,
    pub max_us: f64,
}

/// A GPIO line of the configuration.
struct Wanted<'a> {
    name: String,
    line: Option<&'a str>,
    offset: Option<Offset>,
    chip: Option<&'a Path>,
    active_low: bool,
}

fn wanted(gpio: &Gpio) -> Vec<Wanted<'_>> {
    let shared = gpio.chip.as_deref();
    let outputs = gpio.outputs().into_iter().filter_map(|(name, line)| Some((name, line?)));
    let inputs = gpio.inputs().into_iter().filter_map(|(name, line)| Some((name, line?)));
    let outputs = outputs.map(|(name, l)| (name, &l.line, l.offset, &l.chip, l.active_low));
    let inputs = inputs.map(|(name, l)| (name, &l.line, l.offset, &l.chip, l.active_low));
    let all = outputs.chain(inputs);
    all.map(|(name, line, offset, chip, active_low)| Wanted {
        name: name.into(),
        line: line.as_deref(),
        offset,
        chip: chip.as_deref().or(shared),
        active_low,
    })
    .collect()
}

impl Wanted<'_> {
    /// Returns the path of the chip and the kernel's description of the GPIO line.
    fn find(&self) -> Result<(PathBuf, Info), String> {
        gpio::find(self.chip, self.line, self.offset)
    }
}

pub fn examine(station: Option<&Station>) -> Vec<Finding> {
    let mut findings = vec![chips()];
    let Some(station) = station else { return findings };
    let drives = station.actuator.sink == Sink::Gpio;
    if !drives {
        findings.push(Finding::note("gpio", "actuator.sink is \"log\": no output is driven"));
    }
    findings.extend(wanted(&station.gpio).iter().map(examine_line));
    findings
}

fn chips() -> Finding {
    let name = "gpio.chips";
    let paths = gpiocdev::chip::chips().unwrap_or_default();
    if paths.is_empty() {
        return Finding::note(name, "no GPIO chip may be opened: use actuator.sink = \"log\", or see the next lines");
    }
    let mut found = Vec::new();
    for path in &paths {
        match Chip::from_path(path).and_then(|chip| chip.info()) {
            Ok(info) => found.push(format!("{} ({}, {} lines)", path.display(), info.label, info.num_lines)),
            Err(error) => return Finding::error(name, format!("{}: {error}", path.display()), PERMISSION_FIX),
        }
    }
    Finding::ok(name, found.join(", "))
}

fn examine_line(wanted: &Wanted) -> Finding {
    let name = format!("gpio.{}", wanted.name);
    let (chip, info) = match wanted.find() {
        Ok(found) => found,
        Err(reason) => {
            let denied = reason.contains("ermission");
            let fix = if denied { PERMISSION_FIX.into() } else { format!("correct [{name}] in the configuration") };
            return Finding::error(&name, reason, fix);
        }
    };
    let label = if info.name.is_empty() { String::new() } else { format!(" \"{}\"", info.name) };
    let found = format!("{} line {}{label}", chip.display(), info.offset);
    if info.used {
        let fix = "stop the program that uses it (a running station: systemctl stop 'crosscheck@*'), or choose another GPIO line";
        return Finding::error(&name, format!("{found} is in use by {:?}", info.consumer), fix);
    }
    Finding::ok(&name, format!("{found}, free"))
}

/// Changes an output of the configuration, and waits for each change at an input that is wired to it. This moves the
/// device that is connected to the output.
pub fn loopback(gpio: &Gpio, pair: &str) -> Result<Loopback, LoopbackError> {
    let lines = wanted(gpio);
    let by_name = |name: &str, known: &[&str]| lines.iter().find(|line| line.name == name && known.contains(&name));
    let (outputs, inputs) = (gpio.outputs().map(|(name, _)| name), gpio.inputs().map(|(name, _)| name));
    let ends = pair.split_once(':').and_then(|(o, i)| Some((by_name(o, &outputs)?, by_name(i, &inputs)?)));
    let Some((output, input)) = ends else { return Err(LoopbackError::Pair { text: pair.into() }) };
    let find = |line: &Wanted| line.find().map_err(|reason| LoopbackError::Line { name: line.name.clone(), reason });
    let ((out_chip, out), (in_chip, seen)) = (find(output)?, find(input)?);
    let driven = request(&out_chip, output, out.offset, |b| {
        b.as_output(Value::Inactive);
    })?;
    let watched = request(&in_chip, input, seen.offset, |b| {
        b.as_input().with_edge_detection(EdgeDetection::BothEdges);
    })?;
    let mut times_us = Vec::with_capacity(CHANGES);
    for change in 0..CHANGES {
        let value = if change % 2 == 0 { Value::Active } else { Value::Inactive };
        let before = monotonic_ns();
        driven.set_value(out.offset, value)?;
        let names = || (output.name.clone(), input.name.clone());
        if !watched.wait_edge_event(EDGE_TIME_MAX)? {
            let (output, input) = names();
            return Err(LoopbackError::NotSeen { change, output, input });
        }
        let edge = watched.read_edge_event()?;
        if (edge.kind == EdgeKind::Rising) != (value == Value::Active) {
            let (output, input) = names();
            return Err(LoopbackError::Inverted { output, input });
        }
        times_us.push(edge.timestamp_ns.saturating_sub(before) as f64 / 1e3);
    }
    times_us.sort_by(f64::total_cmp);
    Ok(Loopback { changes: CHANGES, median_us: times_us[CHANGES / 2], max_us: times_us[CHANGES - 1] })
}

fn request(
    chip: &Path,
    line: &Wanted,
    offset: Offset,
    role: impl FnOnce(&mut gpiocdev::request::Builder),
) -> gpiocdev::Result<Request> {
    let mut builder = Request::builder();
    builder.on_chip(chip).with_consumer(CONSUMER).with_line(offset);
    role(&mut builder);
    if line.active_low {
        builder.as_active_low();
    }
    builder.request()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Status;

    fn lines(text: &str) -> Gpio {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_chip_that_is_not_there_is_an_error_with_a_fix() {
        let gpio = lines("chip = \"/dev/gpiochip-none\"\nreject = { offset = 3 }\ntrigger = { line = \"eye\" }");
        let findings: Vec<Finding> = wanted(&gpio).iter().map(examine_line).collect();
        assert_eq!(findings.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["gpio.reject", "gpio.trigger"]);
        for finding in findings {
            assert!(finding.status == Status::Error && finding.found.contains("gpiochip-none"), "{finding:?}");
            assert!(finding.fix.is_some());
        }
    }

    #[test]
    fn a_loopback_needs_an_output_and_an_input() {
        let gpio = lines("chip = \"/dev/gpiochip-none\"\nreject = { offset = 3 }\nconfirm = { offset = 4 }");
        for wrong in ["", "reject", "confirm:reject", "reject:trigger", "ready:confirm"] {
            assert!(matches!(loopback(&gpio, wrong), Err(LoopbackError::Pair { .. })), "{wrong}");
        }
        let error = loopback(&gpio, "reject:confirm").unwrap_err().to_string();
        assert!(error.contains("gpiochip-none"), "{error}");
    }
}
