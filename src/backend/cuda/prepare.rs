//! Launches of `kernels/prepare.cu`.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::frame::Region;
use crate::prepare::plane::Plane;
use crate::prepare::window::Window;
use crate::shapes::{P, RGB, W, XYZ};

const PIXEL_THREADS: usize = 256;
/// Half the width of the bicubic kernel.
const SUPPORT: f64 = 2.0;
/// A plane that no point lies on.
const NO_PLANE: Plane = Plane { normal: [0.0; 3], offset_m: f32::INFINITY };
/// What is added to points that stay where they are: zeros that do not even change a sign.
const NO_SHIFT: [f32; 3] = [-0.0; 3];

/// cloud `[n, 3]` -> points `[n, 3]`, the origin for those that lie on the belt or are not `inside`, `[n]`.
pub fn points_of_cloud(
    kernels: &Kernels,
    stream: &CudaStream,
    cloud: &CudaSlice<f32>,
    inside: Option<&CudaSlice<u8>>,
    belt: Option<&Plane>,
    points: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    let pixels = points.len() / XYZ;
    assert!(cloud.len() == points.len() && inside.is_none_or(|inside| inside.len() == pixels));
    let (count, Plane { normal, offset_m }) = (int(pixels), belt.unwrap_or(&NO_PLANE));
    let launch = Launch::new(stream, &kernels.points_of_cloud).reads(cloud).reads_if(inside).value(&count);
    let launch = normal.iter().fold(launch, Launch::value).value(offset_m).writes(points);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(pixels, PIXEL_THREADS, PIXEL_THREADS)) }
}

/// The depth steps of a crop, `[height, width]`, and the rays of the frame that it is cut out of, `[pixels, 3]`.
pub struct Steps<'a> {
    pub steps: &'a CudaSlice<u16>,
    pub rays: &'a CudaSlice<f32>,
    /// Unit, offset, and what is added to a depth for its point, metres.
    pub depth_m: [f32; 3],
    pub bounds: Region,
    /// Width of the frame.
    pub stride: usize,
}

/// Depth steps -> points `[n, 3]`, as [`points_of_cloud`].
pub fn points_of_steps(
    kernels: &Kernels,
    stream: &CudaStream,
    from: &Steps<'_>,
    inside: Option<&CudaSlice<u8>>,
    belt: Option<&Plane>,
    points: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    let Steps { steps, rays, depth_m, bounds, stride } = from;
    let pixels = bounds.width * bounds.height;
    assert!(bounds.right() <= *stride && bounds.bottom() * stride * XYZ <= rays.len());
    assert!(inside.is_none_or(|inside| inside.len() == pixels));
    assert_eq!((steps.len(), points.len()), (pixels, pixels * XYZ));
    let place = [bounds.width, bounds.height, bounds.x, bounds.y, *stride].map(int);
    let Plane { normal, offset_m } = belt.unwrap_or(&NO_PLANE);
    let launch = Launch::new(stream, &kernels.points_of_steps).reads(steps).reads(rays).reads_if(inside);
    let launch = depth_m.iter().fold(place.iter().fold(launch, Launch::value), Launch::value);
    let launch = normal.iter().fold(launch, Launch::value).value(offset_m).writes(points);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(pixels, PIXEL_THREADS, PIXEL_THREADS)) }
}

/// points `[height, width, 3]` of a frame of a size, width and height -> `[P, 3]`, those of the window. With `component`,
/// the parents of pixels and a root, only those of that component are kept. `shift_m` is added to each.
pub fn window_points(
    kernels: &Kernels,
    stream: &CudaStream,
    (points, size): (&CudaSlice<f32>, (usize, usize)),
    component: Option<(&CudaSlice<i32>, u32)>,
    (window, shift_m): (&Window, Option<[f32; 3]>),
    out: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    let pixels = size.0 * size.1;
    assert!(component.is_none_or(|(parents, _)| parents.len() == pixels));
    assert_eq!((points.len(), out.len()), (pixels * XYZ, P * XYZ));
    let (parents, root) = component.map_or((None, 0), |(parents, root)| (Some(parents), root as i32));
    let place = [int(size.0), int(size.1), offset(window.left), offset(window.top), int(window.side)];
    let shift = shift_m.unwrap_or(NO_SHIFT);
    let launch = Launch::new(stream, &kernels.window_points).reads(points).reads_if(parents).value(&root);
    let launch = shift.iter().fold(place.iter().fold(launch, Launch::value), Launch::value).writes(out);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(P, PIXEL_THREADS, PIXEL_THREADS)) }
}

/// A place that may lie outside of the frame.
fn offset(value: isize) -> i32 {
    i32::try_from(value).unwrap_or_else(|_| unreachable!("a window at {value}"))
}

/// Resizes the colours of windows to `H` x `W` pixels. All calls must be in one stream.
pub struct Resizer {
    /// What the table was made for; 0 before the first.
    side: usize,
    window: usize,
    /// For each output pixel along a side: the first input pixel, `[W]`, and the weights from it on, `[W, window]`.
    first: CudaSlice<i32>,
    weight: CudaSlice<i32>,
}

/// Colours `[height, width, 3]`, and whether each pixel is inside of a polygon.
pub struct Colours<'a> {
    pub rgb: &'a CudaSlice<u8>,
    pub inside: Option<&'a CudaSlice<u8>>,
    pub size: (usize, usize),
}

impl Resizer {
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self { side: 0, window: 0, first: stream.alloc_zeros(W)?, weight: stream.alloc_zeros(1)? })
    }

    /// Makes the table for windows of `side` pixels.
    fn make(&mut self, kernels: &Kernels, stream: &Arc<CudaStream>, side: usize) -> Result<(), CudaError> {
        if self.side == side {
            return Ok(());
        }
        self.window = 2 * (SUPPORT * (side as f64 / W as f64).max(1.0)).ceil() as usize + 1;
        if self.weight.len() < W * self.window {
            self.weight = stream.alloc_zeros(W * self.window)?;
        }
        let sizes = [side, self.window].map(int);
        let launch = Launch::new(stream, &kernels.resize_table);
        let launch = sizes.iter().fold(launch, Launch::value).writes(&mut self.first).writes(&mut self.weight);
        // SAFETY: both slices have room for the table.
        unsafe { launch.run(Grid::one_block(W)) }?;
        self.side = side;
        Ok(())
    }

    /// The colours of a window -> bytes `[H, W, 3]`, and normalised halves `[3, H, W]`. `columns`, `[height, W, 3]`, is
    /// overwritten.
    pub fn rgb(
        &mut self,
        kernels: &Kernels,
        stream: &Arc<CudaStream>,
        from: &Colours<'_>,
        window: &Window,
        columns: &mut CudaSlice<u8>,
        (bytes, halves): (&mut CudaSlice<u8>, &mut CudaSlice<u16>),
    ) -> Result<(), CudaError> {
        let (width, height) = from.size;
        assert!(from.inside.is_none_or(|inside| inside.len() == width * height));
        assert_eq!((from.rgb.len(), columns.len()), (width * height * RGB, height * W * RGB));
        assert_eq!((bytes.len(), halves.len()), (P * RGB, RGB * P));
        self.make(kernels, stream, window.side)?;
        let within = |at: isize| at.clamp(0, height as isize - 1) as usize;
        let rows = within(window.top)..within(window.top + window.side as isize - 1) + 1;
        let taps = int(self.window);
        let places = [int(width), int(rows.start), int(rows.len()), offset(window.left)];
        let launch = Launch::new(stream, &kernels.resize_columns).reads(from.rgb).reads_if(from.inside);
        let launch = places.iter().fold(launch, Launch::value).reads(&self.first).reads(&self.weight).value(&taps);
        // SAFETY: the lengths are checked above; that of the table is from `make`.
        unsafe { launch.writes(columns).run(Grid::over(rows.len() * W, PIXEL_THREADS, PIXEL_THREADS)) }?;
        let places = [int(height), offset(window.top)];
        let launch = places.iter().fold(Launch::new(stream, &kernels.resize_rows).reads(columns), Launch::value);
        let launch = launch.reads(&self.first).reads(&self.weight).value(&taps).writes(bytes).writes(halves);
        // SAFETY: as above.
        unsafe { launch.run(Grid::over(P, PIXEL_THREADS, PIXEL_THREADS)) }
    }
}
