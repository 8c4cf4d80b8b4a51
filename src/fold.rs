//! Exact rewrites of an engine's networks, which every machine evaluates in place of the networks as they were trained:
//! a BatchNorm becomes part of the layer before it, the scale of an attention part of its queries, layers without a non-linearity between them become one, and the
//! length of a mapping's output is computed without its last layer. Results are the same up to rounding. `range` bounds the values
//! of the networks by their weights.

pub mod attention;
pub mod encoder;
pub mod factor;
pub mod likelihood;
pub mod linear;
pub mod mapping;
pub mod range;
