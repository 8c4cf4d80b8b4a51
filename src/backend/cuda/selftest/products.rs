//! Compares matrix products with the CPU's.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};
use gemm::Parallelism;
use half::f16;

use super::compare::{apart, near};
use crate::backend::cpu::elementwise::gelu;
use crate::backend::cuda::CudaError;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::products::{Activation, Product, halves, parts};
use crate::backend::selftest::Check;
use crate::fold::linear::Linear;

/// The bound of a layer: the rounding to halves, and f32's rounding of the sums.
const HALF_BOUND: f64 = 6e-4;
/// The bound of sums: f32's rounding.
const SUM_BOUND: f64 = 1e-5;

/// Rows, channels and outputs of each product: no multiples of the tiles, and the last one with enough large tiles for
/// 150 multiprocessors.
const SIZES: [[usize; 3]; 3] = [[130, 72, 70], [65, 192, 130], [2100, 40, 1100]];

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let (mut random, mut checks) = (fastrand::Rng::with_seed(2), Vec::new());
    for sizes in SIZES {
        checks.extend(of_sizes(device, sizes, &mut random)?);
    }
    Ok(checks)
}

fn random_halves(count: usize, random: &mut fastrand::Rng) -> Vec<f32> {
    (0..count).map(|_| f16::from_f32(random.f32() * 2.0 - 1.0).to_f32()).collect()
}

fn to_device(stream: &Arc<CudaStream>, values: &[f32], columns: usize) -> Result<CudaSlice<u16>, CudaError> {
    let mut bits = vec![0; values.len()];
    halves(values, columns, &mut bits);
    Ok(stream.clone_htod(&bits)?)
}

fn of_sizes(device: &Device, sizes: [usize; 3], random: &mut fastrand::Rng) -> Result<Vec<Check>, CudaError> {
    let Device { colour: stream, kernels, .. } = device;
    let [rows, from, to] = sizes;
    let [x, weight] = [rows, to].map(|n| random_halves(n * from, random));
    let bias = random_halves(to, random);
    let (of_x, of_weight) = (to_device(stream, &x, from)?, to_device(stream, &weight, from)?);
    let plain = Product::plain(&of_x, &of_weight, sizes);
    let of = |what: &str| format!("{what} of [{rows}, {from}] by [{from}, {to}]");
    let mut checks = Vec::new();
    let mut sums = stream.alloc_zeros(rows * to)?;
    plain.inner_products(kernels, stream, &mut sums)?;
    let mut want = Vec::new();
    Linear::new(weight.clone(), Vec::new(), to).run(&x, &mut want, Parallelism::None);
    checks.push(near(of("product"), "inner_products", apart(&stream.clone_dtoh(&sums)?, &want), SUM_BOUND));

    let mut layer = Vec::new();
    Linear::new(weight, bias.clone(), to).run(&x, &mut layer, Parallelism::None);
    let of_bias = stream.clone_htod(&bias)?;
    let product = Product { bias: Some(&of_bias), ..plain };
    // Onto the sums without the bias.
    product.add_linear(kernels, stream, &mut sums)?;
    want.iter_mut().zip(&layer).for_each(|(sum, value)| *sum += value);
    checks.push(near(of("residual"), "add_linear", apart(&stream.clone_dtoh(&sums)?, &want), SUM_BOUND));

    let mut squares = stream.alloc_zeros(parts(to) * rows)?;
    product.squared_lengths(kernels, stream, &mut squares)?;
    let squares = stream.clone_dtoh(&squares)?;
    let got: Vec<f32> = (0..rows).map(|row| squares.iter().skip(row).step_by(rows).sum()).collect();
    let want: Vec<f32> = layer.chunks_exact(to).map(|row| row.iter().map(|v| v * v).sum()).collect();
    checks.push(near(of("squared lengths"), "squared_lengths", apart(&got, &want), SUM_BOUND));

    let mut out = stream.alloc_zeros(rows * to)?;
    for (what, activation, apply) in ACTIVATIONS {
        let mut want = layer.clone();
        apply(&mut want);
        product.linear(kernels, stream, activation, &mut out)?;
        let got: Vec<f32> = stream.clone_dtoh(&out)?.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect();
        checks.push(near(of(what), "linear, linear_large", apart(&got, &want), HALF_BOUND));
    }
    Ok(checks)
}

type Apply = fn(&mut [f32]);

const ACTIVATIONS: [(&str, Activation, Apply); 3] = [
    ("layer", Activation::Nothing, |_| ()),
    ("layer with GELU", Activation::Gelu, gelu),
    ("layer with ReLU", Activation::Relu, |values| values.iter_mut().for_each(|v| *v = v.max(0.0))),
];
