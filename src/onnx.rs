//! An engine's networks as ONNX graphs, strongly typed, with every size fixed. TensorRT builds its plans from them.
//!
//! | file | inputs | outputs |
//! |---|---|---|
//! | `rgb_tokens.onnx` | `image` h `[3, H, W]`, normalised | `tokens` h `[T, C_RGB]`, `moved`, `projected` h `[T, M]`, `offset` f32 `[T]`, `gram` f32 `[T, T]` |
//! | `xyz_groups.onnx` | `offsets` h `[G, K, 3]` from the centres, `centres` f32 `[G, 3]`, metres | `groups` h `[G, C_XYZ]`, `moved`, `projected` h `[G, M]`, `offset` f32 `[G]`, `gram` f32 `[G, G]` |
//! | `map_rgb_to_xyz.onnx`, `map_xyz_to_rgb.onnx` | `first` h `[4096, M]`, after its GELU | `hidden` h `[4096, M]`, `turned` h `[4096, min(C_out, M)]` |
//!
//! h is f16 or f32. Sums, LayerNorms and every part whose values f16 might not hold are f32 in either case. `moved` is a mapping's first layer without its bias, which is applied before interpolation; the
//! last layer is never evaluated: `turned`, `projected`, `offset` and `gram` replace it (`fold/factor.rs`).
//! Metadata of each file: `engine` (content hash), `precision`, `f32_parts` if an f16 graph computes parts in f32 because of
//! their range, and `rest` of a mapping, |Q'b - b|^2.

mod block;
mod error;
mod graph;
mod networks;
mod protobuf;

use std::path::{Path, PathBuf};

pub use error::OnnxError;
pub use graph::{Kind, OPSET, Tensor};

use crate::files::Together;
use crate::model::engine_file::{Engine, Storage};
use crate::model::{Architecture, Score, Tensors, Weights};
use graph::{Graph, Kinds};
use protobuf::Message;

/// A graph as the bytes of an ONNX file.
pub struct Model {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// The graph's inputs and outputs.
    pub tensors: Vec<Tensor>,
}

/// The graphs of both networks, colour and shape, as files without metadata: equal networks have equal bytes, whatever
/// the engine's threshold. Products are computed in `precision`; inputs and outputs are halves in either case. An engine
/// without mappings is an error.
pub fn networks(architecture: &Architecture, weights: Weights, precision: Storage) -> Result<[Model; 2], OnnxError> {
    let mut weights = fitted(architecture, weights)?;
    let kinds = Kinds { products: kind(precision), tensors: Kind::F16 };
    let [rgb, xyz] = network_graphs(architecture, &mut weights, kinds).map(|mut graph| {
        let (name, tensors) = (graph.name(), std::mem::take(&mut graph.tensors));
        graph.finish(&[]).map(|message| Model { name, bytes: message.into_bytes(), tensors })
    });
    Ok([rgb?, xyz?])
}

fn fitted(architecture: &Architecture, weights: Weights) -> Result<Tensors, OnnxError> {
    match architecture.score {
        _ if !weights.is_fitted() => Err(OnnxError::NotFitted),
        Score::Product => Ok(weights.into_tensors()),
        score @ Score::Likelihood => Err(OnnxError::Score(score)),
    }
}

fn kind(precision: Storage) -> Kind {
    match precision {
        Storage::F16 => Kind::F16,
        Storage::F32 => Kind::F32,
    }
}

fn network_graphs(architecture: &Architecture, weights: &mut Tensors, kinds: Kinds) -> [Graph; 2] {
    let graphs =
        [networks::rgb_tokens(kinds, architecture, weights), networks::xyz_groups(kinds, architecture, weights)];
    for part in graphs.iter().flat_map(|graph| &graph.wide) {
        log::warn!("{part} is computed in f32, as f16 might not hold its values");
    }
    graphs
}

/// Writes the four graphs of a fitted engine into `folder`, which exists, together or not at all: if the last one is
/// there, all are, and of this engine.
pub fn export(engine: &Engine, precision: Storage, folder: &Path) -> Result<Vec<PathBuf>, OnnxError> {
    let (architecture, weights) = (&engine.metadata.architecture, engine.weights.clone());
    let mut weights = fitted(architecture, weights)?;
    let kinds = Kinds { products: kind(precision), tensors: kind(precision) };
    let [rgb, xyz] = network_graphs(architecture, &mut weights, kinds).map(|graph| (graph, None));
    let mut tail = |name, c_out| {
        let (graph, rest) = networks::tail(name, kind(precision), architecture.hidden, c_out, &mut weights);
        (graph, Some(rest))
    };
    let rgb_to_xyz = tail("map_rgb_to_xyz", architecture.c_xyz());
    let (last, rest) = tail("map_xyz_to_rgb", architecture.c_rgb());
    let path = |graph: &Graph| folder.join(format!("{}.onnx", graph.name()));
    let failed = |path: &Path, error: std::io::Error| OnnxError::Write { path: path.into(), reason: error.to_string() };
    let mark = path(&last);
    let mut together = Together::marked_by(&mark).map_err(|error| failed(&mark, error))?;
    let mut paths = Vec::new();
    for (graph, rest) in [rgb, xyz, rgb_to_xyz] {
        let path = path(&graph);
        let model = model(engine, precision, graph, rest)?;
        together.add(&path, |file| model.write(file)).map_err(|error| failed(&path, error))?;
        paths.push(path);
    }
    let model = model(engine, precision, last, rest)?;
    together.commit(|file| model.write(file)).map_err(|error| failed(&mark, error))?;
    paths.push(mark);
    Ok(paths)
}

fn model(engine: &Engine, precision: Storage, graph: Graph, rest: Option<f32>) -> Result<Message, OnnxError> {
    let precision = if precision == Storage::F16 { "f16" } else { "f32" };
    let mut properties = vec![("engine", engine.content_sha256.clone()), ("precision", precision.into())];
    properties.extend((!graph.wide.is_empty()).then(|| ("f32_parts", graph.wide.join(" "))));
    properties.extend(rest.map(|rest| ("rest", rest.to_string())));
    graph.finish(&properties)
}
