//! Numbers of frames, of the numbers of blocks that a camera sends, or of the edges at its trigger.

/// The highest number of a block where numbers have 16 bits, as in GigE Vision 1; the next is 1, not 0.
const WRAP: u64 = 0xffff;
/// Numbers so near to the end and to the beginning are taken for ones that went round.
const NEAR: u64 = 0x1000;

/// Counts blocks on, beyond the end of their numbers.
#[derive(Debug, Default)]
pub struct Counting {
    last: Option<u64>,
    sequence: u64,
}

impl Counting {
    /// The number of a block in a row without an end, and how many were lost before it. Numbers that begin anew lose none.
    pub fn count(&mut self, block: u64) -> (u64, u64) {
        let step = match self.last.replace(block) {
            None => 1,
            Some(last) if block > last => block - last,
            Some(last) if last <= WRAP && WRAP - last < NEAR && block < NEAR => WRAP - last + block.max(1),
            Some(_) => 1,
        };
        self.sequence = self.sequence.saturating_add(step);
        (self.sequence - 1, step - 1)
    }
}

/// Counts edges at a camera's trigger on, by what a counter of the camera says with each buffer.
#[derive(Debug, Default)]
pub struct Edges {
    last: Option<u64>,
    sequence: u64,
}

impl Edges {
    /// The number of an edge in a row without an end. Buffers of one frame have the same; a counter that begins anew is at
    /// the next edge.
    pub fn count(&mut self, counter: u64) -> u64 {
        let step = match self.last.replace(counter) {
            None => 0,
            Some(last) => counter.checked_sub(last).unwrap_or(1),
        };
        self.sequence = self.sequence.saturating_add(step);
        self.sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_without_a_frame_leaves_its_number_out() {
        let mut edges = Edges::default();
        let counted = [7, 8, 8, 10, 0, 1].map(|counter| edges.count(counter));
        assert_eq!(counted, [0, 1, 1, 3, 4, 5]);
        edges.count(u64::MAX);
        assert_eq!([0, u64::MAX].map(|counter| edges.count(counter)), [u64::MAX; 2]);
    }

    fn counted(blocks: &[u64]) -> Vec<(u64, u64)> {
        let mut counting = Counting::default();
        blocks.iter().map(|block| counting.count(*block)).collect()
    }

    #[test]
    fn blocks_that_are_missing_are_lost() {
        assert_eq!(counted(&[7, 8, 11]), [(0, 0), (1, 0), (4, 2)]);
    }

    #[test]
    fn numbers_of_16_bits_go_round_past_0() {
        assert_eq!(counted(&[65_534, 65_535, 1, 2]), [(0, 0), (1, 0), (2, 0), (3, 0)]);
        assert_eq!(counted(&[65_534, 2]), [(0, 0), (3, 2)]);
        // Longer numbers do not.
        assert_eq!(counted(&[65_535, 65_536, 65_538]), [(0, 0), (1, 0), (3, 1)]);
    }

    #[test]
    fn numbers_that_begin_anew_lose_nothing() {
        assert_eq!(counted(&[500, 1, 2]), [(0, 0), (1, 0), (2, 0)]);
    }
}
