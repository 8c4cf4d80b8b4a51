//! Registration of depth to colour (`kernels/registration.cu`). It has a stream of its own, beside those of the frames.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::buffers::Shared;
use super::device::Device;
use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::calibration::assembly::{Registrar, Take};
use crate::calibration::distortion::Formula;
use crate::calibration::registration::{Registration, Tables};
use crate::shapes::XYZ;

const PIXEL_THREADS: usize = 256;

/// A camera's tables on the device, and the buffers of a frame.
pub struct Registered {
    /// Width and height of the depth image, and of the registered frame.
    depth_size: (usize, usize),
    size: (usize, usize),
    /// Unit and offset of a depth, metres.
    depth_m: [f32; 2],
    /// What is added to a depth for its point, metres: how far the colour imager is ahead of the depth imager.
    ahead_m: f32,
    /// The colour imager's translation in metres (3 values), focal lengths (2) and principal point (2) in pixels.
    position: [f32; 7],
    /// The number of the distortion's formula in the kernel.
    bent: i32,
    /// k1, k2, p1, p2, k3, k4, k5, k6.
    coefficients: [f32; 8],
    /// The square of the distance from the axis beyond which the lens shows no point.
    r2_max: f32,
    /// The rays of the depth pixels' corners along each axis, `[depth height + 1, depth width + 1]` each.
    corners: [CudaSlice<f32>; 3],
    /// The rays of the colour pixels, `[height, width, 3]`.
    rays: CudaSlice<f32>,
    /// Depths in steps of the unit, `[depth height, depth width]`.
    depth: Shared<u16>,
    /// Larger for a nearer point, zero where there is none, `[height, width]`.
    nearness: CudaSlice<u32>,
    /// `[height, width, 3]`, metres.
    points: Shared<f32>,
    /// The depth steps that they were made from, `[height, width]`.
    steps: Shared<u16>,
}

impl Registered {
    pub fn new(stream: &Arc<CudaStream>, tables: &Tables<'_>) -> Result<Self, CudaError> {
        let (depth_pixels, pixels) = (tables.depth_size.0 * tables.depth_size.1, tables.size.0 * tables.size.1);
        let projection = tables.projection;
        let ([dx, dy, dz], [fx, fy], [cx, cy]) = (projection.translation, projection.focal, projection.centre);
        let [x, y, z] = tables.corners;
        Ok(Self {
            depth_size: tables.depth_size,
            size: tables.size,
            depth_m: [tables.depth_unit_m, tables.depth_offset_m],
            ahead_m: tables.ahead_m,
            position: [dx, dy, dz, fx, fy, cx, cy],
            bent: match projection.formula {
                Formula::None => 0,
                Formula::Brown => 1,
                Formula::Modified => 2,
                Formula::Rational => 3,
            },
            coefficients: projection.coefficients,
            r2_max: projection.r2_max,
            corners: [stream.clone_htod(x)?, stream.clone_htod(y)?, stream.clone_htod(z)?],
            rays: stream.clone_htod(tables.rays.as_flattened())?,
            depth: Shared::new(stream, depth_pixels)?,
            nearness: stream.alloc_zeros(pixels)?,
            points: Shared::new(stream, pixels * XYZ)?,
            steps: Shared::new(stream, pixels)?,
        })
    }

    /// depth `[depth height, depth width]`, in steps of the unit -> points `[height, width]`, metres, the origin where
    /// there is no point; and the steps that they were made from, 0 where there is none.
    pub fn register(
        &mut self,
        kernels: &Kernels,
        stream: &Arc<CudaStream>,
        depth: &[u16],
    ) -> Result<(&[[f32; 3]], &[u16]), CudaError> {
        assert_eq!(
            depth.len(),
            self.depth_size.0 * self.depth_size.1,
            "the depth image does not have the camera's size"
        );
        self.depth.host_mut().copy_from_slice(depth);
        self.depth.upload(stream)?;
        self.nearest_steps(kernels, stream)?;
        self.registered_points(kernels, stream)?;
        self.steps.download(stream)?;
        Ok((self.points.fetch(stream)?.as_chunks().0, self.steps.host()))
    }

    fn nearest_steps(&mut self, kernels: &Kernels, stream: &Arc<CudaStream>) -> Result<(), CudaError> {
        stream.memset_zeros(&mut self.nearness)?;
        let [depth_width, depth_height] = [self.depth_size.0, self.depth_size.1].map(int);
        let [width, height] = [self.size.0, self.size.1].map(int);
        let launch = Launch::new(stream, &kernels.nearest_steps).reads(&self.depth.device);
        let launch = self.corners.iter().fold(launch, Launch::reads).value(&depth_width).value(&depth_height);
        let launch = self.depth_m.iter().chain(&self.position).fold(launch, Launch::value).value(&self.bent);
        let launch = self.coefficients.iter().fold(launch, Launch::value).value(&self.r2_max);
        let launch = launch.value(&width).value(&height);
        let launch = launch.writes(&mut self.nearness);
        // SAFETY: `new` allocates the slices with the lengths that follow from both sizes.
        unsafe { launch.run(Grid::over(self.depth_size.0 * self.depth_size.1, PIXEL_THREADS, PIXEL_THREADS)) }
    }

    fn registered_points(&mut self, kernels: &Kernels, stream: &Arc<CudaStream>) -> Result<(), CudaError> {
        let pixels = int(self.nearness.len());
        let launch = Launch::new(stream, &kernels.registered_points).reads(&self.nearness).reads(&self.rays);
        let launch = self.depth_m.iter().fold(launch.value(&pixels), Launch::value).value(&self.ahead_m);
        let launch = launch.writes(&mut self.points.device).writes(&mut self.steps.device);
        // SAFETY: as in `nearest_steps`.
        unsafe { launch.run(Grid::over(self.nearness.len(), PIXEL_THREADS, PIXEL_THREADS)) }
    }
}

/// The device, opened for registration only: no other work is in its stream.
struct OnGpu {
    device: Device,
    registered: Registered,
}

impl Registrar for OnGpu {
    fn register(&mut self, depth: &[u16], take: &mut Take<'_>) -> Result<(), String> {
        let Device { shape: stream, kernels, .. } = &self.device;
        let registered = self.registered.register(kernels, stream, depth);
        let (points, steps) = registered.map_err(|error| error.to_string())?;
        take(points, steps);
        Ok(())
    }
}

impl Drop for OnGpu {
    fn drop(&mut self) {
        // After an error, copies of the buffers may still be under way.
        self.device.end();
    }
}

/// Prepares the first GPU for the registration of a camera's depth images.
pub fn open(registration: &Registration) -> Result<Box<dyn Registrar>, String> {
    let tables = registration
        .tables()
        .ok_or("the depth image is on the frame's grid already, so there is nothing to register")?;
    let on_gpu = || -> Result<OnGpu, CudaError> {
        let device = Device::open()?;
        let registered = Registered::new(&device.shape, &tables)?;
        Ok(OnGpu { device, registered })
    };
    Ok(Box::new(on_gpu().map_err(|error| error.to_string())?))
}
