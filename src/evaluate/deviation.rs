//! How well the area and the place of a defect are told: the worst area that was found against what is marked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::defects::Defect;
use crate::prepare::window::Window;
use crate::shapes::W;

/// What became of a marked defect on a frame on which something was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found {
    /// The rectangle around the worst area has no marked pixel.
    Beside,
    /// So far from what is marked.
    Off(Deviation),
}

/// How far the worst area is from what is marked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// The difference of the areas over what is marked.
    pub area: f64,
    /// The distance of the centres, pixels of the photograph.
    pub centre_pixels: f64,
}

impl Found {
    /// The worst area against `truth`, `[P]`; none where nothing is marked.
    pub fn compare(worst: &Defect, truth: &[bool], window: &Window) -> Option<Self> {
        let marked = || (0..truth.len()).filter(|i| truth[*i]).map(|i| [i % W, i / W]);
        let count = marked().count();
        if count == 0 {
            return None;
        }
        let (columns, rows) = (worst.bounds.x..worst.bounds.right(), worst.bounds.y..worst.bounds.bottom());
        let is_inside = |[x, y]: [usize; 2]| columns.contains(&x) && rows.contains(&y);
        let Some(centre) = worst.centre.filter(|_| marked().any(is_inside)) else { return Some(Self::Beside) };
        let sums = marked().fold([0, 0], |sums, place| [sums[0] + place[0], sums[1] + place[1]]);
        let [x, y] = window.photograph_at(sums.map(|sum| sum as f32 / count as f32));
        Some(Self::Off(Deviation {
            area: (worst.pixels as f64 - count as f64).abs() / count as f64,
            centre_pixels: f64::from((centre[0] - x).hypot(centre[1] - y)),
        }))
    }
}

/// What half of some values, and nine in ten of them, are at most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    pub median: f64,
    pub p90: f64,
}

impl Quantiles {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let at_most = |share: f64| values[(share * values.len() as f64).ceil() as usize - 1];
        (!values.is_empty()).then(|| Self { median: at_most(0.5), p90: at_most(0.9) })
    }
}

/// The deviations of some frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deviations {
    /// Frames whose worst area lies at what is marked.
    pub frames: usize,
    /// Frames whose worst area lies beside it, which the other figures leave out.
    pub beside: usize,
    /// The difference of the areas over what is marked.
    pub area: Option<Quantiles>,
    /// The distance of the centres, pixels of the photograph.
    pub centre_pixels: Option<Quantiles>,
}

impl Deviations {
    fn of<'a>(found: impl Iterator<Item = &'a Found> + Clone) -> Self {
        let off: Vec<Deviation> =
            found.clone().filter_map(|found| if let Found::Off(off) = found { Some(*off) } else { None }).collect();
        Self {
            frames: off.len(),
            beside: found.count() - off.len(),
            area: Quantiles::of(off.iter().map(|off| off.area).collect()),
            centre_pixels: Quantiles::of(off.iter().map(|off| off.centre_pixels).collect()),
        }
    }
}

/// The deviations of all defective frames on which something was found, and of each kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviationsByKind {
    pub all: Deviations,
    pub kinds: BTreeMap<String, Deviations>,
}

/// Sums up frames, each with its true kind.
pub fn by_kind(frames: &[(String, Found)]) -> DeviationsByKind {
    let mut kinds = BTreeMap::<String, Vec<Found>>::new();
    for (kind, found) in frames {
        kinds.entry(kind.clone()).or_default().push(*found);
    }
    DeviationsByKind {
        all: Deviations::of(frames.iter().map(|(_, found)| found)),
        kinds: kinds.into_iter().map(|(kind, found)| (kind, Deviations::of(found.iter()))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::Kind;
    use crate::frame::Region;
    use crate::shapes::P;

    /// Twice the grid's size.
    fn window() -> Window {
        Window::around(Region::of_size(2 * W, 2 * W))
    }

    fn square(at: usize, side: usize) -> Vec<bool> {
        let is_in = |v: usize| (at..at + side).contains(&v);
        (0..P).map(|i| is_in(i % W) && is_in(i / W)).collect()
    }

    fn defect(at: usize, side: usize) -> Defect {
        let middle = at as f32 + (side as f32 - 1.0) / 2.0;
        Defect {
            kind: Kind::Shape,
            score: Some(1.0),
            at: [0.0; 2],
            centre: Some(window().photograph_at([middle; 2])),
            centre_mm: None,
            pixels: side * side,
            area_mm2: None,
            height_mm: None,
            bounds: Region { x: at, y: at, width: side, height: side },
            outline: Default::default(),
        }
    }

    #[test]
    fn the_worst_area_is_compared_with_what_is_marked() {
        let compare = |found: Defect, truth: Vec<bool>| Found::compare(&found, &truth, &window());
        assert_eq!(
            compare(defect(50, 10), square(50, 10)),
            Some(Found::Off(Deviation { area: 0.0, centre_pixels: 0.0 }))
        );
        // Three network pixels along both axes, of two pixels each.
        let Some(Found::Off(off)) = compare(defect(53, 10), square(50, 10)) else { panic!("they overlap") };
        assert!(off.area == 0.0 && (off.centre_pixels - 6.0 * 2f64.sqrt()).abs() < 1e-4, "{off:?}");
        let Some(Found::Off(off)) = compare(defect(48, 14), square(50, 10)) else { panic!("they overlap") };
        assert!((off.area - 0.96).abs() < 1e-9 && off.centre_pixels < 1e-4, "{off:?}");
        assert_eq!(compare(defect(60, 10), square(50, 10)), Some(Found::Beside));
        assert_eq!(compare(defect(60, 10), vec![false; P]), None);
    }

    #[test]
    fn frames_are_summed_up_by_kind() {
        let off = |area: f64| Found::Off(Deviation { area, centre_pixels: 10.0 * area });
        let mut frames: Vec<(String, Found)> = (1..=10).map(|i| ("dent".into(), off(f64::from(i)))).collect();
        frames.extend([("hole".into(), Found::Beside), ("stain".into(), off(0.5))]);
        let found = by_kind(&frames);
        assert_eq!((found.all.frames, found.all.beside), (11, 1));
        assert_eq!(found.kinds["dent"].area, Some(Quantiles { median: 5.0, p90: 9.0 }));
        assert_eq!(found.kinds["dent"].centre_pixels, Some(Quantiles { median: 50.0, p90: 90.0 }));
        assert_eq!(found.kinds["hole"], Deviations { beside: 1, ..Deviations::default() });
        assert_eq!(found.kinds["stain"].area, Some(Quantiles { median: 0.5, p90: 0.5 }));
        assert_eq!(by_kind(&[]), DeviationsByKind::default());
    }
}
