//! The searches of a frame (`spatial`), shared among the threads.

use super::workers::{Scratch, Workers};
use crate::shapes::{P, W};
use crate::spatial::grouping::{Centres, Grouping};
use crate::spatial::rows::{NO_POINT, SparseRows, inverse_distances, smoothed_row};

/// The `k` nearest points of each centre among those that were sampled from, `[G, k]` ([`Grouping::nearest`]).
pub fn nearest_points(
    workers: &mut Workers,
    grouping: &Grouping,
    centres: &[[f32; 3]],
    k: usize,
    neighbours: &mut Vec<u32>,
) {
    neighbours.resize(centres.len() * k, 0);
    workers.each_chunk(neighbours, k, |scratch: &mut Scratch, group, out| {
        grouping.nearest(centres[group], &mut scratch.nearest, out);
    });
}

/// [`xyz_rows`](crate::spatial::rows::xyz_rows) in buffers that frames reuse.
#[derive(Default)]
pub struct Interpolator {
    centres: Centres,
    /// The three nearest groups of each pixel's point and their weights, `[P]`.
    of_point: Vec<[(u32, f32); 3]>,
}

impl Interpolator {
    pub fn xyz_rows(&mut self, workers: &mut Workers, cloud: &[[f32; 3]], centres: &[[f32; 3]], rows: &mut SparseRows) {
        assert_eq!(cloud.len(), P);
        let Self { centres: tree, of_point } = self;
        tree.set(centres);
        of_point.resize(P, NO_POINT);
        let tree = &*tree;
        workers.each_chunk(of_point, W, |scratch: &mut Scratch, y, line| {
            inverse_distances(tree, &cloud[y * W..][..W], &mut scratch.bounds, line);
        });
        let of_point = &*of_point;
        workers.each_chunk(rows.lines(), 1, |scratch: &mut Scratch, y, line| {
            scratch.places.resize(centres.len(), 0);
            line[0].fill(&mut scratch.places, |x, row| smoothed_row(y, x, of_point, row));
        });
    }
}
