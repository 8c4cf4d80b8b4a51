//! Finds the defects of a frame.

use std::fmt;

use heapless::Vec as Few;
use serde::{Deserialize, Serialize};

use super::kind::{Balance, Kind};
use crate::areas::{Areas, LENGTHS_MAX, Mask, pixel_mm2};
use crate::backend::AnomalyMaps;
use crate::frame::Region;
use crate::prepare::NetworkInput;
use crate::shapes::W;

/// The most defects of a part that are described: those with the highest scores.
pub const DEFECTS_MAX: usize = 16;
/// Areas that a smoothed map may have before memory is allocated for more.
const AREAS: usize = 1024;
/// An area is a gap, or excess, if the check for gaps marked one of so many of its pixels: the rim of a hole looks odd too.
const MARKED_SHARE: usize = 4;

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
    /// Its area in network pixels.
    pub pixels: usize,
    /// Its area in square millimetres; none where the cloud does not tell what a pixel is.
    pub area_mm2: Option<f32>,
    /// The rectangle around it, network pixels.
    pub bounds: Region,
}

/// `shape at column 212, row 80: 14 mm2, score 0.31`
impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, score, at: [x, y], pixels, area_mm2, .. } = self;
        write!(f, "{} at column {x:.0}, row {y:.0}: ", kind.name())?;
        match area_mm2 {
            Some(area_mm2) => write!(f, "{area_mm2:.1} mm2")?,
            None => write!(f, "{pixels} network pixels")?,
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

/// What is summed up over an area.
#[derive(Clone, Copy, Debug)]
struct Sums {
    /// The largest value, and the pixel that has it.
    peak: f32,
    at: usize,
    pixels: usize,
    psi_rgb: f64,
    psi_xyz: f64,
    /// Pixels that the check for gaps marked: without and with a point of the part.
    missing: usize,
    excess: usize,
    bounds: Region,
}

/// Finds defects in buffers that frames reuse.
pub struct Finder {
    above: Mask,
    areas: Areas,
    sums: Vec<Sums>,
    lengths: Vec<f32>,
}

impl Default for Finder {
    fn default() -> Self {
        let (sums, lengths) = (Vec::with_capacity(AREAS), Vec::with_capacity(LENGTHS_MAX));
        Self { above: Mask::default(), areas: Areas::default(), sums, lengths }
    }
}

impl Finder {
    /// Makes `defects` those of a part: the areas of its anomaly map that are not at most `limit`. `gap` are the pixels that
    /// the check for gaps marked, and `balance` tells colour from shape.
    pub fn find(
        &mut self,
        limit: f32,
        input: &NetworkInput,
        maps: &AnomalyMaps,
        gap: Option<&Mask>,
        balance: Balance,
        defects: &mut Defects,
    ) {
        defects.clear();
        // A value that is no number is not at most the limit.
        let is_above = |value: f32| value > limit || value.is_nan();
        self.above.take_where(|pixel| is_above(maps.anomaly_map[pixel]));
        self.areas.find(&self.above);
        let sums = &mut self.sums;
        sums.clear();
        defects.count = self.areas.each_run(|area, row, columns| {
            let run = Region { x: columns.start, y: row, width: columns.len(), height: 1 };
            if sums.len() == area {
                sums.push(Sums::new(run));
            }
            sums[area].add(run, input, maps, gap);
        });
        // Areas of one score in the order of their pixels. A stable sort would allocate.
        self.sums.sort_unstable_by(|a, b| b.peak.total_cmp(&a.peak).then(a.at.cmp(&b.at)));
        let pixel = (defects.count > 0).then(|| pixel_mm2(&input.cloud, &mut self.lengths)).flatten();
        defects.worst.extend(self.sums.iter().take(DEFECTS_MAX).map(|sums| sums.defect(input, pixel, balance)));
    }
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

impl Sums {
    /// Those of no pixel yet; the first run of the area is to come.
    fn new(bounds: Region) -> Self {
        let (peak, at, pixels) = (f32::NEG_INFINITY, bounds.y * W + bounds.x, 0);
        Self { peak, at, pixels, psi_rgb: 0.0, psi_xyz: 0.0, missing: 0, excess: 0, bounds }
    }

    /// Adds a run of pixels of a row.
    fn add(&mut self, run: Region, input: &NetworkInput, maps: &AnomalyMaps, gap: Option<&Mask>) {
        let first = run.y * W + run.x;
        for pixel in first..first + run.width {
            let value = maps.anomaly_map[pixel];
            // No number is above every number.
            let value = if value.is_nan() { f32::INFINITY } else { value };
            if value > self.peak {
                (self.peak, self.at) = (value, pixel);
            }
            self.psi_rgb += f64::from(maps.psi_rgb[pixel]);
            self.psi_xyz += f64::from(maps.psi_xyz[pixel]);
            if gap.is_some_and(|gap| gap.has(pixel)) {
                let count = if input.kept[pixel] { &mut self.excess } else { &mut self.missing };
                *count += 1;
            }
        }
        self.pixels += run.width;
        self.bounds = self.bounds.union(run);
    }

    fn defect(&self, input: &NetworkInput, pixel_mm2: Option<f32>, balance: Balance) -> Defect {
        let Self { peak, at, pixels, missing, excess, bounds, .. } = *self;
        let kind = match MARKED_SHARE * (missing + excess) >= pixels {
            true if missing >= excess => Kind::Missing,
            true => Kind::Excess,
            false => balance.kind(self.psi_rgb, self.psi_xyz),
        };
        Defect {
            kind,
            score: peak.is_finite().then_some(peak),
            at: input.window.photograph_place(at),
            pixels,
            area_mm2: pixel_mm2.map(|one| one * pixels as f32),
            bounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Score;
    use crate::prepare::window::Window;
    use crate::shapes::P;

    const BALANCE: Balance = Balance { score: Score::Likelihood, good: Some(0.1) };

    /// A window of twice the grid's size, at column 10 and row 20, of 0.5 mm a network pixel.
    fn input() -> NetworkInput {
        let cloud = (0..P).map(|i| [(i % W) as f32 * 5e-4, (i / W) as f32 * 5e-4, 0.5]).collect();
        let window = Window::around(Region { x: 10, y: 20, width: 2 * W, height: 2 * W });
        NetworkInput { cloud, kept: vec![true; P], window, ..NetworkInput::default() }
    }

    fn maps(values: &[(usize, f32)]) -> AnomalyMaps {
        let mut anomaly_map = vec![0.0; P];
        values.iter().for_each(|(pixel, value)| anomaly_map[*pixel] = *value);
        AnomalyMaps { psi_rgb: vec![1.0; P], psi_xyz: vec![1.0; P], anomaly_map, valid: vec![true; P] }
    }

    fn found(input: &NetworkInput, maps: &AnomalyMaps, gap: Option<&Mask>) -> Defects {
        let mut defects = Defects { count: 7, ..Defects::default() };
        Finder::default().find(1.0, input, maps, gap, BALANCE, &mut defects);
        defects
    }

    #[test]
    fn areas_above_the_limit_are_described() {
        let (small, large) = (5 * W + 7, 100 * W + 50);
        let maps = maps(&[(small, 1.5), (large, 1.1), (large + 1, 3.0), (large + W, 1.2), (0, 1.0)]);
        let defects = found(&input(), &maps, None);
        assert_eq!((defects.count, defects.worst.len()), (2, 2));
        let [first, second] = [defects.worst[0], defects.worst[1]];
        assert_eq!((first.score, first.pixels, second.score, second.pixels), (Some(3.0), 3, Some(1.5), 1));
        assert_eq!(first.bounds, Region { x: 50, y: 100, width: 2, height: 2 });
        // The middle of column 51 of the grid, which is two pixels of the photograph from column 112 on.
        assert_eq!(first.at, [112.5, 220.5]);
        assert!((first.area_mm2.unwrap() - 0.75).abs() < 1e-3, "{first}");
        assert_eq!(first.to_string(), "mismatch at column 112, row 220: 0.8 mm2, score 3.0000");
    }

    #[test]
    fn a_value_that_is_no_number_is_a_defect() {
        for no_number in [f32::NAN, -f32::NAN] {
            let defects = found(&input(), &maps(&[(9, no_number), (500, 2.0)]), None);
            assert_eq!(defects.count, 2);
            let first = defects.worst[0];
            assert_eq!((first.score, first.bounds), (None, Region { x: 9, y: 0, width: 1, height: 1 }));
            assert!(first.to_string().ends_with(", without a score"), "{first}");
            // What is written of it can be read again.
            let text = serde_json::to_string(&first).unwrap();
            assert_eq!(serde_json::from_str::<Defect>(&text).unwrap(), first);
        }
    }

    #[test]
    fn more_than_are_described_are_counted() {
        let values: Vec<(usize, f32)> = (0..40).map(|i| (i * 5 * W + 3, 2.0 + i as f32)).collect();
        let defects = found(&input(), &maps(&values), None);
        assert_eq!((defects.count, defects.worst.len(), defects.worst[0].score), (40, DEFECTS_MAX, Some(41.0)));
        assert_eq!(found(&input(), &maps(&[]), None), Defects::default());
    }

    #[test]
    fn kinds_are_those_of_distances_and_gaps() {
        let pixel = 30 * W + 30;
        let mut gap = Mask::default();
        gap.take_where(|i| i == pixel);
        for (rgb, xyz, want) in [
            (2.0, 1.0, Kind::Colour),
            (1.0, 2.0, Kind::Shape),
            (1.0, 1.0, Kind::Mismatch),
            (f32::NAN, 1.0, Kind::Unknown),
        ] {
            let mut maps = maps(&[(pixel, 2.0)]);
            (maps.psi_rgb[pixel], maps.psi_xyz[pixel]) = (rgb, xyz);
            let mut part = input();
            assert_eq!(found(&part, &maps, None).worst[0].kind, want);
            assert_eq!(found(&part, &maps, Some(&gap)).worst[0].kind, Kind::Excess);
            part.kept[pixel] = false;
            assert_eq!(found(&part, &maps, Some(&gap)).worst[0].kind, Kind::Missing);
            let mut unknown = Defects::default();
            Finder::default().find(1.0, &part, &maps, None, Balance { good: None, ..BALANCE }, &mut unknown);
            assert_eq!(unknown.worst[0].kind, Kind::Unknown);
        }
    }
}
