//! Weights packed once, in the order in which a micro-kernel reads them, and products that give each tile of the result
//! away while it is in cache.

use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::aligned::Aligned;
use super::elementwise::vectorised;
use super::kernel::{Kernel, Operands, Tile};
use super::team::Team;

/// Depth of a product that is taken at a time: the panel of it stays in the first-level cache.
const DEPTH_BLOCK: usize = 384;
/// Rows of a task, about: they and their share of the weights stay in the second-level cache.
const TASK_ROWS: usize = 132;
/// Columns of a task, and where rows are rounded for each task.
const TASK_COLUMNS: usize = 192;
const ROUNDED_TASK_COLUMNS: usize = 768;
/// Weights that are looked at, at a time, whether f16 holds them.
const WIDENED: usize = 4096;

/// The transpose of a weight `[to, from]`: panels of the kernel's columns, each `[depth, columns]` in cells.
pub struct Packed {
    kernel: &'static Kernel,
    pub from: usize,
    pub to: usize,
    cells: Cells,
    panels: Vec<Panel>,
}

/// Halves, where f16 holds the weights exactly, as it does those of most engine files, are widened a block at a time:
/// half the memory, for a fiftieth of the time of the many rows that then take the block.
enum Cells {
    Whole(Aligned),
    Half(Vec<f16>),
}

impl Cells {
    fn new(operands: Operands, whole: Aligned) -> Self {
        if operands != Operands::F32 {
            return Self::Whole(whole);
        }
        let mut halves = vec![f16::ZERO; whole.len()];
        let mut back = [0.0; WIDENED];
        for (values, halves) in whole.chunks(WIDENED).zip(halves.chunks_mut(WIDENED)) {
            halves.convert_from_f32_slice(values);
            let back = &mut back[..values.len()];
            halves.convert_to_f32_slice(back);
            if back != values {
                return Self::Whole(whole);
            }
        }
        Self::Half(halves)
    }

    /// Some of them, by way of `buffer` where they are halves.
    fn block<'a>(&'a self, kernel: &Kernel, range: Range<usize>, buffer: &'a mut Aligned) -> &'a [f32] {
        match self {
            Self::Whole(cells) => &cells[range],
            Self::Half(halves) => {
                buffer.resize(range.len());
                kernel.widen(&halves[range], buffer);
                buffer
            }
        }
    }
}

struct Panel {
    /// Its place in the buffer, cells.
    offset: usize,
    /// The depth it starts at, cells: what is before is zero.
    first: usize,
}

/// Memory of one thread for [`Packed::product`].
#[derive(Default)]
pub struct Scratch {
    tiles: Aligned,
    operand: Aligned,
    weights: Aligned,
}

impl Scratch {
    pub fn grow_like(&mut self, other: &Self) {
        self.tiles.grow_like(&other.tiles);
        self.operand.grow_like(&other.operand);
        self.weights.grow_like(&other.weights);
    }
}

/// A tile of a product: rows and columns of the whole.
#[derive(Clone, Copy)]
pub struct Place {
    pub row: usize,
    pub rows: usize,
    pub column: usize,
    pub columns: usize,
}

impl Packed {
    /// `weight`: `[to, from]`, as PyTorch stores it.
    pub fn new(kernel: &'static Kernel, weight: &[f32], to: usize) -> Self {
        Self::with_starts(kernel, weight, to, |_| 0)
    }

    /// An upper triangle or trapezoid: row `i` of `weight` starts at column `i`, and what is before is not touched.
    pub fn triangle(kernel: &'static Kernel, weight: &[f32], to: usize) -> Self {
        Self::with_starts(kernel, weight, to, |row| row)
    }

    /// Keeps the weights as f16 where that is exact.
    pub fn compact(mut self) -> Self {
        if let Cells::Whole(whole) = self.cells {
            self.cells = Cells::new(self.kernel.operands, whole);
        }
        self
    }

    fn with_starts(kernel: &'static Kernel, weight: &[f32], to: usize, start: impl Fn(usize) -> usize) -> Self {
        let from = weight.len() / to;
        assert_eq!(weight.len(), from * to, "a weight of {to} rows has {} elements", weight.len());
        let (width, per_cell) = (kernel.columns, kernel.operands.per_cell());
        let depth = from.div_ceil(per_cell);
        let mut panels = Vec::with_capacity(to.div_ceil(width));
        let mut offset = 0;
        for row in (0..to).step_by(width) {
            let first = (start(row) / per_cell).min(depth);
            panels.push(Panel { offset, first });
            offset += (depth - first) * width;
        }
        let mut cells = Aligned::zeros(offset);
        for (i, panel) in panels.iter().enumerate() {
            let end = panels.get(i + 1).map_or(offset, |next| next.offset);
            let rows = i * width..to.min((i + 1) * width);
            fill(&mut cells[panel.offset..end], kernel, weight, from, rows, panel.first);
        }
        Self { kernel, from, to, cells: Cells::Whole(cells), panels }
    }

    /// Panels of the kernel's columns that hold every column.
    pub fn panels(&self) -> usize {
        self.panels.len()
    }

    /// Columns of a panel.
    pub fn width(&self) -> usize {
        self.kernel.columns
    }

    /// Panels that make a task.
    pub fn panels_per_task(&self) -> usize {
        let columns = if self.kernel.operands == Operands::F32 { TASK_COLUMNS } else { ROUNDED_TASK_COLUMNS };
        (columns / self.width()).max(1)
    }

    /// Rows near `about` that leave no kernel tile half empty.
    pub fn whole_rows(&self, about: usize) -> usize {
        (about / self.kernel.rows).max(1) * self.kernel.rows
    }

    /// Gives `sink` each of `panels` and its tile of the product, `[rows, width]` dense; columns beyond `to` are zero.
    /// x: `rows` rows of `from` at `stride`.
    pub fn product(
        &self,
        (x, stride): (&[f32], usize),
        rows: usize,
        panels: Range<usize>,
        scratch: &mut Scratch,
        mut sink: impl FnMut(usize, &mut [f32]),
    ) {
        assert!(stride >= self.from && (rows == 0 || x.len() >= (rows - 1) * stride + self.from), "too few rows");
        let (width, tile) = (self.width(), rows * self.width());
        let Scratch { tiles, operand, weights } = scratch;
        tiles.resize(panels.len() * tile);
        let operands = self.kernel.operands;
        let (a, a_stride) = match operands {
            Operands::F32 => (x.as_ptr(), stride),
            _ => (round_rows(operands, x, stride, rows, self.from, operand), self.from.div_ceil(operands.per_cell())),
        };
        let depth = self.from.div_ceil(operands.per_cell());
        let block = depth.div_ceil(depth.div_ceil(DEPTH_BLOCK).max(1));
        for start in (0..depth).step_by(block.max(1)) {
            let end = depth.min(start + block);
            for (panel, out) in self.panels[panels.clone()].iter().zip(tiles.chunks_exact_mut(tile.max(1))) {
                let from = start.max(panel.first);
                if from >= end {
                    continue;
                }
                let first = panel.offset + (from - panel.first) * width;
                let b = self.cells.block(self.kernel, first..first + (end - from) * width, weights);
                let (depth, add) = (end - from, from > panel.first);
                // SAFETY: `a` holds `rows` rows of `depth` cells by the assertion above, or by `round_rows`; `b` and
                // `out` are slices of just the tile's size; `Kernel::best` gave a kernel that this processor has.
                unsafe {
                    let (a, b, c) = (a.add(from), b.as_ptr(), out.as_mut_ptr());
                    self.kernel.run(&Tile { rows, depth, a, a_stride, b, c, c_stride: width, add });
                }
            }
        }
        for (panel, out) in panels.zip(tiles.chunks_exact_mut(tile.max(1))) {
            sink(panel, out);
        }
    }

    /// The product of all `n` rows of x, shared out; `sink` may be given any tile on any thread.
    pub fn product_parallel<S: Send + AsMut<Scratch>>(
        &self,
        team: &mut Team<S>,
        x: (&[f32], usize),
        n: usize,
        sink: impl Fn(Place, &mut [f32]) + Sync,
    ) {
        let (rows, panels) = (self.whole_rows(TASK_ROWS), self.panels_per_task());
        let columns = self.panels().div_ceil(panels);
        team.each(n.div_ceil(rows) * columns, |scratch, task| {
            let (row, panel) = (task / columns * rows, task % columns * panels);
            let rows = rows.min(n - row);
            let panels = panel..self.panels().min(panel + panels);
            self.product((&x.0[row * x.1..], x.1), rows, panels, scratch.as_mut(), |panel, tile| {
                let column = panel * self.width();
                sink(Place { row, rows, column, columns: self.width().min(self.to - column) }, tile);
            });
        });
    }
}

/// One panel: `[depth, width]` cells of `rows` of `weight`, from cell `first` on; missing rows are zero.
fn fill(panel: &mut [f32], kernel: &Kernel, weight: &[f32], from: usize, rows: Range<usize>, first: usize) {
    let operands = kernel.operands;
    for (depth, cells) in panel.chunks_exact_mut(kernel.columns).enumerate() {
        let k = (first + depth) * operands.per_cell();
        for (cell, row) in cells.iter_mut().zip(rows.clone()) {
            let row = &weight[row * from..][..from];
            *cell = to_cell(operands, row[k], row.get(k + 1));
        }
    }
}

fn to_cell(operands: Operands, value: f32, next: Option<&f32>) -> f32 {
    match operands {
        Operands::F32 => value,
        Operands::Bf16Rounded => bf16::from_f32(value).to_f32(),
        Operands::Bf16Pairs => {
            let high = next.map_or(bf16::ZERO, |next| bf16::from_f32(*next));
            f32::from_bits(u32::from(bf16::from_f32(value).to_bits()) | u32::from(high.to_bits()) << 16)
        }
    }
}

/// Rows of x in the operands' cells, dense.
fn round_rows(operands: Operands, x: &[f32], stride: usize, rows: usize, from: usize, out: &mut Aligned) -> *const f32 {
    let cells = from.div_ceil(operands.per_cell());
    out.resize(rows * cells);
    for (row, out) in x.chunks(stride).zip(out.chunks_exact_mut(cells)) {
        if operands == Operands::Bf16Pairs { round_pairs(&row[..from], out) } else { round(&row[..from], out) }
    }
    out.as_ptr()
}

/// The bits of the nearest bf16, ties to even, in the upper half; a NaN stays one.
#[inline(always)]
fn rounded_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let quiet = bits | 0x0040_0000;
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if value.is_nan() { quiet } else { nearest }
}

vectorised! {
    fn round(values: &[f32], out: &mut [f32]) {
        for (value, out) in values.iter().zip(out) {
            *out = f32::from_bits(rounded_bits(*value) & 0xffff_0000);
        }
    }
}

vectorised! {
    fn round_pairs(values: &[f32], cells: &mut [f32]) {
        // A pair lies as its two halves follow one another, the processors with pairs being little-endian.
        // SAFETY: a cell is two u16 without padding, any bits are a u16, and `cells` is borrowed for as long.
        let halves = unsafe { std::slice::from_raw_parts_mut(cells.as_mut_ptr().cast::<u16>(), 2 * cells.len()) };
        for (value, half) in values.iter().zip(&mut *halves) {
            *half = (rounded_bits(*value) >> 16) as u16;
        }
        halves[values.len()..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows, depth and columns: below, at and across the tiles of every kernel, and beyond a block of depth.
    const SIZES: [[usize; 3]; 8] =
        [[1, 1, 1], [2, 3, 15], [6, 16, 16], [7, 33, 17], [14, 64, 32], [29, 385, 33], [45, 770, 48], [133, 20, 100]];

    fn random(count: usize, random: &mut fastrand::Rng) -> Vec<f32> {
        (0..count).map(|_| random.f32() - 0.5).collect()
    }

    /// The product in f64, of operands as the kernel rounds them, and the sum of the terms' magnitudes.
    fn expected(kernel: &Kernel, x: &[f32], w: &[f32]) -> (f64, f64) {
        let rounded = |v: f32| f64::from(if kernel.operands == Operands::F32 { v } else { bf16::from_f32(v).to_f32() });
        let terms = || x.iter().zip(w).map(|(x, w)| rounded(*x) * rounded(*w));
        (terms().sum(), terms().map(f64::abs).sum())
    }

    fn check(kernel: &'static Kernel, [rows, from, to]: [usize; 3], triangle: bool, halves: bool) {
        let mut rng = fastrand::Rng::with_seed((rows * from * to) as u64);
        let stride = from + rng.usize(0..20);
        let (x, mut weight) = (random(rows * stride, &mut rng), random(from * to, &mut rng));
        if halves {
            weight.iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32());
        }
        if triangle {
            weight.chunks_exact_mut(from).enumerate().for_each(|(i, row)| row[..i.min(from)].fill(0.0));
        }
        let packed = if triangle { Packed::triangle(kernel, &weight, to) } else { Packed::new(kernel, &weight, to) };
        let packed = packed.compact();
        let mut seen = 0;
        packed.product((&x, stride), rows, 0..packed.panels(), &mut Scratch::default(), |panel, tile| {
            for (i, &got) in tile.iter().enumerate() {
                let (row, column) = (i / packed.width(), panel * packed.width() + i % packed.width());
                if column >= to {
                    assert_eq!(got, 0.0, "a column beyond the last");
                    continue;
                }
                let (want, magnitude) = expected(kernel, &x[row * stride..][..from], &weight[column * from..][..from]);
                let error = (f64::from(got) - want).abs();
                assert!(error <= 2e-6 * magnitude, "{kernel:?}: {got} where {want} is expected, {rows} {from} {to}");
                seen += 1;
            }
        });
        assert_eq!(seen, rows * to);
        let kept_as_halves = matches!(packed.cells, Cells::Half(_));
        assert_eq!(kept_as_halves, halves && kernel.operands == Operands::F32, "{rows} {from} {to}");
    }

    /// One suite for every kernel that this processor has.
    #[test]
    fn kernels_multiply() {
        for kernel in Kernel::all() {
            if !kernel.is_available() {
                println!("{kernel:?}: not run, this processor does not have it");
                continue;
            }
            for size in SIZES {
                for (triangle, halves) in [(false, false), (false, true), (true, false), (true, true)] {
                    check(kernel, size, triangle, halves);
                }
            }
            println!("{kernel:?}: run");
        }
    }
}
