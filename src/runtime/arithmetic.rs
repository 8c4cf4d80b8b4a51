//! The arithmetic of large products, as a configuration asks for it and this machine has it.

use crate::backend::Arithmetic;
use crate::config::engine::Precision;

/// The arithmetic that `precision` means on this machine. Any but f32 is logged.
pub fn on_this_machine(precision: Precision) -> Arithmetic {
    let arithmetic = match precision {
        Precision::F32 => Arithmetic::F32,
        Precision::F16 => Arithmetic::F16,
        Precision::Bf16 => Arithmetic::Bf16,
        Precision::Int8 => Arithmetic::Int8,
        Precision::Auto => Arithmetic::auto(),
    };
    let name = arithmetic.name();
    if !arithmetic.is_fast() {
        log::warn!("this processor multiplies {name} no faster than f32: the results are {name}'s, the speed is not");
    } else if arithmetic != Arithmetic::F32 {
        log::info!("large products are taken in {name}");
    }
    arithmetic
}
