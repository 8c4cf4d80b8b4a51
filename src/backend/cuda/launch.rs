//! A launch: arguments in the order of the kernel's parameters, checked against what its PTX declares.

use cudarc::driver::sys::CUevent_flags;
use cudarc::driver::{CudaSlice, CudaStream, DeviceRepr, LaunchArgs, LaunchConfig, PushKernelArg};

use super::error::CudaError;
use super::module::Kernel;

/// A pointer to nothing, where a kernel takes one.
static NOTHING: u64 = 0;

/// How many blocks of how many threads.
#[derive(Clone, Copy)]
pub struct Grid {
    blocks: [usize; 2],
    threads: usize,
    /// All blocks on the device at once.
    cooperative: bool,
}

impl Grid {
    pub fn new(blocks: [usize; 2], threads: usize) -> Self {
        Self { blocks, threads, cooperative: false }
    }

    pub fn one_block(threads: usize) -> Self {
        Self::new([1, 1], threads)
    }

    /// Blocks of `threads` threads that take `per_block` of `items` each.
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

    /// The stream waits for whoever writes it.
    pub fn reads<T>(mut self, slice: &'a CudaSlice<T>) -> Self {
        self.arguments.arg(slice);
        self.sizes.push(size_of::<u64>());
        self
    }

    /// The stream waits for whoever uses it.
    pub fn writes<T>(mut self, slice: &'a mut CudaSlice<T>) -> Self {
        self.arguments.arg(slice);
        self.sizes.push(size_of::<u64>());
        self
    }

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

    /// Puts the launch into the stream.
    ///
    /// # Safety
    /// The slices are as long as the kernel goes, and it writes to none but those given by [`Self::writes`].
    pub unsafe fn run(mut self, grid: Grid) -> Result<(), CudaError> {
        let Kernel { name, parameters, .. } = self.kernel;
        assert_eq!(&self.sizes, parameters, "{name}: bytes of its arguments, and of its parameters");
        let size = |n: usize| u32::try_from(n).unwrap_or_else(|_| unreachable!("{name}: {n} blocks"));
        let shape = LaunchConfig {
            grid_dim: (size(grid.blocks[0]), size(grid.blocks[1]), 1),
            block_dim: (size(grid.threads), 1, 1),
            shared_mem_bytes: 0,
        };
        if self.kernel.is_timed() {
            self.arguments.record_kernel_launch(CUevent_flags::CU_EVENT_DEFAULT);
        }
        // SAFETY: count and sizes of the arguments are the kernel's; of the rest the caller is sure.
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

/// A size as kernels take it.
pub fn int(value: usize) -> i32 {
    i32::try_from(value).unwrap_or_else(|_| unreachable!("{value} is beyond what a kernel counts to"))
}
