//! The state of a fit that was broken off, and the engine that it needs.

#[path = "../../../../tests/support/small_engine.rs"]
mod small_engine;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use crosscheck::fit::{Decay, Fit, FitSettings, Keep, Turned};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};

const SIDE: usize = 32;
const SETTINGS: FitSettings = FitSettings {
    epochs: 3,
    pixels: 16,
    seed: 0,
    held_out: 0.0,
    score: None,
    copies: 0,
    turned: Turned::Never,
    decay: Decay::None,
    gaps: false,
};

pub fn write_engine(path: &Path) {
    small_engine::engine(0.5).write(path).expect("scratch");
}

/// A fit of one frame.
fn fit(folder: &Path) -> Fit {
    let point = |i: usize| [(i % SIDE) as f32 * 1e-3, (i / SIDE) as f32 * 1e-3, 0.5];
    let cloud = OrganisedCloud::new(SIDE, SIDE, (0..SIDE * SIDE).map(point).collect()).expect("a cloud");
    let frame = RgbdFrame::new(SIDE, SIDE, vec![90; SIDE * SIDE * 3], cloud).expect("a frame");
    let mut fit = Fit::new(small_engine::engine(0.5), SETTINGS, folder.into()).expect("a fit");
    fit.add(&frame).expect("features");
    fit
}

/// The state after the first of three epochs.
pub fn write(path: &Path) {
    let folder = path.parent().expect("a folder");
    fit(folder).run(Some(&keep(path, false)), &mut |_| ControlFlow::Break(())).expect("a fit");
}

/// Whether a fit goes on from the input. It writes its state there, so it gets a copy.
pub fn read(path: &Path) -> bool {
    let state = path.with_extension("state");
    fs::copy(path, &state).expect("scratch");
    let fit = fit(path.parent().expect("a folder"));
    fit.run(Some(&keep(&state, true)), &mut |_| ControlFlow::Break(())).is_ok()
}

fn keep(path: &Path, resume: bool) -> Keep {
    Keep { path: path.into(), every: Duration::MAX, resume }
}
