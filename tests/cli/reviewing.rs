//! `review`: what a station recorded, looked through by a person, from the gallery to a new threshold.

use crosscheck::dataset::mvtec3d;
use crosscheck::runtime::judgement::Judgement;
use serde_json::{Value, json};

use crate::program::Desk;
use crate::support::part;
use crate::support::small_engine;

const PARTS: u64 = 9;

/// A station whose threshold no part keeps to has recorded all of its parts.
pub fn recorded() -> Desk {
    let desk = Desk::new();
    small_engine::engine(1e-9).write(&desk.path("engine.safetensors")).unwrap();
    for number in 0..PARTS {
        mvtec3d::write(&desk.path("frames"), &format!("{number:03}"), &part::frame(number, None), None).unwrap();
    }
    desk.write(
        "station.toml",
        "[engine]\npath = \"engine.safetensors\"\n[camera]\nsource = \"replay\"\n\
         [camera.replay]\nfolder = \"frames\"\nframe_rate_hz = 4.0\n[trigger]\nsource = \"frame\"\n\
         [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
         [view]\nenabled = false\n[record]\nfolder = \"recording\"\nqueue_frames_max = 16\n",
    );
    desk.done("run --config station.toml");
    desk
}

pub fn names(page: &Value) -> Vec<String> {
    page["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap().into()).collect()
}

#[test]
fn from_the_recording_to_a_threshold_that_the_good_parts_keep_to() {
    let desk = recorded();
    let all = names(&desk.done("review list station.toml --json").json());
    assert_eq!(all.len() as u64, PARTS);
    let [unsure, defect, good @ ..] = all.as_slice() else { panic!("{all:?}") };
    for name in good {
        desk.done(&format!("review say recording {name} good"));
    }
    let said = desk.done(&format!("review say station.toml {defect} defect --kind shape --by Ada")).out;
    assert_eq!(said, format!("{defect}: defect, shape, by Ada\n"));
    desk.done(&format!("review say recording {unsure} unsure"));
    let page = desk.done("review list recording --finding defect --verdict reject --json").json();
    assert_eq!((names(&page), &page["total"]), (vec![defect.clone()], &json!(1)));
    let (part, finding) = (&page["parts"][0], &page["parts"][0]["finding"]);
    assert!(part["identity"].as_str().is_some_and(|name| !name.is_empty()) && part["recipe"] == 0, "{part}");
    assert_eq!((&finding["opinion"], &finding["by"]), (&json!("defect"), &json!("Ada")));
    let text = desk.done("review list recording --count 1").out;
    assert!(text.contains(unsure.as_str()) && text.contains(&format!("more: --after {unsure}")), "{text}");

    let summary = desk.done("review summary station.toml --json").json();
    let rejects = json!({"count": 7, "of": 8, "rate": 0.875});
    for key in ["count", "of", "rate"] {
        assert_eq!(summary["false_rejects"][key], rejects[key], "{summary}");
    }
    assert_eq!((&summary["promised_rate"], &summary["other_engine"]), (&json!(0.1), &json!(0)), "{summary}");
    let text = desk.done("review summary recording").out;
    assert!(text.contains("7 of 8 parts, 0.8750") && text.contains("shape     1 confirmed"), "{text}");
    let counts = desk.done("review what-if recording --threshold 1e9 --json").json();
    assert_eq!(counts, json!({"threshold": 1e9, "good": 7, "false_rejects": 0, "defective": 1, "misses": 1}));

    let before = desk.read("engine.safetensors");
    let line = "review candidate station.toml --false-reject-rate 0.2 -o candidate.safetensors --json";
    let candidate = desk.done(line).json();
    assert!(desk.read("engine.safetensors") == before);
    assert_eq!((&candidate["good"], &candidate["found_good"]), (&json!(7), &json!(7)), "{candidate}");
    let threshold = candidate["threshold"].as_f64().unwrap();
    let changed = candidate["changed"].as_array().unwrap();
    assert!(changed.len() >= 7 && changed.iter().all(|part| part["verdict"] == "pass"), "{candidate}");
    assert!(changed.iter().all(|part| part["score"].as_f64().unwrap() <= threshold), "{candidate}");
    desk.refused_with(line, &["candidate.safetensors is there already"]);

    // What persons found is the truth of an evaluation, and what a fit may learn from.
    desk.done("evaluate --dataset recording --engine candidate.safetensors --report report");
    let report: Value = serde_json::from_slice(&desk.read("report/report.json")).unwrap();
    let frames = report["frames"].as_array().unwrap();
    let defects: Vec<&Value> = frames.iter().map(|frame| &frame["defect"]).filter(|defect| !defect.is_null()).collect();
    assert_eq!((frames.len(), defects), (8, vec![&json!("shape")]));
    let fit = desk.done(&format!(
        "fit --engine @default --nominal recording --reviewed {} -o new.safetensors",
        crate::program::FIT
    ));
    assert!(fit.err.contains("7 of 7 frames used"), "{}", fit.err);

    // An engine that is checked on the recording must give the verdicts of persons, not those of the engine before.
    desk.done(&format!("review say recording {defect} unsure"));
    let path = desk.path("candidate.safetensors");
    let check = || Judgement::from_engine_file(&path, None).unwrap().check(&desk.path("recording"));
    assert_eq!(check().unwrap(), 7);
    desk.done(&format!("review say recording {} defect", good[3]));
    let error = check().unwrap_err().to_string();
    assert!(error.contains(&good[3]) && error.contains("pass") && error.contains("reject is expected"), "{error}");
}

#[test]
fn what_cannot_be_reviewed_is_refused_by_name() {
    let desk = Desk::new();
    desk.refused_with("review list nowhere", &["nowhere has no recording", "[record]"]);
    let name = "s00000001-0000000001";
    mvtec3d::write(&desk.path("recording/parts/test/reject"), name, &part::frame(1, None), None).unwrap();
    let record = json!({
        "format": 1, "part": 1, "sequence": 1, "captured_unix_ms": 1, "score": 1.5, "verdict": "reject", "reason": null,
        "threshold": 1.0, "review": null, "engine_sha256": "ab", "times_ms": {},
    });
    desk.write(&format!("recording/parts/test/reject/verdict/{name}.json"), record.to_string());
    desk.refused_with("review say recording ../../secret good", &["is not the name of a recorded part"]);
    desk.refused_with("review say recording <b>x</b> good", &["is not the name of a recorded part"]);
    desk.refused_with("review say recording s00000001-0000000002 good", &["no part s00000001-0000000002"]);
    desk.refused_with(&format!("review say recording {name} perfect"), &["good, defect, unsure"]);
    desk.refused_with(&format!("review say recording {name} good --kind shape"), &["no kind of defect"]);
    desk.refused_with(&format!("review say recording {name} good --mask nowhere.png"), &["nowhere.png"]);
    desk.write("small.png", desk.read(&format!("recording/parts/test/reject/rgb/{name}.png")).split_at(40).0);
    desk.refused_with(&format!("review say recording {name} defect --mask small.png"), &["gt"]);
    desk.refused_with("review list recording --after x", &["is not the name of a recorded part"]);
    desk.refused_with("review list recording --count 101", &["101"]);
    desk.refused_with("review candidate recording -o new.safetensors", &["--engine"]);
    desk.refused_with("fit --nominal recording --reviewed -o new.safetensors", &["no part that a person found good"]);
    small_engine::engine(1.0).write(&desk.path("engine.safetensors")).unwrap();
    desk.refused_with(
        "review candidate recording --engine engine.safetensors -o new.safetensors",
        &["judged by the engine", "give the engine that judged them"],
    );
}
