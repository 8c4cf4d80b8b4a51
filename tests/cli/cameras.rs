//! Camera files from what OpenCV, ROS and Kalibr write.

use crosscheck::calibration::camera_file::CameraFile;
use crosscheck::calibration::distortion::Distortion;

use crate::program::Desk;

const KINECT: [(&str, &str); 4] = [
    ("calib_color.yaml", include_str!("../cases/kinect2/calib_color.yaml")),
    ("calib_ir.yaml", include_str!("../cases/kinect2/calib_ir.yaml")),
    ("calib_pose.yaml", include_str!("../cases/kinect2/calib_pose.yaml")),
    ("calib_depth.yaml", include_str!("../cases/kinect2/calib_depth.yaml")),
];

#[test]
fn a_kinect_is_read_as_its_own_calibration_has_it() {
    let desk = Desk::new();
    KINECT.iter().for_each(|(name, text)| desk.write(name, text));
    let line = "calibrate-camera --colour calib_color.yaml --depth calib_ir.yaml --extrinsics calib_pose.yaml \
        --colour-size 1920x1080 --depth-size 512x424 --depth-offset-m=-0.013354 -o camera.toml";
    let run = desk.done(line);
    let right = "52.0 mm right of, 0.4 mm above and 1.5 mm behind the depth imager, and rotated by 1.2 degrees";
    for words in ["from depth to colour, by its fundamental matrix", right] {
        assert!(run.err.contains(words), "{words}: {}", run.err);
    }
    let file = CameraFile::read(&desk.path("camera.toml")).unwrap();
    assert_eq!((file.colour.fx, file.depth.unwrap().coefficients[4]), (1.0599465578241038e3, 1.0523948765859192e-1));
    let way = file.depth_to_colour.unwrap();
    assert_eq!((way.rotation[0][2], way.rotation[2][0]), (-1.0846153213119176e-2, 1.0815351441312036e-2));
    assert_eq!((way.translation_m[0], file.depth_offset_m), (-0.05205247611208199, -0.013354));
    desk.refused_with(&line.replace("calib_ir", "calib_depth"), &["calib_depth.yaml", "--depth-offset-m=-0.013354"]);
    desk.refused_with(&line.replace("--depth-size 512x424 ", ""), &["calib_ir.yaml", "--depth-size"]);
    // Exchanged, each is the other size's.
    let exchanged =
        line.replace("calib_ir", "x").replace("calib_color", "calib_ir").replace("depth x", "depth calib_color");
    desk.refused_with(&exchanged, &["are swapped"]);
}

/// A camera_info with `names` in front.
fn info(names: &str, (width, height): (usize, usize), model: &str, coefficients: &str) -> String {
    let (cx, cy) = (width as f64 / 2.0, height as f64 / 2.0);
    format!(
        "{names}height: {height}\nwidth: {width}\ndistortion_model: {model}\nd: [{coefficients}]\nk: [{width}, 0, {cx}, 0, {width}, {cy}, 0, 0, 1]\n"
    )
}

const WAY: &str = "rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1]\ntranslation: [0.015, 0, 0]\n";
const LINE: &str = "calibrate-camera --colour a.yaml --depth b.yaml --extrinsics way.yaml -o camera.toml";

#[test]
fn exchanged_imagers_are_named_by_their_frame_ids() {
    let desk = Desk::new();
    desk.write("way.yaml", WAY);
    let frame = |id: &str| format!("header:\n  frame_id: {id}\n");
    let (colour, depth) = (frame("camera_color_optical_frame"), frame("camera_depth_optical_frame"));
    let lenses = |first: &str, second: &str| {
        desk.write("a.yaml", info(first, (640, 480), "plumb_bob", "0, 0, 0, 0, 0"));
        desk.write("b.yaml", info(second, (640, 480), "plumb_bob", "0, 0, 0, 0, 0"));
    };
    lenses(&colour, &depth);
    desk.done(LINE);
    std::fs::remove_file(desk.path("camera.toml")).unwrap();
    lenses(&depth, &colour);
    let both = [
        "a.yaml is of the depth imager by its frame_id",
        "b.yaml is of the colour imager",
        "exchange --colour and --depth",
    ];
    desk.refused_with(LINE, &both);
    for (first, second, words) in [
        (
            "camera_name: ir_camera\n",
            "",
            ["a.yaml is of the depth imager by its camera_name \"ir_camera\"", "exchange"],
        ),
        ("", "camera_name: rgb_camera\n", ["b.yaml is of the colour imager by its camera_name", "exchange"]),
        (&colour, &colour, ["b.yaml is of the colour imager", "leave out --depth and --extrinsics"]),
        (&depth, &depth, ["a.yaml is of the depth imager", "give the colour imager's"]),
    ] {
        lenses(first, second);
        desk.refused_with(LINE, &words);
    }
    assert!(!desk.path("camera.toml").exists());
    lenses("camera_name: head_camera\n", "frame_id: oak_right_camera_optical_frame\n");
    desk.done(LINE);
    // One lens alone may be of either imager, to which both images are registered.
    desk.write("a.yaml", info(&depth, (640, 480), "plumb_bob", "0, 0, 0, 0, 0"));
    let run = desk.done("calibrate-camera --colour a.yaml -o camera.toml");
    assert!(run.err.contains("names the depth imager"), "{}", run.err);
}

#[test]
fn eight_coefficients_of_ros_become_a_rational_lens() {
    let desk = Desk::new();
    let eight = "0.72, -2.89, 0.0008, -0.0001, 1.63, 0.6, -2.72, 1.57";
    desk.write("a.yaml", info("", (1280, 720), "rational_polynomial", eight));
    desk.done("calibrate-camera --colour a.yaml -o camera.toml");
    let lens = CameraFile::read(&desk.path("camera.toml")).unwrap().colour;
    assert_eq!(lens.distortion, Distortion::Rational);
    assert_eq!(lens.coefficients, [0.72, -2.89, 0.0008, -0.0001, 1.63, 0.6, -2.72, 1.57]);
    desk.write("a.yaml", info("", (1280, 720), "rational_polynomial", "0, 0, 0, 0, 0, 6, 0, 0"));
    desk.refused_with("calibrate-camera --colour a.yaml -o camera.toml", &["[colour] distortion cannot be inverted"]);
    desk.write("a.yaml", info("", (1280, 720), "equidistant", "0.1, 0, 0, 0"));
    desk.refused_with("calibrate-camera --colour a.yaml -o camera.toml", &["a.yaml", "equidistant"]);
}

const CHAIN: &str = "cam0:
  camera_model: pinhole
  intrinsics: [640, 640, 320, 240]
  distortion_model: radtan
  distortion_coeffs: [0.1, -0.2, 0.001, -0.002]
  resolution: [640, 480]
  rostopic: /camera/color/image_raw
cam1:
  camera_model: pinhole
  intrinsics: [420, 420, 424, 240]
  distortion_model: radtan
  distortion_coeffs: [0, 0, 0, 0]
  resolution: [848, 480]
  rostopic: /camera/infra1/image_rect_raw
  T_cn_cnm1: [[1, 0, 0, 0.015], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
";

#[test]
fn kalibrs_chain_is_read() {
    let desk = Desk::new();
    desk.write("chain.yaml", CHAIN);
    let line = "calibrate-camera --colour chain.yaml --depth chain.yaml --extrinsics chain.yaml -o camera.toml";
    let run = desk.done(line);
    for words in
        ["colour (cam0 (/camera/color/image_raw)): 640 x 480", "from cam1 to cam0 by T_cn_cnm1", "15.0 mm right of"]
    {
        assert!(run.err.contains(words), "{words}: {}", run.err);
    }
    let file = CameraFile::read(&desk.path("camera.toml")).unwrap();
    assert_eq!((file.colour.width, file.depth.unwrap().width), (640, 848));
    // From cam1, depth, back to cam0.
    assert_eq!(file.depth_to_colour.unwrap().translation_m, [-0.015, 0.0, 0.0]);
    let exchanged = format!("{line} --colour-camera cam1 --depth-camera cam0");
    desk.refused_with(
        &exchanged,
        &["rostopic \"/camera/infra1", "rostopic \"/camera/color", "exchange --colour and --depth"],
    );
    desk.refused_with(&format!("{line} --camera-1 depth"), &["leave out --camera-1"]);
    desk.refused_with(&format!("{line} --colour-size 1280x720"), &["cam0 is for 640 x 480"]);
    desk.write("mute.yaml", CHAIN.replace("/camera/color", "/cam0").replace("/camera/infra1", "/cam1"));
    let mute = line.replace("chain", "mute");
    desk.refused_with(&mute, &["which camera is the colour imager is not told", "--colour-camera"]);
    desk.done(&format!("{mute} --colour-camera cam0 --depth-camera cam1"));
    assert_eq!(CameraFile::read(&desk.path("camera.toml")).unwrap().depth_to_colour, file.depth_to_colour);
    desk.write("a.yaml", info("", (640, 480), "plumb_bob", "0, 0, 0, 0, 0"));
    desk.refused_with(
        "calibrate-camera --colour a.yaml --colour-camera cam0 -o camera.toml",
        &["no camchain of Kalibr"],
    );
}
