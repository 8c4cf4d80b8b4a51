//! Checks of the engine, camera, disk, trace, audit, accounts, view, control and broker that a configuration names.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use super::audit;
use super::finding::Finding;
use super::genicam;
use super::space::{room, writable};
use super::trace;
use crate::backend::Choice;
use crate::camera::CapturedFrame;
use crate::camera::supervisor::{Delivery, Patience, Supervisor};
use crate::config::Station;
use crate::config::camera::{Camera, CameraSource};
use crate::config::mqtt::Mqtt;
use crate::config::plc::Plc;
use crate::config::record::Record;
use crate::config::view::View;
use crate::model::engine_file::{Engine, EngineError, Source};
use crate::mqtt::{self, MqttError};
use crate::runtime::camera::{opener, patience};
use crate::signature;
use crate::view;

/// Longest wait for the broker's answer to a login: one on the same network answers in a tenth of this.
const BROKER_TIME_MAX: Duration = Duration::from_secs(2);
/// How long one call waits for the camera.
const CAMERA_SLICE: Duration = Duration::from_millis(50);

pub fn examine(station: &Station) -> Vec<Finding> {
    let mut findings = Vec::new();
    for station in station.in_each_recipe() {
        let read = station.engine.read();
        findings.extend([engine(&station, &read), signed(&station, &read)].map(|finding| of_recipe(&station, finding)));
    }
    findings.extend([camera(&station.camera), disk(station.record.as_ref())]);
    findings.extend(genicam::examine(&station.camera));
    findings.extend(station.trace.as_ref().map(trace::examine));
    findings.extend(station.audit.as_ref().map(audit::examine));
    findings.extend(station.view.accounts.as_deref().map(audit::accounts));
    findings.extend(station.view.enabled.then(|| page(&station.view)));
    findings.extend(station.plc.iter().map(plc));
    findings.extend(station.mqtt.iter().map(broker));
    findings
}

/// Names the recipe that a finding is about.
fn of_recipe(station: &Station, finding: Finding) -> Finding {
    match station.active_recipe {
        0 => finding,
        number => Finding { found: format!("recipe {number}: {}", finding.found), ..finding },
    }
}

type ReadEngine = Result<(Engine, Option<String>), EngineError>;

fn engine(station: &Station, read: &ReadEngine) -> Finding {
    let name = "engine";
    let path = &station.engine.path;
    let engine = match read {
        Ok((engine, _)) => engine,
        Err(EngineError::Signature(_)) => {
            return Finding::error(
                name,
                format!("{} is not accepted", path.display()),
                "see the finding engine.signature",
            );
        }
        Err(EngineError::Read { .. }) if station.is_untaught() => {
            let found =
                format!("{} is not there: the station rejects every part until a recipe was taught", path.display());
            return Finding::note(name, found);
        }
        Err(error) => {
            let fix = "make it with `crosscheck fit` and `crosscheck calibrate`, or correct engine.path";
            return Finding::error(name, error.to_string(), fix);
        }
    };
    let variant = engine.metadata.variant.name();
    let hash = &engine.content_sha256;
    let stated = engine.metadata.provenance.iter().find_map(|source| match source {
        Source::Stated(facts) => Some(format!(", mappings imported with the assumptions: {}", facts.join(", "))),
        _ => None,
    });
    let found = format!("{}, {variant}, sha256 {hash}{}", path.display(), stated.unwrap_or_default());
    if !engine.is_fitted() {
        return Finding::error(name, format!("{found}: it has no mappings"), "fit it on good parts: crosscheck fit");
    }
    match (&engine.metadata.calibration, station.engine.threshold) {
        (None, None) => Finding::error(
            name,
            format!("{found}: it has no threshold"),
            "find one with `crosscheck calibrate`, or set engine.threshold",
        ),
        (_, Some(threshold)) => Finding::ok(name, format!("{found}, rejects above {threshold} (engine.threshold)")),
        (Some(calibration), None) => Finding::ok(name, format!("{found}, rejects above {}", calibration.threshold)),
    }
}

/// Checks who signed the engine.
fn signed(station: &Station, read: &ReadEngine) -> Finding {
    let name = "engine.signature";
    let path = &station.engine.path;
    match read {
        Ok((_, Some(signer))) => return Finding::ok(name, format!("signed by key {signer}")),
        Err(EngineError::Signature(error)) => {
            let fix = "sign the engine with `crosscheck sign`, or correct engine.keys";
            return Finding::error(name, error.to_string(), fix);
        }
        _ => {}
    }
    match signature::claimed(path) {
        Ok(None) if station.engine.keys.is_none() => Finding::note(
            name,
            "the engine is not signed and no keys are configured: anyone who may write the file can replace the engine",
        ),
        Ok(Some(key)) if station.engine.keys.is_none() => Finding::warning(
            name,
            format!(
                "no keys are configured: the signature {} by key {key} is not checked",
                signature::path_of(path).display()
            ),
            "compare the public key with that of the signer, then set engine.keys to it",
        ),
        Ok(_) => Finding::note(name, "the signature cannot be checked, since the engine cannot be read"),
        Err(error) => Finding::warning(name, error.to_string(), "sign the engine again, or remove the file"),
    }
}

fn camera(camera: &Camera) -> Finding {
    let name = "camera";
    if camera.source == CameraSource::Synthetic {
        return Finding::note(name, "synthetic parts: no camera is used");
    }
    let failed = |reason: String| {
        Finding::error(name, reason, "correct [camera], or check the cable and the permissions of the camera")
    };
    let opener = match opener(camera, Choice::Cpu) {
        Ok(opener) => opener,
        Err(error) => return failed(error.to_string()),
    };
    let mut frame = CapturedFrame::empty();
    let start = Instant::now();
    let mut supervisor = match Supervisor::start(opener, Patience { reopens: 0, ..patience(camera) }) {
        Ok(supervisor) => supervisor,
        Err(error) => return failed(error.to_string()),
    };
    loop {
        match supervisor.next(&mut frame, CAMERA_SLICE) {
            Ok(Delivery::Frame) => break,
            Ok(Delivery::Nothing | Delivery::Failed(_) | Delivery::Reset(_)) => {}
            Err(error) => return failed(error.to_string()),
        }
    }
    let frame = &frame.frame;
    let ms = start.elapsed().as_millis();
    let points = frame.cloud().valid_count();
    Finding::ok(name, format!("{} x {} pixels, {points} points, after {ms} ms", frame.width(), frame.height()))
}

fn disk(record: Option<&Record>) -> Finding {
    let name = "disk";
    let Some(record) = record else {
        return Finding::note(name, "there is no [record]: rejected parts are not recorded");
    };
    // The station makes the folder, so the nearest existing parent is checked.
    let folder = std::path::absolute(&record.folder).unwrap_or_else(|_| record.folder.clone());
    let there = match writable(&folder, "record.folder", name) {
        Ok(there) => there,
        Err(finding) => return *finding,
    };
    let left = (record.quota_mb << 20).saturating_sub(used_bytes(&folder));
    room(there, left, name, &format!("record.quota_mb is {}", record.quota_mb), "record.quota_mb")
}

/// Size of the recording so far; files that cannot be read count as 0.
fn used_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => used_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn page(view: &View) -> Finding {
    let name = "view";
    let bind = view.bind;
    if let Err(error) = view::check_files(view) {
        return Finding::error(
            name,
            error.to_string(),
            "give the page a certificate with its key, or remove both keys",
        );
    }
    let scheme = if view.certificate_file.is_some() { "https" } else { "http" };
    if let Err(error) = TcpListener::bind(bind) {
        let fix = "stop the station that is running, or give view.bind another port";
        return Finding::warning(name, format!("cannot listen on {bind}: {error}"), fix);
    }
    let is_open = !bind.ip().is_loopback();
    let secret = match (&view.accounts, &view.token) {
        (Some(_), _) => Some("passwords and sessions are"),
        (None, Some(_)) => Some("the token is"),
        (None, None) => None,
    };
    match secret {
        Some(secret) if is_open && scheme == "http" => Finding::warning(
            name,
            format!("{bind} is not loopback, so {secret} sent unencrypted"),
            "give the page a certificate: view.certificate_file and view.key_file",
        ),
        None if is_open => Finding::note(
            name,
            format!("{bind} shows pictures to everyone who reaches it; without a token nobody can change anything"),
        ),
        _ => Finding::ok(name, format!("{scheme}://{bind}/")),
    }
}

fn plc(plc: &Plc) -> Finding {
    let (name, bind) = ("plc", plc.bind);
    if let Err(error) = TcpListener::bind(bind) {
        let fix = "stop the station that is running, or give plc.bind another port";
        return Finding::warning(name, format!("cannot listen on {bind}: {error}"), fix);
    }
    match (bind.ip().is_loopback(), plc.writes) {
        (false, true) => Finding::warning(
            name,
            format!(
                "whoever sends from an address in plc.allow to {bind} may command the station: Modbus has no password"
            ),
            "give PLC and station a network of their own, and name the PLC alone in plc.allow",
        ),
        (false, false) => {
            Finding::ok(name, format!("Modbus TCP on {bind}, read by whoever sends from an address in plc.allow"))
        }
        (true, _) => Finding::ok(name, format!("Modbus TCP on {bind}")),
    }
}

fn broker(config: &Mqtt) -> Finding {
    let name = "mqtt";
    match mqtt::try_out(config, BROKER_TIME_MAX) {
        Ok(()) => match config.plain_password() {
            None => Finding::ok(name, format!("{} accepts the station", config.broker())),
            Some(warning) => Finding::warning(name, warning, "set mqtt.tls"),
        },
        Err(error @ MqttError::NotBuilt) => {
            Finding::error(name, error.to_string(), "build it with --features mqtt, or remove [mqtt]")
        }
        Err(error @ MqttError::Connection { .. }) => Finding::warning(
            name,
            error.to_string(),
            "start the broker, or correct [mqtt] or what the broker knows of the station; without it, events are dropped",
        ),
        Err(error) => Finding::error(name, error.to_string(), "correct [mqtt] or the file"),
    }
}
