//! Linear layers: weights packed once, in the order in which a micro-kernel reads them, and what is done to a tile of
//! the result while it is in cache.

use std::ops::Range;

use half::bf16;

use super::aligned::Aligned;
use super::elementwise::{add_rows, gelu};
use super::kernel::{Kernel, Operands, Tile};
use super::team::{Parts, Team};

/// Depth of a product that is taken at a time: the panel of it stays in the first-level cache.
const DEPTH_BLOCK: usize = 384;
/// Rows of a task, about: they and their share of the weights stay in the second-level cache.
const TASK_ROWS: usize = 132;
/// Columns of a task.
const TASK_COLUMNS: usize = 192;

/// The transpose of a weight `[to, from]`: panels of the kernel's columns, each `[depth, columns]` in cells.
pub struct Packed {
    kernel: &'static Kernel,
    pub from: usize,
    pub to: usize,
    cells: Aligned,
    panels: Vec<Panel>,
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
        Self { kernel, from, to, cells, panels }
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
        (TASK_COLUMNS / self.width()).max(1)
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
        let Scratch { tiles, operand } = scratch;
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
                let b = &self.cells[panel.offset + (from - panel.first) * width..][..(end - from) * width];
                for row in (0..rows).step_by(self.kernel.rows) {
                    let rows = self.kernel.rows.min(rows - row);
                    let c = out[row * width..][..rows * width].as_mut_ptr();
                    // SAFETY: `a` holds `rows` rows of `depth` cells by the assertion above, or by `round_rows`; `b` and
                    // `c` are slices of just the tile's size; `Kernel::best` gave a kernel that this processor has.
                    unsafe {
                        let a = a.add(row * a_stride + from);
                        let (depth, add) = (end - from, from > panel.first);
                        self.kernel.run(&Tile { rows, depth, a, a_stride, b: b.as_ptr(), c, c_stride: width, add });
                    }
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

#[inline(always)]
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
    let per_cell = operands.per_cell();
    let cells = from.div_ceil(per_cell);
    out.resize(rows * cells);
    for (row, out) in x.chunks(stride).zip(out.chunks_exact_mut(cells)) {
        for (values, cell) in row[..from].chunks(per_cell).zip(out) {
            *cell = to_cell(operands, values[0], values.get(1));
        }
    }
    out.as_ptr()
}

/// `out = x W^T + b`.
pub struct Layer {
    pub packed: Packed,
    /// As long as all panels; zero where there is none.
    bias: Vec<f32>,
}

/// What follows a layer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Gelu,
}

impl Layer {
    /// An empty `bias` means none.
    pub fn new(kernel: &'static Kernel, weight: &[f32], mut bias: Vec<f32>, to: usize) -> Self {
        assert!(bias.is_empty() || bias.len() == to);
        let packed = Packed::new(kernel, weight, to);
        bias.resize(packed.panels() * packed.width(), 0.0);
        Self { packed, bias }
    }

    /// Of a panel.
    pub fn bias(&self, panel: usize) -> &[f32] {
        &self.bias[panel * self.packed.width()..][..self.packed.width()]
    }

    /// x `[n, from]` -> out `[n, to]`, each at its row stride.
    pub fn run<S: Send + AsMut<Scratch>>(
        &self,
        team: &mut Team<S>,
        x: (&[f32], usize),
        n: usize,
        (out, stride): (&mut [f32], usize),
        activation: Activation,
    ) {
        let out = Parts::new(out);
        self.packed.product_parallel(team, x, n, |place, tile| {
            add_rows(tile, &self.bias[place.column..][..self.packed.width()]);
            if activation == Activation::Gelu {
                gelu(tile);
            }
            for (row, tile) in (place.row..).zip(tile.chunks_exact(self.packed.width())) {
                // SAFETY: places do not overlap, and each is given once.
                let out = unsafe { out.part(row * stride + place.column, place.columns) };
                out.copy_from_slice(&tile[..place.columns]);
            }
        });
    }

    /// Adds the layer's output to `out`, `[n, to]`: the residual connection.
    pub fn run_add<S: Send + AsMut<Scratch>>(&self, team: &mut Team<S>, x: (&[f32], usize), n: usize, out: &mut [f32]) {
        let (out, stride) = (Parts::new(out), self.packed.to);
        self.packed.product_parallel(team, x, n, |place, tile| {
            add_rows(tile, &self.bias[place.column..][..self.packed.width()]);
            for (row, tile) in (place.row..).zip(tile.chunks_exact(self.packed.width())) {
                // SAFETY: places do not overlap, and each is given once.
                let out = unsafe { out.part(row * stride + place.column, place.columns) };
                out.iter_mut().zip(tile).for_each(|(out, v)| *out += v);
            }
        });
    }
}
