//! Which pixels a mask marks: one rule for defects and for regions, decided on the values as the file has them.

use std::ops::RangeInclusive;
use std::path::Path;

use image::DynamicImage;

use super::error::DatasetError;
use super::picture::Picture;

/// A lossless mask of no more values than this has a value for each kind of defect, or each region.
const KINDS_MAX: usize = 16;
/// Values as near to either end, in parts of the range, are an end that JPEG has blurred.
const NEAR_PER_RANGE: usize = 8;
/// A mask that marks more than this share of its picture marks the sound part, not the defect.
const SHARE_MAX: f64 = 0.9;

/// A mask as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// Pixels of a row.
    pub width: usize,
    /// Pixels of a column.
    pub height: usize,
    /// Whether each pixel is marked, `[height, width]`.
    pub marked: Vec<bool>,
}

impl Mask {
    /// Reads a mask. A pixel has the largest of its channels as its value; the opacity where nothing else varies, and 0
    /// where it is transparent. Then
    ///
    /// - one value, or 0 and another: what is not 0 is marked;
    /// - ids (a lossless file with at most 16 values, with 16 bits, or with every value from 0 to its largest, below 255;
    ///   of 8 bits, not with several values near either end and none between): what is not 0 is marked, and a file without
    ///   a 0 is refused;
    /// - others, such as soft edges, what JPEG makes of an edge, and two values other than 0: what lies above the middle
    ///   of the range is marked.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let picture = Picture::open(path, "a mask image")?;
        let (width, height) = picture.size();
        let is_lossless = picture.is_lossless();
        let image = picture.read()?;
        let is_wide = image.color().bytes_per_pixel() / image.color().channel_count() > 1;
        let values = values(image);
        let least = Least::of(&values, is_wide, is_lossless).map_err(|found| DatasetError::Layout {
            path: path.into(),
            expected: "a mask with 0 where nothing is marked",
            found,
        })?;
        Ok(Self { width, height, marked: values.into_iter().map(|v| least.marks(v)).collect() })
    }

    /// Refuses a mask that cannot be the one of a defect.
    pub fn check_defect(&self, path: &Path) -> Result<(), DatasetError> {
        let share = self.marked.iter().filter(|m| **m).count() as f64 / self.marked.len() as f64;
        if share == 0.0 {
            return Err(DatasetError::Unmarked { path: path.into() });
        }
        if share > SHARE_MAX {
            return Err(DatasetError::Inverted { path: path.into(), percent: 100.0 * share });
        }
        Ok(())
    }
}

/// One value a pixel.
fn values(image: DynamicImage) -> Vec<u16> {
    match image {
        DynamicImage::ImageLuma8(image) => image.into_raw().into_iter().map(u16::from).collect(),
        DynamicImage::ImageLuma16(image) => image.into_raw(),
        DynamicImage::ImageRgb8(image) => largest::<_, 3>(&image),
        DynamicImage::ImageRgb16(image) => largest::<_, 3>(&image),
        DynamicImage::ImageLumaA8(image) => opaque::<_, 2>(&image),
        DynamicImage::ImageLumaA16(image) => opaque::<_, 2>(&image),
        DynamicImage::ImageRgba8(image) => opaque::<_, 4>(&image),
        image => opaque::<_, 4>(&image.into_rgba16()),
    }
}

fn largest<T: Copy + Ord + Into<u16>, const N: usize>(values: &[T]) -> Vec<u16> {
    values.as_chunks::<N>().0.iter().filter_map(|pixel| pixel.iter().max().map(|v| (*v).into())).collect()
}

/// The value of each pixel, whose last channel is the opacity.
fn opaque<T: Copy + Ord + Default + Into<u16>, const N: usize>(values: &[T]) -> Vec<u16> {
    let pixels = values.as_chunks::<N>().0;
    let split = |pixel: &[T; N]| {
        let (opacity, colour) = pixel.split_last().unwrap_or((&pixel[0], &[]));
        (colour.iter().copied().max().unwrap_or_default(), *opacity)
    };
    let varies = |of: fn((T, T)) -> T| pixels.windows(2).any(|pair| of(split(&pair[0])) != of(split(&pair[1])));
    let (colour_varies, opacity_varies) = (varies(|(colour, _)| colour), varies(|(_, opacity)| opacity));
    let value = |pixel: &[T; N]| match split(pixel) {
        (colour, _) if !opacity_varies => colour,
        (_, opacity) if !colour_varies => opacity,
        (_, opacity) if opacity == T::default() => opacity,
        (colour, _) => colour,
    };
    pixels.iter().map(|pixel| value(pixel).into()).collect()
}

/// Twice the value that marked pixels exceed.
struct Least(u32);

impl Least {
    fn of(values: &[u16], is_wide: bool, is_lossless: bool) -> Result<Self, String> {
        let mut seen = vec![false; usize::from(u16::MAX) + 1];
        for value in values {
            seen[usize::from(*value)] = true;
        }
        let (least, most) = (seen.iter().position(|s| *s).unwrap_or(0), seen.iter().rposition(|s| *s).unwrap_or(0));
        let within = |values: RangeInclusive<usize>| seen[values].iter().filter(|s| **s).count();
        let (count, near) = (within(least..=most), (most - least) / NEAR_PER_RANGE);
        let (low, high) = (within(least..=least + near), within(most - near..=most));
        let is_edge = !is_wide && low > 1 && high > 1 && low + high == count;
        let without_gap = least == 0 && count == most + 1 && most < usize::from(u8::MAX);
        let is_ids = is_lossless && !is_edge && (count <= KINDS_MAX || is_wide || without_gap);
        if is_ids && count > 2 && least > 0 {
            return Err(format!("{count} values from {least} to {most}"));
        }
        let by_zero = count == 1 || (least == 0 && (count == 2 || is_ids));
        Ok(Self(if by_zero { 0 } else { (least + most) as u32 }))
    }

    fn marks(&self, value: u16) -> bool {
        2 * u32::from(value) > self.0
    }
}
