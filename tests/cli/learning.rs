//! From good parts to a fitted engine, and from other good parts to a threshold.

use crosscheck::dataset::mvtec3d;
use crosscheck::frame::RgbdFrame;
use crosscheck::model::engine_file::Engine;

use crate::program::{Desk, FIT, flat, shared};
use crate::support::part;

const FIT_GOOD: &str = "fit --engine @default --nominal @good";
const INSPECT_HELD: &str = "--rgb @held/rgb/010.png --xyz @held/xyz/010.tiff";

#[test]
fn the_same_seed_learns_the_same_engine() {
    let desk = Desk::new();
    let run = desk.done(&format!("{FIT_GOOD} {FIT} --output a.safetensors"));
    assert!(run.err.contains("epoch 8: loss ") && run.err.contains("crosscheck calibrate"), "{}", run.err);
    // Neither a state nor anything else stays beside it.
    assert_eq!(desk.files().len(), 1);
    assert!(desk.read("a.safetensors") == std::fs::read(shared("fitted")).unwrap());
    desk.done(&format!("{FIT_GOOD} {FIT} --seed 1 --output b.safetensors"));
    let [a, b] = ["a.safetensors", "b.safetensors"].map(|name| Engine::read(&desk.path(name)).unwrap());
    assert!(a.is_fitted() && a.metadata.calibration.is_none());
    assert_ne!(a.content_sha256, b.content_sha256);
    assert_eq!((a.metadata.fitted_on.len(), &a.metadata.fitted_on), (3, &b.metadata.fitted_on));
    // A fitted engine is fitted again from its two networks.
    desk.done("fit --engine a.safetensors --nominal @held --epochs 1 --pixels 64 --copies 0 --turned never --output a.safetensors");
    let again = Engine::read(&desk.path("a.safetensors")).unwrap();
    assert!(again.is_fitted() && again.metadata.fitted_on.len() == 4);
}

#[test]
fn shots_are_drawn_by_the_seed() {
    let desk = Desk::new();
    let fitted_on = |options: &str| {
        desk.done(&format!("{FIT_GOOD} --epochs 1 --copies 0 --turned never --pixels 64 --output new {options}"));
        Engine::read(&desk.path("new")).unwrap().metadata.fitted_on
    };
    let all = fitted_on("");
    let draws: Vec<_> = (0..6).map(|seed| fitted_on(&format!("--shots 2 --seed {seed}"))).collect();
    assert!(draws.iter().all(|draw| draw.len() == 2 && draw.iter().all(|frame| all.contains(frame))));
    assert!(draws.iter().any(|draw| *draw != draws[0]), "every seed draws the same");
    let run = desk.done(&format!("{FIT_GOOD} --epochs 1 --copies 0 --turned never --pixels 64 --output new --shots 9"));
    assert!(run.err.contains("has only 3 good frames, but --shots asks for 9"), "{}", run.err);
}

#[test]
#[cfg(unix)]
fn a_fit_that_was_broken_off_goes_on_to_the_same_end() {
    let desk = Desk::new();
    let line =
        |output: &str| format!("{FIT_GOOD} --epochs 300 --copies 0 --turned never --pixels 256 --output {output}");
    desk.done(&line("whole"));
    break_off(&desk, &line("part"));
    let halfway = Engine::read(&desk.path("part")).unwrap();
    assert!(halfway.is_fitted() && desk.path("part.state").is_file());
    assert!(desk.read("part") != desk.read("whole"));

    let resume = format!("{} --resume", line("part"));
    let words = ["cannot continue the fit from part.state", "leave out --resume"];
    let other = |what: &'static str| [what, words[0], words[1]];
    desk.refused_with(&format!("{resume} --seed 1"), &other("other settings: --seed 0 where this fit has 1"));
    desk.refused_with(&format!("{resume} --shots 2"), &other("other frames: 3 where this fit has 2"));
    let longer = resume.replace("--epochs 300", "--epochs 400");
    desk.refused_with(&longer, &other("other settings: --epochs 300 where this fit has 400"));
    states_of_other_frames_are_refused(&desk, &resume, &other);
    let state = desk.read("part.state");
    for length in [0, 7, 100, state.len() / 2, state.len() - 1] {
        desk.write("part.state", &state[..length]);
        desk.refused_with(&resume, &words);
    }
    desk.write("part.state", std::fs::read(shared("tiny")).unwrap());
    desk.refused_with(&resume, &words);
    flipped_states_are_refused(&desk, &resume, &state);

    desk.write("part.state", &state);
    desk.done(&resume);
    assert!(desk.read("part") == desk.read("whole"), "the fit that went on came to another end");
    assert!(!desk.path("part.state").exists());
    // A missing state is reported before the work.
    desk.refused_with(&resume, &["no state found at part.state", "leave out --resume"]);
    // Without --resume an old state counts for nothing.
    desk.write("part.state", "of another fit");
    let run = desk.done(&format!("{FIT_GOOD} {FIT} --output part"));
    assert!(run.err.contains("--resume continues the") && !desk.path("part.state").exists(), "{}", run.err);
}

/// The engine, the settings and the number of frames are the same, but the frames or their order are not.
fn states_of_other_frames_are_refused(desk: &Desk, resume: &str, other: &dyn Fn(&'static str) -> [&'static str; 3]) {
    let copy = |folder: &str, names: [(&str, &str); 3]| {
        for ((from, to), kind) in names.into_iter().flat_map(|pair| [(pair, "rgb"), (pair, "xyz")]) {
            let extension = if kind == "rgb" { "png" } else { "tiff" };
            let bytes = std::fs::read(shared(&format!("{}.{extension}", from.replace('*', kind)))).unwrap();
            desk.write(&format!("{folder}/{kind}/{to}.{extension}"), bytes);
        }
    };
    copy("others", [("good/*/000", "0"), ("good/*/001", "1"), ("held/*/010", "2")]);
    copy("turned", [("good/*/000", "0"), ("good/*/002", "1"), ("good/*/001", "2")]);
    desk.refused_with(&resume.replace("@good", "others"), &other("other frames: frame 3 of 3 is another one"));
    desk.refused_with(&resume.replace("@good", "turned"), &other("the same frames in another order"));
    desk.refused_with(&resume.replace("@default", "@fitted"), &other("another engine"));
}

/// A state with one changed bit is refused, and so is one without a hash.
fn flipped_states_are_refused(desk: &Desk, resume: &str, state: &[u8]) {
    let header = 8 + u64::from_le_bytes(state[..8].try_into().unwrap()) as usize;
    for place in [header, header + 1, (header + state.len()) / 2, state.len() - 1] {
        let mut bytes = state.to_vec();
        bytes[place] ^= 0x40;
        desk.write("part.state", &bytes);
        desk.refused_with(resume, &["it is damaged", "part.state"]);
    }
    // As earlier versions wrote it: without a hash.
    let text = String::from_utf8_lossy(&state[8..header]).into_owned();
    let renamed = text.replace("crosscheck.fit.sha256", "crosscheck.fit.sha255");
    assert_eq!(renamed.len(), text.len());
    desk.write("part.state", [&state[..8], renamed.as_bytes(), &state[header..]].concat());
    desk.refused_with(resume, &["earlier version", "kept no hash"]);
}

#[test]
#[cfg(unix)]
fn a_fit_that_was_killed_goes_on_from_its_last_state_to_the_same_end() {
    let desk = Desk::new();
    let line =
        |output: &str| format!("{FIT_GOOD} --epochs 60 --copies 0 --turned never --pixels 256 --output {output}");
    desk.done(&line("whole"));
    let mut child = desk.command(&format!("{} --keep-state-every 0", line("part"))).spawn().unwrap();
    crate::station::wait_for(|| desk.path("part.state").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let run = desk.done(&format!("{} --resume", line("part")));
    assert!(!run.err.contains("epoch 1:"), "{}", run.err);
    assert!(desk.read("part") == desk.read("whole"), "the fit that went on came to another end");
    let left: Vec<_> = desk.files().into_keys().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
#[cfg(unix)]
fn an_output_that_cannot_be_written_is_refused_before_the_fit() {
    let desk = Desk::new();
    // Even for root: a folder of the kernel's that takes no files.
    let run = desk.run(&format!("{FIT_GOOD} {FIT} --output /proc/engine.safetensors"));
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("cannot write /proc/engine.safetensors") && !run.err.contains("epoch"), "{}", run.err);
}

/// Interrupts `line` between its epochs, after however long that takes here.
#[cfg(unix)]
fn break_off(desk: &Desk, line: &str) {
    let mut wait = std::time::Duration::from_millis(500);
    for _ in 0..12 {
        let child = desk.command(line).stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(wait);
        let id = child.id().to_string();
        // It may be through by now; then there is nothing to interrupt.
        let _ = std::process::Command::new("kill").args(["-INT", &id]).stderr(std::process::Stdio::null()).status();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(0) if desk.path("part.state").exists() => {
                assert!(err.contains("--resume continues the"), "{err}");
                return;
            }
            Some(0) => wait = wait * 2 / 3,
            // Before the first epoch, or before it was ready to be interrupted.
            Some(2) => {
                assert!(err.contains("interrupted before the first epoch: nothing was written"), "{err}");
                wait = wait * 4 / 3;
            }
            code => {
                assert_eq!(code, None, "{err}");
                wait = wait * 4 / 3;
            }
        }
    }
    panic!("the fit was never between its epochs");
}

#[test]
fn the_threshold_is_the_order_statistic_of_good_parts() {
    let desk = Desk::new();
    let before = std::fs::read(shared("fitted")).unwrap();
    let rates = "--false-reject-rate 0.4 --review-rate 0.6";
    let run = desk.done(&format!("calibrate --engine @fitted --nominal @held {rates} --output new"));
    assert!(run.err.contains("from 4 good frames") && run.err.contains("review above"), "{}", run.err);
    assert!(std::fs::read(shared("fitted")).unwrap() == before);
    let found = Engine::read(&desk.path("new")).unwrap().metadata.calibration.unwrap();
    assert_eq!((found.frames, found.false_reject_rate, found.guaranteed_rate), (4, 0.4, 0.4));
    // Of five equally likely places a fifth score has two above the third and one more above the second.
    let mut verdicts = Vec::new();
    for seed in 10..14 {
        let frame = format!("--rgb @held/rgb/{seed:03}.png --xyz @held/xyz/{seed:03}.tiff");
        let run = desk.run(&format!("inspect --engine new {frame} --json"));
        let json = run.json();
        let verdict = json["verdict"].as_str().unwrap().to_string();
        assert_eq!(run.code, Some(i32::from(verdict != "pass")), "{json}");
        assert_eq!(json["threshold"].as_f64().map(|v| v as f32), Some(found.threshold));
        verdicts.push(verdict);
    }
    verdicts.sort();
    assert_eq!(verdicts, ["pass", "pass", "reject", "review"]);
}

#[test]
fn the_engine_itself_gets_the_threshold_without_an_output() {
    let desk = Desk::new();
    desk.write("engine", std::fs::read(shared("fitted")).unwrap());
    desk.done("calibrate --engine engine --nominal @held --false-reject-rate 0.25");
    let engine = Engine::read(&desk.path("engine")).unwrap();
    let calibration = engine.metadata.calibration.unwrap();
    // Every one of four good parts passes at the largest of their scores.
    assert_eq!(desk.run(&format!("inspect --engine engine {INSPECT_HELD}")).code, Some(0));
    assert_eq!(calibration, Engine::read(&shared("calibrated")).unwrap().metadata.calibration.unwrap());
    // A fit takes the threshold away: it was of other mappings.
    desk.done("fit --engine engine --nominal @good --epochs 1 --pixels 64 --copies 0 --turned never --output engine");
    assert!(Engine::read(&desk.path("engine")).unwrap().metadata.calibration.is_none());
}

#[test]
fn frames_of_the_fit_give_no_threshold() {
    let desk = Desk::new();
    let calibrate = "calibrate --engine @fitted --false-reject-rate 0.25 --output new --nominal";
    let words = ["3 left out, used in the fit", "0 good frames cannot support", "at least 3"];
    desk.refused_with(&format!("{calibrate} @good"), &words);
    desk.refused_with(
        &format!("{} @held", calibrate.replace("0.25", "0.1")),
        &["4 good frames", "at least 9", "0.2000"],
    );
}

/// Three good parts and `count` frames without a point.
fn with_empty_frames(desk: &Desk, folder: &str, count: u64) {
    let write = |name: u64, frame: &RgbdFrame| {
        mvtec3d::write(&desk.path(folder), &format!("{name:03}"), frame, None).unwrap();
    };
    (0..3).for_each(|seed| write(seed, &part::frame(seed, None)));
    let empty = RgbdFrame::new(224, 224, part::frame(0, None).rgb().to_vec(), flat(0.0)).unwrap();
    (10..10 + count).for_each(|name| write(name, &empty));
}

#[test]
fn a_fit_says_at_its_end_what_it_learnt_from() {
    let desk = Desk::new();
    let fit = |folder: &str| format!("fit --engine @default {FIT} --output new --nominal {folder}");
    let run = desk.done(&fit("@good"));
    assert!(run.err.contains("fit: 3 of 3 frames used\n"), "{}", run.err);
    with_empty_frames(&desk, "half", 3);
    let run = desk.done(&fit("half"));
    let said = "fit: 3 of 6 frames used; 3 left out, no point where the part may be (half/010, half/011, half/012)\n";
    assert!(run.err.contains(said), "{}", run.err);
    with_empty_frames(&desk, "most", 7);
    std::fs::remove_file(desk.path("new")).unwrap();
    let said = "3 of 10 frames used; 7 left out, no point where the part may be (most/010, most/011, most/012, ...)";
    desk.refused_with(&fit("most"), &["more than half of the frames are left out", said, "--accept-left-out"]);
    let run = desk.done(&format!("{} --accept-left-out", fit("most")));
    assert!(run.err.contains(said) && desk.path("new").is_file(), "{}", run.err);
    let run = desk.done("calibrate --engine @fitted --nominal @held --false-reject-rate 0.25 --output calibrated");
    assert!(run.err.contains("calibrate: 4 of 4 frames used\n"), "{}", run.err);
}
