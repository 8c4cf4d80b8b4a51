//! Formats of colour, clouds and depth that production lines and cameras write.

use crosscheck::calibration::Camera;
use crosscheck::calibration::camera_file::CameraFile;
use crosscheck::calibration::registration::Registration;
use crosscheck::dataset::{self, Reading, read_cloud, read_rgb};
use crosscheck::frame::OrganisedCloud;
use half::f16;
use image::{DynamicImage, ImageFormat, Luma};
use tiff::encoder::Compression;
use tiff::encoder::colortype::{Gray16, Gray32, Gray32Float, Gray64Float, GrayI32, RGB32Float, RGB64Float};

use super::writers::{
    CAMERA, HEIGHT, SAID, TestFile, WIDTH, cloud, colour, depth, encoded, npy, npy_f32, picture, points, refusal,
    shape, tiff_planes, tiff_saying, tiff_strips, values,
};
use crate::allocations::watched;

fn read(name: &str, bytes: &[u8], reading: &Reading) -> OrganisedCloud {
    read_cloud(&TestFile::new(name, bytes).path, reading).unwrap_or_else(|e| panic!("{e}"))
}

/// The same values in Fortran's order.
fn transposed<T: Copy>(values: &[T], channels: usize) -> Vec<T> {
    let order = |i: usize| (i % HEIGHT * WIDTH + i / HEIGHT % WIDTH) * channels + i / (HEIGHT * WIDTH);
    (0..values.len()).map(|i| values[order(i)]).collect()
}

fn le<const N: usize, T: Copy>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|v| bytes(*v)).collect()
}

#[test]
fn colour_in_bmp_and_tiff_is_the_same_as_in_png() {
    let grey = DynamicImage::from(picture()).into_luma8();
    let alpha = DynamicImage::from(picture()).into_rgba8();
    for (name, format) in
        [("rgb.bmp", ImageFormat::Bmp), ("rgb.tif", ImageFormat::Tiff), ("RGB.TIFF", ImageFormat::Tiff)]
    {
        assert!(colour(name, &encoded(picture(), format)).unwrap() == picture(), "{name}");
        assert!(colour(name, &encoded(alpha.clone(), format)).unwrap() == picture(), "{name}");
        let read = colour(name, &encoded(grey.clone(), format)).unwrap();
        assert!(read.pixels().zip(grey.pixels()).all(|(read, grey)| read.0 == [grey[0]; 3]), "{name}");
    }
    let wide = DynamicImage::from(picture()).into_rgb16();
    assert!(colour("rgb.tif", &encoded(wide, ImageFormat::Tiff)).unwrap() == picture());
}

#[test]
fn depth_and_clouds_are_no_colour() {
    for (bytes, word) in [
        (encoded(depth(), ImageFormat::Tiff), "is this the depth image?"),
        (encoded(depth(), ImageFormat::Png), "is this the depth image?"),
        (tiff_strips::<RGB32Float>(Compression::Uncompressed, &values()), "is this the cloud?"),
    ] {
        let message = refusal("rgb.tif", colour("rgb.tif", &bytes));
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_cut_bmp_or_tiff_is_refused() {
    for (name, format) in [("rgb.bmp", ImageFormat::Bmp), ("rgb.tif", ImageFormat::Tiff)] {
        let bytes = encoded(picture(), format);
        let whole = colour(name, &bytes).unwrap();
        for length in (0..bytes.len()).step_by(37) {
            if let Ok(image) = colour(name, &bytes[..length]) {
                assert!(image == whole, "{name}: {length} of {} bytes gave another image", bytes.len());
            }
        }
    }
}

#[test]
fn a_cloud_reads_the_same_in_every_order_and_width() {
    let values = values();
    let check = |name: &str, bytes: &[u8]| {
        let cloud = cloud(name, bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((cloud.width(), cloud.height()), (WIDTH, HEIGHT), "{name}");
        assert!(cloud.points() == points(&values), "{name}");
    };
    let fortran = transposed(&values, 3);
    check("xyz.npy", &npy("<f4", true, &shape(), &le(&fortran, f32::to_le_bytes)));
    check("xyz.npy", &npy(">f4", true, &shape(), &le(&fortran, f32::to_be_bytes)));
    check("XYZ.NPY", &npy("<f8", true, &shape(), &le(&fortran, |v| f64::from(v).to_le_bytes())));
    let planes: Vec<Vec<f32>> = (0..3).map(|c| values.iter().skip(c).step_by(3).copied().collect()).collect();
    check("xyz.tif", &tiff_planes(&planes));
    // Numbers that half floats have.
    let halves: Vec<f32> = values.iter().map(|v| f16::from_f32(*v).to_f32()).collect();
    for (descr, fortran, bytes) in [
        ("<f2", false, le(&halves, |v| f16::from_f32(v).to_le_bytes())),
        (">f2", true, le(&transposed(&halves, 3), |v| f16::from_f32(v).to_be_bytes())),
    ] {
        assert!(cloud("xyz.npy", &npy(descr, fortran, &shape(), &bytes)).unwrap().points() == points(&halves));
    }
}

/// Depth in millimetres as every format has it.
fn depth_files() -> Vec<(&'static str, Vec<u8>)> {
    let none = Compression::Lzw;
    let steps = depth().into_raw();
    let wide: Vec<u32> = steps.iter().map(|v| u32::from(*v)).collect();
    let signed: Vec<i32> = steps.iter().map(|v| if *v == 0 { -1 } else { i32::from(*v) }).collect();
    let size = format!("{HEIGHT}, {WIDTH}");
    vec![
        ("depth.PNG", encoded(depth(), ImageFormat::Png)),
        ("depth.tif", tiff_strips::<Gray16>(none, &steps)),
        ("depth.Tiff", tiff_strips::<Gray32>(none, &wide)),
        ("depth.tif", tiff_strips::<GrayI32>(none, &signed)),
        ("depth.npy", npy("<u2", false, &size, &le(&steps, u16::to_le_bytes))),
        ("depth.npy", npy(">u2", true, &size, &le(&transposed(&steps, 1), u16::to_be_bytes))),
        ("depth.npy", npy("<i4", false, &size, &le(&signed, i32::to_le_bytes))),
        ("depth.npy", npy("<i8", false, &format!("{size}, 1"), &le(&signed, |v| i64::from(v).to_le_bytes()))),
    ]
}

/// Depth as floating-point numbers, in `unit` of a metre.
fn float_files(unit: f64) -> Vec<(&'static str, Vec<u8>)> {
    let size = format!("{HEIGHT}, {WIDTH}");
    let numbers: Vec<f64> =
        depth().iter().map(|v| if *v == 0 { f64::NAN } else { f64::from(*v) * 1e-3 / unit }).collect();
    let floats: Vec<f32> = numbers.iter().map(|v| *v as f32).collect();
    vec![
        ("depth.tif", tiff_strips::<Gray32Float>(Compression::Lzw, &floats)),
        ("depth.tif", tiff_strips::<Gray64Float>(Compression::Lzw, &numbers)),
        ("depth.npy", npy("<f4", false, &size, &le(&floats, f32::to_le_bytes))),
        ("depth.npy", npy(">f8", true, &size, &le(&transposed(&numbers, 1), f64::to_be_bytes))),
    ]
}

#[test]
fn depth_reads_the_same_in_every_format() {
    let wanted = cloud("depth.png", &encoded(depth(), ImageFormat::Png)).unwrap();
    assert_eq!(wanted.valid_count(), WIDTH * HEIGHT - 1);
    for (name, bytes) in depth_files() {
        assert!(cloud(name, &bytes).unwrap() == wanted, "{name}");
    }
    // Metres, or what is said: a float away.
    for (unit, cloud_unit_m) in [(1.0, 1.0), (1e-3, 1e-3)] {
        let reading = Reading { cloud_unit_m, ..CAMERA.into() };
        for (name, bytes) in float_files(unit) {
            let read = read(name, &bytes, &reading);
            let pairs = read.points().as_flattened().iter().zip(wanted.points().as_flattened());
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-6), "{name}");
            assert_eq!(read.valid_count(), wanted.valid_count(), "{name}");
        }
    }
}

#[test]
fn depth_of_floats_goes_through_lenses_by_steps() {
    let folder = tempfile::tempdir().unwrap();
    let lens = format!("width = {WIDTH}\nheight = {HEIGHT}\nfx = 40.0\nfy = 40.0\ncx = 18.0\ncy = 14.0\n");
    let toml = format!("depth_unit_m = 0.001\n[colour]\n{lens}");
    let file = CameraFile::parse(&toml, folder.path()).unwrap();
    let camera = Camera::Lenses(std::sync::Arc::new(Registration::new(file)));
    let reading = Reading::from(camera);
    let wanted = read("depth.png", &encoded(depth(), ImageFormat::Png), &reading);
    for (name, bytes) in float_files(1.0) {
        assert!(read(name, &bytes, &reading) == wanted, "{name}");
    }
    // Millimetres taken for metres are too far, and not gone.
    let (_, bytes) = float_files(1e-3).remove(0);
    let far = read("depth.tif", &bytes, &reading);
    assert!(far.valid_count() > 1000 && far.points()[700][2] > 20.0);
}

#[test]
fn depth_needs_a_camera_whatever_its_format() {
    for (name, bytes) in depth_files().into_iter().chain(float_files(1.0)) {
        let message = refusal(name, read_cloud(&TestFile::new(name, &bytes).path, &Reading::default()));
        assert!(message.contains("--camera FILE") && message.contains("camera.replay.camera_file"), "{message}");
    }
}

#[test]
fn depth_beyond_its_steps_is_refused() {
    let far = vec![70_000u32; WIDTH * HEIGHT];
    let message = refusal("depth.tif", cloud("depth.tif", &tiff_strips::<Gray32>(Compression::Lzw, &far)));
    assert!(message.contains("70000 steps") && message.contains("65535"), "{message}");
    let size = format!("{HEIGHT}, {WIDTH}");
    let message = refusal("depth.npy", cloud("depth.npy", &npy("<u4", false, &size, &le(&far, u32::to_le_bytes))));
    assert!(message.contains("70000 steps"), "{message}");
    // Unless it is what stands for no point.
    let reading = Reading { no_point: Some(70_000.0), ..CAMERA.into() };
    assert_eq!(read("depth.npy", &npy("<u4", false, &size, &le(&far, u32::to_le_bytes)), &reading).valid_count(), 0);
}

#[test]
fn what_cameras_write_for_no_point_is_none() {
    let pixels = WIDTH * HEIGHT;
    for sentinel in
        [[0.0; 3], [0.0, 0.0, -1.0], [-9999.0; 3], [1.5, 0.2, 0.0], [f32::NAN; 3], [0.0, 0.0, f32::INFINITY]]
    {
        let mut bent = values();
        // Most of the frame, as of a black belt.
        bent.as_chunks_mut::<3>().0.iter_mut().skip(60).for_each(|point| *point = sentinel);
        for (name, bytes) in [("xyz.npy", npy_f32(&bent)), ("xyz.tiff", tiff_saying(SAID, None, &[bent.clone()]))] {
            let cloud = cloud(name, &bytes).unwrap();
            assert_eq!(cloud.valid_count(), 60, "{name} {sentinel:?}");
            assert!(cloud.points()[..60] == points(&values())[..60]);
        }
    }
    // One that is said.
    let mut bent = values();
    bent.as_chunks_mut::<3>().0.iter_mut().skip(60).for_each(|point| *point = [0.0, 0.0, 10_000.0]);
    let file = npy_f32(&bent);
    assert_eq!(read("xyz.npy", &file, &Reading::default()).valid_count(), pixels);
    let reading = Reading { no_point: Some(10_000.0), cloud_unit_m: 1e-3, ..Reading::default() };
    assert_eq!(read("xyz.npy", &file, &reading).valid_count(), 60);
    let mut steps = depth();
    steps.put_pixel(5, 5, Luma([65_535]));
    let reading = Reading { no_point: Some(65_535.0), ..CAMERA.into() };
    for (name, format) in [("depth.png", ImageFormat::Png), ("depth.tif", ImageFormat::Tiff)] {
        assert_eq!(read(name, &encoded(steps.clone(), format), &reading).valid_count(), pixels - 2, "{name}");
    }
}

#[test]
fn a_cloud_behind_the_camera_is_refused_and_not_empty() {
    let behind: Vec<f32> = values().into_iter().map(|v| -v).collect();
    let message = refusal("xyz.npy", cloud("xyz.npy", &npy_f32(&behind)));
    assert!(message.contains("in front of the camera") && message.contains("turn y and z round"), "{message}");
}

#[test]
fn headers_are_looked_at_before_anything_is_decoded() {
    // Where the sizes differ, neither file is read and no memory is allocated for either.
    let side = 1024;
    let rgb = TestFile::new("rgb.png", &encoded(image::RgbImage::new(side, side), ImageFormat::Png));
    let large = TestFile::new("xyz.npy", &npy("<f4", false, "1024, 1023, 3", &vec![0; 1024 * 1023 * 12]));
    let (message, largest) =
        watched(|| refusal("xyz.npy", dataset::read_frame(&rgb.path, &large.path, &Reading::default())));
    assert!(message.contains("1024 x 1024") && message.contains("1023 x 1024"), "{message}");
    assert!(largest < 1 << 20, "{largest} bytes at once");
    assert!(read_rgb(&rgb.path).is_ok());
}

#[test]
fn wide_floats_are_narrowed_strip_by_strip() {
    // The values are never all in memory as f64.
    let values: Vec<f64> = values().iter().map(|v| f64::from(*v)).collect();
    let bytes = tiff_strips::<RGB64Float>(Compression::Lzw, &values);
    let (_, largest) = watched(|| cloud("xyz.tiff", &bytes).unwrap());
    assert!(largest < size_of_val(values.as_slice()), "{largest} bytes at once");
}
