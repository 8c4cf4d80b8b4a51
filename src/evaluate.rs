//! How good an engine is, measured as the field measures it (section 4).

pub mod curves;
pub mod gallery;
pub mod metrics;
pub mod plots;
pub mod protocol;
pub mod report;
