//! Compares the anomaly map with the CPU's.

use super::compare::{apart, differ, equal, near};
use crate::backend::cuda::CudaError;
use crate::backend::cuda::anomaly;
use crate::backend::cuda::device::Device;
use crate::backend::selftest::Check;
use crate::model::Score;
use crate::score;
use crate::shapes::P;
use crate::spatial::smoothing as twin;

/// The bound of the box filters: f32's rounding of sixteen sums of a few terms.
const SMOOTH_BOUND: f64 = 2e-6;

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let mut random = fastrand::Rng::with_seed(4);
    let places: Vec<i32> = (0..P as i32).map(|p| if p % 3 == 0 { p / 3 } else { -1 }).collect();
    let psi: [Vec<f32>; 2] = [(); 2].map(|()| (0..P).map(|_| random.f32() * 2.0).collect());
    let on_device = [stream.clone_htod(&psi[0])?, stream.clone_htod(&psi[1])?];
    let mut out = [stream.alloc_zeros(P)?, stream.alloc_zeros(P)?, stream.alloc_zeros(P)?];
    let places_device = stream.clone_htod(&places)?;
    let at = |place: i32| usize::try_from(place).map_or([0.0; 2], |place| [psi[0][place], psi[1][place]]);
    let (mut checks, mut want) = (Vec::new(), Vec::new());
    // The product last: its map is smoothed next.
    for (what, kernel, score) in
        [("psi_rgb plus psi_xyz", "sum", Score::Likelihood), ("psi_rgb times psi_xyz", "product", Score::Product)]
    {
        let on_device = (&on_device[0], &on_device[1]);
        anomaly::joined(kernels, stream, score, on_device, &places_device, out.each_mut())?;
        want = places.iter().map(|&place| at(place)).map(|[rgb, xyz]| score.combine(rgb, xyz)).collect();
        checks.push(equal(what, kernel, differ(&stream.clone_dtoh(&out[2])?, &want)));
    }
    let mut smoothed = stream.alloc_zeros(P)?;
    anomaly::smooth(kernels, stream, &out[2], &mut smoothed)?;
    let got = stream.clone_dtoh(&smoothed)?;
    twin::smooth(&mut want);
    checks.push(near("box filters", "smooth", apart(&got, &want), SMOOTH_BOUND));
    let mut largest = stream.alloc_zeros(1)?;
    anomaly::maximum(kernels, stream, &smoothed, &mut largest)?;
    checks.push(equal("score", "maximum", differ(&stream.clone_dtoh(&largest)?, &[score::maximum(&got)])));
    Ok(checks)
}
