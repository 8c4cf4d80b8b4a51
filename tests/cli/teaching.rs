//! `teach`: a lesson from the first part to a recipe that a station goes to, broken off wherever it may be.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use crosscheck::config::Station;
use crosscheck::dataset::mvtec3d;
use crosscheck::model::engine_file::Engine;
use crosscheck::teach::{Child as Beside, Event, Lesson, Options, Part, Phase, Settings, State, Step};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Desk, Run, on_a_belt};
use crate::station::wait_for;

/// Enough to learn something, in seconds.
const ALL: &str = "teach lessons/3 --eager --epochs 6 --false-reject-rate 0.3";
const COLLECT: &str = "teach lessons/3 --collect --config station.toml --parts 4 --validation 3";

/// A station whose camera shows ten good parts, one after another.
fn desk() -> Desk {
    let desk = Desk::new();
    for seed in 0..10 {
        mvtec3d::write(&desk.path("frames"), &format!("{seed:03}"), &on_a_belt(seed), None).unwrap();
    }
    desk.write(
        "station.toml",
        "[engine]\npath = \"none.safetensors\"\n[camera]\nsource = \"replay\"\n[camera.replay]\nfolder = \"frames\"\n\
         frame_rate_hz = 20.0\nrepeat = true\n[trigger]\nsource = \"frame\"\n[reject]\ndelay_ms = 4000\n\
         decision_lead_ms = 50\npulse_ms = 20\n[actuator]\nsink = \"log\"\n[view]\nenabled = false\n\
         [teach]\nfolder = \"lessons\"\n[scene]\nbelt = \"fit\"\n",
    );
    desk
}

/// With a lesson whose parts are all there.
pub fn collected() -> Desk {
    let desk = desk();
    desk.done(COLLECT);
    desk
}

fn lesson(desk: &Desk) -> Lesson {
    Lesson::open(&desk.path("lessons/3")).unwrap()
}

fn state(desk: &Desk) -> State {
    lesson(desk).state().unwrap()
}

/// The events of a run.
fn events(run: &Run) -> Vec<Event> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

/// Starts the program, and waits for an event of it.
pub fn until(desk: &Desk, line: &str, is_it: impl Fn(&Event) -> bool) -> Child {
    let mut child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).any(|event| is_it(&event));
    assert!(found, "{line} ended: {}", String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr));
    child
}

pub fn in_phase(step: Step, phase: Phase) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Progress { step: s, phase: p, done, .. } if (*s, *p) == (step, phase) && *done > 0)
}

#[test]
fn a_lesson_goes_from_its_first_part_to_a_recipe() {
    let desk = desk();
    desk.refused_with("teach lessons/3", &["there is no lesson in lessons/3", "--collect"]);
    desk.refused_with("teach here --collect --config station.toml", &["no number", "--number"]);
    let run = desk.done(&format!("{COLLECT} --events"));
    let kept = events(&run).iter().filter(|event| matches!(event, Event::Part(Part { name: Some(_), .. }))).count();
    assert_eq!((kept, state(&desk), lesson(&desk).parts().unwrap()), (7, State::Collected, [4, 3]));
    // Nothing is missing, so the camera is not asked again.
    assert!(desk.done(COLLECT).out.contains("4 parts to learn from and 3 for the threshold"));

    for (step, words) in [
        ("calibrate", "run the step learn first"),
        ("score", "run the step learn first"),
        ("activate", "--config"),
        ("activate --config station.toml", "run the step learn first"),
    ] {
        assert!(desk.run(&format!("teach lessons/3 --eager --step {step}")).err.contains(words), "{step}");
    }
    desk.done("teach lessons/3 --eager --step learn --epochs 6");
    assert_eq!(state(&desk), State::Learnt);
    let refused = desk.run("teach lessons/3 --eager --step calibrate --false-reject-rate 0.1 --events");
    assert_eq!(refused.code, Some(2));
    let told = events(&refused);
    let Some(Event::Refused { step: Some(Step::Calibrate), text }) = told.last() else { panic!("{told:?}") };
    assert!(text.contains("needs at least 9") && refused.err.contains(text), "{text}");
    let run = desk.done("teach lessons/3 --eager --step calibrate");
    assert!(run.out.contains("on average at most 1 of 4 good parts is rejected, from 3 good parts"), "{}", run.out);
    assert_eq!(state(&desk), State::Calibrated);
    desk.done("teach lessons/3 --eager --step score");
    let scores = lesson(&desk).scores().unwrap().unwrap();
    assert_eq!(scores.parts.len(), 7);
    assert!(scores.parts.iter().all(|part| lesson(&desk).overlay(part.set, &part.name).is_file()));

    let run = desk.done("teach lessons/3 --eager --step activate --config station.toml");
    assert!(run.err.contains("recipe 3: the engine was checked on 4 frames"), "{}", run.err);
    assert_eq!(state(&desk), State::Activated);
    let station = Station::read(&desk.path("station.toml")).unwrap().in_recipe(3).unwrap();
    let engine = Engine::read(&station.engine.path).unwrap();
    assert_eq!(engine.content_sha256, Engine::read(&desk.path("lessons/3/engine.safetensors")).unwrap().content_sha256);
    // Another scene makes another engine of it; the recipe of the station stays as it is.
    let mut other = lesson(&desk);
    other.subject.scene.as_mut().unwrap().crop.rectangle = Some([10, 10, 200, 200]);
    other.write().unwrap();
    assert_eq!((state(&desk), lesson(&desk).scores().is_err()), (State::Collected, true));
    assert!(Station::read(&desk.path("station.toml")).unwrap().in_recipe(3).unwrap() == station);
}

#[test]
fn a_lesson_that_was_killed_in_any_step_comes_to_the_same_end() {
    let whole = collected();
    whole.done(ALL);
    let engine = |desk: &Desk| Engine::read(&desk.path("lessons/3/engine.safetensors")).unwrap().content_sha256;
    let desk = collected();
    for (step, phase) in [
        (Step::Learn, Phase::Features),
        (Step::Learn, Phase::Epochs),
        (Step::Calibrate, Phase::Scores),
        (Step::Score, Phase::Scores),
    ] {
        let mut child = until(&desk, &format!("{ALL} --events"), in_phase(step, phase));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever is there is read.
        state(&desk);
    }
    desk.done(ALL);
    assert_eq!(state(&desk), State::Calibrated);
    assert_eq!(engine(&desk), engine(&whole));
    let parts = |desk: &Desk| lesson(desk).scores().unwrap().unwrap();
    assert_eq!(parts(&desk), parts(&whole));
    let left =
        desk.files().into_keys().filter(|path| path.file_name().unwrap().to_string_lossy().contains(".tmp")).count();
    assert_eq!(left, 0);
}

#[test]
fn collecting_that_was_killed_goes_on_behind_its_parts() {
    let desk = desk();
    let line = format!("{COLLECT} --events");
    let mut child =
        until(&desk, &line, |event| matches!(event, Event::Part(Part { name: Some(name), .. }) if name == "001"));
    child.kill().unwrap();
    child.wait().unwrap();
    let before = lesson(&desk).parts().unwrap();
    assert!(before[0] >= 2, "{before:?}");
    desk.done(COLLECT);
    assert_eq!((lesson(&desk).parts().unwrap(), state(&desk)), ([4, 3], State::Collected));
}

#[test]
fn a_fit_that_was_stopped_goes_on_unless_it_is_another_one() {
    let desk = collected();
    let line = "teach lessons/3 --eager --step learn --epochs 4000 --events";
    let stop = |line: &str| {
        let child = until(&desk, line, in_phase(Step::Learn, Phase::Epochs));
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{}", String::from_utf8_lossy(&out.stderr));
        let told = String::from_utf8(out.stdout).unwrap();
        let last: Event = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        assert_eq!(last, Event::Interrupted { step: Some(Step::Learn) });
        assert_eq!(state(&desk), State::Learning);
    };
    stop(line);
    let first = |line: &str| {
        let mut child = desk.command(line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        let mut found = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let event: Event = serde_json::from_str(&line.unwrap()).unwrap();
            if let Event::Progress { phase: Phase::Epochs, done, .. } = event
                && found.replace(done).is_none()
            {
                kill_process(pid, Signal::KILL).unwrap();
            }
        }
        child.wait().unwrap();
        found.unwrap() > 1
    };
    assert!(first(line), "it began again");
    // Other settings make another fit of it, which begins from nothing, and says so.
    let run = desk.done("teach lessons/3 --eager --step learn --epochs 3 --events");
    let notes: Vec<Event> = events(&run).into_iter().filter(|event| matches!(event, Event::Note { .. })).collect();
    assert!(notes.len() == 1 && format!("{notes:?}").contains("it begins again"), "{notes:?}");
    assert_eq!(state(&desk), State::Learnt);
}

#[test]
fn a_lesson_that_is_none_or_is_in_use_is_refused() {
    let desk = collected();
    let path = "lessons/3/lesson.json";
    let text = String::from_utf8(desk.read(path)).unwrap();
    desk.write(path, text.replace("\"format\": 1", "\"format\": 9"));
    desk.refused_with("teach lessons/3", &["lesson.json", "format 9 where 1 is expected"]);
    desk.write(path, &text[..40]);
    desk.refused_with("teach lessons/3", &["lesson.json is not valid"]);
    desk.write(path, &text);
    let held = lesson(&desk).lock(crosscheck::teach::Work::Steps).unwrap();
    assert!(desk.run("teach lessons/3 --eager --step learn").err.contains("another process works on the lesson"));
    drop(held);
    // A recipe of a folder that the station does not know would never be found.
    desk.write(
        "other.toml",
        String::from_utf8(desk.read("station.toml")).unwrap().replace("\"lessons\"", "\"others\""),
    );
    desk.done(ALL);
    let run = desk.run("teach lessons/3 --eager --step activate --config other.toml");
    assert!(run.code == Some(2) && run.err.contains("is not in teach.folder"), "{}", run.err);
    assert!(!desk.path("lessons/3/recipe.toml").exists());
    // Nor is one whose check fails: its engine was written over meanwhile.
    desk.write("lessons/3/recipe.toml", "number = 3\nname = \"a\"\nwhat = 1\n");
    let error = Station::read(&desk.path("station.toml")).unwrap_err().to_string();
    assert!(error.contains("recipe.toml, line 3") && error.contains("what"), "{error}");
}

#[test]
fn a_child_learns_beside_its_parent_and_is_cancelled() {
    let desk = collected();
    let options = Options {
        step: Some(Step::Learn),
        settings: Settings { epochs: Some(100_000), ..Settings::default() },
        eager: true,
        program: Some(env!("CARGO_BIN_EXE_crosscheck").into()),
    };
    let child = Beside::start(desk.path("lessons/3"), options.clone()).unwrap();
    let is_learning =
        |child: &Beside| child.status().last.is_some_and(|event| in_phase(Step::Learn, Phase::Epochs)(&event));
    wait_for(|| is_learning(&child));
    child.cancel();
    wait_for(|| child.status().ended);
    let status = child.status();
    assert_eq!((status.last, status.failure), (Some(Event::Interrupted { step: Some(Step::Learn) }), None));
    assert_eq!(state(&desk), State::Learning);
    // To cancel what has ended is nothing.
    child.cancel();
    // One that is dropped is ended, too.
    let child = Beside::start(desk.path("lessons/3"), options.clone()).unwrap();
    wait_for(|| is_learning(&child));
    drop(child);
    wait_for(|| lesson(&desk).lock(crosscheck::teach::Work::Steps).is_ok());
    let refused = Beside::start(desk.path("none"), options.clone()).unwrap();
    wait_for(|| refused.status().ended);
    assert!(matches!(refused.status().last, Some(Event::Refused { step: None, .. })), "{:?}", refused.status());
    // A program that is something else says nothing that is understood.
    let other = Options { program: Some("/bin/echo".into()), ..options.clone() };
    let other = Beside::start(desk.path("lessons/3"), other).unwrap();
    wait_for(|| other.status().ended);
    assert!(other.status().failure.unwrap().contains("ended before its work was done"));
    let none = Options { program: Some(desk.path("nothing")), ..options };
    assert!(Beside::start(desk.path("lessons/3"), none).is_err());
}

// Progress would be waited for long: it gets what the other tests leave.
#[test]
fn a_child_takes_only_the_time_that_nobody_else_wants() {
    let desk = collected();
    let line = "teach lessons/3 --step learn --epochs 100000";
    let mut child = desk.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The 19th field is the niceness, the 41st the policy: 5 is SCHED_IDLE.
    let fields = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let behind_name: Vec<String> = stat.rsplit_once(')').unwrap().1.split_whitespace().map(String::from).collect();
        [behind_name[16].clone(), behind_name[38].clone()]
    };
    wait_for(|| fields() == ["19", "5"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_child_ends_with_its_parent() {
    let desk = collected();
    let program = env!("CARGO_BIN_EXE_crosscheck");
    let line =
        format!("{program} teach lessons/3 --eager --step learn --epochs 100000 --events --parent $$ > told & wait");
    let mut parent = std::process::Command::new("sh").args(["-c", &line]).current_dir(desk.path("")).spawn().unwrap();
    let told = || String::from_utf8(std::fs::read(desk.path("told")).unwrap_or_default()).unwrap();
    wait_for(|| told().contains("\"epochs\""));
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_for(|| told().trim_end().ends_with("{\"event\":\"interrupted\",\"step\":\"learn\"}"));
    wait_for(|| state(&desk) == State::Learning);
    // A parent that has ended before is noticed at once.
    desk.refused_with("teach lessons/3 --step learn --parent 2147483647", &["has ended, or it is not the parent"]);
}

#[test]
fn a_station_without_an_engine_collects_for_a_lesson_and_goes_to_it() {
    let desk = collected();
    desk.done(ALL);
    desk.write("station.toml", {
        let text = String::from_utf8(desk.read("station.toml")).unwrap();
        text.replace(
            "[view]\nenabled = false",
            "[record]\nfolder = \"recording\"\npass_share = 1.0\nqueue_frames_max = 8\n[view]\nenabled = false",
        )
    });
    let note = desk.run("doctor --config station.toml --json").out;
    let found: Value = serde_json::from_str(&note).unwrap();
    let engine = found["findings"].as_array().unwrap().iter().find(|finding| finding["name"] == "engine").unwrap();
    assert_eq!(engine["status"], "note", "{found}");
    let child = desk.command("run --config station.toml").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let verdicts = |kind: &str| {
        let folder = desk.path(&format!("recording/parts/test/{kind}/verdict"));
        std::fs::read_dir(folder).map_or(0, |files| {
            files.filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "json")).count()
        })
    };
    wait_for(|| verdicts("reject") >= 3);
    std::thread::sleep(Duration::from_millis(100));
    kill_process(pid, Signal::TERM).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("there is no engine yet") && run.err.contains("fault: untaught"), "{}", run.err);
    assert_eq!(verdicts("good"), 0, "nothing passes without an engine");
    // Once something was taught, the station starts in it.
    desk.done("teach lessons/3 --eager --step activate --config station.toml");
    let child = desk.command("run --config station.toml").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    wait_for(|| verdicts("good") >= 1);
    kill_process(pid, Signal::TERM).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert!(run.code == Some(0) && !run.err.contains("untaught"), "{}", run.err);
}
