//! One frame in, one verdict out.

use crosscheck::dataset::{Reading, read_frame, read_rgb};
use crosscheck::frame::OrganisedCloud;
use crosscheck::prepare::{Preparation, prepare};
use crosscheck::shapes::{P, W};
use serde_json::{Value, json};
use tiff::decoder::{Decoder, DecodingResult};

use crate::program::{Desk, flat, on_a_belt, shared};
use crate::support::part;

/// A frame of a camera's size, on a belt.
const FRAME: &str = "--rgb @golden/preprocess/rgb.png --xyz @golden/preprocess/xyz.tiff";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn one_json_object_says_what_was_found() {
    let desk = Desk::new();
    let run = desk.done(&format!("inspect --engine @tiny {FRAME} --json"));
    let found = run.json();
    let expected = "belt defect_count defects doubt gap points precision reason score score_reference stride threshold times_ms valid_pixels verdict window";
    assert_eq!(keys(&found).join(" "), expected);
    assert_eq!((&found["precision"], &found["stride"]), (&json!("f32"), &json!(1)));
    assert!(number(&found["score"]) > 0.0 && number(&found["score_reference"]) > 0.0);
    assert_eq!(found["window"], json!({ "left": 0, "top": -50, "side": 500 }));
    assert!(number(&found["belt"]["border_share"]) > 0.9 && number(&found["belt"]["offset_m"]) > 0.0, "{found}");
    assert!(["doubt", "gap", "reason", "threshold", "verdict"].iter().all(|key| found[key].is_null()), "{found}");
    assert!((1.0..P as f64).contains(&number(&found["valid_pixels"])));
    let times = &found["times_ms"];
    assert_eq!(keys(times), ["anomaly_map", "prepare", "rgb_tokens", "total", "xyz_groups"]);
    let sum: f64 =
        ["anomaly_map", "prepare", "rgb_tokens", "xyz_groups"].iter().map(|stage| number(&times[stage])).sum();
    assert!((sum - number(&times["total"])).abs() < 1e-3, "{times}");
    assert!(desk.files().is_empty());
}

#[test]
fn text_says_what_to_do_without_a_threshold() {
    let run = Desk::new().done(&format!("inspect --engine @fitted {FRAME}"));
    for words in ["score", "verdict       none: the engine has no threshold; calibrate it", "valid pixels", "time"] {
        assert!(run.out.contains(words), "{}", run.out);
    }
}

#[test]
fn the_threshold_decides_verdict_and_exit_code() {
    let desk = Desk::with(&part::frame(20, None));
    let inspect = "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff";
    let found = desk.done(&format!("{inspect} --json")).json();
    let score = number(&found["score"]);
    // At the score itself it passes: a threshold is exceeded to reject.
    for (threshold, code, verdict) in [(score * 1.01, 0, "pass"), (score, 0, "pass"), (score * 0.99, 1, "reject")] {
        let run = desk.run(&format!("{inspect} --threshold {threshold} --json"));
        let again = run.json();
        assert_eq!((run.code, again["verdict"].as_str()), (Some(code), Some(verdict)), "{again}");
        assert!((number(&again["threshold"]) - threshold).abs() < 1e-6 * threshold);
        // The threshold is all that differs.
        assert_eq!(again["score"], found["score"]);
        let text = desk.run(&format!("{inspect} --threshold {threshold}"));
        assert_eq!(text.code, Some(code));
        assert!(text.out.contains(&format!("verdict       {verdict}, threshold")), "{}", text.out);
    }
}

fn map(desk: &Desk, name: &str) -> Vec<f32> {
    let mut decoder = Decoder::new(std::fs::File::open(desk.path(name)).unwrap()).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (224, 224), "{name}");
    let DecodingResult::F32(values) = decoder.read_image().unwrap() else { panic!("{name} has no floats") };
    assert_eq!(values.len(), P, "{name} has more than one channel");
    values
}

#[test]
fn maps_and_a_picture_are_written_where_asked() {
    let desk = Desk::new();
    let found = desk.done(&format!("inspect --engine @fitted {FRAME} --out made/here --json")).json();
    let names: Vec<_> = desk.files().into_keys().filter(|path| path.is_file()).collect();
    let expected = ["anomaly_map.tiff", "overlay.png", "part.png", "psi_rgb.tiff", "psi_xyz.tiff"];
    assert_eq!(names, expected.map(|name| desk.path("made/here").join(name)));
    let [anomaly, rgb, xyz] =
        ["anomaly_map", "psi_rgb", "psi_xyz"].map(|name| map(&desk, &format!("made/here/{name}.tiff")));
    let maximum = anomaly.iter().copied().fold(0.0, f32::max);
    assert_eq!(number(&found["score"]) as f32, maximum);
    for map in [&anomaly, &rgb, &xyz] {
        assert!(map.iter().all(|v| v.is_finite() && *v >= 0.0));
        // The maps are smoothed over the part's rim, and silent where nothing is.
        let heard = map.iter().filter(|v| **v > 0.0).count() as f64;
        assert!((number(&found["valid_pixels"])..0.5 * P as f64).contains(&heard), "{heard}");
    }
    assert!(anomaly != rgb && rgb != xyz);
    let photograph = read_rgb(&shared("golden/preprocess/rgb.png")).unwrap();
    let overlay = read_rgb(&desk.path("made/here/overlay.png")).unwrap();
    // Of the photograph's own pixels, a legend below; the corners have no part and are dimmed.
    let (width, height) = photograph.dimensions();
    assert!(overlay.width() == width && overlay.height() > height, "{:?}", overlay.dimensions());
    for (x, y) in [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)] {
        let dimmed = photograph.get_pixel(x, y).0.map(|v| (f32::from(v) * 0.6) as u8);
        assert_eq!(overlay.get_pixel(x, y).0, dimmed, "{x} {y}");
    }
    // A second run writes over the first one's.
    desk.done(&format!("inspect --engine @fitted {FRAME} --out made/here"));
    assert_eq!(map(&desk, "made/here/anomaly_map.tiff"), anomaly);
}

#[test]
fn a_belt_left_in_changes_no_point() {
    let frame = on_a_belt(3);
    let desk = Desk::with(&frame);
    let inspect = "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --json";
    let valid = |options: &str| number(&desk.done(&format!("{inspect} {options}")).json()["valid_pixels"]) as usize;
    let part = valid("");
    let points = prepare(&frame, &Preparation::default()).unwrap().points();
    assert!(part >= points && part < P / 2, "{part} valid pixels of {points} points");
    desk.write("plane.toml", "normal = [0.0, 0.0, 1.0]\noffset_m = -0.45\n");
    desk.write("scene.toml", "[scene]\nbelt = \"plane.toml\"\n");
    assert!(valid("--scene scene.toml").abs_diff(part) < part / 50);
    // The scene that an engine was made with is the one that it uses.
    desk.import("plain.safetensors", "part = \"everything\"");
    let bench = desk.done("bench --engine plain.safetensors --rgb rgb.png --xyz xyz.tiff --frames 1 --json").json();
    assert_eq!(number(&bench["points"]), P as f64);
}

#[test]
fn debris_stays_with_all_and_goes_with_largest() {
    let frame = part::frame(3, None);
    let mut points = frame.cloud().points().to_vec();
    for (row, column) in (0..20).flat_map(|r| (0..20).map(move |c| (5 + r, 5 + c))) {
        points[row * W + column] = [column as f32 * 6e-4 - 0.07, row as f32 * 6e-4 - 0.07, 0.44];
    }
    let cloud = OrganisedCloud::new(W, W, points).unwrap();
    let desk = Desk::with(&crosscheck::frame::RgbdFrame::new(W, W, frame.rgb().to_vec(), cloud).unwrap());
    let valid = |part: &str| {
        desk.import("engine.safetensors", &format!("belt = \"none\"\npart = \"{part}\""));
        let line = "inspect --engine engine.safetensors --rgb rgb.png --xyz xyz.tiff --json";
        number(&desk.done(line).json()["valid_pixels"])
    };
    assert!(valid("all") >= valid("largest") + 300.0);
}

#[test]
fn too_few_points_reject_with_the_reason() {
    let part = part::frame(1, None);
    let mut cloud = flat(0.5);
    (100..P).for_each(|i| cloud.remove(i));
    let desk = Desk::with(&crosscheck::frame::RgbdFrame::new(W, W, part.rgb().to_vec(), cloud).unwrap());
    desk.import("engine.safetensors", "belt = \"none\"");
    let inspect = "inspect --engine engine.safetensors --rgb rgb.png --xyz xyz.tiff";
    let run = desk.run(&format!("{inspect} --json --out out"));
    let found = run.json();
    assert_eq!((run.code, found["verdict"].as_str()), (Some(1), Some("reject")));
    assert!(found["score"].is_null() && found["score_reference"].is_null() && found["valid_pixels"] == 0, "{found}");
    let reason = found["reason"].as_str().unwrap();
    assert!(reason.contains("too few points: 100 ") && reason.contains("at least"), "{reason}");
    assert!(map(&desk, "out/anomaly_map.tiff").iter().all(|v| *v == 0.0));
    // No threshold makes it pass.
    let run = desk.run(&format!("{inspect} --threshold 1e30"));
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("none: too few points") && run.out.contains("reject"), "{}", run.out);
}

#[test]
fn a_depth_image_is_inspected_with_its_camera() {
    let frame = part::frame(2, None);
    let desk = Desk::with(&frame);
    let depth = frame.cloud().points().iter().map(|p| (p[2] / 2e-5).round() as u16).collect();
    let depth = image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::from_raw(224, 224, depth).unwrap();
    depth.save_with_format(desk.path("depth.png"), image::ImageFormat::Png).unwrap();
    desk.write("camera.toml", "fx = 750.0\nfy = 750.0\ncx = 111.5\ncy = 111.5\ndepth_unit_m = 2e-5\n");
    let inspect = "inspect --engine @fitted --rgb rgb.png --json";
    let [cloud, depth] = ["--xyz xyz.tiff", "--xyz depth.png --camera camera.toml"]
        .map(|xyz| desk.done(&format!("{inspect} {xyz}")).json());
    let read = read_frame(&desk.path("rgb.png"), &desk.path("xyz.tiff"), &Reading::default()).unwrap();
    assert_eq!(read, frame);
    // Rounded to 20 um and of the same pixels: the same part, nearly.
    assert_eq!(cloud["valid_pixels"], depth["valid_pixels"]);
    let ratio = number(&cloud["score"]) / number(&depth["score"]);
    assert!((0.7..1.4).contains(&ratio), "{ratio}");
    desk.done("bench --frames 1 --engine @fitted --rgb rgb.png --xyz depth.png --camera camera.toml");
}

#[test]
fn bench_says_what_each_stage_takes() {
    let found = Desk::new().done("bench --engine @fitted --frames 2 --json").json();
    let expected = [
        "backend",
        "capture_to_score_ms",
        "copy_peak_gb_per_s",
        "frames",
        "frames_per_second",
        "gemm_peak_gflops",
        "gpu",
        "instruction_set",
        "latency_ms",
        "peak_memory_mb",
        "points",
        "precision",
        "processor_ms",
        "searches",
        "share_of_peak",
        "stages",
        "streaming",
        "stride",
        "threads",
        "valid_pixels",
    ];
    assert_eq!(keys(&found), expected);
    assert_eq!(number(&found["frames"]), 2.0);
    for times in ["latency_ms", "capture_to_score_ms"] {
        assert_eq!(keys(&found[times]), ["max", "median", "min", "p95", "p99"]);
    }
    assert!(found["gpu"].is_null(), "{found}");
    let stages = found["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["prepare", "rgb_tokens", "xyz_groups", "anomaly_map"]);
    for stage in stages {
        let expected = ["floor_ms", "gflop", "median_ms", "megabytes", "name", "share_of_floor", "share_of_peak"];
        assert_eq!(keys(stage), expected);
        assert!(number(&stage["floor_ms"]) > 0.0 && number(&stage["megabytes"]) > 0.0, "{stage}");
    }
    let half = Desk::new().done("bench --streaming --stride 2 --precision bf16 --frames 2 --json").json();
    assert_eq!((&half["stride"], &half["precision"], &half["streaming"]), (&2.into(), &"bf16".into(), &true.into()));
    let mixed = Desk::new().done("bench --precision int8 --frames 1 --json").json();
    assert_eq!(mixed["precision"], "int8");
    assert!(mixed["instruction_set"].as_str().unwrap().contains("; mappings "), "{}", mixed["instruction_set"]);
    let less = |value: &serde_json::Value| number(&value["stages"][3]["gflop"]);
    assert!(less(&half) < 0.5 * less(&found), "every second pixel is a quarter of all");
    let text = Desk::new().done("bench --engine @fitted --frames 1");
    assert!(text.out.contains("frames/s") && text.out.contains("GFLOP/s"), "{}", text.out);
}

#[test]
fn bench_says_what_registration_takes() {
    let desk = Desk::new();
    let camera = include_str!("../../calibration/depth-848x480-colour-1280x720.toml");
    desk.write("camera.toml", camera);
    let found = desk.done("bench --registration camera.toml --frames 3 --json").json();
    assert_eq!(keys(&found), ["backend", "colour", "depth", "frames", "latency_ms", "points", "processor_ms"]);
    assert_eq!((&found["backend"], &found["frames"]), (&"cpu".into(), &3.into()));
    assert!(number(&found["points"]) > 0.6 * 1280.0 * 720.0, "{found}");
    let text = desk.done("bench --registration camera.toml --frames 1");
    assert!(text.out.contains("depth 848 x 480 to colour 1280 x 720 on cpu"), "{}", text.out);
    let registered = camera.split("[depth]").next().unwrap();
    for other in [registered, &format!("grid = \"depth\"\n{camera}")] {
        desk.write("other.toml", other);
        desk.refused_with("bench --registration other.toml", &["nothing is registered", "[depth_to_colour]"]);
    }
    #[cfg(not(feature = "cuda"))]
    desk.refused_with("bench --registration camera.toml --backend cuda", &["--features cuda"]);
}

#[test]
fn a_sweep_is_plotted_and_grows() {
    let desk = Desk::new();
    desk.done("bench --frames 1 --sweep swept");
    for axis in ["valid-share", "groups", "group-size", "layers"] {
        let plot = String::from_utf8(desk.read(&format!("swept/{axis}.svg"))).unwrap();
        assert!(plot.starts_with("<svg") && plot.contains("as the operations are counted"), "{axis}: {plot}");
    }
    let points: Vec<serde_json::Value> = serde_json::from_slice(&desk.read("swept/sweep.json")).unwrap();
    for axis in ["valid_share", "groups", "group_size", "layers"] {
        let of_axis: Vec<&serde_json::Value> = points.iter().filter(|point| point["axis"] == axis).collect();
        assert!(of_axis.len() >= 5, "{axis}");
        assert!(of_axis.is_sorted_by_key(|point| number(&point["gflop"])), "{axis}");
        assert!(of_axis.iter().all(|point| number(&point["min_ms"]) > 0.0), "{axis}");
    }
}
