//! Prepares frames on the device: what [`crate::prepare::work`] asks of a machine.

use std::sync::Arc;

use cudarc::driver::CudaSlice;

use super::buffers::Shared;
use super::components::Components;
use super::device::Device;
use super::error::CudaError;
use super::events::Mark;
use super::prepare::{Colours, Resizer, Steps, points_of_cloud, points_of_steps, window_points};
use super::resident::{Resident, Residents};
use crate::backend::error::BackendError;
use crate::backend::gpu_frame::GpuTimes;
use crate::backend::stages::PreparationMachine;
use crate::frame::{Rays, Region, RgbdFrame};
use crate::prepare::components::{Choice, Wanted};
use crate::prepare::crop::CropMisfit;
use crate::prepare::plane::Plane;
use crate::prepare::point_grid::PointGrid;
use crate::prepare::window::Window;
use crate::prepare::work::{Keep, PixelMachine, PixelWork};
use crate::prepare::{NetworkInput, Preparation, Preparer, normalise};
use crate::shapes::{P, RGB, W, XYZ};

/// The buffers of the preparation.
pub struct Pixels {
    /// Those of a crop's pixels; none before the first frame.
    crop: Option<Crop>,
    /// The rays of frames whose depth steps are uploaded, `[pixels, 3]` on the device.
    rays: Option<(Arc<Rays>, CudaSlice<f32>)>,
    resizer: Resizer,
    /// The window's colours, `[H, W, 3]`.
    bytes: Shared<u8>,
    /// Where the window's normalised colours and its points stay.
    residents: Arc<Residents>,
}

/// What is seen of frames whose crops have one size.
struct Crop {
    /// Width and height.
    size: (usize, usize),
    /// `[height, width, 3]`.
    rgb: Shared<u8>,
    /// What points are made from: allocated when the first frame has it.
    cloud: Option<Shared<f32>>,
    steps: Option<Shared<u16>>,
    /// Where the frame's pixels lie in the photograph, and its width.
    place: (Region, usize),
    /// Whether the frame has depth steps.
    has_steps: bool,
    /// Whether each pixel is inside of the polygon, and the same on the device; none without one.
    inside: Option<(Vec<bool>, CudaSlice<u8>)>,
    /// The points off the belt, `[height, width, 3]`.
    points: CudaSlice<f32>,
    components: Components,
    /// Rows that were resized, `[height, W, 3]`.
    columns: CudaSlice<u8>,
}

/// Prepares frames on the device, beside the work in other streams.
pub struct PixelDevice {
    device: Device,
    pixels: Pixels,
}

/// The work on a frame by the device: colour in one stream, points in the other.
pub struct GpuWork<'a> {
    pub device: &'a Device,
    pub pixels: &'a mut Pixels,
}

impl PixelDevice {
    /// On the same GPU as `device`, in streams of its own.
    pub fn beside(device: &Device, residents: Arc<Residents>) -> Result<Self, CudaError> {
        let device = device.beside()?;
        let pixels = Pixels::new(&device, residents)?;
        Ok(Self { device, pixels })
    }
}

impl PreparationMachine for PixelDevice {
    fn prepare(
        &mut self,
        preparer: &mut Preparer,
        frame: &RgbdFrame,
        how: &Preparation,
        at: Option<[f32; 2]>,
        input: &mut NetworkInput,
    ) -> Result<(), CropMisfit> {
        preparer.run_on(&mut GpuWork { device: &self.device, pixels: &mut self.pixels }, frame, how, at, input)
    }

    fn measure(&mut self) {
        self.device.events.record_all();
    }

    fn times(&self) -> Result<Option<GpuTimes>, BackendError> {
        Ok(Some(self.device.events.times()?))
    }
}

impl Drop for PixelDevice {
    fn drop(&mut self) {
        // After an error, work may still be under way in the buffers.
        self.device.end();
    }
}

impl Pixels {
    pub fn new(device: &Device, residents: Arc<Residents>) -> Result<Self, CudaError> {
        let colour = &device.colour;
        let made = Self {
            crop: None,
            rays: None,
            resizer: Resizer::new(colour)?,
            bytes: Shared::new(colour, P * RGB)?,
            residents,
        };
        device.synchronize()?;
        Ok(made)
    }

    /// The buffers of crops of `size`: allocated anew where the size has changed.
    fn crop(&mut self, device: &Device, size: (usize, usize)) -> Result<&mut Crop, CudaError> {
        if self.crop.as_ref().is_none_or(|crop| crop.size != size) {
            // After an error, work may still be under way in the old ones.
            device.synchronize()?;
            self.crop = None;
            self.crop = Some(Crop::new(device, size)?);
            device.synchronize()?;
        }
        Ok(self.crop_of_frame())
    }

    fn crop_of_frame(&mut self) -> &mut Crop {
        self.crop.as_mut().unwrap_or_else(|| unreachable!("a frame is taken before work on it"))
    }
}

impl Crop {
    fn new(Device { shape, colour, .. }: &Device, size: (usize, usize)) -> Result<Self, CudaError> {
        let pixels = size.0 * size.1;
        Ok(Self {
            size,
            rgb: Shared::new(colour, pixels * RGB)?,
            cloud: None,
            steps: None,
            place: (Region::of_size(size.0, size.1), size.0),
            has_steps: false,
            inside: None,
            points: shape.alloc_zeros(pixels * XYZ)?,
            components: Components::new(shape, size)?,
            columns: colour.alloc_zeros(size.1 * W * RGB)?,
        })
    }

    /// Uploads which pixels are inside of the polygon, where that has changed.
    fn mask(&mut self, device: &Device, inside: &[bool]) -> Result<(), CudaError> {
        if inside.is_empty() {
            self.inside = None;
            return Ok(());
        }
        if self.inside.as_ref().is_some_and(|(there, _)| there == inside) {
            return Ok(());
        }
        let values: Vec<u8> = inside.iter().map(|inside| u8::from(*inside)).collect();
        let uploaded = device.shape.clone_htod(&values)?;
        // Both streams read it.
        device.shape.synchronize()?;
        self.inside = Some((inside.to_vec(), uploaded));
        Ok(())
    }
}

/// What is there, or is made now.
fn there<T>(place: &mut Option<T>, make: impl FnOnce() -> Result<T, CudaError>) -> Result<&mut T, CudaError> {
    let made = match place.take() {
        Some(made) => made,
        None => make()?,
    };
    Ok(place.insert(made))
}

/// Copies the rows of `bounds` from an image in rows of `stride` values of `depth` numbers.
fn copy_rows<T: Copy>(from: &[T], stride: usize, bounds: Region, depth: usize, to: &mut [T]) {
    let rows = from.chunks_exact(stride * depth).skip(bounds.y);
    for (from, to) in rows.zip(to.chunks_exact_mut(bounds.width * depth)) {
        to.copy_from_slice(&from[bounds.x * depth..bounds.right() * depth]);
    }
}

impl GpuWork<'_> {
    /// Uploads the rays of a camera, once.
    fn upload_rays(&mut self, rays: &Arc<Rays>) -> Result<(), CudaError> {
        if self.pixels.rays.as_ref().is_none_or(|(known, _)| !Arc::ptr_eq(known, rays)) {
            let uploaded = self.device.shape.clone_htod(rays.rays.as_flattened())?;
            self.pixels.rays = Some((rays.clone(), uploaded));
        }
        Ok(())
    }
}

impl PixelMachine for GpuWork<'_> {
    fn take(&mut self, frame: &RgbdFrame, seen: PointGrid<'_>) -> Result<(), CudaError> {
        let Device { shape, colour, events, .. } = self.device;
        events.begin();
        let crop = self.pixels.crop(self.device, (seen.width(), seen.height()))?;
        crop.mask(self.device, seen.inside())?;
        let (stride, bounds) = (frame.width(), seen.bounds());
        (crop.place, crop.has_steps) = ((bounds, stride), frame.depth().is_some());
        let pixels = seen.pixels();
        match frame.depth() {
            Some((steps, _)) => {
                let to = there(&mut crop.steps, || Shared::new(shape, pixels))?;
                copy_rows(steps, stride, bounds, 1, to.host_mut());
                events.record(Mark::PointsCopied, shape)?;
                to.upload(shape)?;
            }
            None => {
                let to = there(&mut crop.cloud, || Shared::new(shape, pixels * XYZ))?;
                copy_rows(frame.cloud().points().as_flattened(), stride, bounds, XYZ, to.host_mut());
                events.record(Mark::PointsCopied, shape)?;
                to.upload(shape)?;
            }
        }
        events.record(Mark::PointsUploaded, shape)?;
        copy_rows(frame.rgb(), stride, bounds, RGB, crop.rgb.host_mut());
        events.record(Mark::ColoursCopied, colour)?;
        crop.rgb.upload(colour)?;
        events.record(Mark::ColoursUploaded, colour)?;
        frame.depth().map_or(Ok(()), |(_, rays)| self.upload_rays(rays))
    }
}

impl PixelWork for GpuWork<'_> {
    type Error = CudaError;

    fn remove(&mut self, belt: Option<Plane>) -> Result<(), CudaError> {
        let (Device { shape, kernels, events, .. }, belt) = (self.device, belt.as_ref());
        events.record(Mark::Removing, shape)?;
        let Pixels { crop: Some(crop), rays, .. } = &mut *self.pixels else {
            unreachable!("a frame is taken before work on it")
        };
        let Crop { cloud, steps, place: (bounds, stride), has_steps, inside, points, .. } = crop;
        let inside = inside.as_ref().map(|(_, inside)| inside);
        match (steps, rays, cloud) {
            (Some(steps), Some((rays, on_device)), _) if *has_steps => {
                let depth_m = [rays.unit_m, rays.offset_m, rays.ahead_m];
                let from = Steps { steps: &steps.device, rays: on_device, depth_m, bounds: *bounds, stride: *stride };
                points_of_steps(kernels, shape, &from, inside, belt, points)
            }
            (_, _, Some(cloud)) => points_of_cloud(kernels, shape, &cloud.device, inside, belt, points),
            _ => unreachable!("a frame has depth steps or a cloud"),
        }
    }

    fn find(&mut self, wanted: Wanted) -> Result<Option<Choice>, CudaError> {
        let Device { shape, kernels, events, .. } = self.device;
        let Crop { components, points, .. } = self.pixels.crop_of_frame();
        let found = events.waiting(|| components.find(kernels, shape, points, wanted))?;
        events.record(Mark::Found, shape)?;
        Ok(found)
    }

    fn mark(&mut self, part: Choice) -> Result<(), CudaError> {
        let Device { shape, kernels, events, .. } = self.device;
        let components = &mut self.pixels.crop_of_frame().components;
        events.waiting(|| components.mark(kernels, shape, part.root))
    }

    fn is_part(&self, pixel: usize) -> bool {
        self.pixels.crop.as_ref().is_some_and(|crop| crop.components.is_marked(pixel))
    }

    fn fill(
        &mut self,
        window: &Window,
        keep: Keep,
        shift_m: Option<[f32; 3]>,
        input: &mut NetworkInput,
    ) -> Result<(), CudaError> {
        let Device { shape, colour, kernels, events, .. } = self.device;
        let Pixels { crop: Some(crop), resizer, bytes, residents, .. } = &mut *self.pixels else {
            unreachable!("a frame is taken before work on it")
        };
        let Crop { size, rgb, inside, points, components, columns, .. } = crop;
        let inside = inside.as_ref().map(|(_, inside)| inside);
        let from = Colours { rgb: &rgb.device, inside, size: *size };
        let component = match keep {
            Keep::Component(choice) => Some((components.parents(), choice.root)),
            Keep::All | Keep::None => None,
        };
        let place = (window, shift_m);
        let number = residents.write(|Resident { image, cloud, .. }| {
            events.record(Mark::Resizing, colour)?;
            resizer.rgb(kernels, colour, &from, window, columns, (&mut bytes.device, image))?;
            events.record(Mark::Resized, colour)?;
            bytes.download(colour)?;
            events.record(Mark::ColoursDownloaded, colour)?;
            events.record(Mark::Windowing, shape)?;
            match keep {
                Keep::None => shape.memset_zeros(&mut cloud.device)?,
                _ => window_points(kernels, shape, (points, *size), component, place, &mut cloud.device)?,
            }
            events.record(Mark::Windowed, shape)?;
            cloud.download(shape)?;
            events.record(Mark::WindowDownloaded, shape)?;
            events.waiting(|| self.device.synchronize())?;
            input.cloud.clear();
            input.cloud.extend_from_slice(cloud.host().as_chunks().0);
            Ok(())
        })?;
        input.resident = Some(number);
        normalise(bytes.host(), &mut input.rgb);
        Ok(())
    }
}
