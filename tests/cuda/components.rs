//! `components.cu` against a flood from every pixel: the same components, each by its first pixel.

use crosscheck::prepare::components::Wanted;
use crosscheck::prepare::components::table;

use crate::host::{Grid, Host, Schedule, grid, host, in_every_schedule, input, int, one_each, output};
use crate::support::clouds::Point;
use crate::support::scenes::random;

const THREADS: usize = 256;
/// The pixels of a block that goes through them in rows of 32.
const SPAN_PIXELS: usize = 16 * THREADS;
const NEIGHBOUR_M: f32 = 0.006;
/// A choice that needs a row for each component that is no speck.
const WANTED: Wanted = Wanted::Nearest([0.0; 2]);

/// What the kernels find.
pub struct Found {
    pub parents: Vec<i32>,
    pub table: Vec<u64>,
}

/// The components of points `[height, width]`, with what the table needs for this choice.
pub fn find(host: &Host, schedule: Schedule, points: &[Point], width: usize, wanted: Wanted) -> Found {
    let pixels = points.len();
    let (mut parents, mut sizes) = (vec![7; pixels], vec![7; pixels]);
    let mut table = vec![0u64; table::len(pixels)];
    let row_points = table::row_points(pixels, wanted);
    let each = one_each(pixels, THREADS);
    let spans = grid(pixels.div_ceil(SPAN_PIXELS), THREADS);
    let mut runs = [input(points), int(width), int(pixels), output::<i32>(&mut parents), output::<i32>(&mut sizes)];
    host.launch(schedule, "link_runs", each, &mut runs);
    // Blocks that join the same components at once, where there is memory for the stacks of all of them.
    let join = Grid { coresident: pixels <= 20_000, ..each };
    let mut runs = [input(points), int(width), int(pixels), output(&mut parents)];
    host.launch(schedule, "join_runs", join, &mut runs);
    host.launch(schedule, "component_sizes", spans, &mut [output(&mut parents), int(pixels), output(&mut sizes)]);
    let mut arguments = [input(&parents), int(pixels), int(row_points), output(&mut sizes), output::<u64>(&mut table)];
    host.launch(schedule, "component_table", each, &mut arguments);
    let mut arguments = [input(&parents), input(&sizes), int(width), int(pixels), output(&mut table)];
    host.launch(schedule, "component_extents", spans, &mut arguments);
    Found { parents, table }
}

/// A bit for each pixel: whether it belongs to the component of `root`.
pub fn mask(host: &Host, schedule: Schedule, parents: &[i32], root: u32) -> Vec<u32> {
    let mut bits = vec![7u32; parents.len().div_ceil(32)];
    let mut arguments = [input(parents), int(parents.len()), int(root as usize), output(&mut bits)];
    host.launch(schedule, "component_mask", one_each(parents.len(), THREADS), &mut arguments);
    bits
}

fn linked(a: &Point, b: &Point) -> bool {
    let apart: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    *a != [0.0; 3] && *b != [0.0; 3] && apart < NEIGHBOUR_M * NEIGHBOUR_M
}

/// For each pixel the first one of its component; -1 without a point.
fn flood(points: &[Point], width: usize) -> Vec<i32> {
    let height = points.len() / width;
    let mut labels = vec![-1; points.len()];
    for first in 0..points.len() {
        let mut open = vec![first];
        while let Some(i) = open.pop() {
            if labels[i] >= 0 || points[i] == [0.0; 3] {
                continue;
            }
            labels[i] = first as i32;
            let (x, y) = (i % width, i / width);
            let columns = x.saturating_sub(1)..(x + 2).min(width);
            let around =
                (y.saturating_sub(1)..(y + 2).min(height)).flat_map(|v| columns.clone().map(move |u| v * width + u));
            open.extend(around.filter(|&j| labels[j] < 0 && linked(&points[i], &points[j])));
        }
    }
    labels
}

fn check(host: &Host, name: &str, points: &[Point], width: usize) {
    let want = flood(points, width);
    let (parents, found) = in_every_schedule(|schedule| {
        let Found { parents, mut table } = find(host, schedule, points, width, WANTED);
        // Rows come in any order.
        let head = table.drain(..4).collect::<Vec<_>>();
        let mut rows = table.as_chunks::<8>().0.to_vec();
        rows[1..].sort_unstable();
        (parents, (head, rows))
    });
    assert!(parents == want, "{name}: the components differ");
    let mut sizes: Vec<(u64, u64)> = Vec::new();
    for root in (0..points.len()).filter(|i| want[*i] == *i as i32) {
        sizes.push((
            want.iter().filter(|label| **label == root as i32).count() as u64,
            u64::from(u32::MAX) - root as u64,
        ));
    }
    sizes.sort_unstable();
    let keys: Vec<u64> = sizes.iter().rev().map(|(points, root)| points << 32 | root).take(2).collect();
    let (head, rows) = found;
    assert_eq!(head[..keys.len()], keys, "{name}: the largest two");
    let listed = rows[1..].iter().filter(|row| row[1] > 0);
    let row_points = table::row_points(points.len(), WANTED) as u64;
    let large = sizes.iter().filter(|(points, _)| *points >= row_points).count();
    assert_eq!((listed.clone().count(), head[2]), (large, large as u64), "{name}: rows");
    for row in listed {
        let members = || (0..points.len()).filter(|i| want[*i] == row[0] as i32);
        let (x, y) = (|i: usize| (i % width) as u64, |i: usize| (i / width) as u64);
        let far = |least: Option<u64>| (1 << 30) - least.unwrap();
        let expected = [
            row[0],
            members().count() as u64,
            far(members().map(x).min()),
            members().map(x).max().unwrap(),
            far(members().map(y).min()),
            members().map(y).max().unwrap(),
            members().map(x).sum(),
            members().map(y).sum(),
        ];
        assert_eq!(*row, expected, "{name}");
    }
}

#[test]
fn components_are_those_of_a_flood() {
    let Some(host) = host() else { return };
    for (width, height) in [(1, 1), (1, 90), (90, 1), (2, 50), (31, 40), (32, 40), (33, 65), (100, 80), (257, 70)] {
        for holes in [0.0, 0.1, 0.4, 0.6] {
            check(host, &format!("{width} x {height}, holes {holes}"), &random(width, height, holes, 3), width);
        }
    }
}

#[test]
fn winding_shapes_are_whole_and_strips_apart() {
    let Some(host) = host() else { return };
    let flat = |i: usize, width: usize| [(i % width) as f32 * 1e-3, (i / width) as f32 * 1e-3, 0.5];
    // A spiral, a comb whose teeth meet in the last row, its mirror image, and diagonals.
    let spiral = |x: usize, y: usize| {
        let ring = x.min(y).min(59 - x).min(59 - y);
        ring.is_multiple_of(2) || x == ring && y == ring + 1 && ring > 0
    };
    type Shape<'a> = &'a dyn Fn(usize, usize) -> bool;
    let shapes: [(&str, Shape<'_>); 4] = [
        ("spiral", &spiral),
        ("comb", &|x, y| x % 2 == 0 || y == 59),
        ("comb upside down", &|x, y| x % 2 == 0 || y == 0),
        ("diagonals", &|x, y| (x + y) % 7 == 0 || (x + 60 - y) % 11 == 0),
    ];
    for (name, there) in shapes {
        let points: Vec<Point> =
            (0..3600).map(|i| if there(i % 60, i / 60) { flat(i, 60) } else { [0.0; 3] }).collect();
        check(host, name, &points, 60);
    }
    // The last pixel of a row is near the first one of the next, and of its own, but is no neighbour.
    let gap = |i: usize| i % 5 == 2 || i % 10 == 4;
    let strips: Vec<Point> = (0..500).map(|i| if gap(i) { [0.0; 3] } else { flat(i % 5, 5) }).collect();
    check(host, "strips", &strips, 5);
    // A component of 30 points is no speck here, and one of 29 is.
    let bar = |i: usize| match i / 50 % 10 {
        0 => i % 50 < 30,
        5 => i % 50 < 29,
        _ => false,
    };
    let bars: Vec<Point> = (0..2500).map(|i| if bar(i) { flat(i, 50) } else { [0.0; 3] }).collect();
    check(host, "bars", &bars, 50);
    let nothing = vec![[0.0; 3]; 5000];
    check(host, "nothing", &nothing, 50);
    let mut one = nothing;
    one[2345] = [0.1, 0.1, 0.5];
    check(host, "one point", &one, 50);
}
