//! Farthest point sampling and nearest neighbours. Comparisons that decide an index are in f32 without FMA, ties go to
//! the lowest index, and the results are those of a search through all points.

use super::tree::Tree;
use crate::vectorised::{maximum, vectorised};

/// Number of points in a leaf, of the cloud and of the group centres.
const CLOUD_LEAF: usize = 64;
const CENTRE_LEAF: usize = 16;
/// The bound of a leaf that was searched already: a NaN is neither below nor above anything.
const LOOKED_INTO: f32 = f32::NAN;

/// Samples a cloud and searches it, in buffers that clouds reuse.
#[derive(Default)]
pub struct Grouping {
    tree: Tree,
    /// Squared distance of each point, in the tree's order, to the nearest centre so far.
    distance: Vec<f32>,
    /// The largest distance in each leaf.
    farthest: Vec<f32>,
    bounds: Vec<f32>,
}

/// Memory of a search, which one thread reuses.
#[derive(Default)]
pub struct NearestScratch {
    pub(crate) bounds: Vec<f32>,
    pub(crate) found: Vec<u64>,
}

/// A distance and an index in one number, which orders by distance and then by index: the bits of a float that is not
/// negative grow with it.
#[inline(always)]
fn key(distance: f32, index: u32) -> u64 {
    u64::from(distance.to_bits()) << 32 | u64::from(index)
}

impl Grouping {
    /// Allocates for clouds of up to `points`, so that none of them allocates again.
    pub fn with_capacity(points: usize) -> Self {
        let leaves = points.div_ceil(CLOUD_LEAF);
        Self {
            tree: Tree::with_capacity(points, CLOUD_LEAF),
            distance: Vec::with_capacity(points),
            farthest: Vec::with_capacity(leaves),
            bounds: Vec::with_capacity(leaves),
        }
    }

    /// Farthest point sampling: `count` indices into `points`, the first 0, ties to the lowest index.
    /// With fewer points than `count`, index 0 repeats once every point is taken.
    pub fn sample(&mut self, points: &[[f32; 3]], count: usize, chosen: &mut Vec<usize>) {
        assert!(!points.is_empty(), "farthest point sampling needs a point");
        let Self { tree, distance, farthest, bounds } = self;
        tree.build(points, CLOUD_LEAF);
        distance.clear();
        distance.resize(points.len(), f32::INFINITY);
        farthest.clear();
        farthest.resize(tree.leaves(), f32::INFINITY);
        chosen.clear();
        take_farthest(tree, points, (distance, farthest, bounds), count, chosen);
    }

    /// The nearest points of `centre` in the sampled cloud, as many as `out` takes, nearest first, ties to the lowest
    /// index. With fewer points the nearest repeats, which does not change a maximum over the group.
    pub fn nearest(&self, centre: [f32; 3], scratch: &mut NearestScratch, out: &mut [u32]) {
        let k = out.len();
        let NearestScratch { bounds, found } = scratch;
        found.clear();
        // Room for at most four times as many points as are asked for, and for those of one leaf.
        found.reserve(4 * k + 2 * CLOUD_LEAF);
        bounds.reserve(self.tree.order.capacity().div_ceil(CLOUD_LEAF));
        search(&self.tree, centre, k, bounds, found);
        keep_nearest(found, k);
        found.sort_unstable();
        for (slot, out) in out.iter_mut().enumerate() {
            *out = *found.get(slot).unwrap_or(&found[0]) as u32;
        }
    }
}

vectorised! {
    /// Takes one centre after another; `state`: distances, the largest of each leaf, room for bounds.
    fn take_farthest(
        tree: &Tree,
        points: &[[f32; 3]],
        state: (&mut [f32], &mut [f32], &mut Vec<f32>),
        count: usize,
        chosen: &mut Vec<usize>,
    ) {
        let (distance, farthest, bounds) = state;
        let mut next = 0;
        for _ in 0..count {
            chosen.push(next);
            let centre = points[next];
            tree.bounds(centre, bounds);
            for ((leaf, farthest), &bound) in farthest.iter_mut().enumerate().zip(&*bounds) {
                // A centre no nearer than the farthest point's own lowers nothing.
                if bound < *farthest {
                    *farthest = tree.lower(leaf, centre, distance);
                }
            }
            next = first_farthest(tree, distance, farthest);
        }
    }
}

vectorised! {
    /// Finds the `k` nearest points, and some more.
    fn search(tree: &Tree, centre: [f32; 3], k: usize, bounds: &mut Vec<f32>, found: &mut Vec<u64>) {
        tree.bounds(centre, bounds);
        let mut within = f32::INFINITY;
        // The leaves most likely to hold them are searched first, so that few others must be.
        while found.len() < k.min(tree.order.len()) {
            let leaf = least(bounds);
            look(tree, leaf, centre, within, found);
            bounds[leaf] = LOOKED_INTO;
        }
        within = keep_nearest(found, k).unwrap_or(within);
        for (leaf, &bound) in bounds.iter().enumerate() {
            if bound <= within {
                look(tree, leaf, centre, within, found);
                if found.len() > 4 * k {
                    within = keep_nearest(found, k).unwrap_or(within);
                }
            }
        }
    }
}

#[inline(always)]
fn look(tree: &Tree, leaf: usize, centre: [f32; 3], within: f32, found: &mut Vec<u64>) {
    tree.distances(leaf, centre, |distance, at| {
        if distance <= within {
            found.push(key(distance, tree.order[at]));
        }
    });
}

/// The lowest index of the points farthest from every centre.
#[inline(always)]
fn first_farthest(tree: &Tree, distance: &[f32], farthest: &[f32]) -> usize {
    let largest = maximum(farthest);
    let mut first = u32::MAX;
    for leaf in (0..farthest.len()).filter(|&leaf| farthest[leaf] == largest) {
        let range = tree.range(leaf);
        // Indices ascend within a leaf.
        if let Some(at) = distance[range.clone()].iter().position(|&d| d == largest) {
            first = first.min(tree.order[range.start + at]);
        }
    }
    first as usize
}

/// The leaf with the least bound that was not searched yet.
#[inline(always)]
fn least(bounds: &[f32]) -> usize {
    let mut best = (f32::INFINITY, 0);
    for (leaf, &bound) in bounds.iter().enumerate() {
        // A bound may be infinite, if coordinates are too large.
        if bound <= best.0 {
            best = (bound, leaf);
        }
    }
    best.1
}

/// Drops all but the `k` nearest, and returns the distance of the last of them; none if there are fewer.
fn keep_nearest(found: &mut Vec<u64>, k: usize) -> Option<f32> {
    if found.len() < k {
        return None;
    }
    let (_, last, _) = found.select_nth_unstable(k - 1);
    let last = f32::from_bits((*last >> 32) as u32);
    found.truncate(k);
    Some(last)
}

/// Group centres, which are searched for the three nearest.
#[derive(Default)]
pub struct Centres {
    tree: Tree,
    points: Vec<[f32; 3]>,
}

impl Centres {
    pub fn set(&mut self, centres: &[[f32; 3]]) {
        self.points.clear();
        self.points.extend_from_slice(centres);
        self.tree.build(centres, CENTRE_LEAF);
    }

    /// The three nearest centres of a point with their squared distances, ties to the lowest index; if there are fewer,
    /// the missing ones are centre 0 at infinity. `hint`: three centres that may be near; the nearer they are, the less
    /// work.
    #[inline(always)]
    pub fn three_nearest(&self, point: [f32; 3], hint: [usize; 3], bounds: &mut Vec<f32>) -> [(f32, usize); 3] {
        let mut best = [key(f32::INFINITY, 0); 3];
        let hinted =
            hint.map(|i| self.points.get(i).map_or(f32::INFINITY, |c| super::tree::squared_distance(point, *c)));
        let distinct = hint[0] != hint[1] && hint[1] != hint[2] && hint[0] != hint[2];
        // None of the three nearest is farther than the farthest of any three distinct centres.
        let mut within = if distinct { hinted.iter().fold(0.0, |m: f32, &d| m.max(d)) } else { f32::INFINITY };
        self.tree.bounds(point, bounds);
        for (leaf, &bound) in bounds.iter().enumerate() {
            if bound > within {
                continue;
            }
            self.tree.distances(leaf, point, |distance, at| {
                let new = key(distance, self.tree.order[at]);
                if new < best[2] {
                    best[2] = new;
                    if new < best[1] {
                        best.swap(1, 2);
                        if new < best[0] {
                            best.swap(0, 1);
                        }
                    }
                }
            });
            within = within.min(f32::from_bits((best[2] >> 32) as u32));
        }
        best.map(|key| (f32::from_bits((key >> 32) as u32), key as u32 as usize))
    }
}

/// [`Grouping::sample`] of one cloud.
pub fn farthest_points(points: &[[f32; 3]], count: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    Grouping::default().sample(points, count, &mut chosen);
    chosen
}
