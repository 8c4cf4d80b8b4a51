//! What a GPU takes for a frame is counted without one.

use serde_json::Value;

use crate::program::Desk;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_frame_is_counted_launch_by_launch() {
    let desk = Desk::new();
    let count = |options: &str| desk.done(&format!("count {options} --json")).json();
    let small = count("--variant small --group-size 128 --device orin-nx");
    assert_eq!((&small["device"], &small["stride"]), (&"Orin NX 16 GB".into(), &1.into()));
    let phases = small["phases"].as_array().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["copies, upload and belt", "points and components", "window", "networks", "mappings and map"]);
    let sum: f64 = phases.iter().map(|phase| number(&phase["ms"])).sum();
    assert!((sum - number(&small["latency_ms"])).abs() < 1e-6, "{sum}");
    let kernels = || phases.iter().flat_map(|phase| phase["kernels"].as_array().unwrap());
    let launches = |name: &str| -> u64 {
        let own = kernels().filter(|kernel| kernel["kernel"] == name);
        own.map(|kernel| kernel["launches"].as_u64().unwrap()).sum()
    };
    assert_eq!((launches("attention"), launches("farthest_points"), launches("smooth")), (8, 1, 1));
    assert!(kernels().all(|kernel| number(&kernel["us"]) >= 2.0), "{small}");
    let half = count("--variant small --group-size 128 --device orin-nx --stride 2");
    assert!(number(&half["interval_ms"]) < 0.8 * number(&small["interval_ms"]), "{half}");
    let desktop = count("--variant small --group-size 128");
    assert!(number(&desktop["interval_ms"]) < 0.2 * number(&small["interval_ms"]), "{desktop}");
    let larger = count("--variant small --group-size 128 --camera 1920x1080 --valid 0.6");
    assert!(number(&larger["gpu_ms"]) > 1.2 * number(&desktop["gpu_ms"]), "{larger}");
    let text = desk.done("count --engine @fitted --device agx-orin").out;
    assert!(text.starts_with("counted, not measured: AGX Orin 64 GB") && text.contains("\nfarthest_points "), "{text}");
}

#[test]
fn what_cannot_be_counted_is_an_error() {
    let desk = Desk::new();
    for (options, named) in [
        ("--variant default", "tiny, small, medium, full"),
        ("--variant tiny --group-size 129", "1 to 128 points"),
        ("--camera 0x720", "1 to 16384 pixels"),
        ("--valid 0", "0.001 to 1"),
        ("--device orin", "rtx-4090"),
        ("--engine missing", "missing"),
    ] {
        desk.refused_with(&format!("count {options}"), &[named]);
    }
}
