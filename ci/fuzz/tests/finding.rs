//! What is broken is found, its input is kept, and fails again; what is sound is not.

use std::path::Path;
use std::process::{Command, Output};

fn fuzz(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } =
        Command::new(env!("CARGO_BIN_EXE_crosscheck-fuzz")).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn every_kind_of_fault_is_found_and_fails_again() {
    let failures = tempfile::tempdir().unwrap();
    let folder = failures.path().to_str().unwrap();
    for (target, words) in
        [("panics", "a mark"), ("hoards", "bytes are held"), ("recurses", "the process ended: signal")]
    {
        let (code, said) = fuzz(&["run", "--target", target, "--seconds", "20", "--failures", folder]);
        assert!(code == Some(1) && said.contains(words), "{target}: {code:?} {said}");
        let input = failures.path().join(format!("{target}-1.txt"));
        assert!(said.contains(&format!("ci/fuzz/run.sh again {target} {}", input.display())), "{said}");
        let (code, said) = fuzz(&["again", target, input.to_str().unwrap()]);
        // A stack that is full ends the process itself.
        assert!(code.is_none() || (code == Some(1) && said.contains(words)), "{target}: {code:?} {said}");
        let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target).join("text.txt");
        assert_eq!(fuzz(&["again", target, sound.to_str().unwrap()]).0, Some(0), "{target}");
    }
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let made = |seed: &str| {
        let failures = tempfile::tempdir().unwrap();
        let folder = failures.path().to_str().unwrap();
        fuzz(&["run", "--target", "panics", "--seconds", "20", "--seed", seed, "--failures", folder]);
        std::fs::read(failures.path().join(format!("panics-{seed}.txt"))).unwrap()
    };
    assert_eq!(made("7"), made("7"));
    assert_ne!(made("7"), made("8"));
}
