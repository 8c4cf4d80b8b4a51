//! `likelihood` of `mapping.cu` against the same formula in f64.

use fastrand::Rng;
use half::f16;

use crate::host::{Host, Schedule, float, host, in_every_schedule, input, int, null, one_each, output};
use crate::interpolate::Rows;
use crate::mapping::{PSI_WARPS, SIZES, random_rows, wide};

const BOUNDS: [f32; 2] = [-6.25, 3.75];

/// A mapping's heads and features of `channels` channels.
#[derive(Clone)]
struct Given {
    /// `[n, C]` each.
    means: Vec<f16>,
    logarithms: Vec<f16>,
    /// `[n_to, C]`.
    features: Vec<f16>,
    /// `[C]`.
    floors: Vec<f32>,
    channels: usize,
}

/// What the kernel is given of the channels from `first` on: means and logarithms of each pixel, `[n, 2, width]`.
fn heads(given: &Given, first: usize, width: usize) -> Vec<f16> {
    let rows = given.means.chunks_exact(given.channels).zip(given.logarithms.chunks_exact(given.channels));
    let own = rows.flat_map(|(means, logarithms)| [means, logarithms].map(|row| &row[first..first + width]));
    let mut heads: Vec<f16> = own.flatten().copied().collect();
    // No room beyond the last, which the sanitizer would take for a part of the matrix.
    heads.shrink_to_fit();
    heads
}

/// psi of `count` listed pixels, by launches for at most `width` channels each.
fn psi(host: &Host, schedule: Schedule, given: &Given, width: usize, rows: &Rows, count: usize) -> Vec<f32> {
    let (listed, mut psi) = ([count as i32], vec![f32::MAX; count]);
    for first in (0..given.channels).step_by(width) {
        let width = width.min(given.channels - first);
        let heads = heads(given, first, width);
        let mut arguments = [
            input(&heads),
            input(&given.features),
            input(&given.floors),
            input(&rows.index),
            input(&rows.weight),
            rows.lengths.as_ref().map_or(null(), |l| input(l)),
            int(rows.stride),
            input(&listed),
            int(width),
            int(first),
            int(given.channels),
            float(BOUNDS[0]),
            float(BOUNDS[1]),
            float(1.0 / given.channels as f32),
            output(&mut psi),
        ];
        // Some blocks more than there are pixels for: the launch does not know how many are listed.
        let mut blocks = one_each(count, PSI_WARPS);
        blocks.blocks[0] += 3;
        blocks.threads = PSI_WARPS * 32;
        host.launch(schedule, "likelihood", blocks, &mut arguments);
    }
    psi
}

/// The mean over the channels of (mean - observed)^2 / variance.
fn formula(given: &Given, rows: &Rows, place: usize) -> f64 {
    let channels = given.channels;
    let at = |values: &[f16]| wide(values, channels)[place].clone();
    let (means, logarithms) = (at(&given.means), at(&given.logarithms));
    let observed = rows.combine(place, &wide(&given.features, channels));
    let [low, high] = BOUNDS.map(f64::from);
    let quotient = |k: usize| {
        let variance = logarithms[k].clamp(low, high).exp() + f64::from(given.floors[k]);
        (means[k] - observed[k]).powi(2) / variance
    };
    (0..channels).map(quotient).sum::<f64>() / channels as f64
}

/// Logarithms within their bounds, and beyond both.
fn random_given(count: usize, n_to: usize, channels: usize, random: &mut Rng) -> Given {
    let mut halves = |rows: usize, scale: f32| -> Vec<f16> {
        let mut values: Vec<f16> =
            (0..rows * channels).map(|_| f16::from_f32(scale * (random.f32() * 2.0 - 1.0))).collect();
        values.shrink_to_fit();
        values
    };
    let (means, logarithms, features) = (halves(count, 4.0), halves(count, 9.0), halves(n_to, 1.0));
    let floors = (0..channels).map(|_| random.f32()).collect();
    Given { means, logarithms, features, floors, channels }
}

#[test]
fn the_distance_is_the_formula() {
    let Some(host) = host() else { return };
    for (seed, (count, n_to, longest, lengths)) in SIZES.into_iter().enumerate() {
        let mut random = Rng::with_seed(80 + seed as u64);
        // All channels at once, in equal parts, with a shorter last part, and more octets than a warp has lanes.
        let (channels, width) = [(8, 8), (48, 16), (40, 24), (528, 264)][seed % 4];
        let rows = random_rows(count, n_to, longest, lengths, &mut random);
        let given = random_given(count, n_to, channels, &mut random);
        let got = in_every_schedule(|schedule| psi(host, schedule, &given, width, &rows, count));
        for (place, psi) in got.iter().enumerate() {
            let want = formula(&given, &rows, place);
            // A difference is rounded as its larger term is, and a small variance magnifies that.
            let error = (f64::from(*psi) - want).abs();
            assert!(error <= 2e-6 * want, "pixel {place} of {count}, {channels} channels: {psi} and not {want}");
        }
    }
}

/// Channels that only make a multiple of eight are zeros, whatever their variance.
#[test]
fn channels_that_pad_add_nothing() {
    let Some(host) = host() else { return };
    let mut random = Rng::with_seed(4);
    let (count, rows) = (40, random_rows(40, 6, 3, true, &mut random));
    let mut given = random_given(count, 6, 16, &mut random);
    for values in [&mut given.means, &mut given.features] {
        values.chunks_exact_mut(16).for_each(|row| row[13..].fill(f16::ZERO));
    }
    let before = psi(host, Schedule::Ascending, &given, 16, &rows, count);
    given.logarithms.chunks_exact_mut(16).for_each(|row| row[13..].fill(f16::ZERO));
    given.floors[13..].fill(0.0);
    assert_eq!(psi(host, Schedule::Ascending, &given, 16, &rows, count), before);
}

/// What is no number, or beyond halves, must not look like a match.
#[test]
fn what_is_no_number_is_no_match() {
    let Some(host) = host() else { return };
    let mut random = Rng::with_seed(5);
    let (count, rows) = (9, random_rows(9, 4, 2, false, &mut random));
    let given = random_given(count, 4, 24, &mut random);
    let psi = |given: &Given| psi(host, Schedule::Ascending, given, 8, &rows, count);
    let with = |change: fn(&mut Given)| {
        let mut given = given.clone();
        change(&mut given);
        given
    };
    let no_mean = with(|given| given.means.iter_mut().step_by(24).for_each(|v| *v = f16::NAN));
    let no_variance = with(|given| given.logarithms.iter_mut().step_by(24).for_each(|v| *v = f16::NAN));
    let no_feature = with(|given| given.features.fill(f16::NAN));
    for broken in [no_mean, no_variance, no_feature] {
        assert!(psi(&broken).iter().all(|v| v.is_nan()), "{:?}", psi(&broken));
    }
    let beyond = with(|given| given.means.iter_mut().step_by(24).for_each(|v| *v = f16::INFINITY));
    assert!(psi(&beyond).iter().all(|v| *v == f32::INFINITY), "{:?}", psi(&beyond));
    // A logarithm beyond halves is kept within its bounds.
    let far = with(|given| given.logarithms.fill(f16::INFINITY));
    let at_the_bound = with(|given| given.logarithms.fill(f16::from_f32(BOUNDS[1])));
    assert_eq!(psi(&far), psi(&at_the_bound));
}
