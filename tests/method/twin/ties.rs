//! What happens where distances are equal: the lowest index.

use crosscheck::spatial::grouping::{Centres, Grouping, NearestScratch, farthest_points};

use crate::support::reference::grouping;

const SQUARE: [[f32; 3]; 5] = [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.5, 0.5, 1.0]];

fn nearest_points(points: &[[f32; 3]], centre: [f32; 3], k: usize) -> Vec<usize> {
    let (mut grouping, mut out) = (Grouping::default(), vec![0; k]);
    grouping.sample(points, 1, &mut Vec::new());
    grouping.nearest(centre, &mut NearestScratch::default(), &mut out);
    out.into_iter().map(|i| i as usize).collect()
}

/// With every hint there is: it must not matter.
fn three_nearest(point: [f32; 3], centres: &[[f32; 3]]) -> [usize; 3] {
    let mut tree = Centres::default();
    tree.set(centres);
    let of = |hint| tree.three_nearest(point, hint, &mut Vec::new()).map(|(_, i)| i);
    let found = of([0, 0, 0]);
    let n = centres.len();
    for hint in [[0, 1, 2], [n - 1, n - 2, n - 3], [n, n + 1, n + 2], [n - 1, 0, n - 2]] {
        assert_eq!(of(hint), found, "hint {hint:?}");
    }
    found
}

#[test]
fn the_farthest_of_equals_is_the_first() {
    // 3 is across from 0; then 1 and 2 are equally far; then only the middle is left, and after it 0 comes again.
    let want = [0, 3, 1, 2, 4, 0, 0];
    assert_eq!(farthest_points(&SQUARE, 7), want);
    assert_eq!(grouping::farthest_points(&SQUARE, 7), want);
}

/// Long enough for the vectorised loop, with the tie across its lanes and its remainder.
#[test]
fn the_farthest_of_many_equals_is_the_first() {
    for (count, equals) in [(50, [9, 40]), (50, [17, 49]), (35, [33, 34])] {
        let mut points = vec![[0.0, 0.0, 1.0]; count];
        equals.iter().for_each(|&i| points[i] = [0.0, 2.0, 1.0]);
        assert_eq!(farthest_points(&points, 3), [0, equals[0], 0]);
    }
}

#[test]
fn the_nearest_of_equals_are_the_first() {
    let corners = &SQUARE[..4];
    let middle = SQUARE[4];
    for k in 1..=4 {
        let want: Vec<usize> = (0..k).collect();
        assert_eq!(nearest_points(corners, middle, k), want);
        assert_eq!(grouping::nearest(corners, middle, k), want);
    }
    assert_eq!(three_nearest(middle, corners), [0, 1, 2]);
    // With the middle among the candidates it comes first, and ties follow it.
    assert_eq!(three_nearest(middle, &SQUARE), [4, 0, 1]);
    assert_eq!(grouping::nearest(&SQUARE, middle, 3), [4, 0, 1]);
}

/// A group larger than the cloud is filled with the nearest point, which its maximum does not see.
#[test]
fn a_group_larger_than_the_cloud_repeats_its_nearest() {
    let centre = [0.9, 0.1, 1.0];
    assert_eq!(nearest_points(&SQUARE[..2], centre, 4), [1, 0, 1, 1]);
}

/// Many leaves, many ties, and clouds that no tree likes: a line, two distances, coordinates whose squares overflow.
#[test]
fn searches_by_boxes_find_what_a_search_through_all_finds() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut cloud = |kind: usize| -> Vec<[f32; 3]> {
        let n = random.usize(1..3000);
        let mut coordinate = |scale: f32| (random.f32() - 0.5) * scale;
        let mut point = |kind: usize| match kind {
            0 => [0, 1, 2].map(|_| coordinate(0.2)),
            1 => [coordinate(32.0), coordinate(32.0), coordinate(2.0)].map(|v| v.round() / 64.0),
            2 => [coordinate(1.0), 0.25, -3.0],
            3 => [coordinate(1e-3), coordinate(1e-3), 0.4 + coordinate(10.0).round()],
            _ => [coordinate(1e30), coordinate(1e20), coordinate(1.0)],
        };
        (0..n).map(|_| point(kind)).collect()
    };
    for kind in (0..5).cycle().take(20) {
        let points = cloud(kind);
        let count = points.len().min(40);
        let chosen = farthest_points(&points, count);
        assert_eq!(chosen, grouping::farthest_points(&points, count), "{} points of kind {kind}", points.len());
        let centres: Vec<[f32; 3]> = chosen.iter().map(|&i| points[i]).collect();
        for &centre in &centres {
            for k in [1, 7, 128].into_iter().filter(|k| *k <= points.len()) {
                assert_eq!(nearest_points(&points, centre, k), grouping::nearest(&points, centre, k), "kind {kind}");
            }
        }
        if centres.len() >= 3 && kind < 4 {
            for &point in points.iter().step_by(97) {
                assert_eq!(
                    three_nearest(point, &centres).to_vec(),
                    grouping::nearest(&centres, point, 3),
                    "kind {kind}"
                );
            }
        }
    }
}
