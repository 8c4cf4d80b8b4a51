//! Weights packed once, in the order in which a micro-kernel reads them, and products that pass each tile of the result
//! on while it is in cache.

use std::ops::Range;

use super::aligned::Aligned;
use super::cells::Cells;
use super::kernel::{Kernel, Tile};
use super::operands::{Operands, PanelOf, Rounded, WeightScales};
use super::team::Team;
use crate::model::Values;

/// Depth of a product that is computed at a time, cells: a panel of this depth stays in the first-level cache.
const DEPTH_BLOCK: usize = 384;
/// Approximate number of rows in a task: they and their share of the weights stay in the second-level cache.
const TASK_ROWS: usize = 132;
/// Number of columns in a task, and in a task that first rounds its rows.
const TASK_COLUMNS: usize = 192;
const ROUNDED_TASK_COLUMNS: usize = 768;

/// The transpose of a weight `[to, from]`: panels of the kernel's columns, each `[depth, columns]` in cells.
pub struct Packed {
    kernel: &'static Kernel,
    pub from: usize,
    pub to: usize,
    cells: Cells,
    panels: Vec<Panel>,
    scales: WeightScales,
}

struct Panel {
    /// Start of the panel in the buffer, cells.
    offset: usize,
    /// Depth at which the panel starts, cells; the weights before it are zero.
    first: usize,
}

/// Memory of one thread for [`Packed::product`].
#[derive(Default)]
pub struct Scratch {
    tiles: Aligned,
    operand: Rounded,
    weights: Aligned,
}

impl Scratch {
    pub fn grow_like(&mut self, other: &Self) {
        self.tiles.grow_like(&other.tiles);
        self.operand.grow_like(&other.operand);
        self.weights.grow_like(&other.weights);
    }
}

/// A tile of a product: its rows and columns in the whole product.
#[derive(Clone, Copy)]
pub struct Place {
    pub row: usize,
    pub rows: usize,
    pub column: usize,
    pub columns: usize,
}

impl Packed {
    /// `weight`: `[to, from]`, as PyTorch stores it.
    pub fn new<'a>(kernel: &'static Kernel, weight: impl Into<Values<'a>>, to: usize) -> Self {
        Self::with_starts(kernel, weight.into(), to, false, |_| 0)
    }

    /// Like [`Self::new`], but stored as halves if the weight is halves and the kernel takes f32: for products of many
    /// rows.
    pub fn compact<'a>(kernel: &'static Kernel, weight: impl Into<Values<'a>>, to: usize) -> Self {
        Self::with_starts(kernel, weight.into(), to, true, |_| 0)
    }

    /// Packs an upper triangle or trapezoid: row `i` of `weight` starts at column `i`, and the columns before it are
    /// not read.
    pub fn triangle(kernel: &'static Kernel, weight: &[f32], to: usize) -> Self {
        Self::with_starts(kernel, weight.into(), to, false, |row| row)
    }

    fn with_starts(
        kernel: &'static Kernel,
        weight: Values,
        to: usize,
        compact: bool,
        start: impl Fn(usize) -> usize,
    ) -> Self {
        let (operands, from) = (kernel.operands, weight.count() / to);
        assert_eq!(weight.count(), from * to, "a weight of {to} rows has {} elements", weight.count());
        let (width, depth) = (kernel.columns, operands.cells(from));
        let (mut panels, mut ranges, mut offset) = (Vec::new(), Vec::new(), 0);
        for row in (0..to).step_by(width) {
            let first = (start(row) / operands.per_cell()).min(depth);
            let end = offset + (depth - first) * width;
            panels.push(Panel { offset, first });
            ranges.push(offset..end);
            offset = end;
        }
        let scales = WeightScales::new(operands, weight, from, panels.len() * width);
        let as_halves = compact && operands == Operands::F32 && matches!(weight, Values::F16(_));
        let mut buffer = Vec::new();
        let cells = Cells::new(as_halves, &ranges, |i, cells| {
            let rows = i * width..to.min((i + 1) * width);
            let panel = PanelOf { operands, weight, from, rows, first: panels[i].first, scales: &scales };
            panel.fill(cells, width, &mut buffer);
        });
        Self { kernel, from, to, cells, panels, scales }
    }

    /// Number of panels that hold every column.
    pub fn panels(&self) -> usize {
        self.panels.len()
    }

    /// Number of columns in a panel.
    pub fn width(&self) -> usize {
        self.kernel.columns
    }

    /// Number of panels in a task.
    pub fn panels_per_task(&self) -> usize {
        let columns = if self.kernel.operands == Operands::F32 { TASK_COLUMNS } else { ROUNDED_TASK_COLUMNS };
        (columns / self.width()).max(1)
    }

    /// The panels in ranges of a few, whose tiles stay in cache together.
    pub fn panel_ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let (all, some) = (self.panels(), self.panels_per_task());
        (0..all).step_by(some).map(move |first| first..all.min(first + some))
    }

    /// Number of rows near `about` that leaves no tile of the kernel half empty.
    pub fn whole_rows(&self, about: usize) -> usize {
        (about / self.kernel.rows).max(1) * self.kernel.rows
    }

    /// The depth in blocks, cells.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let depth = self.kernel.operands.cells(self.from);
        let block = depth.div_ceil(depth.div_ceil(DEPTH_BLOCK).max(1)).max(1);
        (0..depth).step_by(block).map(move |start| start..depth.min(start + block))
    }

    /// Calls `sink` with each of `panels` and its dense tile of the product, `[rows, width]`; columns beyond `to` are
    /// zero. x: `rows` rows of `from` values at `stride`.
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
            _ => (operand.round(operands, (x, stride), rows, self.from), operands.cells(self.from)),
        };
        for Range { start, end } in self.blocks() {
            for (panel, out) in self.panels[panels.clone()].iter().zip(tiles.chunks_exact_mut(tile.max(1))) {
                let from = start.max(panel.first);
                if from >= end {
                    continue;
                }
                let first = panel.offset + (from - panel.first) * width;
                let b = self.cells.block(self.kernel, first..first + (end - from) * width, weights);
                let (depth, add) = (end - from, from > panel.first);
                // SAFETY: `a` holds `rows` rows of `depth` cells by the assertion above, or by `Rounded::round`; `b`
                // and `out` are slices of exactly the tile's size; `Kernel::best` returned a kernel that this processor
                // has.
                unsafe {
                    let (a, b, c) = (a.add(from), b.as_ptr(), out.as_mut_ptr());
                    self.kernel.run(&Tile { rows, depth, a, a_stride, b, c, c_stride: width, add });
                }
            }
        }
        for (panel, out) in panels.zip(tiles.chunks_exact_mut(tile.max(1))) {
            operand.scale_back(operands, out, &self.scales, panel * width..(panel + 1) * width);
            sink(panel, out);
        }
    }

    /// Computes the product of all `n` rows of x on all threads; `sink` may be called with any tile on any thread.
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

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::backend::arithmetic::Arithmetic;
    use crate::backend::cpu::kernel::F16_DEPTH;
    use crate::model::Tensor;

    /// Rows, depth and columns: below, at and across the tiles of every kernel, and beyond a block of depth.
    const SIZES: [[usize; 3]; 8] =
        [[1, 1, 1], [2, 3, 15], [6, 16, 16], [7, 33, 17], [14, 64, 32], [29, 385, 33], [45, 770, 48], [133, 20, 100]];

    /// Magnitudes of rows: those of activations are beyond the range of f16, those of weights within it.
    const ACTIVATIONS: [f32; 3] = [1.0, 1e-9, 1e6];
    const WEIGHTS: [f32; 3] = [1.0, 2e-4, 3e4];

    fn random(rows: usize, length: usize, magnitudes: [f32; 3], random: &mut fastrand::Rng) -> Vec<f32> {
        (0..rows * length).map(|i| magnitudes[i / length % 3] * (random.f32() - 0.4)).collect()
    }

    /// The nearest f16, ties to even. `f16::from_f64` may convert to f32 first, and round twice.
    fn nearest_f16(v: f64) -> f64 {
        let unit = (v.abs().log2().floor().max(-14.0) - 10.0).exp2();
        (v / unit).round_ties_even() * unit
    }

    /// One row of each operand as a kernel rounds it, and the scales.
    fn rounded(arithmetic: Arithmetic, x: &[f32], w: &[f32]) -> (Vec<f64>, Vec<f64>, f64) {
        let all = |row: &[f32], round: &dyn Fn(f32) -> f32| row.iter().map(|v| f64::from(round(*v))).collect();
        let largest = |row: &[f32]| row.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        match arithmetic {
            Arithmetic::F32 => (all(x, &|v| v), all(w, &|v| v), 1.0),
            Arithmetic::Bf16 => {
                let round = |v| bf16::from_f32(v).to_f32();
                (all(x, &round), all(w, &round), 1.0)
            }
            Arithmetic::F16 => {
                let power = |row: &[f32]| f64::from(largest(row)).log2().floor().clamp(-100.0, 100.0).exp2();
                let round = |power: f64| move |v| nearest_f16(f64::from(v) / power) as f32;
                let powers = [x, w].map(power);
                (all(x, &round(powers[0])), all(w, &round(powers[1])), powers.iter().product())
            }
            Arithmetic::Int8 => {
                let (low, high) = x.iter().fold((0.0f32, 0.0f32), |(low, high), v| (low.min(*v), high.max(*v)));
                let (step, weight_step) = ((high - low) / 254.0, (largest(w) / 127.0).max(f32::MIN_POSITIVE));
                let (x, w) = (
                    all(x, &|v| (v * step.recip()).round_ties_even()),
                    all(w, &|v| (v / weight_step).round_ties_even()),
                );
                (x, w, f64::from(step * weight_step))
            }
        }
    }

    /// The product in f64, of operands as the kernel rounds them, and the sum of the terms' magnitudes. `starts`:
    /// depths at which calls of the kernel start, in values.
    fn expected(operands: Operands, x: &[f32], w: &[f32], starts: &[usize]) -> (f64, f64) {
        let (x, w, scale) = rounded(operands.arithmetic(), x, w);
        let terms = || x.iter().zip(&w).map(|(x, w)| x * w);
        let sum = if operands == Operands::F16Rows {
            // Step by step as in the kernel: short sums are rounded to f16.
            let ends = starts.iter().skip(1).copied().chain([x.len()]);
            let runs = starts.iter().copied().zip(ends);
            let short = runs.flat_map(|(start, end)| (start..end).step_by(F16_DEPTH).map(move |k| (k, end)));
            let add = |sum: f64, k: usize| nearest_f16(x[k] * w[k] + sum);
            short.map(|(k, end)| (k..end.min(k + F16_DEPTH)).fold(0.0, add)).sum()
        } else {
            terms().sum::<f64>()
        };
        (scale * sum, scale * terms().map(f64::abs).sum::<f64>())
    }

    /// Depths at which calls of the kernel start in a panel, in values.
    fn starts(packed: &Packed, panel: usize) -> Vec<usize> {
        let first = packed.panels[panel].first;
        let starts = packed.blocks().filter(|block| block.end > first).map(|block| block.start.max(first));
        starts.map(|cell| cell * packed.kernel.operands.per_cell()).collect()
    }

    /// Every cell's bits.
    fn cells(packed: &Packed) -> Vec<u32> {
        match &packed.cells {
            Cells::Whole(cells) => cells.iter().map(|v| v.to_bits()).collect(),
            Cells::Half(halves) => halves.iter().map(|v| v.to_f32().to_bits()).collect(),
        }
    }

    fn check(kernel: &'static Kernel, [rows, from, to]: [usize; 3], triangle: bool, halves: bool) {
        let mut rng = fastrand::Rng::with_seed((rows * from * to) as u64);
        let stride = from + rng.usize(0..20);
        let (x, mut weight) = (random(rows, stride, ACTIVATIONS, &mut rng), random(to, from, WEIGHTS, &mut rng));
        if halves {
            weight.iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32());
        }
        if triangle {
            weight.chunks_exact_mut(from).enumerate().for_each(|(i, row)| row[..i.min(from)].fill(0.0));
        }
        let narrow = Tensor::F32(weight.clone()).into_f16();
        let packed = match (triangle, halves) {
            (true, _) => Packed::triangle(kernel, &weight, to),
            (false, true) => Packed::compact(kernel, &narrow, to),
            (false, false) => Packed::new(kernel, &weight, to),
        };
        if halves {
            let [whole, widened] = [Packed::new(kernel, &narrow, to), Packed::new(kernel, &weight, to)];
            assert_eq!(cells(&whole), cells(&widened), "{kernel:?}: halves are packed as the f32 that they are");
            assert!(triangle || cells(&packed) == cells(&widened), "{kernel:?}: not the same when it is kept compact");
        }
        let mut seen = 0;
        packed.product((&x, stride), rows, 0..packed.panels(), &mut Scratch::default(), |panel, tile| {
            let starts = starts(&packed, panel);
            for (i, &got) in tile.iter().enumerate() {
                let (row, column) = (i / packed.width(), panel * packed.width() + i % packed.width());
                if column >= to {
                    assert_eq!(got, 0.0, "a column beyond the last");
                    continue;
                }
                let (x, w) = (&x[row * stride..][..from], &weight[column * from..][..from]);
                let (want, magnitude) = expected(kernel.operands, x, w, &starts);
                let error = (f64::from(got) - want).abs();
                assert!(error <= 2e-6 * magnitude, "{kernel:?}: {got} where {want} is expected, {rows} {from} {to}");
                seen += 1;
            }
        });
        assert_eq!(seen, rows * to);
        let kept_as_halves = matches!(packed.cells, Cells::Half(_));
        assert_eq!(kept_as_halves, halves && !triangle && kernel.operands == Operands::F32, "{rows} {from} {to}");
    }

    /// A row with a value that is not finite gives only results that are not finite; the other rows are unchanged.
    fn check_not_finite(kernel: &'static Kernel) {
        let mut rng = fastrand::Rng::with_seed(7);
        let (rows, from, to) = (5, 70, 33);
        let (mut x, weight) = (random(rows, from, ACTIVATIONS, &mut rng), random(to, from, WEIGHTS, &mut rng));
        let packed = Packed::new(kernel, &weight, to);
        let product = |x: &[f32]| {
            let mut all = Vec::new();
            packed.product((x, from), rows, 0..1, &mut Scratch::default(), |_, tile| all.extend_from_slice(tile));
            all
        };
        let (before, width) = (product(&x), packed.width());
        for (row, value) in [(1, f32::NAN), (3, f32::INFINITY), (4, f32::NEG_INFINITY)] {
            x[row * from + 41] = value;
        }
        let after = product(&x);
        for row in 0..rows {
            let [before, after] = [&before, &after].map(|all| &all[row * width..][..to.min(width)]);
            if [0, 2].contains(&row) {
                assert_eq!(before, after, "{kernel:?}, row {row}");
            } else {
                assert!(after.iter().all(|v| !v.is_finite()), "{kernel:?}, row {row}: {after:?}");
            }
        }
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
            check_not_finite(kernel);
            println!("{kernel:?}: run");
        }
    }
}
