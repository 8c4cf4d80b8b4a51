//! Whether the tests' own camera speaks the standard, by programs that have nothing of ours: viva-genicam, an implementation
//! of its own, and Aravis' command line. `ci/genicam/run.sh` names them; without them nothing runs, and each test reports it.

use std::process::Command;

use crate::gige::{self, Spec, content};

/// Names a Python interpreter that has viva-genicam.
const VIVA: &str = "CROSSCHECK_VIVA_PYTHON";
/// Names Aravis' command line.
const ARV_TOOL: &str = "CROSSCHECK_ARV_TOOL";

/// The program that a variable names; none where it is not set.
fn program(variable: &str) -> Option<Command> {
    let named = std::env::var_os(variable);
    if named.is_none() {
        println!("not run: {variable} is not set");
    }
    named.map(Command::new)
}

/// What a program prints, which succeeds.
fn printed(mut program: Command) -> String {
    let done = program.output().unwrap();
    let text = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(done.status.success(), "{program:?}: {text}");
    text
}

#[test]
fn another_implementation_reads_the_features_and_the_frames() {
    for parts in [&["Mono8"][..], &["RGB8"], &["Coord3D_C16"]] {
        let Some(mut viva) = program(VIVA) else { return };
        let folder = tempfile::tempdir().unwrap();
        // It looks for cameras of this machine at its first address only.
        let spec = Spec { multipart: false, ..Spec::new(1, parts) };
        let _device = gige::Camera::start(&spec);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/genicam/second_opinion.py");
        viva.args([script, &spec.address.to_string()]).arg(folder.path());
        let text = printed(viva);
        assert!(text.contains(&format!("{} x {} {}", spec.width, spec.height, parts[0])), "{text}");
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 50, "{text}");
        for file in files {
            let frame: u64 = file.file_name().unwrap().to_str().unwrap().parse().unwrap();
            // The number of a block is one more than the frame's.
            let expected = content::bytes(parts[0], spec.width * spec.height, frame - 1);
            assert!(std::fs::read(&file).unwrap() == expected, "{}, block {frame}", parts[0]);
        }
    }
}

#[test]
fn aravis_command_line_lists_the_camera_and_sets_a_feature() {
    let Some(_) = program(ARV_TOOL) else { return };
    let spec = Spec::new(53, &["Mono8", "Coord3D_C16"]);
    let _device = gige::Camera::start(&spec);
    let asked = |arguments: &[&str]| {
        let mut tool = program(ARV_TOOL).unwrap();
        tool.args(["--address", "127.0.0.53"]).args(arguments);
        printed(tool)
    };
    assert!(asked(&["features"]).contains("ExposureTime"));
    asked(&["control", "ExposureTime=1500"]);
    let text = asked(&["control", "ExposureTime"]);
    assert!(text.contains("1500"), "{text}");
}
