//! Pictures that are stored on their side: an orientation tag is applied, or the picture is refused where it cannot be.

use crosscheck::dataset::{self, Mask, Reading, read_cloud, read_rgb};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageEncoder, ImageFormat, Luma};
use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::{Gray16, Gray32Float, RGB8, RGB32Float};
use tiff::tags::Tag;

use super::writers::{CAMERA, HEIGHT, TestFile, WIDTH, depth, encoded, npy, npy_f32, picture, refusal, values};

/// EXIF of one entry: how the picture is turned.
fn exif(orientation: u8) -> Vec<u8> {
    [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0], &[0; 4]].concat()
}

fn stored(image: &DynamicImage, format: ImageFormat, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height, color) = (image.width(), image.height(), image.color().into());
    if format == ImageFormat::Jpeg {
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 100);
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.write_image(image.as_bytes(), width, height, color).unwrap();
    } else {
        let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.write_image(image.as_bytes(), width, height, color).unwrap();
    }
    bytes
}

fn tiff<C: tiff::encoder::colortype::ColorType>(values: &[C::Inner], orientation: u16) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = encoder.new_image::<C>(WIDTH as u32, HEIGHT as u32).unwrap();
    image.encoder().write_tag(Tag::Orientation, orientation).unwrap();
    image.write_data(values).unwrap();
    bytes.into_inner()
}

fn shown(orientation: u8) -> image::RgbImage {
    let mut image = DynamicImage::from(picture());
    image.apply_orientation(Orientation::from_exif(orientation).unwrap());
    image.into_rgb8()
}

#[test]
fn colour_is_turned_as_it_is_shown() {
    for orientation in 1..=8 {
        let file = TestFile::new("rgb.png", &stored(&picture().into(), ImageFormat::Png, orientation));
        assert!(read_rgb(&file.path).unwrap() == shown(orientation), "{orientation}");
        let file = TestFile::new("rgb.tif", &tiff::<RGB8>(picture().as_raw(), orientation.into()));
        assert!(read_rgb(&file.path).unwrap() == shown(orientation), "{orientation}");
        let file = TestFile::new("rgb.jpg", &stored(&picture().into(), ImageFormat::Jpeg, orientation));
        let (read, shown) = (read_rgb(&file.path).unwrap(), shown(orientation));
        assert_eq!(read.dimensions(), shown.dimensions());
        let far = read.as_raw().iter().zip(shown.as_raw()).filter(|(a, b)| a.abs_diff(**b) > 24).count();
        assert!(far < read.as_raw().len() / 20, "{orientation}: {far}");
    }
    // What no orientation is changes nothing.
    let file = TestFile::new("rgb.png", &stored(&picture().into(), ImageFormat::Png, 9));
    assert!(read_rgb(&file.path).unwrap() == picture());
}

#[test]
fn masks_are_turned_as_they_are_shown() {
    let mask = GrayImage::from_fn(5, 3, |x, y| Luma([u8::from((x, y) == (4, 0)) * 255]));
    for orientation in 1..=8 {
        let file = TestFile::new("gt.png", &stored(&mask.clone().into(), ImageFormat::Png, orientation));
        let mut turned = DynamicImage::from(mask.clone());
        turned.apply_orientation(Orientation::from_exif(orientation).unwrap());
        let read = Mask::read(&file.path).unwrap();
        assert_eq!((read.width as u32, read.height as u32), (turned.width(), turned.height()));
        let wanted: Vec<bool> = turned.into_luma8().into_raw().into_iter().map(|v| v > 0).collect();
        assert!(read.marked == wanted, "{orientation}");
    }
}

#[test]
fn a_frame_is_registered_to_the_image_that_is_shown() {
    let rgb = TestFile::new("rgb.png", &stored(&picture().into(), ImageFormat::Png, 6));
    let unit = Reading { cloud_unit_m: 1e-3, ..Reading::default() };
    let bytes: Vec<u8> = values().iter().flat_map(|v| v.to_le_bytes()).collect();
    let upright = TestFile::new("xyz.npy", &npy("<f4", false, &format!("{WIDTH}, {HEIGHT}, 3"), &bytes));
    let frame = dataset::read_frame(&rgb.path, &upright.path, &unit).unwrap();
    assert!(frame.rgb() == shown(6).as_raw().as_slice());
    // One that fits the image as it is stored only.
    let lying = TestFile::new("xyz.npy", &npy_f32(&values()));
    let message = refusal("rgb.png", dataset::read_frame(&rgb.path, &lying.path, &unit));
    for word in ["xyz.npy", "shown as 29 x 37", "orientation tag (6)", "take the tag out"] {
        assert!(message.contains(word), "{message}");
    }
    let lying = TestFile::new("depth.png", &encoded(depth(), ImageFormat::Png));
    let message = refusal("rgb.png", dataset::read_frame(&rgb.path, &lying.path, &CAMERA.into()));
    assert!(message.contains("orientation tag (6)"), "{message}");
    // One that fits neither.
    let other = TestFile::new("xyz.npy", &npy("<f4", false, "4, 5, 3", &[0; 240]));
    let message = refusal("rgb.png", dataset::read_frame(&rgb.path, &other.path, &unit));
    assert!(message.contains("colour is 29 x 37 but the cloud is 5 x 4"), "{message}");
}

#[test]
fn points_that_are_to_be_turned_are_refused() {
    let cloud = |orientation| tiff::<RGB32Float>(&values(), orientation);
    let floats: Vec<f32> = values().into_iter().take(WIDTH * HEIGHT).collect();
    let steps = depth().into_raw();
    for (name, upright, lying) in [
        ("xyz.tiff", cloud(1), cloud(6)),
        ("depth.tif", tiff::<Gray32Float>(&floats, 1), tiff::<Gray32Float>(&floats, 3)),
        ("depth.tif", tiff::<Gray16>(&steps, 1), tiff::<Gray16>(&steps, 8)),
        ("depth.png", stored(&depth().into(), ImageFormat::Png, 1), stored(&depth().into(), ImageFormat::Png, 6)),
    ] {
        let read = |bytes: &[u8]| read_cloud(&TestFile::new(name, bytes).path, &CAMERA.into());
        assert!(read(&upright).is_ok(), "{name}");
        let message = refusal(name, read(&lying));
        assert!(message.to_lowercase().contains("orientation") && message.contains("without the tag"), "{message}");
    }
}
