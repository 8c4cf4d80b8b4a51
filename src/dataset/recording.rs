//! What a station stores of a part beside its frame: `verdict/<name>.json`, next to `rgb`, `xyz` and `gt`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::beside;
use super::error::DatasetError;
use crate::defects::Defect;
use crate::files::Temporary;
use crate::prepare::Window;
use crate::score::Verdict;

/// The version of this layout.
pub const FORMAT: u32 = 1;
/// The folder of records, beside that of colour images.
pub const FOLDER: &str = "verdict";
/// The class under which `evaluate` finds a recording.
pub const CLASS: &str = "parts";
/// A record is about a kilobyte, and at most 50 with all the defects and outlines that it may have.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The folder of a verdict, in the class's split `test`. `evaluate` takes every part outside of `good` for defective.
pub fn folder_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "good",
        Verdict::Review => "review",
        Verdict::Reject => "reject",
    }
}

/// The name of a part: the number of the station's start that recorded it, and the trigger's number. Sorted by name,
/// parts are in the order in which they came, whatever the wall clock shows; names by the wall clock, as in older
/// recordings, come first.
pub fn name(session: u64, part: u64) -> String {
    format!("s{session:08}-{part:010}")
}

/// The number of the station's start in a part's name; none where it is named otherwise.
pub fn session_of(name: &str) -> Option<u64> {
    numbers_of(name).map(|(session, _)| session)
}

/// The number of the station's start, and that of the part, in its name; none where it is named otherwise.
pub fn numbers_of(name: &str) -> Option<(u64, u64)> {
    let (session, part) = name.strip_prefix('s')?.split_once('-')?;
    let are_numbers = is_number(session, 8) && is_number(part, 10);
    are_numbers.then(|| Some((session.parse().ok()?, part.parse().ok()?)))?
}

/// Whether a station names parts like this, or did so in older recordings, by milliseconds since 1970 and the trigger's
/// number.
pub fn is_name(name: &str) -> bool {
    let by_clock = name.split_once('-').is_some_and(|(time, part)| is_number(time, 13) && is_number(part, 8));
    by_clock || session_of(name).is_some()
}

fn is_number(text: &str, digits_min: usize) -> bool {
    text.len() >= digits_min && text.bytes().all(|b| b.is_ascii_digit())
}

/// One part's verdict and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRecord {
    pub format: u32,
    /// The trigger's number.
    pub part: u64,
    /// The camera's number of the frame.
    pub sequence: u64,
    /// Milliseconds since 1970: when the frame was captured, by the wall clock.
    pub captured_unix_ms: u64,
    /// None where the frame was rejected before it had one.
    pub score: Option<f32>,
    pub verdict: Verdict,
    /// Why a frame that was not scored is rejected.
    pub reason: Option<String>,
    /// What the part lacks or has too much of, if that is beyond the limit of good parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// What was found where, the highest score first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
    /// A score above this rejects.
    pub threshold: f32,
    /// A score above this, up to the threshold, is reviewed.
    pub review: Option<f32>,
    /// The middle of the part in the frame, pixels `[x, y]`, where several were inspected one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<[f32; 2]>,
    /// The recipe under which the part was announced; none in a recording that was made before it was there, as the
    /// fields below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<u16>,
    /// The part's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The square of the photograph that the maps show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The content hash of the engine.
    pub engine_sha256: String,
    /// By stage, and `capture_to_verdict`.
    pub times_ms: BTreeMap<String, f64>,
}

impl PartRecord {
    pub fn write(&self, file: &mut Temporary) -> std::io::Result<()> {
        writeln!(file, "{}", serde_json::to_string_pretty(self).map_err(std::io::Error::other)?)
    }

    /// The record of the frame whose colour image is `rgb`; none where it was not recorded by a station.
    pub fn beside(rgb: &Path) -> Result<Option<Self>, DatasetError> {
        beside::path(rgb, FOLDER).map_or(Ok(None), |path| Self::read(&path))
    }

    /// Reads a record; none where it is not there.
    pub fn read(path: &Path) -> Result<Option<Self>, DatasetError> {
        beside::read(path, FILE_BYTES_MAX, "a station's record", |record: &Self| {
            beside::check_format(record.format, FORMAT)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::{DEFECTS_MAX, Kind, POINTS_MAX};
    use crate::frame::Region;

    fn record() -> PartRecord {
        PartRecord {
            gap: None,
            defects: Vec::new(),
            format: FORMAT,
            part: 3,
            sequence: 40,
            captured_unix_ms: 1_700_000_000_123,
            score: Some(0.1 + 0.2),
            verdict: Verdict::Reject,
            reason: None,
            threshold: 0.25,
            review: None,
            at: None,
            recipe: Some(u16::MAX),
            identity: Some("\\".repeat(64)),
            window: Some(Window::about([-8191.5; 2], 8192, Region { x: 8191, y: 8191, width: 1, height: 1 })),
            engine_sha256: "ab".into(),
            times_ms: BTreeMap::from([("prepare".into(), 1.5)]),
        }
    }

    #[test]
    fn parts_are_named_in_the_order_that_they_came() {
        let names = ["0000000000007-00000001", "9999999999999-00000002", &name(1, 99_999_999), &name(1, 100_000_000)];
        let names = names.map(String::from).into_iter().chain([name(2, 1), name(10, 0)]).collect::<Vec<_>>();
        assert!(names.is_sorted() && names.iter().all(|name| is_name(name)), "{names:?}");
        assert_eq!(names.iter().filter_map(|name| session_of(name)).collect::<Vec<_>>(), [1, 1, 2, 10]);
        let others =
            ["000", "s1-2", "s00000001-", "s00000001-000000000x", "2024-01-01", "", "s-", "a00000001-0000000001"];
        assert!(others.iter().all(|name| !is_name(name)));
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("verdict")).unwrap();
        crate::files::write_whole(&folder.path().join("verdict/000.json"), |file| record().write(file)).unwrap();
        assert_eq!(PartRecord::beside(&folder.path().join("rgb/000.png")).unwrap(), Some(record()));
        assert_eq!(PartRecord::beside(&folder.path().join("rgb/001.png")).unwrap(), None);
    }

    #[test]
    fn the_largest_record_is_read() {
        let far = [f32::MIN_POSITIVE, -8191.1];
        let defect = Defect {
            kind: Kind::Mismatch,
            score: Some(f32::MIN_POSITIVE),
            at: far,
            centre: Some(far),
            centre_mm: Some(far),
            pixels: usize::MAX,
            area_mm2: Some(f32::MIN_POSITIVE),
            height_mm: Some(-f32::MIN_POSITIVE),
            bounds: Region { x: usize::MAX, y: usize::MAX, width: usize::MAX, height: usize::MAX },
            outline: [[-8191.1, -8191.1]; POINTS_MAX].into_iter().collect(),
        };
        let record = PartRecord { defects: vec![defect; DEFECTS_MAX], ..record() };
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("verdict")).unwrap();
        let path = folder.path().join("verdict/000.json");
        crate::files::write_whole(&path, |file| record.write(file)).unwrap();
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!((30_000..50_000).contains(&bytes), "{bytes}");
        assert_eq!(PartRecord::beside(&folder.path().join("rgb/000.png")).unwrap(), Some(record));
    }

    #[test]
    fn a_record_of_before_there_were_outlines_is_read() {
        let old = r#"{"format": 1, "part": 3, "sequence": 40, "captured_unix_ms": 1700000000123, "score": 6.5,
            "verdict": "reject", "reason": null, "threshold": 0.25, "review": null, "engine_sha256": "ab",
            "times_ms": {"prepare": 1.5}, "defects": [{"kind": "shape", "score": 6.5, "at": [178.9, 261.1], "pixels": 337,
            "area_mm2": 117.75, "bounds": {"x": 90, "y": 137, "width": 20, "height": 22}}]}"#;
        let read: PartRecord = serde_json::from_str(old).unwrap();
        let Defect { pixels, centre, centre_mm, height_mm, outline, .. } = read.defects[0];
        assert_eq!((pixels, centre, centre_mm, height_mm), (337, None, None, None));
        assert!(outline.is_empty() && read.recipe.is_none() && read.identity.is_none() && read.window.is_none());
    }

    #[test]
    fn a_file_that_is_no_record_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("verdict")).unwrap();
        let other = PartRecord { format: 9, ..record() };
        for text in ["", "{}", &"x".repeat(1 << 20), &serde_json::to_string(&other).unwrap()] {
            std::fs::write(folder.path().join("verdict/000.json"), text).unwrap();
            let error = PartRecord::beside(&folder.path().join("rgb/000.png")).unwrap_err().to_string();
            assert!(error.contains("000.json"), "{error}");
        }
    }
}
