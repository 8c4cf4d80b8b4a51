//! The connected areas of a set of pixels.

use std::ops::Range;

use super::mask::{MARGIN, Mask, Row, SIDE};

/// The most runs of a set: every other pixel of each row.
const RUNS_MAX: usize = SIDE * (SIDE / 2 + 1);

/// Neighbouring pixels of a row that are in the set.
#[derive(Clone, Debug)]
struct Run {
    row: usize,
    columns: Range<usize>,
    /// A run of the same area; its own number for the one that stands for the area.
    parent: usize,
    /// Pixels of the area, where the run stands for it.
    pixels: usize,
    /// Which of the areas it is, where the run stands for one.
    area: usize,
}

/// The 4-connected areas of a set, in buffers that frames reuse.
pub struct Areas {
    runs: Vec<Run>,
}

impl Default for Areas {
    fn default() -> Self {
        // The first set may be that of any frame of a stream.
        Self { runs: Vec::with_capacity(RUNS_MAX) }
    }
}

impl Areas {
    /// Finds the areas of `mask`.
    pub fn find(&mut self, mask: &Mask) {
        self.find_rows(mask.rows().iter().copied());
    }

    /// Makes `enclosed` the pixels that are not of `part` and that no 4-connected way joins to the margin.
    pub fn enclosed(&mut self, part: &Mask, enclosed: &mut Mask) {
        self.find_rows(part.rows().iter().map(|row| row.map(|word| !word)));
        enclosed.clear();
        // The first run is the first row, which is all margin.
        let outside = self.root(0);
        for i in 0..self.runs.len() {
            if self.root(i) != outside {
                enclosed.add(self.runs[i].row, self.runs[i].columns.clone());
            }
        }
    }

    fn find_rows(&mut self, rows: impl Iterator<Item = Row>) {
        self.runs.clear();
        let mut above = 0..0;
        for (y, row) in rows.enumerate() {
            let first = self.runs.len();
            for columns in runs(row) {
                let parent = self.runs.len();
                self.runs.push(Run { row: y, columns, parent, pixels: 0, area: 0 });
            }
            self.join(above, first..self.runs.len());
            above = first..self.runs.len();
        }
        for i in 0..self.runs.len() {
            let (root, pixels) = (self.root(i), self.runs[i].columns.len());
            self.runs[root].pixels += pixels;
        }
    }

    /// Joins runs of two rows, one below the other, where they touch.
    fn join(&mut self, above: Range<usize>, below: Range<usize>) {
        let (mut a, mut b) = (above.start, below.start);
        while a < above.end && b < below.end {
            let (upper, lower) = (&self.runs[a].columns, &self.runs[b].columns);
            let upper_ends_first = upper.end < lower.end;
            if upper.start < lower.end && lower.start < upper.end {
                let (one, other) = (self.root(a), self.root(b));
                // The first run of an area stands for it.
                self.runs[one.max(other)].parent = one.min(other);
            }
            if upper_ends_first { a += 1 } else { b += 1 }
        }
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.runs[i].parent != i {
            self.runs[i].parent = self.runs[self.runs[i].parent].parent;
            i = self.runs[i].parent;
        }
        i
    }

    /// Pixels of the largest area; 0 where there is none.
    pub fn largest(&self) -> usize {
        self.runs.iter().map(|run| run.pixels).max().unwrap_or(0)
    }

    /// Gives each run of pixels as the number of its area, counted from 0 in the order of first runs, its row and its columns,
    /// all of the grid. Returns how many areas there are.
    pub fn each_run(&mut self, mut give: impl FnMut(usize, usize, Range<usize>)) -> usize {
        let mut areas = 0;
        for i in 0..self.runs.len() {
            let root = self.root(i);
            if root == i {
                self.runs[i].area = areas;
                areas += 1;
            }
            let Run { row, ref columns, .. } = self.runs[i];
            give(self.runs[root].area, row - MARGIN, columns.start - MARGIN..columns.end - MARGIN);
        }
        areas
    }

    /// Makes `mask` one of the areas, by the number that [`Self::each_run`] gave it.
    pub fn take_area(&mut self, area: usize, mask: &mut Mask) {
        mask.clear();
        for i in 0..self.runs.len() {
            let root = self.root(i);
            if self.runs[root].area == area {
                mask.add(self.runs[i].row, self.runs[i].columns.clone());
            }
        }
    }

    /// Adds to `mask` the areas of at least `pixels_min` pixels.
    pub fn draw(&mut self, pixels_min: usize, mask: &mut Mask) {
        for i in 0..self.runs.len() {
            let root = self.root(i);
            if self.runs[root].pixels >= pixels_min {
                mask.add(self.runs[i].row, self.runs[i].columns.clone());
            }
        }
    }
}

/// The runs of a row of bits.
fn runs(row: Row) -> impl Iterator<Item = Range<usize>> {
    let mut carry = 0;
    // Bits that differ from the one before: where runs begin, and where they have ended.
    let mut changes = row.map(|word| {
        let change = word ^ (word << 1 | carry);
        carry = word >> 63;
        change
    });
    let mut next = move || {
        let (i, word) = changes.iter_mut().enumerate().find(|(_, word)| **word != 0)?;
        let bit = word.trailing_zeros() as usize;
        *word &= *word - 1;
        Some(64 * i + bit)
    };
    std::iter::from_fn(move || next().map(|start| start..next().unwrap_or(SIDE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{P, W};

    /// The areas of `values` by a flood from each pixel.
    fn flooded(values: &[bool]) -> Vec<Vec<usize>> {
        let mut left = values.to_vec();
        let mut areas = Vec::new();
        for start in 0..P {
            let (mut area, mut open) = (Vec::new(), vec![start]);
            while let Some(i) = open.pop() {
                if !std::mem::take(&mut left[i]) {
                    continue;
                }
                area.push(i);
                open.extend((i % W > 0).then(|| i - 1));
                open.extend((i % W + 1 < W).then_some(i + 1));
                open.extend(i.checked_sub(W));
                open.extend((i + W < P).then_some(i + W));
            }
            areas.push(area);
        }
        areas.retain(|area| !area.is_empty());
        areas
    }

    #[test]
    fn areas_are_those_of_a_flood() {
        let mut random = fastrand::Rng::with_seed(4);
        let mut areas = Areas::default();
        // About as many as make areas that wind through all of the grid.
        for share in [0.3, 0.58, 0.7] {
            let values: Vec<bool> = (0..P).map(|_| random.f32() < share).collect();
            areas.find(&Mask::of(&values));
            let want = flooded(&values);
            let most = want.iter().map(Vec::len).max().unwrap();
            assert_eq!(areas.largest(), most);
            for pixels_min in [1, 5, most] {
                let mut drawn = Mask::default();
                areas.draw(pixels_min, &mut drawn);
                let mut pixels: Vec<usize> = want.iter().filter(|a| a.len() >= pixels_min).flatten().copied().collect();
                pixels.sort_unstable();
                assert!(drawn.pixels().eq(pixels), "{share} {pixels_min}");
            }
            let mut by_run: Vec<Vec<usize>> = Vec::new();
            let count = areas.each_run(|area, row, columns| {
                by_run.resize(by_run.len().max(area + 1), Vec::new());
                by_run[area].extend(columns.map(|x| row * W + x));
            });
            let mut want_sorted = want.clone();
            by_run.iter_mut().chain(&mut want_sorted).for_each(|area| area.sort_unstable());
            assert_eq!((count, &by_run), (want.len(), &want_sorted), "{share}");
            for area in [0, count / 2, count - 1] {
                let mut taken = Mask::of(&[true; P]);
                areas.take_area(area, &mut taken);
                assert!(taken.pixels().eq(by_run[area].iter().copied()), "{share} {area}");
            }
            let outside: Vec<bool> = values.iter().map(|value| !value).collect();
            let is_at_edge = |i: &usize| [0, W - 1].contains(&(i % W)) || *i < W || *i >= P - W;
            let enclosed = flooded(&outside).into_iter().filter(|area| !area.iter().any(is_at_edge));
            let mut want: Vec<usize> = enclosed.flatten().collect();
            want.sort_unstable();
            let mut found = Mask::default();
            areas.enclosed(&Mask::of(&values), &mut found);
            assert!(found.pixels().eq(want), "{share}");
        }
    }

    #[test]
    fn nothing_and_everything_have_none_and_one() {
        let mut areas = Areas::default();
        areas.find(&Mask::default());
        assert_eq!(areas.largest(), 0);
        areas.find(&Mask::of(&[true; P]));
        assert_eq!(areas.largest(), P);
    }
}
