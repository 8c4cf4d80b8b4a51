//! The CPU back end. It needs nothing installed, uses every core, and allocates nothing after the first frame.

pub mod aligned;
pub mod anomaly;
mod attention;
mod backend;
mod cells;
pub mod elementwise;
pub mod group_encoder;
pub mod kernel;
pub mod layer;
pub mod mapping;
mod networks;
pub mod operands;
pub mod packed;
mod pixels;
pub mod point_mae;
mod rounding;
pub mod searches;
pub mod team;
pub mod training;
pub mod transformer;
pub mod vit;
pub mod workers;

pub use backend::CpuBackend;
pub use networks::CpuNetworks;
