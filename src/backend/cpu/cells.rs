//! The cells of packed weights in memory.

use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::aligned::Aligned;
use super::kernel::Kernel;

/// Cells as a kernel reads them, or f32 cells stored as halves, in half the memory. Halves are widened to f32 a block
/// at a time, which takes a fiftieth of the time in which the many rows are multiplied with the block.
pub enum Cells {
    Whole(Aligned),
    Half(Vec<f16>),
}

impl Cells {
    /// `panels`: consecutive ranges, each with one panel's cells. `fill` writes the cells of a panel; with `as_halves`
    /// it must write values of f16 only, which halves hold exactly.
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

    /// Returns the cells in `range`. Halves are widened into `buffer`.
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
