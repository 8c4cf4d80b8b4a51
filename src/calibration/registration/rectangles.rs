//! The colour pixels that depth pixels cover, and the nearest depth of each.

use super::projection::Projected;
use crate::vectorised::vectorised;

/// A depth pixel that would cover more colour pixels along a side is nearer than any camera measures.
const COVER_MAX: i32 = 64;
/// No depth pixel has reached this pixel. Nearest steps are kept less one, so that 0, no depth, is the farthest.
pub(super) const NOTHING: u16 = u16::MAX;
/// Pixels of a rectangle's row that are taken in one go: most are two or three wide.
pub(super) const LANES: usize = 4;
/// Rectangles are drawn so many apart, turn by turn: neighbours share pixels, and what was just written as parts of other
/// vectors is slow to read.
const TURNS: usize = 4;

/// Colour pixels that the depth pixels of a row cover: the first one's index, columns, and rows, none where nothing is
/// covered.
#[derive(Debug, Default)]
pub(super) struct Rectangles {
    start: Vec<i32>,
    wide: Vec<i32>,
    high: Vec<i32>,
}

impl Rectangles {
    /// Finds the rectangles between the corners, cut at the edge of an image of `width` x `height`.
    pub fn between(&mut self, first: &Projected, last: &Projected, steps: &[u16], size: (usize, usize)) {
        for values in [&mut self.start, &mut self.wide, &mut self.high] {
            values.resize(steps.len(), 0);
        }
        between(self, first, last, steps, size.0 as i32, size.1 as i32);
    }

    /// Writes each rectangle's step where it is nearer than what is there. `nearest`: `[height, width]` and `LANES`
    /// more.
    pub fn fill(&self, steps: &[u16], width: usize, nearest: &mut [u16]) {
        fill(self, steps, width, nearest);
    }
}

vectorised! {
    fn between(
        out: &mut Rectangles,
        first: &Projected,
        last: &Projected,
        steps: &[u16],
        width: i32,
        height: i32,
    ) {
        // All of one length, so that no access is checked.
        let count = steps.len();
        let (starts, wides, highs) = (&mut out.start[..count], &mut out.wide[..count], &mut out.high[..count]);
        let (lefts, tops, first_z) = (&first.u[..count], &first.v[..count], &first.z[..count]);
        let (rights, bottoms, last_z) = (&last.u[..count], &last.v[..count], &last.z[..count]);
        for i in 0..count {
            let (left, top) = (lefts[i].max(0), tops[i].max(0));
            let (right, bottom) = (rights[i].min(width - 1), bottoms[i].min(height - 1));
            let (wide, high) = (right - left + 1, bottom - top + 1);
            // Not above 0 behind the imager, and where a lens has no inverse. Without branches, so that many are taken
            // at a time.
            let ahead = (steps[i] != 0) & (first_z[i] > 0.0) & (last_z[i] > 0.0);
            let seen = ahead & (wide > 0) & (wide <= COVER_MAX) & (high <= COVER_MAX);
            (starts[i], wides[i], highs[i]) = (top * width + left, wide, if seen { high } else { 0 });
        }
    }
}

vectorised! {
    fn fill(rectangles: &Rectangles, steps: &[u16], width: usize, nearest: &mut [u16]) {
        let count = steps.len();
        let (starts, wides) = (&rectangles.start[..count], &rectangles.wide[..count]);
        let highs = &rectangles.high[..count];
        for turn in 0..TURNS {
            for i in (turn..count).step_by(TURNS) {
                let mut start = starts[i] as usize;
                for _ in 0..highs[i] {
                    fill_row(steps[i] - 1, wides[i] as usize, &mut nearest[start..]);
                    start += width;
                }
            }
        }
    }
}

/// Lowers the first `wide` values to `key`. At least `LANES` values follow the row.
#[inline(always)]
fn fill_row(key: u16, wide: usize, nearest: &mut [u16]) {
    match nearest.first_chunk_mut::<LANES>() {
        // Beyond the row all bits are set, which changes nothing.
        Some(lanes) if wide <= LANES => {
            lanes.iter_mut().zip(&PAST[wide]).for_each(|(lane, past)| *lane = (key | past).min(*lane));
        }
        _ => nearest[..wide].iter_mut().for_each(|n| *n = key.min(*n)),
    }
}

/// By the number of lanes that belong to a row: all bits are set in the others.
const PAST: [[u16; LANES]; LANES + 1] = {
    let mut past = [[u16::MAX; LANES]; LANES + 1];
    let (mut wide, mut lane) = (0, 0);
    while wide <= LANES {
        while lane < wide {
            past[wide][lane] = 0;
            lane += 1;
        }
        (wide, lane) = (wide + 1, 0);
    }
    past
};
