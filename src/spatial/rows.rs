//! From tokens and groups to pixels (section 3.1), as sparse rows: no per-pixel feature is built.

use super::grouping::Centres;
use crate::frame::is_point;
use crate::shapes::{H, P, PATCH, T, T_SIDE, W};
use crate::vectorised::vectorised;

/// Keeps the inverse-distance weights finite if a point is a centre itself.
const DISTANCE_FLOOR: f32 = 1e-8;
/// Side of the mean filter's output: 3 x 3 without padding.
const SMOOTHED: usize = H - 2;
/// Largest number of entries in a row: four by four points, three groups each.
const ENTRIES_MAX: usize = 48;
/// The entries of a pixel without a point.
pub(crate) const NO_POINT: [(u32, f32); 3] = [(u32::MAX, 0.0); 3];

/// One sparse row of (token or group, weight) per pixel.
#[derive(Default)]
pub struct SparseRows {
    /// The lines of the frame, `[H]`.
    lines: Vec<Line>,
}

/// The rows of one line of pixels.
#[derive(Default)]
pub(crate) struct Line {
    /// The end of each pixel's entries, `[W]`.
    ends: Vec<u32>,
    entries: Vec<(u32, f32)>,
}

impl SparseRows {
    #[inline(always)]
    pub fn row(&self, pixel: usize) -> &[(u32, f32)] {
        let (line, x) = (&self.lines[pixel / W], pixel % W);
        let start = if x == 0 { 0 } else { line.ends[x - 1] };
        &line.entries[start as usize..line.ends[x] as usize]
    }

    /// `[H]` lines with room for every row there may be, so that no frame allocates.
    pub(crate) fn lines(&mut self) -> &mut [Line] {
        self.lines
            .resize_with(H, || Line { ends: Vec::with_capacity(W), entries: Vec::with_capacity(W * ENTRIES_MAX) });
        &mut self.lines
    }
}

impl Line {
    /// Fills the line: `add` adds the entries of each pixel's row. `places` has one element for each token or group.
    #[inline(always)]
    pub(crate) fn fill(&mut self, places: &mut [u32], mut add: impl FnMut(usize, &mut Row)) {
        self.ends.clear();
        self.entries.clear();
        for x in 0..W {
            let start = self.entries.len();
            add(x, &mut Row { entries: &mut self.entries, start, places });
            self.ends.push(self.entries.len() as u32);
        }
    }
}

/// A row under construction, at the end of its line.
pub(crate) struct Row<'a> {
    entries: &'a mut Vec<(u32, f32)>,
    start: usize,
    /// Place in the line of the last entry of each token or group. It is a hint that is checked against the row's
    /// entries, so it never needs clearing.
    places: &'a mut [u32],
}

impl Row<'_> {
    #[inline(always)]
    fn add(&mut self, index: u32, weight: f32) {
        let place = &mut self.places[index as usize];
        let seen = *place as usize;
        match self.entries.get_mut(seen) {
            Some(entry) if seen >= self.start && entry.0 == index => entry.1 += weight,
            _ => {
                *place = self.entries.len() as u32;
                self.entries.push((index, weight));
            }
        }
    }
}

/// Bilinear interpolation with align_corners = false: four tokens a pixel, with weights that sum to one.
pub fn rgb_rows() -> SparseRows {
    let axis = |i: usize| {
        let source = ((i as f32 + 0.5) / PATCH as f32 - 0.5).max(0.0);
        let low = source as usize;
        [(low, 1.0 - source.fract()), ((low + 1).min(T_SIDE - 1), source.fract())]
    };
    let mut rows = SparseRows::default();
    rows.lines.resize_with(H, Line::default);
    let mut places = [0; T];
    for (y, line) in rows.lines.iter_mut().enumerate() {
        line.fill(&mut places, |x, row| {
            for (v, wy) in axis(y) {
                axis(x).into_iter().for_each(|(u, wx)| row.add((v * T_SIDE + u) as u32, wy * wx));
            }
        });
    }
    rows
}

/// Three nearest centres, 3 x 3 mean without padding, adaptive mean back to H x W, folded into one row per pixel. A
/// pixel that no point reaches has an empty row.
pub fn xyz_rows(cloud: &[[f32; 3]], centres: &[[f32; 3]]) -> SparseRows {
    assert_eq!(cloud.len(), P);
    let mut tree = Centres::default();
    tree.set(centres);
    let (mut of_point, mut bounds) = (vec![NO_POINT; P], Vec::new());
    for (points, line) in cloud.chunks_exact(W).zip(of_point.chunks_exact_mut(W)) {
        inverse_distances(&tree, points, &mut bounds, line);
    }
    let (mut rows, mut places) = (SparseRows::default(), vec![0; centres.len()]);
    for (y, line) in rows.lines().iter_mut().enumerate() {
        line.fill(&mut places, |x, row| smoothed_row(y, x, &of_point, row));
    }
    rows
}

vectorised! {
    /// The three nearest centres of each point of a line and their weights, which sum to one.
    pub(crate) fn inverse_distances(tree: &Centres, points: &[[f32; 3]], bounds: &mut Vec<f32>, out: &mut [[(u32, f32); 3]]) {
        // Neighbouring points have much the same nearest centres.
        let mut hint = [0; 3];
        for (point, out) in points.iter().zip(out) {
            *out = NO_POINT;
            if !is_point(point) {
                continue;
            }
            let nearest = tree.three_nearest(*point, hint, bounds);
            hint = nearest.map(|(_, centre)| centre);
            let weight = nearest.map(|(d, _)| 1.0 / (d + DISTANCE_FLOOR));
            let total: f32 = weight.iter().sum();
            *out = [0, 1, 2].map(|i| (nearest[i].1 as u32, weight[i] / total));
        }
    }
}

/// Adds to `row` the entries of the pixels around (x, y), weighted as by both mean filters.
#[inline(always)]
pub(crate) fn smoothed_row(y: usize, x: usize, of_point: &[[(u32, f32); 3]], row: &mut Row) {
    // Output cell i of an adaptive mean covers inputs floor(i n / m) .. ceil((i + 1) n / m).
    let window = |i: usize| (i * SMOOTHED / H, ((i + 1) * SMOOTHED).div_ceil(H));
    let ((top, bottom), (left, right)) = (window(y), window(x));
    let scale = 1.0 / (9 * (bottom - top) * (right - left)) as f32;
    for v in top..bottom + 2 {
        // Number of 3 x 3 windows of this cell that contain the source row, and then the pixel.
        let repeats = overlap(v, top, bottom);
        for u in left..right + 2 {
            let entries = &of_point[v * W + u];
            if entries[0].0 != u32::MAX {
                let weight = scale * (repeats * overlap(u, left, right)) as f32;
                entries.iter().for_each(|&(group, w)| row.add(group, weight * w));
            }
        }
    }
}

/// Number of windows starting in `first..last`, three wide, that cover `at`.
fn overlap(at: usize, first: usize, last: usize) -> usize {
    (at + 1).min(last) - at.saturating_sub(2).max(first)
}
