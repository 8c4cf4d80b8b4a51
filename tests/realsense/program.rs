//! The program on a recording: `run`, from the file to verdicts, `doctor`, and what each refuses before a frame is judged.

use std::path::Path;
use std::process::Command;

use crosscheck::dataset::recording::PartRecord;
use crosscheck::dataset::{Reading, frames_under};
use crosscheck::inspect::Inspector;
use crosscheck::score::Verdict;

use super::{FRAMES, FRAMES_MIN, Grid, expected, recording};
use crate::support::small_engine;

/// What the program prints, errors included, and its exit code.
fn crosscheck(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
    let output = command.args(arguments).current_dir(folder).env_remove("RUST_LOG").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// A station on the recording, in `folder`, with more lines for `[camera.realsense]`.
fn station(folder: &Path, more: &str) {
    let text = format!(
        "[engine]\npath = \"engine.safetensors\"\n[camera]\nsource = \"realsense\"\n[camera.realsense]\n\
         recording = {:?}\n{more}\n[trigger]\nsource = \"frame\"\n\
         [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
         [record]\nfolder = \"recorded\"\npass_share = 1.0\nqueue_frames_max = 32\n[view]\nenabled = false\n",
        recording()
    );
    std::fs::write(folder.join("station.toml"), text).unwrap();
}

#[test]
fn a_recording_runs_to_verdicts_which_are_those_of_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut inspector = Inspector::new(small_engine::engine(1.0)).unwrap();
    let scores: Vec<f32> = (0..FRAMES)
        .map(|number| inspector.inspect(&expected(number, Grid::Colour)).unwrap().outcome.score().unwrap())
        .collect();
    let mut sorted = scores.clone();
    sorted.sort_by(f32::total_cmp);
    let threshold = sorted[FRAMES / 2];
    small_engine::engine(threshold).write(&path.join("engine.safetensors")).unwrap();
    station(path, "");
    let (_, printed) = crosscheck(path, &["doctor", "--config", "station.toml"]);
    let camera = printed.lines().find(|line| line.contains("camera "));
    assert!(camera.is_some_and(|line| line.starts_with("ok") && line.contains("640 x 360 pixels")), "{printed}");
    let (code, printed) = crosscheck(path, &["run", "--config", "station.toml"]);
    assert!(code == Some(0) && printed.contains("the recording ended after"), "{code:?}: {printed}");
    let entries = frames_under(&path.join("recorded"), &Reading::default()).unwrap();
    assert!((FRAMES_MIN..=FRAMES).contains(&entries.len()), "{} frames: {printed}", entries.len());
    for entry in &entries {
        let record = PartRecord::beside(&entry.rgb).unwrap().unwrap();
        let number = record.sequence as usize - 1;
        let verdict = if scores[number] > threshold { Verdict::Reject } else { Verdict::Pass };
        assert_eq!((record.score, record.verdict), (Some(scores[number]), verdict), "frame {number}");
        assert!(entry.frame().unwrap() == expected(number, Grid::Colour), "frame {number}");
    }
    println!("{} of {FRAMES} frames judged by the station, each as by itself", entries.len());
    let (code, printed) = crosscheck(path, &["replay", "recorded", "--config", "station.toml"]);
    assert!(code == Some(0) && printed.contains("0 of them differ"), "{printed}");
}

#[test]
fn what_is_wrong_is_named_before_a_frame_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    small_engine::engine(1.0).write(&path.join("engine.safetensors")).unwrap();
    let pinhole = |unit_m: &str| format!("fx = 460\nfy = 460\ncx = 320\ncy = 180\ndepth_unit_m = {unit_m}\n");
    let lens =
        |width: u32| format!("width = {width}\nheight = 240\nfx = 220\nfy = 220\ncx = {}\ncy = 120\n", width / 2);
    let other_size = format!(
        "depth_unit_m = 0.001\n[colour]\n{0}[depth]\n{0}[depth_to_colour]\n\
         rotation = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\ntranslation_m = [0.015, 0, 0]\n",
        lens(848)
    );
    for (file, words) in [
        (pinhole("0.001").replace("depth_unit_m", "depth_unti_m"), ["did you mean `depth_unit_m`?", "camera.toml"]),
        (pinhole("1.0"), ["depth_unit_m is 1", "0.001 for millimetres"]),
        (pinhole("0.000006"), ["depth_unit_m of the camera file is 0.000006", "0.001"]),
        (other_size, ["424 x 240", "848 x 240"]),
    ] {
        std::fs::write(path.join("camera.toml"), file).unwrap();
        station(path, "camera_file = \"camera.toml\"");
        for command in ["run", "doctor"] {
            let (code, printed) = crosscheck(path, &[command, "--config", "station.toml"]);
            assert!(code != Some(0) && words.iter().all(|word| printed.contains(word)), "{words:?}: {printed}");
        }
        assert!(frames_under(&path.join("recorded"), &Reading::default()).is_err(), "a frame was judged");
    }
    for (more, words) in [
        ("depth = [1280, 720]", ["does not have", "1280 x 720"]),
        ("dept = [424, 240]", ["dept", "did you mean `depth`?"]),
    ] {
        station(path, more);
        let (code, printed) = crosscheck(path, &["run", "--config", "station.toml"]);
        assert!(code == Some(2) && words.iter().all(|word| printed.contains(word)), "{words:?}: {printed}");
    }
}
