//! Farthest point sampling and nearest neighbours: where an index is decided, f32 without FMA.

use rayon::prelude::*;

/// Squared distance, in the order that decides ties (section 3.1 of the paper; f32, no FMA).
#[inline(always)]
fn squared_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
}

/// Farthest point sampling: `count` indices into `points`, the first 0, ties to the lowest index.
/// With fewer points than `count`, index 0 repeats once every point is taken.
pub fn farthest_points(points: &[[f32; 3]], count: usize) -> Vec<usize> {
    assert!(!points.is_empty(), "farthest point sampling needs a point");
    let axis = |i: usize| points.iter().map(|p| p[i]).collect::<Vec<f32>>();
    let (x, y, z) = (axis(0), axis(1), axis(2));
    let mut distance = vec![f32::INFINITY; points.len()];
    let mut chosen = vec![0; count];
    for i in 1..count {
        let centre = points[chosen[i - 1]];
        let farthest = pulp::Arch::new().dispatch(|| lower_distances(&x, &y, &z, centre, &mut distance));
        chosen[i] = distance.iter().position(|&d| d == farthest).unwrap_or(0);
    }
    chosen
}

/// Lowers each point's distance to the chosen set by the new centre; returns the largest.
#[inline(always)]
fn lower_distances(x: &[f32], y: &[f32], z: &[f32], c: [f32; 3], distance: &mut [f32]) -> f32 {
    const LANES: usize = 16;
    let n = distance.len();
    let (x, y, z) = (&x[..n], &y[..n], &z[..n]);
    let mut best = [f32::NEG_INFINITY; LANES];
    let whole = n / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, best) in best.iter_mut().enumerate() {
            let i = start + lane;
            let d = distance[i].min(squared_distance([x[i], y[i], z[i]], c));
            distance[i] = d;
            *best = best.max(d);
        }
    }
    let mut farthest = best.iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
    for i in whole..n {
        distance[i] = distance[i].min(squared_distance([x[i], y[i], z[i]], c));
        farthest = farthest.max(distance[i]);
    }
    farthest
}

/// The `k` nearest points of each centre, `[G, K]`, ties to the lowest index.
/// With fewer than `k` points the nearest repeats, which a maximum over the group does not see.
pub fn nearest_points(points: &[[f32; 3]], centres: &[[f32; 3]], k: usize) -> Vec<usize> {
    let mut out = vec![0; centres.len() * k];
    out.par_chunks_mut(k).zip(centres).for_each_init(Vec::new, |scratch: &mut Vec<(f32, u32)>, (out, &centre)| {
        scratch.clear();
        scratch.extend(points.iter().enumerate().map(|(i, &p)| (squared_distance(p, centre), i as u32)));
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if k < scratch.len() {
            scratch.select_nth_unstable_by(k - 1, order);
            scratch.truncate(k);
        }
        scratch.sort_unstable_by(order);
        for (slot, out) in out.iter_mut().enumerate() {
            *out = scratch.get(slot).unwrap_or(&scratch[0]).1 as usize;
        }
    });
    out
}

/// The three nearest centres of a point with their squared distances, ties to the lowest index.
pub fn three_nearest(point: [f32; 3], centres: &[[f32; 3]]) -> [(f32, usize); 3] {
    let mut best = [(f32::INFINITY, 0); 3];
    for (i, &centre) in centres.iter().enumerate() {
        let d = squared_distance(point, centre);
        if d < best[2].0 {
            best[2] = (d, i);
            if d < best[1].0 {
                best.swap(1, 2);
                if d < best[0].0 {
                    best.swap(0, 1);
                }
            }
        }
    }
    best
}
