//! Weight files as users have them: PyTorch's (before and since 1.6) and safetensors.
//!
//! The kind is recognised by the content, never by the file's name. Nothing in a file is executed, every size is
//! checked against the file's own before memory is allocated for it, and only the tensors asked for are read.

mod archive;
mod contents;
mod error;
mod naming;
mod part;
mod pickle;
mod prefix;
mod safetensors_file;
mod select;
mod source;
mod summed;
mod torch;
mod tree;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use half::{bf16, f16};

use self::contents::{Contents, gathered, numbers, row_major, span};
use self::source::Source;
use self::summed::Summed;

pub use self::contents::TensorEntry;
pub use self::error::CheckpointError;
pub use self::part::Part;
pub use self::select::{Selection, select};
pub use safetensors::Dtype;

/// An opened weight file.
pub struct Checkpoint {
    source: Source,
    tensors: BTreeMap<String, TensorEntry>,
    sums: Vec<Summed>,
    /// Indices of the sums that were checked and found right.
    sound: RefCell<BTreeSet<usize>>,
}

impl Checkpoint {
    /// Reads which tensors the file has, but none of their numbers. Names are the file's own, with the keys of the
    /// dicts on the way to a tensor in front: `base_model/module.MAE_encoder.norm.weight`.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let source = Source::open(path)?;
        let head = source.read(0, source.len.min(64))?;
        let Contents { tensors, sums } = if head.starts_with(b"PK\x03\x04") {
            torch::open_zip(&source)?
        } else if head.first() == Some(&0x80) && head.windows(10).any(|window| window == torch::LEGACY_MAGIC) {
            torch::open_legacy(&source)?
        } else if head.get(8) == Some(&b'{') {
            safetensors_file::open(&source)?
        } else {
            let found = format!("\"{}\"", head[..head.len().min(16)].escape_ascii());
            return Err(CheckpointError::Kind { path: path.into(), found });
        };
        if tensors.is_empty() {
            return Err(source.damaged("expected a dict of tensors by name, found none"));
        }
        Ok(Self { source, tensors, sums, sound: RefCell::default() })
    }

    /// Every tensor by name.
    pub fn tensors(&self) -> &BTreeMap<String, TensorEntry> {
        &self.tensors
    }

    /// One tensor's numbers, row-major. A tensor of integers is an error, and so is a storage whose CRC-32 is not the
    /// one in the ZIP file's directory; other kinds of file have no checksums.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let path = || self.source.path.clone();
        let Some(entry) = self.tensors.get(name) else {
            return Err(CheckpointError::NoTensor { path: path(), name: name.into() });
        };
        self.check_sum(entry)?;
        let refused = |found| CheckpointError::NotWeights { path: path(), name: name.into(), found };
        let convert = converter(entry.dtype).ok_or_else(|| refused(entry.dtype.to_string()))?;
        // A stride of 0 may repeat a number, but a weight does not have more numbers than its span.
        let span = span(&entry.shape, &entry.strides).zip(numbers(&entry.shape)).filter(|(span, count)| count <= span);
        let Some((span, _)) = span else {
            return Err(refused(format!("one number repeated, as {:?} with strides {:?}", entry.shape, entry.strides)));
        };
        // The span lies within the file.
        let mut values = Vec::with_capacity(span as usize);
        let bytes = span * (entry.dtype.bitsize() as u64 / 8);
        self.source.stream(entry.start, bytes, |chunk| convert(chunk, &mut values))?;
        if entry.strides == row_major(&entry.shape) { Ok(values) } else { Ok(gathered(&values, entry)) }
    }

    /// Checks the whole storage that a tensor lies in, once.
    fn check_sum(&self, entry: &TensorEntry) -> Result<(), CheckpointError> {
        let Some(sum) = entry.sum.filter(|sum| !self.sound.borrow().contains(sum)) else { return Ok(()) };
        self.sums[sum].check(&self.source)?;
        self.sound.borrow_mut().insert(sum);
        Ok(())
    }

    /// SHA-256 of the file in hexadecimal, by which an engine's provenance names it.
    pub fn sha256(&self) -> Result<String, CheckpointError> {
        self.source.sha256()
    }
}

type Convert = fn(&[u8], &mut Vec<f32>);

/// Appends little-endian numbers of `dtype` as f32; `None` for a type that holds no weights.
fn converter(dtype: Dtype) -> Option<Convert> {
    Some(match dtype {
        Dtype::F32 => |bytes, out| out.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
        Dtype::F64 => |bytes, out| out.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32)),
        Dtype::F16 => |bytes, out| out.extend(bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32())),
        Dtype::BF16 => |bytes, out| out.extend(bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32())),
        _ => return None,
    })
}
