//! The layout of Eyecandies: files of one `data` folder, named by number and kind.

use std::path::{Path, PathBuf};

use super::DatasetError;
use super::layout::{Entry, names};
use crate::calibration::{Camera, Intrinsics};

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
    let text = Yaml::read(path)?;
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
    let text = Yaml::read(path)?;
    let mut flagged = Vec::new();
    for name in DEFECTS {
        if text.number(name)? != 0.0 {
            flagged.push(name);
        }
    }
    Ok((!flagged.is_empty()).then(|| flagged.join("+")))
}

/// The `name: number` lines of a YAML file, at whatever depth: all that these files have.
struct Yaml {
    path: PathBuf,
    text: String,
}

impl Yaml {
    fn read(path: &Path) -> Result<Self, DatasetError> {
        let failed = |source| DatasetError::Open { path: path.into(), source };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        if bytes > YAML_BYTES_MAX {
            let expected = "a few lines of `name: number`";
            return Err(DatasetError::Layout { path: path.into(), expected, found: format!("{bytes} bytes") });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Ok(Self { path: path.into(), text })
    }

    fn number(&self, name: &str) -> Result<f32, DatasetError> {
        let value = self.text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim())
        });
        match value {
            Some("true") => Ok(1.0),
            Some("false") => Ok(0.0),
            Some(value) => value.parse().map_err(|_| self.layout(format!("{name}: {value}"))),
            None => Err(self.layout(format!("no line `{name}: ...`"))),
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
