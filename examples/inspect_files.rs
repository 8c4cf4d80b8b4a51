//! Inspects a frame from two files: a colour image and its points.
//!
//! ```text
//! cargo run --release --example inspect_files                           # a synthetic part with a defect
//! cargo run --release --example inspect_files ENGINE RGB.png XYZ.tiff   # your own, with an engine that was fitted
//! ```

mod common;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use crosscheck::dataset::{self, Reading};
use crosscheck::scene::{Defect, Part, Scene};
use crosscheck::{Engine, Inspector, Verdict};

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [engine, rgb, xyz] = match <[PathBuf; 3]>::try_from(arguments) {
        Ok(files) => files,
        Err(none) if none.is_empty() => synthetic_files(folder.path())?,
        Err(_) => bail!("usage: inspect_files [ENGINE RGB XYZ]"),
    };
    let mut inspector = Inspector::new(Engine::read(&engine)?)?;
    // `Reading` says what the numbers in the files mean: metres here. A depth image needs the camera that it is of.
    let frame = dataset::read_frame(&rgb, &xyz, &Reading::default())?;
    let inspection = inspector.inspect(&frame)?;

    println!("{} x {} pixels, {} points", frame.width(), frame.height(), frame.cloud().valid_count());
    match inspection.outcome.verdict() {
        Some(Verdict::Pass) => println!("PASS"),
        Some(Verdict::Review) => println!("REVIEW: a person is to look at it"),
        Some(Verdict::Reject) => println!("REJECT"),
        None => println!("no verdict: the engine has no threshold yet"),
    }
    if let Some(score) = inspection.outcome.score() {
        println!("score {score:.3}");
    }
    // A frame without a score is rejected: there is a reason, such as a cloud without points.
    if let Some(reason) = inspection.outcome.reason() {
        println!("{reason}");
    }
    for defect in inspection.defects.worst() {
        println!("  {defect}");
    }
    Ok(())
}

/// Writes what a user would have: an engine, a colour image and its points.
fn synthetic_files(folder: &Path) -> Result<[PathBuf; 3]> {
    let scene = Scene::new(Part::Puck, 1);
    let engine = folder.join("engine.safetensors");
    common::quick_engine(&scene)?.write(&engine)?;
    dataset::write_frame(folder, "part", &scene.defective(20, Defect::ForeignBody).frame, None)?;
    Ok([engine, folder.join("rgb/part.png"), folder.join("xyz/part.tiff")])
}
