//! Reads an engine file. Everything in it is checked before it is used.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::Metadata as Header;

use super::engine::Engine;
use super::error::{EngineError, FORMAT};
use super::format::{ContentHash, Entry, KEY};
use crate::model::weights::expected_tensors;
use crate::model::{GAP_PLACES, Tensor, TensorSpec, Weights};

/// A header of names, shapes and settings is far below this.
const HEADER_BYTES_MAX: u64 = 4 << 20;

/// An engine file whose header was read.
pub(super) struct Reader<F> {
    path: PathBuf,
    file: F,
    header: Header,
    /// Byte of the file at which tensor data starts.
    start: u64,
    entry: Entry,
}

impl<F: Read + Seek> Reader<F> {
    pub fn new(path: &Path, mut file: F) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Read { path: path.into(), source };
        let kind = |reason: &str| EngineError::Kind { path: path.into(), reason: reason.into() };
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let mut bytes = [0; 8];
        file.read_exact(&mut bytes).map_err(|_| kind("it is shorter than a header"))?;
        let header_bytes = u64::from_le_bytes(bytes);
        if header_bytes > HEADER_BYTES_MAX || header_bytes + 8 > length {
            return Err(kind("its safetensors header is missing or cut short"));
        }
        let mut text = vec![0; header_bytes as usize];
        file.read_exact(&mut text).map_err(failed)?;
        let header: Header =
            serde_json::from_slice(&text).map_err(|e| kind(&format!("its header is not valid ({e})")))?;
        let entry = read_entry(path, &header)?;
        let start = 8 + header_bytes;
        let expected = start + header.data_len() as u64;
        if length != expected {
            let reason = format!("it has {length} bytes where {expected} are expected");
            return Err(EngineError::Damaged { path: path.into(), reason });
        }
        Ok(Self { path: path.into(), file, header, start, entry })
    }

    pub fn engine(mut self) -> Result<Engine, EngineError> {
        let metadata = self.entry.engine.clone();
        metadata.architecture.check().map_err(|reason| self.damaged(reason))?;
        metadata.preparation.check().map_err(|reason| self.damaged(reason))?;
        metadata.gaps.map_or(Ok(()), |gaps| gaps.check()).map_err(|reason| self.damaged(reason))?;
        if metadata.gaps.is_some() != self.header.info(GAP_PLACES).is_some() {
            let reason = format!("it has either the limits of its check for gaps or the tensor {GAP_PLACES}, not both");
            return Err(self.damaged(reason));
        }
        let specs = expected_tensors(&metadata.architecture, |name| self.header.info(name).is_some());
        self.check_tensors(&specs)?;
        let mut hash = ContentHash::new(&metadata);
        let mut tensors = BTreeMap::new();
        // One buffer for all tensors: memory freed in pieces between the weights would stay with the process.
        let mut bytes = Vec::new();
        for spec in specs {
            let dtype = self.tensor(&spec, &mut bytes)?;
            hash.add(&spec, dtype, &bytes);
            tensors.insert(spec.name, decode(dtype, &bytes));
        }
        let weights = Weights::new(&metadata.architecture, tensors).map_err(|error| self.damaged(error.to_string()))?;
        let content_sha256 = hash.finish();
        if content_sha256 != self.entry.content_sha256 {
            return Err(self.damaged("its content does not have the hash it was written with".into()));
        }
        Ok(Engine { metadata, weights, content_sha256 })
    }

    /// Checks that the file has the tensors `specs`, which are sorted by name, in their shapes, and no others.
    fn check_tensors(&self, specs: &[TensorSpec]) -> Result<(), EngineError> {
        let tensors = self.header.tensors();
        for spec in specs {
            let found = tensors.get(&spec.name).map(|info| info.shape.clone());
            if found.as_deref() != Some(&spec.shape) {
                let found = found.map_or("nothing".into(), |shape| format!("{shape:?}"));
                let reason = format!("the tensor {} should be {:?}, found {found}", spec.name, spec.shape);
                return Err(self.damaged(reason));
            }
        }
        match tensors.keys().filter(|name| specs.binary_search_by(|spec| spec.name.cmp(name)).is_err()).min() {
            Some(name) => Err(self.damaged(format!("the tensor {name} is not of this architecture"))),
            None => Ok(()),
        }
    }

    /// Reads a tensor's bytes and returns their type.
    fn tensor(&mut self, spec: &TensorSpec, bytes: &mut Vec<u8>) -> Result<Dtype, EngineError> {
        let Some(info) = self.header.info(&spec.name) else { unreachable!("{} was checked", spec.name) };
        let (dtype, (from, to)) = (info.dtype, info.data_offsets);
        if !matches!(dtype, Dtype::F16 | Dtype::F32) {
            return Err(self.damaged(format!("the tensor {} is of type {dtype:?}", spec.name)));
        }
        bytes.resize(to - from, 0);
        let read = self.file.seek(SeekFrom::Start(self.start + from as u64)).and_then(|_| self.file.read_exact(bytes));
        read.map_err(|source| EngineError::Read { path: self.path.clone(), source })?;
        Ok(dtype)
    }

    fn damaged(&self, reason: String) -> EngineError {
        EngineError::Damaged { path: self.path.clone(), reason }
    }
}

/// Reads the metadata's entry, the version first: another version's fields mean nothing here.
fn read_entry(path: &Path, header: &Header) -> Result<Entry, EngineError> {
    let kind = |reason: String| EngineError::Kind { path: path.into(), reason };
    let text = header.metadata().as_ref().and_then(|m| m.get(KEY));
    let text = text.ok_or_else(|| kind("it is a safetensors file of something else than an engine".into()))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| kind(e.to_string()))?;
    if value["format"] != FORMAT {
        return Err(EngineError::Version { path: path.into(), found: value["format"].to_string() });
    }
    serde_json::from_value(value)
        .map_err(|e| EngineError::Damaged { path: path.into(), reason: format!("its settings are not valid ({e})") })
}

fn decode(dtype: Dtype, bytes: &[u8]) -> Tensor {
    if dtype == Dtype::F16 {
        Tensor::F16(bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b)).collect())
    } else {
        Tensor::F32(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }
}
