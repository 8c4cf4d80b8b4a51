//! Recorded parts at the view.

use std::path::Path;

use crosscheck::frame::{OrganisedCloud, Region, RgbdFrame};
use crosscheck::inspect::{Outcome, Scores};
use crosscheck::prepare::window::Window;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::part_frame::PartFrame;
use crosscheck::runtime::recorder::{Recorder, RecorderOptions};
use crosscheck::score::{Thresholds, Verdict};
use crosscheck::shapes::W;
use serde_json::Value;

use super::people::{log_in, post, staffed};
use super::{Desk, TOKEN, station};

const WIDTH: usize = 112;
const HEIGHT: usize = 96;

/// A station that has recorded parts: each third one was rejected.
fn record(folder: &Path, parts: u64) {
    let options = RecorderOptions { folder: folder.into(), quota_bytes: 1 << 30 };
    let mut recorder = Recorder::open(&options).unwrap();
    let judge = Judge::new(Thresholds { reject: 0.5, review: None }, [0.25, 1.0], "0123456789abcdef".repeat(4));
    let mut frame = PartFrame::empty();
    let cloud = OrganisedCloud::new(WIDTH, HEIGHT, vec![[0.0, 0.0, 0.5]; WIDTH * HEIGHT]).unwrap();
    frame.captured.frame = RgbdFrame::new(WIDTH, HEIGHT, vec![90; WIDTH * HEIGHT * 3], cloud).unwrap();
    frame.inspection.maps.silence();
    frame.inspection.input.window = Window::around(Region::of_size(WIDTH, HEIGHT));
    frame.inspection.maps.anomaly_map[100 * W + 100] = 0.75;
    for part in 1..=parts {
        frame.part = part;
        let (score, verdict) = if part % 3 == 0 { (0.75, Verdict::Reject) } else { (0.25, Verdict::Pass) };
        let scores = Scores { score, reference: 1.0 };
        frame.inspection.outcome = Outcome::Scored { scores, verdict: Some(verdict) };
        recorder.record(&frame, &judge).unwrap();
    }
}

fn desk(folder: &Path) -> Desk {
    let (mut station, actions) = station();
    station.recording = Some(folder.into());
    Desk::of(station, actions, &format!("token = \"{TOKEN}\""))
}

fn json(desk: &Desk, path: &str) -> Value {
    let answer = desk.client().get(path);
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

fn name(part: u64) -> String {
    format!("s00000001-{part:010}")
}

fn say(desk: &Desk, part: u64, asked: &str, mask: &[u8]) -> (u16, String) {
    let head = format!(
        "POST /parts/{}/finding?{asked} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        name(part),
        mask.len()
    );
    let answer = desk.client().send_bytes(&[head.as_bytes(), mask].concat());
    (answer.status, String::from_utf8(answer.body).unwrap())
}

#[test]
fn parts_are_listed_page_by_page_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 9);
    let desk = desk(folder.path());
    let first = json(&desk, "/parts.json?count=4");
    let names = |page: &Value| -> Vec<u64> {
        page["parts"].as_array().unwrap().iter().map(|part| part["part"].as_u64().unwrap()).collect()
    };
    assert_eq!((names(&first), &first["total"]), (vec![9, 8, 7, 6], &9.into()));
    let next = json(&desk, &format!("/parts.json?count=4&after={}", first["next"].as_str().unwrap()));
    assert_eq!(names(&next), [5, 4, 3, 2]);
    assert_eq!(names(&json(&desk, "/parts.json?verdict=reject&found=none")), [9, 6, 3]);
    assert_eq!(json(&desk, &format!("/parts/{}/record", name(9)))["record"]["part"], 9);
    for picture in ["photograph", "thumbnail", "overlay", "relief", "distance_rgb", "distance_xyz", "mask"] {
        let answer = desk.client().get(&format!("/parts/{}/{picture}", name(9)));
        assert_eq!(answer.status, 200, "{picture}: {}", String::from_utf8_lossy(&answer.body));
        assert!(image::load_from_memory(&answer.body).unwrap().width() > 90, "{picture}");
        let stays = answer.header("cache-control").unwrap().contains("max-age");
        assert_eq!(stays, picture != "mask", "{picture}");
    }
}

#[test]
fn what_a_person_says_counts_and_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 9);
    let desk = desk(folder.path());
    let mut mask = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_pixel(WIDTH as u32, HEIGHT as u32, image::Luma([255]))
        .write_to(&mut mask, image::ImageFormat::Png)
        .unwrap();
    assert_eq!(say(&desk, 3, "opinion=good", b"").0, 200);
    let (status, kept) = say(&desk, 6, "opinion=defect&kind=shape", mask.get_ref());
    assert!(status == 200 && kept.contains("\"by\":\"token\""), "{kept}");
    let corrected = desk.client().get(&format!("/parts/{}/mask", name(6)));
    let corrected = image::load_from_memory(&corrected.body).unwrap().to_luma8();
    assert!(corrected.pixels().all(|pixel| pixel.0 == [255]));
    let summary = json(&desk, "/review.json");
    assert_eq!((&summary["reject"]["good"], &summary["reject"]["defect"]), (&1.into(), &1.into()));
    assert_eq!((&summary["kinds"][0]["kind"], &summary["false_rejects"]["count"]), (&"shape".into(), &1.into()));
    for (asked, mask, status) in [
        ("", &b""[..], 400),
        ("opinion=fine", b"", 400),
        ("opinion=good&kind=shape", b"", 400),
        ("opinion=defect&kind=dent", b"", 400),
        ("opinion=defect", b"no picture", 422),
    ] {
        assert_eq!(say(&desk, 9, asked, mask).0, status, "{asked}");
    }
    assert_eq!(say(&desk, 77, "opinion=good", b"").0, 404);
    assert!(json(&desk, &format!("/parts/{}/record", name(9)))["finding"].is_null());
}

// Names that lead elsewhere, or have markup in them.
#[test]
fn no_path_leads_out_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 1);
    let desk = desk(folder.path());
    for name in ["..", "..%2f..%2fetc", "%2e%2e%2fpasswd", "%3Cscript%3E", "s00000001-0000000001%00", "%ff", "a"] {
        for what in ["record", "photograph", "mask"] {
            let answer = desk.client().get(&format!("/parts/{name}/{what}"));
            assert!([400, 404].contains(&answer.status), "{name}: {}", answer.status);
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
    }
    for query in ["verdict=bad", "recipe=-1", "from_unix_ms=x", "after=../x", "count=-1"] {
        assert_eq!(desk.client().get(&format!("/parts.json?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a_station_that_records_nothing_says_so() {
    let desk = Desk::new(None);
    for path in ["/parts.json", "/review.json", "/parts/s00000001-0000000001/mask"] {
        let answer = desk.client().get(path);
        assert!(answer.status == 404 && String::from_utf8(answer.body).unwrap().contains("[record]"), "{path}");
    }
    // It begins with the first part.
    let folder = tempfile::tempdir().unwrap();
    let desk = self::desk(&folder.path().join("recording"));
    assert_eq!(desk.client().get("/parts.json").status, 404);
    record(&folder.path().join("recording"), 1);
    assert_eq!(json(&desk, "/parts.json")["total"], 1);
}

#[test]
fn a_viewer_says_nothing_and_an_operator_by_name() {
    let folder = tempfile::tempdir().unwrap();
    record(&folder.path().join("recording"), 3);
    let desk = staffed(folder.path(), Some(&folder.path().join("recording")));
    let path = format!("/parts/{}/finding?opinion=good", name(3));
    assert_eq!(desk.client().send(&post(&desk, &path, &log_in(&desk, "viewer"), "")).status, 403);
    let answer = desk.client().send(&post(&desk, &path, &log_in(&desk, "operator"), ""));
    let kept: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &kept["by"]), (200, &"operator".into()));
}
