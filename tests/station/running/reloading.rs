//! What a running station takes over from its configuration, and what it refuses.

use std::path::Path;

use crosscheck::config::Station;
use crosscheck::dataset::mvtec3d;
use crosscheck::runtime::change::Change;
use crosscheck::runtime::judgement::Judgement;
use crosscheck::runtime::last_run::Kept;
use crosscheck::station::reload::Reloader;

use crate::support::plant::frames;
use crate::support::small_engine::engine;

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
    let judgement = Judgement::from_station(&station).unwrap();
    Reloader::new(folder.join("station.toml"), station.clone(), station, judgement.judge, Kept::default())
}

#[test]
fn thresholds_and_regions_are_taken_over_without_another_engine() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    write(folder.path(), "threshold = 0.25\nreview = 0.125");
    let change = reloader.reload(Some((224, 224)), false).unwrap();
    assert!(change.inspector.is_none() && matches!(change.regions, Some(None)) && change.is_reload && !change.loosens);
    assert_eq!(thresholds(&change), (0.25, Some(0.125)));
}

/// What judges after a change.
fn thresholds(change: &Change) -> (f32, Option<f32>) {
    let thresholds = change.judge.as_ref().expect("a judge").thresholds;
    (thresholds.reject, thresholds.review)
}

#[test]
fn the_page_s_threshold_keeps_the_band_and_stays_within_its_range() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    write(folder.path(), "threshold = 0.9\nreview = 0.1\nthreshold_range = [0.2, 2.0]");
    reloader.reload(None, true).unwrap();
    assert_eq!(thresholds(&reloader.threshold(0.9, false).unwrap()), (0.9, Some(0.1)));
    let refused = |reloader: &mut Reloader, reject, may_loosen| {
        reloader.threshold(reject, may_loosen).err().expect("it was taken").to_string()
    };
    assert!(refused(&mut reloader, 1e30, true).contains("0.2 to 2"));
    assert!(refused(&mut reloader, 1.0, false).contains("from 0.9"));
    let change = reloader.threshold(1.0, true).unwrap();
    assert!(change.loosens && thresholds(&change) == (1.0, Some(0.1)));
    // A looser one ends with a reload, a tighter one stays.
    assert_eq!(thresholds(&reloader.reload(None, false).unwrap()), (0.9, Some(0.1)));
    reloader.threshold(0.3, false).unwrap();
    assert_eq!(thresholds(&reloader.reload(None, false).unwrap()), (0.3, Some(0.1)));
    assert!(reloader.judge().is_overridden());
}

#[test]
fn a_reload_that_loosens_is_confirmed_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    write(folder.path(), "threshold = 1e5");
    assert!(!reloader.reload(None, false).unwrap().loosens);
    let mut refused = |more: &str, word: &str| {
        write(folder.path(), more);
        let error = reloader.reload(None, false).err().expect("it was taken").to_string();
        assert!(error.contains(word), "{word}: {error}");
        let change = reloader.reload(None, true).unwrap();
        assert!(change.loosens && change.is_reload);
        // What is in force already loosens nothing.
        assert!(!reloader.reload(None, false).unwrap().loosens);
    };
    refused("threshold = 2e5", "the threshold goes from 100000 to 200000");
    refused("threshold = 2e5\n[[regions.ignore]]\npolygon = [[0, 0], [9, 0], [9, 9]]", "[regions] are others");
    refused("threshold = 2e5\nprecision = \"bf16\"", "engine.precision is another");
    refused("threshold = 2e5\n[scene]\npart = \"all\"\nbelt = \"none\"", "[scene] is another");
    let path = folder.path().join("engine.safetensors");
    let mut other = engine(1e6);
    other.metadata.fitted_on.push("another".into());
    other.write(&path).unwrap();
    refused("threshold = 2e5\n[scene]\npart = \"all\"\nbelt = \"none\"", "another engine judges");
}

#[test]
fn the_newest_change_takes_the_place_of_those_that_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    write(folder.path(), "threshold = 9e5\nreview = 1e5");
    let reload = reloader.reload(None, true).unwrap();
    let waiting = reload.then(reloader.threshold(8e5, false).unwrap());
    assert_eq!(thresholds(&waiting), (8e5, Some(1e5)));
    assert!(waiting.is_reload && matches!(waiting.regions, Some(None)) && waiting.inspector.is_none());
    let mut other = engine(1e6);
    other.metadata.fitted_on.push("another".into());
    other.write(&folder.path().join("engine.safetensors")).unwrap();
    let waiting = waiting.then(reloader.reload(None, true).unwrap());
    assert!(waiting.inspector.is_some() && waiting.regions.is_none(), "an engine brings its own regions");
    assert_eq!(thresholds(&waiting), (9e5, Some(1e5)));
}

#[test]
fn regions_that_do_not_fit_the_camera_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    let beyond = "[[regions.of_interest]]\npolygon = [[300, 300], [400, 300], [400, 400]]\n";
    let path = folder.path().join("station.toml");
    let text = std::fs::read_to_string(&path).unwrap() + beyond;
    std::fs::write(&path, text).unwrap();
    let Err(error) = reloader.reload(Some((224, 224)), true) else { panic!("it was taken") };
    assert!(error.to_string().contains("leave no pixel"), "{error}");
    assert!(matches!(reloader.reload(Some((800, 600)), true).unwrap().regions, Some(Some(_))));
}

#[test]
fn a_new_engine_takes_over_once_it_has_judged_the_check_frames_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut reloader = reloader(folder.path());
    let path = folder.path().join("engine.safetensors");
    // One that rejects a good part.
    engine(0.0).write(&path).unwrap();
    let Err(error) = reloader.reload(None, true) else { panic!("it was taken") };
    assert!(error.to_string().contains("check/000") && error.to_string().contains("pass is expected"), "{error}");
    std::fs::write(&path, b"no engine").unwrap();
    assert!(reloader.reload(None, true).is_err());
    let mut other = engine(1e6);
    other.metadata.fitted_on.push("another".into());
    let hash = other.write(&path).unwrap();
    let change = reloader.reload(None, true).unwrap();
    assert!(change.inspector.is_some() && change.judge.unwrap().engine_sha256 == hash);
    // It is the engine in use from then on.
    assert!(reloader.reload(None, true).unwrap().inspector.is_none());
}
