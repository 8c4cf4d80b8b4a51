//! `anomaly.cu` against the literal twin and `crosscheck::score`.

use crosscheck::score;
use crosscheck::shapes::{P, W};
use fastrand::Rng;

use crate::host::{Grid, Host, Schedule, grid, host, in_every_schedule, input, one_each, output};
use crate::interpolate::{BETWEEN, nodes};
use crate::support::reference::anomaly;

const TILE: usize = 32;

type Join = fn(f32, f32) -> f32;

/// The kernels that join both maps, and what they make of two values.
const JOINED: [(&str, Join); 2] = [("product", |a, b| a * b), ("sum", |a, b| a + b)];

/// psi of listed pixels as maps, and what `kernel` makes of both.
pub fn joined(
    host: &Host,
    schedule: Schedule,
    kernel: &str,
    [psi_rgb, psi_xyz]: [&[f32]; 2],
    places: &[i32],
) -> [Vec<f32>; 3] {
    let [mut rgb, mut xyz, mut both] = [(); 3].map(|()| vec![f32::MAX; P]);
    let mut arguments =
        [input(psi_rgb), input(psi_xyz), input(places), output(&mut rgb), output(&mut xyz), output(&mut both)];
    host.launch(schedule, kernel, one_each(P, 256), &mut arguments);
    [rgb, xyz, both]
}

pub fn smooth(host: &Host, schedule: Schedule, map: &[f32]) -> Vec<f32> {
    let mut out = vec![f32::MAX; P];
    let tiles = Grid { blocks: [W / TILE, P / W / TILE], threads: 512, coresident: false };
    host.launch(schedule, "smooth", tiles, &mut [input(map), output(&mut out)]);
    out
}

pub fn maximum(host: &Host, schedule: Schedule, map: &[f32]) -> f32 {
    let mut score = [f32::MAX];
    host.launch(schedule, "maximum", grid(1, 1024), &mut [input(map), output(&mut score)]);
    score[0]
}

fn random_map(seed: u64, density: f32) -> Vec<f32> {
    let mut random = Rng::with_seed(seed);
    (0..P).map(|_| if random.f32() < density { random.f32() * 2.0 } else { 0.0 }).collect()
}

#[test]
fn unlisted_pixels_have_no_discrepancy() {
    let Some(host) = host() else { return };
    let mut random = Rng::with_seed(2);
    let places: Vec<i32> = (0..P as i32).map(|p| if p % 7 == 3 { p / 7 } else { -1 }).collect();
    let psi: [Vec<f32>; 2] = [(); 2].map(|()| (0..P.div_ceil(7)).map(|_| random.f32() * 2.0).collect());
    for (kernel, join) in JOINED {
        let got = in_every_schedule(|schedule| joined(host, schedule, kernel, [&psi[0], &psi[1]], &places));
        for (pixel, &place) in places.iter().enumerate() {
            let [rgb, xyz] = [0, 1].map(|i| if place < 0 { 0.0 } else { psi[i][place as usize] });
            assert_eq!([0, 1, 2].map(|i| got[i][pixel]), [rgb, xyz, join(rgb, xyz)], "{kernel}, pixel {pixel}");
        }
    }
}

#[test]
fn pixels_between_get_the_mean_of_the_nodes_around() {
    let Some(host) = host() else { return };
    let mut random = Rng::with_seed(6);
    let valid: Vec<bool> = (0..P).map(|_| random.u8(..4) > 0).collect();
    let evaluated = |&p: &usize| valid[p] && (nodes(p) == [p] || !nodes(p).into_iter().any(|node| valid[node]));
    let pixels: Vec<usize> = (0..P).filter(evaluated).collect();
    let mut places: Vec<i32> = valid.iter().map(|valid| if *valid { BETWEEN } else { -1 }).collect();
    pixels.iter().enumerate().for_each(|(place, &pixel)| places[pixel] = place as i32);
    let psi: [Vec<f32>; 2] = [(); 2].map(|()| pixels.iter().map(|_| random.f32() * 2.0).collect());
    for (kernel, join) in JOINED {
        let got = in_every_schedule(|schedule| joined(host, schedule, kernel, [&psi[0], &psi[1]], &places));
        for (pixel, &place) in places.iter().enumerate().filter(|(_, place)| **place == BETWEEN) {
            let around: Vec<usize> = nodes(pixel).into_iter().filter(|&node| valid[node]).collect();
            let of = |psi: &[f32]| around.iter().fold(0.0, |sum, &node| sum + psi[places[node] as usize]);
            let [rgb, xyz] = [0, 1].map(|i| of(&psi[i]) / around.len() as f32);
            let want = [rgb, xyz, join(rgb, xyz)];
            assert_eq!([0, 1, 2].map(|i| got[i][pixel]), want, "{kernel}, pixel {pixel}, place {place}");
        }
    }
}

#[test]
fn smoothing_is_the_twins() {
    let Some(host) = host() else { return };
    let corners: Vec<f32> = (0..P).map(|p| if p == 0 || p == W - 1 || p == P - 1 { 1.0 } else { 0.0 }).collect();
    for map in [vec![0.0; P], vec![1.0; P], corners, random_map(1, 1.0), random_map(2, 0.01)] {
        let got = in_every_schedule(|schedule| smooth(host, schedule, &map));
        let want = anomaly::smooth(map.iter().map(|&v| f64::from(v)).collect());
        let largest = want.iter().copied().fold(0.0, f64::max);
        for (pixel, (got, want)) in got.iter().zip(&want).enumerate() {
            // Sixteen sums of a few terms, each rounded.
            let error = (f64::from(*got) - want).abs();
            assert!(error <= 2e-6 * largest, "pixel {pixel}: {got} and not {want}");
        }
    }
}

#[test]
fn the_score_is_the_largest() {
    let Some(host) = host() else { return };
    let mut maps = vec![vec![0.0; P], random_map(3, 1.0), random_map(4, 1e-3)];
    for at in [0, 31, 1023, 1024, P - 1] {
        let mut map = random_map(5, 1.0);
        map[at] = 3.0;
        maps.push(map);
    }
    for map in &maps {
        assert_eq!(in_every_schedule(|schedule| maximum(host, schedule, map)), score::maximum(map));
    }
    for no_number in [f32::NAN, -f32::NAN] {
        let mut map = maps[1].clone();
        map[P / 2] = no_number;
        map[P / 2 + 1] = f32::INFINITY;
        assert!(maximum(host, Schedule::Shuffled, &map).is_nan(), "what is no number is not lost");
    }
    assert_eq!(maximum(host, Schedule::Shuffled, &vec![-0.0; P]).to_bits(), 0, "a score is not negative");
}
