//! `ci/gpu/first_run.sh` from its bundle, as on a machine that nobody has prepared.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::standin::{Run, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_crosscheck");

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/gpu").join(name)
}

/// Runs these steps of a script, as briefly as they can be run, in `folder`.
fn first_run(script: &Path, program: &Path, folder: &Path, steps: &str, environment: &[(&str, &str)]) -> Option<Run> {
    let mut command = Command::new(script);
    command.arg(program).current_dir(folder).env("FIRST_RUN_STEPS", steps);
    command.envs([("FIRST_RUN_FRAMES", "1"), ("FIRST_RUN_EPOCHS", "1"), ("FIRST_RUN_SECONDS", "3")]);
    run(command, environment)
}

/// What the summary says of a step.
fn result(folder: &Path, step: &str) -> String {
    let summary = std::fs::read_to_string(folder.join("first_run/summary.txt")).unwrap();
    let line = summary.lines().find(|line| line.split_whitespace().next() == Some(step));
    line.unwrap_or_else(|| panic!("no step {step} in {summary}")).to_owned()
}

#[test]
fn a_failing_step_hides_none_that_follows() {
    let folder = tempfile::tempdir().unwrap();
    // The program, but for one command.
    let program = folder.path().join("program");
    let text =
        format!("#!/bin/sh\n[ \"$1\" = calibrate ] && {{ echo made to fail; exit 3; }}\nexec {PROGRAM} \"$@\"\n");
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let steps = "machine doctor synthesize fit calibrate-cuda scores station bench-built-in-stride2 bench-registration compute-*";
    let Some(run) = first_run(&script("first_run.sh"), &program, folder.path(), steps, &[]) else { return };
    let printed = run.printed();
    println!("{printed}");
    assert_eq!(run.output.status.code(), Some(1), "{printed}");
    let failed = result(folder.path(), "calibrate-cuda");
    assert!(failed.contains("FAILED: exit code 3"), "{failed}");
    for step in
        ["machine", "doctor", "synthesize", "fit", "scores", "station", "bench-built-in-stride2", "bench-registration"]
    {
        let passed = result(folder.path(), step);
        assert!(passed.ends_with("passed"), "{passed}\n{}", log(folder.path(), step));
    }
    assert!(result(folder.path(), "compute-sanitizer").contains("not run: compute-sanitizer is not here"));
    assert!(printed.contains("\n1 of 10 steps failed\n"), "{printed}");
    assert!(printed.contains("scores of 1 frames by the GPU differ by at most"), "{printed}");
    assert!(log(folder.path(), "calibrate-cuda").contains("made to fail"));
    let bench = std::fs::read(folder.path().join("first_run/reports/bench-built-in-stride2.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bench).unwrap()["gpu"]["name"], "stand-in");
    // Its row: the frame to its score, the largest of these, the GPU's part, and memory.
    let row = printed.lines().find(|line| line.starts_with("bench-built-in-stride2 ") && !line.ends_with("passed"));
    assert_eq!(row.map(|row| row.split_whitespace().count()), Some(5), "{printed}");
    let archive = Command::new("tar").arg("-tzf").arg(folder.path().join("first_run.tar.gz")).output().unwrap();
    let listed = String::from_utf8(archive.stdout).unwrap();
    for file in ["first_run/summary.txt", "first_run/logs/station.log", "first_run/reports/metrics.txt"] {
        assert!(listed.lines().any(|line| line == file), "{listed}");
    }
    assert!(!listed.contains("work/"), "{listed}");
}

fn log(folder: &Path, step: &str) -> String {
    std::fs::read_to_string(folder.join(format!("first_run/logs/{step}.log"))).unwrap()
}

#[test]
fn a_machine_without_a_gpu_fails_in_the_step_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let none = [("STANDIN_DEVICES", "0")];
    let run = first_run(&script("first_run.sh"), Path::new(PROGRAM), folder.path(), "machine doctor", &none);
    let Some(run) = run else { return };
    assert_eq!(run.output.status.code(), Some(1), "{}", run.printed());
    assert!(result(folder.path(), "machine").ends_with("passed"));
    assert!(
        result(folder.path(), "doctor").contains("FAILED") && log(folder.path(), "doctor").contains("finds no GPU")
    );
    // Nothing is written over.
    let again = Command::new(script("first_run.sh")).arg(PROGRAM).current_dir(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(2) && said.contains("first_run exists"), "{said}");
    let missing = Command::new(script("first_run.sh")).arg("/nowhere/crosscheck").output().unwrap();
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(2) && said.contains("give its path"), "{said}");
}

#[test]
fn a_bundle_is_enough_for_a_run() {
    if cfg!(debug_assertions) {
        println!("not run: a program that is not optimised is larger");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.tar.gz");
    let made = Command::new(script("bundle.sh")).args(["--program", PROGRAM]).arg(&bundle).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    println!("{}", String::from_utf8_lossy(&made.stdout));
    let unpacked = Command::new("tar").arg("-xzf").arg(&bundle).current_dir(&folder).status().unwrap();
    assert!(unpacked.success());
    let inside = folder.path().join("crosscheck-gpu");
    let steps = "doctor bench-registration";
    let run = first_run(&inside.join("first_run.sh"), &inside.join("crosscheck"), &inside, steps, &[]);
    let Some(run) = run else { return };
    assert_eq!(run.output.status.code(), Some(0), "{}", run.printed());
    for name in ["README.md", "camera.toml", "golden/tiny-b.safetensors", "golden/full-a.safetensors"] {
        assert!(inside.join(name).is_file(), "{name}");
    }
}
