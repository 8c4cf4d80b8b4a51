//! What a GPU measures of the frames that it inspects, and how much of its memory they take.

use std::time::Duration;

/// The times of one frame.
#[derive(Debug)]
pub struct GpuTimes {
    /// In the order in which they begin, preparation first; stages of different streams run side by side.
    pub stages: Vec<GpuStage>,
    /// From the copy of the prepared input to the end of the last download; none if the networks run on the CPU.
    pub frame: Option<Duration>,
    /// How long the CPU waited for the GPU while the frame was prepared.
    pub waited: Duration,
}

/// A part of a frame's work in one stream of the GPU.
#[derive(Debug)]
pub struct GpuStage {
    pub name: &'static str,
    pub stream: &'static str,
    pub time: Duration,
}

/// A GPU and its memory.
#[derive(Debug)]
pub struct GpuUse {
    pub name: String,
    /// The CUDA version that the driver is for, major and minor.
    pub driver: (i32, i32),
    /// The compute capability, major and minor.
    pub capability: (i32, i32),
    pub multiprocessors: i32,
    /// The highest clock of the multiprocessors, kHz.
    pub clock_khz: i32,
    /// Bytes of the weights of networks and mappings, without those in plans of TensorRT.
    pub weights: usize,
    /// Bytes of all other buffers of this program, without those of TensorRT; none if the driver does not count them.
    pub activations: Option<usize>,
    /// Bytes of the GPU's memory.
    pub memory_free: usize,
    pub memory_total: usize,
}
