//! Makes what the guest needs: an engine that is fast enough under emulation, frames to play, and configurations.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crosscheck::conformal::Calibration;
use crosscheck::dataset::mvtec3d;
use crosscheck::fit::{Fit, FitSettings};
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Source, Storage};
use crosscheck::model::{Architecture, PointMaeShape, Variant, VitShape, seeded};
use crosscheck::prepare::{BeltMode, PartChoice, Preparation};
use crosscheck::shapes::{H, P, W};

use crate::belt::{COUNTS_PER_S_MAX, DECISION_LEAD_COUNTS, DELAY_COUNTS, PULSE_MS};
use crate::support::part;
use crate::support::small_engine::small_architecture;

const SEED: u64 = 5;
const SHOTS: u64 = 4;
const REPEATS: &str = "frame_rate_hz = 2.0\nrepeat = true";
const POINTS_SIDE: usize = 32;
/// Good and bad frames must lie this far apart: a score is not the same to the last bit on another processor.
const SEPARATION_MIN: f32 = 1.3;

/// A thousandth of the work of the smallest published variant.
fn architecture() -> Architecture {
    let small = small_architecture(4, 8, 8);
    let xyz = PointMaeShape { encoder: [8; 3], position_hidden: 8, ..small.xyz };
    Architecture { rgb: VitShape { mlp: 4, ..small.rgb }, xyz, ..small }
}

fn metadata() -> Metadata {
    Metadata {
        variant: Variant::Default,
        architecture: architecture(),
        precision: Storage::F32,
        preparation: Preparation { belt: BeltMode::None, part: PartChoice::All, seed: SEED, ..Preparation::default() },
        standardise: true,
        geometry: Geometry::Metres,
        usual: None,
        gaps: None,
        balance: None,
        calibration: None,
        fitted_on: Vec::new(),
        provenance: vec![Source::Seed(SEED)],
    }
}

/// Good, bad, good, bad.
fn frames() -> Vec<(&'static str, RgbdFrame)> {
    let frame = |i: u64| {
        let good = small(100 + i);
        if i.is_multiple_of(2) { ("good", good) } else { ("bad", of_other_colours(&good)) }
    };
    (0..4).map(frame).collect()
}

/// The middle of a good part: fewer points to look at.
fn small(seed: u64) -> RgbdFrame {
    let frame = part::frame(seed, None);
    let mut cloud = frame.cloud().clone();
    let from_middle = |i: usize| (i % W).abs_diff(W / 2).max((i / W).abs_diff(H / 2));
    (0..P).filter(|i| from_middle(*i) > POINTS_SIDE / 2).for_each(|i| cloud.remove(i));
    RgbdFrame::new(frame.width(), frame.height(), frame.rgb().to_vec(), cloud).unwrap()
}

/// So small an engine sees no small defects: a bad part is the negative of a good one.
fn of_other_colours(frame: &RgbdFrame) -> RgbdFrame {
    let negative = frame.rgb().iter().map(|level| 255 - level).collect();
    RgbdFrame::new(frame.width(), frame.height(), negative, frame.cloud().clone()).unwrap()
}

/// An engine that tells good frames from bad ones, and says how far apart they are.
fn engine(frames: &[(&str, RgbdFrame)]) -> Engine {
    let metadata = metadata();
    let weights = seeded::weights(&metadata.architecture, SEED).networks();
    let engine = Engine { weights, metadata, content_sha256: String::new() };
    let settings = FitSettings { epochs: 600, pixels: 512, seed: SEED, held_out: 0.0, ..FitSettings::default() };
    let mut fit = Fit::new(engine, settings, std::env::temp_dir()).unwrap();
    (0..SHOTS).for_each(|seed| assert_eq!(fit.add(&small(seed)).unwrap().parts.len(), 1));
    let mut engine = fit.run(None, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut inspector = Inspector::new(engine.clone()).unwrap();
    let mut score = |frame| inspector.inspect(frame).unwrap().ranked_score();
    let scores: Vec<(&str, f32)> = frames.iter().map(|(kind, frame)| (*kind, score(frame))).collect();
    let of = |kind: &'static str| scores.iter().filter(move |(k, _)| *k == kind).map(|(_, score)| *score);
    let (good, bad) = (of("good").fold(0.0, f32::max), of("bad").fold(f32::INFINITY, f32::min));
    assert!(bad > good * SEPARATION_MIN, "{scores:?}");
    engine.metadata.calibration = Some(calibration((good * bad).sqrt()));
    engine
}

fn calibration(threshold: f32) -> Calibration {
    Calibration { threshold, review: None, frames: 1, false_reject_rate: 0.5, guaranteed_rate: 0.5, median_score: None }
}

/// Of what `vivid` captures, whatever it shows.
const NODES: &str = r#"source = "v4l"
frame_timeout_ms = 20000.0

[camera.v4l]
colour = "/dev/video0"
depth = "/dev/video2"
camera_file = "lens.toml"
width = 640
height = 480
colour_format = "RGB3"
pair_window_ms = 30.0"#;
/// Where vivid has no picture it makes noise: with a tenth of a millimetre a step it lies where parts may.
const LENS: &str = "fx = 600.0\nfy = 600.0\ncx = 320.0\ncy = 240.0\ndepth_unit_m = 0.0001\n";

fn replay(options: &str) -> String {
    format!("source = \"replay\"\nframe_timeout_ms = 20000.0\n\n[camera.replay]\nfolder = \"recording\"\n{options}")
}

/// `record`: whether parts are recorded.
fn configuration(camera: &str, record: bool) -> String {
    let record =
        if record { "[record]\nfolder = \"/var/lib/crosscheck/full/recording\"\npass_share = 1.0\n" } else { "" };
    format!(
        r#"
[engine]
path = "engine.safetensors"

[camera]
{camera}

[trigger]
source = "gpio"
frame_window_ms = 1000.0

[encoder]
counts_per_s_max = {COUNTS_PER_S_MAX}
stopped_ms = 5500.0
missing_pulses = false

[reject]
delay_counts = {DELAY_COUNTS}
decision_lead_counts = {DECISION_LEAD_COUNTS}
pulse_ms = {PULSE_MS}.0
late_ms_max = {PULSE_MS}.0
confirm_ms_max = 5000.0

[gpio]
reject = {{ line = "reject" }}
ready = {{ line = "ready" }}
fault = {{ line = "fault" }}
heartbeat = {{ line = "heartbeat" }}
trigger = {{ line = "trigger" }}
encoder = {{ line = "encoder" }}
confirm = {{ line = "confirm" }}

{record}
"#
    )
}

fn make(share: &Path) {
    let folder = share.join("station");
    let frames = frames();
    for (i, (kind, frame)) in frames.iter().enumerate() {
        mvtec3d::write(&folder.join("recording").join("test").join(kind), &format!("{i:03}"), frame, None).unwrap();
    }
    engine(&frames).write(&folder.join("engine.safetensors")).unwrap();
    for (name, camera, record) in [
        ("station", replay(REPEATS), false),
        ("ends", replay("frame_rate_hz = 0.1"), false),
        ("full", replay(REPEATS), true),
        ("camera", NODES.into(), false),
    ] {
        std::fs::write(folder.join(format!("{name}.toml")), configuration(&camera, record)).unwrap();
    }
    std::fs::write(folder.join("lens.toml"), LENS).unwrap();
}

#[test]
#[ignore = "run by ci/vm/run.sh"]
fn makes_what_the_guest_needs() {
    let share: PathBuf = std::env::var_os("CROSSCHECK_VM_SHARE").expect("set by run.sh").into();
    make(&share);
}

#[test]
fn the_guests_configurations_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    for name in ["station", "ends", "full", "camera"] {
        crosscheck::config::Station::read(&folder.path().join(format!("station/{name}.toml"))).unwrap();
    }
}
