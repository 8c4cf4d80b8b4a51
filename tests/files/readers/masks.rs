//! Masks: one rule decides which pixels are marked, whatever the kind of file.

use crosscheck::config::regions as description;
use crosscheck::dataset::{DatasetError, Entry, Mask, Reading, mvtec3d, read_mask};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::regions::Regions;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

use super::writers::{TestFile, encoded, refusal};

const SIDE: u32 = 64;

/// A square of 20 pixels, across the blocks of a JPEG.
fn is_defect(x: u32, y: u32) -> bool {
    (21..41).contains(&x) && (21..41).contains(&y)
}

fn grey(value: impl Fn(u32, u32) -> u8) -> DynamicImage {
    GrayImage::from_fn(SIDE, SIDE, |x, y| Luma([value(x, y)])).into()
}

fn wide(value: impl Fn(u32, u32) -> u16) -> DynamicImage {
    ImageBuffer::<Luma<u16>, Vec<u16>>::from_fn(SIDE, SIDE, |x, y| Luma([value(x, y)])).into()
}

fn marked(image: DynamicImage, format: ImageFormat) -> Vec<bool> {
    let name = if format == ImageFormat::Jpeg { "mask.jpg" } else { "mask.png" };
    read_mask(&TestFile::new(name, &encoded(image, format)).path, SIDE as usize, SIDE as usize).unwrap()
}

fn square() -> Vec<bool> {
    (0..SIDE * SIDE).map(|i| is_defect(i % SIDE, i / SIDE)).collect()
}

#[test]
fn a_mask_must_have_its_frame_s_size() {
    let file = TestFile::new("mask.png", &encoded(GrayImage::new(4, 2), ImageFormat::Png));
    let message = refusal("mask.png", read_mask(&file.path, 2, 4));
    assert!(message.contains("4 x 2") && message.contains("2 x 4"), "{message}");
}

#[test]
fn two_values_are_told_apart_by_zero() {
    for value in [1, 38, 127, 255] {
        assert!(marked(grey(|x, y| if is_defect(x, y) { value } else { 0 }), ImageFormat::Png) == square(), "{value}");
    }
    // 16 bits of which the upper 8 are 0.
    for value in [1, 255, 256, 300, 65535] {
        assert!(marked(wide(|x, y| if is_defect(x, y) { value } else { 0 }), ImageFormat::Png) == square(), "{value}");
    }
    // Two values without a 0: as video has black and white.
    assert!(marked(grey(|x, y| if is_defect(x, y) { 235 } else { 16 }), ImageFormat::Png) == square());
    assert!(marked(grey(|_, _| 0), ImageFormat::Png).iter().all(|m| !m));
    assert!(marked(grey(|_, _| 7), ImageFormat::Png).iter().all(|m| *m));
}

#[test]
fn jpeg_s_ringing_marks_nothing() {
    for quality in [30, 75, 95] {
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
        grey(|x, y| if is_defect(x, y) { 255 } else { 0 }).write_with_encoder(encoder).unwrap();
        let file = TestFile::new("mask.jpg", &bytes);
        let ringing = image::open(&file.path).unwrap().into_luma8();
        assert!(ringing.pixels().any(|v| v[0] > 0 && v[0] < 100), "{quality}");
        assert!(read_mask(&file.path, SIDE as usize, SIDE as usize).unwrap() == square(), "{quality}");
        // The same values kept in a PNG.
        assert!(marked(ringing.into(), ImageFormat::Png) == square(), "{quality}");
    }
}

#[test]
fn soft_edges_are_cut_in_their_middle() {
    let away = |x: u32, y: u32| (x as f32 - 31.0).hypot(y as f32 - 30.0);
    let soft = |x, y| (255.0 * (1.0 - (away(x, y) - 4.0) / 12.0).clamp(0.0, 1.0)).round() as u8;
    let disc: Vec<bool> = (0..SIDE * SIDE).map(|i| soft(i % SIDE, i / SIDE) > 127).collect();
    let marked = marked(grey(soft), ImageFormat::Png);
    assert!(marked == disc && disc.iter().filter(|m| **m).count() > 280);
}

#[test]
fn ids_are_all_defects() {
    // Each defect its own number, the first far below the middle.
    let number = |x: u32, y: u32| if is_defect(x, y) { 1 + (x - 21) / 5 } else { 0 };
    assert!(marked(grey(|x, y| number(x, y) as u8), ImageFormat::Png) == square());
    assert!(marked(grey(|x, y| [0, 1, 2, 100, 255][number(x, y) as usize]), ImageFormat::Png) == square());
    assert!(marked(wide(|x, y| [0, 1, 300, 301, 9000][number(x, y) as usize]), ImageFormat::Png) == square());
    // Many of them.
    let many = |x: u32, y: u32| if is_defect(x, y) { 1 + (x - 21) / 2 * 10 + (y - 21) / 2 } else { 0 };
    assert!(marked(grey(|x, y| many(x, y) as u8), ImageFormat::Png) == square());
    assert!(marked(wide(|x, y| 37 * many(x, y) as u16), ImageFormat::Png) == square());
    // None that is nothing.
    let file = TestFile::new("ids.png", &encoded(grey(|x, y| 1 + number(x, y) as u8), ImageFormat::Png));
    let message = refusal("ids.png", Mask::read(&file.path));
    assert!(
        message.contains("with 0 where nothing is marked") && message.contains("5 values from 1 to 5"),
        "{message}"
    );
}

#[test]
fn opacity_alone_is_a_mask_and_hides_what_is_transparent() {
    let opacity = |x, y| if is_defect(x, y) { 200u8 } else { 0 };
    for shade in [0, 255] {
        let image = ImageBuffer::from_fn(SIDE, SIDE, |x, y| LumaA([shade, opacity(x, y)]));
        assert!(marked(image.into(), ImageFormat::Png) == square());
        let image = ImageBuffer::from_fn(SIDE, SIDE, |x, y| Rgba([shade, shade, shade, opacity(x, y)]));
        assert!(marked(image.into(), ImageFormat::Png) == square());
    }
    // Red on what is white and transparent.
    let painted = |x, y| if is_defect(x, y) { [255u8, 0, 0, 255] } else { [255, 255, 255, 0] };
    assert!(marked(ImageBuffer::from_fn(SIDE, SIDE, |x, y| Rgba(painted(x, y))).into(), ImageFormat::Png) == square());
    // Opacity that says nothing.
    let opaque = |x, y| if is_defect(x, y) { [9, 9, 9, 255u8] } else { [0, 0, 0, 255] };
    assert!(marked(ImageBuffer::from_fn(SIDE, SIDE, |x, y| Rgba(opaque(x, y))).into(), ImageFormat::Png) == square());
}

#[test]
fn dark_colours_are_seen() {
    for colour in [[0, 0, 1], [0, 2, 0], [128, 0, 0u8]] {
        let image = ImageBuffer::from_fn(SIDE, SIDE, |x, y| Rgb(if is_defect(x, y) { colour } else { [0, 0, 0] }));
        assert!(marked(image.into(), ImageFormat::Png) == square(), "{colour:?}");
    }
}

#[test]
fn colours_of_a_palette_are_seen() {
    // The defect has the palette's colour 0, a dark blue; the ground has colour 1, black.
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(vec![0, 0, 3, 0, 0, 0]);
    let pixels: Vec<u8> = square().into_iter().map(|defect| u8::from(!defect)).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    let file = TestFile::new("palette.png", &bytes);
    assert!(read_mask(&file.path, SIDE as usize, SIDE as usize).unwrap() == square());
}

/// A part in `kind` whose mask has these pixels.
fn entry(folder: &std::path::Path, kind: &str, mask: DynamicImage) -> Result<Entry, DatasetError> {
    let side = SIDE as usize;
    let cloud = OrganisedCloud::new(side, side, vec![[0.0, 0.0, 0.5]; side * side]).unwrap();
    let frame = RgbdFrame::new(side, side, vec![90; 3 * side * side], cloud).unwrap();
    mvtec3d::write(&folder.join(kind), "000", &frame, Some(&square())).unwrap();
    mask.save(folder.join(kind).join("gt/000.png")).unwrap();
    Ok(mvtec3d::entries(folder)?.remove(0))
}

#[test]
fn a_mask_that_cannot_be_its_defect_s_is_refused() {
    let side = SIDE as usize;
    for (mask, word) in [
        (grey(|_, _| 0), "marks no pixel"),
        (grey(|_, _| 255), "marks 100 % of the picture: is it inverted?"),
        (grey(|x, y| if is_defect(x, y) { 0 } else { 255 }), "marks 90 % of the picture: is it inverted?"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bent = entry(folder.path(), "bent", mask.clone()).unwrap();
        let message = refusal("bent/gt/000.png", bent.truth(side, side));
        assert!(message.contains(word) && bent.check().unwrap_err().to_string() == message, "{message}");
        // A good part's may be empty.
        let folder = tempfile::tempdir().unwrap();
        let good = entry(folder.path(), "good", mask).unwrap();
        assert!(good.truth(side, side).is_ok() && good.check().is_ok());
    }
    let folder = tempfile::tempdir().unwrap();
    let bent = entry(folder.path(), "bent", grey(|x, y| 255 * u8::from(is_defect(x, y)))).unwrap();
    assert!(bent.truth(side, side).unwrap() == square() && bent.check().is_ok());
}

#[test]
fn good_is_good_in_capitals_as_well() {
    for kind in ["good", "Good", "GOOD"] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(entry(folder.path(), kind, grey(|_, _| 0)).unwrap().defect, None);
        let nominal = crosscheck::dataset::nominal(folder.path(), &Reading::default()).unwrap();
        assert_eq!(nominal.len(), 1, "{kind}");
    }
}

#[test]
fn regions_are_read_by_the_same_rule() {
    let counts = |image: DynamicImage| {
        let file = TestFile::new("region.png", &encoded(image, ImageFormat::Png));
        let area = description::Area { polygon: None, mask: Some(file.path.clone()) };
        let regions = description::Regions { of_interest: vec![area], ignore: vec![] };
        Regions::read(&regions).unwrap().unwrap().mask(SIDE as usize, SIDE as usize).unwrap()
    };
    // Dark marks were outside, above mid-grey only were inside.
    assert!(counts(grey(|x, y| if is_defect(x, y) { 1 } else { 0 })) == square());
    assert!(counts(wide(|x, y| if is_defect(x, y) { 300 } else { 0 })) == square());
}
