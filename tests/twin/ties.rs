//! What happens where distances are equal: the lowest index.

use crosscheck::backend::cpu::grouping::{farthest_points, nearest_points, three_nearest};

use crate::reference::grouping;

const SQUARE: [[f32; 3]; 5] = [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.5, 0.5, 1.0]];

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
        assert_eq!(nearest_points(corners, &[middle], k), want);
        assert_eq!(grouping::nearest(corners, middle, k), want);
    }
    assert_eq!(three_nearest(middle, corners).map(|(_, i)| i), [0, 1, 2]);
    // With the middle among the candidates it comes first, and ties follow it.
    assert_eq!(three_nearest(middle, &SQUARE).map(|(_, i)| i), [4, 0, 1]);
    assert_eq!(grouping::nearest(&SQUARE, middle, 3), [4, 0, 1]);
}

/// A group larger than the cloud is filled with the nearest point, which its maximum does not see.
#[test]
fn a_group_larger_than_the_cloud_repeats_its_nearest() {
    let centre = [0.9, 0.1, 1.0];
    assert_eq!(nearest_points(&SQUARE[..2], &[centre], 4), [1, 0, 1, 1]);
}
