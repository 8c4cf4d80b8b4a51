//! TIFF: organised clouds and depth images in, clouds and maps out.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use half::f16;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::{
    TiffEncoder,
    colortype::{ColorType as Encoded, Gray32Float, RGB32Float},
};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::error::DatasetError;
use super::values::{Narrow, Values};
use crate::files::Temporary;
use crate::frame::{OrganisedCloud, PIXELS_MAX, check_size};

const EXPECTED: &str =
    "a TIFF of three float channels (x, y, z), or one channel of depth (floats, or integers of 16 bits)";
const MAP_EXPECTED: &str = "a map: a TIFF of one channel of floats";
/// The values of `PlanarConfiguration`.
const PLANAR: u16 = 2;

/// A TIFF whose header was read.
pub struct TiffFile {
    path: PathBuf,
    decoder: Decoder<BufReader<File>>,
    width: usize,
    height: usize,
    channels: usize,
    planes: usize,
}

impl TiffFile {
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|source| DatasetError::Open { path: path.into(), source })?;
        let failed = |e: TiffError| failed(path, e);
        let mut decoder = Decoder::new(BufReader::new(file)).map_err(failed)?.with_limits(limits());
        let (width, height) = decoder.dimensions().map_err(failed)?;
        let (width, height) = (width as usize, height as usize);
        check_size(width, height).map_err(|source| DatasetError::Size { path: path.into(), source })?;
        let layout = |found: String| DatasetError::Layout { path: path.into(), expected: EXPECTED, found };
        let channels = match decoder.colortype().map_err(failed)? {
            ColorType::RGB(16 | 32 | 64) | ColorType::Multiband { num_samples: 3, .. } => 3,
            ColorType::Gray(16 | 32 | 64) => 1,
            other => return Err(layout(format!("{other:?}"))),
        };
        let orientation: Option<u16> = decoder.find_tag_unsigned(Tag::Orientation).map_err(failed)?;
        if let Some(orientation) = orientation.filter(|turned| (2..=8).contains(turned)) {
            return Err(layout(format!(
                "one that is to be turned as its tag Orientation {orientation} says: write points as they lie in the colour image that is shown, without the tag"
            )));
        }
        let planar: Option<u16> = decoder.find_tag_unsigned(Tag::PlanarConfiguration).map_err(failed)?;
        let planes = if planar == Some(PLANAR) { channels } else { 1 };
        Ok(Self { path: path.into(), decoder, width, height, channels, planes })
    }

    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Values of a pixel: 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Its values, `[height, width, channels]`, piece by piece: strips or tiles, compressed or not, planes apart or not.
    pub fn read(mut self, narrow: Narrow) -> Result<Values, DatasetError> {
        let failed = |e: TiffError| failed(&self.path, e);
        let layout = |found: String| DatasetError::Layout { path: self.path.clone(), expected: EXPECTED, found };
        let (piece_width, piece_height) = self.decoder.chunk_dimensions();
        let (piece_width, piece_height) = (piece_width as usize, piece_height as usize);
        let across = self.width.div_ceil(piece_width);
        let of_plane = across * self.height.div_ceil(piece_height);
        let mut read = Values::None;
        for piece in 0..of_plane * self.planes {
            let (left, top) = (piece % of_plane % across * piece_width, piece % of_plane / across * piece_height);
            let spot = Spot {
                pixel: top * self.width + left,
                piece_width: piece_width.min(self.width - left),
                width: self.width,
                channels: self.channels,
                channel: (self.planes > 1).then_some(piece / of_plane),
            };
            let count = self.width * self.height * self.channels;
            let decoded = self.decoder.read_chunk(piece as u32).map_err(failed)?;
            let placed = match decoded {
                DecodingResult::F16(v) => spot.place(&v, read.floats(count), |v| Ok(f16::to_f32(v))),
                DecodingResult::F32(v) => spot.place(&v, read.floats(count), Ok),
                DecodingResult::F64(v) => spot.place(&v, read.floats(count), |v| Ok(v as f32)),
                _ if self.channels > 1 => Err("three channels of integers".into()),
                DecodingResult::U16(v) => spot.place(&v, read.steps(count), |v| narrow.step(v.into())),
                DecodingResult::I16(v) => spot.place(&v, read.steps(count), |v| narrow.step(v.into())),
                DecodingResult::U32(v) => spot.place(&v, read.steps(count), |v| narrow.step(v.into())),
                DecodingResult::I32(v) => spot.place(&v, read.steps(count), |v| narrow.step(v.into())),
                DecodingResult::U64(v) => spot.place(&v, read.steps(count), |v| narrow.step(v.into())),
                DecodingResult::I64(v) => spot.place(&v, read.steps(count), |v| narrow.step(v.into())),
                DecodingResult::U8(_) | DecodingResult::I8(_) => Err("integers of 8 bits".into()),
            };
            placed.map_err(layout)?;
        }
        Ok(read)
    }
}

/// Where a strip or tile belongs.
struct Spot {
    /// The index of its first pixel.
    pixel: usize,
    piece_width: usize,
    width: usize,
    channels: usize,
    /// The channel that it has; none where it has all.
    channel: Option<usize>,
}

impl Spot {
    fn place<T: Copy, U>(
        &self,
        values: &[T],
        into: &mut [U],
        narrow: impl Fn(T) -> Result<U, String>,
    ) -> Result<(), String> {
        let (of_pixel, first) = self.channel.map_or((self.channels, 0), |channel| (1, channel));
        for (row, values) in values.chunks_exact(self.piece_width * of_pixel).enumerate() {
            let start = (self.pixel + row * self.width) * self.channels + first;
            let into = into.get_mut(start..).ok_or("more values than its size holds")?;
            let step = if self.channel.is_some() { self.channels } else { 1 };
            for (value, into) in values.iter().zip(into.iter_mut().step_by(step)) {
                *into = narrow(*value)?;
            }
        }
        Ok(())
    }
}

fn failed(path: &Path, e: TiffError) -> DatasetError {
    DatasetError::Decode { path: path.into(), expected: EXPECTED, reason: e.to_string() }
}

/// What a file may make the decoder allocate: an image of the largest size in f64.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = PIXELS_MAX * 3 * size_of::<f64>();
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits
}

/// Reads one channel of floats of this size.
pub fn read_map(path: &Path, width: usize, height: usize) -> Result<Vec<f32>, DatasetError> {
    let layout = |found| DatasetError::Layout { path: path.into(), expected: MAP_EXPECTED, found };
    let file = TiffFile::open(path)?;
    if file.size() != (width, height) || file.channels() != 1 {
        let (of, channels) = (file.size(), file.channels());
        return Err(layout(format!(
            "{} x {} pixels of {channels} channels where {width} x {height} of one are expected",
            of.0, of.1
        )));
    }
    match file.read(Narrow { no_point: None })? {
        Values::Floats(map) => Ok(map),
        Values::Steps(_) | Values::None => Err(layout("integers".into())),
    }
}

/// Writes `[height, width]` f32 as one channel.
pub fn write_map(file: &mut Temporary, map: &[f32], width: usize, height: usize) -> std::io::Result<()> {
    write::<Gray32Float>(file, map, width, height)
}

/// Writes a cloud as three float channels, metres.
pub fn write_cloud(file: &mut Temporary, cloud: &OrganisedCloud) -> std::io::Result<()> {
    write::<RGB32Float>(file, cloud.points().as_flattened(), cloud.width(), cloud.height())
}

fn write<C: Encoded<Inner = f32>>(
    file: &mut Temporary,
    values: &[f32],
    width: usize,
    height: usize,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    let written = TiffEncoder::new(&mut out).and_then(|mut e| e.write_image::<C>(width as u32, height as u32, values));
    written.map_err(std::io::Error::other)?;
    out.flush()
}
