//! What the kernels cannot run: sizes that they do not take, and values that halves might not hold.
//!
//! Halves end at 65,504. The streams that the blocks of a Transformer add to are f32, so the large channels of published
//! networks harm nothing. What is a half follows from a LayerNorm, so the largest value that a layer can have follows from
//! the weights alone (`fold/range.rs`), and is checked before the first frame. Where halves might not hold it, the networks
//! run on the CPU, which computes in f32.
//!
//! The group encoder has no LayerNorm. Its kernels keep the halves of its layers within the range themselves.

use crate::backend::kernel_sizes::wrong_size;
use crate::fold::range::{self, HALF_LIMIT, Normed};
use crate::model::{Architecture, Tensors};

/// Why the kernels cannot run these networks; none if they can.
pub fn refusal(architecture: &Architecture, weights: &Tensors) -> Option<String> {
    wrong_size(architecture).or_else(|| beyond_halves(architecture, weights))
}

fn beyond_halves(architecture: &Architecture, weights: &Tensors) -> Option<String> {
    let found = largest_values(architecture, weights);
    let worst = found.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    log::debug!("no value that the networks keep as a half is above {:.0}, that of {}", worst.1, worst.0);
    let (name, value) = worst;
    (value > HALF_LIMIT)
        .then(|| format!("values of {name} may reach {value:.0}, where halves are used up to {HALF_LIMIT:.0}"))
}

/// The names of tensors and bounds of the values that are kept as halves because of them.
fn largest_values(architecture: &Architecture, weights: &Tensors) -> Vec<(String, f64)> {
    let (rgb, xyz) = (&architecture.rgb, &architecture.xyz);
    let mut found = Vec::new();
    for (blocks, layers) in [("rgb.blocks", rgb.layers), ("xyz.blocks.blocks", xyz.layers)] {
        for i in 0..layers {
            for (norm, layer) in [("norm1", "attn.qkv"), ("norm2", "mlp.fc1")] {
                let [norm, layer] = [norm, layer].map(|leaf| format!("{blocks}.{i}.{leaf}"));
                let normed = Normed::of(weights, &norm);
                found.push((layer.clone(), of_layer(weights, &normed, &layer)));
                found.push((norm, normed.largest()));
            }
            for layer in ["attn.proj", "mlp.fc2"] {
                found.push(of_weight(weights, &format!("{blocks}.{i}.{layer}.weight")));
            }
        }
    }
    found.extend(["rgb.norm", "xyz.norm"].map(|norm| (norm.to_owned(), Normed::of(weights, norm).largest())));
    found.push(of_weight(weights, "rgb.patch_embed.proj.weight"));
    found
}

/// The largest magnitude of a weight.
fn of_weight(weights: &Tensors, name: &str) -> (String, f64) {
    (name.to_owned(), range::largest(&weights.get(name).to_f32()))
}

/// The largest magnitude of a layer's units on a LayerNorm's output, and of its weights.
fn of_layer(weights: &Tensors, normed: &Normed, layer: &str) -> f64 {
    let weight = weights.get(&format!("{layer}.weight")).to_f32();
    let bias = weights.find(&format!("{layer}.bias")).map(|bias| bias.to_f32()).unwrap_or_default();
    normed.layer(&weight, &bias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Variant, VitShape, Weights, seeded};

    fn small() -> Architecture {
        let mut small = Architecture::small();
        small.xyz.encoder[0] = 128;
        small
    }

    fn refused(architecture: &Architecture, change: impl Fn(&mut Weights)) -> Option<String> {
        let mut weights = seeded::weights(architecture, 7);
        change(&mut weights);
        refusal(architecture, &weights.into_tensors())
    }

    #[test]
    fn published_networks_are_within_the_limits() {
        assert_eq!(refused(&small(), |_| {}), None);
        let tiny = Architecture::published(Variant::Tiny, 128);
        assert_eq!(refused(&tiny, |_| {}), None);
        // Norms as steep as in published networks, and positions that lead to channels of thousands.
        let massive = |weights: &mut Weights| {
            weights.tensor_mut("rgb.blocks.0.norm1.weight").f32_mut().fill(20.0);
            weights.tensor_mut("rgb.pos_embed").f32_mut()[5] = 1e6;
        };
        assert_eq!(refused(&tiny, massive), None);
    }

    #[test]
    fn what_is_beyond_a_limit_is_named() {
        let narrow = Architecture { rgb: VitShape { width: 12, ..small().rgb }, ..small() };
        assert!(refused(&narrow, |_| {}).is_some_and(|reason| reason.contains("12 wide")));
        let named = |name: &str, factor: f32| {
            let change =
                |weights: &mut Weights| weights.tensor_mut(name).f32_mut().iter_mut().for_each(|w| *w *= factor);
            refused(&small(), change).unwrap_or_default()
        };
        for (name, in_message) in [
            ("rgb.blocks.1.attn.qkv.weight", "rgb.blocks.1.attn.qkv"),
            ("rgb.blocks.1.norm2.weight", "rgb.blocks.1.mlp.fc1"),
            ("xyz.blocks.blocks.0.mlp.fc2.weight", "xyz.blocks.blocks.0.mlp.fc2"),
            ("xyz.norm.bias", "xyz.norm"),
            ("rgb.patch_embed.proj.weight", "rgb.patch_embed.proj"),
        ] {
            assert!(named(name, 1e7).contains(in_message), "{name}: {}", named(name, 1e7));
            assert_eq!(named(name, 2.0), "", "{name}");
        }
    }
}
