//! The median of measurements.

/// The middle one of `values`, the upper of two, which it puts in another order; none without any.
pub fn median(values: &mut [f32]) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}
