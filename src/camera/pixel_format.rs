//! Pixel formats of video nodes: which are accepted, and how they become RGB or depth steps.

use std::fmt;

use image::ImageFormat;

/// A format's four characters, as V4L2 names it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", String::from_utf8_lossy(&self.0).trim_end())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Colour that can be taken, best first: what is not compressed, then what is.
pub const COLOUR: [FourCc; 4] = [FourCc(*b"RGB3"), FourCc(*b"YUYV"), FourCc(*b"MJPG"), FourCc(*b"GREY")];
/// Depth, 16 bits little-endian: `Z16 ` is depth by name, `Y16 ` has the same layout.
pub const DEPTH: [FourCc; 2] = [FourCc(*b"Z16 "), FourCc(*b"Y16 ")];

/// Colour filter arrays of one byte a pixel and their packed relatives: V4L2 names them by their first row.
pub fn is_bayer(format: FourCc) -> bool {
    let name = &format.0;
    let starts = |prefixes: &[&[u8]]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    starts(&[b"BA81", b"GBRG", b"GRBG", b"RGGB", b"BG1", b"GB1", b"BA1", b"RG1", b"pBA", b"pGA", b"pgA", b"pRA"])
}

/// An image as a camera's buffer holds it; V4L2 and GenICam name formats in their own ways.
#[derive(Clone, Copy)]
pub struct Raw<'a, F = FourCc> {
    pub format: F,
    pub width: usize,
    pub height: usize,
    /// Bytes from one row to the next; without meaning for a compressed image.
    pub stride: usize,
    pub bytes: &'a [u8],
}

impl<'a, F: Copy + fmt::Display> Raw<'a, F> {
    /// The rows without what is between them; an error where the buffer is too short for them.
    pub fn rows(&self, bytes_per_pixel: usize) -> Result<impl Iterator<Item = &'a [u8]>, String> {
        let row = self.width * bytes_per_pixel;
        let needed = if self.height == 0 { 0 } else { (self.height - 1) * self.stride + row };
        if row == 0 || self.stride < row || self.bytes.len() < needed {
            let (format, found) = (self.format, self.bytes.len());
            return Err(format!("a {format} image of {found} bytes where {needed} are expected"));
        }
        Ok(self.bytes.chunks(self.stride).take(self.height).map(move |line| &line[..row]))
    }
}

/// Colour to `[height, width, 3]`, over what was in `rgb`.
pub fn to_rgb(image: &Raw, rgb: &mut Vec<u8>) -> Result<(), String> {
    rgb.clear();
    match &image.format.0 {
        b"RGB3" => image.rows(3)?.for_each(|row| rgb.extend_from_slice(row)),
        b"BGR3" => {
            let swapped = |[blue, green, red]: &[u8; 3]| [*red, *green, *blue];
            image.rows(3)?.for_each(|row| rgb.extend(row.as_chunks().0.iter().flat_map(swapped)));
        }
        b"GREY" => image.rows(1)?.for_each(|row| rgb.extend(row.iter().flat_map(|&grey| [grey; 3]))),
        b"YUYV" => {
            for row in image.rows(2)? {
                // A last pixel of an odd row has no chroma of its own, and no camera gives one.
                for [y0, u, y1, v] in row.as_chunks::<4>().0 {
                    rgb.extend(from_yuv(*y0, *u, *v));
                    rgb.extend(from_yuv(*y1, *u, *v));
                }
            }
        }
        b"MJPG" => from_jpeg(image, rgb)?,
        _ => return Err(format!("{} is not a colour format that can be taken", image.format)),
    }
    if rgb.len() == 3 * image.width * image.height {
        return Ok(());
    }
    let Raw { format, width, height, .. } = image;
    Err(format!("{format} of {width} x {height} pixels has {} of {} values", rgb.len(), 3 * width * height))
}

/// Depth to steps `[height, width]`, over what was in `steps`.
pub fn to_depth(image: &Raw, steps: &mut Vec<u16>) -> Result<(), String> {
    steps.clear();
    if !DEPTH.contains(&image.format) {
        return Err(format!("{} is not a depth format", image.format));
    }
    for row in image.rows(2)? {
        steps.extend(row.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)));
    }
    Ok(())
}

/// BT.601, limited range, as V4L2 has YUYV where a driver says nothing else; in 16 bits after the point, rounded.
fn from_yuv(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (76_309 * (i32::from(y) - 16), i32::from(u) - 128, i32::from(v) - 128);
    let channel = |chroma: i32| ((y + chroma + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [channel(104_597 * v), channel(-25_675 * u - 53_279 * v), channel(132_201 * u)]
}

fn from_jpeg(image: &Raw, rgb: &mut Vec<u8>) -> Result<(), String> {
    let mut reader = image::ImageReader::with_format(std::io::Cursor::new(image.bytes), ImageFormat::Jpeg);
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(image.width as u32), Some(image.height as u32));
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| format!("an MJPG image cannot be decoded: {error}"))?;
    rgb.extend_from_slice(decoded.to_rgb8().as_raw());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw<'a>(format: &[u8; 4], width: usize, height: usize, stride: usize, bytes: &'a [u8]) -> Raw<'a> {
        Raw { format: FourCc(*format), width, height, stride, bytes }
    }

    #[test]
    fn rows_keep_their_places_whatever_the_stride() {
        let mut rgb = vec![9; 3];
        to_rgb(&raw(b"RGB3", 1, 2, 5, &[1, 2, 3, 0, 0, 4, 5, 6]), &mut rgb).unwrap();
        assert_eq!(rgb, [1, 2, 3, 4, 5, 6]);
        to_rgb(&raw(b"BGR3", 1, 2, 5, &[1, 2, 3, 0, 0, 4, 5, 6]), &mut rgb).unwrap();
        assert_eq!(rgb, [3, 2, 1, 6, 5, 4]);
        to_rgb(&raw(b"GREY", 2, 2, 4, &[1, 2, 0, 0, 3, 4]), &mut rgb).unwrap();
        assert_eq!(rgb, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
        let mut steps = Vec::new();
        for format in [b"Z16 ", b"Y16 "] {
            to_depth(&raw(format, 2, 2, 6, &[1, 0, 0, 1, 9, 9, 255, 255, 2, 0]), &mut steps).unwrap();
            assert_eq!(steps, [1, 256, 65_535, 2]);
        }
    }

    #[test]
    fn yuv_is_within_half_a_step_of_its_formula() {
        for y in (0..=255).step_by(5) {
            for u in (0..=255).step_by(15) {
                for v in (0..=255).step_by(15) {
                    let (yd, ud, vd) = (f64::from(y) - 16.0, f64::from(u) - 128.0, f64::from(v) - 128.0);
                    let luma = yd * 255.0 / 219.0;
                    let chroma = 255.0 / 224.0;
                    let want = [
                        luma + 1.402 * chroma * vd,
                        luma - (0.114 * 1.772 * ud + 0.299 * 1.402 * vd) / 0.587 * chroma,
                        luma + 1.772 * chroma * ud,
                    ];
                    for (got, want) in from_yuv(y as u8, u as u8, v as u8).iter().zip(want) {
                        assert!((f64::from(*got) - want.clamp(0.0, 255.0)).abs() <= 0.51, "{y} {u} {v}: {got} {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_jpeg_is_decoded_and_one_of_another_size_or_cut_is_not() {
        let picture = image::RgbImage::from_fn(16, 8, |x, y| image::Rgb([x as u8 * 8, y as u8 * 16, 90]));
        let mut bytes = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Jpeg).unwrap();
        let mut rgb = Vec::new();
        to_rgb(&raw(b"MJPG", 16, 8, 0, &bytes), &mut rgb).unwrap();
        let far = rgb.iter().zip(picture.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(far < 40, "{far}");
        for (width, height, length) in [(8, 8, bytes.len()), (32, 8, bytes.len()), (16, 8, 20)] {
            assert!(to_rgb(&raw(b"MJPG", width, height, 0, &bytes[..length]), &mut rgb).is_err());
        }
    }

    #[test]
    fn what_is_too_short_or_of_another_kind_is_refused() {
        let mut rgb = Vec::new();
        let error = to_rgb(&raw(b"YUYV", 2, 2, 4, &[0; 7]), &mut rgb).unwrap_err();
        assert!(error.contains("7 bytes where 8"), "{error}");
        assert!(to_rgb(&raw(b"RGGB", 2, 2, 2, &[0; 4]), &mut rgb).is_err());
        assert!(to_rgb(&raw(b"YUYV", 3, 1, 6, &[0; 6]), &mut rgb).is_err());
        assert!(to_depth(&raw(b"GREY", 2, 2, 2, &[0; 4]), &mut Vec::new()).is_err());
        assert!(is_bayer(FourCc(*b"RGGB")) && is_bayer(FourCc(*b"BG10")) && !is_bayer(FourCc(*b"RGB3")));
    }
}
