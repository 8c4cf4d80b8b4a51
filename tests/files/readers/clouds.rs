//! Good clouds, however they are stored.

use crosscheck::dataset::{self, Reading, read_cloud, write_map};
use crosscheck::frame::is_point;
use image::ImageFormat;
use tiff::encoder::colortype::{RGB32Float, RGB64Float};
use tiff::encoder::{Compression, DeflateLevel};

use super::writers::{
    HEIGHT, SAID, TestFile, WIDTH, cloud, depth, encoded, npy, npy_f32, points, refusal, shape, tiff_saying,
    tiff_strips, tiles, values,
};

fn check(name: &str, bytes: &[u8]) {
    let cloud = cloud(name, bytes).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((cloud.width(), cloud.height()), (WIDTH, HEIGHT), "{name}");
    assert!(cloud.points() == points(&values()), "{name}");
}

#[test]
fn a_tiff_reads_the_same_in_strips_and_tiles_packed_or_not() {
    let values = values();
    let compressions = [
        Compression::Uncompressed,
        Compression::Deflate(DeflateLevel::Balanced),
        Compression::Lzw,
        Compression::Packbits,
    ];
    for compression in compressions {
        check("xyz.tiff", &tiff_strips::<RGB32Float>(compression, &values));
    }
    check("xyz.TIF", &tiff_saying(SAID, Some(16), &tiles(&values, 16)));
    check("xyz.tif", &tiff_saying(SAID, None, &[values]));
}

#[test]
fn sixty_four_bits_are_rounded_once() {
    let wide: Vec<f64> = values().iter().map(|v| f64::from(*v) * (1.0 + 1e-9)).collect();
    check("xyz.tiff", &tiff_strips::<RGB64Float>(Compression::Uncompressed, &wide));
    let bytes: Vec<u8> = wide.iter().flat_map(|v| v.to_le_bytes()).collect();
    check("xyz.npy", &npy("<f8", false, &shape(), &bytes));
}

#[test]
fn an_npy_reads_the_same_in_either_byte_order() {
    let values = values();
    check("xyz.npy", &npy_f32(&values));
    let big: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
    check("xyz.npy", &npy(">f4", false, &shape(), &big));
    let big: Vec<u8> = values.iter().flat_map(|v| f64::from(*v).to_be_bytes()).collect();
    check("xyz.npy", &npy(">f8", false, &shape(), &big));
}

#[test]
fn a_cloud_that_is_written_is_read_again() {
    let file = TestFile::new("map.tiff", b"what was there before");
    let map: Vec<f32> = values().into_iter().take(WIDTH * HEIGHT).collect();
    write_map(&file.path, &map, WIDTH, HEIGHT).unwrap();
    let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(&file.path).unwrap()).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (WIDTH as u32, HEIGHT as u32));
    let tiff::decoder::DecodingResult::F32(read) = decoder.read_image().unwrap() else { panic!("floats") };
    assert!(read == map);
    // One channel is depth, which needs a camera.
    assert!(refusal("map.tiff", read_cloud(&file.path, &Reading::default())).contains("is a depth image"));
}

#[test]
fn depth_becomes_the_points_that_the_camera_says() {
    let cloud = cloud("depth.png", &encoded(depth(), ImageFormat::Png)).unwrap();
    assert!(!is_point(&cloud.points()[0]));
    assert_eq!(cloud.valid_count(), WIDTH * HEIGHT - 1);
    let (x, y) = (30usize, 4usize);
    let z = (500 + x + 2 * y) as f32 * 0.001;
    let expected = [(x as f32 - 18.0) / 50.0 * z, (y as f32 - 14.0) / 40.0 * z, z];
    for (got, want) in cloud.points()[y * WIDTH + x].iter().zip(expected) {
        assert!((got - want).abs() < 1e-6, "{got} {want}");
    }
}

#[test]
fn depth_needs_a_camera_and_one_channel_of_sixteen_bits() {
    let file = TestFile::new("depth.png", &encoded(depth(), ImageFormat::Png));
    let message = refusal("depth.png", read_cloud(&file.path, &Reading::default()));
    // A station names the same file by its own key.
    assert!(message.contains("--camera FILE") && message.contains("camera.replay.camera_file"), "{message}");
    for (image, found) in [
        (image::DynamicImage::from(super::writers::picture()), "Rgb8"),
        (image::GrayImage::new(4, 4).into(), "L8"),
        (image::DynamicImage::new_rgb16(4, 4), "Rgb16"),
    ] {
        let message = refusal("depth.png", cloud("depth.png", &encoded(image, ImageFormat::Png)));
        assert!(message.contains("16 bits") && message.contains(found), "{message}");
    }
}

#[test]
fn values_that_are_not_finite_are_missing_points() {
    let mut values = values();
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for (i, v) in odd.into_iter().enumerate() {
        // Each in another coordinate of another pixel.
        values[30 * i + i] = v;
    }
    let strips = tiff_strips::<RGB32Float>(Compression::Uncompressed, &values);
    for (name, bytes) in [("xyz.tiff", strips), ("xyz.npy", npy_f32(&values))] {
        let cloud = cloud(name, &bytes).unwrap();
        assert!((0..3).all(|i| !is_point(&cloud.points()[10 * i])), "{name}");
        assert_eq!(cloud.valid_count(), WIDTH * HEIGHT - 3, "{name}");
    }
}

#[test]
fn colour_and_cloud_of_different_sizes_are_both_named() {
    let xyz = TestFile::new("xyz.npy", &npy_f32(&values()));
    let small = image::RgbImage::new(WIDTH as u32, 5);
    let rgb = TestFile::new("rgb.png", &encoded(small, ImageFormat::Png));
    let message = refusal("rgb.png", dataset::read_frame(&rgb.path, &xyz.path, &Reading::default()));
    assert!(message.contains("xyz.npy") && message.contains("37 x 5") && message.contains("37 x 29"), "{message}");
    let rgb = TestFile::new("rgb.png", &encoded(super::writers::picture(), ImageFormat::Png));
    let unit = Reading { cloud_unit_m: 1e-3, ..Reading::default() };
    let frame = dataset::read_frame(&rgb.path, &xyz.path, &unit).unwrap();
    assert_eq!((frame.width(), frame.height()), (WIDTH, HEIGHT));
}
