//! The view as a client sees it, over real connections.

mod charts;
mod description;
mod events;
mod exposition;
mod https;
mod people;
mod review;
mod teach;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crosscheck::action::{Action, Asked, Reply};
use crosscheck::audit::Scribe;
use crosscheck::frame::{OrganisedCloud, Region};
use crosscheck::overlay::{Overlay, Photograph};
use crosscheck::prepare::window::Window;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::metrics::{Count, Latency, Metrics};
use crosscheck::runtime::recipe::Roster;
use crosscheck::score::{Thresholds, Verdict};
use crosscheck::shapes::P;
use crosscheck::view::{Latest, Shown, Station, View};
use exposition::Exposition;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use crate::support::client::Client;

const TOKEN: &str = "0123456789abcdef";

/// What the view sees of a station, and what it is asked for.
fn station() -> (Station, Receiver<Asked>) {
    let (sender, actions) = sync_channel(1);
    let station = Station {
        name: "line 1".into(),
        metrics: Arc::new(Metrics::new(&["camera_lost", "disk_full"])),
        recipes: Roster::default(),
        latest: Arc::new(Latest::new()),
        actions: sender,
        staff: None,
        scribe: Scribe::default(),
        recording: None,
        trace: None,
        lessons: None,
        progress_age_max: Duration::from_secs(600),
    };
    (station, actions)
}

/// A view on a port of its own.
struct Desk {
    view: View,
    metrics: Arc<Metrics>,
    latest: Arc<Latest>,
    actions: Receiver<Asked>,
}

impl Desk {
    fn new(token: Option<&str>) -> Self {
        let (station, actions) = station();
        Self::of(station, actions, &token.map(|token| format!("token = \"{token}\"")).unwrap_or_default())
    }

    /// With keys of the configuration.
    fn of(station: Station, actions: Receiver<Asked>, keys: &str) -> Self {
        let config = toml::from_str(&format!("bind = \"127.0.0.1:0\"\n{keys}")).unwrap();
        let (metrics, latest) = (station.metrics.clone(), station.latest.clone());
        Self { view: View::serve(&config, station).unwrap(), metrics, latest, actions }
    }

    fn client(&self) -> Client {
        Client::new(self.view.address())
    }

    fn state(&self) -> Value {
        serde_json::from_slice(&self.client().get("/state.json").body).unwrap()
    }

    fn offer(&self, part: u64) {
        let (rgb, map, valid) = (vec![90; 64 * 48 * 3], vec![0.5; P], vec![true; P]);
        let photograph = Photograph { rgb: &rgb, width: 64, height: 48 };
        let (score, threshold, verdict) = (Some(0.5), Some(1.0), Some(Verdict::Pass));
        let (window, kept) = (Window::around(Region::of_size(64, 48)), &valid);
        let overlay = Overlay {
            photograph,
            window,
            kept,
            anomaly_map: &map,
            valid: &valid,
            score,
            threshold,
            verdict,
            defects: &[],
        };
        let cloud = OrganisedCloud::new(64, 48, vec![[0.0, 0.0, 0.5]; 64 * 48]).unwrap();
        self.latest.offer(Shown { part, ..Shown::default() }, &overlay, &cloud);
    }
}

#[test]
fn metrics_are_in_the_exposition_format() {
    let desk = Desk::new(None);
    let mut random = fastrand::Rng::with_seed(1);
    for part in 0..1000 {
        let score = random.f32() * 2.0;
        let verdict = if score > 1.0 { Verdict::Reject } else { Verdict::Pass };
        desk.metrics.verdict(part, Some(score), 1.0, verdict);
        for what in Latency::ALL {
            desk.metrics.time(what, Duration::from_micros(random.u64(1..50_000_000)));
        }
    }
    desk.metrics.raise(1);
    let answer = desk.client().get("/metrics");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; version=0.0.4; charset=utf-8")));
    let text = String::from_utf8(answer.body).unwrap();
    let metrics = Exposition::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let verdicts = |kind: &str| metrics.value("crosscheck_verdicts_total", &[("verdict", kind)]).unwrap();
    assert_eq!(verdicts("pass") + verdicts("reject"), 1000.0);
    let above = metrics.value("crosscheck_score_ratio_bucket", &[("le", "1")]).unwrap();
    assert_eq!(above, verdicts("pass"));
    assert_eq!(metrics.value("crosscheck_stage_seconds_count", &[("stage", "prepare")]), Some(1000.0));
    assert_eq!(metrics.value("crosscheck_fault_active", &[("fault", "disk_full")]), Some(1.0));
}

#[test]
fn a_wrong_exposition_is_found() {
    let good = "# HELP a_total x\n# TYPE a_total counter\na_total{k=\"v\"} 1\n";
    assert!(Exposition::parse(good).is_ok());
    let histogram = |counts: [u32; 3]| {
        let [low, all, count] = counts;
        format!(
            "# TYPE h histogram\nh_bucket{{le=\"1\"}} {low}\nh_bucket{{le=\"+Inf\"}} {all}\nh_sum 1\nh_count {count}\n"
        )
    };
    assert!(Exposition::parse(&histogram([1, 2, 2])).is_ok());
    for bad in [
        "a_total 1\n".to_string(),
        good.replace("counter", "count"),
        good.replace("\"v\"", "v"),
        good.replace(" 1\n", " one\n"),
        good.replace(" 1\n", " 1"),
        good.to_string() + "a_total{k=\"v\"} 2\n",
        good.to_string() + "# TYPE b gauge\nb 1\na_total{k=\"w\"} 2\n",
        histogram([3, 2, 2]),
        histogram([1, 2, 3]),
    ] {
        assert!(Exposition::parse(&bad).is_err(), "taken: {bad}");
    }
}

#[test]
fn health_follows_faults_and_progress() {
    let desk = Desk::new(None);
    let health = || desk.client().get("/healthz");
    assert_eq!(health().status, 200);
    desk.metrics.raise(0);
    let answer = health();
    assert_eq!((answer.status, answer.body), (503, b"fault camera_lost\n".to_vec()));
    desk.metrics.clear(0);
    assert_eq!(health().status, 200);
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let desk = Desk::new(None);
    let page = desk.client().get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    for path in
        ["/", "/style.css", "/page.js", "/live.js", "/scores.js", "/charts.js", "/plot.js", "/words.js", "/words.json"]
    {
        let answer = desk.client().get(path);
        assert_eq!(answer.status, 200, "{path}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("\"//"), "{path}");
    }
    assert_eq!(desk.client().get("/../etc/passwd").status, 404);
    assert_eq!(desk.client().send("PUT / HTTP/1.1\r\n\r\n").status, 405);
    let head = desk.client().send("HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.status == 200 && head.body.is_empty());
}

#[test]
fn the_latest_frame_is_shown_while_someone_looks() {
    let desk = Desk::new(None);
    desk.offer(1);
    assert_eq!(desk.client().get("/frame.jpg").status, 503, "nobody looked when it was offered");
    desk.offer(2);
    assert_eq!(desk.state()["part"]["part"], 2);
    for path in ["/frame.jpg", "/overlay.jpg?part=2", "/relief.jpg"] {
        let answer = desk.client().get(path);
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
        assert!(image::load_from_memory(&answer.body).unwrap().width() >= 64);
    }
}

#[test]
fn the_state_has_what_the_page_draws() {
    let desk = Desk::new(None);
    desk.metrics.verdict(7, Some(0.25), 0.5, Verdict::Pass);
    desk.metrics.verdict(8, None, 0.5, Verdict::Reject);
    desk.metrics.count(Count::Parts);
    desk.metrics.time(Latency::CaptureToEdge, Duration::from_millis(80));
    let state = desk.state();
    assert_eq!(state["station"], "line 1");
    assert_eq!(state["history"], serde_json::json!([[7, 0.25, 0], [8, null, 2]]));
    assert_eq!((&state["counts"]["parts"], &state["counts"]["reject"]), (&1.into(), &1.into()));
    assert_eq!(state["threshold"], 0.5);
    assert_eq!(state["may_act"], false);
    assert_eq!(state["latencies_ms"]["capture_to_edge"]["max"], 80.0);
    assert!(state["latencies_ms"]["capture_to_verdict"].is_null());
}

#[test]
fn the_state_keeps_the_order_in_which_the_page_shows_counts() {
    let desk = Desk::new(None);
    for what in Count::UNSCORED {
        desk.metrics.count(what);
    }
    let text = String::from_utf8(desk.client().get("/state.json").body).unwrap();
    let counts = text.split_once("\"counts\":{").unwrap().1.split_once('}').unwrap().0;
    let expected = "parts 0 pass 0 review 0 reject 0 unscored 4 late 0 pulses 0 merged 0 caught 0 missed 0 bounced 0 \
                    unconfirmed 0 frames 0 lost 0 dropped 0 recorded 0";
    assert_eq!(counts.replace('"', "").replace([':', ','], " "), expected);
}

fn post(desk: &Desk, path: &str, token: Option<&str>, body: &str) -> u16 {
    desk.client().send(&posted(path, token, body)).status
}

fn posted(path: &str, token: Option<&str>, body: &str) -> String {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\n{authorization}Content-Length: {length}\r\n\r\n{body}")
}

/// What the station is asked for by a request, and the answer after its reply.
fn asked(desk: &Desk, path: &str, body: &str, reply: Reply) -> (Action, u16, String) {
    let client = desk.client();
    let request = posted(path, Some(TOKEN), body);
    let answer = std::thread::spawn(move || client.send(&request));
    let asked = desk.actions.recv_timeout(Duration::from_secs(60)).unwrap();
    let action = asked.action;
    asked.reply(reply);
    let answer = answer.join().unwrap();
    (action, answer.status, String::from_utf8(answer.body).unwrap())
}

#[test]
fn a_loosening_action_needs_confirmation() {
    let desk = Desk::new(Some(TOKEN));
    let (action, status, text) = asked(&desk, "/threshold", "0.9", Reply::Unconfirmed("from 0.5 to 0.9".into()));
    assert_eq!((action, status), (Action::SetThreshold { reject: 0.9, may_loosen: false }, 409));
    assert!(text.contains("from 0.5 to 0.9") && text.contains("`loosen`"), "{text}");
    let done = Reply::Done("parts are rejected above 0.9".into());
    let (action, status, text) = asked(&desk, "/threshold", "0.9 loosen", done);
    assert_eq!((action, status), (Action::SetThreshold { reject: 0.9, may_loosen: true }, 200));
    assert_eq!(text, "parts are rejected above 0.9\n");
    let (action, status, _) = asked(&desk, "/threshold", "1e30 loosen", Reply::Refused("out of range".into()));
    assert_eq!((action, status), (Action::SetThreshold { reject: 1e30, may_loosen: true }, 422));
    let reload = asked(&desk, "/reload", "loosen", Reply::Done(String::new())).0;
    assert_eq!(reload, Action::Reload { may_loosen: true });
    assert_eq!(post(&desk, "/reload", Some(TOKEN), "soon"), 400);
}

#[test]
fn an_overridden_threshold_is_shown() {
    let desk = Desk::new(None);
    let configured = Thresholds { reject: 0.9, review: Some(0.1) };
    let judge = Judge::new(configured, [0.45, 1.8], "a".repeat(64));
    desk.metrics.set_judge(&judge);
    assert_eq!(desk.state()["threshold_overridden"], false);
    desk.metrics.set_judge(&judge.set(0.5, false).unwrap());
    let state = desk.state();
    assert_eq!((&state["threshold_overridden"], &state["threshold"]), (&true.into(), &0.5.into()));
    let text = String::from_utf8(desk.client().get("/metrics").body).unwrap();
    assert!(text.contains("\ncrosscheck_threshold_overridden 1\n"), "{text}");
}

#[test]
fn a_request_for_another_sites_name_sees_nothing() {
    let desk = Desk::new(None);
    for path in ["/", "/frame.jpg", "/state.json", "/metrics", "/healthz"] {
        let answer = desk.client().send(&format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
        assert_eq!(answer.status, 421, "{path}");
    }
    assert_eq!(desk.client().send("GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n").status, 200);
}

#[test]
fn only_the_token_acts() {
    let shows = Desk::new(None);
    assert_eq!(post(&shows, "/threshold", Some(TOKEN), "0.5"), 403);
    let acts = Desk::new(Some(TOKEN));
    assert_eq!(post(&acts, "/threshold", None, "0.5"), 401);
    assert_eq!(post(&acts, "/threshold", Some("0123456789abcdee"), "0.5"), 401);
    assert_eq!(post(&acts, "/elsewhere", Some(TOKEN), "0.5"), 404);
    for wrong in ["", "x", "-1", "0", "inf", "nan"] {
        assert_eq!(post(&acts, "/threshold", Some(TOKEN), wrong), 400, "{wrong}");
    }
    assert!(acts.actions.try_recv().is_err());
    // Nobody replies: it is not done yet, and the next is too much.
    assert_eq!(post(&acts, "/threshold", Some(TOKEN), "0.5"), 202);
    assert_eq!(post(&acts, "/reload", Some(TOKEN), ""), 503, "the station did not take the first yet");
    let first = acts.actions.try_recv().unwrap();
    assert_eq!(first.action, Action::SetThreshold { reject: 0.5, may_loosen: false });
    drop(first);
    let done = || Reply::Done(String::new());
    assert_eq!(asked(&acts, "/reload", "", done()).0, Action::Reload { may_loosen: false });
    assert_eq!(asked(&acts, "/acknowledge", "", done()).0, Action::Acknowledge);
}

#[test]
fn clients_that_say_nothing_keep_nobody_out_for_long() {
    let desk = Desk::new(None);
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    // More clients than the view keeps, some in the middle of a request.
    let silent: Vec<Client> = (0..1000).map(|_| desk.client()).collect();
    let slow: Vec<Client> = (0..8).map(|_| desk.client().begin("GET /state.json HTTP/1.1\r\nHost:")).collect();
    // Whoever asks for a picture and does not take it.
    let deaf: Vec<Client> =
        (0..8).map(|_| desk.client().begin("GET /state.json HTTP/1.1\r\nHost: localhost\r\n\r\n")).collect();
    for path in ["/healthz", "/metrics", "/", "/state.json"] {
        assert_eq!(desk.client().get(path).status, 200, "{path}");
    }
    drop((silent, slow, deaf));
}

#[test]
fn a_request_without_end_is_refused() {
    let desk = Desk::new(None);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000));
    assert_eq!(desk.client().send(&long).status, 431);
    assert_eq!(desk.client().send("POST /reload HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n").status, 413);
    assert_eq!(desk.client().send("\0\0\0\0\r\n\r\n").status, 400);
}

#[test]
fn the_port_is_free_again_afterwards() {
    let desk = Desk::new(None);
    let address = desk.view.address();
    drop(desk);
    assert!(std::net::TcpListener::bind(address).is_ok());
}
