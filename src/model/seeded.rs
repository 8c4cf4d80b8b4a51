//! Weights that are a function of their name and a seed, so that a test or a trial needs no checkpoint.

use super::tensor::Tensor;
use super::weights::{MappingWeights, Weights};
use super::{Architecture, TensorSpec};

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Every tensor of `architecture` from `seed`, mappings included.
pub fn weights(architecture: &Architecture, seed: u64) -> Weights {
    let specs = architecture.tensors();
    let tensors = specs.into_iter().map(|spec| (tensor(&spec, seed), spec.name));
    let tensors = tensors.map(|(values, name)| (name, Tensor::F32(values))).collect();
    Weights::new(architecture, tensors).unwrap_or_else(|error| unreachable!("seeded weights: {error}"))
}

/// The mappings of `architecture` from `seed`.
pub fn mappings(architecture: &Architecture, seed: u64) -> MappingWeights {
    architecture.mapping_tensors().iter().map(|spec| (spec.name.clone(), tensor(spec, seed))).collect()
}

/// One tensor, row-major, from its name and `seed`.
pub fn tensor(spec: &TensorSpec, seed: u64) -> Vec<f32> {
    let count = spec.shape.iter().product();
    let (offset, scale) = offset_and_scale(spec);
    uniform(&spec.name, seed).take(count).map(|r| (offset + scale * f64::from(r)) as f32).collect()
}

/// SplitMix64 started at the name's FNV-1a hash: values in [-1, 1), exact in f32.
fn uniform(name: &str, seed: u64) -> impl Iterator<Item = f32> {
    let mut state = fnv1a64(name.as_bytes()).wrapping_add(seed.wrapping_mul(GOLDEN_GAMMA));
    std::iter::repeat_with(move || {
        state = state.wrapping_add(GOLDEN_GAMMA);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

fn offset_and_scale(spec: &TensorSpec) -> (f64, f64) {
    let name = spec.name.as_str();
    let (owner, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    let normalises = owner.contains("norm") || owner.ends_with("_conv.1");
    match leaf {
        "pos_embed" | "cls_token" => (0.0, 0.2),
        "mean" => (1.0, 0.5),
        "running_mean" => (0.0, 0.1),
        "running_var" => (1.0, 0.5),
        "weight" if normalises => (1.0, 0.1),
        "bias" if normalises => (0.0, 0.1),
        "bias" => (0.0, 0.02),
        _ => {
            let fan_in: usize = spec.shape[1..].iter().product();
            (0.0, (3.0 / fan_in as f64).sqrt())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, shape: &[usize]) -> TensorSpec {
        TensorSpec { name: name.into(), shape: shape.into() }
    }

    #[test]
    fn matches_the_published_check_values() {
        let r: Vec<f32> = uniform("rgb.norm.weight", 7).take(4).collect();
        for (got, want) in r.iter().zip([-0.3918426, 0.3255652, 0.3762945, -0.4121444]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
        let w = tensor(&spec("map_rgb_to_xyz.input.weight", &[576, 768]), 7);
        for (got, want) in w.iter().zip([-0.038_837_634, 0.059_164_21, 0.012_432_016]) {
            assert!((got - want).abs() < 1e-8, "{got} {want}");
        }
    }
}
