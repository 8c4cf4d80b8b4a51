//! What a weight file holds, as its readers report it: each tensor's shape and where its numbers lie.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::summed::Summed;

/// PyTorch and safetensors allow more; no weight has more.
pub(super) const RANK_MAX: usize = 8;
pub(super) const NAME_BYTES_MAX: usize = 256;

/// One tensor of a file: its shape, and where its numbers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorEntry {
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    /// In numbers, as many as dimensions.
    pub(super) strides: Vec<u64>,
    /// Byte of the file where the first number begins.
    pub(super) start: u64,
    /// Which of the file's sums its numbers are covered by.
    pub(super) sum: Option<usize>,
}

/// What a file holds.
pub(super) struct Contents {
    pub tensors: BTreeMap<String, TensorEntry>,
    pub sums: Vec<Summed>,
}

pub(super) fn numbers(shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(1u64, |n, size| n.checked_mul(*size as u64))
}

/// Numbers from a tensor's first to behind its last, 0 if it is empty; `None` if that overflows.
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

/// A strided tensor's numbers, row-major, from the span that they lie in.
pub(super) fn gathered(span: &[f32], entry: &TensorEntry) -> Vec<f32> {
    let count = if span.is_empty() { 0 } else { entry.shape.iter().product() };
    let place = |index: usize| {
        let axes = entry.shape.iter().zip(&entry.strides).rev();
        axes.fold((index, 0), |(rest, at), (size, stride)| (rest / size, at + rest % size * *stride as usize)).1
    };
    (0..count).map(|index| span[place(index)]).collect()
}
