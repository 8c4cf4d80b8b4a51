//! The largest of several differences, for comparisons with a bound.

/// Zero if there are none, NaN if one of them is NaN: a difference that is NaN is within no bound.
pub fn largest<T: Into<f64>>(differences: impl IntoIterator<Item = T>) -> f64 {
    let keep = |most: f64, next: f64| if most.is_nan() || next <= most { most } else { next };
    differences.into_iter().map(Into::into).fold(0.0, keep)
}

#[test]
fn a_difference_that_is_nan_is_the_largest_wherever_it_stands() {
    for place in 0..3 {
        let mut differences = [0.5, 2.0, 1.0];
        assert_eq!(largest(differences), 2.0);
        differences[place] = f32::NAN;
        assert!(largest(differences).is_nan(), "at {place}");
    }
    assert_eq!(largest([0.0f64; 0]), 0.0);
}
