use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use crate::frame::SIDE_MAX;

const AREAS_MAX: usize = 64;
const CORNERS_MAX: usize = 256;

/// `[regions]`: where defects count, in pixels of the photograph. Reloaded on SIGHUP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Regions {
    /// Only defects in one of these areas count. If there are none, defects count everywhere.
    pub of_interest: Vec<Area>,
    /// Defects in one of these areas never count.
    pub ignore: Vec<Area>,
}

/// A polygon, or a mask: a picture (PNG, JPEG, BMP or TIFF) of the photograph's size, whose marked pixels are inside.
/// See `dataset/mask.rs` for which pixels are marked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Area {
    /// Corners `[x, y]`, pixels from the upper left of the photograph.
    pub polygon: Option<Vec<[f32; 2]>>,
    pub mask: Option<PathBuf>,
}

impl Regions {
    pub fn is_empty(&self) -> bool {
        self.of_interest.is_empty() && self.ignore.is_empty()
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        for (name, areas) in [("of_interest", &self.of_interest), ("ignore", &self.ignore)] {
            problems.range(&format!("regions.{name}: the number of areas"), areas.len(), 0..=AREAS_MAX);
            for (i, area) in areas.iter().enumerate() {
                area.check(&format!("regions.{name}[{i}]"), problems);
            }
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        let areas = self.of_interest.iter_mut().chain(&mut self.ignore);
        for mask in areas.filter_map(|area| area.mask.as_mut()) {
            resolve(mask, folder);
        }
    }
}

impl Area {
    fn check(&self, name: &str, problems: &mut Problems) {
        match (&self.polygon, &self.mask) {
            (Some(corners), None) => {
                problems.range(&format!("{name}.polygon: the number of corners"), corners.len(), 3..=CORNERS_MAX);
                let outside = |v: &&f32| !(0.0..=SIDE_MAX as f32).contains(*v);
                if let Some(value) = corners.as_flattened().iter().find(outside) {
                    problems.say(format!("{name}.polygon has {value} where pixels from 0 to {SIDE_MAX} are expected"));
                }
            }
            (None, Some(mask)) => problems.path(&format!("{name}.mask"), mask),
            _ => problems.say(format!("{name} needs either polygon, a list of [x, y], or mask, the path of a picture")),
        }
    }
}
