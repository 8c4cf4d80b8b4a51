//! The usual number of points, distance and size of the good parts of a fit.

use super::error::FitError;
use crate::calibration::distance::is_other_unit;
use crate::frame::RgbdFrame;
use crate::model::engine_file::Usual;
use crate::prepare::NetworkInput;

/// Measures of the parts that were added.
#[derive(Default)]
pub struct Usuals {
    points: Vec<usize>,
    depths_m: Vec<f32>,
    size: (usize, usize),
}

impl Usuals {
    /// Refuses a frame in another unit than those before it.
    pub fn check(&self, input: &NetworkInput) -> Result<(), FitError> {
        match (input.taken.depth_m, self.median()) {
            (Some(depth_m), Some(usual)) if is_other_unit(depth_m, usual.depth_m) => {
                Err(FitError::Unit { depth_m, usual_m: usual.depth_m })
            }
            _ => Ok(()),
        }
    }

    pub fn add(&mut self, frame: &RgbdFrame, input: &NetworkInput) {
        self.points.push(input.points());
        self.depths_m.extend(input.taken.depth_m);
        self.size = (frame.width(), frame.height());
    }

    /// The medians; none before the first part.
    pub fn median(&self) -> Option<Usual> {
        let (mut points, mut depths_m) = (self.points.clone(), self.depths_m.clone());
        points.sort_unstable();
        depths_m.sort_unstable_by(f32::total_cmp);
        let (width, height) = self.size;
        let (points, depth_m) = (*points.get(points.len() / 2)?, *depths_m.get(depths_m.len() / 2)?);
        Some(Usual { points, depth_m, width, height })
    }
}
