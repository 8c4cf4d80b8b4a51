//! Sparse sums of tokens or groups.

use std::ops::Range;

use crate::backend::cpu::elementwise::multiply_add;

/// Number of channels that are summed over tokens or groups at a time, in registers.
pub const CHUNK: usize = 32;

/// Calls `each` with the weighted sum of rows of `features`, `[n, c]`, a chunk of `channels` at a time.
#[inline(always)]
pub fn combine<const FUSED: bool>(
    row: &[(u32, f32)],
    features: &[f32],
    c: usize,
    channels: Range<usize>,
    mut each: impl FnMut(usize, &[f32]),
) {
    let whole = channels.start + channels.len() / CHUNK * CHUNK;
    for at in (channels.start..whole).step_by(CHUNK) {
        let mut sum = [0.0f32; CHUNK];
        for &(index, weight) in row {
            let feature = &features[index as usize * c + at..][..CHUNK];
            for (sum, feature) in sum.iter_mut().zip(feature) {
                *sum = multiply_add::<FUSED>(weight, *feature, *sum);
            }
        }
        each(at, &sum);
    }
    if whole < channels.end {
        let mut sum = [0.0f32; CHUNK];
        for &(index, weight) in row {
            let feature = &features[index as usize * c + whole..][..channels.end - whole];
            for (sum, feature) in sum.iter_mut().zip(feature) {
                *sum = multiply_add::<FUSED>(weight, *feature, *sum);
            }
        }
        each(whole, &sum[..channels.end - whole]);
    }
}
