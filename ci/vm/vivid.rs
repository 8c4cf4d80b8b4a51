//! Cameras of the kernel's own making: own pictures go in at an HDMI output of `vivid` and come out of our source, and
//! its controls break what can break. `guest.sh` has loaded it: nodes 0 and 1 capture and put out colour, 2 and 3 depth.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crosscheck::backend::Choice;
use crosscheck::camera::supervisor::{Delivery, Patience, Supervisor};
use crosscheck::camera::{CameraError, CapturedFrame};
use crosscheck::config::Station;
use crosscheck::runtime::camera::opener;

use crate::guest::Rig;

const COLOUR: &str = "/dev/video0";
const DEPTH: &str = "/dev/video2";
const PATIENCE: Patience =
    Patience { frame_timeout_ms: 20_000, reopens: 5, reopen_delay_ms: 200, reset_after: 2, reset_wait_ms: 50 };
const WAIT_MAX: Duration = Duration::from_secs(120);
/// The least of HDMI's timings, and the first that vivid lists.
const WIDTH: usize = 640;
const HEIGHT: usize = 480;

fn control(arguments: &[&str]) -> String {
    let output = Command::new("v4l2-ctl").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "v4l2-ctl {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A picture that is put out again and again until this is dropped.
struct Playing(Child);

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects an output to an input and plays `bytes` into it.
fn play(capture: &str, output: &str, instance: &str, format: &str, bytes: &[u8]) -> Playing {
    let menus = control(&["-d", capture, "--list-ctrls-menus"]);
    let mut lines = menus.lines().skip_while(|line| !line.contains("is_connected_to"));
    let name = lines.next().expect("an input that can be connected").split_whitespace().next().unwrap().to_string();
    let entry = lines.find(|line| line.contains(&format!("Output HDMI {instance}"))).expect("the output");
    let index = entry.split(':').next().unwrap().trim().to_string();
    for node in [output, capture] {
        control(&["-d", node, "--set-dv-bt-timings", "index=0"]);
    }
    control(&["-d", capture, "-c", &format!("{name}={index}"), "-c", "osd_text_mode=2"]);
    let size = format!("width={WIDTH},height={HEIGHT},pixelformat={format}");
    control(&["-d", output, &format!("--set-fmt-video-out={size}")]);
    let file = PathBuf::from("/run").join(format!("{instance}.raw"));
    fs::write(&file, bytes).unwrap();
    let from = format!("--stream-from={}", file.display());
    let child = Command::new("v4l2-ctl")
        .args(["-d", output, "--stream-out-mmap=4", &from, "--stream-loop"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    Playing(child)
}

/// Every value and every neighbourhood differs.
fn pictures() -> (Vec<u8>, Vec<u16>) {
    let at = |i: usize| (i % WIDTH, i / WIDTH);
    let colour = |i: usize| {
        let (x, y) = at(i);
        [x * 7 + y, y * 5 + x * 3, (x * y) >> 3].map(|v| v as u8)
    };
    let step = |i: usize| {
        let (x, y) = at(i);
        if (x + y) % 11 == 0 { 0 } else { (400 + x + 3 * y) as u16 }
    };
    ((0..WIDTH * HEIGHT).flat_map(colour).collect(), (0..WIDTH * HEIGHT).map(step).collect())
}

fn play_both() -> (Vec<u8>, Vec<u16>, [Playing; 2]) {
    let (colour, depth) = pictures();
    let bytes: Vec<u8> = depth.iter().flat_map(|step| step.to_le_bytes()).collect();
    let playing =
        [play(COLOUR, "/dev/video1", "000-0", "RGB3", &colour), play(DEPTH, "/dev/video3", "001-0", "Y16 ", &bytes)];
    (colour, depth, playing)
}

fn start() -> Supervisor {
    let station = Station::read("/etc/crosscheck/camera.toml".as_ref()).unwrap();
    Supervisor::start(opener(&station.camera, Choice::Cpu).unwrap(), PATIENCE).unwrap()
}

/// The next frame; how often the camera failed before it.
fn next(supervisor: &mut Supervisor, into: &mut CapturedFrame) -> usize {
    let (start, mut failures) = (Instant::now(), 0);
    loop {
        assert!(start.elapsed() < WAIT_MAX, "no frame in {WAIT_MAX:?}");
        match supervisor.next(into, Duration::from_millis(50)).unwrap() {
            Delivery::Frame => return failures,
            Delivery::Nothing => {}
            Delivery::Failed(error) | Delivery::Reset(error) => {
                println!("{error}");
                failures += 1;
            }
        }
    }
}

fn is_exact(captured: &CapturedFrame, colour: &[u8], depth: &[u16]) -> bool {
    let steps = captured.frame.cloud().points().iter().map(|point| (point[2] * 1e4).round() as u16);
    captured.frame.rgb() == colour && steps.eq(depth.iter().copied())
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn pictures_come_out_as_they_went_in() {
    let (colour, depth, _playing) = play_both();
    let (mut supervisor, mut captured) = (start(), CapturedFrame::empty());
    // The first pictures may be of the time before the outputs played.
    let begin = Instant::now();
    while !is_exact(&captured, &colour, &depth) {
        assert!(begin.elapsed() < WAIT_MAX, "no frame is as it went in");
        next(&mut supervisor, &mut captured);
    }
    let mut last = captured.sequence;
    for _ in 0..10 {
        assert_eq!(next(&mut supervisor, &mut captured), 0);
        assert!(is_exact(&captured, &colour, &depth), "frame {}", captured.sequence);
        assert!(captured.sequence > last);
        last = captured.sequence;
    }
    println!("11 frames of {WIDTH} x {HEIGHT}, colour and depth bit for bit");
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn what_breaks_is_opened_again() {
    let (mut supervisor, mut captured) = (start(), CapturedFrame::empty());
    next(&mut supervisor, &mut captured);
    // A damaged buffer is a lost frame, nothing more.
    control(&["-d", DEPTH, "-c", "inject_v4l2_buf_flag_error=1"]);
    assert_eq!((0..5).map(|_| next(&mut supervisor, &mut captured)).sum::<usize>(), 0);
    for (node, what) in [(COLOUR, "inject_fatal_streaming_error=1"), (DEPTH, "disconnect=1"), (COLOUR, "disconnect=1")]
    {
        control(&["-d", node, "-c", what]);
        let failures = (0..30).map(|_| next(&mut supervisor, &mut captured)).sum::<usize>();
        assert!(failures >= 1, "{what} of {node} was not noticed");
        println!("{what} of {node}: survived");
    }
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_node_that_does_not_capture_is_named() {
    let mut station = Station::read("/etc/crosscheck/camera.toml".as_ref()).unwrap();
    let v4l = station.camera.v4l.as_mut().unwrap();
    // vivid's capture nodes offer every format, its outputs do not capture.
    v4l.depth = "/dev/video1".into();
    let Err(error) = Supervisor::start(opener(&station.camera, Choice::Cpu).unwrap(), PATIENCE) else {
        panic!("opened")
    };
    assert!(matches!(error, CameraError::Settings { .. }) && error.to_string().contains("/dev/video1"), "{error}");
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn a_service_goes_from_the_video_frame_to_the_edge() {
    let _playing = play_both();
    let rig = Rig::start("camera");
    let parts = rig.judged_parts(4);
    let rejected = rig.all_as_judged(&parts);
    assert_eq!(rejected, parts.len(), "a wall of colours is no good part");
}
