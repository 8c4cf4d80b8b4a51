//! The sizes of networks that the kernels of the GPU take.

use std::ops::Range;

use crate::model::Architecture;

/// The halves that one copy of the kernels brings: rows of operands are multiples of it.
pub const CHUNK: usize = 8;
/// The most units that the group encoder's first layer may have.
const UNITS_MAX: usize = 128;
/// The channels of a head, at most.
const DEPTH_MAX: usize = 64;
/// The least number of halves for each pixel where a likelihood's heads are computed: with fewer, narrow mappings would
/// read their units once for a few channels.
const HEADS_ROOM_MIN: usize = 512;

/// The number of channels rounded up to a multiple of [`CHUNK`]. A channel that is added is zero.
pub fn padded(channels: usize) -> usize {
    channels.next_multiple_of(CHUNK)
}

/// The halves for each pixel where a likelihood's heads of some channels are computed, if `hidden` is M: where the first
/// layer's units were, so that only narrow mappings need more than these.
pub fn heads_room(hidden: usize) -> usize {
    padded(hidden).max(HEADS_ROOM_MIN)
}

/// The channels of a prediction that a likelihood compares at a time, both heads of each: as many as there is room for, and
/// about as many each time. `hidden` is M; the channels are [`padded`].
pub fn head_panels(hidden: usize, c_out: usize) -> impl Iterator<Item = Range<usize>> {
    let (all, most) = (padded(c_out), heads_room(hidden) / (2 * CHUNK));
    let width = (all / CHUNK).div_ceil((all / CHUNK).div_ceil(most)) * CHUNK;
    (0..all).step_by(width).map(move |first| first..all.min(first + width))
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
    fn the_heads_of_all_channels_have_room() {
        let panels = |hidden, c_out| head_panels(hidden, c_out).collect::<Vec<_>>();
        // The published sizes, Small's and Tiny's.
        assert_eq!(panels(960, 1152), [0..384, 384..768, 768..1152]);
        assert_eq!(panels(960, 768), [0..384, 384..768]);
        assert_eq!(panels(576, 384), [0..192, 192..384]);
        assert_eq!(panels(16, 13), std::iter::once(0..16).collect::<Vec<_>>());
        for (hidden, c_out) in [(8, 256), (8, 257), (600, 601), (1000, 4097)] {
            let found = panels(hidden, c_out);
            assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start), "{found:?}");
            assert_eq!((found[0].start, found[found.len() - 1].end), (0, padded(c_out)));
            let fits =
                |panel: &Range<usize>| panel.len().is_multiple_of(CHUNK) && 2 * panel.len() <= heads_room(hidden);
            assert!(found.iter().all(fits), "{found:?}");
        }
    }

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
