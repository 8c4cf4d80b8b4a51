//! Compares two evaluations of the same test frames, frame by frame: whether fewer defects pass, and how sure that is.
//!
//! Each frame is one pair. Pairs are drawn again with replacement within each class and kind of defect, and the interval of
//! a figure is what it is in the middle 95 % of such draws. Since both evaluations saw the same frames, this is much
//! narrower than what the two intervals of the miss rates tell together.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::confusion::GOOD;
use super::document::{Block, Cell, Table};
use super::interval::{CONFIDENCE, Interval, middle};
use super::line::RESAMPLES;
use super::report::FrameRow;
use crate::score::Verdict;

const SEED: u64 = 0;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum CompareError {
    #[error(
        "the two reports have no judged test frame in common: {before} are in the first and {after} in the second; compare reports of the same dataset, written with --report by this version or a later one"
    )]
    NothingInCommon { before: usize, after: usize },
}

/// Wrong verdicts of the same frames in two evaluations: defective frames that passed, or good ones that did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    pub frames: usize,
    pub before: usize,
    pub after: usize,
}

/// How two shares of wrong verdicts compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    pub wrong: Wrong,
    /// The second share less the first.
    pub difference: f64,
    pub difference_interval: Interval,
    /// The second over the first; none where the first is 0.
    pub ratio: Option<f64>,
    /// None where a draw has a first share of 0 too often to tell.
    pub ratio_interval: Option<Interval>,
}

/// Two evaluations side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// All defective frames.
    pub defective: Option<Compared>,
    /// By kind of defect, and the good frames under [`GOOD`].
    pub kinds: BTreeMap<String, Compared>,
    /// Test frames that only one of the evaluations judged.
    pub alone: usize,
}

/// Pairs of a class and kind: whether the first and the second verdict are wrong.
type Strata = BTreeMap<(String, String), Vec<[bool; 2]>>;

/// Compares the test frames of two reports, which are paired by class, kind of defect and name.
pub fn compare(before: &[FrameRow], after: &[FrameRow]) -> Result<Comparison, CompareError> {
    let key = |row: &FrameRow| (row.class.clone(), row.defect.clone(), row.name.clone());
    let judged = |rows: &[FrameRow]| {
        let wrong = |row: &FrameRow| row.verdict.map(|v| (v == Verdict::Pass) == row.defect.is_some());
        rows.iter().filter_map(|row| Some((key(row), wrong(row)?))).collect::<BTreeMap<_, _>>()
    };
    let (first, second) = (judged(before), judged(after));
    let mut strata = Strata::new();
    for ((class, defect, name), before) in &first {
        if let Some(after) = second.get(&(class.clone(), defect.clone(), name.clone())) {
            let kind = defect.clone().unwrap_or_else(|| GOOD.into());
            strata.entry((class.clone(), kind)).or_default().push([*before, *after]);
        }
    }
    let common: usize = strata.values().map(Vec::len).sum();
    if common == 0 {
        return Err(CompareError::NothingInCommon { before: before.len(), after: after.len() });
    }
    let of = |is_in: &dyn Fn(&str) -> bool| {
        let chosen: Vec<&Vec<[bool; 2]>> =
            strata.iter().filter(|((_, kind), _)| is_in(kind)).map(|(_, pairs)| pairs).collect();
        compared(&chosen)
    };
    let names: BTreeSet<&String> = strata.keys().map(|(_, kind)| kind).collect();
    Ok(Comparison {
        defective: of(&|kind| kind != GOOD),
        kinds: names.into_iter().filter_map(|name| Some((name.clone(), of(&|kind| kind == name)?))).collect(),
        alone: first.len() + second.len() - 2 * common,
    })
}

/// None without a pair.
fn compared(strata: &[&Vec<[bool; 2]>]) -> Option<Compared> {
    let frames: usize = strata.iter().map(|pairs| pairs.len()).sum();
    if frames == 0 {
        return None;
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let count = |pick: &mut dyn FnMut(usize, usize) -> usize| {
        let mut wrong = Wrong { frames, ..Wrong::default() };
        for pairs in strata {
            for i in 0..pairs.len() {
                let [before, after] = pairs[pick(i, pairs.len())];
                wrong.before += usize::from(before);
                wrong.after += usize::from(after);
            }
        }
        wrong
    };
    let wrong = count(&mut |i, _| i);
    let draws: Vec<Wrong> = (0..RESAMPLES).map(|_| count(&mut |_, frames| random.usize(..frames))).collect();
    let difference = |wrong: &Wrong| (wrong.after as f64 - wrong.before as f64) / frames as f64;
    let ratio = |wrong: &Wrong| (wrong.before > 0).then(|| wrong.after as f64 / wrong.before as f64);
    Some(Compared {
        wrong,
        difference: difference(&wrong),
        difference_interval: middle(draws.iter().map(difference).collect(), CONFIDENCE)?,
        ratio: ratio(&wrong),
        ratio_interval: draws
            .iter()
            .map(ratio)
            .collect::<Option<Vec<f64>>>()
            .and_then(|ratios| middle(ratios, CONFIDENCE)),
    })
}

impl Comparison {
    /// A section of a report; `with` names the other evaluation.
    pub fn blocks(&self, with: &str) -> Vec<Block> {
        let mut table = Table::new(["", "frames", "wrong before", "wrong now", "difference", "ratio"]);
        let all = self.defective.iter().map(|all| (Cell::bold("all defective"), all));
        for (name, row) in all.chain(self.kinds.iter().map(|(name, row)| (name.into(), row))) {
            let Compared { wrong, difference, difference_interval: [least, most], ratio, ratio_interval } = row;
            let ratio = ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
            let ratio_interval =
                ratio_interval.map_or(String::new(), |[least, most]| format!(" ({least:.2} to {most:.2})"));
            table.rows.push(vec![
                name,
                wrong.frames.to_string().into(),
                wrong.before.to_string().into(),
                wrong.after.to_string().into(),
                format!("{difference:+.3} ({least:+.3} to {most:+.3})").into(),
                format!("{ratio}{ratio_interval}").into(),
            ]);
        }
        let mut blocks = vec![
            Block::heading(format!("Compared with {with}")),
            Block::paragraph(
                "The same test frames in both, each at its own calibrated threshold. Wrong: a defective frame that passed, or a good one that did not. In brackets: 95 % intervals of the pairs.",
            ),
            Block::Table(table),
        ];
        if self.alone > 0 {
            let alone = self.alone;
            blocks.push(Block::paragraph(format!(
                "{alone} test frames were judged in only one of the two and are left out."
            )));
        }
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::document::markdown;

    fn row(class: &str, defect: Option<&str>, number: usize, verdict: Option<Verdict>) -> FrameRow {
        FrameRow {
            class: class.into(),
            name: format!("{number:03}"),
            defect: defect.map(String::from),
            size_mm: None,
            size_share: None,
            score: Some(0.5),
            verdict,
            reason: None,
            kind: None,
        }
    }

    /// Frames of a kind, of which the first `passing` pass.
    fn rows(defect: Option<&str>, frames: usize, passing: usize) -> Vec<FrameRow> {
        let verdict = |i| if i < passing { Verdict::Pass } else { Verdict::Reject };
        (0..frames).map(|i| row("a", defect, i, Some(verdict(i)))).collect()
    }

    #[test]
    fn wrong_verdicts_are_counted_in_pairs() {
        let join = |dents, bumps, good| {
            [rows(Some("dent"), 100, dents), rows(Some("bump"), 100, bumps), rows(None, 50, good)].concat()
        };
        let mut before = join(40, 10, 49);
        before.push(row("other", Some("dent"), 0, Some(Verdict::Pass)));
        let found = compare(&before, &join(20, 10, 50)).unwrap();
        let all = found.defective.unwrap();
        assert_eq!(all.wrong, Wrong { frames: 200, before: 50, after: 30 });
        assert_eq!((all.difference, all.ratio), (-0.1, Some(0.6)));
        // 20 of 100 dents changed: 12 to 28 of them do in 95 of 100 draws.
        let [least, most] = all.difference_interval;
        assert!((-0.15..-0.12).contains(&least) && (-0.08..-0.05).contains(&most), "{:?}", all.difference_interval);
        assert_eq!(found.kinds["bump"].difference_interval, [0.0; 2]);
        assert_eq!(found.kinds["bump"].ratio_interval, Some([1.0; 2]));
        assert_eq!(found.kinds[GOOD].wrong, Wrong { frames: 50, before: 1, after: 0 });
        // Where one frame alone was wrong, many draws have none.
        assert_eq!((found.kinds[GOOD].ratio, found.kinds[GOOD].ratio_interval), (Some(0.0), None));
        assert_eq!(found.alone, 1);
        let text = markdown(&found.blocks("old_report"));
        assert!(text.contains("| dent | 100 | 40 | 20 | -0.200 ("), "{text}");
        assert!(text.contains("1 test frames were judged in only one"), "{text}");
    }

    #[test]
    fn reports_without_a_common_frame_are_refused() {
        let (dents, bumps) = (rows(Some("dent"), 3, 1), rows(Some("bump"), 2, 1));
        assert_eq!(compare(&dents, &bumps), Err(CompareError::NothingInCommon { before: 3, after: 2 }));
        let unjudged = [row("a", Some("dent"), 0, None)];
        assert!(compare(&dents, &unjudged).is_err());
    }
}
