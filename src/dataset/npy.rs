//! NPY clouds.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use npyz::{DType, NpyFile, Order};

use super::DatasetError;
use crate::frame::{OrganisedCloud, check_size};

/// NumPy's own headers of such an array have 118 bytes.
const HEADER_BYTES_MAX: u32 = 1024;
/// One pair around all, one around the shape; some for what is refused with better words.
const BRACKETS_MAX: usize = 8;
const DIGITS_MAX: usize = 9;
const EXPECTED: &str = "an NPY array of floats [height, width, 3] (x, y, z in metres)";

/// Reads `[height, width, 3]`, float32 or float64, C order.
pub fn read_cloud(path: &Path) -> Result<OrganisedCloud, DatasetError> {
    let mut file = File::open(path).map_err(|source| DatasetError::Open { path: path.into(), source })?;
    let failed = |e: io::Error| DatasetError::Decode { path: path.into(), expected: EXPECTED, reason: e.to_string() };
    check_header(&mut file).map_err(failed)?;
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

/// Refuses a header of a length that the reader of headers must not take memory for, or go deep into.
fn check_header(file: &mut File) -> io::Result<()> {
    let mut start = [0; 12];
    file.read_exact(&mut start)?;
    file.rewind()?;
    // Of two bytes in the first version of the format.
    let length = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
    let length = if start[6] == 1 { length & 0xFFFF } else { length };
    if length > HEADER_BYTES_MAX {
        return Err(io::Error::other(format!(
            "its header has {length} bytes where at most {HEADER_BYTES_MAX} are expected"
        )));
    }
    let mut header = Vec::new();
    file.take(u64::from(length) + start.len() as u64).read_to_end(&mut header)?;
    file.rewind()?;
    check_form(&header)
}

/// The reader of headers tries every bracket in several ways, which takes it for ever where they are nested, and
/// multiplies the sides as they come.
fn check_form(header: &[u8]) -> io::Result<()> {
    let brackets = header.iter().filter(|byte| b"([{".contains(byte)).count();
    let digits = header.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).max().unwrap_or(0);
    if brackets > BRACKETS_MAX || digits > DIGITS_MAX {
        return Err(io::Error::other(format!(
            "its header has {brackets} brackets and a number of {digits} digits, where at most {BRACKETS_MAX} and {DIGITS_MAX} are expected"
        )));
    }
    Ok(())
}
