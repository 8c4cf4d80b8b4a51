//! Log-in at the view, and what each role may do there.

use std::path::Path;
use std::sync::Arc;

use crosscheck::action::{Action, Reply};
use crosscheck::people::{Accounts, Role, Staff};
use serde_json::Value;

use super::{Desk, station};
use crate::support::client::Answer;

const PASSWORD: &str = "correct-horse-battery";

/// Three people who have accounts, called as their roles are.
pub fn hire(folder: &Path) -> Arc<Staff> {
    let path = folder.join("accounts.toml");
    let mut accounts = Accounts::read_or_begin(&path).unwrap();
    for role in Role::ALL {
        accounts.add(role.name(), role, PASSWORD).unwrap();
    }
    accounts.write().unwrap();
    Arc::new(Staff::open(&path).unwrap())
}

/// A desk with these three, and a token.
pub fn staffed(folder: &Path, recording: Option<&Path>) -> Desk {
    let (mut station, actions) = station();
    station.recording = recording.map(Path::to_path_buf);
    station.staff = Some(hire(folder));
    Desk::of(station, actions, "token = \"0123456789abcdef\"")
}

/// The cookie of a new session.
pub fn log_in(desk: &Desk, name: &str) -> String {
    let answer = try_log_in(desk, name, PASSWORD);
    assert_eq!(answer.status, 200);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/;"), "{cookie}");
    cookie.split(';').next().unwrap().into()
}

fn try_log_in(desk: &Desk, name: &str, password: &str) -> Answer {
    let body = serde_json::json!({ "name": name, "password": password }).to_string();
    let length = body.len();
    desk.client().send(&format!("POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"))
}

fn get(desk: &Desk, path: &str, more: &str) -> Answer {
    desk.client().send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"))
}

/// A request as the page's own script sends it.
pub fn post(desk: &Desk, path: &str, cookie: &str, body: &str) -> String {
    let length = body.len();
    let address = desk.view.address();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: a=b; {cookie}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

const DEEDS: [(&str, &str, Role); 5] = [
    ("/acknowledge", "", Role::Operator),
    ("/hold", "on", Role::Operator),
    ("/threshold", "0.5", Role::Engineer),
    ("/reload", "", Role::Engineer),
    ("/recipe", "2", Role::Engineer),
];

#[test]
fn each_role_may_do_what_is_its_own_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let desk = staffed(folder.path(), None);
    for role in Role::ALL {
        let cookie = log_in(&desk, role.name());
        let session: Value =
            serde_json::from_slice(&get(&desk, "/session", &format!("Cookie: {cookie}\r\n")).body).unwrap();
        assert_eq!((&session["name"], &session["role"]), (&role.name().into(), &role.name().into()));
        for (path, body, needed) in DEEDS {
            let (client, request) = (desk.client(), post(&desk, path, &cookie, body));
            let answer = std::thread::spawn(move || client.send(&request).status);
            if role >= needed {
                let asked = desk.actions.recv().unwrap();
                assert_eq!((&*asked.by.who, asked.by.role), (role.name(), Some(role)), "{path}");
                asked.reply(Reply::Done(String::new()));
            }
            assert_eq!(answer.join().unwrap(), if role >= needed { 200 } else { 403 }, "{path} as {}", role.name());
        }
    }
    assert!(desk.actions.try_recv().is_err());
}

#[test]
fn who_is_not_logged_in_sees_nothing_but_the_log_in_and_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let desk = staffed(folder.path(), None);
    for path in [
        "/",
        "/review",
        "/state.json",
        "/events",
        "/frame.jpg",
        "/parts.json",
        "/review.json",
        "/teach",
        "/teach.json",
        "/openapi.json",
    ] {
        assert_eq!(get(&desk, path, "").status, 401, "{path}");
        assert_eq!(get(&desk, path, "Cookie: crosscheck=0123456789\r\n").status, 401, "{path}");
    }
    let page = get(&desk, "/review", "Accept: text/html,*/*\r\n");
    assert_eq!((page.status, page.header("location")), (303, Some("/login")));
    for path in ["/login", "/style.css", "/words.json", "/session", "/metrics", "/healthz"] {
        assert_eq!(get(&desk, path, "").status, 200, "{path}");
    }
    let cookie = log_in(&desk, "viewer");
    assert_eq!(get(&desk, "/state.json", &format!("Cookie: {cookie}\r\n")).status, 200);
    assert_eq!(get(&desk, "/state.json", "Authorization: Bearer 0123456789abcdef\r\n").status, 200);
    assert_eq!(desk.client().send(&post(&desk, "/logout", &cookie, "")).status, 200);
    assert_eq!(get(&desk, "/state.json", &format!("Cookie: {cookie}\r\n")).status, 401);
}

// A page of another port of this machine is of the same site for a browser, which sends the cookie with its requests.
#[test]
fn a_session_acts_from_the_own_page_alone() {
    let folder = tempfile::tempdir().unwrap();
    let desk = staffed(folder.path(), None);
    let own = post(&desk, "/acknowledge", &log_in(&desk, "engineer"), "");
    let origin = format!("Origin: http://{}\r\n", desk.view.address());
    assert!(own.contains(&origin));
    for other in ["Origin: http://127.0.0.1:1\r\n", "Origin: null\r\n", ""] {
        assert_eq!(desk.client().send(&own.replace(&origin, other)).status, 403, "{other}");
    }
    assert!(desk.actions.try_recv().is_err());
}

#[test]
fn log_ins_are_limited_and_tell_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let desk = staffed(folder.path(), None);
    let [unknown, wrong] = [("nobody", PASSWORD), ("viewer", "wrong-horse-battery")].map(|(name, password)| {
        let answer = try_log_in(&desk, name, password);
        (answer.status, answer.body)
    });
    assert!(unknown.0 == 401 && unknown == wrong);
    for body in ["", "[]", "{\"name\": 1}", "{\"name\": \"viewer\", \"password\": \"x\", \"role\": \"engineer\"}"] {
        let length = body.len();
        let request = format!("POST /login HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        assert_eq!(desk.client().send(&request).status, 400, "{body}");
    }
    (0..8).for_each(|_| assert_eq!(try_log_in(&desk, "viewer", "wrong-horse-battery").status, 401));
    assert_eq!(try_log_in(&desk, "viewer", PASSWORD).status, 429);
    let without = Desk::new(None);
    assert_eq!(try_log_in(&without, "viewer", PASSWORD).status, 404);
}

#[test]
fn the_token_still_acts_beside_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let desk = staffed(folder.path(), None);
    let asked = super::asked(&desk, "/acknowledge", "", Reply::Done(String::new()));
    assert_eq!((asked.0, asked.1), (Action::Acknowledge, 200));
}
