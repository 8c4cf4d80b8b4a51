//! `run` and `replay`: a station on frames from disk, what it records, and the verdicts when its recording is replayed.

use std::time::{Duration, Instant};

use crosscheck::dataset::mvtec3d;
use crosscheck::dataset::recording::PartRecord;
use crosscheck::dataset::{Reading, frames_under};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::inspect::Inspector;
use crosscheck::score::Verdict;
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Desk, Run};
use crate::support::part;
use crate::support::small_engine;

/// What a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A station on the folder `frames`, in a desk.
fn station(desk: &Desk, extra: &str, engine: &str) {
    desk.write(
        "station.toml",
        format!(
            "[engine]\npath = \"engine.safetensors\"\n{engine}\n[camera]\nsource = \"replay\"\n\
             [camera.replay]\nfolder = \"frames\"\nframe_rate_hz = 2.0\n{extra}\n[trigger]\nsource = \"frame\"\n\
             [reject]\ndelay_ms = 4000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
             [record]\nfolder = \"recording\"\npass_share = 1.0\nqueue_frames_max = 8\n[view]\nenabled = false\n"
        ),
    );
}

/// Three good parts, one with a stain, one that is not there, and a frame without a point; and an engine by which some of them pass.
fn frames(desk: &Desk) {
    let only = |count: usize, frame: RgbdFrame| {
        let points = vec![[0.0, 0.0, 0.4]; count].into_iter().chain(vec![[0.0; 3]; 224 * 224 - count]).collect();
        RgbdFrame::new(224, 224, frame.rgb().to_vec(), OrganisedCloud::new(224, 224, points).unwrap()).unwrap()
    };
    let good = |seed| part::frame(seed, None);
    let stained = part::frame(20, Some(part::Defect::Stain));
    let all = [good(10), good(11), stained, only(20, good(12)), good(13), only(0, good(14))];
    let mut inspector = Inspector::new(small_engine::engine(1.0)).unwrap();
    let mut scores: Vec<f32> =
        all.iter().filter_map(|frame| inspector.inspect(frame).unwrap().outcome.score()).collect();
    scores.sort_by(f32::total_cmp);
    assert!(scores.len() == 4 && scores[1] < scores[2], "{scores:?}");
    small_engine::engine(scores[1]).write(&desk.path("engine.safetensors")).unwrap();
    for (number, frame) in all.iter().enumerate() {
        mvtec3d::write(&desk.path("frames"), &format!("{number:03}"), frame, None).unwrap();
    }
}

fn records(desk: &Desk) -> Vec<PartRecord> {
    let Ok(entries) = frames_under(&desk.path("recording"), &Reading::default()) else { return Vec::new() };
    entries.iter().filter_map(|entry| PartRecord::beside(&entry.rgb).unwrap()).collect()
}

#[test]
fn a_recording_says_the_same_again() {
    let desk = Desk::new();
    frames(&desk);
    station(&desk, "", "");
    let run = desk.done("run --config station.toml");
    assert!(run.err.contains("recording ended after 6 frames"), "{}", run.err);
    let recorded = records(&desk);
    assert_eq!(recorded.iter().map(|record| record.part).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    // A part that no depth shows is a reject on record.
    assert!(recorded[5].reason.as_ref().is_some_and(|reason| reason.contains("no point where the part may be")));
    for (number, record) in recorded.iter().enumerate() {
        let inspect = format!(
            "inspect --engine engine.safetensors --rgb frames/rgb/{number:03}.png --xyz frames/xyz/{number:03}.tiff --json"
        );
        let inspected = desk.run(&inspect).json();
        assert_eq!(inspected["verdict"], serde_json::to_value(record.verdict).unwrap(), "{number}");
        assert_eq!(inspected["score"].as_f64().map(|s| s as f32), record.score, "{number}");
    }
    let again = desk.done("replay recording --engine engine.safetensors");
    assert!(again.out.contains("6 frames, 6 with a recorded verdict, 0 of them differ"), "{}", again.out);
    assert!(again.out.contains("too few points"), "{}", again.out);
    // A dataset to `evaluate`, whose defects are what was rejected.
    desk.done("evaluate --engine engine.safetensors --dataset recording --report report");
    let report: serde_json::Value = serde_json::from_slice(&desk.read("report/report.json")).unwrap();
    assert!(report["classes"]["parts"]["image_auroc"].is_number(), "{report}");

    let passed = recorded.iter().filter(|record| record.verdict == Verdict::Pass).count();
    assert_eq!(passed, 2);
    station(&desk, "", "threshold = 0.0");
    let run = desk.run("replay recording --config station.toml");
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
    for word in ["the configuration was not reloaded", "engine.threshold is -1", "the configuration was reloaded"] {
        assert!(run.err.contains(word), "no {word:?} in {}", run.err);
    }
    let records = records(&desk);
    assert!(records.iter().all(|record| record.threshold == 1e6 || record.threshold == 0.0));
    // On a busy machine some are too many for the queue.
    let parts: Vec<u64> = records.iter().map(|record| record.part).collect();
    assert!(parts.is_sorted_by(|a, b| a < b), "{parts:?}");
}

#[test]
fn a_station_that_cannot_start_says_why() {
    let desk = Desk::new();
    frames(&desk);
    std::fs::rename(desk.path("frames"), desk.path("elsewhere")).unwrap();
    station(&desk, "", "");
    desk.refused_with("run --config station.toml", &["recording cannot be played", "frames"]);
    desk.refused_with("run --config nowhere.toml", &["nowhere.toml"]);
    desk.refused_with("replay nowhere --engine engine.safetensors", &["nowhere"]);
    desk.refused_with("replay elsewhere --engine @fitted", &["no threshold"]);
}

/// Photographs and depth images of 64 x 48, half a metre away in steps of `step_m`, as a station on `frames`.
fn depth_images(desk: &Desk, step_m: f64) {
    small_engine::engine(1.0).write(&desk.path("engine.safetensors")).unwrap();
    std::fs::create_dir_all(desk.path("frames/rgb")).unwrap();
    std::fs::create_dir_all(desk.path("frames/xyz")).unwrap();
    for number in 0..6 {
        let rgb = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8, y as u8, number]));
        rgb.save(desk.path(&format!("frames/rgb/{number:03}.png"))).unwrap();
        let depth = image::ImageBuffer::from_fn(64, 48, |x, _| image::Luma([(0.5 / step_m) as u16 + x as u16]));
        depth.save(desk.path(&format!("frames/xyz/{number:03}.png"))).unwrap();
    }
    station(desk, "intrinsics = \"camera.toml\"", "");
}

#[test]
fn a_camera_file_that_is_wrong_is_named_before_a_frame_is_judged() {
    let desk = Desk::new();
    depth_images(&desk, 1e-5);
    let camera = "fx = 60\nfy = 60\ncx = 32\ncy = 24\ndepth_unit_m = 0.00001\n";
    // As it is right, the station runs.
    desk.write("camera.toml", camera);
    desk.done("check-config station.toml");
    desk.done("run --config station.toml");
    assert_eq!(records(&desk).len(), 6);
    std::fs::remove_dir_all(desk.path("recording")).unwrap();
    // In the file itself, found without a camera.
    for (wrong, words) in [
        (camera.replace("depth_unit_m", "depth_unti_m"), ["camera.toml", "did you mean `depth_unit_m`?"]),
        (camera.replace("0.00001", "1"), ["depth_unit_m is 1", "0.001 for millimetres"]),
        (camera.replace("0.00001", "0.00000001"), ["depth_unit_m is 0.00000000", "metres per step"]),
    ] {
        desk.write("camera.toml", wrong);
        desk.refused_with("check-config station.toml", &words);
        desk.refused_with("run --config station.toml", &words);
    }
    std::fs::remove_file(desk.path("camera.toml")).unwrap();
    desk.refused_with("check-config station.toml", &["cannot read", "camera.toml"]);
    // Only frames tell of a unit that other cameras have, of another size, and of images that are exchanged.
    let refused = |words: &[&str]| {
        let run = desk.run("run --config station.toml");
        assert!(run.code == Some(2) && words.iter().all(|word| run.err.contains(word)), "{words:?}: {}", run.err);
        assert!(records(&desk).is_empty(), "a frame was judged");
    };
    desk.write("camera.toml", camera.replace("0.00001", "0.01"));
    refused(&["first 5 frames", "depth_unit_m of the camera file off by 1,000"]);
    desk.write("camera.toml", camera.replace("cx = 32", "cx = 320"));
    refused(&["64 x 48", "another resolution"]);
    desk.write("camera.toml", camera);
    std::fs::rename(desk.path("frames/rgb"), desk.path("frames/other")).unwrap();
    std::fs::rename(desk.path("frames/xyz"), desk.path("frames/rgb")).unwrap();
    std::fs::rename(desk.path("frames/other"), desk.path("frames/xyz")).unwrap();
    refused(&["is this the depth image?"]);
}

#[test]
fn regions_decide_where_defects_count() {
    let desk = Desk::new();
    frames(&desk);
    let inspect = "inspect --engine engine.safetensors --rgb frames/rgb/000.png --xyz frames/xyz/000.tiff --json --regions station.toml";
    let with = |regions: &str| {
        station(&desk, "", "");
        let text = String::from_utf8(desk.read("station.toml")).unwrap();
        desk.write("station.toml", text + regions);
    };
    with("");
    let whole = desk.run(inspect).json();
    with("[[regions.of_interest]]\npolygon = [[90, 90], [134, 90], [134, 134], [90, 134]]\n");
    let middle = desk.run(inspect).json();
    assert_eq!(middle["valid_pixels"], 44 * 44);
    assert!(middle["score"].as_f64() <= whole["score"].as_f64(), "{middle} {whole}");
    with("[[regions.of_interest]]\npolygon = [[0, 0], [10, 0], [10, 10]]\n");
    let beside = desk.run(inspect).json();
    assert!(beside["verdict"] == "reject" && beside["reason"].as_str().unwrap().contains("regions"), "{beside}");
    with("[[regions.ignore]]\npolygon = [[0, 0], [224, 0], [224, 224], [0, 224]]\n");
    desk.refused_with(inspect, &["leave no pixel", "regions.ignore"]);
}

pub fn wait_for(mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
