//! Crosscheck finds defects on parts that a camera sees in colour and in depth (RGB-D), after it has learnt from a few good
//! parts. It is the method of crossmodal feature mapping (arXiv 2312.04521): where the colour that is seen and the shape
//! that is seen do not predict each other as on good parts, something is wrong. Everything runs on the CPU; GPUs are an option.
//!
//! ```text
//!                       +-> features of colour --+
//! RgbdFrame -> prepare -+    predict each other  +-> anomaly map -> score -> Verdict
//!                       +-> features of shape ---+
//! ```
//!
//! # In ten lines
//!
//! The frames come from a synthetic scene here; those of a camera are made by [`RgbdFrame::new`]. The fit is a short one, so
//! that this example runs in seconds: [`FitSettings::of`] gives what suits real parts.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use crosscheck::scene::{Defect, Part, Scene};
//! use crosscheck::{Engine, Fit, FitSettings, Inspector, calibrate};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scene = Scene::new(Part::Puck, 1);
//! let settings = FitSettings { epochs: 8, ..FitSettings::default() };
//! let mut fit = Fit::new(Engine::built_in()?, settings, std::env::temp_dir())?;
//! for number in 0..4 {
//!     fit.add(&scene.nominal(number).frame)?;
//! }
//! let mut inspector = Inspector::new(fit.run(None, &mut |_| ControlFlow::Continue(()))?)?;
//!
//! // The threshold is found on good parts that the fit has not seen: it rejects one in ten.
//! let mut scores = Vec::new();
//! for number in 10..19 {
//!     scores.push(inspector.inspect(&scene.nominal(number).frame)?.ranked_score());
//! }
//! inspector.set_thresholds(calibrate(&scores, 0.1, None)?.thresholds());
//!
//! let inspection = inspector.inspect(&scene.defective(20, Defect::ForeignBody).frame)?;
//! assert!(inspection.outcome.rejects());
//! for defect in inspection.defects.worst() {
//!     println!("{defect}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The folder `examples` has programs that go on from here: `inspect_files`, `fit_and_calibrate`, `own_camera`, `own_sink`
//! and `stream`. Each runs without arguments, `cargo run --release --example stream`.
//!
//! # What is where
//!
//! | To do | Take |
//! |---|---|
//! | make a frame of an image and points | [`RgbdFrame`], [`OrganisedCloud`]; of a depth image, [`calibration::Camera`] |
//! | read frames from files | [`dataset`] |
//! | learn from good parts | [`Fit`], [`FitSettings`] |
//! | find the threshold | [`calibrate`], [`Calibration`] |
//! | read and write what was learnt | [`Engine`], [`Metadata`] |
//! | inspect a frame | [`Inspector`], [`Inspection`], [`Outcome`], [`Verdict`], [`Defect`] |
//! | say which part of the frame is looked at | [`prepare::Preparation`] |
//! | bring a camera | [`camera::FrameSource`] |
//! | drive an ejector, or another output | [`reject`] |
//! | have frames without a camera | [`scene`] |
//!
//! # Units and shapes
//!
//! - Points are in metres in the camera's frame: x to the right, y down, z forward. The origin (0, 0, 0) stands for "no
//!   point". Names end in their unit where it is another one: `_mm`, `_mm2`, `_ns`.
//! - Pixels of the photograph count from the upper left corner, `[x, y]`; images are row-major, `[height, width]`.
//! - Networks, anomaly maps and masks have a grid of their own, 224 x 224 network pixels, named `[P]`.
//!   [`prepare::Window`] tells where it lies in the photograph.
//! - Scores have no unit. They compare only between frames of one engine.
//!
//! # Features
//!
//! All are off by default.
//!
//! | Feature | Adds | Needs |
//! |---|---|---|
//! | `cuda` | networks and mappings on NVIDIA's GPUs ([`MachineChoice::Cuda`]) | a driver, when it is used |
//! | `tensorrt` | the two networks by TensorRT; includes `cuda` | TensorRT's headers at build time, its libraries when it is used |
//! | `mqtt` | verdicts over MQTT, in stations | - |
//! | `v4l` | cameras of Linux's video interface, in stations | libclang, at build time |
//! | `realsense` | RealSense cameras, in stations | librealsense 2.56, to link and to run |
//! | `genicam` | GigE Vision and USB3 Vision cameras, in stations | Aravis 0.8.25, to build and to run |
//!
//! # What stays
//!
//! Semantic versions cover what this page shows: the items at the root and the modules that are listed below, without what
//! they hide. Until 1.0 a minor version (0.x) may change it, and CHANGELOG.md says how. Hidden modules and items
//! (`#[doc(hidden)]`) are those of the program `crosscheck` and of its tests, and may change in any version.
//!
//! Enums of errors and of reasons are `#[non_exhaustive]`, as are results such as [`Inspection`]. [`FitSettings`],
//! [`prepare::Preparation`] and other settings are not, so that a caller can write them in one piece. Minor versions add
//! fields to them: end them with a default, `FitSettings { epochs: 100, ..FitSettings::of(variant) }`. [`Outcome`],
//! [`Verdict`] and [`reject::Event`] are complete: a `match` that forgets a case must not compile.
//!
//! A whole station, with triggers, recording and the live page, is the program's `crosscheck run`. It does not take a
//! camera or an output of another crate yet; the examples `own_camera` and `own_sink` show the two ends of one.
//!
//! Of other crates, the surface names `heapless` 0.9, in [`reject::Edges`], and the traits of `serde` 1. The crate runs on
//! Linux: stations need its clocks, GPIO and real-time threads.

#![warn(missing_docs)]

mod areas;
pub mod calibration;
pub mod camera;
pub mod dataset;
mod locked;
mod median;
mod pem;
mod plots;
pub mod prepare;
mod priority;
mod quality;
mod queue;
mod random;
pub mod reject;
pub mod scene;
mod seats;
mod server_thread;
mod sqlite;
mod toml_errors;
mod vector;
mod vectorised;
mod yaml;

// What the program and the tests take from the library, each of which is a crate of its own, and what the surface below is
// made in. These modules are public for them alone.
#[doc(hidden)]
pub mod action;
#[doc(hidden)]
pub mod audit;
#[doc(hidden)]
pub mod backend;
#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod collect;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod conformal;
#[doc(hidden)]
pub mod defects;
#[doc(hidden)]
pub mod doctor;
#[doc(hidden)]
pub mod evaluate;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod fit;
#[doc(hidden)]
pub mod fold;
#[doc(hidden)]
pub mod frame;
#[doc(hidden)]
pub mod gap;
#[doc(hidden)]
pub mod identity;
#[doc(hidden)]
pub mod inspect;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod mqtt;
#[doc(hidden)]
pub mod onnx;
#[doc(hidden)]
pub mod overlay;
// Only the feature tensorrt needs all of it.
#[doc(hidden)]
pub mod ownership;
#[doc(hidden)]
pub mod people;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod plc;
#[doc(hidden)]
pub mod preview;
#[doc(hidden)]
pub mod procedural;
#[doc(hidden)]
pub mod regions;
#[doc(hidden)]
pub mod review;
#[doc(hidden)]
pub mod runtime;
#[doc(hidden)]
pub mod score;
#[doc(hidden)]
pub mod shapes;
#[doc(hidden)]
pub mod signature;
#[doc(hidden)]
pub mod solids;
#[doc(hidden)]
pub mod spatial;
#[doc(hidden)]
pub mod station;
#[doc(hidden)]
pub mod teach;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod trace;
#[doc(hidden)]
pub mod view;
#[doc(hidden)]
pub mod words;

pub use backend::{AnomalyMaps, Arithmetic, BackendError, Choice as MachineChoice};
pub use conformal::{CalibrateError, Calibration, calibrate};
pub use defects::{Defect, Defects, Kind as DefectKind, Outline as DefectOutline};
pub use fit::{Added, Decay, Fit, FitError, FitSettings, Keep, LearntPart, Progress, Turned};
pub use frame::{FrameError, OrganisedCloud, Region, RgbdFrame};
pub use gap::{Gap, GapError, Measure as GapMeasure};
pub use inspect::{Doubt, InspectError, Inspection, Inspector, Outcome, Scores, StageTimes, Unscored};
pub use model::engine_file::{Engine, EngineError, Metadata, Usual};
pub use model::{Score, Variant};
pub use regions::Misfit as RegionsMisfit;
pub use score::{Thresholds, Verdict};
pub use signature::{Keys, SignatureError};
pub use words::UnknownWord;
