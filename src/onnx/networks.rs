//! The graphs of an engine. Axis letters: `shapes.rs`. `h` is the type of the graph's tensors, f16 or f32.
//!
//! Large products are computed in the graph's own type, which may be f16 where f16 holds every value that they can have
//! (`fold/range.rs`), else in f32; what they add up to is f32.

use super::block::{Shape, block, gelu, norm, normalise};
use super::graph::{Attribute, Graph, Kind, Kinds};
use crate::fold::encoder::FoldedEncoder;
use crate::fold::factor::factor;
use crate::fold::linear::{Linear, linear, transposed};
use crate::fold::range::{self, Normed};
use crate::model::{Architecture, PointMaeShape, Tensors, VitShape};
use crate::shapes::{H, PATCH, PATCH_VALUES, RGB, T, T_SIDE, TAIL_PIXELS, W, XYZ};

/// The largest value of a normalised pixel: white is 2.64 deviations above the mean of blue.
const PIXEL_LARGEST: f64 = 2.7;
/// The largest distance of a group's point from its centre that halves are chosen for, metres: no part is larger.
const OFFSET_LARGEST: f64 = 2.0;
/// The largest distance of a centre from the camera that halves are chosen for, metres.
const CENTRE_LARGEST: f64 = 10.0;

/// `image` h `[3, H, W]` -> `tokens` h `[T, C_RGB]` and the mappings' terms of them (see [`observed`]).
pub fn rgb_tokens(kinds: Kinds, architecture: &Architecture, weights: &mut Tensors) -> Graph {
    let mut graph = Graph::new("rgb_tokens", kinds);
    let (c, layers) = (architecture.rgb.width, architecture.rgb.layers);
    let image = graph.input("image", kinds.tensors, &[RGB, H, W]);
    let image = graph.cast(&image, kinds.tensors, kinds.products);
    let cut = graph.reshape(&image, &[RGB, T_SIDE, PATCH, T_SIDE, PATCH]);
    let cut = graph.transpose(&cut, &[1, 3, 0, 2, 4]);
    let patches = graph.reshape(&cut, &[T, PATCH_VALUES]);
    let layer = linear(weights, "rgb.patch_embed.proj", c);
    let length = PIXEL_LARGEST * (PATCH_VALUES as f64).sqrt();
    let embedded = graph.linear_to_f32(kinds.products, &patches, "patch_embed", &layer, length, |_, product| product);
    let class = graph.weight(Kind::F32, "cls_token", &[1, c], &weights.take_f32("rgb.cls_token"));
    let rows = graph.node("Concat", &[&class, &embedded], &[("axis", Attribute::Integer(0))]);
    let positions = graph.weight(Kind::F32, "pos_embed", &[T + 1, c], &weights.take_f32("rgb.pos_embed"));
    let mut x = graph.node("Add", &[&rows, &positions], &[]);
    let (heads, mlp) = (architecture.rgb.heads, architecture.rgb.mlp);
    let shape = Shape { n: T + 1, width: c, heads, mlp, epsilon: VitShape::EPSILON };
    for i in 0..layers {
        x = block(&mut graph, weights, &format!("rgb.blocks.{i}"), &shape, x);
    }
    let (from, to, axis) = (graph.integers(&[1]), graph.integers(&[T as i64 + 1]), graph.integers(&[0]));
    let x = graph.node("Slice", &[&x, &from, &to, &axis], &[]);
    let bounds = Normed::of(weights, "rgb.norm");
    let tokens = norm(&mut graph, weights, "rgb.norm", &shape, &x);
    let tokens = graph.cast(&tokens, Kind::F32, kinds.tensors);
    graph.require_range("tokens", bounds.largest());
    graph.output("tokens", kinds.tensors, &[T, c], &tokens);
    observed(
        &mut graph,
        architecture.hidden,
        weights,
        (&tokens, &bounds),
        (T, c),
        ["map_rgb_to_xyz", "map_xyz_to_rgb"],
    );
    graph
}

/// `offsets` h `[G, K, 3]`, each group's points from its centre, and `centres` f32 `[G, 3]`, metres -> `groups` h `[G,
/// C_XYZ]` and the mappings' terms of them (see [`observed`]).
pub fn xyz_groups(kinds: Kinds, architecture: &Architecture, weights: &mut Tensors) -> Graph {
    let mut graph = Graph::new("xyz_groups", kinds);
    let shape = &architecture.xyz;
    let (g, k, c) = (shape.groups, shape.group_size, shape.width);
    // The grouping kernel writes offsets as halves, exact to 2^-12 of an offset, as the next layer takes them.
    let offsets = graph.input("offsets", kinds.tensors, &[g, k, XYZ]);
    let offsets = graph.cast(&offsets, kinds.tensors, Kind::F32);
    let centres = graph.input("centres", Kind::F32, &[g, XYZ]);
    let mut x = group_encoder(&mut graph, FoldedEncoder::new(shape, weights), &offsets, g);
    let positions = positions(&mut graph, shape, weights, &centres);
    let sizes = Shape { n: g, width: c, heads: shape.heads, mlp: shape.mlp, epsilon: PointMaeShape::EPSILON };
    let bounds = Normed::of(weights, "xyz.norm");
    let last =
        ["xyz.norm.weight", "xyz.norm.bias"].map(|name| graph.weight(Kind::F32, name, &[c], &weights.take_f32(name)));
    let mut taps = Vec::new();
    for i in 0..shape.layers {
        x = graph.node("Add", &[&x, &positions], &[]);
        x = block(&mut graph, weights, &format!("xyz.blocks.blocks.{i}"), &sizes, x);
        if shape.taps.contains(&i) {
            let tap = normalise(&mut graph, &x, &last, sizes.epsilon);
            taps.push(graph.cast(&tap, Kind::F32, kinds.tensors));
        }
    }
    let bounds = bounds.repeated(taps.len());
    let taps: Vec<&str> = taps.iter().map(String::as_str).collect();
    let groups = graph.node("Concat", &taps, &[("axis", Attribute::Integer(1))]);
    let c = architecture.c_xyz();
    graph.require_range("groups", bounds.largest());
    graph.output("groups", kinds.tensors, &[g, c], &groups);
    observed(
        &mut graph,
        architecture.hidden,
        weights,
        (&groups, &bounds),
        (g, c),
        ["map_xyz_to_rgb", "map_rgb_to_xyz"],
    );
    graph
}

/// The rest of a mapping: `first` h `[TAIL_PIXELS, M]`, the first layer's units after its GELU
/// -> `hidden` h `[TAIL_PIXELS, M]` and `turned` h `[TAIL_PIXELS, min(C_out, M)]`, R hidden + Q'b.
/// |E|^2 is |turned|^2 and a rest, which comes back with the graph.
pub fn tail(name: &'static str, kind: Kind, m: usize, c_out: usize, weights: &mut Tensors) -> (Graph, f32) {
    let mut graph = Graph::new(name, Kinds { products: kind, tensors: kind });
    let first = graph.input("first", kind, &[TAIL_PIXELS, m]);
    let projected = graph.linear(kind, &first, "projection", &linear(weights, &format!("{name}.projection"), m));
    let hidden = gelu(&mut graph, &projected);
    graph.output("hidden", kind, &[TAIL_PIXELS, m], &hidden);
    let factor = factor(&linear(weights, &format!("{name}.output"), c_out));
    let ranks = factor.shift.len();
    let turned = graph.linear(kind, &hidden, "triangle", &Linear::new(factor.triangle, factor.shift, ranks));
    graph.output("turned", kind, &[TAIL_PIXELS, ranks], &turned);
    (graph, factor.rest)
}

/// The terms that both mappings need of the tokens or groups, h `[n, c]`. They are computed once a frame, so that nothing
/// has a row for each pixel and a column for each channel: `moved` h `[n, M]`, the first layer of the mapping `from`
/// them without its bias; `projected` h `[n, M]`, the transposed last layer of the mapping `to` them; `offset` f32
/// `[n]`, their product with its bias; `gram` f32 `[n, n]`, their products with each other.
fn observed(
    graph: &mut Graph,
    m: usize,
    weights: &Tensors,
    (tokens, bounds): (&str, &Normed),
    (n, c): (usize, usize),
    [from, to]: [&str; 2],
) {
    let Kinds { products, tensors } = graph.kinds;
    let operand = graph.cast(tokens, tensors, products);
    let input = weights.get(&format!("{from}.input.weight")).to_f32().into_owned();
    // W is [C, M], and W'f = f W.
    let last = weights.get(&format!("{to}.output.weight")).to_f32();
    for (name, weight) in [("moved", input), ("projected", transposed(&last, m))] {
        graph.require_range(name, bounds.layer(&weight, &[]));
        let units = graph.linear(products, &operand, name, &Linear::new(weight, Vec::new(), m));
        let units = graph.cast(&units, products, tensors);
        graph.output(name, tensors, &[n, m], &units);
    }
    // Squared lengths outgrow f16 and the distance is a difference of nearly equal numbers: both stay f32.
    let wide = graph.cast(tokens, tensors, Kind::F32);
    let bias = graph.weight(Kind::F32, "offset.weight", &[c, 1], &weights.get(&format!("{to}.output.bias")).to_f32());
    let offset = graph.node("MatMul", &[&wide, &bias], &[]);
    let offset = graph.reshape(&offset, &[n]);
    graph.output("offset", Kind::F32, &[n], &offset);
    let turned = graph.transpose(&wide, &[1, 0]);
    let gram = graph.node("MatMul", &[&wide, &turned], &[]);
    graph.output("gram", Kind::F32, &[n, n], &gram);
}

/// The position network on centres f32 `[G, 3]` -> f32 `[G, c]`.
fn positions(graph: &mut Graph, shape: &PointMaeShape, weights: &mut Tensors, centres: &str) -> String {
    let first = linear(weights, "xyz.pos_embed.0", shape.position_hidden);
    let second = linear(weights, "xyz.pos_embed.2", shape.width);
    let units = range::on_rows(&first, CENTRE_LARGEST);
    let kind = graph.kind_within("xyz.pos_embed", || units.iter().copied().fold(0.0, f64::max));
    // Coordinates keep their precision through the first layer, as on the CPU.
    let hidden = graph.linear(Kind::F32, centres, "pos_embed.0", &first);
    let hidden = graph.cast(&hidden, Kind::F32, kind);
    let hidden = gelu(graph, &hidden);
    graph.linear_to_f32(kind, &hidden, "pos_embed.2", &second, range::length(&units), |_, product| product)
}

/// The folded group encoder on offsets f32 `[G, K, 3]` -> f32 `[G, c]`.
fn group_encoder(graph: &mut Graph, encoder: FoldedEncoder, offsets: &str, g: usize) -> String {
    let (kind, length) = encoder_kind(graph, &encoder);
    let FoldedEncoder { first, second, pooled, local, last } = encoder;
    let units = graph.linear(Kind::F32, offsets, "encoder.first", &first);
    let units = graph.node("Relu", &[&units], &[]);
    let units = graph.cast(&units, Kind::F32, kind);
    let points = graph.linear(kind, &units, "encoder.second", &second);
    let maxima = maximum(graph, &points, &[g, 1, second.to]);
    let shared = graph.linear(kind, &maxima, "encoder.pooled", &pooled);
    let own = graph.linear(kind, &units, "encoder.local", &local);
    let third = graph.node("Add", &[&own, &shared], &[]);
    let third = graph.node("Relu", &[&third], &[]);
    // Factors and biases are those of every point, so they may follow the maximum.
    let pooled = |graph: &mut Graph, points: String| maximum(graph, &points, &[g, last.to]);
    graph.linear_to_f32(kind, &third, "encoder.last", &last, length, pooled)
}

/// The type of the encoder's products, and the largest length of the third layer's rows.
fn encoder_kind(graph: &mut Graph, encoder: &FoldedEncoder) -> (Kind, f64) {
    let FoldedEncoder { first, second, pooled, local, .. } = encoder;
    let units = range::on_rows(first, OFFSET_LARGEST);
    let points = range::on_rows(second, range::length(&units));
    let shared = range::on_rows(pooled, range::length(&points));
    let own = range::on_rows(local, range::length(&units));
    let third: Vec<f64> = shared.iter().zip(&own).map(|(shared, own)| shared + own).collect();
    let kind = graph.kind_within("xyz.encoder", || {
        let weights = [second, pooled, local].map(|layer| range::largest(&layer.weight));
        units.iter().chain(&points).chain(&third).copied().chain(weights).fold(0.0, f64::max)
    });
    (kind, range::length(&third))
}

/// The maximum over the points of each group, in this shape.
fn maximum(graph: &mut Graph, x: &str, shape: &[usize]) -> String {
    let axis = graph.integers(&[1]);
    let maxima = graph.node("ReduceMax", &[x, &axis], &[("keepdims", Attribute::Integer(1))]);
    graph.reshape(&maxima, shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Variant, Weights, seeded};

    /// The graphs of both networks of seeded weights with `change`, products in `kind`.
    fn graphs(architecture: &Architecture, kind: Kind, change: impl Fn(&mut Weights)) -> [Graph; 2] {
        let mut weights = seeded::weights(architecture, 7);
        change(&mut weights);
        let (kinds, mut weights) = (Kinds { products: kind, tensors: Kind::F16 }, weights.into_tensors());
        [rgb_tokens(kinds, architecture, &mut weights), xyz_groups(kinds, architecture, &mut weights)]
    }

    fn times(name: &str, factor: f32) -> impl Fn(&mut Weights) {
        move |weights| weights.tensor_mut(name).f32_mut().iter_mut().for_each(|w| *w *= factor)
    }

    #[test]
    fn products_are_halves_where_halves_hold_them() {
        for architecture in [Architecture::small(), Architecture::published(Variant::Tiny, 128)] {
            let wide = graphs(&architecture, Kind::F16, |_| ()).map(|graph| graph.wide);
            assert_eq!(wide.concat(), [""; 0], "{architecture:?}");
        }
        // What is added to the rows needs no f32, whatever its size.
        let [rgb, xyz] = graphs(&Architecture::small(), Kind::F16, |weights| {
            for name in ["rgb.blocks.1.mlp.fc2.weight", "xyz.blocks.blocks.0.attn.proj.weight", "rgb.pos_embed"] {
                times(name, 1e6)(weights);
            }
        });
        assert_eq!((rgb.wide.len(), xyz.wide.len()), (0, 0));
        rgb.finish(&[]).unwrap();
        xyz.finish(&[]).unwrap();
    }

    #[test]
    fn parts_that_leave_the_range_of_halves_are_f32_by_name() {
        for (name, part) in [
            ("rgb.blocks.1.attn.qkv.weight", "rgb.blocks.1.attn"),
            ("rgb.blocks.0.norm1.bias", "rgb.blocks.0.attn"),
            ("rgb.blocks.1.mlp.fc1.bias", "rgb.blocks.1.mlp"),
            ("xyz.blocks.blocks.0.norm2.weight", "xyz.blocks.blocks.0.mlp"),
            ("xyz.encoder.second_conv.1.weight", "xyz.encoder"),
            ("xyz.pos_embed.0.weight", "xyz.pos_embed"),
        ] {
            let [rgb, xyz] = graphs(&Architecture::small(), Kind::F16, times(name, 1e7));
            assert_eq!([rgb.wide.clone(), xyz.wide.clone()].concat(), [part], "{name}");
            rgb.finish(&[]).unwrap();
            xyz.finish(&[]).unwrap();
            let wide = graphs(&Architecture::small(), Kind::F32, times(name, 1e7)).map(|graph| graph.wide);
            assert_eq!(wide.concat(), [""; 0], "everything is f32 there");
        }
        // Scores, although queries and keys are within the range.
        let wide = graphs(&Architecture::small(), Kind::F16, times("rgb.blocks.0.attn.qkv.weight", 300.0))
            .map(|graph| graph.wide);
        assert_eq!(wide.concat(), ["rgb.blocks.0.attn"]);
    }

    #[test]
    fn features_that_halves_might_not_hold_are_refused() {
        for (name, output) in [
            ("rgb.norm.weight", "tokens"),
            ("xyz.norm.bias", "groups"),
            ("map_rgb_to_xyz.input.weight", "moved"),
            ("map_xyz_to_rgb.output.weight", "projected"),
        ] {
            for kind in [Kind::F16, Kind::F32] {
                let errors =
                    graphs(&Architecture::small(), kind, times(name, 1e7)).map(|graph| graph.finish(&[]).err());
                let messages: Vec<String> = errors.iter().flatten().map(ToString::to_string).collect();
                assert!(
                    messages.iter().any(|message| message.contains(&format!("values of {output} may"))),
                    "{name}: {messages:?}"
                );
            }
        }
    }
}
