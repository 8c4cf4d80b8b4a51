//! What the method computes on points and pixels, on the host and without a network: farthest point sampling, nearest
//! neighbours, the rows that carry tokens and groups to pixels (section 3.1), and the smoothing of an anomaly map
//! (section 3.3). Every back end gives these results; the CPU runs these functions.

pub mod grouping;
pub mod rows;
pub mod smoothing;
mod tree;
