//! What frames are taken for: the kind of the worst area that was found on each, by its true kind.

use std::collections::BTreeMap;

use super::tested::Tested;
use crate::defects::Kind;
use crate::score::Verdict;

/// What good frames are called here: no kind of defect has this name, since it is the folder of the good ones.
pub const GOOD: &str = "good";

/// Frames of each true kind, by what was found on them: a [`Kind`], `passed`, or `no_score`.
pub type Confusion = BTreeMap<String, BTreeMap<String, usize>>;

/// What a frame counts as.
const PASSED: &str = "passed";
const NO_SCORE: &str = "no_score";

/// The columns of a table.
pub fn columns() -> impl Iterator<Item = &'static str> {
    Kind::WORDS.into_iter().chain([NO_SCORE, PASSED])
}

/// Counts frames that a threshold has judged.
pub fn confusion<'a>(frames: impl Iterator<Item = &'a Tested>) -> Confusion {
    let mut counts = Confusion::new();
    for frame in frames {
        let found = match (frame.verdict(), frame.kind) {
            (None, _) => continue,
            (Some(Verdict::Pass), _) => PASSED,
            (Some(_), Some(kind)) => kind.name(),
            (Some(_), None) => NO_SCORE,
        };
        let of_kind = counts.entry(frame.defect.clone().unwrap_or_else(|| GOOD.into())).or_default();
        *of_kind.entry(found.into()).or_default() += 1;
    }
    counts
}

/// The sums of several.
pub fn sum<'a>(all: impl Iterator<Item = &'a Confusion>) -> Confusion {
    let mut sums = Confusion::new();
    for (kind, found, count) in all.flatten().flat_map(|(kind, row)| row.iter().map(move |(f, n)| (kind, f, n))) {
        *sums.entry(kind.clone()).or_default().entry(found.clone()).or_default() += count;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tested::tests::tested;

    #[test]
    fn frames_are_counted_by_what_was_found() {
        let of = |defect, verdict, kind| Tested { kind, ..tested(defect, Some(0.5), verdict) };
        let frames = [
            of(Some("dent"), Some(Verdict::Reject), Some(Kind::Shape)),
            of(Some("dent"), Some(Verdict::Review), Some(Kind::Colour)),
            of(Some("dent"), Some(Verdict::Pass), None),
            of(None, Some(Verdict::Reject), Some(Kind::Shape)),
            tested(None, None, None),
            of(Some("dent"), None, None),
        ];
        let found = confusion(frames.iter());
        let row =
            |pairs: &[(&str, usize)]| pairs.iter().map(|(name, n)| (name.to_string(), *n)).collect::<BTreeMap<_, _>>();
        assert_eq!(found["dent"], row(&[("shape", 1), ("colour", 1), ("passed", 1)]));
        assert_eq!(found[GOOD], row(&[("shape", 1), ("no_score", 1)]));
        assert_eq!(sum([&found, &found].into_iter())["dent"], row(&[("shape", 2), ("colour", 2), ("passed", 2)]));
        assert!(found.values().flat_map(BTreeMap::keys).all(|name| columns().any(|column| column == name)));
    }
}
