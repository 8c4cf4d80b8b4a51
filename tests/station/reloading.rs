//! What a running station takes over from its configuration, and what it refuses.

use std::path::Path;

use crosscheck::config::Station;
use crosscheck::dataset::mvtec3d;
use crosscheck::runtime::inspection::Change;
use crosscheck::runtime::judgement::Judgement;
use crosscheck::runtime::reload::Reloader;

use crate::plant::{engine, frames};

fn write(folder: &Path, more: &str) -> Station {
    let path = folder.join("station.toml");
    let text = format!(
        "[engine]\npath = \"engine.safetensors\"\ncheck_frames = \"check\"\n{more}\n[camera]\nsource = \"synthetic\"\n\
         [trigger]\nsource = \"free\"\n[reject]\ndelay_ms = 500\ndecision_lead_ms = 20\npulse_ms = 20\n\
         [actuator]\nsink = \"log\"\n"
    );
    std::fs::write(&path, text).unwrap();
    Station::read(&path).unwrap()
}

/// A station whose engine passes the frame that engines are checked on.
fn reloader(folder: &Path) -> Reloader {
    engine(1e6).write(&folder.join("engine.safetensors")).unwrap();
    mvtec3d::write(&folder.join("check"), "000", &frames()[0], None).unwrap();
    let station = write(folder, "");
    let judgement = Judgement::of_station(&station).unwrap();
    Reloader::new(folder.join("station.toml"), station, judgement.judge)
}

#[test]
fn thresholds_and_regions_are_taken_over_without_another_engine() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    write(folder.path(), "threshold = 0.25\nreview = 0.125");
    let changes = reloader.reload(Some((224, 224))).unwrap();
    let [Change::Judge(judge), Change::Regions(None)] = changes.as_slice() else { panic!("other changes") };
    assert_eq!((judge.thresholds.reject, judge.thresholds.review), (0.25, Some(0.125)));
    let Change::Judge(judge) = reloader.threshold(0.5) else { panic!("another change") };
    assert_eq!((judge.thresholds.reject, judge.thresholds.review), (0.5, None));
}

#[test]
fn regions_that_do_not_fit_the_camera_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    let beyond = "[[regions.of_interest]]\npolygon = [[300, 300], [400, 300], [400, 400]]\n";
    let path = folder.path().join("station.toml");
    let text = std::fs::read_to_string(&path).unwrap() + beyond;
    std::fs::write(&path, text).unwrap();
    let Err(error) = reloader.reload(Some((224, 224))) else { panic!("it was taken") };
    assert!(error.to_string().contains("leave no pixel"), "{error}");
    assert_eq!(reloader.reload(Some((800, 600))).unwrap().len(), 2);
}

#[test]
fn a_new_engine_takes_over_once_it_has_judged_the_check_frames_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    let path = folder.path().join("engine.safetensors");
    // One that rejects a good part.
    engine(0.0).write(&path).unwrap();
    let Err(error) = reloader.reload(None) else { panic!("it was taken") };
    assert!(error.to_string().contains("check/000") && error.to_string().contains("pass is expected"), "{error}");
    std::fs::write(&path, b"no engine").unwrap();
    assert!(reloader.reload(None).is_err());
    let mut other = engine(1e6);
    other.metadata.fitted_on.push("another".into());
    let hash = other.write(&path).unwrap();
    let changes = reloader.reload(None).unwrap();
    let [Change::Engine { judge, .. }] = changes.as_slice() else { panic!("other changes") };
    assert_eq!(judge.engine_sha256, hash);
    // It is the engine in use from then on.
    assert!(matches!(reloader.reload(None).unwrap()[0], Change::Judge(_)));
}
