//! The layout of an engine file: the entry of its header, which tensors it has and in which type, and its content hash.

use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::metadata::{Metadata, Storage};
use crate::files;
use crate::model::{Architecture, TensorSpec};

/// The version of this layout. A file of another version is refused.
pub const FORMAT: u32 = 1;
pub(in crate::model) const KEY: &str = "crosscheck";

#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub format: u32,
    pub engine: Metadata,
    pub content_sha256: String,
}

/// Vectors (norms, biases) are small and stay exact.
pub(super) fn stored_dtype(precision: Storage, spec: &TensorSpec) -> Dtype {
    if precision == Storage::F16 && spec.shape.len() > 1 { Dtype::F16 } else { Dtype::F32 }
}

/// In name order, which is the order of the content hash.
pub(super) fn stored_specs(architecture: &Architecture, fitted: bool) -> Vec<TensorSpec> {
    let mut specs = architecture.rgb_tensors();
    specs.extend(architecture.xyz_tensors());
    if fitted {
        specs.extend(architecture.mapping_tensors());
    }
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    specs
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
