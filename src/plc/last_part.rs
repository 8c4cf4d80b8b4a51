//! The last judged part, handed from the inspection thread to whoever asks: the one side never waits, and the other never
//! sees the words of two parts mixed.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

use super::numbers;
use crate::defects::{Defect, Defects};
use crate::runtime::part_frame::PartFrame;
use crate::score::Verdict;

/// Words of a part on its way.
const WORDS: usize = 4;

/// The last judged part in the units of the registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastPart {
    /// The low 32 bits of its number.
    pub number: u32,
    pub verdict: Verdict,
    /// NaN for a part without a score.
    pub score: f32,
    pub threshold: f32,
    pub defects: u16,
    /// The place of the worst defect, pixels right and down.
    pub at: [u16; 2],
    /// Its area in tenths of a square millimetre; 0 where it is not known.
    pub area: u16,
    /// Its kind, by [`numbers::kind`].
    pub kind: u16,
}

/// Before the first part: nothing that could be taken for a good part.
impl Default for LastPart {
    fn default() -> Self {
        Self {
            number: 0,
            verdict: Verdict::Reject,
            score: f32::NAN,
            threshold: 0.0,
            defects: 0,
            at: [0; 2],
            area: 0,
            kind: 0,
        }
    }
}

impl LastPart {
    /// A part that was judged.
    pub fn of(part_frame: &PartFrame) -> Self {
        let (outcome, found) = (&part_frame.inspection.outcome, &part_frame.inspection.defects);
        let threshold = part_frame.threshold().unwrap_or_default();
        Self::new(part_frame.part, outcome.station_verdict(), outcome.score(), threshold, found)
    }

    pub fn new(number: u64, verdict: Verdict, score: Option<f32>, threshold: f32, found: &Defects) -> Self {
        let part = Self {
            number: number as u32,
            verdict,
            score: score.unwrap_or(f32::NAN),
            threshold,
            defects: u16::try_from(found.count).unwrap_or(u16::MAX),
            ..Self::default()
        };
        match found.worst.first() {
            // Numbers that a word cannot hold become the nearest one that it can, and NaN becomes 0.
            Some(&Defect { centre, at, area_mm2, kind, .. }) => Self {
                at: centre.unwrap_or(at).map(|side| side.round() as u16),
                area: (area_mm2.unwrap_or(0.0) * 10.0).round() as u16,
                kind: numbers::kind(kind),
                ..part
            },
            None => part,
        }
    }

    fn pack(self) -> [u64; WORDS] {
        let join = |words: [u16; 4]| words.into_iter().fold(0, |joined, word| joined << 16 | u64::from(word));
        let [x, y] = self.at;
        [
            self.number.into(),
            u64::from(self.score.to_bits()) << 32 | u64::from(self.threshold.to_bits()),
            join([self.verdict.number().into(), self.defects, x, y]),
            join([0, 0, self.area, self.kind]),
        ]
    }

    fn unpack([number, scores, found, worst]: [u64; WORDS]) -> Self {
        let word = |of: u64, from_right: u32| (of >> (16 * from_right)) as u16;
        Self {
            number: number as u32,
            verdict: Verdict::of_number(word(found, 3) as u8),
            score: f32::from_bits((scores >> 32) as u32),
            threshold: f32::from_bits(scores as u32),
            defects: word(found, 2),
            at: [word(found, 1), word(found, 0)],
            area: word(worst, 1),
            kind: word(worst, 0),
        }
    }
}

/// The words of the last part. The version is odd while they are written (a sequence lock; crates of this kind either let
/// the writer wait or have a licence that `packaging/licences.py` does not know).
struct Board {
    version: AtomicU32,
    words: [AtomicU64; WORDS],
}

/// The end of the inspection thread.
pub struct Publisher(Arc<Board>);

/// The end of those who ask.
#[derive(Clone)]
pub struct Reader(Arc<Board>);

/// The two ends of the way of the last judged part.
pub fn last_part() -> (Publisher, Reader) {
    let words = LastPart::default().pack().map(AtomicU64::new);
    let board = Arc::new(Board { version: AtomicU32::new(0), words });
    (Publisher(board.clone()), Reader(board))
}

impl Publisher {
    /// Shows another part. Takes no lock, allocates nothing and never waits.
    pub fn publish(&mut self, part: LastPart) {
        let Board { version, words } = &*self.0;
        // There is one publisher, so that nobody else changes the version.
        let before = version.load(Relaxed);
        version.store(before.wrapping_add(1), Relaxed);
        fence(Release);
        for (word, new) in words.iter().zip(part.pack()) {
            word.store(new, Relaxed);
        }
        version.store(before.wrapping_add(2), Release);
    }
}

impl Reader {
    /// The last part, whole.
    pub fn read(&self) -> LastPart {
        let Board { version, words } = &*self.0;
        loop {
            let before = version.load(Acquire);
            let found = words.each_ref().map(|word| word.load(Relaxed));
            fence(Acquire);
            if before.is_multiple_of(2) && version.load(Relaxed) == before {
                return LastPart::unpack(found);
            }
            // The inspection thread may be the one that waits for this processor.
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::defects::{Kind, Outline};
    use crate::frame::Region;

    fn defect(at: [f32; 2], area_mm2: Option<f32>, kind: Kind) -> Defect {
        let bounds = Region { x: 0, y: 0, width: 1, height: 1 };
        let (centre, centre_mm, height_mm, outline) = (Some(at), None, None, Outline::default());
        Defect { kind, score: Some(1.0), at, centre, centre_mm, pixels: 1, area_mm2, height_mm, bounds, outline }
    }

    fn found(count: usize, worst: Option<Defect>) -> Defects {
        let mut defects = Defects { count, ..Defects::default() };
        defects.worst.extend(worst);
        defects
    }

    fn part(found: &Defects) -> LastPart {
        LastPart::new(7 + (1 << 32), Verdict::Review, Some(0.5), 0.75, found)
    }

    #[test]
    fn values_take_the_units_of_the_registers() {
        let one = part(&found(3, Some(defect([212.4, 80.6], Some(11.78), Kind::Missing))));
        assert_eq!((one.number, one.verdict, one.score, one.threshold), (7, Verdict::Review, 0.5, 0.75));
        assert_eq!((one.defects, one.at, one.area, one.kind), (3, [212, 81], 118, 4));
        let none = part(&found(0, None));
        assert_eq!((none.defects, none.at, none.area, none.kind), (0, [0, 0], 0, 0));
        assert!(LastPart::new(1, Verdict::Reject, None, 1.0, &found(0, None)).score.is_nan());
    }

    #[test]
    fn values_that_a_word_cannot_hold_become_the_nearest() {
        let large = part(&found(70_000, Some(defect([-3.0, 1e9], Some(6_553.6), Kind::Excess))));
        assert_eq!((large.defects, large.at, large.area, large.kind), (u16::MAX, [0, u16::MAX], u16::MAX, 5));
        let unknown = part(&found(1, Some(defect([f32::NAN, 5.0], None, Kind::Unknown))));
        assert_eq!((unknown.at, unknown.area), ([0, 5], 0));
        let strange = part(&found(1, Some(defect([1.0, 1.0], Some(f32::NAN), Kind::Colour))));
        assert_eq!(strange.area, 0);
    }

    #[test]
    fn a_part_arrives_as_it_was_sent() {
        let (mut publisher, reader) = last_part();
        assert_eq!(reader.read().verdict, Verdict::Reject, "nothing was judged yet");
        for verdict in [Verdict::Pass, Verdict::Review, Verdict::Reject] {
            let sent = LastPart { verdict, ..part(&found(9, Some(defect([65_535.0, 1.0], Some(3.0), Kind::Shape)))) };
            publisher.publish(sent);
            assert_eq!(reader.read(), sent);
        }
    }

    // Every value follows from the number, so that a mixture of two parts would show.
    #[test]
    fn a_part_is_never_torn() {
        let made = |number: u32| LastPart {
            number,
            verdict: [Verdict::Pass, Verdict::Review, Verdict::Reject][number as usize % 3],
            score: (number % 10_007) as f32 * 0.5,
            threshold: (number % 101) as f32,
            defects: (number % 60_000) as u16,
            at: [(number % 1_279) as u16, (number % 719) as u16],
            area: (number % 65_521) as u16,
            kind: (number % 6) as u16,
        };
        let (mut publisher, reader) = last_part();
        publisher.publish(made(0));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = fastrand::Rng::with_seed(5);
                while !stop.load(Relaxed) {
                    publisher.publish(made(random.u32(..)));
                }
            });
            let (mut reads, mut others, mut last) = (0, 0, 0);
            let start = std::time::Instant::now();
            let mut torn = None;
            while torn.is_none() && (start.elapsed().as_secs_f64() < 1.0 || others < 100) {
                let read = reader.read();
                torn = (read != made(read.number)).then_some(read);
                others += u32::from(std::mem::replace(&mut last, read.number) != read.number);
                reads += 1;
            }
            stop.store(true, Relaxed);
            assert_eq!(torn, None, "after {reads} reads");
        });
    }
}
