//! The layout of Eyecandies: files of one `data` folder, named by number and kind.

use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::error::DatasetError;
use super::folders::names;
use crate::calibration::{Camera, Intrinsics};
use crate::yaml::{self, Node};

/// The image that is used, as earlier work on this dataset does: every light is on.
const IMAGE: &str = "_image_4.png";
/// All frames were rendered by one camera with this focal length, pixels, and a centred principal point.
const FOCAL_PX: f32 = 711.11;
const SIDE_PX: f32 = 512.0;
/// Depth is stored as a 16-bit share of the frame's own range.
const DEPTH_STEPS: f32 = 65535.0;
/// The flags of `metadata.yaml`, each a kind of defect.
const DEFECTS: [&str; 4] = ["bumps", "colors", "dents", "normals"];
/// The YAML files have a handful of lines.
const YAML_BYTES_MAX: u64 = 16 << 10;

/// Frames of a split, `<class>/<split>`.
pub fn entries(split: &Path) -> Result<Vec<Entry>, DatasetError> {
    let folder = split.join("data");
    let mut entries = Vec::new();
    for name in names(&folder)? {
        if let Some(number) = name.strip_suffix(IMAGE) {
            entries.push(entry(&folder, number)?);
        }
    }
    if entries.is_empty() {
        return Err(DatasetError::Empty { path: folder });
    }
    Ok(entries)
}

fn entry(folder: &Path, number: &str) -> Result<Entry, DatasetError> {
    let path = |suffix: &str| folder.join(format!("{number}{suffix}"));
    let (rgb, xyz) = (path(IMAGE), path("_depth.png"));
    if !xyz.is_file() {
        return Err(DatasetError::NoCloud { rgb });
    }
    let defect = defect(&path("_metadata.yaml"))?;
    let truth = Some(path("_mask.png")).filter(|mask| mask.is_file());
    if defect.is_some() && truth.is_none() {
        return Err(DatasetError::NoTruth { rgb, expected: path("_mask.png") });
    }
    let reading = camera(&path("_info_depth.yaml"))?.into();
    let kind = defect.as_deref().unwrap_or("good");
    Ok(Entry { name: format!("{kind}/{number}"), defect, rgb, xyz, truth, reading })
}

/// The camera of a frame whose depth spans its own range.
fn camera(path: &Path) -> Result<Camera, DatasetError> {
    let text = Metadata::read(path)?;
    let (min, max) = (text.number("min")?, text.number("max")?);
    if !(min.is_finite() && max.is_finite() && 0.0 <= min && min < max) {
        return Err(text.layout(format!("min {min}, max {max}")));
    }
    let centre = SIDE_PX / 2.0;
    let depth_unit_m = (max - min) / DEPTH_STEPS;
    let (fx, fy, cx, cy) = (FOCAL_PX, FOCAL_PX, centre, centre);
    Ok(Camera::Pinhole(Intrinsics { fx, fy, cx, cy, depth_unit_m, depth_offset_m: min }))
}

/// The frame's flags joined, such as `bumps+colors`; none for a good part.
fn defect(path: &Path) -> Result<Option<String>, DatasetError> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = Metadata::read(path)?;
    let mut flagged = Vec::new();
    for name in DEFECTS {
        if text.number(name)? != 0.0 {
            flagged.push(name);
        }
    }
    Ok((!flagged.is_empty()).then(|| flagged.join("+")))
}

/// A file of names and numbers, in whichever mappings.
struct Metadata {
    path: PathBuf,
    root: Node,
}

impl Metadata {
    fn read(path: &Path) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Open { path: path.into(), source };
        let refused =
            |found| DatasetError::Layout { path: path.into(), expected: "a few lines of `name: number`", found };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > YAML_BYTES_MAX {
            return Err(refused(format!("{bytes} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let root = yaml::parse(&text).map_err(refused)?;
        Ok(Self { path: path.into(), root })
    }

    fn number(&self, name: &str) -> Result<f32, DatasetError> {
        let number = |node: &Node| match node.scalar() {
            Some("true" | "True") => Ok(1.0),
            Some("false" | "False") => Ok(0.0),
            Some(text) => match text.parse::<f32>() {
                Ok(number) if number.is_finite() => Ok(number),
                _ => Err(self.layout(format!("{name}: {text}"))),
            },
            None => Err(self.layout(format!("several values under {name}"))),
        };
        let found: Vec<f32> = self.root.all(name).into_iter().map(number).collect::<Result<_, _>>()?;
        match found[..] {
            [] => Err(self.layout(format!("nothing named {name}"))),
            [first, ..] if found.iter().all(|number| *number == first) => Ok(first),
            _ => Err(self.layout(format!("{name} with different values: {found:?}"))),
        }
    }

    fn layout(&self, found: String) -> DatasetError {
        DatasetError::Layout {
            path: self.path.clone(),
            expected: "`min` and `max` in metres, or flags of 0 and 1",
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<T>(text: &str, read: impl Fn(&Path) -> Result<T, DatasetError>) -> Result<T, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000_info_depth.yaml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string())
    }

    fn range(text: &str) -> Result<(f32, f32), String> {
        let Camera::Pinhole(intrinsics) = written(text, camera)? else { panic!("a camera with lenses") };
        Ok((intrinsics.depth_unit_m, intrinsics.depth_offset_m))
    }

    #[test]
    fn a_range_is_read_however_it_is_written() {
        let want = ((0.95_f32 - 0.25) / 65535.0, 0.25);
        for text in [
            "normalization:\n  max: 0.95\n  min: 0.25\n",
            "min: 0.25\nmax: 0.95\n",
            "{min: 0.25, max: 0.95}",
            "normalization: {max: 0.95, min: 0.25}\n",
            "{\"normalization\": {\"max\": 0.95, \"min\": 0.25}}",
            "'min': '0.25'   # metres\n\"max\": \"0.95\"\n",
            "\u{feff}min: 0.25\r\nmax: 0.95\r\n",
            "---\nframes:\n- min: 0.25\n  max: 0.95\n...\n",
            "a: {min: 0.25}\nb: {min: 0.25, max: 0.95}\n",
        ] {
            assert_eq!(range(text), Ok(want), "{text}");
        }
        for (text, words) in [
            ("min: 0.25\n", "found nothing named max"),
            ("# min: 0.25\nmax: 0.95\n", "found nothing named min"),
            ("min: 0.95\nmax: 0.25\n", "found min 0.95, max 0.25"),
            ("min: 0.25\nmax: .nan\n", "found max: .nan"),
            ("min: nan\nmax: 0.95\n", "found min: nan"),
            ("min: 0.25\nmax: [0.95]\n", "found several values under max"),
            ("min: 0.25\nmin: 0.35\nmax: 0.95\n", "min comes a second time"),
            ("a: {min: 0.25}\nb: {min: 0.35, max: 0.95}\n", "min with different values: [0.25, 0.35]"),
            ("min: &a 0.25\nmax: *a\n", "an alias"),
            ("{min: 0.25, max: 0.95", "found"),
            ("", "found nothing named min"),
        ] {
            let error = range(text).unwrap_err();
            assert!(error.contains(words) && error.contains("000_info_depth.yaml"), "{text}: {error}");
        }
        assert!(range(&"#".repeat(17 << 10)).unwrap_err().contains("17408 bytes"));
    }

    #[test]
    fn flags_are_read_however_they_are_written() {
        let flags = |text: &str| written(text, defect);
        let both = Ok(Some("bumps+dents".to_string()));
        assert_eq!(flags("anomalous: 1\nbumps: 1\ncolors: 0\ndents: 1\nnormals: 0\n"), both);
        assert_eq!(flags("{anomalies: {bumps: true, colors: False, 'dents': 1.0, normals: '0'}}"), both);
        assert_eq!(flags("bumps: 0\ncolors: 0\ndents: 0\nnormals: 0\n"), Ok(None));
        assert!(flags("bumps: 0\ncolors: 0\ndents: 0\n").unwrap_err().contains("nothing named normals"));
        assert!(flags("bumps: maybe\ncolors: 0\ndents: 0\nnormals: 0\n").unwrap_err().contains("bumps: maybe"));
    }
}
