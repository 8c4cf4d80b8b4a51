//! Compares products and the anomaly map with the CPU's.

use gemm::Parallelism;
use half::f16;

use super::compare::{apart, differ, equal, near};
use crate::backend::cpu::elementwise::gelu;
use crate::backend::cuda::CudaError;
use crate::backend::cuda::anomaly;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::mapping::{Product, halves, inner_products};
use crate::backend::selftest::Check;
use crate::fold::linear::Linear;
use crate::score;
use crate::shapes::P;
use crate::spatial::smoothing as twin;

/// The bound of a layer: the rounding to halves, and f32's rounding of the sums.
const HALF_BOUND: f64 = 6e-4;
/// The bound of sums: f32's rounding.
const SUM_BOUND: f64 = 1e-5;
/// The bound of the box filters: f32's rounding of sixteen sums of a few terms.
const SMOOTH_BOUND: f64 = 2e-6;

/// Rows, channels and outputs of each product: no multiples of the tiles.
const SIZES: [(usize, usize, usize); 2] = [(130, 66, 70), (65, 192, 130)];

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let mut checks = products(device)?;
    checks.extend(maps(device)?);
    Ok(checks)
}

fn random_halves(count: usize, random: &mut fastrand::Rng) -> Vec<f32> {
    (0..count).map(|_| f16::from_f32(random.f32() * 2.0 - 1.0).to_f32()).collect()
}

fn products(device: &Device) -> Result<Vec<Check>, CudaError> {
    let Device { colour: stream, kernels, .. } = device;
    let (mut random, mut checks) = (fastrand::Rng::with_seed(2), Vec::new());
    for (rows, from, to) in SIZES {
        let (x, weight) = (random_halves(rows * from, &mut random), random_halves(to * from, &mut random));
        let bias = random_halves(to, &mut random);
        let on_device = |values: &[f32]| {
            let mut bits = vec![0; values.len()];
            halves(values, from, &mut bits);
            stream.clone_htod(&bits)
        };
        let (x_device, weight_device) = (on_device(&x)?, on_device(&weight)?);
        let mut plain = Vec::new();
        Linear::new(weight.clone(), Vec::new(), to).run(&x, &mut plain, Parallelism::None);
        let mut sums = stream.alloc_zeros(rows * to)?;
        inner_products(kernels, stream, (&x_device, &weight_device), [rows, from, to], &mut sums)?;
        let of = format!("[{rows}, {from}] by [{from}, {to}]");
        checks.push(near(of.clone(), "inner_products", apart(&stream.clone_dtoh(&sums)?, &plain), SUM_BOUND));
        let mut layer = Vec::new();
        Linear::new(weight, bias.clone(), to).run(&x, &mut layer, Parallelism::None);
        gelu(&mut layer);
        let (bias, mut out) = (stream.clone_htod(&bias)?, stream.alloc_zeros(rows * to)?);
        let product = Product {
            x: &x_device,
            weight: &weight_device,
            bias: Some(&bias),
            count: None,
            rows,
            from,
            to,
            gelu: true,
        };
        product.run(kernels, stream, &mut out)?;
        let got: Vec<f32> = stream.clone_dtoh(&out)?.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect();
        checks.push(near(format!("{of}, GELU"), "linear", apart(&got, &layer), HALF_BOUND));
    }
    Ok(checks)
}

fn maps(device: &Device) -> Result<Vec<Check>, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let mut random = fastrand::Rng::with_seed(4);
    let places: Vec<i32> = (0..P as i32).map(|p| if p % 3 == 0 { p / 3 } else { -1 }).collect();
    let psi: [Vec<f32>; 2] = [(); 2].map(|()| (0..P).map(|_| random.f32() * 2.0).collect());
    let on_device = [stream.clone_htod(&psi[0])?, stream.clone_htod(&psi[1])?];
    let mut out = [stream.alloc_zeros(P)?, stream.alloc_zeros(P)?, stream.alloc_zeros(P)?];
    let places_device = stream.clone_htod(&places)?;
    anomaly::product(kernels, stream, (&on_device[0], &on_device[1]), &places_device, out.each_mut())?;
    let at = |place: i32| usize::try_from(place).map_or([0.0; 2], |place| [psi[0][place], psi[1][place]]);
    let want: Vec<f32> = places.iter().map(|&place| at(place)).map(|[rgb, xyz]| rgb * xyz).collect();
    let mut checks = vec![equal("psi_rgb times psi_xyz", "product", differ(&stream.clone_dtoh(&out[2])?, &want))];
    let mut smoothed = stream.alloc_zeros(P)?;
    anomaly::smooth(kernels, stream, &out[2], &mut smoothed)?;
    let (got, mut want) = (stream.clone_dtoh(&smoothed)?, want);
    twin::smooth(&mut want);
    checks.push(near("box filters", "smooth", apart(&got, &want), SMOOTH_BOUND));
    let mut largest = stream.alloc_zeros(1)?;
    anomaly::maximum(kernels, stream, &smoothed, &mut largest)?;
    checks.push(equal("score", "maximum", differ(&stream.clone_dtoh(&largest)?, &[score::maximum(&got)])));
    Ok(checks)
}
