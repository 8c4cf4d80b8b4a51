//! `crosscheck doctor` on this machine, whatever hardware it has.

use std::process::Command;

use serde_json::Value;

const CONFIG: &str = r#"
[engine]
path = "none.safetensors"

[camera]
source = "synthetic"

[trigger]
source = "free"

[reject]
delay_ms = 500.0
decision_lead_ms = 10.0
pulse_ms = 30.0

[actuator]
priority = 80

[gpio]
chip = "/dev/gpiochip-none"
reject = { offset = 3 }
confirm = { offset = 4 }

[record]
folder = "recording"
quota_mb = 100000000

[view]
bind = "127.0.0.1:0"

[plc]
bind = "0.0.0.0:0"
allow = ["10.0.0.0/8"]
writes = true
"#;

/// Exit code, standard output and error of a run beside the configuration.
fn doctor(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("station.toml"), CONFIG).unwrap();
    let program = env!("CARGO_BIN_EXE_crosscheck");
    let output = Command::new(program).current_dir(&folder).arg("doctor").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn named<'a>(findings: &'a [Value], name: &str) -> &'a Value {
    findings.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("no finding {name} in {findings:?}"))
}

#[test]
fn every_finding_that_matters_has_its_fix() {
    let (code, out, err) = doctor(&["--json", "--config", "station.toml"]);
    assert_eq!(code, Some(1), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    for finding in findings {
        let matters = finding["status"] == "warning" || finding["status"] == "error";
        assert_eq!(matters, finding["fix"].is_string(), "{finding}");
        assert!(!finding["found"].as_str().unwrap().is_empty(), "{finding}");
    }
    for (name, words) in
        [("engine", "none.safetensors"), ("gpio.reject", "gpiochip-none"), ("gpio.confirm", "gpiochip-none")]
    {
        let finding = named(findings, name);
        assert_eq!(finding["status"], "error", "{finding}");
        assert!(finding["found"].as_str().unwrap().contains(words), "{finding}");
    }
    // No disk has 100 TB.
    assert_eq!(named(findings, "disk")["status"], "warning");
    assert_eq!(named(findings, "view")["status"], "ok");
    let plc = named(findings, "plc");
    assert_eq!(plc["status"], "warning", "{plc}");
    assert!(plc["found"].as_str().unwrap().contains("Modbus has no password"), "{plc}");
    for name in ["realtime.priority", "realtime.memory_lock", "clock", "processor", "kernel", "cuda", "tensorrt"] {
        named(findings, name);
    }
}

#[test]
fn a_machine_can_be_looked_at_without_a_station() {
    let (_, out, err) = doctor(&[]);
    assert!(err.is_empty(), "{err}");
    assert!(out.contains("realtime.priority") && !out.contains("gpio.reject"), "{out}");
    assert!(out.trim_end().lines().last().unwrap().ends_with(" warnings"), "{out}");
}

#[test]
fn a_loopback_test_needs_lines_that_are_there() {
    let (code, out, err) = doctor(&["--config", "station.toml", "--loopback", "reject:confirm"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("gpiochip-none"), "{err}");
    let (code, _, err) = doctor(&["--config", "station.toml", "--loopback", "confirm:reject"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("OUTPUT:INPUT"), "{err}");
    assert_eq!(doctor(&["--loopback", "reject:confirm"]).0, Some(2), "which lines?");
}
