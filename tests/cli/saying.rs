//! What the program prints: each cause of an error once, and no complaint where nobody reads its output.

use std::process::Stdio;

use crate::program::{Desk, said_twice};
use crate::support::part;

const INSPECT: &str = "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff";

#[test]
fn what_is_said_twice_is_found() {
    let opened = "cannot open a.png: No such file or directory (os error 2)";
    assert_eq!(said_twice(&format!("[WARN] read it\ncrosscheck: {opened}\n")), None);
    let twice = format!("crosscheck: {opened}: No such file or directory (os error 2)\n");
    assert_eq!(said_twice(&twice), Some("No such file or directory (os error 2)"));
}

// Every command that reads a file is given one that is missing, a folder or damaged. `refused` looks for repeated statements.
#[test]
fn an_error_tells_each_cause_once() {
    let desk = Desk::with(&part::frame(0, None));
    desk.write(
        "damaged",
        b"\x89PNG\r\n\x1a\n damaged, but \xff long enough to be looked at by every reader there is here",
    );
    std::fs::create_dir(desk.path("folder")).unwrap();
    let station = |engine: &str| {
        format!(
            "[engine]\npath = \"{engine}\"\n[camera]\nsource = \"replay\"\n[camera.replay]\nfolder = \"none\"\n\
             frame_rate_hz = 10.0\n[trigger]\nsource = \"free\"\n[reject]\ndelay_ms = 500.0\ndecision_lead_ms = 50.0\npulse_ms = 30.0\n[actuator]\nsink = \"log\"\n"
        )
    };
    desk.write("station.toml", station("none.safetensors"));
    for file in ["none", "damaged", "folder"] {
        for line in [
            "inspect --engine FILE --rgb rgb.png --xyz xyz.tiff",
            "inspect --engine @fitted --rgb FILE --xyz xyz.tiff",
            "inspect --engine @fitted --rgb rgb.png --xyz FILE",
            "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --camera FILE",
            "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --scene FILE",
            "fit --engine FILE --nominal @good --output new",
            "fit --engine @default --nominal FILE --output new",
            "fit --engine @default --nominal @good --output FILE/new",
            "calibrate --engine @fitted --nominal FILE --output new",
            "calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output FILE/new",
            "evaluate --engine @fitted --dataset FILE",
            "import --variant tiny --rgb FILE --xyz @golden/checkpoints/zip.pth --output new",
            "import --variant tiny --rgb @golden/checkpoints/zip.pth --xyz FILE --output new",
            "calibrate-camera --colour FILE --output new",
            "calibrate-station --frames FILE --output new",
            "export-onnx --engine FILE --output new",
            "bench --engine FILE",
            "bench --registration FILE",
            "replay FILE --engine @fitted",
            "replay @good --config FILE",
            "run --config FILE",
            "record --config FILE --out new",
            "check-config FILE",
            "doctor --config FILE",
        ] {
            if file == "folder" && line.ends_with("FILE/new") {
                continue;
            }
            desk.refused_with(&line.replace("FILE", file), &["crosscheck: "]);
        }
    }
    for line in ["run --config station.toml", "replay @good --config station.toml"] {
        desk.refused_with(line, &["none.safetensors"]);
    }
}

/// Runs `line` with a standard output that nobody reads any more; gives the exit code and what the error output says.
#[cfg(unix)]
fn unread(desk: &Desk, line: &str) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = desk.command(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

// As with `| head`.
#[test]
#[cfg(unix)]
fn a_reader_that_has_gone_is_no_fault() {
    let desk = Desk::with(&part::frame(0, None));
    desk.write(
        "station.toml",
        "[engine]\npath = \"e\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"free\"\n[reject]\ndelay_ms = 500.0\n\
         decision_lead_ms = 50.0\npulse_ms = 30.0\n[actuator]\nsink = \"log\"\n",
    );
    for line in [
        INSPECT,
        &format!("{INSPECT} --json"),
        "replay @good --engine @calibrated",
        "replay @good --engine @calibrated --json",
        "bench --engine @fitted --frames 1",
        "check-config station.toml",
        "sign keygen plant.key",
        "doctor",
        "doctor --json",
    ] {
        let (code, said) = unread(&desk, line);
        assert_eq!(code, Some(141), "{line}: {said}");
        let faults = ["crosscheck: ", "panicked", "roken pipe", "cannot print"];
        assert!(faults.iter().all(|fault| !said.contains(fault)), "{line}: {said}");
    }
    for line in ["--help", "--version", "fit --help"] {
        assert_eq!(unread(&desk, line), (Some(0), String::new()), "{line}");
    }
}

// A log that nobody reads stops nothing either.
#[test]
#[cfg(unix)]
fn an_error_output_that_nobody_reads_changes_no_exit_code() {
    let desk = Desk::with(&part::frame(0, None));
    for (line, code) in [("inspect --engine none --rgb rgb.png --xyz xyz.tiff", 2), (INSPECT, 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = desk.command(line).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{line}");
    }
}
