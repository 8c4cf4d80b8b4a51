//! Joins the messages of each part, which come from several threads in any order.

use std::collections::BTreeMap;

use super::message::Message;
use super::pending::Pending;
use super::row::Row;

/// Parts that may be announced after one before it is given up: twice as many as the line can hold.
const BEHIND_MAX: u64 = 512;

/// The parts of which more is expected, and those behind them.
#[derive(Default)]
pub struct Joiner {
    /// Nothing more is expected of the parts before this one.
    first: u64,
    /// The number after the last part that was heard of.
    next: u64,
    rows: BTreeMap<u64, Row>,
    /// Parts of which a message was lost.
    damaged: Vec<[u64; 2]>,
}

impl Joiner {
    pub fn take(&mut self, message: &Message, now_ns: u64) {
        let [first, last] = message.parts();
        // Of what was given up, nothing is taken any more.
        if last < self.first {
            return;
        }
        self.next = self.next.max(last + 1);
        if let Message::Lost { .. } = message {
            self.damaged.push([first, last]);
            self.rows.range_mut(first..=last).for_each(|(_, row)| row.add(message, now_ns));
            return;
        }
        let damaged = self.damaged.iter().any(|[first, to]| (*first..=*to).contains(&last));
        let row = self.rows.entry(last).or_insert_with(|| Row::new(last, now_ns));
        row.damaged |= damaged;
        row.add(message, now_ns);
    }

    /// Rows with something that is not in the file.
    pub fn dirty(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(|row| row.dirty)
    }

    /// All rows are in the file.
    pub fn is_stored(&mut self) {
        self.rows.values_mut().for_each(|row| (row.dirty, row.stored) = (false, true));
    }

    /// Hands over the parts of which nothing more is expected, in the order of their numbers.
    pub fn hand_over(&mut self, now_ns: u64, pending: &mut Pending) {
        while self.first < self.next {
            let is_finished = self.rows.get(&self.first).is_some_and(|row| row.is_finished(now_ns));
            if !is_finished && self.next - self.first <= BEHIND_MAX {
                break;
            }
            self.leave(pending);
        }
        self.damaged.retain(|[_, last]| *last >= self.first);
    }

    /// Hands over all parts: no more messages come.
    pub fn hand_over_all(&mut self, pending: &mut Pending) {
        while self.first < self.next {
            self.leave(pending);
        }
    }

    fn leave(&mut self, pending: &mut Pending) {
        let row = self.rows.remove(&self.first).map(|mut row| {
            row.is_over = true;
            // The file may have it as one that is on its way.
            row.dirty |= !row.is_complete();
            row
        });
        pending.take(self.first, row);
        self.first += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fastrand::Rng;

    use super::super::message::Judged;
    use super::super::row::State;
    use super::*;
    use crate::identity::Identity;
    use crate::reject::part::PartOutcome;
    use crate::runtime::books::Unjudged;
    use crate::score::Verdict;

    fn judged(part: u64, verdict: Verdict) -> Message {
        let score = Some(part as f32);
        let (threshold, review, reason, doubtful) = (1.0, None, None, false);
        let (captured_ns, judged_ns, defects, worst, engine) = (part, part + 1, 0, None, [7; 32]);
        Message::Judged(Judged {
            part,
            captured_ns,
            judged_ns,
            verdict,
            score,
            threshold,
            review,
            reason,
            doubtful,
            defects,
            worst,
            engine,
        })
    }

    /// What is told of a part: in full.
    fn life(part: u64, rng: &mut Rng) -> Vec<Message> {
        let mut told =
            vec![Message::Triggered { part, at_ns: part, recipe: (part % 3) as u16, identity: Identity::default() }];
        let outcome = match rng.u32(..4) {
            0 => {
                told.push(Message::Unjudged { part, why: Unjudged::Dropped });
                PartOutcome::Rejected
            }
            1 => {
                told.extend([judged(part, Verdict::Pass), Message::Late { part }]);
                PartOutcome::Rejected
            }
            2 => {
                told.push(judged(part, Verdict::Reject));
                PartOutcome::Rejected
            }
            _ => {
                told.push(judged(part, Verdict::Pass));
                PartOutcome::Passed
            }
        };
        told.push(Message::Settled { part, at_ns: part + 9, outcome });
        told
    }

    /// What the file would have.
    #[derive(Default)]
    struct Kept {
        rows: BTreeMap<u64, Row>,
        lost: BTreeSet<u64>,
        written: u64,
    }

    impl Kept {
        fn commit(&mut self, joiner: &mut Joiner, pending: &mut Pending) {
            self.rows.extend(joiner.dirty().chain(pending.rows()).map(|row| (row.part, *row)));
            for range in pending.lost() {
                let parts = range.first..=range.last;
                assert_eq!(range.count, range.last - range.first + 1);
                assert!(parts.clone().all(|part| self.lost.insert(part)), "{range:?} is lost twice");
            }
            joiner.is_stored();
            let [written, lost] = pending.clear();
            self.written += written;
            assert!(lost <= self.lost.len() as u64);
        }
    }

    /// Runs a line whose messages come in any order, `window` parts apart at most, and of which a share is lost.
    fn run(seed: u64, parts: u64, window: usize, loss: f64) -> (Kept, BTreeMap<u64, Vec<Message>>, BTreeSet<u64>) {
        let mut rng = Rng::with_seed(seed);
        let lives: BTreeMap<u64, Vec<Message>> = (0..parts).map(|part| (part, life(part, &mut rng))).collect();
        let (mut joiner, mut pending, mut kept) = (Joiner::default(), Pending::new(4096), Kept::default());
        let mut damaged = BTreeSet::new();
        let mut waiting: Vec<Message> = Vec::new();
        let mut coming = lives.values().flatten().copied().collect::<Vec<_>>().into_iter();
        loop {
            waiting.extend(coming.by_ref().take((4 * window).saturating_sub(waiting.len())));
            if waiting.is_empty() {
                break;
            }
            let message = waiting.swap_remove(rng.usize(..waiting.len()));
            if rng.f64() < loss {
                let [part, _] = message.parts();
                damaged.insert(part);
                waiting.push(Message::Lost { first: part, last: part });
                continue;
            }
            joiner.take(&message, 0);
            if rng.u32(..5) == 0 {
                joiner.hand_over(0, &mut pending);
            }
            if rng.u32(..20) == 0 {
                kept.commit(&mut joiner, &mut pending);
            }
        }
        joiner.hand_over_all(&mut pending);
        kept.commit(&mut joiner, &mut pending);
        (kept, lives, damaged)
    }

    #[test]
    fn messages_in_any_order_make_the_row_that_they_tell_of() {
        for seed in 0..60 {
            let (kept, lives, _) = run(seed, 300, 1 + seed as usize, 0.0);
            assert_eq!((kept.rows.len(), kept.lost.len(), kept.written), (300, 0, 300), "seed {seed}");
            for (part, told) in &lives {
                let row = &kept.rows[part];
                assert_eq!(row.state(), State::Finished, "seed {seed}, part {part}");
                let late = told.iter().any(|message| matches!(message, Message::Late { .. }));
                let unjudged = told.iter().any(|message| matches!(message, Message::Unjudged { .. }));
                assert_eq!((row.late, row.unjudged.is_some()), (late, unjudged), "seed {seed}, part {part}");
                assert_eq!(row.judged.is_some(), !unjudged, "seed {seed}, part {part}");
            }
        }
    }

    #[test]
    fn a_part_of_which_a_message_was_lost_is_named_and_never_called_finished() {
        for seed in 0..60 {
            let (kept, lives, damaged) = run(seed, 300, 1 + seed as usize, 0.02);
            assert_eq!(kept.lost, damaged, "seed {seed}");
            assert_eq!(kept.written + damaged.len() as u64, 300, "seed {seed}");
            for part in lives.keys() {
                let finished = kept.rows.get(part).is_some_and(|row| row.state() == State::Finished);
                assert_eq!(finished, !damaged.contains(part), "seed {seed}, part {part}");
            }
        }
    }

    #[test]
    fn a_part_of_which_nothing_was_heard_is_lost_and_one_without_an_end_is_unfinished() {
        let (mut joiner, mut pending, mut kept) = (Joiner::default(), Pending::new(4096), Kept::default());
        let mut rng = Rng::with_seed(1);
        for part in (0..2000).filter(|part| *part != 700) {
            // Of part 500, the line does not tell the end.
            let told = life(part, &mut rng);
            let told = told.iter().filter(|message| part != 500 || !matches!(message, Message::Settled { .. }));
            told.for_each(|message| joiner.take(message, 0));
            joiner.hand_over(0, &mut pending);
            kept.commit(&mut joiner, &mut pending);
        }
        joiner.hand_over_all(&mut pending);
        kept.commit(&mut joiner, &mut pending);
        assert_eq!(kept.lost, BTreeSet::from([700]));
        assert_eq!((kept.rows[&500].state(), kept.written), (State::Unfinished, 1999));
        assert_eq!(kept.rows.values().filter(|row| row.state() == State::Finished).count(), 1998);
    }
}
