//! Sets of pixels of the network grid as rows of bits: a dilation by a disc takes some ten microseconds, and nothing is
//! allocated. The crate imageproc has these operations too, on images that it allocates for each.
//!
//! Morphology here is that of an endless plane of which the grid is a part: a part at the frame's edge is closed as if
//! it lay in the middle. A margin around the grid, in which a disc finds room, takes care of that.

use std::fmt;
use std::ops::Range;

use crate::frame::Region;
use crate::shapes::{H, P, W};

/// Pixels of the margin on each side. Discs have at most this radius.
pub const MARGIN: usize = 16;
/// Rows, and bits of a row.
pub const SIDE: usize = W + 2 * MARGIN;
const WORDS: usize = SIDE / 64;

const _: () = assert!(SIDE.is_multiple_of(64) && SIDE == H + 2 * MARGIN);

/// Bytes of a row of the grid, without the margin.
pub const GRID_BYTES: usize = W / 8;

const _: () = assert!(W.is_multiple_of(8) && MARGIN.is_multiple_of(8));

/// The bits of a row: column `x` is bit `x % 64` of word `x / 64`.
pub type Row = [u64; WORDS];

/// The columns of a row of the grid, without the margin.
const GRID_ROW: Row = {
    let mut row = [u64::MAX; WORDS];
    row[0] = u64::MAX << MARGIN;
    row[WORDS - 1] = u64::MAX >> MARGIN;
    row
};

/// A set of pixels, `[SIDE]` rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    rows: Vec<Row>,
}

impl Default for Mask {
    /// No pixel.
    fn default() -> Self {
        Self { rows: vec![[0; WORDS]; SIDE] }
    }
}

/// Not all of its rows: a failing test would fill the screen.
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pixels in {:?}", self.count(), self.bounds())
    }
}

/// A disc, as the half width of each of its rows from the middle on.
pub struct Disc {
    half_widths: Vec<usize>,
}

impl Disc {
    /// The pixels at most `radius`, in pixels, from the middle one.
    pub fn new(radius: f32) -> Self {
        assert!((0.0..=MARGIN as f32).contains(&radius), "a disc of radius {radius} does not fit into the margin");
        let half_width = |row: usize| (radius * radius - (row * row) as f32).sqrt() as usize;
        Self { half_widths: (0..=radius as usize).map(half_width).collect() }
    }
}

impl Mask {
    /// The pixels of the grid for which `values`, `[P]`, are true.
    pub fn of(values: &[bool]) -> Self {
        let mut mask = Self::default();
        mask.take(values);
        mask
    }

    /// From the bytes of the grid's rows, `[H, GRID_BYTES]`, eight pixels each, the first in the lowest bit.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut mask = Self::default();
        for (row, bytes) in mask.rows[MARGIN..].iter_mut().zip(bytes.chunks_exact(GRID_BYTES)) {
            for (byte, i) in bytes.iter().zip(MARGIN / 8..) {
                row[i / 8] |= u64::from(*byte) << (8 * (i % 8));
            }
        }
        mask
    }

    /// The bytes of [`Self::from_bytes`].
    pub fn to_bytes(&self) -> impl Iterator<Item = u8> {
        let grid = self.rows[MARGIN..MARGIN + H].iter();
        grid.flat_map(|row| row.iter().flat_map(|word| word.to_le_bytes()).skip(MARGIN / 8).take(GRID_BYTES))
    }

    /// Becomes the pixels of the grid for which `values`, `[P]`, are true.
    pub fn take(&mut self, values: &[bool]) {
        assert_eq!(values.len(), P, "a value for each pixel of the grid");
        self.take_where(|pixel| values[pixel]);
    }

    /// Becomes the pixels of the grid, of P, that `is_in` says are in it.
    pub fn take_where(&mut self, is_in: impl Fn(usize) -> bool) {
        self.clear();
        for (y, row) in self.rows[MARGIN..MARGIN + H].iter_mut().enumerate() {
            for x in 0..W {
                row[(x + MARGIN) / 64] |= u64::from(is_in(y * W + x)) << ((x + MARGIN) % 64);
            }
        }
    }

    pub fn clear(&mut self) {
        self.rows.fill([0; WORDS]);
    }

    /// Becomes the same set as `other`.
    pub fn copy_from(&mut self, other: &Self) {
        self.rows.copy_from_slice(&other.rows);
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many pixels there are.
    pub fn count(&self) -> usize {
        self.rows.iter().flatten().map(|word| word.count_ones() as usize).sum()
    }

    /// The pixels of the grid, of P, that are in it.
    pub fn pixels(&self) -> impl Iterator<Item = usize> {
        let words = self.rows[MARGIN..MARGIN + H].iter().enumerate().flat_map(|(y, row)| {
            row.iter().zip(GRID_ROW).enumerate().map(move |(i, (word, grid))| (y * W + 64 * i, word & grid))
        });
        words.flat_map(|(first, mut word)| {
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(first + bit - MARGIN)
            })
        })
    }

    /// The smallest rectangle of the grid around it; none without a pixel.
    pub fn bounds(&self) -> Option<Region> {
        let pixel = |i: usize| Region { x: i % W, y: i / W, width: 1, height: 1 };
        self.pixels().map(pixel).reduce(Region::union)
    }

    /// Whether pixel `i` of the grid, of P, is in it.
    pub fn has(&self, i: usize) -> bool {
        let (x, y) = (i % W + MARGIN, i / W + MARGIN);
        self.rows[y][x / 64] >> (x % 64) & 1 == 1
    }

    /// Adds columns of a row.
    pub fn add(&mut self, row: usize, columns: Range<usize>) {
        for x in columns {
            self.rows[row][x / 64] |= 1 << (x % 64);
        }
    }

    /// Replaces each word by what `merge` makes of it and of the one in `other`.
    pub fn merge(&mut self, other: &Self, merge: impl Fn(u64, u64) -> u64) {
        for (own, other) in self.rows.iter_mut().flatten().zip(other.rows.iter().flatten()) {
            *own = merge(*own, *other);
        }
    }

    /// Becomes the pixels that `disc` covers with its middle on some pixel of `of`.
    pub fn dilate(&mut self, of: &Self, disc: &Disc) {
        self.clear();
        of.rows.iter().enumerate().for_each(|(y, row)| self.stamp(y, *row, disc));
    }

    /// Becomes the pixels about which `disc` covers only pixels of `of`.
    pub fn erode(&mut self, of: &Self, disc: &Disc) {
        self.clear();
        of.rows.iter().enumerate().for_each(|(y, row)| self.stamp(y, row.map(|word| !word), disc));
        self.rows.iter_mut().flatten().for_each(|word| *word = !*word);
        self.crop();
    }

    /// Takes away the margin.
    fn crop(&mut self) {
        for (y, row) in self.rows.iter_mut().enumerate() {
            let is_of_grid = (MARGIN..MARGIN + H).contains(&y);
            row.iter_mut().zip(GRID_ROW).for_each(|(word, grid)| *word &= if is_of_grid { grid } else { 0 });
        }
    }

    /// Adds the disc about every pixel of a row.
    fn stamp(&mut self, y: usize, mut row: Row, disc: &Disc) {
        if row == [0; WORDS] {
            return;
        }
        let mut width = 0;
        for (away, half_width) in disc.half_widths.iter().enumerate().rev() {
            while width < *half_width {
                row = widened(row);
                width += 1;
            }
            for to in [y.checked_sub(away), Some(y + away).filter(|to| *to < SIDE)].into_iter().flatten() {
                self.rows[to].iter_mut().zip(row).for_each(|(word, other)| *word |= other);
            }
        }
    }
}

/// A row and its neighbours on both sides.
fn widened(row: Row) -> Row {
    std::array::from_fn(|i| {
        let before = if i > 0 { row[i - 1] >> 63 } else { 0 };
        let behind = row.get(i + 1).map_or(0, |word| word << 63);
        row[i] | row[i] << 1 | before | row[i] >> 1 | behind
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels all over the grid, many at its edges, and their places.
    fn scattered(seed: u64, count: usize) -> Vec<bool> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut values = vec![false; P];
        (0..count).for_each(|_| values[random.usize(..P)] = true);
        (0..W).step_by(50).for_each(|x| values[x] = true);
        values
    }

    #[test]
    fn dilation_and_erosion_are_those_of_every_pixel_with_every_other() {
        let values = scattered(1, 10);
        for radius in [0.0, 1.5, 2.0, 16.0] {
            let (disc, mask) = (Disc::new(radius), Mask::of(&values));
            let set: Vec<usize> = mask.pixels().collect();
            assert!(set.iter().copied().eq((0..P).filter(|i| values[*i])));
            let apart = |a: usize, b: usize| ((a % W).abs_diff(b % W).pow(2) + (a / W).abs_diff(b / W).pow(2)) as f32;
            let near: Vec<bool> = (0..P).map(|i| set.iter().any(|s| apart(i, *s) <= radius * radius)).collect();
            let mut wide = Mask::default();
            wide.dilate(&mask, &disc);
            assert!(wide.pixels().eq((0..P).filter(|i| near[*i])), "a disc of {radius}");
            // What is eroded is what the dilated rest leaves, and the rest is all around the grid.
            let rest: Vec<bool> = values.iter().map(|value| !value).collect();
            let mut narrow = Mask::default();
            narrow.erode(&Mask::of(&rest), &disc);
            let reach = radius as usize;
            let is_inner = |i: usize| [i % W, i / W].iter().all(|at| (reach..W - reach).contains(at));
            assert!(narrow.pixels().eq((0..P).filter(|i| !near[*i] && is_inner(*i))), "a disc of {radius}");
        }
    }

    #[test]
    fn bytes_and_bounds_are_those_of_the_grid() {
        let mask = Mask::of(&scattered(2, 3000));
        let bytes: Vec<u8> = mask.to_bytes().collect();
        assert_eq!((bytes.len(), Mask::from_bytes(&bytes)), (P / 8, mask.clone()));
        assert_eq!(bytes[0] & 1, 1);
        assert_eq!(mask.count(), mask.pixels().count());
        let mut few = vec![false; P];
        [5 * W + 7, 9 * W + 3].into_iter().for_each(|i| few[i] = true);
        assert_eq!(Mask::of(&few).bounds(), Some(Region { x: 3, y: 5, width: 5, height: 5 }));
        assert_eq!(Mask::default().bounds(), None);
    }
}
