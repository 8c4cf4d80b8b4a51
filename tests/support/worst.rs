//! A defect with a value of its own in every field.

use crosscheck::defects::{Defect, Kind};
use crosscheck::frame::Region;

pub fn worst() -> Defect {
    Defect {
        kind: Kind::Shape,
        score: Some(0.75),
        at: [212.0, 80.0],
        centre: Some([211.5, 81.25]),
        centre_mm: Some([4.5, -2.25]),
        pixels: 9,
        area_mm2: Some(2.5),
        height_mm: Some(-0.75),
        bounds: Region { x: 1, y: 2, width: 3, height: 3 },
        outline: [[210.5, 79.5], [213.5, 79.5], [213.5, 82.5], [210.5, 82.5]].into_iter().collect(),
    }
}
