//! `run` and `replay`: a station on frames from disk, what it records, and what its recording says again.

use std::time::{Duration, Instant};

use crosscheck::dataset::frames_under;
use crosscheck::dataset::mvtec3d;
use crosscheck::dataset::recording::Record;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use rustix::process::{Pid, Signal, kill_process};

use crate::part;
use crate::program::{Desk, Run, shared};

/// What a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A station on the folder `frames`, in a desk.
fn station(desk: &Desk, extra: &str, engine: &str) {
    let path = shared("calibrated");
    desk.write(
        "station.toml",
        format!(
            "[engine]\npath = {path:?}\n{engine}\n[camera]\nsource = \"replay\"\n\
             [camera.replay]\nfolder = \"frames\"\nframe_rate_hz = 2.0\n{extra}\n[trigger]\nsource = \"frame\"\n\
             [reject]\ndelay_ms = 4000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
             [record]\nfolder = \"recording\"\npass_share = 1.0\nqueue_frames_max = 8\n[view]\nenabled = false\n"
        ),
    );
}

/// Three good parts, one with a stain, and one that is not there.
fn frames(desk: &Desk) {
    let absent = |frame: RgbdFrame| {
        let points = vec![[0.0, 0.0, 0.4]; 20].into_iter().chain(vec![[0.0; 3]; 224 * 224 - 20]).collect();
        RgbdFrame::new(224, 224, frame.rgb().to_vec(), OrganisedCloud::new(224, 224, points).unwrap()).unwrap()
    };
    let good = |seed| part::frame(seed, None);
    let all = [good(10), good(11), part::frame(20, Some(part::Defect::Stain)), absent(good(12)), good(13)];
    for (number, frame) in all.iter().enumerate() {
        mvtec3d::write(&desk.path("frames"), &format!("{number:03}"), frame, None).unwrap();
    }
}

fn records(desk: &Desk) -> Vec<Record> {
    let Ok(entries) = frames_under(&desk.path("recording"), None) else { return Vec::new() };
    entries.iter().filter_map(|entry| Record::beside(&entry.rgb).unwrap()).collect()
}

#[test]
fn a_recording_says_the_same_again() {
    let desk = Desk::new();
    frames(&desk);
    station(&desk, "", "");
    let run = desk.done("run --config station.toml");
    assert!(run.err.contains("recording ended after 5 frames"), "{}", run.err);
    let recorded = records(&desk);
    assert_eq!(recorded.iter().map(|record| record.part).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    for (number, record) in recorded.iter().enumerate() {
        let inspect = format!(
            "inspect --engine @calibrated --rgb frames/rgb/{number:03}.png --xyz frames/xyz/{number:03}.tiff --json"
        );
        let inspected = desk.run(&inspect).json();
        assert_eq!(inspected["verdict"], serde_json::to_value(record.verdict).unwrap(), "{number}");
        assert_eq!(inspected["score"].as_f64().map(|s| s as f32), record.score, "{number}");
    }
    let again = desk.done("replay recording --engine @calibrated");
    assert!(again.out.contains("5 frames, 5 with a recorded verdict, 0 of them differ"), "{}", again.out);
    assert!(again.out.contains("too few points"), "{}", again.out);
    // A dataset to `evaluate`, whose defects are what was rejected.
    desk.done("evaluate --engine @calibrated --dataset recording --report report");
    let report: serde_json::Value = serde_json::from_slice(&desk.read("report/report.json")).unwrap();
    assert!(report["classes"]["parts"]["image_auroc"].is_number(), "{report}");

    station(&desk, "", "threshold = 0.0");
    let run = desk.run("replay recording --config station.toml");
    let passed = recorded.iter().filter(|record| record.verdict == crosscheck::score::Verdict::Pass).count();
    assert_eq!(run.code, Some(1));
    assert_eq!(run.out.matches("<- was pass").count(), passed, "{}", run.out);
}

#[test]
fn signals_reload_and_stop_a_station() {
    let desk = Desk::new();
    frames(&desk);
    station(&desk, "repeat = true", "threshold = 1e6");
    let mut command = desk.command("run --config station.toml");
    let child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    wait_for(|| records(&desk).len() >= 3);
    station(&desk, "repeat = true", "threshold = -1.0");
    kill_process(pid, Signal::HUP).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    station(&desk, "repeat = true", "threshold = 0.0");
    kill_process(pid, Signal::HUP).unwrap();
    wait_for(|| records(&desk).iter().any(|record| record.threshold == 0.0));
    kill_process(pid, Signal::TERM).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(0), "{}", run.err);
    for word in ["the configuration stays as it was", "engine.threshold is -1", "the configuration was read again"] {
        assert!(run.err.contains(word), "no {word:?} in {}", run.err);
    }
    let records = records(&desk);
    assert!(records.iter().all(|record| record.threshold == 1e6 || record.threshold == 0.0));
    let parts: Vec<u64> = records.iter().map(|record| record.part).collect();
    assert!(parts.is_sorted_by(|a, b| a + 1 == *b), "{parts:?}");
}

#[test]
fn a_station_that_cannot_start_says_why() {
    let desk = Desk::new();
    station(&desk, "", "");
    desk.refused_with("run --config station.toml", &["recording cannot be played", "frames"]);
    desk.refused_with("run --config nowhere.toml", &["nowhere.toml"]);
    desk.refused_with("replay nowhere --engine @calibrated", &["nowhere"]);
    desk.refused_with("replay frames --engine @fitted", &["no threshold"]);
}

fn wait_for(mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
