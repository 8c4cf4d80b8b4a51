//! Numbers that the CPU's large products are taken in.

/// Arithmetic of the large products. Everything else is f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    #[default]
    F32,
    /// Operands rounded to f16, their rows scaled by powers of two. Products are summed in f16, at most 64 of them, and
    /// then in f32; in f32 throughout where the processor does not calculate in f16.
    F16,
    /// Operands rounded to bf16, products summed in f32.
    Bf16,
    /// The mappings' products of hidden units in integers of 8 bits, each row of their operands with a step of its own;
    /// the others as `auto` of a configuration, bf16 or f16 where that is faster.
    Int8,
}

impl Arithmetic {
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}
