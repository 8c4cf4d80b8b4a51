//! The README's commands and its configuration, as they are written there.

use std::error::Error;
use std::os::unix::fs::symlink;

use crosscheck::{Engine, Inspector, RgbdFrame};

use crate::program::{Desk, FIT, shared};
use crate::support::part::frame;

const DOCUMENT: &str = include_str!("../../README.md");

/// The indented block that begins with `first`, without its indentation.
fn block(first: &str) -> Vec<&'static str> {
    let lines =
        DOCUMENT.lines().skip_while(|line| !line.strip_prefix("    ").is_some_and(|line| line.starts_with(first)));
    lines.map_while(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn the_commands_of_the_readme_lead_to_a_verdict_and_a_station() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("parts")).unwrap();
    for (name, folder) in [("good", "parts/train"), ("held", "parts/validation")] {
        symlink(shared(name), desk.path(folder)).unwrap();
    }
    for (from, to) in [("held/rgb/010.png", "a.png"), ("held/xyz/010.tiff", "a.tiff")] {
        symlink(shared(from), desk.path(to)).unwrap();
    }
    let commands: Vec<_> = block("crosscheck fit").iter().filter_map(|line| line.strip_prefix("crosscheck ")).collect();
    let [fit, calibrate, inspect] = commands.as_slice() else { panic!("{commands:?}") };
    // Less learning than the README's, and four parts for the threshold where it has a hundred.
    desk.done(&format!("{fit} {FIT}"));
    assert!(calibrate.ends_with(" 0.01"), "{calibrate}");
    desk.done(&calibrate.replace(" 0.01", " 0.25"));
    let inspected = desk.done(inspect);
    assert!(inspected.out.contains("verdict       pass"), "{}", inspected.out);
    assert!(desk.path("look/parts.png").exists() && desk.path("result/overlay.png").exists());

    desk.write("station.toml", block("[engine]").join("\n"));
    desk.done("check-config station.toml");
    let [doctor, run] = block("crosscheck doctor").try_into().unwrap();
    let doctor = doctor.split("  #").next().unwrap().trim().strip_prefix("crosscheck ").unwrap();
    assert!(desk.run(doctor).out.contains("ok      engine"), "{}", desk.run(doctor).out);
    assert!(run.starts_with("crosscheck run --config station.toml"));
}

/// The README's lines on the library, as they are written there.
fn library(frame: RgbdFrame) -> Result<(), Box<dyn Error>> {
    let engine = Engine::read("bracket.safetensors".as_ref())?;
    let mut inspector = Inspector::new(engine)?;
    let inspection = inspector.inspect(&frame)?;
    println!("{:?}, {} defects", inspection.outcome.verdict(), inspection.defects.count);
    Ok(())
}

#[test]
fn the_readme_s_lines_on_the_library_compile() {
    let lines = block("use crosscheck::");
    assert_eq!(lines, ["use crosscheck::{Engine, Inspector, RgbdFrame};"]);
    let lines = block("let engine");
    assert_eq!(lines.len(), 4);
    let source = include_str!("readme.rs");
    let missing: Vec<_> = lines.into_iter().filter(|line| !source.contains(&format!("    {line}\n"))).collect();
    assert!(missing.is_empty(), "the function `library` lacks {missing:?}");
    // There is no such engine.
    library(frame(1, None)).unwrap_err();
}
