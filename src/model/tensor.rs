//! The values of one weight, in the type in which they are kept.

use std::borrow::Cow;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;

/// One weight of an engine, row-major. Halves stay halves from the engine file on, until something computes on them: an
/// f32 holds every f16, so widening changes no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Tensor {
    F32(Vec<f32>),
    F16(Vec<f16>),
}

/// The values of a [`Tensor`], or an f32 slice in its place.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
}

impl Tensor {
    pub fn values(&self) -> Values<'_> {
        match self {
            Self::F32(values) => Values::F32(values),
            Self::F16(values) => Values::F16(values),
        }
    }

    /// The values as f32, copied only where they are halves.
    pub fn to_f32(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F32(values) => Cow::Borrowed(values),
            Self::F16(values) => Cow::Owned(values.to_f32_vec()),
        }
    }

    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Self::F32(values) => values,
            Self::F16(values) => values.to_f32_vec(),
        }
    }

    /// The values for changing in f32; halves become f32 for good.
    pub fn f32_mut(&mut self) -> &mut Vec<f32> {
        if let Self::F16(values) = self {
            *self = Self::F32(values.to_f32_vec());
        }
        match self {
            Self::F32(values) => values,
            Self::F16(_) => unreachable!("halves were widened above"),
        }
    }

    /// The same values as halves, each rounded to the nearest, ties to even; one beyond the range of f16 becomes
    /// infinite.
    pub fn into_f16(self) -> Self {
        match self {
            Self::F32(values) => {
                let mut halves = vec![f16::ZERO; values.len()];
                halves.convert_from_f32_slice(&values);
                Self::F16(halves)
            }
            Self::F16(_) => self,
        }
    }

    /// The first value that is NaN or infinite.
    pub fn not_finite(&self) -> Option<f32> {
        match self {
            Self::F32(values) => values.iter().copied().find(|v| !v.is_finite()),
            Self::F16(values) => values.iter().find(|v| !v.is_finite()).map(|v| v.to_f32()),
        }
    }

    /// The first value that f16 cannot hold: NaN, infinite, or above its largest in magnitude.
    pub fn beyond_f16(&self) -> Option<f32> {
        match self {
            Self::F32(values) => values.iter().copied().find(|v| !v.is_finite() || v.abs() > f16::MAX.to_f32()),
            Self::F16(_) => self.not_finite(),
        }
    }
}

impl<'a> Values<'a> {
    /// How many there are.
    pub fn count(self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
        }
    }

    /// Some of the values as f32, by way of `buffer` where they are halves.
    pub fn widened<'b>(self, range: Range<usize>, buffer: &'b mut Vec<f32>) -> &'b [f32]
    where
        'a: 'b,
    {
        match self {
            Self::F32(values) => &values[range],
            Self::F16(values) => {
                buffer.resize(range.len(), 0.0);
                values[range].convert_to_f32_slice(buffer);
                buffer
            }
        }
    }
}

impl<'a> From<&'a Tensor> for Values<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        tensor.values()
    }
}

impl<'a> From<&'a [f32]> for Values<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::F32(values)
    }
}

impl<'a> From<&'a Vec<f32>> for Values<'a> {
    fn from(values: &'a Vec<f32>) -> Self {
        Self::F32(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every finite f16, both zeros and the subnormal ones among them.
    fn every_half() -> Vec<f16> {
        (0..=u16::MAX).map(f16::from_bits).filter(|v| v.is_finite()).collect()
    }

    #[test]
    fn halves_come_back_from_f32_bit_for_bit() {
        let halves = every_half();
        let wide = Tensor::F16(halves.clone()).into_f32();
        let mut changed = Tensor::F16(halves.clone());
        assert_eq!(changed.f32_mut(), &wide);
        let Tensor::F16(back) = changed.into_f16() else { panic!("still f32") };
        assert!(back.iter().map(|v| v.to_bits()).eq(halves.iter().map(|v| v.to_bits())));
    }

    #[test]
    fn parts_are_widened_as_the_whole() {
        let (halves, mut buffer) = (every_half(), vec![7.0; 3]);
        let wide = halves.to_f32_vec();
        let (narrow, plain) = (Tensor::F16(halves), Tensor::F32(wide.clone()));
        for range in [0..0, 0..1, 17..1001, 0..wide.len()] {
            for values in [narrow.values(), plain.values()] {
                let part = values.widened(range.clone(), &mut buffer);
                assert!(part.iter().map(|v| v.to_bits()).eq(wide[range.clone()].iter().map(|v| v.to_bits())));
            }
        }
    }

    #[test]
    fn what_f16_cannot_hold_is_found() {
        let largest = f16::MAX.to_f32();
        assert_eq!(Tensor::F32(vec![1.0, -largest, largest]).beyond_f16(), None);
        assert_eq!(Tensor::F32(vec![1.0, -70_000.0]).beyond_f16(), Some(-70_000.0));
        assert_eq!(Tensor::F32(vec![1.0, -70_000.0]).not_finite(), None);
        for tensor in [Tensor::F32(vec![0.0, f32::INFINITY]), Tensor::F16(vec![f16::ZERO, f16::INFINITY])] {
            assert_eq!((tensor.not_finite(), tensor.beyond_f16()), (Some(f32::INFINITY), Some(f32::INFINITY)));
        }
        assert!(Tensor::F16(vec![f16::NAN]).not_finite().is_some_and(f32::is_nan));
    }
}
