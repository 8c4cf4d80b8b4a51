//! A pre-norm Transformer block.

use super::{Rows, Weights, gelu, linear, weight};

/// (x - mean) / sqrt(variance + epsilon), scaled and shifted.
pub fn layer_norm(weights: &Weights, name: &str, epsilon: f64, x: &Rows) -> Rows {
    let (scale, shift) = (weight(weights, &format!("{name}.weight")), weight(weights, &format!("{name}.bias")));
    let normed = |row: &Vec<f64>| {
        let n = row.len() as f64;
        let mean = row.iter().sum::<f64>() / n;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let unit = row.iter().map(|v| (v - mean) / (variance + epsilon).sqrt());
        unit.zip(scale.iter().zip(&shift)).map(|(v, (w, b))| v * w + b).collect()
    };
    x.iter().map(normed).collect()
}

/// x + attention(norm(x)), then x + MLP(norm(x)).
pub fn block(weights: &Weights, name: &str, heads: usize, epsilon: f64, x: &Rows) -> Rows {
    let normed = layer_norm(weights, &format!("{name}.norm1"), epsilon, x);
    let attended = attention(&linear(weights, &format!("{name}.attn.qkv"), &normed), heads);
    let x = sum(x, &linear(weights, &format!("{name}.attn.proj"), &attended));
    let normed = layer_norm(weights, &format!("{name}.norm2"), epsilon, &x);
    let hidden = gelu(linear(weights, &format!("{name}.mlp.fc1"), &normed));
    sum(&x, &linear(weights, &format!("{name}.mlp.fc2"), &hidden))
}

pub fn sum(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

/// softmax(q k' / sqrt(depth)) v of each head; a row of qkv is q, k and v, each head after head.
pub fn attention(qkv: &Rows, heads: usize) -> Rows {
    let width = qkv[0].len() / 3;
    let depth = width / heads;
    let mut out = vec![vec![0.0; width]; qkv.len()];
    for head in 0..heads {
        let part = |row: &'_ [f64], which: usize| row[which * width + head * depth..][..depth].to_vec();
        let keys: Rows = qkv.iter().map(|row| part(row, 1)).collect();
        let values: Rows = qkv.iter().map(|row| part(row, 2)).collect();
        for (out, row) in out.iter_mut().zip(qkv) {
            let query = part(row, 0);
            let product = |key: &Vec<f64>| query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>();
            let scores: Vec<f64> = keys.iter().map(|key| product(key) / (depth as f64).sqrt()).collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
            let total: f64 = powers.iter().sum();
            for (power, value) in powers.iter().zip(&values) {
                let out = &mut out[head * depth..][..depth];
                out.iter_mut().zip(value).for_each(|(o, v)| *o += power / total * v);
            }
        }
    }
    out
}
