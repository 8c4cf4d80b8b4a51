//! The cells of packed weights in memory.

use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::aligned::Aligned;
use super::kernel::Kernel;

/// Cells as a kernel reads them, or f32 cells as halves. Halves are widened a block at a time: half the memory, for a
/// fiftieth of the time of the many rows that then take the block.
pub enum Cells {
    Whole(Aligned),
    Half(Vec<f16>),
}

impl Cells {
    /// `panels` are the ranges of the panels' cells, one after the other; `fill` writes the cells of a panel. With
    /// `as_halves` it is to write values of f16 alone, which halves hold exactly.
    pub fn new(as_halves: bool, panels: &[Range<usize>], mut fill: impl FnMut(usize, &mut [f32])) -> Self {
        let count = panels.last().map_or(0, |last| last.end);
        if !as_halves {
            let mut cells = Aligned::zeros(count);
            for (i, panel) in panels.iter().enumerate() {
                fill(i, &mut cells[panel.clone()]);
            }
            return Self::Whole(cells);
        }
        let (mut halves, mut cells) = (vec![f16::ZERO; count], Aligned::default());
        for (i, panel) in panels.iter().enumerate() {
            cells.resize(panel.len());
            fill(i, &mut cells);
            halves[panel.clone()].convert_from_f32_slice(&cells);
        }
        Self::Half(halves)
    }

    /// Some of them, by way of `buffer` where they are halves.
    pub fn block<'a>(&'a self, kernel: &Kernel, range: Range<usize>, buffer: &'a mut Aligned) -> &'a [f32] {
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
