//! Compares the preparation of frames with the CPU's.

use half::f16;

use super::compare::{differ, equal};
use crate::backend::cuda::CudaError;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::prepare::{Resizer, remove_plane};
use crate::backend::selftest::Check;
use crate::frame::{OrganisedCloud, RgbdFrame};
use crate::prepare::plane::Plane;
use crate::prepare::{BeltMode, PartChoice, Preparation, prepare};
use crate::shapes::{P, RGB, XYZ};

/// Width and height of the frames: a landscape larger than the networks' input, and a portrait with one side smaller.
const SIZES: [(usize, usize); 2] = [(400, 300), (180, 320)];
const PLANE: Plane = Plane { normal: [0.0, 0.6, 0.8], offset_m: -0.4 };

/// A part on a tilted belt, with holes and random colours.
fn frame(width: usize, height: usize) -> Option<RgbdFrame> {
    let mut random = fastrand::Rng::with_seed(11);
    let mut point = |i: usize| {
        let (x, y) = ((i % width) as f32 * 1e-3, (i / width) as f32 * 1e-3);
        let above = if random.bool() { 0.0 } else { 0.02 * random.f32() };
        let z = (0.4 - above - PLANE.normal[1] * y) / PLANE.normal[2];
        if random.u8(..10) == 0 { [f32::NAN, y, z] } else { [x, y, z] }
    };
    let points = (0..width * height).map(&mut point).collect();
    let rgb = (0..RGB * width * height).map(|_| random.u8(..)).collect();
    RgbdFrame::new(width, height, rgb, OrganisedCloud::new(width, height, points).ok()?).ok()
}

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let mut checks = Vec::new();
    for (width, height) in SIZES {
        let Some(frame) = frame(width, height) else { unreachable!("a frame of {width} x {height} can be made") };
        let how = Preparation { belt: BeltMode::Fixed(PLANE), part: PartChoice::All, ..Preparation::default() };
        let Ok(want) = prepare(&frame, &how) else { unreachable!("a whole frame is prepared") };
        let mut cloud = stream.clone_htod(frame.cloud().points().as_flattened())?;
        let (mut points, mut halves) = (stream.alloc_zeros(P * XYZ)?, stream.alloc_zeros(RGB * P)?);
        remove_plane(kernels, stream, &mut cloud, &PLANE)?;
        let mut resizer = Resizer::new(kernels, stream, width, height)?;
        resizer.cloud(kernels, stream, &cloud, &mut points)?;
        resizer.rgb(kernels, stream, &stream.clone_htod(frame.rgb())?, &mut halves)?;
        let got = (stream.clone_dtoh(&points)?, stream.clone_dtoh(&halves)?);
        let rgb: Vec<u16> = want.rgb.iter().map(|v| f16::from_f32(*v).to_bits()).collect();
        let of = |what: &str| format!("{what} of {width} x {height}");
        checks.push(equal(of("cloud"), "remove_plane, resize_cloud", differ(&got.0, want.cloud.as_flattened())));
        checks.push(equal(of("colour"), "resize_table, resize_columns, resize_rows", differ(&got.1, &rgb)));
    }
    Ok(checks)
}
