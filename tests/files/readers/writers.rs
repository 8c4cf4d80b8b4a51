//! Files made for the tests, small and of an uneven size.

use std::io::Cursor;
use std::path::PathBuf;

use crosscheck::calibration::{Camera, Intrinsics};
use crosscheck::dataset::{self, DatasetError};
use crosscheck::frame::OrganisedCloud;
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, RgbImage};
use tempfile::TempDir;
use tiff::encoder::colortype::ColorType;
use tiff::encoder::{Compression, TiffEncoder, TiffValue};
use tiff::tags::Tag;

pub const WIDTH: usize = 37;
pub const HEIGHT: usize = 29;

pub const CAMERA: Camera =
    Camera::Pinhole(Intrinsics { fx: 50.0, fy: 40.0, cx: 18.0, cy: 14.0, depth_unit_m: 0.001, depth_offset_m: 0.0 });

/// A file that goes when it is dropped.
pub struct TestFile {
    _folder: TempDir,
    pub path: PathBuf,
}

impl TestFile {
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }
}

thread_local! {
    /// Thousands of files are read one after the other: a folder for each would take most of the time.
    static FOLDER: TempDir = tempfile::tempdir().unwrap();
}

fn overwritten(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.with(|folder| folder.path().join(name));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Reads `bytes` as a cloud of a file called `name`.
pub fn cloud(name: &str, bytes: &[u8]) -> Result<OrganisedCloud, DatasetError> {
    dataset::read_cloud(&overwritten(name, bytes), &CAMERA.into())
}

/// Reads `bytes` as a colour image of a file called `name`.
pub fn colour(name: &str, bytes: &[u8]) -> Result<RgbImage, DatasetError> {
    dataset::read_rgb(&overwritten(name, bytes))
}

/// The message of a read that must fail: it names the file, so that a run over thousands can be mended.
pub fn refusal<T>(name: &str, result: Result<T, DatasetError>) -> String {
    let message = result.err().unwrap_or_else(|| panic!("{name} was read")).to_string();
    assert!(message.contains(name), "{message}");
    message
}

/// `[HEIGHT, WIDTH, 3]`, every value its own and exact in f32.
pub fn values() -> Vec<f32> {
    (1..=WIDTH * HEIGHT * 3).map(|i| i as f32 * 0.125).collect()
}

pub fn points(values: &[f32]) -> &[[f32; 3]] {
    values.as_chunks::<3>().0
}

/// A TIFF of rows, a few to a strip.
pub fn tiff_strips<C: ColorType>(compression: Compression, values: &[C::Inner]) -> Vec<u8>
where
    [C::Inner]: TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(compression);
    let mut image = encoder.new_image::<C>(WIDTH as u32, HEIGHT as u32).unwrap();
    image.rows_per_strip(7).unwrap();
    image.write_data(values).unwrap();
    bytes.into_inner()
}

/// What a TIFF says of its pixels: size, samples of a pixel, bits of a sample and their format (3: float).
#[derive(Clone, Copy)]
pub struct Said {
    pub width: u32,
    pub height: u32,
    pub samples: u16,
    pub bits: u16,
    pub format: u16,
}

pub const SAID: Said = Said { width: WIDTH as u32, height: HEIGHT as u32, samples: 3, bits: 32, format: 3 };

/// A TIFF that says `said` of one piece of data: a tile of `tile` pixels a side, or a strip.
pub fn tiff_saying(said: Said, tile: Option<u32>, pieces: &[Vec<f32>]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut directory = encoder.image_directory().unwrap();
    let offsets: Vec<u32> = pieces.iter().map(|piece| directory.write_data(piece.as_slice()).unwrap() as u32).collect();
    let counts: Vec<u32> = pieces.iter().map(|piece| piece.len() as u32 * 4).collect();
    directory.write_tag(Tag::ImageWidth, said.width).unwrap();
    directory.write_tag(Tag::ImageLength, said.height).unwrap();
    directory.write_tag(Tag::SamplesPerPixel, said.samples).unwrap();
    directory.write_tag(Tag::BitsPerSample, vec![said.bits; said.samples.into()].as_slice()).unwrap();
    directory.write_tag(Tag::SampleFormat, vec![said.format; said.samples.into()].as_slice()).unwrap();
    directory.write_tag(Tag::Compression, 1u16).unwrap();
    directory.write_tag(Tag::PhotometricInterpretation, if said.samples == 3 { 2u16 } else { 1 }).unwrap();
    let where_it_lies = match tile {
        Some(side) => {
            directory.write_tag(Tag::TileWidth, side).unwrap();
            directory.write_tag(Tag::TileLength, side).unwrap();
            [Tag::TileOffsets, Tag::TileByteCounts]
        }
        None => {
            directory.write_tag(Tag::RowsPerStrip, said.height).unwrap();
            [Tag::StripOffsets, Tag::StripByteCounts]
        }
    };
    for (tag, numbers) in where_it_lies.into_iter().zip([offsets, counts]) {
        directory.write_tag(tag, numbers.as_slice()).unwrap();
    }
    directory.finish().unwrap();
    bytes.into_inner()
}

/// A TIFF whose planes lie apart, a strip each.
pub fn tiff_planes(planes: &[Vec<f32>]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut directory = encoder.image_directory().unwrap();
    let offsets: Vec<u32> = planes.iter().map(|plane| directory.write_data(plane.as_slice()).unwrap() as u32).collect();
    let counts: Vec<u32> = planes.iter().map(|plane| plane.len() as u32 * 4).collect();
    directory.write_tag(Tag::ImageWidth, SAID.width).unwrap();
    directory.write_tag(Tag::ImageLength, SAID.height).unwrap();
    directory.write_tag(Tag::SamplesPerPixel, planes.len() as u16).unwrap();
    directory.write_tag(Tag::BitsPerSample, vec![32u16; planes.len()].as_slice()).unwrap();
    directory.write_tag(Tag::SampleFormat, vec![3u16; planes.len()].as_slice()).unwrap();
    directory.write_tag(Tag::PlanarConfiguration, 2u16).unwrap();
    directory.write_tag(Tag::Compression, 1u16).unwrap();
    directory.write_tag(Tag::PhotometricInterpretation, 2u16).unwrap();
    directory.write_tag(Tag::RowsPerStrip, SAID.height).unwrap();
    directory.write_tag(Tag::StripOffsets, offsets.as_slice()).unwrap();
    directory.write_tag(Tag::StripByteCounts, counts.as_slice()).unwrap();
    directory.finish().unwrap();
    bytes.into_inner()
}

/// `[HEIGHT, WIDTH, 3]` cut into tiles of `side` pixels, what lies outside filled with a number of its own.
pub fn tiles(values: &[f32], side: usize) -> Vec<Vec<f32>> {
    let tile = |row: usize, column: usize| {
        let pixels = (0..side * side).map(move |i| (row * side + i / side, column * side + i % side));
        let value = move |(y, x): (usize, usize), c: usize| {
            if y < HEIGHT && x < WIDTH { values[(y * WIDTH + x) * 3 + c] } else { 77.0 }
        };
        pixels.flat_map(move |at| (0..3).map(move |c| value(at, c))).collect()
    };
    let columns = WIDTH.div_ceil(side);
    (0..HEIGHT.div_ceil(side) * columns).map(|i| tile(i / columns, i % columns)).collect()
}

/// The header of an NPY file of version 1, and `data`.
pub fn npy_saying(header: &str, data: &[u8]) -> Vec<u8> {
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    npy_saying(&format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}\n"), data)
}

/// `[HEIGHT, WIDTH, 3]` f32 as NumPy writes it.
pub fn npy_f32(values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    npy("<f4", false, &shape(), &bytes)
}

pub fn shape() -> String {
    format!("{HEIGHT}, {WIDTH}, 3")
}

pub fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A colour image whose neighbours differ little, so that JPEG keeps them.
pub fn picture() -> RgbImage {
    RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
        image::Rgb([2 * x + 3 * y, 200 - 4 * x, 60 + 5 * y].map(|v| v as u8))
    })
}

/// Depth in millimetres, no point at the first pixel.
pub fn depth() -> ImageBuffer<Luma<u16>, Vec<u16>> {
    ImageBuffer::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
        Luma([if x + y == 0 { 0 } else { (500 + x + 2 * y) as u16 }])
    })
}
