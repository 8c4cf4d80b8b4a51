//! The reference in docs/reference names what the program accepts and prints, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crosscheck::collect::Set;
use crosscheck::config::Station;
use crosscheck::teach::{Event, Part, Phase, State, Step};
use serde_json::Value;

use crate::read;

/// A key that no section has.
const NONSENSE: &str = "nonsense";
/// Another name of `camera.replay.camera_file`, which its row mentions.
const ALIAS: &str = "camera.replay.intrinsics";

/// Lists of tables.
const LISTS: [&str; 2] = ["recipe", "gpio.recipe"];
/// Tables with the same keys as others, which the reference refers to.
const SAME: [(&str, &str); 2] = [("recipe.scene", "scene"), ("recipe.regions", "regions")];

/// The names in backticks in the first cells of the tables of `text`.
pub fn documented(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|cell| cell.split('`').step_by(2)).filter(|name| !name.trim().is_empty()).map(String::from).collect()
}

/// The keys of the table at `path`, by the error about one that it does not have; none where no table is there.
fn keys_at(path: &str) -> Vec<String> {
    let is_list = path.starts_with("regions.") || LISTS.contains(&path);
    let table = if is_list { format!("[[{path}]]") } else { format!("[{path}]") };
    let head = match path.split_once('.') {
        _ if path.is_empty() => String::new(),
        Some((parent, _)) if LISTS.contains(&parent) => format!("[[{parent}]]\n{table}"),
        _ => table,
    };
    let error = toml::from_str::<Station>(&format!("{head}\n{NONSENSE} = 1")).unwrap_err();
    match error.message().strip_prefix(&format!("unknown field `{NONSENSE}`, expected ")) {
        Some(known) => known.split('`').skip(1).step_by(2).map(String::from).collect(),
        None => Vec::new(),
    }
}

/// Adds every key below `path` to `found`.
fn collect(path: &str, found: &mut BTreeSet<String>) {
    let keys = keys_at(path);
    if let Some((_, other)) = SAME.iter().find(|(same, _)| *same == path) {
        assert_eq!(keys, keys_at(other), "{path} and {other}");
        found.insert(path.into());
        return;
    }
    if keys.is_empty() {
        found.insert(path.into());
    }
    for key in keys {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        collect(&path, found);
    }
}

/// The keys of a configuration file, those that are commented out included.
fn keys_in(text: &str) -> Vec<String> {
    let (mut section, mut keys) = (String::new(), Vec::new());
    for line in text.lines().map(|line| line.trim_start_matches("# ")) {
        let key = line.split(" = ").next().filter(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        match (line.strip_prefix('['), key) {
            (Some(rest), _) => section = rest.trim_start_matches('[').split(']').next().unwrap().into(),
            (None, Some(key)) if line.contains(" = ") => keys.push(format!("{section}.{key}")),
            _ => {}
        }
    }
    keys
}

#[test]
fn the_reference_lists_the_keys_of_a_configuration() {
    let documented = documented(&read("docs/reference/configuration.md"));
    let mut accepted = BTreeSet::new();
    collect("", &mut accepted);
    accepted.remove(ALIAS);
    assert!(accepted.contains("camera.v4l.pair_window_ms") && accepted.len() > 100, "{accepted:?}");
    let missing: Vec<_> = accepted.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/reference/configuration.md lacks {missing:?}");
    let unknown: Vec<_> = documented.difference(&accepted).collect();
    assert!(unknown.is_empty(), "docs/reference/configuration.md names {unknown:?}, which no station accepts");
    // GPIO lines are inline tables there.
    let keys = keys_in(&read("systemd/station.example.toml"));
    assert!(keys.iter().any(|key| key == "camera.realsense.laser_power"), "{keys:?}");
    let known = |key: &String| accepted.contains(key) || accepted.contains(&format!("{key}.offset"));
    let strange: Vec<_> = keys.iter().filter(|key| !known(key)).collect();
    assert!(strange.is_empty(), "systemd/station.example.toml has {strange:?}, which no station accepts");
}

/// The paths of all fields of `value`: `stages[].name`. Those of a null or an empty list are not known.
pub fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let joined = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            object.iter().for_each(|(key, value)| fields(value, &joined(key), found));
        }
        Value::Array(values) if values.first().is_some_and(Value::is_object) => {
            values.iter().for_each(|value| fields(value, &format!("{path}[]"), found));
        }
        _ => drop(found.insert(path.into())),
    }
}

/// Runs the program in `folder` and returns the JSON object that it prints.
fn printed(folder: &Path, arguments: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_crosscheck")).args(arguments.split(' ')).current_dir(folder).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong = || panic!("{arguments}: {text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap_or_else(|_| wrong())
}

/// Compares an object with the section of docs/reference/json.md that is called `title`. `absent`: documented fields that
/// this object does not have, by the beginnings of their paths.
fn compare(title: &str, object: &Value, absent: &[&str]) {
    let text = read("docs/reference/json.md");
    let section = text.split("\n## ").find(|section| section.starts_with(title)).unwrap();
    let documented = documented(section);
    let mut printed = BTreeSet::new();
    fields(object, "", &mut printed);
    let missing: Vec<_> = printed.iter().filter(|field| !documented.contains(*field)).collect();
    assert!(missing.is_empty(), "docs/reference/json.md, {title}: lacks {missing:?}");
    // A row may be about an object as a whole.
    let holds = |field: &&String| printed.iter().any(|printed| printed.starts_with(&format!("{field}.")));
    let is_absent = |field: &&String| absent.iter().any(|absent| field.starts_with(absent));
    let unknown: Vec<_> = documented.difference(&printed).filter(|f| !holds(f) && !is_absent(f)).collect();
    assert!(unknown.is_empty(), "docs/reference/json.md, {title}: names {unknown:?}, which are not printed");
}

#[test]
fn the_reference_lists_the_fields_that_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| printed(folder.path(), arguments);
    compare("`bench --json`", &run("bench --frames 1 --json"), &["gpu."]);
    compare("`count --json`", &run("count --json"), &[]);
    compare("`doctor --json`", &run("doctor --json"), &["loopback."]);
    let quiet = |arguments: &str| {
        let done =
            Command::new(env!("CARGO_BIN_EXE_crosscheck")).args(arguments.split(' ')).current_dir(&folder).output();
        assert!(done.unwrap().status.success(), "{arguments}");
    };
    quiet("synthesize --out data --part puck --train 1 --validation 0 --good 0 --defective 0");
    quiet("import --variant tiny --seeded 1 -o engine.safetensors");
    let frame = "--rgb data/puck/train/good/rgb/000.png --xyz data/puck/train/good/xyz/000.tiff";
    let inspected = run(&format!("inspect --engine engine.safetensors --threshold 0 {frame} --json"));
    compare("`inspect --json`", &inspected, &["gap.", "parts[]"]);
    (1..=2).for_each(|part| record_a_part(folder.path(), part));
    quiet("review say recording s00000001-0000000001 defect --kind shape --by Ada");
    compare("`review list --json`", &run("review list recording --json"), &[]);
    compare("`review summary --json`", &run("review summary recording --json"), &[]);
    compare("`review what-if --json`", &run("review what-if recording --threshold 1 --json"), &[]);
}

/// Adds a part to a recording, as far as its counts need it.
fn record_a_part(folder: &Path, part: u64) {
    let verdicts = folder.join("recording/parts/test/reject/verdict");
    std::fs::create_dir_all(&verdicts).unwrap();
    let record = serde_json::json!({
        "format": 1, "part": part, "sequence": part, "captured_unix_ms": 1, "score": 1.5, "verdict": "reject", "reason": null,
        "threshold": 1.0, "review": null, "engine_sha256": "ab", "times_ms": {},
    });
    std::fs::write(verdicts.join(format!("s00000001-{part:010}.json")), record.to_string()).unwrap();
}

#[test]
fn the_reference_lists_the_fields_of_events() {
    let (step, text) = (Step::Learn, String::from("a"));
    let all = [
        Event::Began { step },
        Event::Progress {
            step,
            phase: Phase::Epochs,
            done: 1,
            of: 2,
            seconds_left: None,
            loss: None,
            held_out_loss: None,
        },
        Event::Part(Part { set: Set::Train, name: None, faults: Vec::new() }),
        Event::Note { step, text: text.clone() },
        Event::Done { step, text: text.clone() },
        Event::Interrupted { step: None },
        Event::Refused { step: None, text },
        Event::Ended { state: State::Learnt },
    ];
    let mut fields = serde_json::Map::new();
    for event in all {
        let Value::Object(object) = serde_json::to_value(event).unwrap() else { panic!("it is no object") };
        fields.extend(object);
    }
    compare("`teach --events`", &Value::Object(fields), &[]);
    let text = read("docs/reference/json.md");
    let words = [&Step::WORDS[..], &Phase::WORDS, &Set::WORDS, &State::WORDS].concat();
    assert!(words.iter().all(|word| text.contains(&format!("`{word}`"))), "{words:?}");
}

#[test]
fn every_step_of_the_checks_is_explained() {
    let script = read(".ci/run");
    let lines = script.lines().filter_map(|line| line.strip_prefix("step \"").or(line.strip_prefix("beside \"")));
    let steps: Vec<&str> = lines.filter_map(|line| line.split('"').next()).collect();
    assert!(steps.contains(&"virtual machine") && steps.len() > 15, "{steps:?}");
    let text = read("docs/testing.md");
    let missing: Vec<_> = steps.iter().filter(|step| !text.contains(&format!("\n| {step} |"))).collect();
    assert!(missing.is_empty(), "docs/testing.md lacks {missing:?}");
}

#[test]
fn keys_of_a_file_are_found_where_they_are_commented_out() {
    let text = "# A sentence with x = 1.\n[a]\nb = 1 # c = 2\n# d = \"e\"\n# [[f.g]] # h\n# i_j = [1]";
    assert_eq!(keys_in(text), ["a.b", "a.d", "f.g.i_j"]);
}
