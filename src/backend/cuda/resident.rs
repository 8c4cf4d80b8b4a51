//! Inputs of the networks that stay on the device after their preparation, so that they are not uploaded again.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::{CudaSlice, CudaStream};

use super::buffers::Shared;
use super::error::CudaError;
use crate::shapes::{P, RGB, XYZ};

/// Inputs that are kept: the one that is prepared, and the one that is scored meanwhile.
const KEPT: usize = 2;

/// Numbers of inputs, whoever prepares them. No input has the number 0.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// The input of one frame.
pub struct Resident {
    /// The input's number; 0 while there is none.
    number: u64,
    /// Normalised halves, `[3, H, W]`.
    pub image: CudaSlice<u16>,
    /// `[P, 3]`, metres.
    pub cloud: Shared<f32>,
}

/// The newest inputs. The preparation overwrites the oldest, while another thread may use the others.
pub struct Residents {
    kept: [Mutex<Resident>; KEPT],
    next: AtomicUsize,
}

impl Residents {
    /// The memory is filled in `stream`.
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        let empty = || -> Result<_, CudaError> {
            let (image, cloud) = (stream.alloc_zeros(RGB * P)?, Shared::new(stream, P * XYZ)?);
            Ok(Mutex::new(Resident { number: 0, image, cloud }))
        };
        Ok(Self { kept: [empty()?, empty()?], next: AtomicUsize::new(0) })
    }

    /// Overwrites the oldest input by `fill`, which waits until its work on the device is done. Returns the number of the
    /// new one.
    pub fn write(&self, fill: impl FnOnce(&mut Resident) -> Result<(), CudaError>) -> Result<u64, CudaError> {
        let place = &self.kept[self.next.fetch_add(1, Relaxed) % KEPT];
        // After a panic of the other thread, which only reads, all is as it was.
        let mut resident = place.lock().unwrap_or_else(PoisonError::into_inner);
        resident.number = 0;
        fill(&mut resident)?;
        resident.number = NUMBERS.fetch_add(1, Relaxed);
        Ok(resident.number)
    }

    /// The input of a number, which is not overwritten as long as it is held; none if it has been. Waits for nothing.
    pub fn find(&self, number: u64) -> Option<MutexGuard<'_, Resident>> {
        // An input that the other thread holds is being overwritten.
        self.kept.iter().filter_map(|kept| kept.try_lock().ok()).find(|resident| resident.number == number)
    }
}
