//! The threads of a back end, and the memory of each for every stage.

use super::aligned::{Aligned, grow_like};
use super::packed;
use super::team::Team;
use crate::spatial::grouping::NearestScratch;

/// The threads of a back end, each with memory of its own.
pub type Workers = Team<Scratch>;

/// Memory of one thread.
#[derive(Default)]
pub struct Scratch {
    pub product: packed::Scratch,
    pub attention: AttentionScratch,
    pub encoder: EncoderScratch,
    pub mapping: MappingScratch,
    pub nearest: NearestScratch,
    /// Bounds of a search for centres.
    pub bounds: Vec<f32>,
    /// The place of each group in a sparse row.
    pub places: Vec<u32>,
}

impl Scratch {
    /// Makes room for as much as another thread ever needed.
    pub fn grow_like(&mut self, other: &Self) {
        self.product.grow_like(&other.product);
        self.attention.grow_like(&other.attention);
        self.encoder.grow_like(&other.encoder);
        self.mapping.grow_like(&other.mapping);
        grow_like(&mut self.nearest.bounds, &other.nearest.bounds);
        grow_like(&mut self.nearest.found, &other.nearest.found);
        grow_like(&mut self.bounds, &other.bounds);
        grow_like(&mut self.places, &other.places);
    }
}

impl AsMut<packed::Scratch> for Scratch {
    fn as_mut(&mut self) -> &mut packed::Scratch {
        &mut self.product
    }
}

/// A tile of queries in attention.
#[derive(Default)]
pub struct AttentionScratch {
    /// Queries scaled by one over the root of the depth, `[queries, depth]`.
    pub queries: Aligned,
    /// `[queries, KEYS]`.
    pub scores: Aligned,
    /// Attended values, not yet divided by `total`, `[queries, panels of depth x columns]`.
    pub attended: Aligned,
    /// The largest score of each query so far, and the sum of its exponentials.
    pub largest: Vec<f32>,
    pub total: Vec<f32>,
}

impl AttentionScratch {
    pub fn grow_like(&mut self, other: &Self) {
        self.queries.grow_like(&other.queries);
        self.scores.grow_like(&other.scores);
        self.attended.grow_like(&other.attended);
        grow_like(&mut self.largest, &other.largest);
        grow_like(&mut self.total, &other.total);
    }
}

/// Points of some groups in the group encoder.
#[derive(Default)]
pub struct EncoderScratch {
    pub offsets: Vec<f32>,
    pub first: Aligned,
    pub third: Aligned,
}

impl EncoderScratch {
    pub fn grow_like(&mut self, other: &Self) {
        self.first.grow_like(&other.first);
        self.third.grow_like(&other.third);
        grow_like(&mut self.offsets, &other.offsets);
    }
}

/// Pixels in a mapping.
#[derive(Default)]
pub struct MappingScratch {
    pub first: Aligned,
    pub hidden: Aligned,
    /// |E|^2 of each pixel.
    pub predicted: Vec<f32>,
    /// Squared differences of some channels, `[pixels, channels]`.
    pub squares: Aligned,
}

impl MappingScratch {
    pub fn grow_like(&mut self, other: &Self) {
        self.first.grow_like(&other.first);
        self.hidden.grow_like(&other.hidden);
        self.squares.grow_like(&other.squares);
        grow_like(&mut self.predicted, &other.predicted);
    }
}
