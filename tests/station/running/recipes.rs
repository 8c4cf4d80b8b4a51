//! A station goes from one recipe to another.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crosscheck::config::Station;
use crosscheck::dataset::mvtec3d;
use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::PartOutcome;
use crosscheck::runtime::Request;
use crosscheck::runtime::judgement::Judgement;
use crosscheck::runtime::last_run::{Kept, LastRun};
use crosscheck::runtime::metrics::Count;
use crosscheck::runtime::plan::Announced;
use crosscheck::score::Verdict;
use crosscheck::station::reload::{ReloadError, Reloader};

use crate::support::line::MemoryLine;
use crate::support::plant::{Plant, Step, frames, script};
use crate::support::small_engine::engine;

const RECIPES: &str = "
[[recipe]]
number = 1
name = \"all good\"
engine = \"good.safetensors\"
check_frames = \"check\"

[[recipe]]
number = 2
name = \"none good\"
engine = \"bad.safetensors\"
delay_ms = 200
pulse_ms = 2
";

/// A folder with the engines of two recipes, one of which passes every part and one none.
fn desk(recipes: &str) -> (tempfile::TempDir, Station) {
    let folder = tempfile::tempdir().unwrap();
    engine(1e6).write(&folder.path().join("good.safetensors")).unwrap();
    let mut other = engine(0.0);
    other.metadata.fitted_on.push("another".into());
    other.write(&folder.path().join("bad.safetensors")).unwrap();
    mvtec3d::write(&folder.path().join("check"), "000", &frames()[0], None).unwrap();
    let station = write(folder.path(), recipes);
    (folder, station)
}

fn write(folder: &Path, recipes: &str) -> Station {
    let path = folder.join("station.toml");
    let text = format!(
        "[engine]\npath = \"good.safetensors\"\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"frame\"\n\
         [reject]\ndelay_ms = 400\ndecision_lead_ms = 20\npulse_ms = 1\nlate_ms_max = 1\n[actuator]\nsink = \"log\"\n{recipes}"
    );
    std::fs::write(&path, text).unwrap();
    Station::read(&path).unwrap()
}

/// A station whose first recipe is in force.
fn reloader(folder: &Path, base: Station) -> (Reloader, Judgement) {
    let station = LastRun::station(&base, &Kept::default());
    let judgement = Judgement::from_station(&station).unwrap();
    let judge = judgement.judge.clone();
    (Reloader::new(folder.join("station.toml"), base, station, judge, Kept::default()), judgement)
}

/// Reads, checks and adopts a recipe; its change, or why it does not take over.
fn go(reloader: &mut Reloader, number: u16) -> Result<crosscheck::runtime::change::Change, ReloadError> {
    let ready = reloader.prepare(number)?.finish().expect("the thread does not panic")?;
    reloader.adopt(ready)
}

#[test]
fn a_recipe_brings_its_engine_its_thresholds_and_its_way_to_the_ejector() {
    let (folder, base) = desk(RECIPES);
    let (mut reloader, _) = reloader(folder.path(), base);
    assert_eq!(reloader.judge().recipe, 1);
    let change = go(&mut reloader, 2).unwrap();
    let judge = change.judge.unwrap();
    assert_eq!((judge.recipe, judge.thresholds.reject), (2, 0.0));
    assert_eq!(change.timing.unwrap().deadline_ns, Some(180_000_000));
    let flush = change.flush.unwrap();
    assert_eq!((flush.reject.number, flush.reject.pulse_ns), (2, 2_000_000));
    assert!(!flush.capture.changes_camera(), "the camera stays as it is");
    let Err(error) = go(&mut reloader, 7) else { panic!("there is no recipe 7") };
    assert_eq!(error.to_string(), "the configuration has no recipe 7: it has 1, 2");
    assert_eq!((reloader.judge().recipe, reloader.roster().all().len()), (2, 2));
}

#[test]
fn each_recipe_keeps_the_tighter_threshold_that_the_page_has_set() {
    let (folder, base) = desk(RECIPES);
    let (mut reloader, _) = reloader(folder.path(), base.clone());
    reloader.threshold(7e5, false).unwrap();
    go(&mut reloader, 2).unwrap();
    assert_eq!(reloader.judge().thresholds.reject, 0.0);
    let kept = reloader.kept();
    let back = go(&mut reloader, 1).unwrap().judge.unwrap();
    assert_eq!((back.recipe, back.thresholds.reject), (1, 7e5));
    // So does a restart, in the recipe in which the station was stopped.
    assert_eq!(LastRun::station(&base, &kept).active_recipe, 2);
    let mut judgement = Judgement::from_station(&base.in_recipe(1).unwrap()).unwrap();
    LastRun::resume(&kept, &mut judgement);
    assert_eq!(judgement.judge.thresholds.reject, 7e5);
    let gone = Kept { recipe: 9, ..kept };
    assert_eq!(LastRun::station(&base, &gone).active_recipe, 1);
}

#[test]
fn a_recipe_whose_check_fails_or_whose_engine_is_missing_changes_nothing() {
    let checked =
        RECIPES.replace("engine = \"bad.safetensors\"", "engine = \"bad.safetensors\"\ncheck_frames = \"check\"");
    let (folder, base) = desk(&checked);
    let (mut reloader, _) = reloader(folder.path(), base);
    let before = reloader.judge().clone();
    let error = go(&mut reloader, 2).err().expect("its check fails").to_string();
    assert!(error.contains("check/000") && error.contains("pass is expected"), "{error}");
    std::fs::remove_file(folder.path().join("bad.safetensors")).unwrap();
    assert!(go(&mut reloader, 2).is_err());
    assert_eq!(*reloader.judge(), before);
}

#[test]
fn a_reload_reads_the_recipe_in_force_and_refuses_to_lose_it() {
    let (folder, base) = desk(RECIPES);
    let (mut reloader, _) = reloader(folder.path(), base);
    go(&mut reloader, 2).unwrap();
    write(folder.path(), &RECIPES.replace("pulse_ms = 2", "pulse_ms = 2\nthreshold = 0.5"));
    let change = reloader.reload(None, true).unwrap();
    assert_eq!(change.judge.unwrap().thresholds.reject, 0.5);
    write(folder.path(), RECIPES.split("[[recipe]]\nnumber = 2").next().unwrap());
    let error = reloader.reload(None, true).err().expect("recipe 2 is in force").to_string();
    assert!(error.contains("recipe 2 is in force"), "{error}");
    // What the file has beside it is still that of recipe 2's station.
    assert_eq!(go(&mut reloader, 1).unwrap().timing.unwrap().deadline_ns, Some(380_000_000));
}

/// From the first recipe to the second and back, with parts on the belt all the time.
#[test]
fn no_part_is_judged_by_another_recipe_and_what_is_on_the_belt_is_flushed() {
    let (folder, base) = desk(RECIPES);
    let (mut reloader, judgement) = reloader(folder.path(), base);
    let mut plant = Plant::new(Announced::ByEveryFrame, 400);
    plant.line = MemoryLine::start_in_recipe(1, 400);
    plant.plan.frame_window_ns = 50_000_000;
    plant.judgement = Some(judgement);
    let (judged, changes, seen) = (plant.judged.clone(), Arc::new(AtomicU64::new(0)), plant.line.seen.clone());
    let passed_by = move || {
        let seen = seen.lock().unwrap();
        seen.outcomes.values().filter(|outcome| **outcome == PartOutcome::Passed).count()
    };
    // Parts pass before the first change and after the second, however fast the machine is.
    let (done, passes, mut enough) = (changes.clone(), passed_by.clone(), None);
    let camera = script(move |shown, settled| {
        std::thread::sleep(Duration::from_millis(4));
        match done.load(Relaxed) {
            _ if shown > settled + 3 => Step::Wait,
            2 if passes() >= *enough.get_or_insert_with(|| passes() + 20) => Step::End,
            _ => Step::Good,
        }
    });
    let (mut preparing, mut wanted, mut flushed) = (None, 60, false);
    let report = plant.run_with(camera, |status| {
        if std::mem::replace(&mut flushed, status.flushing) && !status.flushing {
            // The fault ends once everything has passed the ejector: longer than any way.
            wanted = judged.load(Relaxed) + 150;
            changes.fetch_add(1, Relaxed);
        }
        let is_due = judged.load(Relaxed) > wanted && passed_by() >= 20;
        if preparing.is_none() && changes.load(Relaxed) < 2 && is_due && !status.flushing {
            preparing = Some(reloader.prepare(if reloader.judge().recipe == 1 { 2 } else { 1 }).unwrap());
            wanted = u64::MAX;
        }
        let ready = preparing.take_if(|preparing| preparing.is_over())?.finish().unwrap().unwrap();
        Some(Request::Change(Box::new(reloader.adopt(ready).unwrap())))
    });
    report.result.unwrap();
    let verdict = |recipe| if recipe == 1 { Verdict::Pass } else { Verdict::Reject };
    let by = |recipe| report.judged_by.iter().filter(|(_, announced, _)| *announced == recipe).count();
    assert!(by(1) > 60 && by(2) > 60, "{} and {}", by(1), by(2));
    for ((part, announced, judge), (number, found)) in report.judged_by.iter().zip(&report.verdicts) {
        assert_eq!((part, announced, *found), (number, judge, verdict(*judge)));
    }
    assert_eq!(report.seen.course(Fault::RecipeChange), [true, false, true, false]);
    let passed = |outcome| matches!(outcome, Some(&PartOutcome::Passed));
    let outcome = |part: &u64| report.seen.outcomes.get(part);
    assert!(report.judged_by.iter().all(|(part, _, judge)| *judge == 1 || !passed(outcome(part))));
    // Good parts that were on the belt at the change went with it.
    let caught = report.seen.outcomes.values().filter(|outcome| **outcome == PartOutcome::Caught).count();
    assert!(caught > 0, "{:?}", report.seen.outcomes);
    // Parts of recipe 1 pass before the first change and after the second.
    let passed: Vec<u64> =
        report.judged_by.iter().map(|(part, ..)| *part).filter(|part| passed(outcome(part))).collect();
    let change = report.judged_by.iter().find(|(_, announced, _)| *announced == 2).unwrap().0;
    assert!(passed.first().is_some_and(|part| *part < change) && passed.last().is_some_and(|part| *part > change));
    println!("{} parts of other recipes were not judged", report.metrics.total(Count::UnscoredRecipe));
}
