//! What a picture of an inspection shows.

use crate::defects::Defect;
use crate::frame::RgbdFrame;
use crate::inspect::Inspection;
use crate::prepare::window::Window;
use crate::score::Verdict;

/// The colours of a frame.
#[derive(Clone, Copy)]
pub struct Photograph<'a> {
    /// `[height, width, 3]`.
    pub rgb: &'a [u8],
    pub width: usize,
    pub height: usize,
}

impl<'a> From<&'a RgbdFrame> for Photograph<'a> {
    fn from(frame: &'a RgbdFrame) -> Self {
        Self { rgb: frame.rgb(), width: frame.width(), height: frame.height() }
    }
}

/// What a picture shows.
#[derive(Clone, Copy)]
pub struct Overlay<'a> {
    pub photograph: Photograph<'a>,
    /// The part of the photograph that the maps show.
    pub window: Window,
    /// Pixels that were taken for the part, `[P]`.
    pub kept: &'a [bool],
    /// `[P]`.
    pub anomaly_map: &'a [f32],
    /// Pixels that have a shape feature, `[P]`.
    pub valid: &'a [bool],
    pub score: Option<f32>,
    pub threshold: Option<f32>,
    pub verdict: Option<Verdict>,
    /// What was found, the worst first.
    pub defects: &'a [Defect],
}

impl<'a> Overlay<'a> {
    /// The picture of an inspection of `frame`.
    pub fn from_inspection(frame: &'a RgbdFrame, inspection: &'a Inspection, threshold: Option<f32>) -> Self {
        let Inspection { outcome, input, maps, defects, .. } = inspection;
        Self {
            photograph: frame.into(),
            window: input.window,
            kept: &input.kept,
            anomaly_map: &maps.anomaly_map,
            valid: &maps.valid,
            score: outcome.score(),
            threshold,
            verdict: outcome.verdict(),
            defects: defects.worst(),
        }
    }
}
