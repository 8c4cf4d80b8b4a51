//! The recorded parts, page by page, the newest first.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::ReviewError;
use super::filter::{Filter, Found};
use super::index::Index;
use super::part::{self, RecordedPart};
use crate::dataset::finding::Finding;
use crate::dataset::recording::{self, PartRecord};
use crate::defects::Kind;
use crate::score::Verdict;

/// The most parts of a page.
pub const PAGE_PARTS_MAX: usize = 100;

/// The parts of a recording. It follows a station that adds and removes some meanwhile.
pub struct Gallery {
    folder: PathBuf,
    index: Index,
}

/// Some parts, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Page {
    pub parts: Vec<Listed>,
    /// What the next page begins after; none on the last one.
    pub next: Option<String>,
    /// How many parts there are for the filter; none where that would take every record.
    pub total: Option<usize>,
    /// Parts that were passed over, as their records cannot be read.
    pub unreadable: usize,
}

/// One part of a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    pub name: String,
    pub part: u64,
    pub identity: Option<String>,
    pub recipe: Option<u16>,
    pub captured_unix_ms: u64,
    pub verdict: Verdict,
    pub score: Option<f32>,
    pub threshold: f32,
    /// Why it was not scored.
    pub reason: Option<String>,
    /// The kind of the worst defect.
    pub kind: Option<Kind>,
    pub defects: usize,
    /// What a person says of it.
    pub finding: Option<Finding>,
}

impl Listed {
    fn new(name: &str, record: PartRecord, finding: Option<Finding>) -> Self {
        Self {
            name: name.into(),
            part: record.part,
            identity: record.identity,
            recipe: record.recipe,
            captured_unix_ms: record.captured_unix_ms,
            verdict: record.verdict,
            score: record.score,
            threshold: record.threshold,
            reason: record.reason,
            kind: record.defects.first().map(|defect| defect.kind),
            defects: record.defects.len(),
            finding,
        }
    }
}

impl Gallery {
    /// Opens the recording in `folder`, which is `record.folder` of a station.
    pub fn open(folder: &Path) -> Result<Self, ReviewError> {
        let test = folder.join(recording::CLASS).join("test");
        if !part::is_recording(&test) {
            return Err(ReviewError::NoRecording { path: folder.into() });
        }
        let mut gallery = Self { folder: folder.into(), index: Index::new(test) };
        gallery.index.renew()?;
        Ok(gallery)
    }

    /// The folder of the recording.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One part by its name.
    pub fn part(&self, name: &str) -> Result<RecordedPart, ReviewError> {
        RecordedPart::find(self.index.test(), name)
    }

    /// Up to `count` parts, at most [`PAGE_PARTS_MAX`], that the filter takes: the newest, or those after the part of a name
    /// in the same order, whether it is still there or not.
    pub fn page(&mut self, filter: &Filter, after: Option<&str>, count: usize) -> Result<Page, ReviewError> {
        after.map_or(Ok(()), part::check_name)?;
        self.index.renew()?;
        let count = count.clamp(1, PAGE_PARTS_MAX);
        let mut page = Page { total: self.total(filter), ..Page::default() };
        for at in after.map_or(0, |name| self.index.after(name))..self.index.len() {
            if !self.takes(filter, at, &mut page.unreadable) {
                continue;
            }
            if page.parts.len() == count {
                page.next = page.parts.last().map(|part| part.name.clone());
                break;
            }
            let name = self.index.name(at).to_owned();
            match self.part(&name).and_then(|part| part.record()) {
                Ok(record) => page.parts.push(Listed::new(&name, record, self.index.finding(at).cloned())),
                // It was removed since it was listed.
                Err(ReviewError::NoPart { .. }) => {}
                Err(_) => page.unreadable += 1,
            }
        }
        Ok(page)
    }

    fn takes(&mut self, filter: &Filter, at: usize, unreadable: &mut usize) -> bool {
        if !self.takes_name(filter, at) {
            return false;
        }
        if filter.needs_no_record() {
            return true;
        }
        let facts = self.index.facts(at);
        *unreadable += usize::from(facts.is_none());
        facts.is_some_and(|facts| filter.takes(&facts))
    }

    fn takes_name(&mut self, filter: &Filter, at: usize) -> bool {
        filter.verdict.is_none_or(|verdict| self.index.verdict(at) == verdict)
            && filter.found.is_none_or(|found| Found::from(self.index.finding(at)) == found)
    }

    fn total(&mut self, filter: &Filter) -> Option<usize> {
        let parts = self.index.len();
        filter.needs_no_record().then(|| (0..parts).filter(|at| self.takes_name(filter, *at)).count())
    }

    /// The newest state of the folders.
    pub(super) fn renewed(&mut self) -> Result<&mut Index, ReviewError> {
        self.index.renew()?;
        Ok(&mut self.index)
    }
}
