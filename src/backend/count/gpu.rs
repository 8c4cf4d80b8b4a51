//! What a GPU can do, by published figures or as it is measured.

/// How a GPU shares memory with the host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// By copies over PCIe, at this many bytes a second.
    Copies(f64),
    /// In one memory, so that a copy reads and writes it.
    SharedMemory,
}

/// What bounds the launches of kernels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chip {
    pub multiprocessors: usize,
    /// Cycles a second.
    pub clock: f64,
    /// Operations of the matrix units a second on halves with f32 sums, two for a multiply-add.
    pub operations: f64,
    /// Bytes of memory a second.
    pub bandwidth: f64,
}

/// A GPU, and the host beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gpu {
    pub name: &'static str,
    pub chip: Chip,
    pub link: Link,
    /// How much longer the host takes for its part of a frame than one core of the desktop processor on which that was
    /// measured.
    pub host: f64,
}

/// GPUs whose figures are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Rtx4090,
    AgxOrin,
    OrinNx,
}

crate::words::words!(Known {
    Rtx4090 = "rtx-4090",
    AgxOrin = "agx-orin",
    OrinNx = "orin-nx",
});

/// PCIe 4.0 with 16 lanes, of which copies reach about 25 GB/s.
const PCIE: f64 = 25e9;
/// How much longer a core of a Jetson (Cortex-A78AE) takes: assumed, never measured.
const JETSON_HOST: f64 = 2.4;
/// Operations of a multiprocessor of Orin in a cycle: four matrix units of 256 multiply-adds.
const ORIN_OPERATIONS: f64 = 2048.0;

impl Known {
    /// The figures of NVIDIA's Ada architecture paper (RTX 4090, boost clock), of the technical brief of the Jetson AGX Orin
    /// 64 GB and of the data sheet of the Jetson Orin NX 16 GB (both in the power mode MAXN).
    pub fn gpu(self) -> Gpu {
        match self {
            Self::Rtx4090 => Gpu {
                name: "RTX 4090",
                chip: Chip { multiprocessors: 128, clock: 2.52e9, operations: 165.2e12, bandwidth: 1008e9 },
                link: Link::Copies(PCIE),
                host: 1.0,
            },
            Self::AgxOrin => orin("AGX Orin 64 GB", 16, 1.3e9, 204.8e9),
            Self::OrinNx => orin("Orin NX 16 GB", 8, 0.918e9, 102.4e9),
        }
    }
}

fn orin(name: &'static str, multiprocessors: usize, clock: f64, bandwidth: f64) -> Gpu {
    let operations = multiprocessors as f64 * clock * ORIN_OPERATIONS;
    let chip = Chip { multiprocessors, clock, operations, bandwidth };
    Gpu { name, chip, link: Link::SharedMemory, host: JETSON_HOST }
}
