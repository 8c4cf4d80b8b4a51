//! `crosscheck selftest`, as a user runs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::standin::{build, kernels, run, run_in};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
    command.args(arguments);
    command
}

#[test]
fn every_kernel_is_right_and_timed() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let golden = format!("{}/tests/golden/tiny-b.safetensors", env!("CARGO_MANIFEST_DIR"));
    let arguments = ["selftest", "--golden", &golden, "--repeats", "1", "--report", report.to_str().unwrap()];
    // As many multiprocessors as the smallest GPU has.
    let Some(run) = run(program(&arguments), &[("STANDIN_PROCESSORS", "4")]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    for kernel in names() {
        assert!(run.number(&format!("launched {kernel}")) > 0);
    }
    let report = read(&report);
    assert!(report["checks"].as_array().unwrap().len() > 30, "{report}");
    let timed: Vec<&str> = report["times"].as_array().unwrap().iter().map(|t| t["kernel"].as_str().unwrap()).collect();
    assert!(
        ["discrepancy", "farthest_points", "nearest_steps"].iter().all(|kernel| timed.contains(kernel)),
        "{timed:?}"
    );
    let rates = &report["rates"];
    assert_eq!((&rates["multiprocessors"], &rates["clock_ghz"]), (&4.into(), &0.918.into()));
    assert_eq!(rates["memory_gb_per_s"], 102.4);
    let floor = |kernel: &str| {
        let time = report["times"].as_array().unwrap().iter().find(|time| time["kernel"] == kernel).unwrap();
        time["floor_us"].as_f64().unwrap()
    };
    // Cycles at the driver's clock, whatever the stand-in's rates.
    assert!((floor("farthest_points") - 541.5).abs() < 0.1, "{report}");
    // A copy cannot be as fast as 1 TB/s here, nor a product as fast as the matrix units of a GPU.
    assert!(floor("nearest_steps") > 20.0 && floor("squared_lengths") > 100.0, "{report}");
    let frame =
        report["checks"].as_array().unwrap().iter().find(|check| check["what"] == "launches of tiny-b, as counted");
    assert_eq!(frame.unwrap()["error"], 0.0);
    assert!(run.printed().contains("counted floor us"), "{}", run.printed());
}

/// The names of the kernels in their sources.
fn names() -> Vec<String> {
    let sources = std::fs::read_dir(kernels()).unwrap().map(|entry| entry.unwrap().path());
    let sources = sources.filter(|path| path.extension().is_some_and(|e| e == "cu"));
    let texts: Vec<String> = sources.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let after = texts.iter().flat_map(|text| text.split("extern \"C\" __global__").skip(1));
    let found: Vec<String> = after.map(|text| name(text).to_string()).collect();
    assert_eq!(found.len(), 45, "{found:?}");
    found
}

/// The name of a kernel: the word before the parameters, on the line after the launch bounds.
fn name(text: &str) -> &str {
    let (_, after) = text.split_once('\n').unwrap();
    after.split_once('(').unwrap().0.trim()
}

/// The sources of the kernels, with `change` made to the text of each, in a folder.
fn changed(change: impl Fn(String) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(kernels()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = change(std::fs::read_to_string(&file).unwrap());
        std::fs::write(folder.path().join(file.file_name().unwrap()), text).unwrap();
    }
    folder
}

fn read(report: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap()
}

#[test]
fn a_group_that_fails_keeps_no_other_from_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    // Enough memory for the kernels' checks, too little for a frame's buffers.
    let arguments = ["selftest", "--report", path.to_str().unwrap()];
    let Some(run) = run(program(&arguments), &[("STANDIN_MEMORY_MB", "20")]) else { return };
    let printed = run.printed();
    assert_eq!(run.output.status.code(), Some(1), "{printed}");
    let failed = printed.lines().find(|line| line.starts_with("FAIL frames of a small engine: "));
    assert!(failed.is_some_and(|line| line.contains("out of memory")), "{printed}");
    let report = read(&path);
    assert!(report["checks"].as_array().unwrap().len() > 10, "{report}");
    let groups: Vec<&Value> = report["failures"].as_array().unwrap().iter().map(|failure| &failure["group"]).collect();
    assert!(groups.contains(&&Value::from("frames of a small engine")), "{report}");
}

#[test]
fn a_program_that_is_ended_leaves_the_report_of_the_groups_before() {
    // Adds the mean beyond the total: the stand-in ends the program, as a kernel that hangs would have it ended.
    let folder = changed(|text| text.replace("*total += sum / n", "total[1] += sum / n"));
    let Some(library) = build(folder.path()) else {
        println!("not run: no g++");
        return;
    };
    let path = folder.path().join("report.json");
    let run = run_in(library.path(), program(&["selftest", "--report", path.to_str().unwrap()]), &[]);
    assert_eq!(run.output.status.code(), Some(86), "{}", run.printed());
    let report = read(&path);
    let kernels = |check: &Value| check["kernels"].as_str().unwrap().to_owned();
    let checked: Vec<String> = report["checks"].as_array().unwrap().iter().map(kernels).collect();
    assert!(checked.iter().any(|kernels| kernels.contains("registered_points")), "{checked:?}");
    assert!(!checked.iter().any(|kernels| kernels.contains("adam")), "{checked:?}");
}

#[test]
fn a_wrong_kernel_is_told() {
    let folder = changed(|text| {
        // Two faults: a mean over one cell too many, and ties that go to the last point.
        let text = text.replace("along + half + 1, TILE", "along + half + 2, TILE");
        text.replace("other > distance", "other >= distance")
    });
    let Some(library) = build(folder.path()) else {
        println!("not run: no g++");
        return;
    };
    let run = run_in(library.path(), program(&["selftest"]), &[]);
    assert_eq!(run.output.status.code(), Some(1), "{}", run.printed());
    let failed = |what: &str| run.printed().lines().any(|line| line.starts_with("FAIL") && line.contains(what));
    assert!(failed("box filters") && failed("centres of ties") && !failed("neighbours"), "{}", run.printed());
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let arguments = ["selftest", "--report", path.to_str().unwrap()];
    let Some(run) = run(program(&arguments), &[("STANDIN_DEVICES", "0")]) else { return };
    let printed = run.printed();
    assert_eq!(run.output.status.code(), Some(2), "{printed}");
    assert!(printed.contains("finds no GPU") && !printed.contains("panicked"), "{printed}");
    let failures = &read(&path)["failures"];
    assert_eq!(failures[0]["group"], "opening the GPU");
    assert!(failures[0]["reason"].as_str().unwrap().contains("finds no GPU"), "{failures}");
    let missing = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut other = program(&["selftest", "--golden"]);
    let output = other.arg(&missing).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && printed.contains("give an inference file"), "{printed}");
}
