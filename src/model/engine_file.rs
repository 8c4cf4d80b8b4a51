//! The engine file: one safetensors file with everything an inspection depends on.
//!
//! The header's metadata holds one entry, `crosscheck`, a JSON object of `format`, `engine`
//! ([`Metadata`]) and `content_sha256`, the hash of the engine's JSON and of every tensor.

mod metadata;
mod reader;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use self::reader::Reader;
use super::encoded::Encoded;
use super::{Architecture, TensorSpec, Weights};
use crate::files;
use crate::prepare::{Preparation, Stride};
use crate::signature::{self, Keys, SignatureError};

pub use self::metadata::{Geometry, Measures, Metadata, Source, Storage, Usual};

/// The version of this layout. A file of another version is refused.
pub const FORMAT: u32 = 1;
pub(super) const KEY: &str = "crosscheck";
/// Of a file that is held in memory whole; the largest published engine has 470 MB, in f32.
const FILE_BYTES_MAX: u64 = 1 << 30;
const BUILT_IN: &[u8] = include_bytes!("../../engines/default.safetensors");

#[derive(Debug, Error)]
pub enum EngineError {
    #[error("cannot read the engine {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write the engine {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{} is not an engine file: {reason}; make one with `crosscheck import`", path.display())]
    Kind { path: PathBuf, reason: String },
    #[error(
        "the engine {} has format {found}, this program reads format {FORMAT}: make it again with `crosscheck import` of this version",
        path.display()
    )]
    Version { path: PathBuf, found: String },
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the engine {} is damaged: {reason}; copy or import it again", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the engine was fitted in another scene: {difference}; fit it again with this scene, or leave the scene out, which takes the engine's own"
    )]
    Scene { difference: String },
    #[error(
        "the engine was calibrated with --stride {}, but {} is asked for: calibrate it again, or leave out --stride",
        engine.pixels(),
        asked.pixels()
    )]
    Stride { engine: Stride, asked: Stride },
    #[error("the tensor {name} has a value that {} ({value}): {}", if value.is_finite() { "f16 cannot hold" } else { "is not finite" }, if value.is_finite() { "use --precision f32" } else { "nothing was written" })]
    Range { name: String, value: f32 },
}

/// An engine in memory.
#[derive(Clone, Debug)]
pub struct Engine {
    pub metadata: Metadata,
    /// Every tensor of the architecture, or all but the mappings'.
    pub weights: Weights,
    /// Hex SHA-256 of metadata and weights as they are stored; empty before the engine is stored.
    pub content_sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    format: u32,
    engine: Metadata,
    content_sha256: String,
}

impl Engine {
    /// Whether the mappings are there.
    pub fn is_fitted(&self) -> bool {
        self.weights.contains_key("map_rgb_to_xyz.input.weight")
    }

    /// Prepares frames in another way. Another scene is refused where mappings or a threshold were learnt in this one, and
    /// another stride where a threshold was.
    pub fn prepare_as(&mut self, preparation: Preparation) -> Result<(), EngineError> {
        let own = &self.metadata.preparation;
        if let Some(difference) = own.scene_difference(&preparation)
            && (self.is_fitted() || self.metadata.calibration.is_some())
        {
            return Err(EngineError::Scene { difference });
        }
        if self.metadata.calibration.is_some() && own.stride != preparation.stride {
            return Err(EngineError::Stride { engine: own.stride, asked: preparation.stride });
        }
        self.metadata.preparation = preparation;
        Ok(())
    }

    /// The two networks' weights alone.
    pub fn backbones(&self) -> Weights {
        self.weights.iter().filter(|(name, _)| !name.starts_with("map_")).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// Writes the engine, whole or not at all, and returns its content hash.
    pub fn write(&self, path: &Path) -> Result<String, EngineError> {
        let tensors = self.encode()?;
        let content_sha256 = content_hash(&self.metadata, tensors.iter().map(|t| (&t.spec, t.dtype, t.bytes())));
        let entry = Entry { format: FORMAT, engine: self.metadata.clone(), content_sha256: content_sha256.clone() };
        let failed = |source| EngineError::Write { path: path.into(), source };
        let header = serde_json::to_string(&entry).map_err(|e| failed(e.into()))?;
        let data = tensors.iter().map(|t| (t.spec.name.as_str(), t));
        let info = HashMap::from([(KEY.to_string(), header)]);
        files::write_whole(path, |file| {
            safetensors::serialize_to_file(data, Some(info), file.path()).map_err(std::io::Error::other)
        })
        .map_err(failed)?;
        let signature = signature::path_of(path);
        if signature.exists() {
            // It may not be this program's to remove.
            log::warn!(
                "{} is of what {} was before, so that stations with keys refuse it now: sign it again with `crosscheck sign`",
                signature.display(),
                path.display()
            );
        }
        Ok(content_sha256)
    }

    fn encode(&self) -> Result<Vec<Encoded<'_>>, EngineError> {
        let specs = stored_specs(&self.metadata.architecture, self.is_fitted());
        specs.into_iter().map(|spec| self.encode_one(spec)).collect()
    }

    fn encode_one(&self, spec: TensorSpec) -> Result<Encoded<'_>, EngineError> {
        let Some(values) = self.weights.get(&spec.name) else { panic!("the engine has no tensor {}", spec.name) };
        let dtype = stored_dtype(self.metadata.precision, &spec);
        let unfit = |v: &&f32| !v.is_finite() || (dtype == Dtype::F16 && v.abs() > half::f16::MAX.to_f32());
        if let Some(&value) = values.iter().find(unfit) {
            return Err(EngineError::Range { name: spec.name, value });
        }
        Ok(Encoded { spec, dtype, values })
    }

    /// Reads an engine and checks every name, shape and the content hash.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let file = File::open(path).map_err(|source| EngineError::Read { path: path.into(), source })?;
        Reader::new(path, file)?.engine()
    }

    /// Reads an engine that one of `keys` has signed, and gives that key's number. The bytes that were signed are the
    /// ones that are read, whatever becomes of the file meanwhile, and nothing is made of them before.
    pub fn read_signed(path: &Path, keys: &Keys) -> Result<(Self, String), EngineError> {
        let bytes = Self::bytes(path)?;
        let signer = keys.check(path, &bytes)?;
        Ok((Self::from_bytes(path, &bytes)?, signer))
    }

    /// An engine file's bytes, whatever they are.
    pub fn bytes(path: &Path) -> Result<Vec<u8>, EngineError> {
        let failed = |source| EngineError::Read { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length > FILE_BYTES_MAX {
            let reason = format!("it has {length} bytes, above the limit of {FILE_BYTES_MAX} for signed engines");
            return Err(EngineError::Kind { path: path.into(), reason });
        }
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// Reads an engine from the bytes of its file; `path` is for messages.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, EngineError> {
        Reader::new(path, Cursor::new(bytes))?.engine()
    }

    /// The default engine (`engines/README.md`), which is part of the program. It has no mappings: fit it.
    pub fn built_in() -> Result<Self, EngineError> {
        Self::from_bytes("the built-in engine".as_ref(), BUILT_IN)
    }
}

/// Vectors (norms, biases) are small and stay exact.
fn stored_dtype(precision: Storage, spec: &TensorSpec) -> Dtype {
    if precision == Storage::F16 && spec.shape.len() > 1 { Dtype::F16 } else { Dtype::F32 }
}

/// In name order, which is the order of the content hash.
fn stored_specs(architecture: &Architecture, fitted: bool) -> Vec<TensorSpec> {
    let mut specs = architecture.rgb_tensors();
    specs.extend(architecture.xyz_tensors());
    if fitted {
        specs.extend(architecture.mapping_tensors());
    }
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    specs
}

fn content_hash<'a, B: AsRef<[u8]>>(
    metadata: &Metadata,
    tensors: impl Iterator<Item = (&'a TensorSpec, Dtype, B)>,
) -> String {
    let mut hash = ContentHash::new(metadata);
    tensors.for_each(|(spec, dtype, bytes)| hash.add(spec, dtype, bytes.as_ref()));
    hash.finish()
}

struct ContentHash(Sha256);

impl ContentHash {
    fn new(metadata: &Metadata) -> Self {
        let Ok(settings) = serde_json::to_vec(metadata) else { panic!("an engine's settings are plain JSON") };
        Self(Sha256::new_with_prefix(settings))
    }

    fn add(&mut self, spec: &TensorSpec, dtype: Dtype, bytes: &[u8]) {
        self.0.update(format!("{} {dtype:?} {:?}\n", spec.name, spec.shape));
        self.0.update(bytes);
    }

    fn finish(self) -> String {
        files::hex(&self.0.finalize())
    }
}
