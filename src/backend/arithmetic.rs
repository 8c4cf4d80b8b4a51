//! The number formats in which the CPU computes the large matrix products.

/// The arithmetic of the large matrix products. Everything else is computed in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32 throughout: exact, and the default.
    #[default]
    F32,
    /// Operands are rounded to f16, after their rows are scaled by powers of two. At most 64 products are summed in
    /// f16, and these sums in f32. Without f16 arithmetic in the processor, all sums are in f32.
    F16,
    /// Operands are rounded to bf16, and products are summed in f32.
    Bf16,
    /// The mappings' products of hidden units use integers of 8 bits; each row of an operand has a step of its own. The
    /// other products are computed as with `auto` in a configuration: in bf16 or f16 where that is faster, else in f32.
    Int8,
}

impl Arithmetic {
    /// The word for it in configurations and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}
