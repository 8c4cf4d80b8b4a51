//! What a person says of a recorded part: `finding/<name>.json`, next to `verdict`. It outweighs the station's verdict
//! wherever a recording is read as a dataset.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::beside;
use super::entry::Entry;
use super::error::DatasetError;
use super::recording::PartRecord;
use crate::defects::Kind;
use crate::files;

/// The version of this layout.
pub const FORMAT: u32 = 1;
/// The folder of findings, beside that of verdicts.
pub const FOLDER: &str = "finding";
/// Characters of a person's name.
pub const BY_CHARS_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 4 << 10;
/// The kind of a confirmed defect to which a person gave none.
const UNNAMED: &str = "defect";

/// What a person says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opinion {
    /// It is good, whatever the station's verdict was.
    Good,
    /// It has a defect, whatever the station's verdict was.
    Defect,
    /// It cannot be told; the part counts as neither.
    Unsure,
}

crate::words::words!(serde Opinion {
    Good = "good",
    Defect = "defect",
    Unsure = "unsure",
});

/// Why something cannot be a finding.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FindingError {
    #[error("a part that is {} has no kind of defect, but {} was given: leave out the kind, or say defect", opinion.name(), kind.name())]
    Kind { opinion: Opinion, kind: Kind },
    #[error(
        "the name of the person has {found} characters where at most {BY_CHARS_MAX}, none of them a control character, are expected"
    )]
    By { found: usize },
}

/// What a person says of one recorded part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub format: u32,
    pub opinion: Opinion,
    /// What is wrong; none where the part has no defect, or the person did not say.
    pub kind: Option<Kind>,
    /// Who says so; empty where nobody was named.
    pub by: String,
    /// Milliseconds since 1970: when it was said, by the wall clock.
    pub at_unix_ms: u64,
}

impl Finding {
    pub fn new(opinion: Opinion, kind: Option<Kind>, by: &str, at_unix_ms: u64) -> Result<Self, FindingError> {
        let finding = Self { format: FORMAT, opinion, kind, by: by.trim().into(), at_unix_ms };
        finding.check()?;
        Ok(finding)
    }

    fn check(&self) -> Result<(), FindingError> {
        if let Some(kind) = self.kind.filter(|_| self.opinion != Opinion::Defect) {
            return Err(FindingError::Kind { opinion: self.opinion, kind });
        }
        let found = self.by.chars().count();
        if found > BY_CHARS_MAX || self.by.chars().any(char::is_control) {
            return Err(FindingError::By { found });
        }
        Ok(())
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        files::write_whole(path, |file| writeln!(file, "{text}"))
    }

    /// Reads the file; none where it is not there.
    pub fn read(path: &Path) -> Result<Option<Self>, DatasetError> {
        beside::read(path, FILE_BYTES_MAX, "a person's finding", |finding: &Self| {
            beside::check_format(finding.format, FORMAT)?;
            finding.check().map_err(|error| error.to_string())
        })
    }

    /// The finding about the frame whose colour image is `rgb`; none where nobody said anything.
    pub fn beside(rgb: &Path) -> Result<Option<Self>, DatasetError> {
        beside::path(rgb, FOLDER).map_or(Ok(None), |path| Self::read(&path))
    }

    /// The kind of a confirmed defect, as the name of a dataset's defect.
    fn defect(&self) -> String {
        self.kind.map_or(UNNAMED, Kind::name).into()
    }
}

/// The frames of `folder`, one that may have findings, as a person found them: what is good has no defect and no marked
/// pixel, what has a defect counts as defective, and those that nobody could tell are left out.
pub fn apply(folder: &Path, entries: Vec<Entry>) -> Result<Vec<Entry>, DatasetError> {
    if !folder.join(FOLDER).is_dir() {
        return Ok(entries);
    }
    let (mut found, mut unsure) = (Vec::with_capacity(entries.len()), 0);
    for mut entry in entries {
        match Finding::beside(&entry.rgb)? {
            None => {}
            Some(finding) => match finding.opinion {
                Opinion::Good => (entry.defect, entry.truth) = (None, None),
                Opinion::Defect => entry.defect = Some(finding.defect()),
                Opinion::Unsure => {
                    unsure += 1;
                    continue;
                }
            },
        }
        found.push(entry);
    }
    if unsure > 0 {
        log::warn!(
            "{}: {unsure} parts are left out, since a person could not tell whether they are good",
            folder.display()
        );
    }
    Ok(found)
}

/// Those of `entries` that a person found good, without their masks. A frame that shows other parts too is left out: of
/// those the person said nothing.
pub fn found_good(entries: Vec<Entry>) -> Result<Vec<Entry>, DatasetError> {
    let (mut good, mut with_others) = (Vec::new(), 0);
    for entry in entries {
        if Finding::beside(&entry.rgb)?.is_none_or(|finding| finding.opinion != Opinion::Good) {
            continue;
        }
        if PartRecord::beside(&entry.rgb)?.is_some_and(|record| record.at.is_some()) {
            with_others += 1;
        } else {
            good.push(Entry { defect: None, truth: None, ..entry });
        }
    }
    if with_others > 0 {
        log::warn!(
            "{with_others} parts that a person found good are left out, since their frames may show other parts"
        );
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(FOLDER)).unwrap();
        let rgb = folder.path().join("rgb/000.png");
        assert_eq!(Finding::beside(&rgb).unwrap(), None);
        let longest = "ü".repeat(BY_CHARS_MAX);
        for (opinion, kind, by) in [
            (Opinion::Good, None, " Ada "),
            (Opinion::Defect, Some(Kind::Missing), longest.as_str()),
            (Opinion::Defect, None, ""),
            (Opinion::Unsure, None, "<b>x</b>"),
        ] {
            let finding = Finding::new(opinion, kind, by, 1_700_000_000_123).unwrap();
            finding.write(&folder.path().join("finding/000.json")).unwrap();
            assert_eq!(Finding::beside(&rgb).unwrap(), Some(finding));
        }
    }

    #[test]
    fn what_cannot_be_a_finding_is_refused() {
        let error = Finding::new(Opinion::Good, Some(Kind::Shape), "", 0).unwrap_err().to_string();
        assert!(error.contains("good") && error.contains("shape"), "{error}");
        for by in ["x".repeat(BY_CHARS_MAX + 1), "a\nb".into()] {
            assert!(matches!(Finding::new(Opinion::Good, None, &by, 0), Err(FindingError::By { .. })));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let good = serde_json::to_string(&Finding::new(Opinion::Good, None, "", 0).unwrap()).unwrap();
        for text in [
            "",
            "{}",
            &good[..20],
            &good.replace("\"format\":1", "\"format\":2"),
            &good.replace("good", "perfect"),
            &good.replace("\"kind\":null", "\"kind\":\"shape\""),
            &good.replace("{", "{\"more\":1,"),
            &" ".repeat(1 << 20),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Finding::read(&path).unwrap_err().to_string();
            assert!(error.contains("a.json"), "{error}");
        }
    }
}
