//! What the mappings' kernels keep as halves, which end at 65,504: features are the output of a LayerNorm, so the largest
//! value of each term that the mappings compute of them follows from the weights (`fold/range.rs`). It is checked before
//! the first frame. The second layer's units have no such bound that would not be far too large.

use super::error::CudaError;
use crate::fold::linear::transposed;
use crate::fold::range::{HALF_LIMIT, Normed, largest};
use crate::model::{Architecture, Score, Tensors};

/// Refuses mappings whose first layer, or whose products of features with the output layer, halves might not hold; of a
/// likelihood, which has no such products, whose last layers. `networks` has the last LayerNorms.
pub fn check(architecture: &Architecture, networks: &Tensors, mappings: &Tensors) -> Result<(), CudaError> {
    let tokens = Normed::of(networks, "rgb.norm");
    let groups = Normed::of(networks, "xyz.norm").repeated(architecture.xyz.taps.len());
    for (features, from, to) in
        [(&tokens, "map_rgb_to_xyz", "map_xyz_to_rgb"), (&groups, "map_xyz_to_rgb", "map_rgb_to_xyz")]
    {
        let input = mappings.get(&format!("{from}.input.weight")).to_f32();
        let bias = mappings.get(&format!("{from}.input.bias")).to_f32();
        within(&format!("{from}.input"), features, &input, &bias)?;
        match architecture.score {
            Score::Product => {
                let output = mappings.get(&format!("{to}.output.weight")).to_f32();
                within(&format!("{to}.output"), features, &transposed(&output, architecture.hidden), &[])?;
            }
            Score::Likelihood => {
                for leaf in ["output", "variance"] {
                    let name = format!("{to}.{leaf}");
                    held(&name, largest(&mappings.get(&format!("{name}.weight")).to_f32()))?;
                }
            }
        }
    }
    Ok(())
}

/// Checks a layer's weight, `[units, C]`, and its units on features `[C]`.
fn within(name: &str, features: &Normed, weight: &[f32], bias: &[f32]) -> Result<(), CudaError> {
    held(name, features.layer(weight, bias))
}

fn held(name: &str, largest: f64) -> Result<(), CudaError> {
    log::debug!("no half that the mappings keep of {name} is above {largest:.0}");
    if largest > HALF_LIMIT {
        return Err(CudaError::BeyondHalves { name: name.to_owned(), largest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Variant, seeded};

    fn checked(name: &str, factor: f32, score: Score) -> Result<(), CudaError> {
        let architecture = Architecture { score, ..Architecture::published(Variant::Tiny, 32) };
        let mut weights = seeded::weights(&architecture, 7);
        weights.tensor_mut(name).f32_mut().iter_mut().for_each(|value| *value *= factor);
        let (networks, mappings) = weights.into_networks_and_mappings();
        check(&architecture, &networks, &mappings)
    }

    #[test]
    fn mappings_that_halves_do_not_hold_are_named() {
        for (name, in_message, score) in [
            ("map_rgb_to_xyz.input.weight", "map_rgb_to_xyz.input", Score::Product),
            ("map_xyz_to_rgb.input.bias", "map_xyz_to_rgb.input", Score::Product),
            ("map_rgb_to_xyz.output.weight", "map_rgb_to_xyz.output", Score::Product),
            ("map_xyz_to_rgb.output.weight", "map_xyz_to_rgb.output", Score::Product),
            ("map_xyz_to_rgb.input.bias", "map_xyz_to_rgb.input", Score::Likelihood),
            ("map_rgb_to_xyz.output.weight", "map_rgb_to_xyz.output", Score::Likelihood),
            ("map_xyz_to_rgb.variance.weight", "map_xyz_to_rgb.variance", Score::Likelihood),
        ] {
            assert_eq!(checked(name, 2.0, score), Ok(()));
            let error = checked(name, 1e7, score).unwrap_err().to_string();
            assert!(error.contains(in_message) && error.contains("cpu back end"), "{name}: {error}");
        }
    }
}
