use super::*;
use crate::calibration::Camera;

const EXAMPLE: &str = include_str!("../../../calibration/depth-848x480-colour-1280x720.toml");

fn parsed(text: &str) -> Result<CameraFile, CalibrationError> {
    CameraFile::parse(text, Path::new("camera.toml"))
}

/// The example with `from` replaced once.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

#[test]
fn the_examples_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("calibration");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.ends_with("station-calibration.toml") {
            crate::calibration::read_plane(&path).unwrap();
        } else {
            Camera::read(&path).unwrap();
        }
        read += 1;
    }
    assert_eq!(read, 4);
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("camera.toml");
    let file = parsed(EXAMPLE).unwrap();
    file.write(&path).unwrap();
    assert_eq!(CameraFile::read(&path).unwrap(), file);
    let registered = CameraFile { depth: None, depth_to_colour: None, ..file };
    registered.write(&path).unwrap();
    assert_eq!(CameraFile::read(&path).unwrap(), registered);
    let unfit = CameraFile { depth_unit_m: 1.0, ..registered.clone() };
    assert!(unfit.write(&path).unwrap_err().to_string().contains("0.001 for millimetres"));
    assert_eq!(CameraFile::read(&path).unwrap(), registered);
}

#[test]
fn each_slip_is_named() {
    let swapped = EXAMPLE.replace("[colour]", "[x]").replace("[depth]", "[colour]").replace("[x]", "[depth]");
    let sizes_only = EXAMPLE.replace("width = 1280", "width = 848").replace("height = 720", "height = 480");
    for (text, word) in [
        (changed("distortion =", "distorsion ="), "did you mean `distortion`?"),
        (changed("\"brown_conrady\" ", "\"brown_konrady\""), "did you mean `brown_conrady`?"),
        (changed("[depth_to_colour]", "[colour_to_depth]"), "unknown field `colour_to_depth`"),
        (changed("depth_unit_m = 0.001", "depth_unit_m = 1.0"), "0.001 for millimetres"),
        (changed("depth_unit_m = 0.001", "depth_unit_m = 0.000001"), "metres per step"),
        (changed("translation_m = [0.015, 0.0, 0.0003]", "translation_m = [15.0, 0.0, 0.3]"), "it is in metres"),
        (changed("rotation = [[1.0", "rotation = [[2.0"), "rotation matrix"),
        (changed("rotation = [[1.0", "rotation = [[-1.0"), "rotation matrix"),
        (changed("cx = 423.5", "cx = 960.5"), "[depth] cx, cy is (960.5, 239.5)"),
        (changed("fx = 424.0", "fx = 4.24"), "[depth] fx is 4.24"),
        (changed("fy = 424.0", "fy = 212.0").replacen("fx = 424.0", "fx = 524.0", 1), "near each other"),
        (changed("distortion = \"brown_conrady\"", "distortion = \"none\""), "name the model"),
        (
            changed("[0.12, -0.24, 0.0005, -0.0003, 0.1]", "[-30.0, -0.24, 0.0, 0.0, 0.1]"),
            "k1, k2, p1, p2, k3 in this order",
        ),
        (changed("width = 848", "width = 100000"), "[depth] is 100000 x 480"),
        (swap_lenses(), "[colour] and [depth] are swapped"),
        (sizes_only, "another resolution"),
        (
            EXAMPLE.split("[depth]").next().unwrap().replace("# grid = \"colour\"", "grid = \"depth\""),
            "without [depth]",
        ),
        (EXAMPLE.split("[depth_to_colour]").next().unwrap().to_string(), "without [depth_to_colour]"),
    ] {
        let error = parsed(&text).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
    // Whole sections exchanged are a valid file of another camera; their images tell.
    assert!(parsed(&swapped).is_ok());
}

/// The numbers of each lens under the other one's size.
fn swap_lenses() -> String {
    let CameraFile { colour, depth, .. } = parsed(EXAMPLE).unwrap();
    let depth = depth.unwrap();
    let of = |size: Lens, numbers: Lens| Lens { width: size.width, height: size.height, ..numbers };
    let file = CameraFile { colour: of(colour, depth), depth: Some(of(depth, colour)), ..parsed(EXAMPLE).unwrap() };
    toml::to_string(&file).unwrap()
}

#[test]
fn images_of_another_size_are_named() {
    let lens = parsed(EXAMPLE).unwrap().colour;
    lens.check_size("colour", 1280, 720).unwrap();
    let scaled = lens.check_size("colour", 640, 360).unwrap_err().to_string();
    assert!(scaled.contains("640 x 360") && scaled.contains("1280 x 720") && scaled.contains("0.5 times"), "{scaled}");
    let other = lens.check_size("colour", 640, 480).unwrap_err().to_string();
    assert!(other.contains("640 x 480") && !other.contains("times"), "{other}");
}
