//! Pictures: colour, masks, regions and depth images, upright as they are shown, and no larger than a frame may be.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::codecs::bmp::BmpDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::error::ImageFormatHint;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits};

use super::error::DatasetError;
use super::{jpeg, png};
use crate::frame::{SIDE_MAX, check_size};

/// Names of pictures end in one of these, in capitals or not. What is inside decides how one is read.
pub const SUFFIXES: [&str; 8] = ["png", "jpg", "jpeg", "jpe", "jfif", "bmp", "tif", "tiff"];
/// The largest frame with four channels of 16 bits takes half of this.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// What decoding may take besides the picture, and again as much as it: a tile of TIFF that is larger than the picture.
const WORK_BYTES_MAX: u64 = 8 << 20;

/// A picture whose header was read.
pub struct Picture {
    path: PathBuf,
    expected: &'static str,
    format: Option<ImageFormat>,
    decoder: Box<dyn ImageDecoder>,
    orientation: Orientation,
}

impl Picture {
    /// Reads the header; a picture that is larger than a frame may be is refused.
    pub fn open(path: &Path, expected: &'static str) -> Result<Self, DatasetError> {
        let failed = |reason: String| DatasetError::Decode { path: path.into(), expected, reason };
        let unopened = |source| DatasetError::Open { path: path.into(), source };
        let bytes = std::fs::metadata(path).map_err(unopened)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(failed(format!("the file has {bytes} bytes where at most {FILE_BYTES_MAX} are expected")));
        }
        let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(unopened)?;
        let format = reader.format();
        let mut file = reader.into_inner();
        png::check_palette(&mut file).map_err(|e| failed(e.to_string()))?;
        let mut decoder = decoder(format, file).map_err(|e| failed(e.to_string()))?;
        let (width, height) = decoder.dimensions();
        check_size(width as usize, height as usize)
            .map_err(|source| DatasetError::Size { path: path.into(), source })?;
        if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
            let found = "channels of floating-point numbers: is this the cloud?".into();
            return Err(DatasetError::Layout { path: path.into(), expected, found });
        }
        let orientation = decoder.orientation().map_err(|e| failed(e.to_string()))?;
        decoder.set_limits(limits(2 * decoder.total_bytes() + WORK_BYTES_MAX)).map_err(|e| failed(e.to_string()))?;
        Ok(Self { path: path.into(), expected, format, decoder, orientation })
    }

    /// Width and height as it is stored.
    pub fn stored_size(&self) -> (usize, usize) {
        let (width, height) = self.decoder.dimensions();
        (width as usize, height as usize)
    }

    /// Width and height as it is shown.
    pub fn size(&self) -> (usize, usize) {
        let (width, height) = self.stored_size();
        let on_its_side = matches!(
            self.orientation,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        if on_its_side { (height, width) } else { (width, height) }
    }

    /// Its EXIF orientation, 1 to 8; 1 where it is shown as it is stored.
    pub fn orientation(&self) -> u8 {
        self.orientation.to_exif()
    }

    /// Its channels, as they are decoded.
    pub fn kind(&self) -> ColorType {
        self.decoder.color_type()
    }

    /// Whether its format is lossless.
    pub fn is_lossless(&self) -> bool {
        self.format != Some(ImageFormat::Jpeg)
    }

    /// Decodes it, turned as it is shown.
    pub fn read(self) -> Result<DynamicImage, DatasetError> {
        let Self { path, expected, format, decoder, orientation } = self;
        let failed = |reason: String| DatasetError::Decode { path: path.clone(), expected, reason };
        if format == Some(ImageFormat::Jpeg) {
            let bytes = std::fs::read(&path).map_err(|source| DatasetError::Open { path: path.clone(), source })?;
            jpeg::check(&bytes).map_err(failed)?;
        }
        let mut image = DynamicImage::from_decoder(decoder).map_err(|e| failed(e.to_string()))?;
        image.apply_orientation(orientation);
        Ok(image)
    }
}

fn decoder(format: Option<ImageFormat>, file: BufReader<File>) -> ImageResult<Box<dyn ImageDecoder>> {
    Ok(match format {
        Some(ImageFormat::Png) => Box::new(PngDecoder::with_limits(file, limits(FILE_BYTES_MAX))?),
        Some(ImageFormat::Jpeg) => Box::new(JpegDecoder::new(file)?),
        Some(ImageFormat::Bmp) => Box::new(BmpDecoder::new(file)?),
        Some(ImageFormat::Tiff) => Box::new(TiffDecoder::new(file)?),
        other => {
            let hint = other.map_or(ImageFormatHint::Unknown, ImageFormatHint::Exact);
            return Err(ImageError::Unsupported(hint.into()));
        }
    })
}

/// What a file may make a decoder allocate, besides sides of frames.
fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX as u32), Some(SIDE_MAX as u32));
    limits.max_alloc = Some(bytes);
    limits
}

/// Reads the header of a colour image. An image of one channel of 16 bits is refused: it is depth.
pub fn open_colour(path: &Path) -> Result<Picture, DatasetError> {
    let picture = Picture::open(path, "a PNG, JPEG, BMP or TIFF image")?;
    match picture.kind() {
        ColorType::L16 | ColorType::La16 => Err(DatasetError::Layout {
            path: path.into(),
            expected: "a colour image",
            found: "one channel of 16 bits a pixel: is this the depth image?".into(),
        }),
        _ => Ok(picture),
    }
}

/// Reads a colour image; a grey one has three equal channels. Values of 16 bits are divided by 257 and rounded.
pub fn read_colour(picture: Picture) -> Result<image::RgbImage, DatasetError> {
    picture.read().map(DynamicImage::into_rgb8)
}
