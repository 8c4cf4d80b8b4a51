//! docs/station/first-station.md, from an empty machine to a running station: its commands and its configuration, as they are written there.

use std::fs::File;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::documents::{block, commands as commands_of};
use crate::program::{Desk, FIT};
use crate::station::wait_for;

const DOCUMENT: &str = include_str!("../../docs/station/first-station.md");

/// A command without its comment and the program's name.
fn commands() -> Vec<&'static str> {
    commands_of(&block(DOCUMENT, "crosscheck "))
}

/// What OpenCV writes of a lens, and of the way from one to the other.
fn calibrations(desk: &Desk) {
    let matrix = |name: &str, rows: usize, columns: usize, data: &str| {
        format!("{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: [ {data} ]\n")
    };
    let lens = |width: u32, height: u32, focal: u32| {
        let (cx, cy) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
        let camera = matrix("camera_matrix", 3, 3, &format!("{focal}., 0., {cx:?}, 0., {focal}., {cy:?}, 0., 0., 1."));
        let distortion = matrix("distortion_coefficients", 1, 5, "0.1, -0.1, 0., 0., 0.");
        format!("%YAML:1.0\n---\nimage_width: {width}\nimage_height: {height}\n{camera}{distortion}")
    };
    desk.write("colour.yml", lens(1280, 720, 920));
    desk.write("depth.yml", lens(848, 480, 430));
    let way = matrix("R", 3, 3, "1., 0., 0., 0., 1., 0., 0., 0., 1.") + &matrix("T", 3, 1, "0.015, 0., 0.");
    desk.write("stereo.yml", format!("%YAML:1.0\n---\n{way}"));
}

#[test]
fn the_eight_commands_of_the_documentation_set_a_station_up() {
    let desk = Desk::new();
    let configuration = block(DOCUMENT, "[engine]").join("\n");
    // Beside other tests and stations: no page.
    desk.write("station.toml", format!("{configuration}\n[view]\nenabled = false\n"));
    calibrations(&desk);
    let commands = commands();
    let names: Vec<&str> = commands.iter().filter_map(|command| command.split(' ').next()).collect();
    assert_eq!(
        names,
        ["doctor", "calibrate-camera", "calibrate-station", "record", "fit", "calibrate", "check-config", "run"]
    );
    let [doctor, setting_up @ .., run] = commands.as_slice() else { panic!("{commands:?}") };
    let first = desk.run(doctor);
    assert!(first.code == Some(1) && first.out.contains("make it with `crosscheck fit`"), "{}", first.out);
    for command in setting_up {
        // Less learning than the documentation's, which takes a minute.
        let quick = if command.starts_with("fit ") { format!("{command} {FIT}") } else { command.to_string() };
        desk.done(&quick);
    }
    let now = desk.run(doctor).out;
    assert!(now.lines().any(|line| line.starts_with("ok") && line.contains("part.safetensors")), "{now}");
    let text = String::from_utf8(desk.read("station.toml")).unwrap();
    desk.write("station.toml", text.replace("defect_share = 0.0", "defect_share = 0.25"));
    let log = File::create(desk.path("log.txt")).unwrap();
    let mut child = desk.command(run).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let logged = |words: &str| String::from_utf8(desk.read("log.txt")).unwrap().contains(words);
    wait_for(|| logged("output ready: active") && logged("output reject: active"));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", String::from_utf8_lossy(&desk.read("log.txt")));
}
