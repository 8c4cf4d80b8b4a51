//! A pre-norm Transformer block. The rows that its attention and its MLP are added to are f32, and so are its LayerNorms:
//! rows of published networks have channels of hundreds to thousands, and halves end at 65,504.

use super::graph::{Attribute, Graph, Kind};
use crate::fold::attention::scaled_qkv;
use crate::fold::linear::{Linear, linear};
use crate::fold::range::{self, Normed};
use crate::model::Tensors;

/// One Transformer's sizes, and its rows `n`.
pub struct Shape {
    pub n: usize,
    pub width: usize,
    pub heads: usize,
    pub mlp: usize,
    pub epsilon: f32,
}

/// The block `name` on x f32 `[n, width]`.
pub fn block(graph: &mut Graph, weights: &mut Tensors, name: &str, shape: &Shape, x: String) -> String {
    let bounds = Normed::of(weights, &format!("{name}.norm1"));
    let normed = norm(graph, weights, &format!("{name}.norm1"), shape, &x);
    let attended = attention(graph, weights, &format!("{name}.attn"), shape, (&normed, &bounds));
    let x = graph.node("Add", &[&x, &attended], &[]);
    let bounds = Normed::of(weights, &format!("{name}.norm2"));
    let normed = norm(graph, weights, &format!("{name}.norm2"), shape, &x);
    let out = mlp(graph, weights, &format!("{name}.mlp"), shape, (&normed, &bounds));
    graph.node("Add", &[&x, &out], &[])
}

/// Normed rows, f32 -> f32.
fn attention(
    graph: &mut Graph,
    weights: &mut Tensors,
    name: &str,
    shape: &Shape,
    (normed, bounds): (&str, &Normed),
) -> String {
    let Shape { n, width, heads, .. } = *shape;
    let each = width / heads;
    let qkv = scaled_qkv(weights, &format!("{name}.qkv"), width, heads);
    let units = bounds.units(&qkv.weight, &qkv.bias);
    let largest = || {
        let layers = units.iter().copied().fold(bounds.largest().max(range::largest(&qkv.weight)), f64::max);
        let score = |head| bounds.score(&rows(&qkv, head * each, each), &rows(&qkv, width + head * each, each));
        (0..heads).map(score).fold(layers, f64::max)
    };
    let kind = graph.kind_within(name, largest);
    let normed = graph.cast(normed, Kind::F32, kind);
    let parts = [("q", 0, [1, 0, 2]), ("k", 1, [1, 2, 0]), ("v", 2, [1, 0, 2])];
    let [q, k, v] = parts.map(|(leaf, i, order)| {
        let out = graph.linear(kind, &normed, &format!("{name}.{leaf}"), &rows(&qkv, i * width, width));
        let out = graph.reshape(&out, &[n, heads, each]);
        graph.transpose(&out, &order)
    });
    let scores = graph.node("MatMul", &[&q, &k], &[]);
    let shares = graph.node("Softmax", &[&scores], &[("axis", Attribute::Integer(-1))]);
    let attended = graph.node("MatMul", &[&shares, &v], &[]);
    let attended = graph.transpose(&attended, &[1, 0, 2]);
    let attended = graph.reshape(&attended, &[n, width]);
    // Shares add up to one, so no unit is beyond those of the values.
    let length = range::length(&units[2 * width..]);
    let proj = linear(weights, &format!("{name}.proj"), width);
    graph.linear_to_f32(kind, &attended, &format!("{name}.proj"), &proj, length, |_, product| product)
}

/// `count` units of a layer, from the unit `first` on.
fn rows(layer: &Linear, first: usize, count: usize) -> Linear {
    let bias = layer.bias.get(first..first + count).map_or(Vec::new(), <[f32]>::to_vec);
    Linear::new(layer.weight[first * layer.from..][..count * layer.from].to_vec(), bias, count)
}

/// Normed rows, f32 -> f32.
fn mlp(
    graph: &mut Graph,
    weights: &mut Tensors,
    name: &str,
    shape: &Shape,
    (normed, bounds): (&str, &Normed),
) -> String {
    let fc1 = linear(weights, &format!("{name}.fc1"), shape.mlp);
    let fc2 = linear(weights, &format!("{name}.fc2"), shape.width);
    let units = bounds.units(&fc1.weight, &fc1.bias);
    let kind = graph
        .kind_within(name, || units.iter().copied().fold(bounds.largest().max(range::largest(&fc1.weight)), f64::max));
    let normed = graph.cast(normed, Kind::F32, kind);
    let hidden = graph.linear(kind, &normed, &format!("{name}.fc1"), &fc1);
    let hidden = gelu(graph, &hidden);
    graph.linear_to_f32(kind, &hidden, &format!("{name}.fc2"), &fc2, range::length(&units), |_, product| product)
}

/// The LayerNorm `name` on x f32 -> f32.
pub fn norm(graph: &mut Graph, weights: &mut Tensors, name: &str, shape: &Shape, x: &str) -> String {
    let [weight, bias] = ["weight", "bias"].map(|leaf| {
        let name = format!("{name}.{leaf}");
        let values = weights.take_f32(&name);
        graph.weight(Kind::F32, &name, &[shape.width], &values)
    });
    normalise(graph, x, &[weight, bias], shape.epsilon)
}

pub fn normalise(graph: &mut Graph, x: &str, [weight, bias]: &[String; 2], epsilon: f32) -> String {
    let attributes = [("axis", Attribute::Integer(-1)), ("epsilon", Attribute::Float(epsilon))];
    graph.node("LayerNormalization", &[x, weight, bias], &attributes)
}

/// Erf GELU, the operator's default.
pub fn gelu(graph: &mut Graph, x: &str) -> String {
    graph.node("Gelu", &[x], &[])
}
