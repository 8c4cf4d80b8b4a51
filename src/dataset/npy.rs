//! NPY: organised clouds and depth images.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use half::f16;
use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order};

use super::error::DatasetError;
use super::values::{Narrow, Values};
use crate::frame::check_size;

/// NumPy's own headers of such an array have 118 bytes.
const HEADER_BYTES_MAX: u32 = 1024;
/// A header has one pair around all and one around the shape; a few more are let through, to be refused by a clearer
/// error.
const BRACKETS_MAX: usize = 8;
const SHAPE: &[u8] = b"shape";
/// Numbers of so many digits in all have a product that a u64 holds.
const DIGITS_MAX: usize = 18;
const EXPECTED: &str = "an NPY array of floats [height, width, 3] (x, y, z), or of depth [height, width] (floats, or integers of 16 bits and more)";

/// An array whose header was read.
pub struct Array {
    path: PathBuf,
    npy: NpyFile<BufReader<File>>,
    width: usize,
    height: usize,
    channels: usize,
    /// The type of the values as NumPy names it, without the order of bytes.
    kind: String,
}

impl Array {
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let mut file = File::open(path).map_err(|source| DatasetError::Open { path: path.into(), source })?;
        let failed = |e: io::Error| failed(path, e);
        check_header(&mut file).map_err(failed)?;
        let mut reader = BufReader::new(file);
        let npy = NpyHeader::from_reader(&mut reader).map_err(failed)?;
        let layout = |found: String| DatasetError::Layout { path: path.into(), expected: EXPECTED, found };
        let (height, width, channels) = match *npy.shape() {
            // Points in a row, without their pixels.
            [_, 3] => return Err(layout(format!("shape {:?}", npy.shape()))),
            [height, width] | [height, width, 1] => (height as usize, width as usize, 1),
            [height, width, 3] => (height as usize, width as usize, 3),
            _ => return Err(layout(format!("shape {:?}", npy.shape()))),
        };
        check_size(width, height).map_err(|source| DatasetError::Size { path: path.into(), source })?;
        let kind = match npy.dtype() {
            DType::Plain(kind) => kind.to_string(),
            other => return Err(layout(other.descr())),
        };
        let kind = kind.trim_start_matches(['<', '>', '|', '=']).to_string();
        let bytes: usize = match kind.as_str() {
            "f2" | "f4" | "f8" => kind[1..].parse().unwrap_or(8),
            "u2" | "i2" | "u4" | "i4" | "u8" | "i8" if channels == 1 => kind[1..].parse().unwrap_or(8),
            _ => return Err(layout(format!("values of type {kind} in shape {:?}", npy.shape()))),
        };
        let start = reader.stream_position().map_err(failed)?;
        let there = reader.get_ref().metadata().map_err(failed)?.len().saturating_sub(start);
        let needed = (width * height * channels * bytes) as u64;
        if there < needed {
            return Err(failed(io::Error::other(format!(
                "it has {there} bytes of values where {needed} are expected"
            ))));
        }
        let npy = NpyFile::with_header(npy, reader);
        Ok(Self { path: path.into(), npy, width, height, channels, kind })
    }

    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Values of a pixel: 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Its values, `[height, width, channels]`, in whatever order they lie.
    pub fn read(self, narrow: Narrow) -> Result<Values, DatasetError> {
        let path = self.path.clone();
        let count = self.width * self.height * self.channels;
        let mut read = Values::None;
        let step = |v: i128| narrow.step(v);
        match self.kind.as_str() {
            "f2" => self.values(read.floats(count), |v: f16| Ok(v.to_f32())),
            "f4" => self.values(read.floats(count), |v: f32| Ok(v)),
            "f8" => self.values(read.floats(count), |v: f64| Ok(v as f32)),
            "u2" => self.values(read.steps(count), |v: u16| step(v.into())),
            "i2" => self.values(read.steps(count), |v: i16| step(v.into())),
            "u4" => self.values(read.steps(count), |v: u32| step(v.into())),
            "i4" => self.values(read.steps(count), |v: i32| step(v.into())),
            "u8" => self.values(read.steps(count), |v: u64| step(v.into())),
            _ => self.values(read.steps(count), |v: i64| step(v.into())),
        }
        .map_err(|e| failed(&path, e))?;
        Ok(read)
    }

    fn values<T: Deserialize, U>(self, into: &mut [U], narrow: impl Fn(T) -> Result<U, String>) -> io::Result<()> {
        let (width, height, channels) = (self.width, self.height, self.channels);
        let is_fortran = self.npy.order() == Order::Fortran;
        let values = self.npy.data::<T>().map_err(io::Error::other)?;
        for (i, value) in values.enumerate() {
            // In Fortran's order rows follow one another first, and channels last.
            let at = if is_fortran {
                (i % height * width + i / height % width) * channels + i / (height * width)
            } else {
                i
            };
            into[at] = narrow(value?).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

fn failed(path: &Path, e: io::Error) -> DatasetError {
    DatasetError::Decode { path: path.into(), expected: EXPECTED, reason: e.to_string() }
}

/// Refuses a header that is too long or too deeply nested for the reader of headers, and a shape whose product
/// overflows.
fn check_header(file: &mut File) -> io::Result<()> {
    let mut start = [0; 12];
    file.read_exact(&mut start)?;
    // The length has two bytes in the first version of the format.
    let length = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
    let length = if start[6] == 1 { length & 0xFFFF } else { length };
    if length > HEADER_BYTES_MAX {
        return Err(io::Error::other(format!(
            "its header has {length} bytes where at most {HEADER_BYTES_MAX} are expected"
        )));
    }
    let mut header = Vec::new();
    // In the first version its first two bytes are in `start` already. No byte of a value is looked at.
    let rest = if start[6] == 1 { length.saturating_sub(2) } else { length };
    file.take(rest.into()).read_to_end(&mut header)?;
    file.rewind()?;
    check_form(&header)
}

/// The reader of headers tries every bracket in several ways, which does not end in time where they are nested, and
/// multiplies the sides unchecked.
fn check_form(header: &[u8]) -> io::Result<()> {
    let brackets = header.iter().filter(|byte| b"([{".contains(byte)).count();
    let shape = header.windows(SHAPE.len()).position(|word| word == SHAPE).unwrap_or(0);
    let digits = header[shape..].iter().filter(|byte| byte.is_ascii_digit()).count();
    if brackets > BRACKETS_MAX || digits > DIGITS_MAX {
        return Err(io::Error::other(format!(
            "its header has {brackets} brackets, and {digits} digits in its shape, where at most {BRACKETS_MAX} and {DIGITS_MAX} are expected"
        )));
    }
    Ok(())
}
