//! The searches of a frame by themselves: each takes a small part of a frame's time, but has a bound of its own.

use std::time::Instant;

use serde::Serialize;

use crate::backend::cpu::searches::{Interpolator, nearest_points};
use crate::backend::cpu::workers::Workers;
use crate::frame::is_point;
use crate::model::PointMaeShape;
use crate::shapes::P;
use crate::spatial::grouping::Grouping;
use crate::spatial::rows::SparseRows;

#[derive(Debug, Serialize)]
pub struct Search {
    pub name: &'static str,
    pub threads: usize,
    pub median_ms: f64,
}

/// Measures farthest point sampling of the valid points, the nearest points of each centre, and the nearest three
/// centres of each point with the smoothing that follows. cloud: `[P]` points, the origin at pixels without a point.
pub fn measure(cloud: &[[f32; 3]], shape: &PointMaeShape, times: usize) -> [Search; 3] {
    let points: Vec<[f32; 3]> = cloud.iter().copied().filter(is_point).collect();
    let (mut grouping, mut workers) = (Grouping::with_capacity(P), Workers::of_all_cores());
    let (mut interpolator, mut rows) = (Interpolator::default(), SparseRows::default());
    let (mut chosen, mut neighbours) = (Vec::new(), Vec::new());
    let mut milliseconds = [(); 3].map(|()| Vec::with_capacity(times));
    // One more run than is counted, for warming up.
    for _ in 0..=times.max(1) {
        let start = Instant::now();
        grouping.sample(&points, shape.groups, &mut chosen);
        let sampled = Instant::now();
        let centres: Vec<[f32; 3]> = chosen.iter().map(|&i| points[i]).collect();
        let before = Instant::now();
        nearest_points(&mut workers, &grouping, &centres, shape.group_size, &mut neighbours);
        let grouped = Instant::now();
        interpolator.xyz_rows(&mut workers, cloud, &centres, &mut rows);
        let interpolated = grouped.elapsed();
        let spent = [sampled - start, grouped - before, interpolated];
        milliseconds.iter_mut().zip(spent).for_each(|(ms, spent)| ms.push(spent.as_secs_f64() * 1e3));
    }
    let search = |name, threads, mut ms: Vec<f64>| {
        let ms = &mut ms[1..];
        ms.sort_by(f64::total_cmp);
        Search { name, threads, median_ms: ms[ms.len() / 2] }
    };
    let (all, [farthest, points_of, centres_of]) = (workers.threads(), milliseconds);
    [
        search("farthest points", 1, farthest),
        search("nearest points of a centre", all, points_of),
        search("nearest centres of a point", all, centres_of),
    ]
}
