//! How good an engine is, measured as the field measures it (section 4).

pub mod curves;
pub mod defect_size;
pub mod gallery;
pub mod interval;
pub mod line;
pub mod metrics;
pub mod plots;
pub mod protocol;
pub mod report;
pub mod sizes;
mod tables;
pub mod tested;
