//! A launch of a kernel, and the time that it takes at least.

use super::gpu::Chip;

/// Instructions of warps that a multiprocessor starts in a cycle.
const INSTRUCTIONS_PER_CYCLE: f64 = 4.0;
/// What even an empty launch takes, seconds: it is assumed.
const SHORTEST: f64 = 2e-6;

/// What a launch asks of a GPU, over all its blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Operations of the matrix units, two for a multiply-add.
    pub operations: f64,
    /// Instructions of warps, those that start the matrix units included.
    pub instructions: f64,
    /// Bytes of memory that are read or written, each once, even where a cache may still hold them.
    pub bytes: f64,
    /// Cycles that pass one after the other in each block, for whatever waits for the step before.
    pub cycles: f64,
}

/// A launch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    pub kernel: &'static str,
    /// The grid.
    pub blocks: [usize; 2],
    pub threads: usize,
    /// Blocks that have work: others leave at once, as the device knows the number of pixels or points.
    pub busy: usize,
    pub work: Work,
}

impl Launch {
    /// A launch all of whose blocks have work.
    pub fn new(kernel: &'static str, blocks: [usize; 2], threads: usize, work: Work) -> Self {
        Self { kernel, blocks, threads, busy: blocks[0] * blocks[1], work }
    }

    /// Enough blocks of `threads` threads for `items` items, of which each block takes `per_block`.
    pub fn over(kernel: &'static str, items: usize, per_block: usize, threads: usize, work: Work) -> Self {
        Self::new(kernel, [items.div_ceil(per_block), 1], threads, work)
    }

    /// The same launch with work for `busy` blocks only.
    pub fn with_busy(self, busy: usize) -> Self {
        Self { busy: busy.clamp(1, self.blocks[0] * self.blocks[1]), ..self }
    }

    /// The time of the launch by itself, seconds: the longest of the times for its operations and instructions, on the
    /// multiprocessor that has the most blocks, for its bytes, and for its cycles.
    pub fn seconds(&self, chip: &Chip) -> f64 {
        let rounds = self.busy.div_ceil(chip.multiprocessors) * chip.multiprocessors;
        let crowded = rounds as f64 / self.busy as f64;
        let waited = self.work.cycles / chip.clock;
        (self.computed(chip) * crowded).max(self.moved(chip)).max(waited).max(SHORTEST)
    }

    /// The share of the whole GPU's time that the launch uses up, seconds, beside others that fill the rest.
    pub fn used(&self, chip: &Chip) -> f64 {
        let waited = self.work.cycles / chip.clock * self.busy as f64 / chip.multiprocessors as f64;
        self.computed(chip).max(self.moved(chip)).max(waited)
    }

    fn computed(&self, chip: &Chip) -> f64 {
        let Work { operations, instructions, .. } = self.work;
        let started = chip.multiprocessors as f64 * chip.clock * INSTRUCTIONS_PER_CYCLE;
        (operations / chip.operations).max(instructions / started)
    }

    fn moved(&self, chip: &Chip) -> f64 {
        self.work.bytes / chip.bandwidth
    }
}

/// Warps that have so many threads.
pub fn warps(threads: usize) -> f64 {
    threads.div_ceil(32) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::count::Known;

    #[test]
    fn a_launch_takes_the_longest_of_its_times() {
        let chip = Known::AgxOrin.gpu().chip;
        let of = |work| Launch::new("", [17, 2], 128, work);
        let rounds = 48.0 / 34.0;
        let instructions = of(Work { instructions: 83.2e6, ..Work::default() });
        assert!((instructions.seconds(&chip) - 1e-3 * rounds).abs() < 1e-12, "{}", instructions.seconds(&chip));
        assert!((instructions.used(&chip) - 1e-3).abs() < 1e-12);
        let operations = of(Work { operations: 42.598e9, bytes: 1e3, ..Work::default() });
        assert!((operations.seconds(&chip) - 1e-3 * rounds).abs() < 1e-6, "{}", operations.seconds(&chip));
        // Memory is shared by all multiprocessors: how the blocks fall does not matter.
        let bytes = of(Work { bytes: 204.8e6, ..Work::default() });
        assert!((bytes.seconds(&chip) - 1e-3).abs() < 1e-12);
        let waiting = Launch::new("", [1, 1], 512, Work { cycles: 1.3e6, ..Work::default() });
        assert!((waiting.seconds(&chip) - 1e-3).abs() < 1e-12);
        assert!((waiting.used(&chip) - 1e-3 / 16.0).abs() < 1e-12);
        assert_eq!(of(Work::default()).seconds(&chip), SHORTEST);
        assert_eq!(of(Work::default()).with_busy(0).busy, 1);
    }
}
