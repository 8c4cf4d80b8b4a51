//! Compares groups, and the rows that pixels are interpolated by, with the CPU's.

use half::f16;

use super::compare::{apart, differ, equal, near};
use crate::backend::cuda::CudaError;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::grouping::{self, NEIGHBOURS_MAX};
use crate::backend::cuda::interpolate::{self, Listed, Nearest, Rows};
use crate::backend::cuda::sampling::{self, Sampler};
use crate::backend::selftest::Check;
use crate::frame::is_point;
use crate::prepare::Stride;
use crate::shapes::{H, P, W, XYZ};
use crate::spatial::grouping::{Grouping, NearestScratch, farthest_points};
use crate::spatial::rows::{self as twin, SparseRows};

type Point = [f32; 3];

const GROUPS: usize = 256;
/// The bound of weights: f32's rounding of the sums of a row, in which the CPU fuses multiply-adds and the kernel does
/// not.
const WEIGHTS_BOUND: f64 = 1e-6;

/// A rippled disc that needs two blocks of the sampler, and a disc with many equal distances between its points; with
/// each, the most rounds that the sampler may take.
fn clouds() -> [(&'static str, Vec<Point>, usize); 2] {
    let at = |p: usize, step: f32| [(p % W) as f32 * step, (p / W) as f32 * step];
    let inside =
        |p: usize, radius: usize| (p / W).abs_diff(H / 2).pow(2) + (p % W).abs_diff(W / 2).pow(2) < radius * radius;
    let disc = |p| {
        let [x, y] = at(p, 5e-4);
        if inside(p, 72) { [x, y, 0.4 + 1e-3 * (90.0 * x).sin() * (70.0 * y).cos()] } else { [0.0; 3] }
    };
    let lattice = |p| {
        // f32 holds these coordinates exactly, and 3 x 3 pixels share each point.
        let [x, y] = at(p / W / 3 * W + p % W / 3, 1.0 / 64.0);
        if inside(p, 40) { [x, y, 1.0] } else { [0.0; 3] }
    };
    [("a disc", (0..P).map(disc).collect(), GROUPS / 3), ("ties", (0..P).map(lattice).collect(), GROUPS)]
}

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let mut checks = Vec::new();
    for (name, cloud, rounds_max) in clouds() {
        let points: Vec<Point> = cloud.iter().copied().filter(is_point).collect();
        let centres = sample(device, (name, rounds_max), &cloud, &points, &mut checks)?;
        rows(device, name, &cloud, &centres, &mut checks)?;
    }
    Ok(checks)
}

/// Compares points, centres and neighbours, and returns the CPU's centres.
fn sample(
    device: &Device,
    (name, rounds_max): (&str, usize),
    cloud: &[Point],
    points: &[Point],
    checks: &mut Vec<Check>,
) -> Result<Vec<Point>, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let cloud = stream.clone_htod(cloud.as_flattened())?;
    let (mut listed, mut count) = (stream.alloc_zeros(P * XYZ)?, stream.alloc_zeros(1)?);
    grouping::valid_points(kernels, stream, &cloud, &mut listed, &mut count)?;
    let found = stream.clone_dtoh(&count)?[0] as usize;
    let got = stream.clone_dtoh(&listed)?;
    let wrong = differ(&got[..found.min(P) * XYZ], points.as_flattened());
    checks.push(equal(format!("points of {name}"), "valid_points", wrong));
    let mut sampler = Sampler::new(stream)?;
    let (mut index, mut centres) = (stream.alloc_zeros(GROUPS)?, stream.alloc_zeros(GROUPS * XYZ)?);
    sampling::farthest_points(kernels, stream, (&listed, &count), &mut sampler, &mut index, &mut centres)?;
    let want = farthest_points(points, GROUPS);
    let got: Vec<usize> = stream.clone_dtoh(&index)?.iter().map(|&i| i as usize).collect();
    checks.push(equal(format!("centres of {name}"), "farthest_points", differ(&got, &want)));
    let rounds = stream.clone_dtoh(&sampler.rounds)?[0];
    let too_many = usize::try_from(rounds).map_or(1, |rounds| rounds.saturating_sub(rounds_max));
    checks.push(equal(format!("rounds above {rounds_max}, {name}"), "farthest_points", too_many as f64));
    let own: Vec<Point> = want.iter().map(|&i| points[i]).collect();
    let centres = stream.clone_htod(own.as_flattened())?;
    let mut twin = Grouping::default();
    twin.sample(points, 1, &mut Vec::new());
    for k in [32, NEIGHBOURS_MAX] {
        let mut found = stream.alloc_zeros(GROUPS * k)?;
        let mut offsets = stream.alloc_zeros(GROUPS * k * XYZ)?;
        grouping::nearest_points(kernels, stream, (&listed, &count), &centres, &mut found, &mut offsets)?;
        let (mut want, mut scratch) = (vec![0; GROUPS * k], NearestScratch::default());
        for (centre, out) in own.iter().zip(want.chunks_exact_mut(k)) {
            twin.nearest(*centre, &mut scratch, out);
        }
        let got: Vec<u32> = stream.clone_dtoh(&found)?.iter().map(|&i| i as u32).collect();
        checks.push(equal(format!("{k} neighbours, {name}"), "nearest_points", differ(&got, &want)));
        let offset = |(i, &point): (usize, &u32)| {
            let (point, centre) = (points[point as usize], own[i / k]);
            [0, 1, 2].map(|axis| f16::from_f32(point[axis] - centre[axis]).to_bits())
        };
        let want: Vec<u16> = want.iter().enumerate().flat_map(offset).collect();
        let wrong = differ(&stream.clone_dtoh(&offsets)?, &want);
        checks.push(equal(format!("their offsets, {name}"), "nearest_points", wrong));
    }
    Ok(own)
}

/// Sorts a row by index and adds the weights of an index that comes twice, as a token's does at the edge of the image.
fn merged(entries: impl Iterator<Item = (u32, f32)>) -> Vec<(u32, f32)> {
    let mut row: Vec<(u32, f32)> = entries.collect();
    row.sort_by_key(|entry| entry.0);
    row.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0.0 };
        same
    });
    row
}

fn rows(
    device: &Device,
    name: &str,
    cloud: &[Point],
    centres: &[Point],
    checks: &mut Vec<Check>,
) -> Result<(), CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let wanted = [twin::rgb_rows(), twin::xyz_rows(cloud, centres)];
    let mut places = stream.alloc_zeros(P)?;
    let (cloud, centres) = (stream.clone_htod(cloud.as_flattened())?, stream.clone_htod(centres.as_flattened())?);
    let (mut nearest, mut listed) = (Nearest::new(stream)?, Listed::new(stream)?);
    let (mut rgb, mut xyz) = (Rows::of_tokens(stream)?, Rows::of_groups(stream)?);
    interpolate::three_nearest(kernels, stream, &cloud, &centres, &mut nearest)?;
    interpolate::valid_pixels(kernels, stream, &cloud, Stride::One, (&mut listed, &mut places))?;
    interpolate::xyz_rows(kernels, stream, &nearest, &listed, &mut xyz)?;
    interpolate::rgb_rows(kernels, stream, &listed, &mut rgb)?;
    let count = stream.clone_dtoh(&listed.count)?[0] as usize;
    let pixels: Vec<usize> = stream.clone_dtoh(&listed.pixels)?[..count.min(P)].iter().map(|&p| p as usize).collect();
    let valid: Vec<usize> = (0..P).filter(|&p| !wanted[1].row(p).is_empty()).collect();
    checks.push(equal(format!("pixels of {name}"), "valid_pixels", differ(&pixels, &valid)));
    for (what, kernels, rows, want) in
        [("tokens", "rgb_rows", &rgb, &wanted[0]), ("groups", "three_nearest, xyz_rows", &xyz, &wanted[1])]
    {
        let (index, weight) = (stream.clone_dtoh(&rows.index)?, stream.clone_dtoh(&rows.weight)?);
        let lengths = rows.lengths.as_ref().map(|lengths| stream.clone_dtoh(lengths)).transpose()?;
        let row = |place: usize| {
            let length = lengths.as_ref().map_or(rows.stride, |lengths| lengths[place] as usize);
            let entries = place * rows.stride..place * rows.stride + length.min(rows.stride);
            merged(entries.map(|i| (index[i] as u32, weight[i])))
        };
        let got: Vec<(u32, f32)> = (0..pixels.len()).flat_map(row).collect();
        let want: Vec<(u32, f32)> = pixels.iter().flat_map(|&p| of_cpu(want, p)).collect();
        let [got, want] = [got, want].map(|rows| rows.into_iter().unzip::<u32, f32, Vec<_>, Vec<_>>());
        checks.push(equal(format!("{what} of pixels, {name}"), kernels, differ(&got.0, &want.0)));
        checks.push(near(format!("their weights, {name}"), kernels, apart(&got.1, &want.1), WEIGHTS_BOUND));
    }
    Ok(())
}

fn of_cpu(rows: &SparseRows, pixel: usize) -> Vec<(u32, f32)> {
    merged(rows.row(pixel).iter().copied())
}
