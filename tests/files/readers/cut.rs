//! Files that end too early, as a full disk or a pulled plug leaves them.

use image::ImageFormat;
use tiff::encoder::colortype::RGB32Float;
use tiff::encoder::{Compression, DeflateLevel};

use super::writers::{
    SAID, cloud, colour, depth, encoded, npy_f32, picture, points, refusal, tiff_saying, tiff_strips, tiles, values,
};

/// Every length near the ends, and one in a few between them.
fn lengths(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let (all, step) = (bytes.len(), (bytes.len() / 200).max(1));
    (0..all).filter(move |n| *n < 200 || *n + 40 > all || n % step == 0)
}

/// A cloud that lost bytes is refused, unless all its points were there.
fn cut_cloud(name: &str, bytes: &[u8], whole: &[[f32; 3]]) {
    assert!(cloud(name, bytes).unwrap().points() == whole, "{name}");
    let mut read = 0;
    for length in lengths(bytes) {
        match cloud(name, &bytes[..length]) {
            Ok(cloud) => {
                assert!(cloud.points() == whole, "{name}: {length} of {} bytes gave another cloud", bytes.len());
                read += 1;
            }
            Err(error) => {
                assert!(refusal::<()>(name, Err(error)).contains("check that the file is complete"), "{name}")
            }
        }
    }
    assert!(read < 40, "{name}: {read} cut files were read");
}

#[test]
fn a_cut_cloud_is_refused() {
    let values = values();
    let whole = points(&values);
    for compression in [Compression::Uncompressed, Compression::Deflate(DeflateLevel::Fast), Compression::Lzw] {
        cut_cloud("xyz.tiff", &tiff_strips::<RGB32Float>(compression, &values), whole);
    }
    cut_cloud("xyz.tiff", &tiff_saying(SAID, Some(16), &tiles(&values, 16)), whole);
    cut_cloud("xyz.npy", &npy_f32(&values), whole);
}

#[test]
fn a_cut_depth_image_is_refused() {
    let bytes = encoded(depth(), ImageFormat::Png);
    let whole = cloud("depth.png", &bytes).unwrap();
    cut_cloud("depth.png", &bytes, whole.points());
}

/// A colour image that lost bytes is refused, unless all its pixels were there.
fn cut_colour(name: &str, bytes: &[u8]) {
    let whole = colour(name, bytes).unwrap();
    for length in lengths(bytes) {
        match colour(name, &bytes[..length]) {
            Ok(image) => assert!(image == whole, "{name}: {length} of {} bytes gave another image", bytes.len()),
            Err(error) => {
                assert!(refusal::<()>(name, Err(error)).contains("check that the file is complete"), "{name}");
            }
        }
    }
}

#[test]
fn a_cut_png_is_refused() {
    cut_colour("rgb.png", &encoded(picture(), ImageFormat::Png));
}

#[test]
fn a_cut_jpeg_is_refused_even_with_a_whole_one_inside() {
    let bytes = encoded(picture(), ImageFormat::Jpeg);
    cut_colour("rgb.jpg", &bytes);
    // As a camera's preview.
    let length = (bytes.len() as u16 + 2).to_be_bytes();
    let preview = [&bytes[..2], &[0xFF, 0xE1], &length, &bytes, &bytes[2..]].concat();
    cut_colour("rgb.jpg", &preview);
    let padded = [&preview[..], b"\0\0\0\0\xFF\xDA"].concat();
    assert_eq!(colour("rgb.jpg", &padded).unwrap(), colour("rgb.jpg", &bytes).unwrap());
}
