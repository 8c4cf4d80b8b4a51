//! Which parts of a recording are looked at.

use crate::dataset::finding::{Finding, Opinion};
use crate::defects::Kind;
use crate::score::Verdict;

use super::index::Facts;

/// What a person has said of a part, or that nobody has said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    None,
    Good,
    Defect,
    Unsure,
}

crate::words::words!(Found {
    None = "none",
    Good = "good",
    Defect = "defect",
    Unsure = "unsure",
});

impl From<Option<&Finding>> for Found {
    fn from(finding: Option<&Finding>) -> Self {
        match finding.map(|finding| finding.opinion) {
            None => Self::None,
            Some(Opinion::Good) => Self::Good,
            Some(Opinion::Defect) => Self::Defect,
            Some(Opinion::Unsure) => Self::Unsure,
        }
    }
}

/// What the parts of a page have in common; all parts where nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filter {
    pub verdict: Option<Verdict>,
    /// The kind of the worst defect.
    pub kind: Option<Kind>,
    pub found: Option<Found>,
    pub recipe: Option<u16>,
    /// Captured at this time or later, milliseconds since 1970.
    pub from_unix_ms: Option<u64>,
    /// Captured before this time.
    pub to_unix_ms: Option<u64>,
}

impl Filter {
    /// Whether the names in the folders and the findings tell all that is asked for.
    pub(super) fn needs_no_record(&self) -> bool {
        let Self { verdict: _, kind, found: _, recipe, from_unix_ms, to_unix_ms } = self;
        kind.is_none() && recipe.is_none() && from_unix_ms.is_none() && to_unix_ms.is_none()
    }

    pub(super) fn takes(&self, facts: &Facts) -> bool {
        self.kind.is_none_or(|kind| facts.kind == Some(kind))
            && self.recipe.is_none_or(|recipe| facts.recipe == Some(recipe))
            && self.from_unix_ms.is_none_or(|from| facts.captured_unix_ms >= from)
            && self.to_unix_ms.is_none_or(|to| facts.captured_unix_ms < to)
    }
}
