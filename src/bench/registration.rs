//! Registration of depth to colour by itself: the time that it takes before a frame is inspected.

use std::time::Instant;

use serde::Serialize;
use thiserror::Error;

use super::ceilings::processor_ms;
use super::spread::Spread;
use crate::backend::{BackendError, Machine};
use crate::calibration::Camera;
use crate::calibration::registration::{RegisteredDepth, Tables};
use crate::frame::is_point;

/// The scene: a belt whose distance from the camera grows across the image, with bars on it.
const NEAR_M: f32 = 0.5;
const SLOPE_M: f32 = 0.1;
const BAR_M: f32 = 0.01;
const BAR_PIXELS: usize = 40;

#[derive(Debug, Error)]
pub enum RegistrationError {
    #[error(
        "nothing is registered with this camera file: give one with [depth] and [depth_to_colour], without grid = \"depth\""
    )]
    NothingMoves,
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error("the GPU does not register depth: {0}")]
    Gpu(String),
}

/// The report of `crosscheck bench --registration`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `cpu`, on one thread, or `cuda`, including the copies to and from the device.
    pub backend: &'static str,
    /// Number of images that were measured, after one for warming up.
    pub frames: usize,
    /// Width and height.
    pub depth: (usize, usize),
    pub colour: (usize, usize),
    /// Pixels of the colour image that have a point.
    pub points: usize,
    pub latency_ms: Spread,
    /// Processor time of an image; none if the system does not report it.
    pub processor_ms: Option<f64>,
}

/// Registers a synthetic depth image of the camera's size, once to warm up and then `frames` times.
pub fn measure(camera: &Camera, machine: Machine, frames: usize) -> Result<Report, RegistrationError> {
    let Camera::Lenses(registration) = camera else { return Err(RegistrationError::NothingMoves) };
    let tables = registration.tables().ok_or(RegistrationError::NothingMoves)?;
    let depth = depth(&tables);
    let mut points = 0;
    let mut count = |found: &[[f32; 3]], _: &[u16]| points = found.iter().filter(|point| is_point(point)).count();
    let (ms, processor_ms) = match (machine.registrar(), machine) {
        (Some(open), _) => {
            let mut registrar = open(registration).map_err(RegistrationError::Gpu)?;
            registrar.register(&depth, &mut count).map_err(RegistrationError::Gpu)?;
            let mut again = || registrar.register(&depth, &mut |_, _| ()).map_err(RegistrationError::Gpu);
            times_ms(frames, &mut again)?
        }
        (None, Machine::Cuda) => return Err(BackendError::NotBuilt.into()),
        (None, _) => {
            let mut registered = RegisteredDepth::default();
            registration.register(&depth, &mut registered);
            count(registered.points(), registered.steps());
            times_ms(frames, &mut || {
                registration.register(&depth, &mut registered);
                Ok(())
            })?
        }
    };
    let (depth, colour) = (tables.depth_size, tables.size);
    let (backend, frames) = (machine.name(), ms.len());
    Ok(Report { backend, frames, depth, colour, points, latency_ms: Spread::of(ms), processor_ms })
}

/// The time of each image, and the processor time of one, milliseconds.
fn times_ms(
    frames: usize,
    register: &mut dyn FnMut() -> Result<(), RegistrationError>,
) -> Result<(Vec<f64>, Option<f64>), RegistrationError> {
    let before = processor_ms();
    let time = |_| {
        let start = Instant::now();
        register().map(|()| 1e3 * start.elapsed().as_secs_f64())
    };
    let ms: Vec<f64> = (0..frames.max(1)).map(time).collect::<Result<_, _>>()?;
    let spent = processor_ms().zip(before).map(|(after, before)| (after - before) / ms.len() as f64);
    Ok((ms, spent))
}

/// A depth image `[depth height, depth width]` in steps, with a depth at every pixel.
fn depth(tables: &Tables<'_>) -> Vec<u16> {
    let (width, height) = tables.depth_size;
    let step = |i: usize| {
        let bar = if (i % width / BAR_PIXELS).is_multiple_of(2) { BAR_M } else { 0.0 };
        let depth_m = NEAR_M + SLOPE_M * (i / width) as f32 / height as f32 - bar;
        // The conversion saturates: if the unit is too fine for the scene, depths are at the end of the range.
        ((depth_m - tables.depth_offset_m) / tables.depth_unit_m).max(1.0) as u16
    };
    (0..width * height).map(step).collect()
}
