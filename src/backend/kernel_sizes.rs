//! The sizes of networks that the kernels of the GPU take.

use crate::model::Architecture;

/// The halves that one copy of the kernels brings: rows of operands are multiples of it.
pub const CHUNK: usize = 8;
/// The most units that the group encoder's first layer may have.
const UNITS_MAX: usize = 128;
/// The channels of a head, at most.
const DEPTH_MAX: usize = 64;

/// The number of channels rounded up to a multiple of [`CHUNK`]. A channel that is added is zero.
pub fn padded(channels: usize) -> usize {
    channels.next_multiple_of(CHUNK)
}

/// Which size of these networks the kernels do not take; none if they take all.
pub fn wrong_size(architecture: &Architecture) -> Option<String> {
    let (rgb, xyz) = (&architecture.rgb, &architecture.xyz);
    for (network, width, heads) in [("colour", rgb.width, rgb.heads), ("shape", xyz.width, xyz.heads)] {
        if !width.is_multiple_of(CHUNK) {
            return Some(format!("the {network} network is {width} wide where a multiple of {CHUNK} is expected"));
        }
        let depth = width / heads;
        if !depth.is_multiple_of(CHUNK) || depth > DEPTH_MAX {
            return Some(format!(
                "a head of the {network} network has {depth} channels where a multiple of {CHUNK} up to {DEPTH_MAX} is expected"
            ));
        }
    }
    let units = xyz.encoder[0];
    (units > UNITS_MAX)
        .then(|| format!("the group encoder's first layer has {units} units where at most {UNITS_MAX} are expected"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PointMaeShape, Variant};

    #[test]
    fn a_size_that_the_kernels_do_not_take_is_named() {
        let of = |change: fn(&mut Architecture)| {
            let mut architecture = Architecture::published(Variant::Tiny, 128);
            change(&mut architecture);
            wrong_size(&architecture).unwrap_or_default()
        };
        assert_eq!(of(|_| ()), "");
        assert!(of(|a| a.rgb.width = 12).contains("colour network is 12 wide"));
        assert!(of(|a| a.rgb.heads = 192).contains("colour network has 4 channels"));
        let wide = |a: &mut Architecture| a.xyz = PointMaeShape { width: 72, heads: 1, ..a.xyz.clone() };
        assert!(of(wide).contains("shape network has 72 channels"));
        assert!(of(|a| a.xyz.encoder[0] = 129).contains("first layer has 129 units"));
    }
}
