//! How the method is evaluated.

use super::arithmetic::Arithmetic;
use super::cpu::kernel::Kernel;
use crate::prepare::Stride;

/// The arithmetic of the CPU's large products, and the pixels that are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    pub arithmetic: Arithmetic,
    pub stride: Stride,
}

impl Evaluation {
    /// The instruction sets of the large products: that of the networks, followed by that of the mappings if it
    /// differs.
    pub fn instruction_set(&self) -> String {
        let [networks, mappings] = [self.arithmetic.of_networks(), self.arithmetic].map(|a| Kernel::best(a).name);
        if networks == mappings { networks.into() } else { format!("{networks}; mappings {mappings}") }
    }
}
