//! What the layers of a network can have at most, by their weights alone: whether halves hold it is known before a frame.
//!
//! Halves end at 65,504. A LayerNorm's output has a bounded length whatever its input: its rows before weight and bias are
//! no longer than the square root of their width. What a layer has on such rows is bounded by the inequality of Cauchy and
//! Schwarz, as is every part of its sums; so are the layers behind it, since no activation makes a value larger.

use gemm::Parallelism;

use super::linear::{Linear, View, product};
use crate::model::Tensors;

/// The largest value that a half may have: half of what it can hold, for the rounding on the way.
pub const HALF_LIMIT: f64 = 65_504.0 / 2.0;
/// The rounding of f32 in [`stretch`], as a factor.
const STRETCH_MARGIN: f64 = 1.001;

/// Weight and bias of a LayerNorm, `[width]`, which bound its output.
pub struct Normed {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Normed {
    /// The LayerNorm `name`, which stays in `weights`.
    pub fn of(weights: &Tensors, name: &str) -> Self {
        let [scale, shift] =
            ["weight", "bias"].map(|leaf| weights.get(&format!("{name}.{leaf}")).to_f32().into_owned());
        Self { scale, shift }
    }

    /// The same LayerNorm on `count` rows that stand side by side.
    pub fn repeated(&self, count: usize) -> Self {
        Self { scale: self.scale.repeat(count), shift: self.shift.repeat(count) }
    }

    /// The length of a row before weight and bias.
    fn radius(&self) -> f64 {
        (self.scale.len() as f64).sqrt()
    }

    /// The largest value of the output: a single channel of the whole length.
    pub fn largest(&self) -> f64 {
        let bound = |(w, b): (&f32, &f32)| self.radius() * f64::from(w.abs()) + f64::from(b.abs());
        self.scale.iter().zip(&self.shift).map(bound).fold(0.0, f64::max)
    }

    /// The largest magnitude of each unit of a layer on this output. `weight` is `[units, width]`; an empty `bias` is none.
    pub fn units(&self, weight: &[f32], bias: &[f32]) -> Vec<f64> {
        let bound = |(i, row): (usize, &[f32])| {
            let (mut square, mut sum) = (0.0, bias.get(i).map_or(0.0, |&bias| f64::from(bias)));
            for ((w, scale), shift) in row.iter().zip(&self.scale).zip(&self.shift) {
                square += f64::from(w * scale).powi(2);
                sum += f64::from(*w) * f64::from(*shift);
            }
            self.radius() * square.sqrt() + sum.abs()
        };
        weight.chunks_exact(self.scale.len()).enumerate().map(bound).collect()
    }

    /// The largest magnitude of a layer's units on this output, and of its weights, which are halves too. Its weight and bias
    /// are those of [`Self::units`].
    pub fn layer(&self, weight: &[f32], bias: &[f32]) -> f64 {
        self.units(weight, bias).into_iter().fold(largest(weight), f64::max)
    }

    /// The largest product of a query with a key, both layers `[units, width]` of one head on outputs of this LayerNorm.
    pub fn score(&self, query: &Linear, key: &Linear) -> f64 {
        let simple = [query, key].map(|layer| length(&self.units(&layer.weight, &layer.bias))).iter().product();
        if simple <= HALF_LIMIT {
            return simple;
        }
        [query, key].map(|layer| self.image(layer)).iter().product::<f64>().min(simple)
    }

    /// The largest length of a layer's row of units on an output of this LayerNorm.
    fn image(&self, layer: &Linear) -> f64 {
        let scaled: Vec<f32> = layer.weight.iter().zip(self.scale.iter().cycle()).map(|(w, scale)| w * scale).collect();
        let centre: Vec<f64> = (layer.weight.chunks_exact(layer.from).enumerate())
            .map(|(i, row)| {
                let bias = layer.bias.get(i).map_or(0.0, |&bias| f64::from(bias));
                bias + row.iter().zip(&self.shift).map(|(w, shift)| f64::from(*w) * f64::from(*shift)).sum::<f64>()
            })
            .collect();
        self.radius() * stretch(&scaled, layer.to, layer.from) + length(&centre)
    }
}

/// The length of a row whose values have at most these magnitudes.
pub fn length(bounds: &[f64]) -> f64 {
    bounds.iter().map(|bound| bound * bound).sum::<f64>().sqrt()
}

/// The largest magnitude of each unit of `layer` on rows that are no longer than `length`.
pub fn on_rows(layer: &Linear, length: f64) -> Vec<f64> {
    let bound = |(i, row): (usize, &[f32])| {
        let square: f64 = row.iter().map(|w| f64::from(*w).powi(2)).sum();
        length * square.sqrt() + layer.bias.get(i).map_or(0.0, |&bias| f64::from(bias.abs()))
    };
    layer.weight.chunks_exact(layer.from).enumerate().map(bound).collect()
}

/// The largest magnitude of these values, such as weights, which are halves too.
pub fn largest(values: &[f32]) -> f64 {
    f64::from(values.iter().fold(0.0f32, |most, value| most.max(value.abs())))
}

/// How much longer than a row its product with `a`, `[rows, cols]`, can be: above the largest singular value by at most
/// the eighth root of `rows`, as the trace of the fourth power of a a' is the sum of these values to the eighth.
fn stretch(a: &[f32], rows: usize, cols: usize) -> f64 {
    let view = View::dense(a, rows, cols);
    let (mut square, mut fourth) = (vec![0.0; rows * rows], vec![0.0; rows * rows]);
    product(view, view.t(), 1.0, false, &mut square, rows, Parallelism::None);
    let view = View::dense(&square, rows, rows);
    product(view, view, 1.0, false, &mut fourth, rows, Parallelism::None);
    let trace: f64 = fourth.iter().map(|value| f64::from(*value).powi(2)).sum();
    STRETCH_MARGIN * trace.powf(0.125)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 16;

    fn random_layer(random: &mut fastrand::Rng, to: usize, from: usize) -> Linear {
        let mut values = |count: usize| (0..count).map(|_| random.f32() * 2.0 - 1.0).collect::<Vec<f32>>();
        Linear::new(values(to * from), values(to), to)
    }

    fn random_norm(random: &mut fastrand::Rng) -> Normed {
        let scale = (0..WIDTH).map(|_| 1.0 + random.f32()).collect();
        Normed { scale, shift: (0..WIDTH).map(|_| random.f32() * 0.2 - 0.1).collect() }
    }

    /// Rows that a LayerNorm leaves, among them one of a single channel.
    fn rows(norm: &Normed, random: &mut fastrand::Rng) -> Vec<Vec<f64>> {
        (0..2000)
            .map(|i| {
                let x: Vec<f64> = (0..WIDTH)
                    .map(|c| if i < WIDTH { f64::from(u8::from(c == i)) * 1e4 } else { random.f64() })
                    .collect();
                let mean = x.iter().sum::<f64>() / WIDTH as f64;
                let deviation = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / WIDTH as f64).sqrt();
                let affine = |(v, (w, b)): (&f64, (&f32, &f32))| (v - mean) / deviation * f64::from(*w) + f64::from(*b);
                x.iter().zip(norm.scale.iter().zip(&norm.shift)).map(affine).collect()
            })
            .collect()
    }

    fn run(layer: &Linear, x: &[f64]) -> Vec<f64> {
        let dot = |row: &[f32]| row.iter().zip(x).map(|(w, v)| f64::from(*w) * v).sum::<f64>();
        layer.weight.chunks_exact(layer.from).zip(&layer.bias).map(|(row, bias)| dot(row) + f64::from(*bias)).collect()
    }

    fn most(values: impl IntoIterator<Item = f64>) -> f64 {
        values.into_iter().fold(0.0, |most, value| most.max(value.abs()))
    }

    #[test]
    fn no_row_leads_beyond_the_bounds() {
        let mut random = fastrand::Rng::with_seed(1);
        let norm = random_norm(&mut random);
        let (first, second) = (random_layer(&mut random, 12, WIDTH), random_layer(&mut random, 5, 12));
        let first_bounds = norm.units(&first.weight, &first.bias);
        let second_bounds = on_rows(&second, length(&first_bounds));
        let [mut normed, mut units, mut behind] = [0.0f64; 3];
        for row in rows(&norm, &mut random) {
            normed = normed.max(most(row.iter().copied()));
            let of_first = run(&first, &row);
            units = units.max(most(of_first.iter().zip(&first_bounds).map(|(unit, bound)| unit / bound)));
            behind =
                behind.max(most(run(&second, &of_first).iter().zip(&second_bounds).map(|(unit, bound)| unit / bound)));
        }
        let largest = norm.largest();
        assert!(normed <= largest && normed > 0.8 * largest, "{normed} and at most {largest}");
        assert!(units <= 1.0 && units > 0.5, "a unit has {units} of its bound");
        assert!(behind <= 1.0 && behind > 0.1, "a unit of the second layer has {behind} of its bound");
    }

    #[test]
    fn scores_are_bounded_by_the_heads_as_a_whole() {
        let mut random = fastrand::Rng::with_seed(2);
        let norm = random_norm(&mut random);
        // Large enough that the simple bound is beyond halves.
        let mut head = || {
            let mut layer = random_layer(&mut random, 8, WIDTH);
            layer.weight.iter_mut().chain(&mut layer.bias).for_each(|value| *value *= 5.0);
            layer
        };
        let (query, key) = (head(), head());
        let simple: f64 = [&query, &key].map(|layer| length(&norm.units(&layer.weight, &layer.bias))).iter().product();
        let bound = norm.score(&query, &key);
        assert!(simple > HALF_LIMIT && bound < 0.7 * simple, "{bound} where the simple bound is {simple}");
        let rows = rows(&norm, &mut random);
        let most = most(rows.iter().zip(rows.iter().rev()).map(|(of_query, of_key)| {
            run(&query, of_query).iter().zip(run(&key, of_key)).map(|(q, k)| q * k).sum::<f64>()
        }));
        assert!(most <= bound && most > 0.02 * bound, "{most} and at most {bound}");
        // A single direction: the bound is exact but for its margin.
        let line = stretch(&[3.0, 4.0, 0.0, 0.0, 0.0, 0.0], 3, 2);
        assert!((5.0..5.01).contains(&line), "{line}");
    }
}
