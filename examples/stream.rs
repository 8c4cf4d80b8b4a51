//! Inspects a stream of frames in buffers that are reused, and prints how many frames a second that makes.
//!
//! ```text
//! cargo run --release --example stream               # 40 frames, an engine that is learnt first
//! cargo run --release --example stream 500 ENGINE    # 500 frames, an engine that was fitted before
//! ```

mod common;

use std::env;
use std::time::Instant;

use anyhow::{Context, Result};
use crosscheck::scene::{Defect, Part, Scene};
use crosscheck::{Engine, Inspection, Inspector, RgbdFrame};

fn main() -> Result<()> {
    let frames: usize =
        env::args().nth(1).map_or(Ok(40), |text| text.parse()).context("expected a number of frames")?;
    let scene = Scene::new(Part::Puck, 1);
    let engine = match env::args_os().nth(2) {
        Some(path) => Engine::read(path.as_ref())?,
        None => common::quick_engine(&scene)?,
    };
    let mut inspector = Inspector::new(engine)?;
    // Eight frames that come round and round, as rendering one takes longer than inspecting it. One shows a defect.
    let mut belt: Vec<RgbdFrame> = (100..107).map(|number| scene.nominal(number).frame).collect();
    belt.push(scene.defective(107, Defect::ForeignBody).frame);

    // One inspection for all frames: after the first, nothing is allocated.
    let mut inspection = Inspection::default();
    inspector.inspect_into(&belt[0], None, &mut inspection)?;
    let (mut rejected, mut slowest_ms) = (0, 0.0f64);
    let start = Instant::now();
    for frame in belt.iter().cycle().take(frames) {
        inspector.inspect_into(frame, None, &mut inspection)?;
        rejected += usize::from(inspection.outcome.rejects());
        slowest_ms = slowest_ms.max(1e3 * inspection.times.total().as_secs_f64());
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{frames} frames, {rejected} rejected");
    println!("{:.1} frames/s, the slowest in {slowest_ms:.0} ms", frames as f64 / seconds);
    for (stage, time) in inspection.times.stages() {
        println!("  {stage:12} {:6.1} ms in the last frame", 1e3 * time.as_secs_f64());
    }
    Ok(())
}
