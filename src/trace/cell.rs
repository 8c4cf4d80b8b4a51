//! What the trace tells of the parts of one cell of time, in a few numbers.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::defects::Kind;
use crate::score::Verdict;

/// Parts of one cell that are looked at: those of a quarter of an hour with two hundred a second are fewer. It bounds what is
/// read where the clock of a station stands still, or begins anew with every start.
const PARTS_MAX: i64 = 200_000;
/// Stands in the place of a kind where a part was rejected without a score.
const NO_SCORE: &str = "no_score";

/// The rows of the parts that were announced within a cell, in the order in which they came. A part of which neither a
/// verdict nor the reason for having none is known is still on its way, or its end is not known.
const PARTS: &str = "
SELECT verdict, score, threshold, worst_kind, capture_to_verdict_ms, engine
FROM parts
WHERE triggered_unix_ms >= ?1 AND triggered_unix_ms < ?2 AND (verdict IS NOT NULL OR reason IS NOT NULL)
ORDER BY triggered_unix_ms LIMIT ?3";

/// The parts of one cell of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cell {
    /// Where it begins, milliseconds since 1970.
    pub from_unix_ms: i64,
    /// Parts that were judged, or that have no verdict for a known reason.
    pub parts: u32,
    /// Rejected parts by the kind of their worst defect, and those without a score as `no_score`.
    pub rejected: BTreeMap<&'static str, u32>,
    /// Parts for review, in the same way.
    pub reviewed: BTreeMap<&'static str, u32>,
    /// A quarter of the scores, half and three quarters of them are at most this; the last is the largest.
    pub scores: Option<[f64; 4]>,
    /// The least and the largest threshold by which parts were judged.
    pub thresholds: Option<[f64; 2]>,
    /// The first 16 digits of the engine's hash that gave the scores; none if there were several, whose scores do not
    /// compare.
    pub engine: Option<String>,
    /// Half of the times from the capture to the verdict are at most this, and 99 of 100, milliseconds.
    pub times_ms: Option<[f64; 2]>,
}

impl Cell {
    /// Reads the cell of `length_ms` that begins at `from_unix_ms`.
    pub fn read(connection: &Connection, from_unix_ms: i64, length_ms: i64) -> rusqlite::Result<Self> {
        let mut sums = Sums { cell: Self { from_unix_ms, ..Self::default() }, ..Sums::default() };
        let mut statement = connection.prepare(PARTS)?;
        let mut rows = statement.query(params![from_unix_ms, from_unix_ms + length_ms, PARTS_MAX])?;
        while let Some(row) = rows.next()? {
            sums.add(row)?;
        }
        sums.finish(connection)
    }
}

/// A cell that is being read.
#[derive(Default)]
struct Sums {
    cell: Cell,
    scores: Vec<f64>,
    times_ms: Vec<f64>,
    /// The engine of the scores, and whether they are of several.
    engine: Option<i64>,
    has_several: bool,
}

impl Sums {
    fn add(&mut self, row: &Row) -> rusqlite::Result<()> {
        self.cell.parts += 1;
        let (verdict, score) = (row.get_ref(0)?.as_str_or_null()?, row.get::<_, Option<f64>>(1)?);
        // What was not judged was not accepted either.
        let of = match verdict.map_or(Ok(Verdict::Reject), str::parse) {
            Ok(Verdict::Reject) => Some(&mut self.cell.rejected),
            Ok(Verdict::Review) => Some(&mut self.cell.reviewed),
            _ => None,
        };
        if let Some(of) = of {
            let kind = row.get_ref(3)?.as_str_or_null()?.and_then(|kind| kind.parse().ok()).unwrap_or(Kind::Unknown);
            *of.entry(if score.is_some() { kind.name() } else { NO_SCORE }).or_default() += 1;
        }
        if let Some(score) = score {
            self.scores.push(score);
            let engine = row.get::<_, Option<i64>>(5)?;
            self.has_several |= self.scores.len() > 1 && engine != self.engine;
            self.engine = engine;
        }
        if let Some(threshold) = row.get::<_, Option<f64>>(2)? {
            let [least, largest] = self.cell.thresholds.unwrap_or([threshold; 2]);
            self.cell.thresholds = Some([least.min(threshold), largest.max(threshold)]);
        }
        self.times_ms.extend(row.get::<_, Option<f64>>(4)?);
        Ok(())
    }

    fn finish(self, connection: &Connection) -> rusqlite::Result<Cell> {
        let Self { mut cell, scores, times_ms, engine, has_several } = self;
        cell.scores = quantiles(scores, [0.25, 0.5, 0.75, 1.0]);
        cell.times_ms = quantiles(times_ms, [0.5, 0.99]).map(|times| times.map(to_microseconds));
        if let Some(engine) = engine.filter(|_| !has_several) {
            let first_digits = "SELECT substr(sha256, 1, 16) FROM engines WHERE engine = ?1";
            cell.engine = connection.query_row(first_digits, [engine], |row| row.get(0)).optional()?;
        }
        Ok(cell)
    }
}

/// Of each share the least value that this share of all does not exceed; none without values.
fn quantiles<const N: usize>(mut values: Vec<f64>, shares: [f64; N]) -> Option<[f64; N]> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let place = |share: f64| (share * values.len() as f64).ceil() as usize;
    Some(shares.map(|share| values[place(share).saturating_sub(1).min(last)]))
}

/// Without the digits that the sum of two powers of two leaves behind.
fn to_microseconds(time_ms: f64) -> f64 {
    (1e3 * time_ms).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        assert_eq!(quantiles(Vec::new(), [0.5]), None);
        assert_eq!(quantiles(vec![7.0], [0.25, 0.5, 0.99, 1.0]), Some([7.0; 4]));
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantiles(values, [0.25, 0.5, 0.99, 1.0]), Some([25.0, 50.0, 99.0, 100.0]));
    }
}
