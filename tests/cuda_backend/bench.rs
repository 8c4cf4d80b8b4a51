//! `crosscheck bench` tells what the GPU measures.

use std::path::Path;
use std::process::Command;

use crosscheck::model::engine_file::Engine;
use crosscheck::model::{VitShape, seeded};
use crosscheck::prepare::Preparation;
use serde_json::Value;
use tempfile::TempDir;

use crate::standin::{Run, run};
use crate::support::small_engine;

/// The stages of a frame whose part is found among others, in their order.
const STAGES: [(&str, &str); 17] = [
    ("upload of the frame's points", "shape"),
    ("upload of the frame's colours", "colour"),
    ("points, components and their table", "shape"),
    ("resizing", "colour"),
    ("download of the window's colours", "colour"),
    ("points of the window", "shape"),
    ("download of the window's points", "shape"),
    ("copy of the input", "shape"),
    ("colour network", "colour"),
    ("centres of the groups", "shape"),
    ("points of the groups", "shape"),
    ("shape network", "shape"),
    ("interpolation of the pixels", "pixels"),
    ("wait for the other streams", "shape"),
    ("mappings", "shape"),
    ("map", "shape"),
    ("download of the maps", "shape"),
];
/// How many of them belong to the preparation.
const OF_PREPARATION: usize = 7;

/// The small engine in a file; with these channels of the colour network.
fn engine(width: usize) -> TempDir {
    let Engine { mut metadata, content_sha256, .. } = small_engine::engine(1e6);
    metadata.preparation = Preparation::default();
    metadata.architecture.rgb = VitShape { width, ..metadata.architecture.rgb };
    let weights = seeded::weights(&metadata.architecture, 3);
    let folder = tempfile::tempdir().unwrap();
    Engine { metadata, weights, content_sha256 }.write(&folder.path().join("engine.safetensors")).unwrap();
    folder
}

fn bench(folder: &Path, options: &[&str], environment: &[(&str, &str)]) -> Option<Run> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
    program.current_dir(folder).args(["bench", "--engine", "engine.safetensors", "--backend", "cuda"]).args(options);
    run(program, environment)
}

fn report(run: &Run) -> Value {
    serde_json::from_slice(&run.output.stdout).unwrap_or_else(|_| panic!("{}", run.printed()))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Name and stream of each stage.
fn names(stages: &[Value]) -> Vec<(&str, &str)> {
    stages.iter().map(|stage| (stage["name"].as_str().unwrap(), stage["stream"].as_str().unwrap())).collect()
}

#[test]
fn stages_add_up_to_the_frame() {
    let folder = engine(16);
    let Some(run) = bench(folder.path(), &["--frames", "1", "--json"], &[("STANDIN_CAPABILITY", "89")]) else { return };
    run.check_clean();
    let (report, printed) = (report(&run), run.printed());
    let gpu = &report["gpu"];
    assert_eq!((&gpu["name"], &gpu["driver"]), (&"stand-in".into(), &"12.6".into()));
    assert_eq!((&gpu["capability"], &gpu["multiprocessors"]), (&"8.9".into(), &8.into()));
    assert_eq!(number(&gpu["clock_mhz"]), 918.0);
    let stages = gpu["stages"].as_array().unwrap();
    assert_eq!(names(stages), STAGES, "{printed}");
    let time = |stage: &Value| number(&stage["median_ms"]);
    assert!(stages.iter().all(|stage| time(stage) >= 0.0), "{gpu}");
    // Of one frame, the median is its time. The stages of the stream that ends the frame leave no gaps.
    let in_order: f64 = stages[OF_PREPARATION..].iter().filter(|stage| stage["stream"] == "shape").map(time).sum();
    let frame_ms = number(&gpu["frame_ms"]["median"]);
    assert!(
        (in_order - frame_ms).abs() <= 1e-3 * frame_ms && frame_ms > 0.0,
        "{in_order} where {frame_ms} is expected"
    );
    let host_ms = number(&gpu["host_preparation_ms"]["median"]);
    assert!(host_ms > 0.0, "{gpu}");
    let latency = &report["capture_to_score_ms"];
    assert!(number(&latency["median"]) >= number(&report["latency_ms"]["median"]), "{report}");
    // All memory of the stand-in is this program's.
    let memory = |name: &str| number(&gpu["memory"][name]);
    let counted = memory("weights_mb") + memory("activations_mb");
    assert!((counted - memory("used_mb")).abs() < 1e-6, "{gpu}");
    // What the weights of the engine are as halves is the least, and what they are in f32 is the most: biases stay f32.
    let weights = small_engine_weights(folder.path());
    assert!((2.0 * weights..4.0 * weights).contains(&(1e6 * memory("weights_mb"))), "{weights} weights: {gpu}");
    // A frame to warm up and one that is measured, each by the graph, with and without the marks of all stages.
    assert_eq!(run.number("replayed graphs"), 4, "{printed}");
}

/// The number of weights in the engine's file.
fn small_engine_weights(folder: &Path) -> f64 {
    let engine = Engine::read(&folder.join("engine.safetensors")).unwrap();
    engine.metadata.architecture.tensors().iter().map(|tensor| tensor.shape.iter().product::<usize>() as f64).sum()
}

#[test]
fn networks_on_the_cpu_leave_the_stages_that_the_gpu_has() {
    // The kernels take channels in multiples of 8 only.
    let folder = engine(12);
    let Some(run) = bench(folder.path(), &["--frames", "1", "--json"], &[]) else { return };
    run.check_clean();
    let report = report(&run);
    assert!(report["gpu"]["frame_ms"].is_null(), "{report}");
    let stages = report["gpu"]["stages"].as_array().unwrap();
    let absent = ["copy of the input", "colour network", "shape network", "wait for the other streams"];
    let there: Vec<(&str, &str)> = STAGES.into_iter().filter(|(name, _)| !absent.contains(name)).collect();
    assert_eq!(names(stages), there, "{report}");
}

#[test]
fn the_text_names_gpu_stages_and_memory() {
    let folder = engine(16);
    let Some(run) = bench(folder.path(), &["--frames", "2"], &[]) else { return };
    run.check_clean();
    let printed = run.printed();
    for words in
        ["stand-in, compute capability 8.7", "from the frame to its score", "colour network", "weights", "activations"]
    {
        assert!(printed.contains(words), "{words}: {printed}");
    }
}

#[test]
fn in_a_stream_frames_are_prepared_ahead() {
    let folder = engine(16);
    let Some(run) = bench(folder.path(), &["--frames", "3", "--streaming", "--json"], &[]) else { return };
    run.check_clean();
    let report = report(&run);
    assert_eq!((&report["frames"], &report["streaming"]), (&3.into(), &true.into()));
    let [rate, to_score_ms] = [&report["frames_per_second"], &report["capture_to_score_ms"]["min"]].map(number);
    assert!(rate > 0.0 && to_score_ms > 0.0, "{report}");
    // All were taken from the memory of the GPU: the four of the stream and those whose stages are measured.
    assert_eq!(run.number("launched cuMemcpyDtoDAsync"), 2 * run.number("replayed graphs"));
}

#[test]
fn a_machine_without_a_gpu_is_an_error() {
    let folder = engine(16);
    let Some(run) = bench(folder.path(), &["--frames", "1", "--json"], &[("STANDIN_DEVICES", "0")]) else { return };
    let printed = run.printed();
    assert_eq!(run.output.status.code(), Some(2), "{printed}");
    assert!(printed.contains("finds no GPU") && !printed.contains("panicked"), "{printed}");
}
