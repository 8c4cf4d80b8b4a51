//! Launches of kernels. Arguments are given in the order of the kernel's parameters, and checked against those in its
//! PTX.

use cudarc::driver::sys::CUevent_flags;
use cudarc::driver::{CudaSlice, CudaStream, DeviceRepr, LaunchArgs, LaunchConfig, PushKernelArg};

use super::error::CudaError;
use super::module::Kernel;

/// A null pointer, for kernels that accept one.
static NOTHING: u64 = 0;

/// The number of blocks, and of threads in each block.
#[derive(Clone, Copy)]
pub struct Grid {
    blocks: [usize; 2],
    threads: usize,
    /// Whether all blocks must be on the device at once.
    cooperative: bool,
}

impl Grid {
    pub fn new(blocks: [usize; 2], threads: usize) -> Self {
        Self { blocks, threads, cooperative: false }
    }

    pub fn one_block(threads: usize) -> Self {
        Self::new([1, 1], threads)
    }

    /// Enough blocks of `threads` threads for `items` items, of which each block takes `per_block`.
    pub fn over(items: usize, per_block: usize, threads: usize) -> Self {
        Self::new([items.div_ceil(per_block), 1], threads)
    }

    pub fn cooperative(blocks: usize, threads: usize) -> Self {
        Self { cooperative: true, ..Self::new([blocks, 1], threads) }
    }
}

/// Collects a kernel's arguments.
pub struct Launch<'a> {
    kernel: &'a Kernel,
    arguments: LaunchArgs<'a>,
    sizes: Vec<usize>,
}

impl<'a> Launch<'a> {
    pub fn new(stream: &'a CudaStream, kernel: &'a Kernel) -> Self {
        let sizes = Vec::with_capacity(kernel.parameters.len());
        Self { kernel, arguments: stream.launch_builder(&kernel.function), sizes }
    }

    /// Adds a slice that the kernel reads.
    pub fn reads<T>(mut self, slice: &'a CudaSlice<T>) -> Self {
        self.arguments.arg(slice);
        self.sizes.push(size_of::<u64>());
        self
    }

    /// Adds a slice that the kernel may read and write.
    pub fn writes<T>(mut self, slice: &'a mut CudaSlice<T>) -> Self {
        self.arguments.arg(slice);
        self.sizes.push(size_of::<u64>());
        self
    }

    /// Adds a slice that the kernel reads, or a null pointer.
    pub fn reads_if<T>(self, slice: Option<&'a CudaSlice<T>>) -> Self {
        match slice {
            Some(slice) => self.reads(slice),
            None => self.value(&NOTHING),
        }
    }

    pub fn value<T: DeviceRepr>(mut self, value: &'a T) -> Self {
        self.arguments.arg(value);
        self.sizes.push(size_of::<T>());
        self
    }

    /// Queues the launch in the stream.
    ///
    /// # Safety
    /// The kernel must stay within the lengths of the slices, and write only to those given by [`Self::writes`].
    pub unsafe fn run(mut self, grid: Grid) -> Result<(), CudaError> {
        let Kernel { name, parameters, .. } = self.kernel;
        assert_eq!(&self.sizes, parameters, "{name}: the sizes of the arguments are not those of the parameters");
        let size = |n: usize| u32::try_from(n).unwrap_or_else(|_| unreachable!("{name}: {n} blocks"));
        let shape = LaunchConfig {
            grid_dim: (size(grid.blocks[0]), size(grid.blocks[1]), 1),
            block_dim: (size(grid.threads), 1, 1),
            shared_mem_bytes: 0,
        };
        if self.kernel.is_timed() {
            self.arguments.record_kernel_launch(CUevent_flags::CU_EVENT_DEFAULT);
        }
        // SAFETY: number and sizes of the arguments are the kernel's; the caller ensures everything else.
        let launched = unsafe {
            match grid.cooperative {
                true => self.arguments.launch_cooperative(shape),
                false => self.arguments.launch(shape),
            }
        };
        if let Some((start, end)) = launched.map_err(|source| CudaError::Kernel { name, source })? {
            self.kernel.note(start, end);
        }
        Ok(())
    }
}

/// A size as the `int` that kernels take.
pub fn int(value: usize) -> i32 {
    i32::try_from(value).unwrap_or_else(|_| unreachable!("{value} does not fit into a kernel's int"))
}
