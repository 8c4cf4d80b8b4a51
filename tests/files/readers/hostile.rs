//! Files whose headers claim what the data does not hold.

use crosscheck::dataset::Reading;
use crosscheck::frame::{PIXELS_MAX, SIDE_MAX};
use image::ImageFormat;
use tiff::encoder::Compression;
use tiff::encoder::colortype::{Gray8, RGB8, RGB32, RGB32Float, RGBA32Float};

use super::writers::{
    HEIGHT, SAID, Said, WIDTH, cloud, colour, depth, encoded, npy, npy_f32, npy_saying, picture, refusal, shape,
    tiff_saying, tiff_strips, tiles, values,
};
use crate::allocations::watched;

/// Reading a small file that is refused takes no more than this at once, bytes.
const LITTLE: usize = 1 << 20;

fn refused_cheaply(name: &str, bytes: &[u8]) -> String {
    let (message, largest) = watched(|| refusal(name, cloud(name, bytes)));
    assert!(largest <= LITTLE, "{name}: {largest} bytes at once for: {message}");
    // A person reads it.
    assert!(message.len() <= 4 << 10, "{name}: a message of {} bytes", message.len());
    message
}

#[test]
fn a_tiff_of_other_pixels_is_refused() {
    let pixels = WIDTH * HEIGHT;
    let none = Compression::Uncompressed;
    for (bytes, found) in [
        (tiff_strips::<Gray8>(none, &vec![0; pixels]), "Gray(8)"),
        (tiff_strips::<RGBA32Float>(none, &vec![0.0; 4 * pixels]), "RGBA(32)"),
        (tiff_strips::<RGB8>(none, &vec![0; 3 * pixels]), "RGB(8)"),
        (tiff_strips::<RGB32>(none, &vec![0; 3 * pixels]), "integers"),
    ] {
        let message = refusal("xyz.tiff", cloud("xyz.tiff", &bytes));
        assert!(message.contains("three float channels") && message.contains(found), "{message}");
    }
}

#[test]
fn an_npy_of_other_values_is_refused() {
    let data = vec![0; WIDTH * HEIGHT * 3 * 8];
    let (size, grey, flat) = (shape(), format!("{HEIGHT}, {WIDTH}"), format!("{}, 3", WIDTH * HEIGHT));
    let (four, three) = (format!("{HEIGHT}, {WIDTH}, 4"), format!("3, {HEIGHT}, {WIDTH}"));
    for (descr, fortran, shape, found) in [
        ("<i4", false, &size, "i4"),
        ("|u1", false, &grey, "u1"),
        ("<c8", false, &size, "c8"),
        ("|O", false, &size, "O"),
        ("<f4", false, &three, "[3, 29, 37]"),
        ("<f4", false, &flat, "[1073, 3]"),
        ("<f4", false, &four, "[29, 37, 4]"),
    ] {
        let message = refusal("xyz.npy", cloud("xyz.npy", &npy(descr, fortran, shape, &data)));
        assert!(message.contains("[height, width, 3]") && message.contains(found), "{message}");
    }
}

#[test]
fn sizes_beyond_the_largest_are_refused_before_memory_is_taken() {
    let too_wide = SIDE_MAX + 1;
    let message = refused_cheaply("xyz.npy", &npy("<f4", false, &format!("2, {too_wide}, 3"), &[0; 64]));
    assert!(message.contains("8193 x 2") && message.contains("8192"), "{message}");
    let said = Said { width: 2, height: too_wide as u32, ..SAID };
    let message = refused_cheaply("xyz.tiff", &tiff_saying(said, None, &[vec![0.0; 6]]));
    assert!(message.contains("2 x 8193"), "{message}");
    // Each side is within its limit; the number of pixels is not.
    let said = Said { width: SIDE_MAX as u32, height: SIDE_MAX as u32, ..SAID };
    let message = refused_cheaply("xyz.tiff", &tiff_saying(said, None, &[vec![0.0; 6]]));
    assert!(message.contains("8192 x 8192") && message.contains("16777216"), "{message}");
    refused_cheaply("xyz.npy", &npy("<f8", false, &format!("{SIDE_MAX}, {SIDE_MAX}, 3"), &[]));
    refused_cheaply("depth.png", &with_size(encoded(depth(), ImageFormat::Png), SIDE_MAX as u32));
    let said = Said { width: u32::MAX, height: u32::MAX, ..SAID };
    refused_cheaply("xyz.tiff", &tiff_saying(said, None, &[vec![0.0; 6]]));
    refused_cheaply("xyz.npy", &npy("<f8", false, "4294967296, 4294967296, 3", &[]));
    refused_cheaply("xyz.npy", &npy("<f8", false, "0, 5, 3", &[]));
    let sides = [60_000, SIDE_MAX as u32];
    let named = [("rgb.png", ImageFormat::Png), ("rgb.jpg", ImageFormat::Jpeg)];
    for (side, (name, format)) in sides.into_iter().flat_map(|side| named.map(|named| (side, named))) {
        let bytes = with_size(encoded(picture(), format), side);
        let (message, largest) = watched(|| refusal(name, colour(name, &bytes)));
        assert!(largest <= LITTLE, "{name}: {largest} bytes at once for: {message}");
    }
    refused_cheaply("depth.png", &with_size(encoded(depth(), ImageFormat::Png), 1 << 30));
}

/// A PNG or JPEG whose header says that it is `side` pixels a side.
fn with_size(mut bytes: Vec<u8>, side: u32) -> Vec<u8> {
    if bytes.starts_with(b"\x89PNG") {
        bytes[16..20].copy_from_slice(&side.to_be_bytes());
        bytes[20..24].copy_from_slice(&side.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    } else {
        let frame = bytes.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
        let side = (side as u16).to_be_bytes();
        bytes[frame + 5..frame + 9].copy_from_slice(&[side, side].concat());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A PNG of one pixel whose palette has `bytes`.
fn with_palette(bytes: usize) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let named = [kind, data].concat();
        [&(data.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
    };
    // One row: no filter, the palette's first colour.
    let pixels = [0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, 0, 0, 2, 0, 1];
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0];
    let chunks =
        [chunk(b"IHDR", &header), chunk(b"PLTE", &vec![9; bytes]), chunk(b"IDAT", &pixels), chunk(b"IEND", &[])];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

#[test]
fn a_palette_that_is_cut_within_a_colour_is_refused() {
    for bytes in [3, 6, 768] {
        assert!(colour("rgb.png", &with_palette(bytes)).is_ok(), "{bytes}");
    }
    // At the first two the decoder would panic.
    for bytes in [767, 5, 769, 771] {
        let message = refusal("rgb.png", colour("rgb.png", &with_palette(bytes)));
        assert!(message.contains(&format!("palette has {bytes} bytes")), "{message}");
    }
}

#[test]
fn an_npy_header_takes_no_more_than_its_file_has() {
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    long.extend(b"{'descr': '<f4'");
    refused_cheaply("xyz.npy", &long);
    // The largest frame, of which nothing is there.
    refused_cheaply("xyz.npy", &npy("<f8", false, &format!("2048, {SIDE_MAX}, 3"), &[]));
}

#[test]
fn an_npy_header_of_brackets_within_brackets_is_refused() {
    for bracket in ["(", "[", "{'a':", "{1:("] {
        let header = bracket.repeat(65_000 / bracket.len());
        refused_cheaply("xyz.npy", &npy_saying(&header, &[]));
        let nested = format!("{{'descr': {header}");
        refused_cheaply("xyz.npy", &npy_saying(&nested[..65_000], &[]));
    }
    // Short enough for a header, and hours for what tries each bracket in several ways.
    for bracket in ["(", "[", "{"] {
        let header = format!("{{'descr': '<f8', 'fortran_order': False,{}", bracket.repeat(60));
        refused_cheaply("xyz.npy", &npy_saying(&header, &[]));
    }
    // Sides whose product is beyond 64 bits.
    refused_cheaply("xyz.npy", &npy("<f4", false, "18446744073709551615, 12, 3", &[]));
}

#[test]
fn random_bytes_in_a_good_file_neither_panic_nor_exhaust() {
    let values = values();
    let files = [
        ("xyz.npy", npy_f32(&values)),
        ("xyz.tiff", tiff_strips::<RGB32Float>(Compression::Lzw, &values)),
        ("xyz.tiff", tiff_saying(SAID, Some(16), &tiles(&values, 16))),
        ("depth.png", encoded(depth(), ImageFormat::Png)),
    ];
    let most = PIXELS_MAX * 3 * 8;
    let mut random = fastrand::Rng::with_seed(3);
    for (name, bytes) in files {
        for round in 0..600 {
            let mut bent = bytes.clone();
            for _ in 0..=round % 3 {
                // Half of the flips where headers are: at either end.
                let near = random.usize(..200).min(bent.len() - 1);
                let at = [near, bent.len() - 1 - near, random.usize(..bent.len())][random.usize(..3)];
                bent[at] = random.u8(..);
            }
            let (_, largest) = watched(|| cloud(name, &bent).is_ok());
            assert!(largest <= most, "{name}: {largest} bytes at once");
        }
    }
}

#[test]
fn random_bytes_in_a_good_image_neither_panic_nor_exhaust() {
    let mut random = fastrand::Rng::with_seed(4);
    let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff];
    let named = ["rgb.png", "rgb.jpg", "rgb.bmp", "rgb.tif"];
    let made = std::array::from_fn::<_, 4, _>(|i| (named[i], encoded(picture(), formats[i])));
    let jpeg =
        |name| std::fs::read(format!("{}/tests/files/readers/jpeg/{name}.jpg", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let others = ["progressive_restarts_444", "baseline_420"].map(|name| (name, jpeg(name)));
    for (name, bytes) in made.into_iter().chain(others) {
        for round in 0..600 {
            let mut bent = bytes.clone();
            // Half of the flips where headers are: at either end.
            let near = random.usize(..300).min(bent.len() - 1);
            let at = [near, bent.len() - 1 - near, random.usize(..bent.len())][round % 3];
            bent[at] = random.u8(..);
            let (_, largest) = watched(|| colour(name, &bent).is_ok());
            // The largest picture of four channels; a TIFF's tag may have room reserved, and never touched, twice as large.
            let most = PIXELS_MAX * if name == "rgb.tif" { 16 } else { 8 };
            assert!(largest <= most, "{name}: {largest} bytes at once");
        }
    }
}

#[test]
fn a_folder_and_a_missing_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("xyz.tiff");
    let missing = refusal("xyz.tiff", crosscheck::dataset::read_cloud(&inside, &Reading::default()));
    assert!(missing.contains("cannot open"), "{missing}");
    std::fs::create_dir(&inside).unwrap();
    refusal("xyz.tiff", crosscheck::dataset::read_cloud(&inside, &Reading::default()));
    refusal("xyz.tiff", crosscheck::dataset::read_rgb(&inside));
}
