//! Colour and intensity of GenICam's pixel formats, as RGB.

use super::bayer;
use super::pixel_format::{Colour, Order, PixelFormat};
use crate::camera::pixel_format::{self, FourCc, Raw};

/// Makes RGB `[height, width, 3]` of an image, over what was in `rgb`.
pub fn to_rgb(coding: Colour, image: &Raw<PixelFormat>, rgb: &mut Vec<u8>) -> Result<(), String> {
    match coding {
        Colour::Mono8 => as_v4l(b"GREY", image, rgb),
        Colour::Rgb8 => as_v4l(b"RGB3", image, rgb),
        Colour::Bgr8 => as_v4l(b"BGR3", image, rgb),
        Colour::Limited422 => as_v4l(b"YUYV", image, rgb),
        Colour::Yuv422(order) => from_yuv(order, image, rgb),
        Colour::Mono(bits) => {
            rgb.clear();
            // The eight highest bits of those that the sensor has.
            let grey = |bytes: &[u8; 2]| [(u16::from_le_bytes(*bytes) >> (bits - 8)).min(255) as u8; 3];
            image.rows(2)?.for_each(|row| rgb.extend(row.as_chunks().0.iter().flat_map(grey)));
            Ok(())
        }
        Colour::Bayer8(tile) => from_bayer(tile, image, rgb),
    }
}

/// An image whose layout V4L2 has as well.
fn as_v4l(name: &[u8; 4], image: &Raw<PixelFormat>, rgb: &mut Vec<u8>) -> Result<(), String> {
    let &Raw { width, height, stride, bytes, .. } = image;
    pixel_format::to_rgb(&Raw { format: FourCc(*name), width, height, stride, bytes }, rgb)
}

/// BT.601 in the range from 0 to 255; in 16 bits after the point, rounded.
fn from_yuv(order: Order, image: &Raw<PixelFormat>, rgb: &mut Vec<u8>) -> Result<(), String> {
    if !image.width.is_multiple_of(2) {
        return Err(format!("{} of {} pixels a row, where two pixels share their colour", image.format, image.width));
    }
    let pixel = |y: u8, u: u8, v: u8| {
        let (y, u, v) = (i32::from(y) << 16, i32::from(u) - 128, i32::from(v) - 128);
        let channel = |chroma: i32| ((y + chroma + (1 << 15)) >> 16).clamp(0, 255) as u8;
        [channel(91_881 * v), channel(-22_554 * u - 46_802 * v), channel(116_130 * u)]
    };
    rgb.clear();
    for row in image.rows(2)? {
        for pair in row.as_chunks::<4>().0 {
            let [y0, u, y1, v] = match order {
                Order::LumaFirst => *pair,
                Order::ChromaFirst => [pair[1], pair[0], pair[3], pair[2]],
            };
            rgb.extend(pixel(y0, u, v));
            rgb.extend(pixel(y1, u, v));
        }
    }
    Ok(())
}

fn from_bayer(tile: bayer::Tile, image: &Raw<PixelFormat>, rgb: &mut Vec<u8>) -> Result<(), String> {
    let (width, height) = (image.width, image.height);
    if width.min(height) < bayer::SIDE_MIN {
        let least = bayer::SIDE_MIN;
        return Err(format!("{} of {width} x {height} pixels, where {least} a side are the least", image.format));
    }
    rgb.clear();
    // Refuses what is too short, so that every row is whole.
    let _ = image.rows(1)?;
    bayer::to_rgb(tile, (width, height), |row| &image.bytes[row * image.stride..][..width], rgb);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::pixel_format::Content;
    use super::*;

    /// The colours of an image of this format, rows without anything between them.
    fn rgb(name: &str, (width, height): (usize, usize), bytes: &[u8]) -> Result<Vec<u8>, String> {
        let format = PixelFormat::named(name).unwrap();
        let Content::Colour(coding) = format.content()? else { return Err(format!("{name} is no colour")) };
        let mut rgb = vec![7; 5];
        let stride = format.row_bytes(width);
        to_rgb(coding, &Raw { format, width, height, stride, bytes }, &mut rgb).map(|()| rgb)
    }

    #[test]
    fn bytes_of_every_format_become_their_colours() {
        assert_eq!(rgb("RGB8", (2, 1), &[1, 2, 3, 4, 5, 6]).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(rgb("BGR8", (2, 1), &[1, 2, 3, 4, 5, 6]).unwrap(), [3, 2, 1, 6, 5, 4]);
        assert_eq!(rgb("Mono8", (2, 1), &[9, 255]).unwrap(), [9, 9, 9, 255, 255, 255]);
        // 0x03ff of ten bits is white; a value beyond the ten bits is not black.
        assert_eq!(
            rgb("Mono10", (3, 1), &[0xff, 0x03, 0x04, 0x01, 0x00, 0x04]).unwrap(),
            [255, 255, 255, 65, 65, 65, 255, 255, 255]
        );
        assert_eq!(rgb("Mono12", (2, 1), &[0xff, 0x0f, 0x10, 0x08]).unwrap(), [255, 255, 255, 129, 129, 129]);
        assert_eq!(rgb("Mono16", (2, 1), &[0xff, 0xff, 0x34, 0x12]).unwrap(), [255, 255, 255, 0x12, 0x12, 0x12]);
        // White, black; and red, whose luma is 76, chroma 85 and 255.
        assert_eq!(rgb("YUV422_8", (2, 1), &[255, 128, 0, 128]).unwrap(), [255, 255, 255, 0, 0, 0]);
        assert_eq!(rgb("YUV422_8", (2, 1), &[76, 85, 76, 255]).unwrap(), [254, 0, 0, 254, 0, 0]);
        assert_eq!(rgb("YUV422_8_UYVY", (2, 1), &[85, 76, 255, 76]).unwrap(), [254, 0, 0, 254, 0, 0]);
        assert_eq!(rgb("YCbCr601_422_8", (2, 1), &[235, 128, 16, 128]).unwrap(), [255, 255, 255, 0, 0, 0]);
        assert_eq!(rgb("BayerRG8", (4, 4), &[80; 16]).unwrap(), [80; 48]);
    }

    #[test]
    fn images_that_are_too_short_or_too_small_are_refused() {
        for (name, size, bytes) in
            [("RGB8", (2, 2), 11), ("Mono12", (2, 2), 7), ("YUV422_8", (2, 2), 7), ("BayerGB8", (4, 4), 15)]
        {
            let error = rgb(name, size, &vec![0; bytes]).unwrap_err();
            assert!(error.contains(&format!("{bytes} bytes")), "{name}: {error}");
        }
        assert!(rgb("BayerGB8", (4, 3), &[0; 12]).unwrap_err().contains("4 a side"));
        assert!(rgb("YUV422_8", (3, 1), &[0; 6]).unwrap_err().contains("share"));
    }
}
