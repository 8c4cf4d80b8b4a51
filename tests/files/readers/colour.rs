//! Good colour images, however they are stored.

use crosscheck::dataset::Reading;
use image::{GrayImage, ImageFormat, Luma, Rgb, Rgba};

use super::writers::{HEIGHT, TestFile, WIDTH, colour, encoded, picture, refusal};

#[test]
fn a_png_is_read_exactly() {
    assert_eq!(colour("rgb.png", &encoded(picture(), ImageFormat::Png)).unwrap(), picture());
}

#[test]
fn the_kind_is_told_by_content_where_the_name_says_otherwise() {
    assert_eq!(colour("rgb.jpg", &encoded(picture(), ImageFormat::Png)).unwrap(), picture());
}

#[test]
fn a_jpeg_is_read_nearly() {
    let read = colour("rgb.jpeg", &encoded(picture(), ImageFormat::Jpeg)).unwrap();
    assert_eq!(read.dimensions(), (WIDTH as u32, HEIGHT as u32));
    let difference = |(a, b): (&u8, &u8)| u32::from(a.abs_diff(*b));
    let total: u32 = read.as_raw().iter().zip(picture().as_raw()).map(difference).sum();
    assert!(total / (read.as_raw().len() as u32) < 8, "{total}");
}

#[test]
fn a_grey_image_has_three_equal_channels() {
    let grey = GrayImage::from_fn(5, 3, |x, y| Luma([(40 * x + y) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let read = colour("grey", &encoded(grey.clone(), format)).unwrap();
        assert!(read.pixels().all(|p| p[0] == p[1] && p[1] == p[2]));
        assert!(format == ImageFormat::Jpeg || read.get_pixel(4, 2).0 == [162; 3]);
    }
}

#[test]
fn sixteen_bits_keep_their_upper_eight() {
    let wide = image::ImageBuffer::from_fn(2, 1, |x, _| Rgb([0u16, 257 * 128, 65535 - x as u16]));
    let read = colour("rgb.png", &encoded(wide, ImageFormat::Png)).unwrap();
    assert_eq!(read.as_raw(), &[0, 128, 255, 0, 128, 255]);
}

#[test]
fn what_is_transparent_keeps_its_colour() {
    let image = image::RgbaImage::from_pixel(3, 3, Rgba([10, 20, 30, 0]));
    let read = colour("rgb.png", &encoded(image, ImageFormat::Png)).unwrap();
    assert!(read.pixels().all(|p| p.0 == [10, 20, 30]));
}

#[test]
fn other_kinds_are_named() {
    // A GIF, a cut BMP, a web page, nothing.
    for (bytes, words) in [(&b"GIF89a"[..], "Gif"), (b"BM\0\0\0\0", "BMP"), (b"<html>", "PNG"), (b"", "PNG")] {
        let message = refusal("image", colour("image", bytes));
        assert!(message.contains(words) && message.contains("a PNG, JPEG, BMP or TIFF image"), "{message}");
    }
    let file = TestFile::new("cloud.ply", b"ply");
    let message = refusal("cloud.ply", crosscheck::dataset::read_cloud(&file.path, &Reading::default()));
    assert!(message.contains(".tiff") && message.contains(".npy"), "{message}");
}
