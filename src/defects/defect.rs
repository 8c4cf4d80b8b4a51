//! One defect, and those of a part.

use std::fmt;

use heapless::Vec as Few;
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::outline::Outline;
use crate::frame::Region;

/// The most defects of a part that are described: those with the highest scores.
pub const DEFECTS_MAX: usize = 16;

/// One area of the anomaly map above the limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// What the features say is wrong.
    pub kind: Kind,
    /// The largest value of the map in it; none where the map has no number there.
    pub score: Option<f32>,
    /// Where that is: `[x, y]` in pixels of the photograph.
    pub at: [f32; 2],
    /// The centre of the area, the mean of its pixels: `[x, y]` in pixels of the photograph. None in a recording that was
    /// made before it was there, as the fields below.
    #[serde(default)]
    pub centre: Option<[f32; 2]>,
    /// The same place in millimetres on the belt: `[x, y]` from the point of the belt below the camera, x to the right in
    /// the picture and y down. Where no belt was found, along the camera's own axes, from its optical axis. None where
    /// neither the area nor what is up to 5 network pixels away from it has a point.
    #[serde(default)]
    pub centre_mm: Option<[f32; 2]>,
    /// Its area in network pixels.
    pub pixels: usize,
    /// Its area in square millimetres; none where the cloud does not tell what a pixel is.
    pub area_mm2: Option<f32>,
    /// How high it stands above its surroundings, along the normal of the belt, or along the optical axis where no belt was
    /// found; below 0 where it lies deeper. The median over its core, where the map is above the middle between the limit and
    /// the largest value. None where fewer than half of the core's pixels have a point, or its surroundings have too few.
    #[serde(default)]
    pub height_mm: Option<f32>,
    /// The rectangle around it, network pixels.
    pub bounds: Region,
    /// Its outline; empty in a recording that was made before it was there.
    #[serde(default)]
    pub outline: Outline,
}

/// `shape at column 212, row 80 (x 4.1 mm, y -12.0 mm): 14.0 mm2, 0.8 mm deep, score 0.3100`
impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, score, pixels, area_mm2, height_mm, .. } = self;
        let [column, row] = self.centre.unwrap_or(self.at);
        write!(f, "{} at column {column:.0}, row {row:.0}", kind.name())?;
        if let Some([x, y]) = self.centre_mm {
            write!(f, " (x {x:.1} mm, y {y:.1} mm)")?;
        }
        match area_mm2 {
            Some(area_mm2) => write!(f, ": {area_mm2:.1} mm2")?,
            None => write!(f, ": {pixels} network pixels")?,
        }
        // Less is printed as 0.0.
        if let Some(height) = height_mm.filter(|height| height.abs() >= 0.05) {
            write!(f, ", {:.1} mm {}", height.abs(), if height < 0.0 { "deep" } else { "high" })?;
        }
        match score {
            Some(score) => write!(f, ", score {score:.4}"),
            None => write!(f, ", without a score"),
        }
    }
}

/// The defects of a part, the highest score first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Defects {
    /// Those with the highest scores, the highest first.
    #[doc(hidden)]
    pub worst: Few<Defect, DEFECTS_MAX>,
    /// How many there are, with those that are not described.
    pub count: usize,
}

impl Defects {
    /// Those with the highest scores, at most 16, the highest first.
    pub fn worst(&self) -> &[Defect] {
        &self.worst
    }

    /// Takes all of them out.
    #[doc(hidden)]
    pub fn clear(&mut self) {
        self.worst.clear();
        self.count = 0;
    }
}
