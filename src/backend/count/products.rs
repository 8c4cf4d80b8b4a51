//! Launches of `products.cu`.

use super::launch::{Launch, Work};
use crate::backend::kernel_sizes::padded;

/// Columns of both operands that are multiplied at a time.
const PIECE: usize = 32;

/// A block's tile of the result.
struct Tile {
    side: usize,
    threads: usize,
    /// Instructions of a warp for each piece.
    piece: f64,
}

const SMALL: Tile = Tile { side: 64, threads: 128, piece: 96.0 };
const LARGE: Tile = Tile { side: 128, threads: 256, piece: 118.0 };

/// Instructions of a warp for each 32 values of a result: of a plain one, with GELU, added to what is there, squared, and
/// in f32.
const PLAIN: f64 = 8.0;
const GELU: f64 = 40.0;
const ADDED: f64 = 9.0;
const SQUARED: f64 = 7.0;
const INNER: f64 = 6.0;

/// Halves `[rows, from]` by the transposed weight `[to, from]`.
#[derive(Clone, Copy)]
pub struct Product {
    /// Rows of the grid.
    pub rows: usize,
    /// Rows that are computed.
    pub counted: usize,
    pub from: usize,
    pub to: usize,
    /// Whether row i of the weight is zero before its column i.
    pub triangular: bool,
}

impl Product {
    pub fn new(rows: usize, from: usize, to: usize) -> Self {
        Self { rows, counted: rows, from: padded(from), to, triangular: false }
    }

    /// A layer, with GELU or without: with large tiles where they are enough for every multiprocessor.
    pub fn linear(&self, gelu: bool, multiprocessors: usize) -> Launch {
        let value = if gelu { GELU } else { PLAIN };
        let [across, down] = blocks(&LARGE, self.rows, self.to);
        if across * down >= multiprocessors {
            self.launch("linear_large", &LARGE, value, 2)
        } else {
            self.launch("linear", &SMALL, value, 2)
        }
    }

    pub fn add_linear(&self) -> Launch {
        self.launch("add_linear", &SMALL, ADDED, 8)
    }

    pub fn inner_products(&self) -> Launch {
        self.launch("inner_products", &SMALL, INNER, 4)
    }

    pub fn squared_lengths(&self) -> Launch {
        self.launch("squared_lengths", &LARGE, SQUARED, 0)
    }

    /// The sums of squares that [`Self::squared_lengths`] writes for each row.
    pub fn parts(&self) -> usize {
        4 * self.to.div_ceil(LARGE.side)
    }

    /// `value`: instructions of a warp for each 32 values of the result, of which each takes `bytes` of memory.
    fn launch(&self, kernel: &'static str, tile: &Tile, value: f64, bytes: usize) -> Launch {
        let Self { rows, counted, from, to, triangular } = *self;
        let grid = blocks(tile, rows, to);
        let down = counted.div_ceil(tile.side);
        let left_out = |column: usize| if triangular { column * tile.side / PIECE } else { 0 };
        let pieces: usize = (0..grid[0]).map(|column| from.div_ceil(PIECE) - left_out(column)).sum();
        let (pieces, values) = ((pieces * down) as f64, (counted * to) as f64);
        let work = Work {
            operations: pieces * (2 * tile.side * tile.side * PIECE) as f64,
            instructions: pieces * (tile.threads / 32) as f64 * tile.piece + values / 32.0 * value,
            bytes: (2 * (counted + to) * from + bytes * counted * to) as f64,
            cycles: 0.0,
        };
        Launch::new(kernel, grid, tile.threads, work).with_busy(grid[0] * down)
    }
}

fn blocks(tile: &Tile, rows: usize, to: usize) -> [usize; 2] {
    [to.div_ceil(tile.side), rows.div_ceil(tile.side)]
}
