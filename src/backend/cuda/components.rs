//! Launches of `kernels/components.cu`: the connected components of points on their pixel grid.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::buffers::Shared;
use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::prepare::components::{Choice, Wanted, table};
use crate::shapes::XYZ;

const THREADS: usize = 256;
/// The pixels of a block whose warps go through several rows of 32.
const SPAN_PIXELS: usize = 16 * THREADS;

/// The components of the points of frames of one size.
pub struct Components {
    size: (usize, usize),
    /// `[height, width]`.
    parents: CudaSlice<i32>,
    sizes: CudaSlice<i32>,
    table: Shared<u64>,
    /// A bit for each pixel.
    mask: Shared<u32>,
}

impl Components {
    /// `size`: width and height.
    pub fn new(stream: &Arc<CudaStream>, size: (usize, usize)) -> Result<Self, CudaError> {
        let pixels = size.0 * size.1;
        Ok(Self {
            size,
            parents: stream.alloc_zeros(pixels)?,
            sizes: stream.alloc_zeros(pixels)?,
            table: Shared::new(stream, table::len(pixels))?,
            mask: Shared::new(stream, pixels.div_ceil(32))?,
        })
    }

    /// The component of each pixel, after [`Self::find`].
    pub fn parents(&self) -> &CudaSlice<i32> {
        &self.parents
    }

    /// Finds the components of points `[height, width, 3]`, and the one that is meant by the part. Waits for the stream.
    pub fn find(
        &mut self,
        kernels: &Kernels,
        stream: &Arc<CudaStream>,
        points: &CudaSlice<f32>,
        wanted: Wanted,
    ) -> Result<Option<Choice>, CudaError> {
        let pixels = self.parents.len();
        assert_eq!(points.len(), pixels * XYZ);
        let (count, width) = (int(pixels), int(self.size.0));
        let each = Grid::over(pixels, THREADS, THREADS);
        let spans = Grid::over(pixels, SPAN_PIXELS, THREADS);
        let launch = Launch::new(stream, &kernels.link_runs).reads(points).value(&width).value(&count);
        // SAFETY: `new` allocates all slices for this number of pixels; that of `points` is checked above.
        unsafe { launch.writes(&mut self.parents).writes(&mut self.sizes).run(each) }?;
        let launch = Launch::new(stream, &kernels.join_runs).reads(points).value(&width).value(&count);
        // SAFETY: as above.
        unsafe { launch.writes(&mut self.parents).run(each) }?;
        let launch = Launch::new(stream, &kernels.component_sizes).writes(&mut self.parents).value(&count);
        // SAFETY: as above.
        unsafe { launch.writes(&mut self.sizes).run(spans) }?;
        let row_points = int(table::row_points(pixels, wanted));
        stream.memset_zeros(&mut self.table.device)?;
        let launch = Launch::new(stream, &kernels.component_table).reads(&self.parents).value(&count);
        let launch = launch.value(&row_points).writes(&mut self.sizes).writes(&mut self.table.device);
        // SAFETY: as above; the table has a row for each component of so many points.
        unsafe { launch.run(each) }?;
        let launch = Launch::new(stream, &kernels.component_extents).reads(&self.parents).reads(&self.sizes);
        let launch = launch.value(&width).value(&count).writes(&mut self.table.device);
        // SAFETY: as above.
        unsafe { launch.run(spans) }?;
        Ok(table::choose(self.table.fetch(stream)?, self.size, wanted))
    }

    /// Fetches which pixels belong to the component of `root`. Waits for the stream.
    pub fn mark(&mut self, kernels: &Kernels, stream: &CudaStream, root: u32) -> Result<(), CudaError> {
        let (pixels, root) = (self.parents.len(), int(root as usize));
        let count = int(pixels);
        let launch = Launch::new(stream, &kernels.component_mask).reads(&self.parents).value(&count).value(&root);
        // SAFETY: `new` allocates a bit for each pixel.
        unsafe { launch.writes(&mut self.mask.device).run(Grid::over(pixels, THREADS, THREADS)) }?;
        self.mask.fetch(stream)?;
        Ok(())
    }

    /// Whether a pixel belongs to the component that was marked.
    pub fn is_marked(&self, pixel: usize) -> bool {
        self.mask.host()[pixel / 32] >> (pixel % 32) & 1 == 1
    }
}
