//! A recipe is made better by its reviewed parts: `teach --step revise`, and then accepted or discarded.

use std::process::Stdio;

use crosscheck::config::Station;
use crosscheck::dataset::recording::PartRecord;
use crosscheck::model::engine_file::Engine;
use crosscheck::review::Gallery;
use crosscheck::score::Verdict;
use crosscheck::teach::{Event, How, Lesson, Phase, Revision, State, Step};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::Desk;
use crate::reviewing::{names, recorded};
use crate::station::wait_for;
use crate::support::small_engine;
use crate::teaching::{collected, in_phase, until};

const REVISE: &str = "teach lessons/8 --eager --step revise --config station.toml --of 0 --false-reject-rate 0.2";
const ACCEPT: &str = "teach lessons/8 --eager --step accept --config station.toml";

fn with_lessons(desk: &Desk) {
    let text = String::from_utf8(desk.read("station.toml")).unwrap();
    desk.write("station.toml", text + "[teach]\nfolder = \"lessons\"\n");
}

/// Says of all parts but one that they are good, and of that one that it has a defect. Returns its name, and how many are
/// good: a busy machine may have recorded fewer than the camera showed.
fn review_all(desk: &Desk) -> (String, usize) {
    let all = names(&desk.done("review list station.toml --json").json());
    let [defect, good @ ..] = all.as_slice() else { panic!("{all:?}") };
    desk.done(&format!("review say recording {defect} defect --kind shape"));
    for name in good {
        desk.done(&format!("review say recording {name} good"));
    }
    (defect.clone(), good.len())
}

fn revision(desk: &Desk, number: u16) -> Option<Revision> {
    Lesson::open(&desk.path(&format!("lessons/{number}"))).unwrap().revision().unwrap()
}

#[test]
fn rejected_good_parts_make_a_threshold_of_which_a_person_decides() {
    let desk = recorded();
    with_lessons(&desk);
    desk.refused_with(REVISE, &["recipe 8 has no name yet"]);
    let revise = format!("{REVISE} --name better");
    // Nobody has said anything: there is nothing to learn from, and nothing is left behind but the empty lesson.
    let run = desk.run(&revise);
    assert!(run.code == Some(2) && run.err.contains("none is known to be good"), "{}", run.err);
    assert_eq!(revision(&desk, 8), None);
    desk.refused_with(ACCEPT, &["there is no revision in lessons/8"]);
    let (defect, good) = review_all(&desk);
    let before = desk.read("engine.safetensors");
    let run = desk.done(&revise);
    assert!(
        run.out.contains("8 parts that were found good count; of 9 parts that were inspected again"),
        "{}",
        run.out
    );
    let made = revision(&desk, 8).unwrap();
    assert_eq!((made.how, made.of, made.found_good, made.recorded), (How::Recalibrate, 0, good, good + 1));
    assert!(made.threshold > made.threshold_before.unwrap() && made.guarantee.contains("at most 1 of"), "{made:?}");
    assert!(made.changed.iter().all(|part| part.verdict == Verdict::Pass), "{made:?}");
    assert!(made.changed.iter().filter(|part| part.name != defect).count() >= good - 1, "{made:?}");
    // The station does not know of it before a person has decided.
    let station = || Station::read(&desk.path("station.toml")).unwrap();
    assert!(desk.read("engine.safetensors") == before && station().recipes.is_empty());

    desk.done("teach lessons/8 --step discard");
    assert!(revision(&desk, 8).is_none() && !desk.path("lessons/8/revision").exists());
    desk.done(&revise);
    let run = desk.done(ACCEPT);
    assert!(run.err.contains("recipe 8: the engine was checked on 4 frames"), "{}", run.err);
    let lesson = Lesson::open(&desk.path("lessons/8")).unwrap();
    assert_eq!((revision(&desk, 8), lesson.state().unwrap()), (None, State::Activated));
    let recipe = station().in_recipe(8).unwrap();
    let engine = Engine::read(&recipe.engine.path).unwrap();
    assert_eq!(engine.content_sha256, made.engine_sha256);
    assert_eq!(engine.metadata.calibration.unwrap().threshold, made.threshold);
    assert!(desk.read("engine.safetensors") == before, "the engine of [engine] is as it was");
    desk.refused_with(&revise, &["recipe 8 is there already"]);
    desk.refused_with(&REVISE.replace("--of 0", ""), &["no part of recipe 8 is recorded"]);
}

#[test]
fn a_revision_of_another_engine_or_by_half_is_not_accepted() {
    let desk = recorded();
    with_lessons(&desk);
    review_all(&desk);
    let revise = format!("{REVISE} --name better");
    let mut child = until(&desk, &format!("{revise} --events"), in_phase(Step::Revise, Phase::Replay));
    child.kill().unwrap();
    child.wait().unwrap();
    desk.refused_with(ACCEPT, &["there is no revision"]);
    desk.done(&revise);
    let engine = desk.read("lessons/8/revision/engine.safetensors");
    small_engine::engine(0.5).write(&desk.path("lessons/8/revision/engine.safetensors")).unwrap();
    desk.refused_with(ACCEPT, &["its engine is another one", "revise"]);
    desk.write("lessons/8/revision/engine.safetensors", &engine);
    small_engine::engine(0.5).write(&desk.path("engine.safetensors")).unwrap();
    desk.refused_with(ACCEPT, &["another engine than the one in force"]);
    assert!(Station::read(&desk.path("station.toml")).unwrap().recipes.is_empty());
    desk.refused_with(&revise, &["judged by the engine"]);
    let text = String::from_utf8(desk.read("station.toml")).unwrap();
    desk.write("bare.toml", text.replace("[record]\nfolder = \"recording\"\nqueue_frames_max = 16\n", ""));
    desk.refused_with(&revise.replace("station.toml", "bare.toml"), &["bare.toml has no [record]"]);
    desk.refused_with(&revise.replace("--of 0", "--of 5"), &["no recipe 5"]);
    desk.refused_with("teach lessons/8 --step score --how refit", &["--step revise"]);
    desk.refused_with("teach lessons/8 --step score --name other", &["--collect or --step revise"]);
    desk.write("lessons/8/revision/revision.json", "{\"format\": 1");
    desk.refused_with(ACCEPT, &["revision.json is not valid"]);
}

#[test]
fn a_recipe_is_learnt_again_with_the_parts_that_were_found_good() {
    let desk = collected();
    let text = String::from_utf8(desk.read("station.toml")).unwrap();
    let record = "[record]\nfolder = \"recording\"\npass_share = 1.0\nqueue_frames_max = 8\n[view]";
    desk.write("station.toml", text.replace("[view]", record));
    desk.done("teach lessons/3 --eager --epochs 6 --false-reject-rate 0.3");
    desk.done("teach lessons/3 --eager --step activate --config station.toml");
    let child = desk.command("run --config station.toml").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let parts = || {
        let gallery = Gallery::open(&desk.path("recording"));
        gallery.and_then(|mut gallery| gallery.page(&Default::default(), None, 100)).map_or(0, |page| page.parts.len())
    };
    wait_for(|| parts() >= 12);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait_with_output().unwrap();
    // Two parts that the lesson does not have: its seven are the first of ten that the camera shows over and over.
    let mut good = Vec::new();
    for name in names(&desk.done("review list recording --count 100 --json").json()) {
        let mut records = ["good", "reject"].into_iter().filter_map(|verdict| {
            PartRecord::read(&desk.path(&format!("recording/parts/test/{verdict}/verdict/{name}.json"))).unwrap()
        });
        let frame = records.next().unwrap().sequence % 10;
        if [8, 9].contains(&frame) && !good.contains(&frame) {
            good.push(frame);
            desk.done(&format!("review say recording {name} good"));
        }
    }
    let revise = "teach lessons/3 --eager --step revise --how refit --epochs 5 --config station.toml --events";
    let run = desk.done(revise);
    let told: Vec<Event> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        told.iter().any(in_phase(Step::Learn, Phase::Epochs)) && told.iter().any(in_phase(Step::Revise, Phase::Replay))
    );
    let made = revision(&desk, 3).unwrap();
    assert_eq!((made.how, made.of, made.found_good), (How::Refit, 3, good.len()));
    let recipe = || Station::read(&desk.path("station.toml")).unwrap().in_recipe(3).unwrap();
    let before = Engine::read(&recipe().engine.path).unwrap();
    assert_eq!((before.content_sha256.clone(), before.metadata.fitted_on.len()), (made.before_sha256, 4));
    desk.done("teach lessons/3 --eager --step accept --config station.toml");
    let after = Engine::read(&recipe().engine.path).unwrap();
    assert_eq!((&after.content_sha256, after.metadata.fitted_on.len()), (&made.engine_sha256, 4 + good.len()));
    let lesson = Lesson::open(&desk.path("lessons/3")).unwrap();
    assert_eq!((lesson.state().unwrap(), lesson.scores().unwrap()), (State::Activated, None));
}
