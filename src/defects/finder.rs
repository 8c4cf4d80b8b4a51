//! Finds the defects of a frame.

use super::defect::{DEFECTS_MAX, Defect, Defects};
use super::kind::{Balance, Kind};
use super::outline::Tracer;
use super::survey::Surveyor;
use crate::areas::{Areas, LENGTHS_MAX, Mask, pixel_mm};
use crate::backend::AnomalyMaps;
use crate::frame::Region;
use crate::prepare::NetworkInput;
use crate::shapes::W;

/// Areas that a smoothed map may have before memory is allocated for more.
const AREAS: usize = 1024;
/// The core of an area are its pixels whose value has come so far from the limit to the largest one. Chosen on synthetic dents,
/// bumps and foreign bodies (docs/results.md).
const CORE_SHARE: f32 = 0.5;
/// An area is a gap, or excess, if the check for gaps marked one of so many of its pixels: the rim of a hole looks odd too.
const MARKED_SHARE: usize = 4;

/// What is summed up over an area.
#[derive(Clone, Copy, Debug)]
struct Sums {
    /// The area's number.
    area: usize,
    /// The largest value, and the pixel that has it.
    peak: f32,
    at: usize,
    pixels: usize,
    /// Of the pixels' columns and rows.
    places: [usize; 2],
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
    /// One of the areas, and its core.
    one: Mask,
    core: Mask,
    tracer: Tracer,
    surveyor: Surveyor,
}

impl Default for Finder {
    fn default() -> Self {
        let (sums, lengths) = (Vec::with_capacity(AREAS), Vec::with_capacity(LENGTHS_MAX));
        let [above, one, core] = [(); 3].map(|()| Mask::default());
        let (areas, tracer, surveyor) = (Areas::default(), Tracer::default(), Surveyor::default());
        Self { above, areas, sums, lengths, one, core, tracer, surveyor }
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
                sums.push(Sums::new(area, run));
            }
            sums[area].add(run, input, maps, gap);
        });
        // Areas of one score in the order of their pixels. A stable sort would allocate.
        self.sums.sort_unstable_by(|a, b| b.peak.total_cmp(&a.peak).then(a.at.cmp(&b.at)));
        let pixel = (defects.count > 0).then(|| pixel_mm(&input.cloud, &mut self.lengths)).flatten();
        for i in 0..self.sums.len().min(DEFECTS_MAX) {
            let sums = self.sums[i];
            self.areas.take_area(sums.area, &mut self.one);
            self.take_core(limit, sums.peak, maps);
            let defect = self.describe(&sums, input, pixel, balance);
            defects.worst.extend([defect]);
        }
    }

    /// Takes the core of the area `self.one`: the map shows a defect larger than it is, and its height would be lost in a
    /// median over all of that.
    fn take_core(&mut self, limit: f32, peak: f32, maps: &AnomalyMaps) {
        let least = limit + CORE_SHARE * (peak - limit);
        // Where the map has no number, no pixel is nearer to the core than another.
        let is_core = |value: f32| value >= least || !least.is_finite();
        self.core.take_where(|pixel| self.one.has(pixel) && is_core(maps.anomaly_map[pixel]));
    }

    /// The defect of the area `self.one`. A network pixel has a width and a height, mm.
    fn describe(&mut self, sums: &Sums, input: &NetworkInput, pixel_mm: Option<[f32; 2]>, balance: Balance) -> Defect {
        let &Sums { peak, at, pixels, places, bounds, .. } = sums;
        let centre = places.map(|sum| sum as f32 / pixels as f32);
        Defect {
            kind: sums.kind(balance),
            score: peak.is_finite().then_some(peak),
            at: input.window.photograph_place(at),
            centre: Some(input.window.photograph_at(centre)),
            centre_mm: self.surveyor.centre_mm(&self.one, centre, pixel_mm, input),
            pixels,
            area_mm2: pixel_mm.map(|[width, height]| width * height * pixels as f32),
            height_mm: self.surveyor.height_mm(&self.core, &self.one, &self.above, input),
            bounds,
            outline: self.tracer.outline(&self.one, &input.window),
        }
    }
}

impl Sums {
    /// Those of no pixel yet; the first run of the area is to come.
    fn new(area: usize, bounds: Region) -> Self {
        let (peak, at, pixels) = (f32::NEG_INFINITY, bounds.y * W + bounds.x, 0);
        let (psi_rgb, psi_xyz, places) = (0.0, 0.0, [0; 2]);
        Self { area, peak, at, pixels, places, psi_rgb, psi_xyz, missing: 0, excess: 0, bounds }
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
        self.places[0] += (run.x..run.right()).sum::<usize>();
        self.places[1] += run.width * run.y;
        self.bounds = self.bounds.union(run);
    }

    fn kind(&self, balance: Balance) -> Kind {
        match MARKED_SHARE * (self.missing + self.excess) >= self.pixels {
            true if self.missing >= self.excess => Kind::Missing,
            true => Kind::Excess,
            false => balance.kind(self.psi_rgb, self.psi_xyz),
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
        assert_eq!(first.outline.points()[0], [109.5, 219.5]);
        assert_eq!((first.outline.points().len(), second.outline.points().len()), (4, 4));
        assert_eq!(first.to_string(), "mismatch at column 111, row 221 (x 25.2 mm, y 50.2 mm): 0.8 mm2, score 3.0000");
    }

    #[test]
    fn an_area_stands_above_or_below_the_others_around_it() {
        let [bump, dent] = [60 * W + 80, 60 * W + 95];
        let area = |corner: usize| (0..8 * 8).map(move |i| corner + i / 8 * W + i % 8);
        let mut part = input();
        area(bump).for_each(|i| part.cloud[i][2] -= 1.5e-3);
        area(dent).for_each(|i| part.cloud[i][2] += 0.75e-3);
        let values: Vec<(usize, f32)> = area(bump).map(|i| (i, 3.0)).chain(area(dent).map(|i| (i, 2.0))).collect();
        let defects = found(&part, &maps(&values), None);
        let heights = [0, 1].map(|i| defects.worst[i].height_mm.unwrap());
        assert!((heights[0] - 1.5).abs() < 1e-3 && (heights[1] + 0.75).abs() < 1e-3, "{heights:?}");
        assert_eq!(
            [0, 1].map(|i| defects.worst[i].to_string()),
            [
                "mismatch at column 178, row 148 (x 41.8 mm, y 31.8 mm): 16.0 mm2, 1.5 mm high, score 3.0000",
                "mismatch at column 208, row 148 (x 49.3 mm, y 31.8 mm): 16.0 mm2, 0.8 mm deep, score 2.0000"
            ]
        );
        assert_eq!(defects.worst[0].outline.points().len(), 4);
        // A map that shows the bump larger than it is.
        let around = |i: usize| (i % W).abs_diff(83) < 14 && (i / W).abs_diff(63) < 14;
        let wide: Vec<(usize, f32)> = (0..P).filter(|i| around(*i)).map(|i| (i, 1.9)).collect();
        let values: Vec<(usize, f32)> = wide.into_iter().chain(area(bump).map(|i| (i, 3.0))).collect();
        let mut part = input();
        area(bump).for_each(|i| part.cloud[i][2] -= 1.5e-3);
        let height = found(&part, &maps(&values), None).worst[0].height_mm.unwrap();
        assert!((height - 1.5).abs() < 1e-3, "{height}");
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
