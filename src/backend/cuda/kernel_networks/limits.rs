//! What the kernels cannot run: sizes that they do not take, and values that halves might not hold.
//!
//! Halves end at 65,504. The streams that the blocks of a Transformer add to are f32, so the large channels of published
//! networks harm nothing. What is a half follows from a LayerNorm, whose output has a bounded length whatever comes in:
//! its rows before weight and bias are no longer than the square root of their width. So the largest value that a layer
//! can have on it follows from the weights alone, and is checked before the first frame. Where halves might not hold it,
//! the networks run on the CPU, which computes in f32.
//!
//! The group encoder has no LayerNorm. Its kernels keep the halves of its layers within the range themselves.

use crate::backend::kernel_sizes::wrong_size;
use crate::model::{Architecture, Tensors};

/// The largest value that a half may have: half of what it can hold, for the rounding on the way.
const HALF_LIMIT: f64 = 65_504.0 / 2.0;

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
    for (blocks, layers, width) in [("rgb.blocks", rgb.layers, rgb.width), ("xyz.blocks.blocks", xyz.layers, xyz.width)]
    {
        for i in 0..layers {
            for (norm, layer) in [("norm1", "attn.qkv"), ("norm2", "mlp.fc1")] {
                let [norm, layer] = [norm, layer].map(|leaf| format!("{blocks}.{i}.{leaf}"));
                found.push((layer.clone(), of_layer(weights, &norm, &layer, width)));
                found.push((norm.clone(), of_norm(weights, &norm, width)));
            }
            for layer in ["attn.proj", "mlp.fc2"] {
                found.push(of_weight(weights, &format!("{blocks}.{i}.{layer}.weight")));
            }
        }
    }
    found.extend(
        [("rgb.norm", rgb.width), ("xyz.norm", xyz.width)]
            .map(|(norm, width)| (norm.to_owned(), of_norm(weights, norm, width))),
    );
    found.push(of_weight(weights, "rgb.patch_embed.proj.weight"));
    found
}

/// The largest magnitude of a weight.
fn of_weight(weights: &Tensors, name: &str) -> (String, f64) {
    let largest = weights.get(name).to_f32().iter().fold(0.0f32, |most, w| most.max(w.abs()));
    (name.to_owned(), f64::from(largest))
}

/// What a LayerNorm's output can have: a single channel of the whole length.
fn of_norm(weights: &Tensors, name: &str, width: usize) -> f64 {
    let [scale, shift] = ["weight", "bias"].map(|leaf| weights.get(&format!("{name}.{leaf}")).to_f32());
    let length = (width as f64).sqrt();
    let bound = |(w, b): (&f32, &f32)| length * f64::from(w.abs()) + f64::from(b.abs());
    scale.iter().zip(shift.iter()).map(bound).fold(0.0, f64::max)
}

/// What a layer can have on a LayerNorm's output, by the inequality of Cauchy and Schwarz; its weights also.
fn of_layer(weights: &Tensors, norm: &str, layer: &str, width: usize) -> f64 {
    let [scale, shift] = ["weight", "bias"].map(|leaf| weights.get(&format!("{norm}.{leaf}")).to_f32());
    let weight = weights.get(&format!("{layer}.weight")).to_f32();
    let bias = weights.find(&format!("{layer}.bias")).map(|bias| bias.to_f32());
    let length = (width as f64).sqrt();
    let bound = |(i, row): (usize, &[f32])| {
        let (mut square, mut sum, mut largest) = (0.0, bias.as_ref().map_or(0.0, |bias| f64::from(bias[i])), 0.0f64);
        for ((w, scale), shift) in row.iter().zip(scale.iter()).zip(shift.iter()) {
            square += f64::from(w * scale).powi(2);
            sum += f64::from(*w) * f64::from(*shift);
            largest = largest.max(f64::from(w.abs()));
        }
        largest.max(length * square.sqrt() + sum.abs())
    };
    weight.chunks_exact(width).enumerate().map(bound).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PointMaeShape, Variant, VitShape, Weights, seeded};

    fn small() -> Architecture {
        let rgb = VitShape { width: 16, heads: 2, mlp: 24, layers: 2 };
        let xyz = PointMaeShape {
            width: 24,
            heads: 1,
            mlp: 12,
            layers: 1,
            taps: vec![0],
            groups: 4,
            group_size: 2,
            encoder: [128, 4, 4],
            position_hidden: 4,
        };
        Architecture { rgb, xyz, hidden: 6 }
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

    /// Rows that a LayerNorm leaves, among them one of a single channel.
    #[test]
    fn no_row_leads_beyond_the_bounds() {
        let architecture = small();
        let (width, weights) = (architecture.rgb.width, seeded::weights(&architecture, 7).into_tensors());
        let get = |name: &str| weights.get(&format!("rgb.blocks.0.{name}")).to_f32().into_owned();
        let (scale, shift, weight, bias) =
            (get("norm1.weight"), get("norm1.bias"), get("attn.qkv.weight"), get("attn.qkv.bias"));
        let [of_norm, of_layer] = [
            of_norm(&weights, "rgb.blocks.0.norm1", width),
            of_layer(&weights, "rgb.blocks.0.norm1", "rgb.blocks.0.attn.qkv", width),
        ];
        let mut random = fastrand::Rng::with_seed(1);
        let (mut normed_most, mut layer_most) = (0.0f64, 0.0f64);
        for i in 0..2000 {
            let x: Vec<f64> =
                (0..width).map(|c| if i < width { f64::from(u8::from(c == i)) * 1e4 } else { random.f64() }).collect();
            let mean = x.iter().sum::<f64>() / width as f64;
            let deviation = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64).sqrt();
            let affine = |(v, (w, b)): (&f64, (&f32, &f32))| (v - mean) / deviation * f64::from(*w) + f64::from(*b);
            let normed: Vec<f64> = x.iter().zip(scale.iter().zip(&shift)).map(affine).collect();
            normed_most = normed.iter().fold(normed_most, |most, v| most.max(v.abs()));
            for (row, bias) in weight.chunks_exact(width).zip(&bias) {
                let value = row.iter().zip(&normed).map(|(w, v)| f64::from(*w) * v).sum::<f64>() + f64::from(*bias);
                layer_most = layer_most.max(value.abs());
            }
        }
        assert!(normed_most <= of_norm && normed_most > 0.8 * of_norm, "{normed_most} and at most {of_norm}");
        assert!(layer_most <= of_layer && layer_most > 0.4 * of_layer, "{layer_most} and at most {of_layer}");
    }
}
