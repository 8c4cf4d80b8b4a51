//! Rounds rows to fewer bits, and scales a tile of the product of such rows back, vectorised for the instruction set at
//! hand.

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::elementwise::vectorised;

/// Largest magnitude of a weight as an integer.
const WEIGHT_MAX: f32 = 127.0;
/// Number of steps that a row of activations spans; the rounding of the zero point needs the 255th.
const ACTIVATION_STEPS: f32 = 254.0;
/// A small number plus this constant has no bits for a fraction: the nearest integer is in the last bits of the sum.
const ROUNDING: f32 = 12_582_912.0;
/// Number of values that are converted at a time.
const CONVERTED: usize = 256;
/// The sign bit of an f32.
const SIGN_BIT: u32 = 1 << 31;

/// The smallest and the largest of zero and a row's values; both are NaN if one of the values is not finite.
#[derive(Clone, Copy)]
pub struct Extent {
    low: f32,
    high: f32,
}

impl Extent {
    pub fn new(row: &[f32]) -> Self {
        const INFINITY: u32 = f32::INFINITY.to_bits();
        let (highest, lowest) = bits_extent(row);
        if highest >= INFINITY || lowest >= SIGN_BIT | INFINITY {
            return Self { low: f32::NAN, high: f32::NAN };
        }
        let low = if lowest >= SIGN_BIT { f32::from_bits(lowest) } else { 0.0 };
        Self { low, high: f32::from_bits(highest) }
    }

    fn magnitude(self) -> f32 {
        if -self.low > self.high { -self.low } else { self.high }
    }
}

vectorised! {
    /// The largest bits of the row, read as a signed integer and at least zero, and read as an unsigned one. They are
    /// those of the largest value, and, if a value is negative, of the smallest.
    fn bits_extent(row: &[f32]) -> (u32, u32) {
        let (mut highest, mut lowest) = (0i32, 0u32);
        for v in row {
            highest = highest.max(v.to_bits().cast_signed());
            lowest = lowest.max(v.to_bits());
        }
        (highest.cast_unsigned(), lowest)
    }
}

/// The power of two at or below the largest magnitude, within a range in which its reciprocal is finite too.
pub fn power_of_two(extent: Extent) -> f32 {
    const EXPONENT: u32 = 0x7f80_0000;
    const MOST: f32 = (1u128 << 100) as f32;
    let magnitude = extent.magnitude();
    let power = f32::from_bits(magnitude.to_bits() & EXPONENT);
    if magnitude.is_nan() { f32::NAN } else { power.clamp(1.0 / MOST, MOST) }
}

/// The value of one step of the integers of a row of weights.
pub fn weight_step(extent: Extent) -> f32 {
    let magnitude = extent.magnitude();
    if magnitude.is_nan() { f32::NAN } else { (magnitude / WEIGHT_MAX).max(f32::MIN_POSITIVE) }
}

pub fn integer_weight(value: f32, step: f32) -> f32 {
    (value / step).round_ties_even()
}

/// The value of one step of the integers of a row of activations, and the integer that represents zero.
pub fn activation_step(Extent { low, high }: Extent) -> (f32, f32) {
    let step = (high - low) / ACTIVATION_STEPS;
    if step.is_nan() {
        return (f32::NAN, 0.0);
    }
    let step = step.max(f32::MIN_POSITIVE);
    // The step is rounded up, so that no value falls below 0 or above 255.
    (step, (-low * step.recip()).ceil())
}

/// The bits of the nearest bf16, ties to even, in the upper half; a NaN stays one.
#[inline(always)]
fn rounded_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let quiet = bits | 0x0040_0000;
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if value.is_nan() { quiet } else { nearest }
}

vectorised! {
    pub fn round_bf16(values: &[f32], out: &mut [f32]) {
        for (value, out) in values.iter().zip(out) {
            *out = f32::from_bits(rounded_bits(*value) & 0xffff_0000);
        }
    }
}

vectorised! {
    pub fn round_bf16_pairs(values: &[f32], halves: &mut [u16]) {
        for (value, half) in values.iter().zip(&mut *halves) {
            *half = (rounded_bits(*value) >> 16) as u16;
        }
        halves[values.len()..].fill(0);
    }
}

/// Writes the f16 bits of the values scaled by `up`; halves beyond the values are zero.
pub fn round_f16(values: &[f32], up: f32, halves: &mut [u16]) {
    let mut scaled = [0.0; CONVERTED];
    let (halves, rest) = halves.reinterpret_cast_mut::<f16>().split_at_mut(values.len());
    for (values, halves) in values.chunks(CONVERTED).zip(halves.chunks_mut(CONVERTED)) {
        let scaled = &mut scaled[..values.len()];
        scaled.iter_mut().zip(values).for_each(|(scaled, v)| *scaled = v * up);
        halves.convert_from_f32_slice(scaled);
    }
    rest.fill(f16::ZERO);
}

/// Like [`round_f16`], but the halves are widened to f32.
pub fn round_f16_widened(values: &[f32], up: f32, out: &mut [f32]) {
    let mut halves = [0; CONVERTED];
    for (values, out) in values.chunks(CONVERTED).zip(out.chunks_mut(CONVERTED)) {
        let halves = &mut halves[..values.len()];
        round_f16(values, up, halves);
        halves.reinterpret_cast::<f16>().convert_to_f32_slice(out);
    }
}

vectorised! {
    pub fn round_integers(values: &[f32], up: f32, out: &mut [f32]) {
        for (value, out) in values.iter().zip(out) {
            *out = value * up + ROUNDING - ROUNDING;
        }
    }
}

vectorised! {
    pub fn round_bytes(values: &[f32], up: f32, zero: f32, flip: u8, bytes: &mut [u8]) {
        for (value, byte) in values.iter().zip(&mut *bytes) {
            *byte = (value * up + ROUNDING + zero).to_bits() as u8 ^ flip;
        }
        bytes[values.len()..].fill(0);
    }
}

vectorised! {
    pub fn scale_floats(tile: &mut [f32], rows: &[f32], columns: &[f32]) {
        for (tile, row) in tile.chunks_exact_mut(columns.len()).zip(rows) {
            for (v, column) in tile.iter_mut().zip(columns) {
                *v *= row * column;
            }
        }
    }
}

vectorised! {
    pub fn scale_integers(tile: &mut [f32], rows: &[f32], zeros: &[i32], columns: &[f32], sums: &[i32]) {
        for ((tile, row), zero) in tile.chunks_exact_mut(columns.len()).zip(rows).zip(zeros) {
            for ((v, column), sum) in tile.iter_mut().zip(columns).zip(sums) {
                *v = (v.to_bits().cast_signed() - zero * sum) as f32 * (row * column);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn f16_is_the_nearest() {
        let mut rng = fastrand::Rng::with_seed(1);
        // Every f16, the value halfway to the next, and the values on either side of that.
        let near = (0..=u16::MAX).flat_map(|bits| {
            let [this, next] = [bits, bits.wrapping_add(1)].map(|bits| f16::from_bits(bits).to_f32());
            let halfway = ((this + next) / 2.0).to_bits();
            [this.to_bits(), halfway - 1, halfway, halfway + 1].map(f32::from_bits)
        });
        let any = std::iter::repeat_with(|| f32::from_bits(rng.u32(..))).take(1 << 20);
        let values: Vec<f32> = near.chain(any).filter(|value| value.is_finite()).collect();
        let (mut halves, mut widened) = (vec![1; values.len() + 1], vec![0.0; values.len()]);
        round_f16(&values, 1.0, &mut halves);
        round_f16_widened(&values, 1.0, &mut widened);
        for (value, (half, widened)) in values.iter().zip(halves.iter().zip(&widened)) {
            let want = f16::from_f32(*value);
            assert_eq!((*half, widened.to_bits()), (want.to_bits(), want.to_f32().to_bits()), "{value:e}");
        }
        assert_eq!(halves[values.len()], 0);
    }

    #[test]
    fn bf16_is_the_nearest() {
        let mut rng = fastrand::Rng::with_seed(2);
        let values: Vec<f32> = (0..1 << 18).map(|_| f32::from_bits(rng.u32(..))).filter(|v| !v.is_nan()).collect();
        let (mut rounded, mut pairs) = (vec![0.0; values.len()], vec![1; values.len() + 1]);
        round_bf16(&values, &mut rounded);
        round_bf16_pairs(&values, &mut pairs);
        for (value, (rounded, half)) in values.iter().zip(rounded.iter().zip(&pairs)) {
            let want = bf16::from_f32(*value);
            assert_eq!((rounded.to_bits(), *half), (want.to_f32().to_bits(), want.to_bits()), "{value:e}");
        }
        assert_eq!(pairs[values.len()], 0);
    }

    #[test]
    fn an_extent_has_zero_and_every_finite_value() {
        let of = |row: &[f32]| {
            let Extent { low, high } = Extent::new(row);
            (low, high)
        };
        assert_eq!(of(&[]), (0.0, 0.0));
        assert_eq!(of(&[-0.0, 0.0]), (0.0, 0.0));
        assert_eq!(of(&[3.0, 0.5]), (0.0, 3.0));
        assert_eq!(of(&[-1e-40, -2.5, -1.0]), (-2.5, 0.0));
        assert_eq!(of(&[f32::MIN, 1.0, f32::MAX]), (f32::MIN, f32::MAX));
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 17, 39] {
                let mut row = [1.0; 40];
                row[place] = value;
                let (low, high) = of(&row);
                assert!(low.is_nan() && high.is_nan(), "{value} at {place}: {low} {high}");
            }
        }
    }

    /// Rows on one or both sides of zero, of every length around a vector's, whose ends fall anywhere between two
    /// steps.
    #[test]
    fn bytes_are_within_half_a_step() {
        let mut rng = fastrand::Rng::with_seed(3);
        for round in 0..4000 {
            let (shift, size) = (rng.f32() * 4.0 - 2.0, 10f32.powi(rng.i32(-30..30)));
            let row: Vec<f32> = (0..1 + round % 70).map(|_| (rng.f32() + shift) * size).collect();
            let (step, zero) = activation_step(Extent::new(&row));
            assert!((0.0..=255.0).contains(&zero), "{zero}");
            let (mut bytes, mut signed, mut integers) = ([9; 72], [9; 72], vec![9.0; row.len()]);
            round_bytes(&row, step.recip(), zero, 0, &mut bytes);
            round_bytes(&row, step.recip(), zero, 0x80, &mut signed);
            round_integers(&row, step.recip(), &mut integers);
            for (i, value) in row.iter().enumerate() {
                let back = (f32::from(bytes[i]) - zero) * step;
                assert!((back - value).abs() <= 0.5001 * step, "{value} became {back}, a step is {step}");
                assert_eq!(f32::from(bytes[i]) - zero, integers[i]);
                assert_eq!(i32::from(signed[i].cast_signed()), i32::from(bytes[i]) - 128);
            }
            assert!(bytes[row.len()..].iter().chain(&signed[row.len()..]).all(|byte| *byte == 0));
        }
    }

    #[test]
    fn scales_of_rows_without_a_magnitude_are_numbers() {
        let nothing = Extent::new(&[0.0; 5]);
        let (step, zero) = activation_step(nothing);
        for scale in [step, power_of_two(nothing), weight_step(nothing)] {
            assert!(scale > 0.0 && scale.recip().is_finite(), "{scale:e}");
        }
        assert_eq!(zero, 0.0);
        let least = Extent::new(&[f32::from_bits(1), -f32::from_bits(1)]);
        let (step, zero) = activation_step(least);
        assert!(step.recip().is_finite() && (0.0..=255.0).contains(&zero), "{step:e} {zero}");
    }

    #[test]
    fn a_power_of_two_brings_the_largest_to_between_one_and_two() {
        for (value, power) in [(1.0, 1.0), (1.999, 1.0), (-2.0, 2.0), (1e-9, 2f32.powi(-30)), (3e4, 16_384.0)] {
            assert_eq!(power_of_two(Extent::new(&[value, 0.1 * value])), power, "{value}");
        }
        assert!(power_of_two(Extent::new(&[1.0, f32::NAN])).is_nan());
    }
}
