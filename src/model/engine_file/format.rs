//! The layout of an engine file: the entry of its header, which tensors it has and in which type, and its content hash.

use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::EngineError;
use super::metadata::{Metadata, Storage};
use crate::files;
use crate::model::{Tensor, TensorSpec};

pub(in crate::model) const KEY: &str = "crosscheck";

#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub format: u32,
    pub engine: Metadata,
    pub content_sha256: String,
}

/// The type in which a tensor is stored. Vectors (norms, biases) are small and stay exact.
pub(super) fn stored_dtype(precision: Storage, spec: &TensorSpec) -> Dtype {
    if precision == Storage::F16 && spec.shape.len() > 1 { Dtype::F16 } else { Dtype::F32 }
}

/// Refuses a tensor with a value that it cannot be stored with as `dtype`.
pub(super) fn check_range(spec: &TensorSpec, dtype: Dtype, tensor: &Tensor) -> Result<(), EngineError> {
    let unfit = if dtype == Dtype::F16 { tensor.beyond_f16() } else { tensor.not_finite() };
    unfit.map_or(Ok(()), |value| Err(EngineError::Range { name: spec.name.clone(), value }))
}

/// The weight `spec` in the type in which an engine of `precision` stores it; a value that this type cannot hold is an
/// error.
pub fn as_stored(precision: Storage, spec: &TensorSpec, values: Vec<f32>) -> Result<Tensor, EngineError> {
    let (dtype, tensor) = (stored_dtype(precision, spec), Tensor::F32(values));
    check_range(spec, dtype, &tensor)?;
    Ok(if dtype == Dtype::F16 { tensor.into_f16() } else { tensor })
}

pub(super) fn content_hash<'a, B: AsRef<[u8]>>(
    metadata: &Metadata,
    tensors: impl Iterator<Item = (&'a TensorSpec, Dtype, B)>,
) -> String {
    let mut hash = ContentHash::new(metadata);
    tensors.for_each(|(spec, dtype, bytes)| hash.add(spec, dtype, bytes.as_ref()));
    hash.finish()
}

pub(super) struct ContentHash(Sha256);

impl ContentHash {
    pub fn new(metadata: &Metadata) -> Self {
        let Ok(settings) = serde_json::to_vec(metadata) else { unreachable!("an engine's settings are plain JSON") };
        Self(Sha256::new_with_prefix(settings))
    }

    pub fn add(&mut self, spec: &TensorSpec, dtype: Dtype, bytes: &[u8]) {
        self.0.update(format!("{} {dtype:?} {:?}\n", spec.name, spec.shape));
        self.0.update(bytes);
    }

    pub fn finish(self) -> String {
        files::hex(&self.0.finalize())
    }
}
