//! A weight on its way into a file: converted when its bytes are asked for, so that one at a time is in memory.

use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use safetensors::{Dtype, View};

use super::TensorSpec;
use super::tensor::Tensor;

pub struct Encoded<'a> {
    pub spec: TensorSpec,
    /// F16 or F32.
    pub dtype: Dtype,
    pub tensor: &'a Tensor,
}

impl Encoded<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        match (self.tensor, self.dtype) {
            (Tensor::F16(halves), Dtype::F16) => halves.iter().flat_map(|v| v.to_le_bytes()).collect(),
            (Tensor::F32(values), Dtype::F16) => {
                let mut halves = vec![half::f16::ZERO; values.len()];
                halves.convert_from_f32_slice(values);
                halves.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
            (tensor, _) => tensor.to_f32().iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

impl View for &Encoded<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.spec.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.bytes())
    }

    fn data_len(&self) -> usize {
        self.tensor.values().count() * if self.dtype == Dtype::F32 { 4 } else { 2 }
    }
}
