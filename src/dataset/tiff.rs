//! Float TIFF: organised clouds in, maps out.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::{
    TiffEncoder,
    colortype::{ColorType as Encoded, Gray32Float, RGB32Float},
};
use tiff::{ColorType, TiffError};

use super::DatasetError;
use crate::files;
use crate::frame::{OrganisedCloud, SIDE_MAX, check_size};

const EXPECTED: &str = "a TIFF of three float channels (x, y, z in metres)";

/// Reads `[height, width, 3]`, 32- or 64-bit floats, strips or tiles, compressed or not.
pub fn read_cloud(path: &Path) -> Result<OrganisedCloud, DatasetError> {
    let file = File::open(path).map_err(|source| DatasetError::Open { path: path.into(), source })?;
    let failed = |e: TiffError| DatasetError::Decode { path: path.into(), expected: EXPECTED, reason: e.to_string() };
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(failed)?.with_limits(limits());
    let (width, height) = decoder.dimensions().map_err(failed)?;
    let (width, height) = (width as usize, height as usize);
    check_size(width, height).map_err(|source| DatasetError::Size { path: path.into(), source })?;
    let layout = |found: String| DatasetError::Layout { path: path.into(), expected: EXPECTED, found };
    let color = decoder.colortype().map_err(failed)?;
    if !matches!(color, ColorType::RGB(32 | 64) | ColorType::Multiband { num_samples: 3, .. }) {
        return Err(layout(format!("{color:?}")));
    }
    let values = match decoder.read_image().map_err(failed)? {
        DecodingResult::F32(values) => values,
        DecodingResult::F64(values) => values.into_iter().map(|v| v as f32).collect(),
        _ => return Err(layout("three channels of integers".into())),
    };
    if values.len() != width * height * 3 {
        return Err(layout(format!("{} values for {width} x {height} pixels", values.len())));
    }
    let points = values.as_chunks::<3>().0.to_vec();
    OrganisedCloud::new(width, height, points).map_err(|source| DatasetError::Size { path: path.into(), source })
}

/// What a file may make the decoder allocate: an image of the largest size in f64.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = SIDE_MAX * SIDE_MAX * 3 * 8;
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits
}

/// Writes `[height, width]` f32 as one channel; whole or not at all.
pub fn write_map(path: &Path, map: &[f32], width: usize, height: usize) -> std::io::Result<()> {
    write::<Gray32Float>(path, map, width, height)
}

/// Writes a cloud as three float channels, metres; whole or not at all.
pub fn write_cloud(path: &Path, cloud: &OrganisedCloud) -> std::io::Result<()> {
    write::<RGB32Float>(path, cloud.points().as_flattened(), cloud.width(), cloud.height())
}

fn write<C: Encoded<Inner = f32>>(path: &Path, values: &[f32], width: usize, height: usize) -> std::io::Result<()> {
    files::write_whole(path, |file| {
        let mut out = BufWriter::new(file);
        let written =
            TiffEncoder::new(&mut out).and_then(|mut e| e.write_image::<C>(width as u32, height as u32, values));
        written.map_err(std::io::Error::other)?;
        out.flush()
    })
}
