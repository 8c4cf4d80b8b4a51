//! Launches that find groups, and what each pixel is interpolated from; and those that register depth to colour.

use super::launch::{Launch, Work, warps};
use super::phase::{Phase, Step, Stream};
use super::scene::Scene;
use crate::model::PointMaeShape;
use crate::shapes::{P, XYZ};

const THREADS: usize = 256;
/// Threads of the kernels that write a list: one block, in rounds.
const LIST_THREADS: usize = 1024;
const SAMPLE_THREADS: usize = 512;
const SAMPLE_POINTS: usize = 30 * SAMPLE_THREADS;
/// Warps of a block of `nearest_points`, each with a centre.
const NEAREST_WARPS: usize = 8;
const ROW_THREADS: usize = 64;
const ROW_ENTRIES: usize = 48;

/// cloud -> centres.
pub fn centres(phase: &mut Phase, stream: Stream, groups: usize, scene: &Scene) {
    // A round lists 1,024 pixels: 1,200 cycles of instructions, and 600 until their points are there.
    let work = Work { cycles: rounds() * 1_800.0, bytes: (XYZ * 4 * (P + scene.points())) as f64, ..Work::default() };
    phase.launch(stream, Launch::new("valid_points", [1, 1], LIST_THREADS, work));
    let blocks = P.div_ceil(SAMPLE_POINTS);
    phase.push(stream, Step::Fill(2 * blocks * 3 * SAMPLE_THREADS / 32 * 8));
    phase.launch(stream, farthest_points(blocks, groups, scene.points()));
}

/// The tests count 143 rounds for 1,024 centres of a part; cycles of a round are those of the busiest warps' distances,
/// found by a simulation, and of the latencies that docs/gpu.md lists.
fn farthest_points(blocks: usize, groups: usize, points: usize) -> Launch {
    let used = points.div_ceil(SAMPLE_POINTS).clamp(1, blocks);
    let of_warp = points.div_ceil(used * SAMPLE_THREADS / 32) as f64;
    let (distance, latencies) = if used == 1 { (2.35, 1_650.0) } else { (2.68, 2_150.0 + 1_500.0) };
    let rounds = (groups as f64 * 143.0 / 1024.0).ceil();
    let work = Work { cycles: rounds * (distance * of_warp + latencies), ..Work::default() };
    Launch::new("farthest_points", [blocks, 1], SAMPLE_THREADS, work).with_busy(used)
}

/// centres -> points of each group.
pub fn neighbours(phase: &mut Phase, stream: Stream, shape: &PointMaeShape, scene: &Scene) {
    let PointMaeShape { groups, group_size, .. } = *shape;
    // A warp takes 32 points at a time, and sorts its queue of 256 when it is full: three times for groups of 32 points,
    // eight times for groups of 128.
    let sorts = (3.0 + 5.0 * (group_size as f64 - 32.0) / 96.0).max(1.0);
    let instructions = groups as f64 * (warps(scene.points()) * 54.0 + sorts * 2_220.0);
    let bytes = XYZ * 4 * scene.points() + groups * group_size * (4 + 2 * XYZ);
    let work = Work { instructions, bytes: bytes as f64, ..Work::default() };
    phase.launch(stream, Launch::over("nearest_points", groups, NEAREST_WARPS, NEAREST_WARPS * 32, work));
}

/// centres -> rows of tokens and groups of each evaluated pixel.
pub fn rows(phase: &mut Phase, stream: Stream, groups: usize, scene: &Scene) {
    // A quarter of the lanes are idle, as warps lie across the part's edge.
    let instructions = warps(scene.points()) / 0.75 * groups as f64 * 21.0;
    let work = Work { instructions, bytes: (P * XYZ * (4 + 8)) as f64, ..Work::default() };
    phase.launch(stream, Launch::over("three_nearest", P, THREADS, THREADS, work));
    phase.launch(stream, valid_pixels(scene));
    let listed = scene.evaluated();
    let work = Work { instructions: warps(listed) * 2_900.0, bytes: (listed * 9 * 16) as f64, ..Work::default() };
    let launch = Launch::over("xyz_rows", P, ROW_THREADS, ROW_THREADS, work);
    phase.launch(stream, launch.with_busy(listed.div_ceil(ROW_THREADS)));
    let work = Work { instructions: warps(listed) * 80.0, bytes: (listed * 36) as f64, ..Work::default() };
    phase.launch(stream, Launch::over("rgb_rows", P, THREADS, THREADS, work).with_busy(listed.div_ceil(THREADS)));
}

/// A thread looks at up to 16 points of its pixel, one after the other, until one is there; with a stride of 2 also at
/// those of the evaluated pixels around it. 32 warps of one block share four schedulers.
fn valid_pixels(scene: &Scene) -> Launch {
    let around = if scene.stride.pixels() == 1 { 0.0 } else { 2_900.0 };
    let cycles = 600.0 + 4_700.0 * (1.0 - scene.valid_share) + (1_600.0 + around) * scene.valid_share;
    let work = Work { cycles: rounds() * cycles, bytes: (P * (4 * XYZ + 4)) as f64, ..Work::default() };
    Launch::new("valid_pixels", [1, 1], LIST_THREADS, work)
}

/// Rounds in which a block of [`LIST_THREADS`] goes through all pixels.
fn rounds() -> f64 {
    P.div_ceil(LIST_THREADS) as f64
}

/// Bytes of a row of tokens and of a row of groups with `entries` entries: an index and a weight each.
pub fn row_bytes(entries: usize) -> usize {
    8 * entries.min(ROW_ENTRIES)
}

/// The registration of a depth image to a colour image, width and height of each, on a stream of its own beside the
/// frames. Atomics are not counted.
pub fn registration(depth: (usize, usize), colour: (usize, usize)) -> [Launch; 2] {
    let (from, to) = (depth.0 * depth.1, colour.0 * colour.1);
    let work = Work { instructions: warps(from) * 250.0, bytes: (14 * from + 8 * to) as f64, ..Work::default() };
    let nearest = Launch::over("nearest_steps", from, THREADS, THREADS, work);
    let work = Work { instructions: warps(to) * 60.0, bytes: (30 * to) as f64, ..Work::default() };
    [nearest, Launch::over("registered_points", to, THREADS, THREADS, work)]
}
