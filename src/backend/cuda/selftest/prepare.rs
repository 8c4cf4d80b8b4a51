//! Compares the preparation of frames with the CPU's.

use std::sync::Arc;

use super::compare::{differ, equal};
use crate::backend::cuda::CudaError;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::pixels::{GpuWork, Pixels};
use crate::backend::cuda::resident::Residents;
use crate::backend::selftest::Check;
use crate::calibration::Intrinsics;
use crate::frame::{OrganisedCloud, RgbdFrame};
use crate::prepare::crop::Crop;
use crate::prepare::plane::Plane;
use crate::prepare::{BeltMode, NetworkInput, PartChoice, Preparation, Preparer};
use crate::shapes::RGB;

/// Width and height of the frames: a landscape larger than the networks' input, and a portrait with one side smaller.
const SIZES: [(usize, usize); 2] = [(400, 300), (180, 320)];
const PLANE: Plane = Plane { normal: [0.0, 0.6, 0.8], offset_m: -0.4 };
/// The pixels of a camera that a point moves by when x grows by its own depth.
const FOCAL: f32 = 400.0;

const KERNELS_OF_POINTS: &str = "points_of_cloud or points_of_steps, link_runs, join_runs, component_*, window_points";
const KERNELS_OF_COLOUR: &str = "resize_table, resize_columns, resize_rows";

/// Parts on a tilted belt before a camera, with holes and random colours; a tenth of the belt is noise.
fn frame(width: usize, height: usize) -> RgbdFrame {
    let mut random = fastrand::Rng::with_seed(11);
    let mut point = |i: usize| {
        let (u, v) = (i % width, i / width);
        let ray = [(u as f32 - width as f32 / 2.0) / FOCAL, (v as f32 - height as f32 / 2.0) / FOCAL, 1.0];
        let is_part = (u / 50 + v / 40) % 3 == 0 && u % 50 > 8 && v % 40 > 8;
        let above = if is_part { 0.02 } else { 0.0 } + if random.u8(..10) == 0 { 0.02 * random.f32() } else { 0.0 };
        let facing = PLANE.normal[1] * ray[1] + PLANE.normal[2];
        let z = (-PLANE.offset_m - above) / facing;
        if random.u8(..10) == 0 { [f32::NAN, 0.0, z] } else { ray.map(|r| r * z) }
    };
    let points = (0..width * height).map(&mut point).collect();
    let rgb = (0..RGB * width * height).map(|_| random.u8(..)).collect();
    let made = OrganisedCloud::new(width, height, points).and_then(|cloud| RgbdFrame::new(width, height, rgb, cloud));
    made.unwrap_or_else(|error| unreachable!("a frame of the self-test: {error}"))
}

/// The same scene as a camera measures it: depth steps of a millimetre, from which points are made.
fn measured(width: usize, height: usize) -> RgbdFrame {
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let camera = Intrinsics { fx: FOCAL, fy: FOCAL, cx, cy, depth_unit_m: 0.001, depth_offset_m: 0.0 };
    let scene = frame(width, height);
    let steps: Vec<u16> = scene.cloud().points().iter().map(|point| (1e3 * point[2]).round() as u16).collect();
    let mut made = RgbdFrame::blank();
    let size = (width, height);
    match made.fill((scene.rgb(), size), (camera.points(&steps, width), size)) {
        Ok(()) => made.keep_depth(&steps, &Arc::new(camera.rays(size))),
        Err(error) => unreachable!("a frame of the self-test: {error}"),
    }
    made
}

/// Scenes that need every kernel, with their names.
fn scenes(width: usize, height: usize) -> [(&'static str, Preparation); 4] {
    let belt = BeltMode::Fixed(PLANE);
    let of = |part, crop| Preparation { belt, part, crop, ..Preparation::default() };
    let (right, bottom) = (width as f32 - 10.0, height as f32 - 20.0);
    let polygon = Some(vec![[5.0, 10.0], [right, 30.0], [right - 20.0, bottom], [30.0, bottom]]);
    let rectangle = Some([12, 20, width - 30, height - 40]);
    [
        ("all parts", of(PartChoice::All, Crop::default())),
        ("the largest part", of(PartChoice::Largest, Crop { polygon, ..Crop::default() })),
        ("the part in the middle", of(PartChoice::Centre, Crop { rectangle, ..Crop::default() })),
        ("a window", of(PartChoice::Centre, Crop { follow_mm: Some(80.0), ..Crop::default() })),
    ]
}

pub fn checks(device: &Device) -> Result<Vec<Check>, CudaError> {
    let mut pixels = Pixels::new(device, Arc::new(Residents::new(&device.shape)?))?;
    let mut checks = Vec::new();
    for (width, height) in SIZES {
        let frames = [frame(width, height), measured(width, height)];
        let scenes = scenes(width, height);
        let each = scenes.iter().flat_map(|(scene, how)| frames.iter().map(move |frame| (scene, how, frame)));
        for (scene, how, frame) in each {
            let mut preparer = Preparer::default();
            let [mut want, mut got] = [NetworkInput::default(), NetworkInput::default()];
            let mut work = GpuWork { device, pixels: &mut pixels };
            let prepared = preparer.run(frame, how, None, &mut want);
            let prepared = prepared.and_then(|()| preparer.run_on(&mut work, frame, how, None, &mut got));
            prepared.unwrap_or_else(|misfit| unreachable!("a crop of the self-test: {misfit}"));
            // What the CPU had to do in its place is no result of the device.
            let differs = |of: f64| if preparer.has_failed() { f64::INFINITY } else { of };
            let place = f64::from(u8::from((got.window, got.taken) != (want.window, want.taken)));
            let points = differ(got.cloud.as_flattened(), want.cloud.as_flattened()) + place;
            let of = if frame.depth().is_some() { "depth steps" } else { "a cloud" };
            let name = |what: &str| format!("{what} of {width} x {height}, {scene}, of {of}");
            checks.push(equal(name("cloud"), KERNELS_OF_POINTS, differs(points)));
            checks.push(equal(name("colour"), KERNELS_OF_COLOUR, differs(differ(&got.rgb, &want.rgb))));
        }
    }
    Ok(checks)
}
