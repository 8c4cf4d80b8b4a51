//! Setting a station up: camera files, the station's measures, and recording good parts.

use crosscheck::calibration::Camera;
use crosscheck::calibration::camera_file::{CameraFile, Grid};
use crosscheck::calibration::{StationCalibration, read_plane};
use crosscheck::dataset::{self, Reading};

use crate::program::Desk;

const COLOUR: &str = "image_width: 64\nimage_height: 48\ncamera_matrix: {data: [60, 0, 31.5, 0, 60, 23.5, 0, 0, 1]}\n\
    distortion_model: plumb_bob\ndistortion_coefficients: {data: [0.1, -0.1, 0, 0, 0]}\navg_reprojection_error: 0.7\n";
const DEPTH: &str = "image_width: 32\nimage_height: 24\ncamera_matrix: {data: [30, 0, 15.5, 0, 30, 11.5, 0, 0, 1]}\n\
    distortion_model: plumb_bob\ndistortion_coefficients: {data: [0, 0, 0, 0, 0]}\n";
const WAY: &str = "R: {data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\nT: {data: [0.015, 0, 0]}\n";
const CALIBRATE: &str =
    "calibrate-camera --colour colour.yaml --depth depth.yaml --extrinsics way.yaml --output camera.toml";

fn with_calibrations() -> Desk {
    let desk = Desk::new();
    desk.write("colour.yaml", COLOUR);
    desk.write("depth.yaml", DEPTH);
    desk.write("way.yaml", WAY);
    desk
}

#[test]
fn a_camera_file_is_made_and_registers_a_depth_image() {
    let desk = with_calibrations();
    let run = desk.done(CALIBRATE);
    for words in ["colour: 64 x 48, view 56 x 44 degrees, reprojection error 0.70 px", "above 0.5 px", "depth: 32 x 24"]
    {
        assert!(run.err.contains(words), "{words}: {}", run.err);
    }
    let file = CameraFile::read(&desk.path("camera.toml")).unwrap();
    assert_eq!((file.colour.coefficients[0], file.depth.unwrap().fx, file.grid), (0.1, 30.0, Grid::Colour));
    let provenance = file.provenance.unwrap();
    assert!(provenance.source.contains("colour.yaml, depth.yaml, way.yaml") && !provenance.source.contains('/'));
    let rgb = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8, y as u8, 9]));
    rgb.save(desk.path("rgb.png")).unwrap();
    let depth = image::ImageBuffer::from_fn(32, 24, |x, _| image::Luma([500u16 + x as u16]));
    depth.save(desk.path("depth.png")).unwrap();
    let camera = Camera::read(&desk.path("camera.toml")).unwrap();
    let read = |camera: Camera| dataset::read_frame(&desk.path("rgb.png"), &desk.path("depth.png"), &camera.into());
    let frame = read(camera).unwrap();
    assert_eq!((frame.width(), frame.height()), (64, 48));
    assert!(frame.cloud().valid_count() > 64 * 48 * 9 / 10);
    desk.done(&CALIBRATE.replace("camera.toml", "native.toml --grid depth"));
    let native = read(Camera::read(&desk.path("native.toml")).unwrap()).unwrap();
    assert_eq!((native.width(), native.height()), (32, 24));
    assert_eq!(native.rgb()[3 * (12 * 32 + 16) + 2], 9);
}

#[test]
fn calibrations_that_cannot_be_of_the_camera() {
    let desk = with_calibrations();
    desk.write("far.yaml", WAY.replace("0.015", "15"));
    desk.refused_with(&CALIBRATE.replace("way.yaml", "far.yaml"), &["15", "it is in metres"]);
    desk.refused_with(&format!("{CALIBRATE} --depth-unit-m 1"), &["depth_unit_m is 1", "0.001 for millimetres"]);
    desk.refused_with(&format!("{CALIBRATE} --colour-size 640x480"), &["colour.yaml", "64 x 48"]);
    desk.refused_with(&format!("{CALIBRATE} --colour-size 640"), &["1280x720"]);
    desk.refused_with("calibrate-camera --colour way.yaml -o camera.toml", &["way.yaml", "none of camera_matrix"]);
    desk.refused_with("calibrate-camera --colour colour.yaml --depth depth.yaml -o new", &["--extrinsics"]);
    desk.refused_with(&CALIBRATE.replace("camera.toml", "none/camera.toml"), &["make it first"]);
    desk.done(CALIBRATE);
    // Images exchanged, and images of another size.
    image::RgbImage::new(64, 48).save(desk.path("rgb.png")).unwrap();
    image::RgbImage::new(32, 24).save(desk.path("small.png")).unwrap();
    image::ImageBuffer::from_pixel(32, 24, image::Luma([500u16])).save(desk.path("depth.png")).unwrap();
    let inspect =
        |rgb: &str, xyz: &str| format!("inspect --engine @fitted --camera camera.toml --rgb {rgb} --xyz {xyz}");
    desk.refused_with(&inspect("depth.png", "rgb.png"), &["depth.png", "is this the depth image?"]);
    desk.refused_with(&inspect("rgb.png", "rgb.png"), &["rgb.png", "one channel of 16 bits"]);
    desk.refused_with(&inspect("small.png", "depth.png"), &["colour image is 32 x 24", "64 x 48", "0.5 times"]);
    image::ImageBuffer::from_pixel(64, 48, image::Luma([500u16])).save(desk.path("large.png")).unwrap();
    desk.refused_with(&inspect("rgb.png", "large.png"), &["depth image is 64 x 48", "32 x 24"]);
}

/// A station whose camera is the procedural belt: five good parts a second.
const STATION: &str = r#"
[engine]
path = "engine.safetensors"
[camera]
source = "synthetic"
[camera.synthetic]
part = "puck"
belt_m_per_s = 1.0
pitch_m = 0.2
defect_share = 0.0
frame_rate_hz = 50.0
[trigger]
source = "free"
[reject]
delay_ms = 500
decision_lead_ms = 5
pulse_ms = 30
[actuator]
sink = "log"
"#;

#[test]
fn a_station_is_measured_and_good_parts_are_recorded_from_it() {
    let desk = Desk::new();
    desk.write("station.toml", STATION);
    let run = desk.done("calibrate-station --config station.toml --parts 4 --output belt.toml");
    for words in ["with the whole part", "mm away, tilted by", "points for the shape network", "polygon = [["] {
        assert!(run.out.contains(words), "{words}: {}", run.out);
    }
    assert!(run.err.contains("only 4 frames were given"), "{}", run.err);
    let station = StationCalibration::read(&desk.path("belt.toml")).unwrap();
    assert_eq!(read_plane(&desk.path("belt.toml")).unwrap(), station.plane());
    let record =
        "record --config station.toml --out parts --nominal --station-calibration belt.toml --parts 2 --validation 2";
    let run = desk.done(record);
    assert!(run.err.contains("part 000 is stored: brightness") && run.err.contains("wrote 4 parts"), "{}", run.err);
    for folder in ["parts/train", "parts/validation"] {
        assert_eq!(dataset::nominal(&desk.path(folder), &Reading::default()).unwrap().len(), 2);
    }
    // The frames that were recorded are measured as the live ones.
    let run = desk.done("calibrate-station --frames parts/train,parts/validation --output again.toml");
    assert!(run.out.contains("4 with the whole part"), "{}", run.out);
    let again = StationCalibration::read(&desk.path("again.toml")).unwrap();
    assert!((again.offset_m - station.offset_m).abs() < 1e-3, "{again:?} {station:?}");
}

#[test]
fn a_record_that_ends_early_says_how_many_it_has() {
    let desk = Desk::new();
    desk.write("station.toml", STATION);
    desk.done("record --config station.toml --out parts --parts 2");
    let frames =
        "source = \"replay\"\n[camera.replay]\nfolder = \"parts\"\nframe_rate_hz = 5.0\n[trigger]\nsource = \"frame\"";
    let (camera, trigger) = (STATION.find("source = \"synthetic\"").unwrap(), STATION.find("[reject]").unwrap());
    desk.write("replay.toml", format!("{}{frames}\n{}", &STATION[..camera], &STATION[trigger..]));
    let run = desk.run("record --config replay.toml --out more --parts 9");
    assert!(
        run.code == Some(2) && run.err.contains("2 of 9 parts") && run.err.contains("no more parts came"),
        "{}",
        run.err
    );
    assert_eq!(dataset::nominal(&desk.path("more"), &Reading::default()).unwrap().len(), 2);
    // Nothing is made where there is no camera.
    desk.write(
        "none.toml",
        STATION
            .replace("source = \"synthetic\"", "source = \"replay\"")
            .replace("[camera.synthetic]", "[camera.replay]\nfolder = \"nothing\"\n#"),
    );
    desk.refused("record --config none.toml --out empty --parts 9");
    assert!(!desk.path("empty").exists());
}

#[test]
fn what_cannot_be_measured_or_recorded() {
    let desk = Desk::new();
    desk.write("good.toml", STATION);
    desk.refused_with("record --config good.toml --out parts --parts 0", &["1 or more"]);
    desk.refused_with("calibrate-station --output belt.toml", &["--frames"]);
    desk.refused_with("calibrate-station --frames none --output belt.toml", &["none"]);
    let removed = ["none of 3 frames shows the belt", "background was not removed"];
    desk.refused_with("calibrate-station --frames @good --output belt.toml", &removed);
    desk.write("station.toml", STATION.replace("source = \"synthetic\"", "source = \"syntetic\""));
    desk.refused_with("record --config station.toml --out parts --nominal", &["did you mean `synthetic`?"]);
    desk.refused_with("record --config none.toml --out parts", &["none.toml"]);
    desk.refused_with("record --config station.toml --out parts --validation 3", &["--nominal"]);
}
