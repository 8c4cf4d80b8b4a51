//! How an engine is to be computed.

use std::num::NonZeroUsize;

use crosscheck::{Arithmetic, MachineChoice};

use crate::arguments::{Plain, Versioned};
use crate::failure::Failure;

/// The numbers in which the CPU computes large products. Scores compare only between frames of one precision.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32 throughout: exact, and the default.
    F32 = 0,
    /// bf16 or f16 where this processor multiplies it faster, else f32.
    Auto = 1,
    /// Operands are rounded to f16.
    F16 = 2,
    /// Operands are rounded to bf16.
    Bf16 = 3,
    /// Hidden units of the mappings are rounded to integers of 8 bits; the rest is as with AUTO.
    Int8 = 4,
}

/// The machine that computes.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// The CPU, in this version even if there is a GPU; the default.
    Auto = 0,
    /// The CPU.
    Cpu = 1,
    /// An NVIDIA GPU: MACHINE where there is none, or where the library was built without it.
    Cuda = 2,
}

/// The most threads of an inspector.
pub const CROSSCHECK_THREADS_MAX: u32 = 1024;

/// How an engine is to be computed. Every 0 stands for the default, so set the whole structure to 0 and then struct_size:
/// `crosscheck_options options = {.struct_size = sizeof options};`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    /// sizeof(crosscheck_options).
    pub struct_size: usize,
    /// A crosscheck_precision.
    pub precision: i32,
    /// A crosscheck_machine.
    pub machine: i32,
    /// Threads of the CPU that compute a frame, the calling one among them, at most CROSSCHECK_THREADS_MAX; 0: one for each
    /// core that the process may use. Results do not depend on it. Only for the CPU.
    pub threads: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: the type is `repr(C)` and begins with a `usize`.
unsafe impl Versioned for Options {}

// SAFETY: it has numbers only.
unsafe impl Plain for Options {}

impl Options {
    /// What a caller gets who gives none.
    pub const fn defaults() -> Self {
        Self { struct_size: size_of::<Self>(), precision: 0, machine: 0, threads: 0, reserved: 0 }
    }

    pub fn arithmetic(&self) -> Result<Arithmetic, Failure> {
        const KNOWN: [Precision; 5] =
            [Precision::F32, Precision::Auto, Precision::F16, Precision::Bf16, Precision::Int8];
        match KNOWN.into_iter().find(|known| *known as i32 == self.precision) {
            Some(Precision::F32) => Ok(Arithmetic::F32),
            Some(Precision::Auto) => Ok(Arithmetic::auto()),
            Some(Precision::F16) => Ok(Arithmetic::F16),
            Some(Precision::Bf16) => Ok(Arithmetic::Bf16),
            Some(Precision::Int8) => Ok(Arithmetic::Int8),
            None => Err(Failure::Option { option: "precision", found: self.precision.into() }),
        }
    }

    pub fn machine(&self) -> Result<MachineChoice, Failure> {
        match [Machine::Auto, Machine::Cpu, Machine::Cuda].into_iter().find(|known| *known as i32 == self.machine) {
            Some(Machine::Auto) => Ok(MachineChoice::Auto),
            Some(Machine::Cpu) => Ok(MachineChoice::Cpu),
            Some(Machine::Cuda) => Ok(MachineChoice::Cuda),
            None => Err(Failure::Option { option: "machine", found: self.machine.into() }),
        }
    }

    /// None for one for each core.
    pub fn threads(&self) -> Result<Option<NonZeroUsize>, Failure> {
        if self.threads > CROSSCHECK_THREADS_MAX {
            return Err(Failure::Option { option: "threads", found: self.threads.into() });
        }
        if self.reserved != 0 {
            return Err(Failure::Option { option: "reserved", found: self.reserved.into() });
        }
        let threads = NonZeroUsize::new(self.threads as usize);
        if threads.is_some() && self.machine == Machine::Cuda as i32 {
            return Err(Failure::Contradiction("threads are those of the CPU: leave them at 0 with CUDA"));
        }
        Ok(threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    fn refused<T>(of: Result<T, Failure>) -> bool {
        of.is_err_and(|failure| failure.status() == Status::Option)
    }

    #[test]
    fn every_value_has_its_meaning_and_others_are_refused() {
        let of = |precision| Options { precision, ..Options::defaults() }.arithmetic();
        let known = [0, 1, 2, 3, 4].map(|precision| of(precision).unwrap());
        let auto = Arithmetic::auto();
        assert_eq!(known, [Arithmetic::F32, auto, Arithmetic::F16, Arithmetic::Bf16, Arithmetic::Int8]);
        assert!([-1, 5, i32::MIN, i32::MAX].into_iter().all(|precision| refused(of(precision))));
        let of = |machine| Options { machine, ..Options::defaults() }.machine();
        let known = [0, 1, 2].map(|machine| of(machine).unwrap());
        assert_eq!(known, [MachineChoice::Auto, MachineChoice::Cpu, MachineChoice::Cuda]);
        assert!([-1, 3, i32::MIN, i32::MAX].into_iter().all(|machine| refused(of(machine))));
    }

    #[test]
    fn threads_are_bounded_and_of_the_cpu() {
        let of = |threads| Options { threads, ..Options::defaults() };
        assert_eq!(of(0).threads().unwrap(), None);
        assert_eq!(of(3).threads().unwrap().map(NonZeroUsize::get), Some(3));
        assert!(refused(of(CROSSCHECK_THREADS_MAX + 1).threads()) && of(CROSSCHECK_THREADS_MAX).threads().is_ok());
        assert!(refused(Options { reserved: 1, ..of(0) }.threads()));
        let on_gpu = |threads| Options { machine: Machine::Cuda as i32, ..of(threads) }.threads();
        assert!(refused(on_gpu(1)) && on_gpu(0).is_ok());
    }
}
