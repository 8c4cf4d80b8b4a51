//! Crossmodal feature mapping (arXiv 2312.04521) for RGB-D smart cameras.
//!
//! ```text
//! RgbdFrame -> prepare -> rgb tokens -+-> anomaly map -> score -> verdict
//!                      -> xyz groups -+        (mapping, both ways)
//! ```

pub mod areas;
pub mod backend;
pub mod bench;
pub mod calibration;
pub mod camera;
pub mod clock;
pub mod collect;
pub mod config;
pub mod conformal;
pub mod dataset;
pub mod defects;
pub mod doctor;
pub mod evaluate;
pub mod files;
pub mod fit;
pub mod fold;
pub mod frame;
pub mod gap;
pub mod inspect;
pub mod model;
pub mod mqtt;
pub mod onnx;
pub mod overlay;
pub mod ownership;
pub mod plan;
mod plots;
pub mod prepare;
pub mod preview;
pub mod priority;
pub mod procedural;
pub mod quality;
mod random;
pub mod regions;
pub mod reject;
pub mod runtime;
pub mod scene;
pub mod score;
pub mod shapes;
pub mod signature;
pub mod solids;
pub mod spatial;
pub mod station;
pub mod text;
pub mod toml_errors;
mod vectorised;
pub mod view;
pub mod words;
mod yaml;
