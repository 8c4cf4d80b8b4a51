//! The README's commands and its configuration, as they are written there.

use std::error::Error;
use std::os::unix::fs::symlink;

use crosscheck::{Engine, Inspector, RgbdFrame};

use crate::documents::{block, commands};
use crate::program::{Desk, FIT, shared};
use crate::support::part::frame;

const DOCUMENT: &str = include_str!("../../README.md");

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
    let [fit, calibrate, inspect] = commands(&block(DOCUMENT, "crosscheck fit")).try_into().unwrap();
    // Less learning than the README's, and four parts for the threshold where it has a hundred.
    desk.done(&format!("{fit} {FIT}"));
    assert!(calibrate.ends_with(" 0.01"), "{calibrate}");
    desk.done(&calibrate.replace(" 0.01", " 0.25"));
    let inspected = desk.done(inspect);
    assert!(inspected.out.contains("verdict       pass"), "{}", inspected.out);
    assert!(desk.path("look/parts.png").exists() && desk.path("result/overlay.png").exists());

    desk.write("station.toml", block(DOCUMENT, "[engine]").join("\n"));
    desk.done("check-config station.toml");
    let [doctor, run] = commands(&block(DOCUMENT, "crosscheck doctor")).try_into().unwrap();
    assert!(desk.run(doctor).out.contains("ok      engine"), "{}", desk.run(doctor).out);
    assert_eq!(run, "run --config station.toml");
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
    let block = block(DOCUMENT, "use crosscheck::");
    let ["use crosscheck::{Engine, Inspector, RgbdFrame};", "", lines @ ..] = block.as_slice() else {
        panic!("{block:?}")
    };
    assert_eq!(lines.len(), 4);
    let source = include_str!("readme.rs");
    let missing: Vec<_> = lines.iter().filter(|line| !source.contains(&format!("    {line}\n"))).collect();
    assert!(missing.is_empty(), "the function `library` lacks {missing:?}");
    // There is no such engine.
    library(frame(1, None)).unwrap_err();
}
