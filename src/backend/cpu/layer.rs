//! Linear layers on packed weights: bias, activation and residual are added to a tile while it is in cache.

use super::elementwise::{add_rows, copy, gelu};
use super::kernel::Kernel;
use super::packed::{Packed, Scratch};
use super::team::{Parts, Team};
use crate::model::{LinearWeights, Values};

/// `out = x W^T + b`.
pub struct Layer {
    pub packed: Packed,
    /// One value for each column of all panels; zero in the columns beyond the layer's width.
    bias: Vec<f32>,
}

/// The function applied to a layer's output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Gelu,
}

impl Layer {
    /// An empty `bias` means none.
    pub fn new<'a>(kernel: &'static Kernel, weight: impl Into<Values<'a>>, bias: Vec<f32>, to: usize) -> Self {
        Self::with(Packed::new(kernel, weight, to), bias)
    }

    /// See [`Packed::compact`].
    pub fn compact(kernel: &'static Kernel, layer: LinearWeights, to: usize) -> Self {
        Self::with(Packed::compact(kernel, &layer.weight, to), layer.bias)
    }

    fn with(packed: Packed, mut bias: Vec<f32>) -> Self {
        assert!(bias.is_empty() || bias.len() == packed.to);
        bias.resize(packed.panels() * packed.width(), 0.0);
        Self { packed, bias }
    }

    /// The biases of the columns of `panel`.
    pub fn bias(&self, panel: usize) -> &[f32] {
        &self.bias[panel * self.packed.width()..][..self.packed.width()]
    }

    /// x `[n, from]` -> out `[n, to]`, each at its row stride.
    pub fn run<S: Send + AsMut<Scratch>>(
        &self,
        team: &mut Team<S>,
        x: (&[f32], usize),
        n: usize,
        (out, stride): (&mut [f32], usize),
        activation: Activation,
    ) {
        let out = Parts::new(out);
        self.packed.product_parallel(team, x, n, |place, tile| {
            add_rows(tile, &self.bias[place.column..][..self.packed.width()]);
            if activation == Activation::Gelu {
                gelu(tile);
            }
            for (row, tile) in (place.row..).zip(tile.chunks_exact(self.packed.width())) {
                // SAFETY: the tiles do not overlap, and each is given once.
                let out = unsafe { out.part(row * stride + place.column, place.columns) };
                copy(out, tile);
            }
        });
    }

    /// Adds the layer's output to `out`, `[n, to]`: the residual connection.
    pub fn run_add<S: Send + AsMut<Scratch>>(&self, team: &mut Team<S>, x: (&[f32], usize), n: usize, out: &mut [f32]) {
        let (out, stride) = (Parts::new(out), self.packed.to);
        self.packed.product_parallel(team, x, n, |place, tile| {
            add_rows(tile, &self.bias[place.column..][..self.packed.width()]);
            for (row, tile) in (place.row..).zip(tile.chunks_exact(self.packed.width())) {
                // SAFETY: the tiles do not overlap, and each is given once.
                let out = unsafe { out.part(row * stride + place.column, place.columns) };
                out.iter_mut().zip(tile).for_each(|(out, v)| *out += v);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::arithmetic::Arithmetic;
    use crate::backend::cpu::workers::Workers;

    #[test]
    fn layers_in_parallel_equal_layers_in_one() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (n, from, to) = (301, 70, 410);
        let mut random = |count: usize| (0..count).map(|_| rng.f32() - 0.5).collect::<Vec<f32>>();
        let (x, weight, bias) = (random(n * from), random(from * to), random(to));
        let layer = Layer::new(Kernel::best(Arithmetic::F32), &weight, bias.clone(), to);
        let run = |threads| {
            let (mut team, mut out) = (Workers::new(threads), vec![0.0; n * to]);
            layer.run(&mut team, (&x, from), n, (&mut out, to), Activation::None);
            layer.run_add(&mut team, (&x, from), n, &mut out);
            out
        };
        let (one, three) = (run(1), run(3));
        assert_eq!(one, three);
        let terms = x[300 * from..].iter().zip(&weight[409 * from..]).map(|(x, w)| f64::from(*x) * f64::from(*w));
        let want: f64 = terms.sum();
        assert!((f64::from(one[n * to - 1]) - 2.0 * (want + f64::from(bias[409]))).abs() < 1e-5);
    }
}
