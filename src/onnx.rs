//! An engine's networks as ONNX graphs, strongly typed, every size fixed: what TensorRT builds its plans from.
//!
//! | file | inputs | outputs |
//! |---|---|---|
//! | `rgb_tokens.onnx` | `image` h `[3, H, W]`, normalised | `tokens` h `[T, C_RGB]`, `moved`, `projected` h `[T, M]`, `offset` f32 `[T]`, `gram` f32 `[T, T]` |
//! | `xyz_groups.onnx` | `offsets` f32 `[G, K, 3]` from the centres, `centres` f32 `[G, 3]`, metres | `groups` h `[G, C_XYZ]`, `moved`, `projected` h `[G, M]`, `offset` f32 `[G]`, `gram` f32 `[G, G]` |
//! | `map_rgb_to_xyz.onnx`, `map_xyz_to_rgb.onnx` | `first` h `[4096, M]`, after its GELU | `hidden` h `[4096, M]`, `turned` h `[4096, min(C_out, M)]` |
//!
//! h is f16 or f32. `moved` is a mapping's first layer without its bias, which is applied before interpolation; the
//! last layer is never evaluated: `turned`, `projected`, `offset` and `gram` stand for it (design: exact rewrites).
//! Metadata of each file: `engine` (content hash), `precision`, and `rest` of a mapping, |Q'b - b|^2.

mod graph;
mod networks;
mod protobuf;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use graph::OPSET;
pub use networks::TAIL_PIXELS;

use crate::files;
use crate::model::engine_file::{Engine, Precision};
use graph::{Graph, Kind};

#[derive(Debug, Error)]
pub enum OnnxError {
    #[error("the engine has no mappings, which the graphs carry in part: fit it on good parts first")]
    NotFitted,
    #[error("the weight {name} has a value that f16 cannot hold ({value}): use --precision f32")]
    Range { name: String, value: f32 },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// Writes the four graphs of a fitted engine into `folder`, which is there, each whole or not at all.
pub fn export(engine: &Engine, precision: Precision, folder: &Path) -> Result<Vec<PathBuf>, OnnxError> {
    if !engine.is_fitted() {
        return Err(OnnxError::NotFitted);
    }
    let kind = match precision {
        Precision::F16 => Kind::F16,
        Precision::F32 => Kind::F32,
    };
    let (architecture, mut weights) = (&engine.metadata.architecture, engine.weights.clone());
    let write = |graph: Graph, rest: Option<f32>| write(engine, kind, graph, rest, folder);
    let mut written = vec![write(networks::rgb_tokens(kind, architecture, &mut weights), None)?];
    written.push(write(networks::xyz_groups(kind, architecture, &mut weights), None)?);
    for (name, c_out) in [("map_rgb_to_xyz", architecture.c_xyz()), ("map_xyz_to_rgb", architecture.c_rgb())] {
        let (graph, rest) = networks::tail(name, kind, architecture.hidden, c_out, &mut weights);
        written.push(write(graph, Some(rest))?);
    }
    Ok(written)
}

fn write(engine: &Engine, kind: Kind, graph: Graph, rest: Option<f32>, folder: &Path) -> Result<PathBuf, OnnxError> {
    let path = folder.join(format!("{}.onnx", graph.name()));
    let precision = if kind == Kind::F16 { "f16" } else { "f32" };
    let mut properties = vec![("engine", engine.content_sha256.clone()), ("precision", precision.into())];
    properties.extend(rest.map(|rest| ("rest", rest.to_string())));
    let model = graph.finish(&properties)?;
    files::write_whole(&path, |file| model.write(file))
        .map_err(|source| OnnxError::Write { path: path.clone(), source })?;
    Ok(path)
}
