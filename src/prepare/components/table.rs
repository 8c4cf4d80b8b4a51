//! The table of components that another machine makes (`component_table` and `component_extents` of
//! src/backend/cuda/kernels/components.cu, where its numbers are described), and the choice from it.

use super::{Choice, Component, Wanted, points_min};
use crate::frame::Region;

/// Numbers before the rows, and in each row.
const HEAD: usize = 4;
const ROW: usize = 8;
/// Left and top are given as what they are less than this.
const FAR: u64 = 1 << 30;

/// Numbers of the table of a frame of so many pixels: it has a row for each component that is no speck, and the first.
pub fn len(pixels: usize) -> usize {
    HEAD + ROW * (pixels / points_min(pixels) + 1)
}

/// The points of the smallest component that gets a row: more than there are where the largest is wanted, which needs none.
pub fn row_points(pixels: usize, wanted: Wanted) -> usize {
    if wanted == Wanted::Largest { pixels + 1 } else { points_min(pixels) }
}

/// The component that is meant by the part, in a frame of a size, width and height.
pub fn choose(table: &[u64], size: (usize, usize), wanted: Wanted) -> Option<Choice> {
    let (head, rows) = table.split_at(HEAD);
    let rows: &[[u64; ROW]] = rows.as_chunks().0;
    let large = || {
        let listed = rows.iter().skip(1).take(head[2] as usize);
        let mut large: Vec<Component> = listed.map(|row| component(row[0], row[1], row, size)).collect();
        // Rows are in the order in which threads came.
        large.sort_unstable_by_key(|component| component.root);
        large
    };
    match wanted {
        Wanted::Largest => {
            let root = u32::MAX - head[0] as u32;
            let points = [head[0], head[1]].map(|key| key >> 32);
            let touches_edge = || component(root.into(), points[0], &rows[0], size).touches_edge;
            Choice::largest(root, points.map(|points| points as usize), touches_edge)
        }
        Wanted::Nearest(at) => Choice::nearest(&large(), at, size.0.max(size.1)),
        Wanted::At(at) => Choice::at(&large(), at),
    }
}

fn component(root: u64, points: u64, row: &[u64; ROW], size: (usize, usize)) -> Component {
    let [_, _, left, right, top, bottom, x, y] = *row;
    let (left, top) = (FAR - left, FAR - top);
    let [width, height] = [right + 1 - left, bottom + 1 - top].map(|side| side as usize);
    let bounds = Region { x: left as usize, y: top as usize, width, height };
    Component::new(root as u32, points as usize, bounds, [x as f64, y as f64], size)
}
