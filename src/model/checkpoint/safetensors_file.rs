//! Reads the header of a safetensors file, which is the header's size, a JSON header and the numbers.

use std::collections::BTreeMap;

use safetensors::tensor::Metadata;

use super::contents::{Contents, NAME_BYTES_MAX, RANK_MAX, TensorEntry, row_major};
use super::error::CheckpointError;
use super::source::Source;
use crate::model::engine_file;

const HEADER_BYTES_MAX: u64 = 1 << 23;

pub(super) fn open(source: &Source) -> Result<Contents, CheckpointError> {
    let mut size = [0; 8];
    size.copy_from_slice(&source.read(0, 8)?);
    let size = u64::from_le_bytes(size);
    if size > HEADER_BYTES_MAX {
        return Err(source.damaged(format!("a header of {size} bytes, above the limit of {HEADER_BYTES_MAX}")));
    }
    let header = source.read(8, size)?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| source.damaged(format!("its header: {e}")))?;
    let (data_at, data_bytes) = (8 + size, source.len - 8 - size);
    if metadata.metadata().as_ref().is_some_and(|facts| facts.contains_key(engine_file::KEY)) {
        // Its weights are not those of the published networks: a fit has folded the part's measures into them.
        return Err(CheckpointError::Engine { path: source.path.clone() });
    }
    let mut tensors = BTreeMap::new();
    for (name, info) in metadata.tensors() {
        let (start, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
        let numbers = info.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let bits = numbers.and_then(|n| n.checked_mul(info.dtype.bitsize())).map(|bits| bits as u64);
        let fits = start <= end && end <= data_bytes && bits.is_some_and(|bits| bits.div_ceil(8) == end - start);
        if !fits || info.shape.len() > RANK_MAX || name.len() > NAME_BYTES_MAX {
            let (dtype, shape) = (info.dtype, &info.shape);
            return Err(source.damaged(format!(
                "a tensor {dtype} {shape:?} in bytes {start} to {end} of {data_bytes}; expected its own size, inside the file"
            )));
        }
        let strides = row_major(&info.shape);
        let (shape, dtype) = (info.shape.clone(), info.dtype);
        tensors.insert(name, TensorEntry { shape, dtype, strides, start: data_at + start, sum: None });
    }
    Ok(Contents { tensors, sums: Vec::new() })
}
