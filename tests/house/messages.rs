//! The schemas and the page of the MQTT messages name what the program publishes, and nothing else.

use std::collections::BTreeSet;

use crosscheck::defects::Kind;
use crosscheck::identity::Identity;
use crosscheck::mqtt::Event;
use crosscheck::mqtt::messages::{FORMAT, Info, Phase, ResultMessage, State, VerdictMessage};
use crosscheck::reject::fault::Fault;
use crosscheck::score::Verdict;
use serde_json::{Value, json};

use crate::documented::{documented, fields};
use crate::read;
use crate::worst::worst;

fn schema(name: &str) -> Value {
    serde_json::from_str(&read(format!("docs/reference/mqtt/{name}.schema.json"))).unwrap()
}

/// The paths of the fields that a schema has, and of those that it demands.
fn of_schema(schema: &Value, path: &str, found: &mut BTreeSet<String>, demanded: &mut BTreeSet<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        found.insert(path.into());
        return;
    };
    for (key, value) in properties {
        let joined = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if schema["required"].as_array().unwrap().contains(&json!(key)) {
            demanded.insert(joined.clone());
        }
        of_schema(value, &joined, found, demanded);
    }
}

fn messages() -> [(&'static str, Value); 4] {
    let event = Event {
        part: 1,
        identity: Identity::new("SN-1").unwrap(),
        recipe: 0,
        verdict: Verdict::Reject,
        score: Some(0.75),
        threshold: 0.5,
        reason: None,
        defects: 1,
        worst: Some(worst()),
        latency_ms: Some(80.0),
    };
    [
        ("verdict", json!(VerdictMessage { event, time_unix_ms: 1 })),
        ("state", json!(State::ended(Phase::Stopped))),
        ("info", json!(Info::of("line-1"))),
        ("result", json!(ResultMessage { command: "hold".into(), result: "done", text: String::new() })),
    ]
}

#[test]
fn every_message_has_the_fields_of_its_schema_and_of_its_table() {
    let page = read("docs/reference/mqtt.md");
    for (name, message) in messages() {
        let (mut known, mut demanded, mut published) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        of_schema(&schema(name), "", &mut known, &mut demanded);
        fields(&message, "", &mut published);
        assert_eq!(known, published, "docs/reference/mqtt/{name}.schema.json");
        // No field is left out: one that is not known is null.
        assert!(known.is_subset(&demanded), "{name}: {demanded:?}");
        let title = format!("`<topic>/{name}`");
        let section = page.split("\n## ").find(|section| section.starts_with(&title)).unwrap();
        let mut rows = documented(section);
        // Of the object as a whole.
        rows.remove("worst");
        assert_eq!(rows, published, "docs/reference/mqtt.md, {title}");
    }
}

#[test]
fn the_schemas_list_the_words_of_the_program() {
    let words = |value: &Value| -> Vec<String> { serde_json::from_value(value["enum"].clone()).unwrap() };
    assert_eq!(words(&schema("state")["properties"]["state"]), Phase::WORDS);
    let faults: Vec<&str> = Fault::ALL.into_iter().filter(|f| *f != Fault::Starting).map(Fault::name).collect();
    assert_eq!(words(&schema("state")["properties"]["faults"]["items"]), faults);
    let verdict = &schema("verdict")["properties"];
    assert_eq!(words(&verdict["worst"]["properties"]["kind"]), Kind::WORDS);
    let verdicts = [Verdict::Pass, Verdict::Review, Verdict::Reject].map(|verdict| json!(verdict));
    assert_eq!(verdict["verdict"]["enum"], json!(verdicts));
    assert_eq!(schema("info")["properties"]["format"]["const"], json!(FORMAT));
}
