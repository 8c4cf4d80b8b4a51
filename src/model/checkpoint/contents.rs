//! What a weight file holds, as its readers report it: each tensor's shape and where its numbers lie.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::summed::Summed;

/// Most dimensions of a tensor. PyTorch and safetensors allow more, but no weight has more.
pub(super) const RANK_MAX: usize = 8;
pub(super) const NAME_BYTES_MAX: usize = 256;

/// One tensor of a file: its shape, its type and where its numbers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorEntry {
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    /// Numbers from one element to the next along each dimension.
    pub(super) strides: Vec<u64>,
    /// Byte of the file at which the first number begins.
    pub(super) start: u64,
    /// Index of the one of the file's sums that covers its numbers.
    pub(super) sum: Option<usize>,
}

/// Every tensor of a file by name, and the checksums that cover them.
pub(super) struct Contents {
    pub tensors: BTreeMap<String, TensorEntry>,
    pub sums: Vec<Summed>,
}

/// How many numbers a tensor has; `None` if that overflows.
pub(super) fn numbers(shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(1u64, |n, size| n.checked_mul(*size as u64))
}

/// Numbers from a tensor's first to its last, both counted, 0 if it is empty; `None` if that overflows.
pub(super) fn span(shape: &[usize], strides: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().zip(strides).try_fold(1u64, |end, (size, stride)| {
        let reach = (*size as u64 - 1).checked_mul(*stride)?;
        end.checked_add(reach)
    })
}

/// Strides of a tensor without gaps, the last dimension innermost.
pub(super) fn row_major(shape: &[usize]) -> Vec<u64> {
    let mut strides = vec![1u64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis] as u64);
    }
    strides
}

/// The numbers of a strided tensor in row-major order; `span` is the stretch of the storage that they lie in.
pub(super) fn gathered(span: &[f32], entry: &TensorEntry) -> Vec<f32> {
    let count = if span.is_empty() { 0 } else { entry.shape.iter().product() };
    let place = |index: usize| {
        let axes = entry.shape.iter().zip(&entry.strides).rev();
        axes.fold((index, 0), |(rest, at), (size, stride)| (rest / size, at + rest % size * *stride as usize)).1
    };
    (0..count).map(|index| span[place(index)]).collect()
}
