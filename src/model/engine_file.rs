//! The engine file: one safetensors file with everything an inspection depends on.
//!
//! The header's metadata holds one entry, `crosscheck`, a JSON object of `format`, `engine`
//! ([`Metadata`]) and `content_sha256`, the hash of the engine's JSON and of every tensor.

mod engine;
mod error;
mod format;
mod metadata;
mod reader;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use self::format::{Entry, check_range, content_hash, stored_dtype};
use self::reader::Reader;
use super::TensorSpec;
use super::encoded::Encoded;
use super::weights::expected_tensors;
use crate::files;
use crate::signature::{self, Keys};

pub use self::engine::Engine;
pub use self::error::{EngineError, FORMAT};
pub(super) use self::format::KEY;
pub use self::format::as_stored;
pub use self::metadata::{GapLimits, Gaps, Geometry, Measures, Metadata, Source, Storage, Usual};

/// Largest file that is read whole, to check its signature. The largest published engine has 470 MB, in f32.
const FILE_BYTES_MAX: u64 = 1 << 30;
const BUILT_IN: &[u8] = include_bytes!("../../engines/default.safetensors");

impl Engine {
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
            // It may have been put there by someone else, so it is not removed.
            log::warn!(
                "{} is of what {} was before: stations with keys refuse the engine until it is signed again with `crosscheck sign`",
                signature.display(),
                path.display()
            );
        }
        Ok(content_sha256)
    }

    fn encode(&self) -> Result<Vec<Encoded<'_>>, EngineError> {
        let specs = expected_tensors(&self.metadata.architecture, |name| self.weights.get(name).is_some());
        specs.into_iter().map(|spec| self.encode_one(spec)).collect()
    }

    fn encode_one(&self, spec: TensorSpec) -> Result<Encoded<'_>, EngineError> {
        let Some(tensor) = self.weights.get(&spec.name) else { unreachable!("the engine has no tensor {}", spec.name) };
        let dtype = stored_dtype(self.metadata.precision, &spec);
        check_range(&spec, dtype, tensor)?;
        Ok(Encoded { spec, dtype, tensor })
    }

    /// Reads an engine. Every tensor's name, shape and values are checked, and the content hash.
    ///
    /// An error if it cannot be read, is not an engine of this version, or is not what was written.
    ///
    /// ```
    /// use crosscheck::Engine;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("engine.safetensors");
    /// let content = Engine::built_in()?.write(&path)?;
    /// assert_eq!(Engine::read(&path)?.content_sha256, content);
    ///
    /// std::fs::write(&path, "something else")?;
    /// assert!(Engine::read(&path).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let file = File::open(path).map_err(|source| EngineError::Read { path: path.into(), source })?;
        Reader::new(path, file)?.engine()
    }

    /// Reads an engine that one of `keys` has signed, and returns it with that key's number. The file is read once: the
    /// engine is decoded from the very bytes whose signature was checked.
    pub fn read_signed(path: &Path, keys: &Keys) -> Result<(Self, String), EngineError> {
        let bytes = Self::bytes(path)?;
        let signer = keys.check(path, &bytes)?;
        Ok((Self::from_bytes(path, &bytes)?, signer))
    }

    /// The bytes of an engine file, of which only the number is checked.
    #[doc(hidden)]
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

    /// The default engine (`engines/README.md`), which is part of the program. It has no mappings and is to be fitted.
    ///
    /// ```
    /// use crosscheck::{Engine, Variant};
    ///
    /// let engine = Engine::built_in()?;
    /// assert_eq!(engine.metadata.variant, Variant::Default);
    /// assert!(!engine.is_fitted());
    /// # Ok::<(), crosscheck::EngineError>(())
    /// ```
    pub fn built_in() -> Result<Self, EngineError> {
        Self::from_bytes("the built-in engine".as_ref(), BUILT_IN)
    }
}
