//! How good an engine is, measured as the field measures it (section 4).

pub mod compare;
pub mod confusion;
pub mod curves;
pub mod defect_size;
pub mod deviation;
pub mod document;
pub mod gallery;
pub mod good_frames;
pub mod good_scores;
pub mod html;
pub mod interval;
pub mod line;
pub mod metrics;
pub mod plots;
pub mod protocol;
pub mod report;
pub mod sizes;
pub mod tables;
pub mod tested;
