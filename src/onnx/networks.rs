//! The graphs of an engine. Axis letters: `shapes.rs`. `h` is the graph's own type, f16 or f32.

use super::graph::{Attribute, Graph, Kind};
use crate::fold::attention::scaled_qkv;
use crate::fold::encoder::FoldedEncoder;
use crate::fold::factor::factor;
use crate::fold::linear::{Linear, linear};
use crate::model::{Architecture, PointMaeShape, Tensors, VitShape};
use crate::shapes::{H, PATCH, PATCH_VALUES, RGB, T, T_SIDE, TAIL_PIXELS, W, XYZ};

/// One Transformer's sizes, and its rows `n`.
struct Shape {
    n: usize,
    width: usize,
    heads: usize,
    mlp: usize,
    epsilon: f32,
}

/// `image` h `[3, H, W]` -> `tokens` h `[T, C_RGB]` and the mappings' terms of them (see [`observed`]).
pub fn rgb_tokens(kind: Kind, architecture: &Architecture, weights: &mut Tensors) -> Graph {
    let mut graph = Graph::new("rgb_tokens", kind);
    let (c, layers) = (architecture.rgb.width, architecture.rgb.layers);
    let image = graph.input("image", kind, &[RGB, H, W]);
    let cut = graph.reshape(&image, &[RGB, T_SIDE, PATCH, T_SIDE, PATCH]);
    let cut = graph.transpose(&cut, &[1, 3, 0, 2, 4]);
    let patches = graph.reshape(&cut, &[T, PATCH_VALUES]);
    let embedded = graph.linear(&patches, "patch_embed", &linear(weights, "rgb.patch_embed.proj", c));
    let class = graph.weight("cls_token", &[1, c], &weights.take_f32("rgb.cls_token"));
    let rows = graph.node("Concat", &[&class, &embedded], &[("axis", Attribute::Integer(0))]);
    let positions = graph.weight("pos_embed", &[T + 1, c], &weights.take_f32("rgb.pos_embed"));
    let mut x = graph.node("Add", &[&rows, &positions], &[]);
    let (heads, mlp) = (architecture.rgb.heads, architecture.rgb.mlp);
    let shape = Shape { n: T + 1, width: c, heads, mlp, epsilon: VitShape::EPSILON };
    for i in 0..layers {
        x = block(&mut graph, weights, &format!("rgb.blocks.{i}"), &shape, x);
    }
    let (from, to, axis) = (graph.integers(&[1]), graph.integers(&[T as i64 + 1]), graph.integers(&[0]));
    let x = graph.node("Slice", &[&x, &from, &to, &axis], &[]);
    let tokens = norm(&mut graph, weights, "rgb.norm", &shape, &x);
    graph.output("tokens", kind, &[T, c], &tokens);
    observed(&mut graph, architecture.hidden, weights, &tokens, (T, c), ["map_rgb_to_xyz", "map_xyz_to_rgb"]);
    graph
}

/// `offsets` h `[G, K, 3]`, each group's points from its centre, and `centres` f32 `[G, 3]`, metres -> `groups` h `[G,
/// C_XYZ]` and the mappings' terms of them (see [`observed`]).
pub fn xyz_groups(kind: Kind, architecture: &Architecture, weights: &mut Tensors) -> Graph {
    let mut graph = Graph::new("xyz_groups", kind);
    let shape = &architecture.xyz;
    let (g, k, c) = (shape.groups, shape.group_size, shape.width);
    // The grouping kernel writes offsets as halves, exact to 2^-12 of an offset, as the next layer takes them.
    let offsets = graph.input("offsets", kind, &[g, k, XYZ]);
    let offsets = graph.cast(&offsets, kind, Kind::F32);
    let centres = graph.input("centres", Kind::F32, &[g, XYZ]);
    let mut x = group_encoder(&mut graph, FoldedEncoder::new(shape, weights), &offsets, g);
    // Coordinates keep their precision through the first layer, as on the CPU.
    let hidden = linear(weights, "xyz.pos_embed.0", shape.position_hidden);
    let hidden = graph.linear_of(Kind::F32, &centres, "pos_embed.0", &hidden);
    let hidden = graph.cast(&hidden, Kind::F32, kind);
    let hidden = gelu(&mut graph, &hidden);
    let positions = graph.linear(&hidden, "pos_embed.2", &linear(weights, "xyz.pos_embed.2", c));
    let sizes = Shape { n: g, width: c, heads: shape.heads, mlp: shape.mlp, epsilon: PointMaeShape::EPSILON };
    let last = [weights.take_f32("xyz.norm.weight"), weights.take_f32("xyz.norm.bias")];
    let last = [("xyz.norm.weight", &last[0]), ("xyz.norm.bias", &last[1])].map(|(n, v)| graph.weight(n, &[c], v));
    let mut taps = Vec::new();
    for i in 0..shape.layers {
        x = graph.node("Add", &[&x, &positions], &[]);
        x = block(&mut graph, weights, &format!("xyz.blocks.blocks.{i}"), &sizes, x);
        if shape.taps.contains(&i) {
            taps.push(normalise(&mut graph, &x, &last, sizes.epsilon));
        }
    }
    let taps: Vec<&str> = taps.iter().map(String::as_str).collect();
    let groups = graph.node("Concat", &taps, &[("axis", Attribute::Integer(1))]);
    let c = architecture.c_xyz();
    graph.output("groups", kind, &[g, c], &groups);
    observed(&mut graph, architecture.hidden, weights, &groups, (g, c), ["map_xyz_to_rgb", "map_rgb_to_xyz"]);
    graph
}

/// The rest of a mapping: `first` h `[TAIL_PIXELS, M]`, the first layer's units after its GELU
/// -> `hidden` h `[TAIL_PIXELS, M]` and `turned` h `[TAIL_PIXELS, min(C_out, M)]`, R hidden + Q'b.
/// |E|^2 is |turned|^2 and a rest, which comes back with the graph.
pub fn tail(name: &'static str, kind: Kind, m: usize, c_out: usize, weights: &mut Tensors) -> (Graph, f32) {
    let mut graph = Graph::new(name, kind);
    let first = graph.input("first", kind, &[TAIL_PIXELS, m]);
    let projected = graph.linear(&first, "projection", &linear(weights, &format!("{name}.projection"), m));
    let hidden = gelu(&mut graph, &projected);
    graph.output("hidden", kind, &[TAIL_PIXELS, m], &hidden);
    let factor = factor(&linear(weights, &format!("{name}.output"), c_out));
    let ranks = factor.shift.len();
    let turned = graph.linear(&hidden, "triangle", &Linear::new(factor.triangle, factor.shift, ranks));
    graph.output("turned", kind, &[TAIL_PIXELS, ranks], &turned);
    (graph, factor.rest)
}

/// The terms that both mappings need of the tokens or groups `[n, c]`. They are computed once a frame, so that nothing
/// has a row for each pixel and a column for each channel: `moved` h `[n, M]`, the first layer of the mapping `from`
/// them without its bias; `projected` h `[n, M]`, the transposed last layer of the mapping `to` them; `offset` f32
/// `[n]`, their product with its bias; `gram` f32 `[n, n]`, their products with each other.
fn observed(
    graph: &mut Graph,
    m: usize,
    weights: &Tensors,
    tokens: &str,
    (n, c): (usize, usize),
    [from, to]: [&str; 2],
) {
    let kind = graph.kind;
    let input = Linear::new(weights.get(&format!("{from}.input.weight")).to_f32().into_owned(), Vec::new(), m);
    let moved = graph.linear(tokens, "moved", &input);
    graph.output("moved", kind, &[n, m], &moved);
    // W is [C, M], and W'f = f W, so W is stored as the product reads it.
    let last = graph.weight("projected.weight", &[c, m], &weights.get(&format!("{to}.output.weight")).to_f32());
    let projected = graph.node("MatMul", &[tokens, &last], &[]);
    graph.output("projected", kind, &[n, m], &projected);
    // Squared lengths outgrow f16 and the distance is a difference of nearly equal numbers: both stay f32.
    let wide = graph.cast(tokens, kind, Kind::F32);
    let bias =
        graph.weight_of(Kind::F32, "offset.weight", &[c, 1], &weights.get(&format!("{to}.output.bias")).to_f32());
    let offset = graph.node("MatMul", &[&wide, &bias], &[]);
    let offset = graph.reshape(&offset, &[n]);
    graph.output("offset", Kind::F32, &[n], &offset);
    let turned = graph.transpose(&wide, &[1, 0]);
    let gram = graph.node("MatMul", &[&wide, &turned], &[]);
    graph.output("gram", Kind::F32, &[n, n], &gram);
}

/// The folded group encoder on offsets `[G, K, 3]` -> `[G, c]`.
fn group_encoder(graph: &mut Graph, encoder: FoldedEncoder, offsets: &str, g: usize) -> String {
    let FoldedEncoder { first, second, pooled, local, last } = encoder;
    let units = graph.linear_of(Kind::F32, offsets, "encoder.first", &first);
    let units = graph.node("Relu", &[&units], &[]);
    let units = graph.cast(&units, Kind::F32, graph.kind);
    let points = graph.linear(&units, "encoder.second", &second);
    let maxima = maximum(graph, &points, [g, 1, second.to]);
    let shared = graph.linear(&maxima, "encoder.pooled", &pooled);
    let own = graph.linear(&units, "encoder.local", &local);
    let third = graph.node("Add", &[&own, &shared], &[]);
    let third = graph.node("Relu", &[&third], &[]);
    let points = graph.linear(&third, "encoder.last", &last);
    let features = maximum(graph, &points, [g, 1, last.to]);
    graph.reshape(&features, &[g, last.to])
}

/// The maximum over the points of each group.
fn maximum(graph: &mut Graph, x: &str, [g, one, c]: [usize; 3]) -> String {
    let axis = graph.integers(&[1]);
    let maxima = graph.node("ReduceMax", &[x, &axis], &[("keepdims", Attribute::Integer(1))]);
    graph.reshape(&maxima, &[g, one, c])
}

/// A pre-norm Transformer block on x `[n, width]`.
fn block(graph: &mut Graph, weights: &mut Tensors, name: &str, shape: &Shape, x: String) -> String {
    let normed = norm(graph, weights, &format!("{name}.norm1"), shape, &x);
    let attended = attention(graph, weights, &format!("{name}.attn"), shape, &normed);
    let x = graph.node("Add", &[&x, &attended], &[]);
    let normed = norm(graph, weights, &format!("{name}.norm2"), shape, &x);
    let fc1 = linear(weights, &format!("{name}.mlp.fc1"), shape.mlp);
    let hidden = graph.linear(&normed, &format!("{name}.mlp.fc1"), &fc1);
    let hidden = gelu(graph, &hidden);
    let fc2 = linear(weights, &format!("{name}.mlp.fc2"), shape.width);
    let out = graph.linear(&hidden, &format!("{name}.mlp.fc2"), &fc2);
    graph.node("Add", &[&x, &out], &[])
}

fn attention(graph: &mut Graph, weights: &mut Tensors, name: &str, shape: &Shape, x: &str) -> String {
    let Shape { n, width, heads, .. } = *shape;
    let each = width / heads;
    let qkv = scaled_qkv(weights, &format!("{name}.qkv"), width, heads);
    let part = |i: usize| {
        let cut = |values: &[f32], size: usize| values[i * size..][..size].to_vec();
        let bias = if qkv.bias.is_empty() { Vec::new() } else { cut(&qkv.bias, width) };
        Linear::new(cut(&qkv.weight, width * width), bias, width)
    };
    let parts = [("q", part(0), [1, 0, 2]), ("k", part(1), [1, 2, 0]), ("v", part(2), [1, 0, 2])];
    let [q, k, v] = parts.map(|(leaf, layer, order)| {
        let out = graph.linear(x, &format!("{name}.{leaf}"), &layer);
        let out = graph.reshape(&out, &[n, heads, each]);
        graph.transpose(&out, &order)
    });
    let scores = graph.node("MatMul", &[&q, &k], &[]);
    let shares = graph.node("Softmax", &[&scores], &[("axis", Attribute::Integer(-1))]);
    let attended = graph.node("MatMul", &[&shares, &v], &[]);
    let attended = graph.transpose(&attended, &[1, 0, 2]);
    let attended = graph.reshape(&attended, &[n, width]);
    graph.linear(&attended, &format!("{name}.proj"), &linear(weights, &format!("{name}.proj"), width))
}

fn norm(graph: &mut Graph, weights: &mut Tensors, name: &str, shape: &Shape, x: &str) -> String {
    let [weight, bias] = ["weight", "bias"].map(|leaf| {
        let name = format!("{name}.{leaf}");
        let values = weights.take_f32(&name);
        graph.weight(&name, &[shape.width], &values)
    });
    normalise(graph, x, &[weight, bias], shape.epsilon)
}

fn normalise(graph: &mut Graph, x: &str, [weight, bias]: &[String; 2], epsilon: f32) -> String {
    let attributes = [("axis", Attribute::Integer(-1)), ("epsilon", Attribute::Float(epsilon))];
    graph.node("LayerNormalization", &[x, weight, bias], &attributes)
}

/// Erf GELU, the operator's default.
fn gelu(graph: &mut Graph, x: &str) -> String {
    graph.node("Gelu", &[x], &[])
}
