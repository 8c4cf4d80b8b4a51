//! A whole station on a camera over the network: the program from its configuration to the edges in the log, with the
//! camera lost in between.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crosscheck::dataset::recording::PartRecord;
use crosscheck::dataset::{Reading, frames_under};
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::Inspector;
use crosscheck::score::Verdict;
use rustix::process::{Pid, Signal, kill_process};

use crate::gige::{self, Spec};
use crate::support::part::{self, Defect};
use crate::support::small_engine;

/// What a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A camera that shows one frame again and again, in metres.
fn showing(address: u8, frame: &RgbdFrame) -> Spec {
    let points = frame.cloud().points().as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect();
    Spec {
        width: frame.width(),
        height: frame.height(),
        period_us: 400_000,
        fixed: vec![frame.rgb().to_vec(), points],
        // Units of a metre: a thousand times a millimetre.
        axes: [(1_000.0, 0.0, None); 3],
        ..Spec::new(address, &["RGB8", "Coord3D_ABC32f"])
    }
}

fn station(folder: &Path, address: u8) {
    let text = format!(
        "[engine]\npath = \"engine.safetensors\"\n[camera]\nsource = \"genicam\"\nframe_timeout_ms = 1000\nreopen_count_max = 100\n\
         reopen_delay_ms = 100\n[camera.genicam]\ndevice = \"127.0.0.{address}\"\n[camera.genicam.features]\nExposureTime = 500\n\
         [trigger]\nsource = \"frame\"\n[reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 100\nlate_ms_max = 100\n[actuator]\nsink = \"log\"\n\
         [record]\nfolder = \"recorded\"\npass_share = 1.0\nqueue_frames_max = 32\n[view]\nenabled = false\n"
    );
    std::fs::write(folder.join("station.toml"), text).unwrap();
}

/// The program at work in a folder; its log is a file there.
struct Station(Child);

impl Station {
    fn start(folder: &Path) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
        command.args(["run", "--config", "station.toml"]).current_dir(folder).env("RUST_LOG", "info");
        Self(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap()
}

fn records(folder: &Path) -> Vec<PartRecord> {
    let Ok(entries) = frames_under(&folder.join("recorded"), &Reading::default()) else { return Vec::new() };
    entries.iter().filter_map(|entry| PartRecord::beside(&entry.rgb).unwrap_or(None)).collect()
}

/// Waits until something is so.
fn until(folder: &Path, what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: {}", log(folder));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn frames_become_verdicts_and_edges_and_a_lost_camera_holds_the_output_at_reject() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (good, bad) = (part::frame(10, None), part::frame(20, Some(Defect::Stain)));
    let mut inspector = Inspector::new(small_engine::engine(1.0)).unwrap();
    let [of_good, of_bad] = [&good, &bad].map(|frame| inspector.inspect(frame).unwrap().outcome.score().unwrap());
    // The engine has learnt nothing: whichever has the higher score is rejected.
    let (passes, rejects) = if of_good < of_bad { (&good, &bad) } else { (&bad, &good) };
    let (low, high) = (of_good.min(of_bad), of_good.max(of_bad));
    small_engine::engine(0.5 * (low + high)).write(&folder.join("engine.safetensors")).unwrap();
    station(folder, 30);
    let mut station = Station::start(folder);
    // The camera is not there yet: the output is held, and the program waits.
    until(folder, "no fault", || log(folder).contains("fault: camera_lost"));
    assert!(log(folder).contains("127.0.0.30"), "{}", log(folder));
    let device = gige::Camera::start(&showing(30, passes));
    until(folder, "no part passes", || {
        records(folder).iter().filter(|record| record.verdict == Verdict::Pass).count() >= 5
    });
    until(folder, "no end of the fault", || log(folder).contains("fault over: camera_lost"));
    drop(device);
    until(folder, "no second fault", || log(folder).matches("fault: camera_lost").count() >= 2);
    let _device = gige::Camera::start(&showing(30, rejects));
    until(folder, "no part is rejected", || {
        records(folder).iter().filter(|record| record.verdict == Verdict::Reject).count() >= 5
    });
    kill_process(Pid::from_child(&station.0), Signal::TERM).unwrap();
    assert_eq!(station.0.wait().unwrap().code(), Some(0), "{}", log(folder));
    for record in records(folder) {
        let expected = if record.verdict == Verdict::Pass { low } else { high };
        assert_eq!(record.score, Some(expected), "part {}", record.part);
    }
    assert!(log(folder).contains("output reject: "), "{}", log(folder));
}

#[test]
fn doctor_and_calibrate_camera_work_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut spec = Spec::new(31, &["Mono8", "Coord3D_C16"]);
    spec.axes[2] = (0.5, 0.0, Some(0.0));
    let _device = gige::Camera::start(&spec);
    station(folder, 31);
    small_engine::engine(1.0).write(&folder.join("engine.safetensors")).unwrap();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_crosscheck")).args(arguments).current_dir(folder).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (_, printed) = run(&["doctor", "--config", "station.toml"]);
    let camera = printed.lines().find(|line| line.contains("camera ")).unwrap_or_default();
    assert!(camera.starts_with("ok") && camera.contains("64 x 48 pixels"), "{printed}");
    let (code, printed) = run(&["calibrate-camera", "--genicam", "127.0.0.31", "-o", "camera.toml"]);
    assert_eq!(code, Some(0), "{printed}");
    let text = std::fs::read_to_string(folder.join("camera.toml")).unwrap();
    assert!(text.contains("depth_unit_m = 0.0005") && text.contains("fx = 60.0"), "{text}");
}
