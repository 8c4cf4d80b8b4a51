//! `interpolate.cu` against the literal twin: the same nearest centres, and rows that give the same features.

use crosscheck::shapes::{P, T, W};
use fastrand::Rng;

use crate::host::{Host, Schedule, grid, host, in_every_schedule, input, int, one_each, output};
use crate::support::clouds::{self, Point, points};
use crate::support::largest::largest;
use crate::support::reference::grouping::{nearest, squared_distance};
use crate::support::reference::{Rows as Matrix, pixels};

pub const ROW_MAX: usize = 48;
pub const RGB_ROW: usize = 4;
/// The place of a pixel with a shape feature that is not evaluated.
pub const BETWEEN: i32 = -2;
/// What no kernel writes.
const UNTOUCHED: f32 = f32::MAX;

/// Of each listed pixel `stride` pairs of token (or group) and weight, of which the first `lengths` count, or all.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    pub index: Vec<i32>,
    pub weight: Vec<f32>,
    pub lengths: Option<Vec<i32>>,
    pub stride: usize,
}

impl Rows {
    pub fn row(&self, place: usize) -> impl Iterator<Item = (usize, f64)> {
        let length = self.lengths.as_ref().map_or(self.stride, |l| l[place] as usize);
        let at = place * self.stride..place * self.stride + length;
        self.index[at.clone()].iter().zip(&self.weight[at]).map(|(&i, &w)| (i as usize, f64::from(w)))
    }

    /// The row's sum over `features`.
    pub fn combine(&self, place: usize, features: &Matrix) -> Vec<f64> {
        let mut sum = vec![0.0; features[0].len()];
        for (i, weight) in self.row(place) {
            sum.iter_mut().zip(&features[i]).for_each(|(s, f)| *s += weight * f);
        }
        sum
    }
}

/// The pixels with a shape feature and what carries tokens and groups to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    pub pixels: Vec<i32>,
    pub places: Vec<i32>,
    pub count: i32,
    pub rgb: Rows,
    pub xyz: Rows,
}

fn three_nearest(host: &Host, schedule: Schedule, cloud: &[Point], centres: &[Point]) -> (Vec<[i32; 3]>, Vec<Point>) {
    let (mut groups, mut weights) = (vec![[-2; 3]; P], vec![[UNTOUCHED; 3]; P]);
    let mut arguments = [input(cloud), input(centres), int(centres.len()), output(&mut groups), output(&mut weights)];
    host.launch(schedule, "three_nearest", one_each(P, 256), &mut arguments);
    (groups, weights)
}

/// Evaluated pixels, places of all, and the number of the former, of which there is room for `room`.
fn valid_pixels(
    host: &Host,
    schedule: Schedule,
    cloud: &[Point],
    stride: usize,
    room: usize,
) -> (Vec<i32>, Vec<i32>, i32) {
    let (mut pixels, mut places, mut count) = (vec![-1; room], vec![i32::MIN; P], [-1]);
    let mut arguments = [input(cloud), int(stride), output(&mut pixels), output(&mut places), output(&mut count)];
    host.launch(schedule, "valid_pixels", grid(1, 1024), &mut arguments);
    (pixels, places, count[0])
}

/// cloud `[P]`, centres `[G]`; room for `room` listed pixels, and launches for every pixel.
pub fn list(host: &Host, schedule: Schedule, cloud: &[Point], centres: &[Point], room: usize) -> Pixels {
    let (groups, weights) = three_nearest(host, schedule, cloud, centres);
    let (pixels, places, count) = valid_pixels(host, schedule, cloud, 1, room);
    let count = [count];
    let rows = |stride| (vec![-1; room * stride], vec![UNTOUCHED; room * stride]);
    let ((mut index, mut weight), mut lengths) = (rows(ROW_MAX), vec![-1; room]);
    let mut arguments = [
        input(&groups),
        input(&weights),
        input(&pixels),
        input(&count),
        output(&mut index),
        output(&mut weight),
        output(&mut lengths),
    ];
    host.launch(schedule, "xyz_rows", one_each(P, 64), &mut arguments);
    let xyz = Rows { index, weight, lengths: Some(lengths), stride: ROW_MAX };
    let (mut index, mut weight) = rows(RGB_ROW);
    let mut arguments = [input(&pixels), input(&count), output(&mut index), output(&mut weight)];
    host.launch(schedule, "rgb_rows", one_each(P, 256), &mut arguments);
    let rgb = Rows { index, weight, lengths: None, stride: RGB_ROW };
    Pixels { pixels, places, count: count[0], rgb, xyz }
}

pub fn random_matrix(rows: usize, columns: usize, random: &mut Rng) -> Matrix {
    (0..rows).map(|_| (0..columns).map(|_| f64::from(random.f32() + 0.1)).collect()).collect()
}

/// Not further apart than f32's rounding of a few dozen sums, of the values' magnitude, which is about one.
fn near(name: &str, got: &[f64], want: &[f64]) {
    let error = largest(got.iter().zip(want).map(|(g, w)| (g - w).abs()));
    assert!(got.len() == want.len() && error < 2e-6, "{name}: {got:?} and not {want:?}");
}

fn check(host: &Host, name: &str, cloud: &[Point], centres: &[Point]) {
    let mut random = Rng::with_seed(7);
    let (tokens, groups) = (random_matrix(T, 2, &mut random), random_matrix(centres.len(), 2, &mut random));
    let want = pixels::xyz_features(&groups, centres, cloud, 2);
    let listed: Vec<usize> = (0..P).filter(|&p| want[p].iter().any(|v| *v != 0.0)).collect();
    let got = in_every_schedule(|schedule| list(host, schedule, cloud, centres, listed.len()));
    assert_eq!(got.count as usize, listed.len(), "listed pixels of {name}");
    assert!(got.pixels.iter().map(|&p| p as usize).eq(listed.iter().copied()), "listed pixels of {name}");
    let mut places = vec![-1; P];
    listed.iter().enumerate().for_each(|(place, &pixel)| places[pixel] = place as i32);
    assert!(got.places == places, "places of {name}");
    for (place, &pixel) in listed.iter().enumerate() {
        near(name, &got.xyz.combine(place, &groups), &want[pixel]);
        near(name, &got.rgb.combine(place, &tokens), &pixels::rgb_feature(&tokens, pixel));
    }
}

/// Every so manyeth point, at most `count`.
pub fn some_centres(cloud: &[Point], count: usize) -> Vec<Point> {
    let points = points(cloud);
    points.iter().copied().step_by(points.len().div_ceil(count).max(1)).collect()
}

#[test]
fn rows_give_the_twins_features() {
    let Some(host) = host() else { return };
    for (name, cloud) in clouds::all() {
        check(host, name, &cloud, &some_centres(&cloud, 20));
    }
    let disc = clouds::disc(12, 3);
    for count in [1, 2, 3] {
        check(host, "few groups", &disc, &points(&disc)[..count]);
    }
}

/// The colour rows of every pixel, the image's edge among them.
#[test]
fn every_pixel_may_be_listed() {
    let Some(host) = host() else { return };
    let full = clouds::full();
    check(host, "a full frame", &full, &some_centres(&full, 4));
}

fn check_three_nearest(host: &Host, name: &str, cloud: &[Point], centres: &[Point]) {
    let (groups, weights) = in_every_schedule(|schedule| three_nearest(host, schedule, cloud, centres));
    for (pixel, point) in cloud.iter().enumerate() {
        if *point == [0.0; 3] {
            assert_eq!((groups[pixel], weights[pixel]), ([-1; 3], [0.0; 3]), "{name}: there is no point at {pixel}");
            continue;
        }
        let want = nearest(centres, *point, 3);
        let closeness: Vec<f64> =
            want.iter().map(|&i| 1.0 / (f64::from(squared_distance(*point, centres[i])) + 1e-8)).collect();
        let total: f64 = closeness.iter().sum();
        for (i, (&centre, closeness)) in want.iter().zip(&closeness).enumerate() {
            assert_eq!(groups[pixel][i] as usize, centre, "{name}: centre {i} of pixel {pixel}");
            near(name, &[f64::from(weights[pixel][i])], &[closeness / total]);
        }
        assert!(weights[pixel][want.len()..].iter().all(|w| *w == 0.0), "{name}: there are {} centres", want.len());
    }
}

#[test]
fn nearest_centres_are_the_twins() {
    let Some(host) = host() else { return };
    for (name, cloud) in clouds::all() {
        check_three_nearest(host, name, &cloud, &some_centres(&cloud, 12));
        check_three_nearest(host, name, &cloud, &points(&cloud)[..points(&cloud).len().min(2)]);
    }
    // More centres than shared memory takes at a time, most of them tied for some pixel.
    let lattice = points(&clouds::lattice());
    check_three_nearest(host, "a thousand centres", &clouds::isolated(), &lattice[..1030]);
}

/// The nodes around a pixel, in the order of the image: itself, or those of its neighbours that lie in even rows and
/// columns.
pub fn nodes(pixel: usize) -> Vec<usize> {
    let is_node = |p: usize| (p / W).is_multiple_of(2) && (p % W).is_multiple_of(2);
    let near = |p: usize| (p / W).abs_diff(pixel / W).max((p % W).abs_diff(pixel % W)) <= 1;
    let (first, last) = (pixel.saturating_sub(W + 1), (pixel + W + 1).min(P - 1));
    if is_node(pixel) { vec![pixel] } else { (first..=last).filter(|&p| is_node(p) && near(p)).collect() }
}

/// At a stride of 2, a pixel is evaluated where it is a node or has no node with a shape feature around it.
#[test]
fn every_second_pixel_is_evaluated() {
    let Some(host) = host() else { return };
    for (name, cloud) in clouds::all().into_iter().chain([("a full frame", clouds::full())]) {
        let (_, valid, _) = valid_pixels(host, Schedule::Ascending, &cloud, 1, P);
        let is_valid = |pixel: usize| valid[pixel] >= 0;
        let evaluated =
            |&pixel: &usize| is_valid(pixel) && (nodes(pixel) == [pixel] || !nodes(pixel).into_iter().any(is_valid));
        let want: Vec<usize> = (0..P).filter(evaluated).collect();
        let (pixels, places, count) = in_every_schedule(|schedule| valid_pixels(host, schedule, &cloud, 2, want.len()));
        assert_eq!(count as usize, want.len(), "evaluated pixels of {name}");
        assert!(pixels.iter().map(|&p| p as usize).eq(want.iter().copied()), "evaluated pixels of {name}");
        let mut wanted: Vec<i32> = (0..P).map(|pixel| if is_valid(pixel) { BETWEEN } else { -1 }).collect();
        want.iter().enumerate().for_each(|(place, &pixel)| wanted[pixel] = place as i32);
        assert!(places == wanted, "places of {name}");
    }
}
