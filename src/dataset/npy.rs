//! NPY clouds.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use npyz::{DType, NpyFile, Order};

use super::DatasetError;
use crate::frame::{OrganisedCloud, check_size};

const EXPECTED: &str = "an NPY array of floats [height, width, 3] (x, y, z in metres)";

/// Reads `[height, width, 3]`, float32 or float64, C order.
pub fn read_cloud(path: &Path) -> Result<OrganisedCloud, DatasetError> {
    let file = File::open(path).map_err(|source| DatasetError::Open { path: path.into(), source })?;
    let failed =
        |e: std::io::Error| DatasetError::Decode { path: path.into(), expected: EXPECTED, reason: e.to_string() };
    let npy = NpyFile::new(BufReader::new(file)).map_err(failed)?;
    let layout = |found: String| DatasetError::Layout { path: path.into(), expected: EXPECTED, found };
    let [height, width, 3] = *npy.shape() else { return Err(layout(format!("shape {:?}", npy.shape()))) };
    let (width, height) = (width as usize, height as usize);
    check_size(width, height).map_err(|source| DatasetError::Size { path: path.into(), source })?;
    if npy.order() != Order::C {
        return Err(layout("Fortran order".into()));
    }
    let kind = match npy.dtype() {
        DType::Plain(kind) => kind.to_string(),
        other => return Err(layout(other.descr())),
    };
    let values: Vec<f32> = match kind.trim_start_matches(['<', '>', '|']) {
        "f4" => npy.into_vec().map_err(failed)?,
        "f8" => npy.into_vec::<f64>().map_err(failed)?.into_iter().map(|v| v as f32).collect(),
        _ => return Err(layout(format!("values of type {kind}"))),
    };
    let points = values.as_chunks::<3>().0.to_vec();
    OrganisedCloud::new(width, height, points).map_err(|source| DatasetError::Size { path: path.into(), source })
}
