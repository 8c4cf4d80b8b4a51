//! `grouping.cu` and `sampling.cu` against the literal twin: every index is the same.

use half::f16;

use crate::host::{Grid, Host, Schedule, grid, host, in_every_schedule, input, int, one_each, output};
use crate::support::clouds::{self, Point, points};
use crate::support::golden::Golden;
use crate::support::reference::grouping::{farthest_points, nearest};

/// Points that a block of `farthest_points` holds, threads of it, blocks that share a cloud of P points.
const SAMPLE_POINTS: usize = 15_360;
const SAMPLE_THREADS: usize = 512;
const SAMPLE_BLOCKS: usize = 4;
/// Words by which the blocks tell each other what they found: in even and odd rounds, three for each warp of a block.
const SAMPLE_WORDS: usize = 2 * SAMPLE_BLOCKS * 3 * SAMPLE_THREADS / 32;
const NEAREST_WARPS: usize = 8;

/// cloud `[P]` -> its points, in room for `room` of them.
pub fn valid_points(host: &Host, schedule: Schedule, cloud: &[Point], room: usize) -> (Vec<Point>, i32) {
    let (mut points, mut count) = (vec![[f32::NAN; 3]; room], [-1]);
    let mut arguments = [input(cloud), output(&mut points), output(&mut count)];
    host.launch(schedule, "valid_points", grid(1, 1024), &mut arguments);
    (points, count[0])
}

/// The centres of a cloud, and the rounds that it took to find them.
#[derive(Debug, PartialEq)]
struct Sample {
    /// `[G]`
    index: Vec<i32>,
    /// `[G]`
    centres: Vec<Point>,
    rounds: i32,
}

/// points `[N]` -> `groups` centres.
fn sample(host: &Host, schedule: Schedule, points: &[Point], groups: usize) -> Sample {
    let count = [points.len() as i32];
    let mut words = vec![0u64; SAMPLE_WORDS];
    let (mut index, mut centres, mut rounds) = (vec![-1; groups], vec![[f32::NAN; 3]; groups], [-1]);
    let mut arguments = [
        input(points),
        input(&count),
        int(groups),
        output(&mut words),
        output(&mut index),
        output(&mut centres),
        output(&mut rounds),
    ];
    let together = Grid { blocks: [SAMPLE_BLOCKS, 1], threads: SAMPLE_THREADS, coresident: true };
    host.launch(schedule, "farthest_points", together, &mut arguments);
    Sample { index, centres, rounds: rounds[0] }
}

/// The `k` nearest points of each centre and their offsets.
fn neighbours(
    host: &Host,
    schedule: Schedule,
    points: &[Point],
    centres: &[Point],
    k: usize,
) -> (Vec<i32>, Vec<[f16; 3]>) {
    let count = [points.len() as i32];
    let (mut found, mut offsets) = (vec![-1; centres.len() * k], vec![[f16::NAN; 3]; centres.len() * k]);
    let mut arguments = [
        input(points),
        input(&count),
        input(centres),
        int(centres.len()),
        int(k),
        output(&mut found),
        output(&mut offsets),
    ];
    let blocks = one_each(centres.len(), NEAREST_WARPS).blocks[0];
    host.launch(schedule, "nearest_points", grid(blocks, NEAREST_WARPS * 32), &mut arguments);
    (found, offsets)
}

#[test]
fn points_are_listed_in_order() {
    let Some(host) = host() else { return };
    for (name, cloud) in clouds::all().into_iter().chain([("a full frame", clouds::full())]) {
        let want = points(&cloud);
        let (got, count) = in_every_schedule(|schedule| valid_points(host, schedule, &cloud, want.len()));
        assert_eq!(count as usize, want.len(), "{name}");
        assert!(got == want, "points of {name}");
    }
}

/// Gives the rounds.
fn check_sample(host: &Host, name: &str, points: &[Point], groups: usize) -> i32 {
    let Sample { index, centres, rounds } = in_every_schedule(|schedule| sample(host, schedule, points, groups));
    let want = farthest_points(points, groups);
    assert!(index.iter().map(|&i| i as usize).eq(want.iter().copied()), "{name}: {index:?} and not {want:?}");
    assert!(centres.iter().copied().eq(want.iter().map(|&i| points[i])), "centres of {name}");
    rounds
}

#[test]
fn farthest_points_are_the_twins() {
    let Some(host) = host() else { return };
    for (name, cloud) in clouds::all() {
        let points = points(&cloud);
        if !points.is_empty() {
            // With fewer points than groups, point 0 comes again.
            check_sample(host, name, &points, 24);
            check_sample(host, name, &points[..points.len().min(9)], 24);
        }
    }
    check_sample(host, "one group", &points(&clouds::disc(9, 1)), 1);
}

#[test]
fn a_cloud_of_several_blocks_is_one_cloud() {
    let Some(host) = host() else { return };
    let full = clouds::full();
    for count in [SAMPLE_POINTS, SAMPLE_POINTS + 1, 2 * SAMPLE_POINTS, 30_000, full.len()] {
        check_sample(host, &format!("{count} points"), &full[..count], 16);
    }
    // Ties between blocks: the same points twice, so that each is as far in both halves.
    let twice = [&full[..9_000], &full[..9_000]].concat();
    check_sample(host, "a cloud and itself", &twice, 16);
}

/// A thousand centres take far fewer rounds.
#[test]
fn several_centres_are_taken_in_a_round() {
    let Some(host) = host() else { return };
    for (name, cloud, at_most) in clouds::sampled() {
        let points = points(&cloud);
        let rounds = check_sample(host, name, &points, 1024);
        println!("{name}: {} points, {rounds} rounds", points.len());
        assert!(rounds <= at_most, "{name}: {rounds} rounds");
    }
}

/// Distances beyond what f32 holds are infinite, and still ties go to the lowest index.
#[test]
fn distances_overflow_alike() {
    let Some(host) = host() else { return };
    let far = [[0.0, 0.0, 1.0], [3e38, 0.0, 1.0], [-3e38, 0.0, 1.0], [0.0, 3e38, 1.0], [1e-30, 0.0, 1.0]];
    check_sample(host, "points at the end of the world", &far, 7);
}

#[test]
fn an_empty_cloud_has_no_groups() {
    let Some(host) = host() else { return };
    let got = in_every_schedule(|schedule| (sample(host, schedule, &[], 4).index, ()));
    assert_eq!(got.0, [-1; 4], "nothing is written");
    let (found, _) = in_every_schedule(|schedule| (neighbours(host, schedule, &[], &[[0.0, 0.0, 1.0]; 3], 2).0, ()));
    assert_eq!(found, [-1; 6], "nothing is written");
}

#[test]
fn a_published_frame_has_the_published_centres() {
    let Some(host) = host() else { return };
    let golden = Golden::open("tiny-a");
    let cloud = golden.f32("xyz").as_chunks::<3>().0.to_vec();
    // The first of the 1,024 do not depend on how many are asked for, and each costs time here.
    let want = &golden.i32("fps_idx")[..200];
    let index = in_every_schedule(|schedule| {
        let count = points(&cloud).len();
        let (points, _) = valid_points(host, schedule, &cloud, count);
        sample(host, schedule, &points, want.len()).index
    });
    assert!(index.iter().map(|&i| i as usize).eq(want.iter().copied()), "centres of the golden frame");
}

fn check_neighbours(host: &Host, name: &str, points: &[Point], centres: &[Point], k: usize) {
    let (found, offsets) = in_every_schedule(|schedule| neighbours(host, schedule, points, centres, k));
    for (group, centre) in centres.iter().enumerate() {
        let mut want = nearest(points, *centre, k);
        want.resize(k, want[0]);
        let got = &found[group * k..][..k];
        assert!(got.iter().map(|&i| i as usize).eq(want.iter().copied()), "{name}, k {k}: {got:?} and not {want:?}");
        for (i, offset) in want.iter().zip(&offsets[group * k..]) {
            assert_eq!(*offset, [0, 1, 2].map(|a| f16::from_f32(points[*i][a] - centre[a])), "{name}, k {k}");
        }
    }
}

#[test]
fn nearest_points_are_the_twins() {
    let Some(host) = host() else { return };
    for (name, cloud) in clouds::all() {
        let points = points(&cloud);
        let centres: Vec<Point> = points.iter().copied().step_by(points.len() / 9 + 1).collect();
        for k in [1, 5, 32, 128] {
            check_neighbours(host, name, &points, &centres, k);
        }
    }
}

/// Around the sizes of a tile and of a queue, and rows that come nearer one after the other.
#[test]
fn no_point_is_missed_at_the_edges_of_tiles() {
    let Some(host) = host() else { return };
    let line: Vec<Point> = (0..3000).map(|i| [(3000 - i) as f32 * 1e-3, 0.0, 1.0]).collect();
    for count in [1, 31, 32, 33, 224, 225, 255, 256, 257, 512, 2047, 2048, 2049, 3000] {
        for k in [3, 128] {
            check_neighbours(
                host,
                &format!("a line of {count}"),
                &line[..count],
                &[[0.0, 0.0, 1.0], line[count / 2]],
                k,
            );
        }
    }
}
