//! Launches that prepare a frame: `prepare.cu` and `components.cu`.

use super::launch::{Launch, Work, warps};
use super::phase::{Phase, Step, Stream};
use crate::prepare::components::table;
use crate::shapes::{P, RGB, W, XYZ};

const THREADS: usize = 256;
/// Pixels of a block whose warps go through several rows of 32.
const SPAN_PIXELS: usize = 16 * THREADS;

/// Measured on one core of a Xeon, seconds: the fit of a belt in 1,280 x 720 pixels.
const BELT: f64 = 0.65e-3;
/// The same for copies to page-locked memory, bytes a second.
const COPY: f64 = 12.5e9;
/// The same for the window's colours, as they are normalised, and its points.
const INPUT: f64 = 0.115e-3;

/// The steps and colours of a frame on their way, and the belt.
pub fn take((width, height): (usize, usize)) -> Phase {
    let pixels = width * height;
    let mut phase = Phase::new("copies, upload and belt", true);
    for (stream, bytes) in [(Stream::Shape, 2 * pixels), (Stream::Colour, RGB * pixels)] {
        phase.push(Stream::Host, Step::Host(bytes as f64 / COPY));
        phase.push(stream, Step::Wait(Stream::Host));
        phase.push(stream, Step::Upload(bytes));
    }
    phase.push(Stream::Host, Step::Host(BELT * pixels as f64 / (1280.0 * 720.0)));
    phase
}

/// depth steps -> points off the belt, and the components among them.
pub fn components((width, height): (usize, usize)) -> Phase {
    let pixels = width * height;
    let mut phase = Phase::new("points and components", true);
    // Bytes of a pixel, and instructions of a warp's 32 pixels.
    let each = |kernel, bytes: usize, instructions: f64, per_block: usize| {
        let work =
            Work { instructions: warps(pixels) * instructions, bytes: (bytes * pixels) as f64, ..Work::default() };
        Launch::over(kernel, pixels, per_block, THREADS, work)
    };
    let table = 8 * table::len(pixels);
    phase.launch(Stream::Shape, each("points_of_steps", 2 + 12 + 12, 91.0, THREADS));
    phase.launch(Stream::Shape, each("link_runs", 12 + 4 + 4, 87.0, THREADS));
    phase.launch(Stream::Shape, each("join_runs", 12 + 4, 220.0, THREADS));
    phase.launch(Stream::Shape, each("component_sizes", 4 + 4, 45.0, SPAN_PIXELS));
    phase.push(Stream::Shape, Step::Fill(table));
    phase.launch(Stream::Shape, each("component_table", 4, 12.0, THREADS));
    phase.launch(Stream::Shape, each("component_extents", 4, 50.0, SPAN_PIXELS));
    phase.push(Stream::Shape, Step::Download(table));
    phase
}

/// The window of the whole frame -> the networks' inputs.
pub fn window((width, height): (usize, usize)) -> Phase {
    let mut phase = Phase::new("window", true);
    let scale = (width.max(height) as f64 / W as f64).max(1.0);
    let taps = 2.0 * (2.0 * scale).ceil() + 1.0;
    let of_columns = height * W;
    let work = Work {
        instructions: warps(of_columns) * (60.0 + taps * 17.25),
        bytes: (RGB * (width * height + of_columns)) as f64,
        ..Work::default()
    };
    phase.launch(Stream::Colour, Launch::over("resize_columns", of_columns, THREADS, THREADS, work));
    let work = Work {
        instructions: warps(P) * (170.0 + taps * 16.25),
        bytes: (RGB * (of_columns + P + 2 * P)) as f64,
        ..Work::default()
    };
    phase.launch(Stream::Colour, Launch::over("resize_rows", P, THREADS, THREADS, work));
    phase.push(Stream::Colour, Step::Download(RGB * P));
    // A point is a sector and a half of its own, its parent is one, where the window leaves out pixels between.
    let work = Work { instructions: warps(P) * 74.0, bytes: (P * (48 + 32 + 12)) as f64, ..Work::default() };
    phase.launch(Stream::Shape, Launch::over("window_points", P, THREADS, THREADS, work));
    phase.push(Stream::Shape, Step::Download(4 * XYZ * P));
    for stream in [Stream::Colour, Stream::Shape] {
        phase.push(Stream::Host, Step::Wait(stream));
    }
    phase.push(Stream::Host, Step::Host(INPUT));
    phase
}
