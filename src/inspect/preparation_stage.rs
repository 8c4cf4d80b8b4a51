//! The first half of an inspection: a frame becomes the networks' input.

use std::time::Instant;

use super::doubt::Doubt;
use super::error::InspectError;
use super::inspection::{Inspection, StageTimes};
use super::outcome::Outcome;
use crate::backend::PreparationMachine;
use crate::backend::gpu_frame::GpuTimes;
use crate::calibration::distance::is_other_unit;
use crate::frame::RgbdFrame;
use crate::model::engine_file::Usual;
use crate::prepare::crop::CropMisfit;
use crate::prepare::{NetworkInput, PartChoice, Preparation, Preparer};

/// Prepares the frames of an engine, in buffers that frames reuse.
pub struct PreparationStage {
    /// The machine that does the work on every pixel; none if the CPU does it.
    machine: Option<Box<dyn PreparationMachine>>,
    preparer: Preparer,
    pub(super) preparation: Preparation,
    usual: Option<Usual>,
}

impl PreparationStage {
    pub(super) fn new(
        machine: Option<Box<dyn PreparationMachine>>,
        preparation: Preparation,
        usual: Option<Usual>,
    ) -> Self {
        Self { machine, preparer: Preparer::default(), preparation, usual }
    }

    /// Whether a frame can be prepared while the one before is scored without taking time from it, as the work is done
    /// by a GPU.
    pub fn runs_beside(&self) -> bool {
        self.machine.is_some()
    }

    /// Prepares a frame, or the part of it whose middle in the photograph is `at`, and checks what was found.
    pub fn run(
        &mut self,
        frame: &RgbdFrame,
        at: Option<[f32; 2]>,
        inspection: &mut Inspection,
    ) -> Result<(), InspectError> {
        let start = Instant::now();
        inspection.outcome = Outcome::default();
        self.check_size(frame)?;
        let Self { machine, preparer, preparation, .. } = self;
        match machine {
            Some(machine) => machine.prepare(preparer, frame, preparation, at, &mut inspection.input)?,
            None => preparer.run(frame, preparation, at, &mut inspection.input)?,
        }
        inspection.times = StageTimes { prepare: start.elapsed(), ..StageTimes::default() };
        self.check_unit(&inspection.input)?;
        inspection.doubt = Doubt::from_input(&inspection.input, self.preparation.part, self.usual.as_ref());
        Ok(())
    }

    pub(super) fn measure(&mut self) {
        if let Some(machine) = &mut self.machine {
            machine.measure();
        }
    }

    /// The times of the last preparation on the GPU; none if the CPU prepares frames.
    pub(super) fn gpu_times(&self) -> Result<Option<GpuTimes>, InspectError> {
        Ok(self.machine.as_ref().map_or(Ok(None), |machine| machine.times())?)
    }

    /// The middle `[x, y]` of each part of a frame that is inspected by itself, in pixels of the photograph; none if the
    /// engine inspects one part for each frame.
    pub(super) fn parts(&mut self, frame: &RgbdFrame) -> Result<Vec<[f32; 2]>, CropMisfit> {
        match self.preparation.part {
            PartChoice::Each => self.preparer.parts(frame, &self.preparation),
            _ => Ok(Vec::new()),
        }
    }

    /// A crop in pixels needs photographs of the size that the engine was fitted on.
    fn check_size(&self, frame: &RgbdFrame) -> Result<(), CropMisfit> {
        let Some(Usual { width: fitted_width, height: fitted_height, .. }) = self.usual else { return Ok(()) };
        let (width, height) = (frame.width(), frame.height());
        if self.preparation.crop.is_in_pixels() && (width, height) != (fitted_width, fitted_height) {
            return Err(CropMisfit::Size { width, height, fitted_width, fitted_height });
        }
        Ok(())
    }

    fn check_unit(&self, input: &NetworkInput) -> Result<(), InspectError> {
        match (input.taken.depth_m, &self.usual) {
            (Some(depth_m), Some(usual)) if is_other_unit(depth_m, usual.depth_m) => {
                Err(InspectError::Unit { depth_m, usual_m: usual.depth_m })
            }
            _ => Ok(()),
        }
    }
}
