//! QR factorisation of a mapping's last layer, W = QR: Q keeps lengths, so the length of the output follows from R alone.

use rayon::prelude::*;

use super::linear::Linear;

/// The terms of |W h + b|^2 = |R h + Q'b|^2 + rest, h being the hidden units of the last layer but one.
pub struct Factor {
    /// Upper trapezoidal R, `[min(C_out, M), M]`.
    pub triangle: Vec<f32>,
    /// Q'b, with as many values as R has rows.
    pub shift: Vec<f32>,
    /// The part of |b|^2 that is perpendicular to the columns of Q.
    pub rest: f32,
}

/// Factors the output layer, W `[C_out, M]`, by Householder reflections in f64.
pub fn factor(output: &Linear) -> Factor {
    let (c, m) = (output.to, output.from);
    let ranks = c.min(m);
    // Column-major, the bias as one more column.
    let mut columns: Vec<Vec<f64>> =
        (0..m).map(|j| (0..c).map(|i| f64::from(output.weight[i * m + j])).collect()).collect();
    columns.push(output.bias.iter().map(|&b| f64::from(b)).collect());
    for k in 0..ranks {
        let (done, rest) = columns.split_at_mut(k + 1);
        let pivot = &mut done[k];
        let norm = pivot[k..].iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        let alpha = if pivot[k] > 0.0 { -norm } else { norm };
        let mut v = pivot[k..].to_vec();
        v[0] -= alpha;
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        pivot[k] = alpha;
        pivot[k + 1..].fill(0.0);
        rest.par_iter_mut().with_min_len(64).for_each(|column| {
            let t = scale * dot(&v, &column[k..]);
            column[k..].iter_mut().zip(&v).for_each(|(c, v)| *c -= t * v);
        });
    }
    let triangle = (0..ranks).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| columns[j][i] as f32).collect();
    let shift = columns[m][..ranks].iter().map(|&v| v as f32).collect();
    let rest = columns[m][ranks..].iter().map(|v| v * v).sum::<f64>() as f32;
    Factor { triangle, shift, rest }
}

/// The inner product, summed in lanes so that the compiler vectorises it.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|i| lanes[i] += a[i] * b[i]);
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}
