use super::*;

const OPENCV: &str = r#"%YAML:1.0
---
calibration_time: "Mon 02 Mar 2026 10:00:00"
nr_of_frames: 21
image_width: 1280
image_height: 720
flags: 0
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 9.1250e+02, 0., 6.4125e+02, 0., 9.1325e+02, 3.5875e+02, 0.,
       0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ 1.25e-01, -2.5e-01, 5.0e-04, -2.5e-04, 6.25e-02 ]
avg_reprojection_error: 2.1e-01
"#;

const ROS: &str = "image_width: 640
image_height: 480
camera_name: camera
camera_matrix:
  rows: 3
  cols: 3
  data: [615.5, 0, 320.25, 0, 615.75, 240.5, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0, 0, 0, 0, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [615.5, 0, 320.25, 0, 0, 615.75, 240.5, 0, 0, 0, 1, 0]
";

const MESSAGE: &str = "header:
  stamp:
    sec: 1
    nanosec: 2
  frame_id: camera_color_optical_frame
height: 480
width: 640
distortion_model: plumb_bob
d:
- 0.1
- -0.2
- 0.0
- 0.0
- 0.05
k:
- 615.5
- 0.0
- 320.25
- 0.0
- 615.75
- 240.5
- 0.0
- 0.0
- 1.0
r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
binning_x: 0
roi:
  x_offset: 0
  height: 0
  width: 0
---
";

fn read_text_as(text: &str, imager: Imager, size: Option<(usize, usize)>) -> Result<Calibrated, String> {
    lens(&yaml::values(text)?, imager, size)
}

#[test]
fn opencv_is_read_as_it_is() {
    let calibrated = read_text_as(OPENCV, Imager::Colour, None).unwrap();
    let lens = Lens {
        width: 1280,
        height: 720,
        fx: 912.5,
        fy: 913.25,
        cx: 641.25,
        cy: 358.75,
        distortion: Distortion::BrownConrady,
        coefficients: [0.125, -0.25, 0.0005, -0.00025, 0.0625],
    };
    assert_eq!(calibrated, Calibrated { lens, reprojection_error_px: Some(0.21) });
}

#[test]
fn ros_is_read_as_a_file_and_as_a_message() {
    let file = read_text_as(ROS, Imager::Colour, None).unwrap().lens;
    assert_eq!((file.width, file.height, file.fx, file.cy), (640, 480, 615.5, 240.5));
    assert_eq!(file.distortion, Distortion::None);
    let message = read_text_as(MESSAGE, Imager::Depth, Some((640, 480))).unwrap().lens;
    assert_eq!(message.coefficients, [0.1, -0.2, 0.0, 0.0, 0.05]);
    assert_eq!(Lens { distortion: Distortion::None, coefficients: [0.0; 5], ..message }, file);
}

#[test]
fn a_stereo_calibration_has_both_lenses_and_the_way_between() {
    let matrix = |name: &str, data: &str| {
        format!("{name}: !!opencv-matrix\n   rows: 1\n   cols: 1\n   dt: d\n   data: [ {data} ]\n")
    };
    let text = ["%YAML:1.0\n---\n".to_string()]
        .into_iter()
        .chain([
            matrix("M1", "420., 0., 424., 0., 421., 240., 0., 0., 1."),
            matrix("D1", "0., 0., 0., 0."),
            matrix("M2", "910., 0., 640., 0., 911., 360., 0., 0., 1."),
            matrix("D2", "0.1, 0., 0., 0., 0., 0., 0., 0."),
            matrix("R", "1., 0., 0., 0., 0., -1., 0., 1., 0."),
            matrix("T", "1.5e-02, 0., -1.e-03"),
        ])
        .collect::<String>();
    let depth = read_text_as(&text, Imager::Depth, Some((848, 480))).unwrap().lens;
    let colour = read_text_as(&text, Imager::Colour, Some((1280, 720))).unwrap().lens;
    assert_eq!((depth.fx, depth.cx, depth.distortion), (420.0, 424.0, Distortion::None));
    assert_eq!((colour.fy, colour.cy, colour.distortion), (911.0, 360.0, Distortion::BrownConrady));
    let way = extrinsics(&yaml::values(&text).unwrap()).unwrap();
    assert_eq!(way.rotation, [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]);
    assert_eq!(way.transform([0.0, 2.0, 0.0]), [0.015, 0.0, 1.999]);
    let columns = "rotation: [1, 0, 0, 0, 0, 1, 0, -1, 0]\ntranslation: [0.015, 0, -0.001]\n";
    assert_eq!(extrinsics(&yaml::values(columns).unwrap()).unwrap(), way);
    assert!(read_text_as(&text, Imager::Depth, None).unwrap_err().contains("--colour-size"));
}

#[test]
fn what_cannot_be_used_is_named() {
    for (from, to, word) in [
        ("camera_matrix:", "kamera_matrix:", "none of camera_matrix"),
        ("0.,\n       0., 1. ]", "0. ]", "7 numbers where 9"),
        ("9.1250e+02", ".Nan", "\".Nan\" where a number"),
        ("9.1250e+02, 0.,", "9.1250e+02, 1.5,", "skew"),
        ("image_width: 1280", "image_width: 128000", "128000"),
        ("6.25e-02 ]", "6.25e-02, 0.5, 0., 0. ]", "8 distortion coefficients"),
        ("flags: 0", "distortion_model: equidistant", "plumb_bob is expected"),
        ("flags: 0", "flags: &a [*a]", "alias"),
    ] {
        let error = read_text_as(&OPENCV.replacen(from, to, 1), Imager::Colour, None).unwrap_err();
        assert!(error.contains(word), "{to}: {error}");
    }
    let other = read_text_as(OPENCV, Imager::Colour, Some((640, 360))).unwrap_err();
    assert!(other.contains("1280 x 720"), "{other}");
}

#[test]
fn files_of_another_kind_and_size_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("camera.yml");
    for (bytes, word) in [("<?xml version=\"1.0\"?>", ".yml"), ("{\"a\": 1}", ".yml"), ("", "none of")] {
        std::fs::write(&path, bytes).unwrap();
        let error = read_lens(&path, Imager::Colour, None).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("camera_info"), "{error}");
    }
    std::fs::write(&path, "#".repeat(70_000)).unwrap();
    assert!(read_lens(&path, Imager::Colour, None).unwrap_err().to_string().contains("is it the right file"));
}
