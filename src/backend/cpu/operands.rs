//! The contents of an operand's cells: weights and rows of activations are rounded into cells, and a tile of their
//! product is scaled back.
//!
//! A cell is 32 bits wide. f16 and integers have little range, so each row of either operand has a scale of its own:
//! for f16 a power of two that brings its largest magnitude to [1, 2), which rounds nothing and lets no sum of a kernel
//! overflow; for integers the scale that spreads the row over their range. A row with a value that is not finite gives
//! NaN.

use std::ops::Range;

use half::{bf16, f16};

use super::aligned::{Aligned, grow_like};
use super::rounding::{
    Extent, activation_step, integer_weight, power_of_two, round_bf16, round_bf16_pairs, round_bytes, round_f16,
    round_f16_widened, round_integers, scale_floats, scale_integers, weight_step,
};
use crate::backend::arithmetic::Arithmetic;
use crate::model::Values;

/// Flips a byte between 0..=255 and -128..=127.
const SIGN: u8 = 0x80;
/// Largest depth of integers: the sum of this many products `255 x 127` still fits an i32.
const INTEGER_DEPTH_MAX: usize = 66_000;

/// The contents of one cell of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    F32,
    /// f32 cells with values of bf16: the same result as [`Self::Bf16Pairs`], at the speed of f32.
    Bf16Rounded,
    /// Two bf16 of neighbouring depth, the lower half first.
    Bf16Pairs,
    /// f32 cells with values of f16.
    F16Rounded,
    /// Two f16. A cell of activations holds two of neighbouring depth; a row of cells of weights holds the columns of
    /// one depth, then those of the next.
    F16Rows,
    /// f32 cells with the same integers as the next two variants. Their sums are the same too while they stay below
    /// 2^24.
    IntegersRounded,
    /// Four integers of neighbouring depth, activations 0..=255, weights signed; sums are i32.
    UnsignedQuads,
    /// Four integers of neighbouring depth, activations -128..=127, weights signed; sums are i32.
    SignedQuads,
}

impl Operands {
    /// Number of values in a cell.
    pub fn per_cell(self) -> usize {
        match self {
            Self::F32 | Self::Bf16Rounded | Self::F16Rounded | Self::IntegersRounded => 1,
            Self::Bf16Pairs | Self::F16Rows => 2,
            Self::UnsignedQuads | Self::SignedQuads => 4,
        }
    }

    /// Number of cells that hold `values` values.
    pub fn cells(self, values: usize) -> usize {
        values.div_ceil(self.per_cell())
    }

    pub fn arithmetic(self) -> Arithmetic {
        match self {
            Self::F32 => Arithmetic::F32,
            Self::Bf16Rounded | Self::Bf16Pairs => Arithmetic::Bf16,
            Self::F16Rounded | Self::F16Rows => Arithmetic::F16,
            Self::IntegersRounded | Self::UnsignedQuads | Self::SignedQuads => Arithmetic::Int8,
        }
    }

    /// Whether these are f32 cells with values that are rounded for another arithmetic.
    pub fn only_rounded(self) -> bool {
        self.per_cell() == 1 && self != Self::F32
    }

    fn sums_integers(self) -> bool {
        matches!(self, Self::UnsignedQuads | Self::SignedQuads)
    }
}

/// The scale of each row of a weight, padded to the columns of all panels; empty if rows are not scaled.
#[derive(Default)]
pub struct WeightScales {
    factors: Vec<f32>,
    /// The sum of each row's integers.
    sums: Vec<i32>,
}

impl WeightScales {
    /// `weight`: rows of `from` values; `padded`: number of columns of all panels.
    pub fn new(operands: Operands, weight: Values, from: usize, padded: usize) -> Self {
        let (mut factors, mut sums) = (Vec::new(), Vec::new());
        let mut buffer = Vec::new();
        let rows = (0..weight.count()).step_by(from.max(1)).map(|start| start..start + from);
        match operands.arithmetic() {
            Arithmetic::F32 | Arithmetic::Bf16 => return Self::default(),
            Arithmetic::F16 => {
                factors.extend(rows.map(|row| power_of_two(Extent::new(weight.widened(row, &mut buffer)))));
            }
            Arithmetic::Int8 => {
                assert!(from <= INTEGER_DEPTH_MAX, "{from} products of integers overflow their sum");
                for row in rows {
                    let row = weight.widened(row, &mut buffer);
                    let step = weight_step(Extent::new(row));
                    factors.push(step);
                    sums.push(row.iter().map(|v| integer_weight(*v, step) as i32).sum::<i32>());
                }
                sums.resize(padded, 0);
            }
        }
        factors.resize(padded, 1.0);
        Self { factors, sums }
    }

    fn factor(&self, column: usize) -> f32 {
        self.factors.get(column).copied().unwrap_or(1.0)
    }
}

/// One panel of the transpose of `weight`, which has rows of `from` values: `[depth, width]` cells of the weight's
/// `rows`, from cell `first` on. Cells beyond the last row or the depth are zero.
pub struct PanelOf<'a> {
    pub operands: Operands,
    pub weight: Values<'a>,
    pub from: usize,
    pub rows: Range<usize>,
    pub first: usize,
    pub scales: &'a WeightScales,
}

impl PanelOf<'_> {
    /// Writes the panel to `cells`. `buffer` receives the panel's rows of the weight as f32 if they are halves.
    pub fn fill(&self, cells: &mut [f32], width: usize, buffer: &mut Vec<f32>) {
        let rows = self.weight.widened(self.rows.start * self.from..self.rows.end * self.from, buffer);
        let bf16_bits = |v: f32, _| u32::from(bf16::from_f32(v).to_bits());
        let f16_of = |v: f32, factor: f32| f16::from_f32(v / factor);
        let integer = |v: f32, step: f32| u32::from((integer_weight(v, step) as i8).cast_unsigned());
        match self.operands {
            Operands::F32 => self.fill_with::<1>(cells, width, rows, |v, _| v.to_bits()),
            Operands::Bf16Rounded => {
                self.fill_with::<1>(cells, width, rows, |v, _| bf16::from_f32(v).to_f32().to_bits())
            }
            Operands::F16Rounded => self.fill_with::<1>(cells, width, rows, |v, s| f16_of(v, s).to_f32().to_bits()),
            Operands::IntegersRounded => self.fill_with::<1>(cells, width, rows, |v, s| integer_weight(v, s).to_bits()),
            Operands::Bf16Pairs => self.fill_with::<2>(cells, width, rows, bf16_bits),
            Operands::F16Rows => self.fill_with::<2>(cells, width, rows, |v, s| u32::from(f16_of(v, s).to_bits())),
            Operands::UnsignedQuads | Operands::SignedQuads => self.fill_with::<4>(cells, width, rows, integer),
        }
    }

    /// `rows`: the panel's rows of the weight. `encode` returns the bits of a value, as many as its part of a cell has.
    fn fill_with<const EACH: usize>(
        &self,
        cells: &mut [f32],
        width: usize,
        rows: &[f32],
        encode: impl Fn(f32, f32) -> u32,
    ) {
        for (depth, cells) in cells.chunks_exact_mut(width).enumerate() {
            for (j, cell) in cells.iter_mut().enumerate() {
                let values = (0..EACH).map(|i| {
                    let (k, column) = if self.operands == Operands::F16Rows {
                        let half = j * EACH + i;
                        (half / width, half % width)
                    } else {
                        (i, j)
                    };
                    let k = (self.first + depth) * EACH + k;
                    if k < self.from && column < self.rows.len() {
                        encode(rows[column * self.from + k], self.scales.factor(self.rows.start + column))
                    } else {
                        0
                    }
                });
                let bits = values.enumerate().fold(0, |bits, (i, value)| bits | value << (32 / EACH * i));
                *cell = f32::from_bits(bits);
            }
        }
    }
}

/// Rows of activations in an operand's cells, and the scale of each row.
#[derive(Default)]
pub struct Rounded {
    cells: Aligned,
    factors: Vec<f32>,
    /// The integer that represents zero in each row, if a kernel sums integers.
    zeros: Vec<i32>,
}

impl Rounded {
    pub fn grow_like(&mut self, other: &Self) {
        self.cells.grow_like(&other.cells);
        grow_like(&mut self.factors, &other.factors);
        grow_like(&mut self.zeros, &other.zeros);
    }

    /// Rounds `rows` rows of `from` values of x, at `stride`, into dense rows of whole cells.
    pub fn round(&mut self, operands: Operands, (x, stride): (&[f32], usize), rows: usize, from: usize) -> *const f32 {
        let cells = operands.cells(from);
        self.cells.resize(rows * cells);
        self.factors.clear();
        self.zeros.clear();
        for (row, out) in x.chunks(stride).zip(self.cells.chunks_exact_mut(cells)) {
            let row = &row[..from];
            match operands {
                Operands::F32 => unreachable!("f32 is not rounded"),
                Operands::Bf16Rounded => round_bf16(row, out),
                Operands::Bf16Pairs => round_bf16_pairs(row, parts_of(out)),
                Operands::F16Rounded | Operands::F16Rows => {
                    let factor = power_of_two(Extent::new(row));
                    self.factors.push(factor);
                    if operands == Operands::F16Rounded {
                        round_f16_widened(row, factor.recip(), out);
                    } else {
                        round_f16(row, factor.recip(), parts_of(out));
                    }
                }
                Operands::IntegersRounded | Operands::UnsignedQuads | Operands::SignedQuads => {
                    let (step, zero) = activation_step(Extent::new(row));
                    self.factors.push(step);
                    if operands == Operands::IntegersRounded {
                        round_integers(row, step.recip(), out);
                    } else {
                        let flip = if operands == Operands::SignedQuads { SIGN } else { 0 };
                        self.zeros.push(zero as i32 - i32::from(flip));
                        round_bytes(row, step.recip(), zero, flip, parts_of(out));
                    }
                }
            }
        }
        self.cells.as_ptr()
    }

    /// Turns `tile`, a kernel's sums, into a tile of the product of these rows and `columns` of a weight.
    pub fn scale_back(&self, operands: Operands, tile: &mut [f32], scales: &WeightScales, columns: Range<usize>) {
        if scales.factors.is_empty() {
            return;
        }
        let factors = &scales.factors[columns.clone()];
        if operands.sums_integers() {
            scale_integers(tile, &self.factors, &self.zeros, factors, &scales.sums[columns]);
        } else {
            scale_floats(tile, &self.factors, factors);
        }
    }
}

/// The parts of cells, of 16 or 8 bits each, in the order of a processor that multiplies several at once:
/// little-endian.
fn parts_of<T: Part>(cells: &mut [f32]) -> &mut [T] {
    // SAFETY: `Part`s are integers of fewer bits than a cell, and a whole number of them fills it; any bits are a valid
    // integer; `cells` is borrowed for as long.
    unsafe {
        std::slice::from_raw_parts_mut(cells.as_mut_ptr().cast(), cells.len() * (size_of::<f32>() / size_of::<T>()))
    }
}

/// An unsigned integer of which two or four fill a cell.
trait Part {}
impl Part for u16 {}
impl Part for u8 {}
