//! Compares the registration of depth to colour with the CPU's.

use super::compare::{beside_floors, differ, equal};
use crate::backend::count::{self, Chip};
use crate::backend::cuda::CudaError;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::registration::Registered;
use crate::backend::selftest::{Check, KernelTime};
use crate::calibration::Lens;
use crate::calibration::camera_file::{CameraFile, Extrinsics, Grid};
use crate::calibration::distortion::{Coefficients, Distortion, of_five};
use crate::calibration::registration::{RegisteredDepth, Registration, Tables};

const BENT: [f64; 5] = [0.12, -0.2, 0.002, -0.0015, 0.05];
/// The coefficients of a rational lens, wide enough that the denominator matters.
const RATIONAL: Coefficients = [0.72, -2.89, 0.0008, -0.0001, 1.63, 0.6, -2.72, 1.57];
/// Width and height of both images of the registration that is timed, pixels.
const TIMED: (usize, usize) = (1280, 720);

fn lens((width, height): (usize, usize), focal: f64, distortion: Distortion) -> Lens {
    let coefficients = match distortion {
        Distortion::None => Coefficients::default(),
        Distortion::Rational => RATIONAL,
        _ => of_five(BENT),
    };
    let (cx, cy) = (0.49 * width as f64, 0.52 * height as f64);
    Lens { width, height, fx: focal, fy: focal, cx, cy, distortion, coefficients }
}

/// Two imagers 15 mm apart, one of them rotated a little.
fn camera(depth: (usize, usize), colour: (usize, usize), distortion: Distortion) -> CameraFile {
    let (sin, cos) = 0.03_f64.sin_cos();
    let rotation = [[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]];
    CameraFile {
        depth_unit_m: 0.001,
        depth_offset_m: 0.0,
        grid: Grid::Colour,
        colour: lens(colour, 0.7 * colour.0 as f64, distortion),
        depth: Some(lens(depth, 0.5 * depth.0 as f64, Distortion::None)),
        depth_to_colour: Some(Extrinsics { rotation, translation_m: [0.015, 0.001, -0.002] }),
        provenance: None,
    }
}

/// A depth image with steps in height, holes, and values at both ends of the range.
fn depth(width: usize, height: usize) -> Vec<u16> {
    let mut random = fastrand::Rng::with_seed(13);
    let step = |i: usize| match random.u16(..70) {
        0..10 => 0,
        10 => 1,
        11 => u16::MAX,
        _ => 600 + 40 * ((i % width / 9 + i / width / 7) % 5) as u16 + random.u16(..12),
    };
    (0..width * height).map(step).collect()
}

fn tables(registration: &Registration) -> Tables<'_> {
    registration.tables().unwrap_or_else(|| unreachable!("the cameras of the self-test have two imagers"))
}

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let mut checks = Vec::new();
    for (of_depth, of_colour, distortion) in [
        ((97, 61), (130, 50), Distortion::None),
        ((160, 90), (64, 101), Distortion::BrownConrady),
        ((128, 96), (128, 96), Distortion::ModifiedBrownConrady),
        ((128, 96), (140, 90), Distortion::Rational),
    ] {
        let registration = Registration::new(camera(of_depth, of_colour, distortion));
        let (depth, mut want) = (depth(of_depth.0, of_depth.1), RegisteredDepth::default());
        registration.register(&depth, &mut want);
        let mut registered = Registered::new(stream, &tables(&registration))?;
        let bits = |points: &[[f32; 3]]| points.as_flattened().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let (points, steps) = registered.register(kernels, stream, &depth)?;
        let error = differ(&bits(points), &bits(want.points())) + differ(steps, want.steps());
        let name = format!("depth {} x {} to {} x {}", of_depth.0, of_depth.1, of_colour.0, of_colour.1);
        checks.push(equal(name, "nearest_steps, registered_points", error));
    }
    Ok(checks)
}

/// Times the registration of a full image, `repeats` times after a first one as the warm-up.
pub fn times(device: &Device, repeats: usize, chip: Option<&Chip>) -> Result<Vec<KernelTime>, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let registration = Registration::new(camera(TIMED, TIMED, Distortion::ModifiedBrownConrady));
    let depth = depth(TIMED.0, TIMED.1);
    let mut registered = Registered::new(stream, &tables(&registration))?;
    registered.register(kernels, stream, &depth)?;
    kernels.time();
    for _ in 0..repeats {
        registered.register(kernels, stream, &depth)?;
    }
    Ok(beside_floors(kernels.times_us()?, &count::registration(TIMED, TIMED), chip))
}
