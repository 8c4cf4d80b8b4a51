//! A recipe is taught at the view, up to the process that learns: ci/page/run.sh goes the whole way.

use std::path::Path;
use std::sync::mpsc::Receiver;

use crosscheck::action::{Action, Asked, Reply};
use crosscheck::config::recipe::Recipe;
use crosscheck::config::teach::Teach;
use crosscheck::people::Role;
use crosscheck::teach::{Collecting, How, Revision};
use crosscheck::view::{Lessons, Station};
use serde_json::{Value, json};

use super::people::{hire, log_in, post};
use super::{Desk, TOKEN, asked, posted, station};

/// A station with lessons in `folder`, and what collects for them.
fn taught(folder: &Path) -> (Station, Receiver<Asked>, Collecting) {
    let (mut station, actions) = station();
    let teach = Teach { folder: folder.join("lessons") };
    let (collecting, _) = Collecting::start(teach.clone()).unwrap();
    station.lessons = Some(Lessons::new(teach, folder.join("station.toml"), collecting.courses()));
    (station, actions, collecting)
}

fn desk(folder: &Path) -> (Desk, Collecting) {
    let (station, actions, collecting) = taught(folder);
    (Desk::of(station, actions, &format!("token = \"{TOKEN}\"")), collecting)
}

fn ask(desk: &Desk, path: &str, body: &str) -> (u16, String) {
    let answer = desk.client().send(&posted(path, Some(TOKEN), body));
    (answer.status, String::from_utf8(answer.body).unwrap())
}

fn get(desk: &Desk, path: &str) -> Value {
    let answer = desk.client().get(path);
    assert_eq!(answer.status, 200, "{path}");
    serde_json::from_slice(&answer.body).unwrap()
}

const STATION: &str = "[engine]\npath = \"none.safetensors\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"free\"\n\
    [reject]\ndelay_ms = 3000\ndecision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n\
    [teach]\nfolder = \"lessons\"\n";
const LESSON: &str = r#"{"number": 3, "name": "<b>flange</b>", "parts": 16, "validation": 12}"#;

#[test]
fn a_lesson_is_begun_and_its_regions_are_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _collecting) = desk(folder.path());
    assert_eq!(get(&desk, "/teach.json")["lessons"], json!([]));
    assert_eq!(ask(&desk, "/lessons", LESSON).0, 200);
    assert_eq!(
        get(&desk, "/teach.json")["lessons"],
        json!([{"number": 3, "name": "<b>flange</b>", "is_revised": false}])
    );
    let polygon = [[10.0, 10.0], [300.0, 10.0], [300.0, 200.0]];
    let drawn = json!({"window": [20, 30, 200, 100], "of_interest": [polygon], "ignore": []}).to_string();
    let (status, text) = ask(&desk, "/lessons/3/regions", &drawn);
    let lesson: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &lesson["state"], &lesson["parts"]), (200, &json!("collecting"), &json!([0, 0])));
    assert_eq!(lesson["subject"]["scene"]["crop"]["rectangle"], json!([20, 30, 200, 100]));
    assert_eq!(lesson["subject"]["regions"]["of_interest"][0]["polygon"], json!(polygon));
    assert_eq!(get(&desk, "/lessons/3"), lesson);
    assert_eq!(get(&desk, "/lessons/3/scores"), Value::Null);
    // Without a window the survey's proposal is taken again.
    let drawn = json!({"window": null, "of_interest": [], "ignore": []}).to_string();
    assert!(
        ask(&desk, "/lessons/3/regions", &drawn).0 == 200 && get(&desk, "/lessons/3")["subject"]["scene"].is_null()
    );
}

#[test]
fn what_cannot_be_taught_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _collecting) = desk(folder.path());
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        ("{\"number\": 70000, \"name\": \"a\", \"parts\": 1, \"validation\": 1}", 400),
        ("{\"number\": 0, \"name\": \"a\", \"parts\": 1, \"validation\": 1}", 422),
        ("{\"number\": 1, \"name\": \"\", \"parts\": 1, \"validation\": 1}", 422),
        ("{\"number\": 1, \"name\": \"a\", \"parts\": 0, \"validation\": 1}", 422),
    ] {
        assert_eq!(ask(&desk, "/lessons", body).0, status, "{body}");
    }
    assert_eq!(get(&desk, "/teach.json")["lessons"], json!([]));
    assert_eq!(ask(&desk, "/lessons", LESSON).0, 200);
    assert_eq!(ask(&desk, "/lessons", LESSON).0, 409);
    for (drawn, status) in [
        (json!({"window": [0, 0, 0, 0], "of_interest": [], "ignore": []}), 422),
        (json!({"window": null, "of_interest": [[[0.0, 0.0]]], "ignore": []}), 422),
        (json!({"window": null, "of_interest": [{"mask": "/etc/passwd"}], "ignore": []}), 400),
    ] {
        assert_eq!(ask(&desk, "/lessons/3/regions", &drawn.to_string()).0, status, "{drawn}");
    }
    for path in ["/lessons/4", "/lessons/4/scores", "/lessons/3/proposal", "/lessons/3/overlays/train/000"] {
        assert_eq!(desk.client().get(path).status, 404, "{path}");
    }
    for path in [
        "/lessons/x",
        "/lessons/3/overlays/other/000",
        "/lessons/3/overlays/train/..%2f..%2fa",
        "/lessons/3/overlays/train/a",
    ] {
        assert_eq!(desk.client().get(path).status, 400, "{path}");
    }
}

#[test]
fn the_station_is_asked_to_collect() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _collecting) = desk(folder.path());
    assert_eq!(ask(&desk, "/lessons", LESSON).0, 200);
    let (action, status, text) = asked(&desk, "/lessons/3/collect", "on", Reply::Done("28 more".into()));
    assert_eq!((action, status, text.as_str()), (Action::Collect(Some(3)), 200, "28 more\n"));
    assert_eq!(asked(&desk, "/lessons/3/collect", "off", Reply::Done(String::new())).0, Action::Collect(None));
    assert_eq!(ask(&desk, "/lessons/3/collect", "perhaps").0, 400);
}

#[test]
fn a_revision_is_shown_and_one_that_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, _collecting) = desk(folder.path());
    // No station is described where its configuration is expected.
    let (status, text) = ask(&desk, "/lessons/3/revise", r#"{"of": 0, "name": "a"}"#);
    assert!(status == 422 && text.contains("station.toml"), "{text}");
    std::fs::write(folder.path().join("station.toml"), STATION).unwrap();
    for (path, body, status, words) in [
        ("/lessons/3/revise", r#"{"how": "guess"}"#, 400, "recalibrate"),
        ("/lessons/3/revise", r#"{"of": 4, "name": "a"}"#, 422, "no recipe 4"),
        ("/lessons/3/revise", r#"{"of": 0}"#, 422, "no name"),
        ("/lessons/0/revise", r#"{"of": 0, "name": "a"}"#, 422, "recipe.number is 0"),
        ("/lessons/3/accept", "", 404, "no lesson"),
        ("/lessons/3/discard", "", 404, "no lesson"),
    ] {
        let (found, text) = ask(&desk, path, body);
        assert!(found == status && text.contains(words), "{path} {body}: {found} {text}");
    }
    assert_eq!(get(&desk, "/teach.json")["lessons"], json!([]));
    assert_eq!(ask(&desk, "/lessons", LESSON).0, 200);
    assert_eq!(get(&desk, "/lessons/3/revision"), Value::Null);
    let revision = Revision {
        format: 1,
        how: How::Refit,
        of: 3,
        before_sha256: "ab".into(),
        engine_sha256: "cd".into(),
        threshold_before: None,
        threshold: 1.5,
        guarantee: "at most 1 of 20".into(),
        found_good: 2,
        recorded: 4,
        replayed: 4,
        changed: Vec::new(),
        recipe: Recipe::new(3, "<b>flange</b>".into()),
    };
    let place = folder.path().join("lessons/3/revision");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("revision.json"), serde_json::to_string(&revision).unwrap()).unwrap();
    assert_eq!(get(&desk, "/lessons/3/revision"), serde_json::to_value(&revision).unwrap());
    assert_eq!(get(&desk, "/teach.json")["lessons"][0]["is_revised"], true);
    std::fs::write(place.join("revision.json"), "{").unwrap();
    assert_eq!(desk.client().get("/lessons/3/revision").status, 422);
}

#[test]
fn engineers_teach_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let (mut station, actions, _collecting) = taught(folder.path());
    station.staff = Some(hire(folder.path()));
    let desk = Desk::of(station, actions, "");
    for role in [Role::Viewer, Role::Operator] {
        let cookie = log_in(&desk, role.name());
        for path in [
            "/lessons",
            "/lessons/3/regions",
            "/lessons/3/collect",
            "/lessons/3/learn",
            "/lessons/3/cancel",
            "/lessons/3/activate",
            "/lessons/3/revise",
            "/lessons/3/accept",
            "/lessons/3/discard",
        ] {
            assert_eq!(desk.client().send(&post(&desk, path, &cookie, LESSON)).status, 403, "{path}");
        }
    }
    let cookie = log_in(&desk, "engineer");
    assert_eq!(desk.client().send(&post(&desk, "/lessons", &cookie, LESSON)).status, 200);
}

#[test]
fn a_station_without_lessons_says_so() {
    let desk = Desk::new(Some(TOKEN));
    assert_eq!(desk.client().get("/teach.json").status, 404);
    let (status, text) = ask(&desk, "/lessons", LESSON);
    assert!(status == 404 && text.contains("[teach]"), "{text}");
}
