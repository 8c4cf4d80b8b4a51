//! Launches of the mappings and of the anomaly map.

use std::ops::Range;

use super::launch::{Launch, Work, warps};
use super::phase::{Phase, Step, Stream};
use super::pixels::row_bytes;
use super::products::Product;
use super::scene::Scene;
use crate::backend::kernel_sizes::{head_panels, padded};
use crate::model::{Architecture, Score};
use crate::shapes::{H, P, T, W};

const HIDDEN_PIXELS: usize = 8;
const HIDDEN_THREADS: usize = 128;
const PSI_WARPS: usize = 8;
const PIXEL_THREADS: usize = 256;
const SMOOTH_TILE: usize = 32;
const SMOOTH_THREADS: usize = 512;
/// Tokens and groups of a pixel's row: of groups it is assumed.
const TOKENS: usize = 4;
const GROUPS: usize = 9;
/// Channels that a lane takes at a time, and instructions of a warp for them and one entry of a row.
const OCTET: usize = 8;
const ENTRY: f64 = 29.5;

/// Measured on one core of a Xeon, seconds: the maps out of page-locked memory, and the score.
const READ: f64 = 0.16e-3;

/// What the mappings derive from the features of one modality, of `n` tokens or groups and `channels`.
pub fn derive(
    phase: &mut Phase,
    stream: Stream,
    architecture: &Architecture,
    (n, channels): (usize, usize),
    multiprocessors: usize,
) {
    let m = padded(architecture.hidden);
    // The first layer of the mapping from it.
    phase.launch(stream, Product::new(n, channels, m).linear(false, multiprocessors));
    if architecture.score == Score::Likelihood {
        return;
    }
    // The last layer of the mapping to it.
    phase.launch(stream, Product::new(n, channels, m).linear(false, multiprocessors));
    phase.launch(stream, Product::new(n, channels, 1).inner_products());
    phase.launch(stream, Product::new(n, channels, n).inner_products());
}

/// Both discrepancies, the map, and its way back.
pub fn compare(architecture: &Architecture, scene: &Scene, multiprocessors: usize) -> Phase {
    let mut phase = Phase::new("mappings and map", false);
    let (c_rgb, c_xyz, m) = (architecture.c_rgb(), architecture.c_xyz(), padded(architecture.hidden));
    let groups = architecture.xyz.groups;
    let n = scene.evaluated();
    let of_pixels = |to| Product { counted: n, ..Product::new(P, m, to) };
    for (from, of_from, to, of_to, c_out) in [(TOKENS, T, GROUPS, groups, c_xyz), (GROUPS, groups, TOKENS, T, c_rgb)] {
        phase.launch(Stream::Shape, hidden_activations(n, m, from, of_from));
        phase.launch(Stream::Shape, of_pixels(m).linear(true, multiprocessors));
        match architecture.score {
            Score::Product => {
                let triangle = Product { triangular: true, ..of_pixels(architecture.hidden.min(c_out)) };
                phase.launch(Stream::Shape, triangle.squared_lengths());
                phase.launch(Stream::Shape, discrepancy(n, m, triangle.parts(), to, of_to));
            }
            Score::Likelihood => {
                for channels in head_panels(architecture.hidden, c_out) {
                    phase.launch(Stream::Shape, of_pixels(2 * channels.len()).linear(false, multiprocessors));
                    phase.launch(Stream::Shape, likelihood(n, &channels, to, of_to));
                }
            }
        }
    }
    let work = Work { instructions: warps(P) * 40.0, bytes: (8 * n + 16 * P) as f64, ..Work::default() };
    let joined = match architecture.score {
        Score::Product => "product",
        Score::Likelihood => "sum",
    };
    phase.launch(Stream::Shape, Launch::over(joined, P, PIXEL_THREADS, PIXEL_THREADS, work));
    let tiles = [W / SMOOTH_TILE, H / SMOOTH_TILE];
    let work = Work { instructions: (tiles[0] * tiles[1]) as f64 * 190e3, bytes: (8 * P) as f64, ..Work::default() };
    phase.launch(Stream::Shape, Launch::new("smooth", tiles, SMOOTH_THREADS, work));
    for _ in 0..4 {
        phase.push(Stream::Shape, Step::Download(4 * P));
    }
    phase.push(Stream::Host, Step::Wait(Stream::Shape));
    phase.push(Stream::Host, Step::Host(READ));
    phase
}

/// A row of `entries` tokens or groups, of which there are `of`, becomes M units in each of `n` pixels.
fn hidden_activations(n: usize, m: usize, entries: usize, of: usize) -> Launch {
    // The threads of a block go through the octets of all its pixels.
    let each = warps(HIDDEN_PIXELS * m / OCTET) / HIDDEN_PIXELS as f64 * (300.0 + ENTRY * entries as f64);
    let bytes = 2 * m * (n + of) + n * row_bytes(entries);
    let work = Work { instructions: n as f64 * each, bytes: bytes as f64, ..Work::default() };
    let launch = Launch::over("hidden_activations", P, HIDDEN_PIXELS, HIDDEN_THREADS, work);
    launch.with_busy(n.div_ceil(HIDDEN_PIXELS))
}

/// M units in each of `n` pixels, compared with a row of `entries` tokens or groups, of which there are `of`.
fn discrepancy(n: usize, m: usize, parts: usize, entries: usize, of: usize) -> Launch {
    let each = warps(m / OCTET) * (54.0 + ENTRY * entries as f64) + warps(entries * entries) * 52.0 + 235.0;
    let bytes = 2 * m * (n + of) + 4 * n * (parts + 1) + n * row_bytes(entries) + 4 * of * of;
    let work = Work { instructions: n as f64 * each, bytes: bytes as f64, ..Work::default() };
    Launch::over("discrepancy", P, PSI_WARPS, PSI_WARPS * 32, work).with_busy(n.div_ceil(PSI_WARPS))
}

/// Both heads of these channels in each of `n` pixels, compared with a row of `entries` tokens or groups, of which there are
/// `of`.
fn likelihood(n: usize, channels: &Range<usize>, entries: usize, of: usize) -> Launch {
    let width = channels.len();
    let each = warps(width / OCTET) * (281.0 + ENTRY * entries as f64) + 57.0;
    // The first channels begin a sum, which the others read.
    let sums = if channels.start == 0 { 1 } else { 2 };
    let bytes = 2 * width * (2 * n + of) + 4 * n * sums + n * row_bytes(entries);
    let work = Work { instructions: n as f64 * each, bytes: bytes as f64, ..Work::default() };
    Launch::over("likelihood", P, PSI_WARPS, PSI_WARPS * 32, work).with_busy(n.div_ceil(PSI_WARPS))
}
