//! How the method is evaluated.

use super::arithmetic::Arithmetic;
use super::cpu::kernel::Kernel;
use crate::prepare::Stride;

/// Arithmetic of the CPU's large products, and which pixels are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    pub arithmetic: Arithmetic,
    pub stride: Stride,
}

impl Evaluation {
    /// The instruction set of the large products: the networks', and the mappings' where those have another.
    pub fn instruction_set(&self) -> String {
        let [networks, mappings] = [self.arithmetic.of_networks(), self.arithmetic].map(|a| Kernel::best(a).name);
        if networks == mappings { networks.into() } else { format!("{networks}; mappings {mappings}") }
    }
}
