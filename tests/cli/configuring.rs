//! The messages about a station's configuration that its owner reads.

use crate::program::Desk;

const EXAMPLE: &str = include_str!("../../systemd/station.example.toml");

#[test]
fn a_configuration_is_printed_with_every_default() {
    let desk = Desk::new();
    desk.write("station.toml", EXAMPLE);
    let out = desk.done("check-config station.toml").out;
    for line in ["path = \"bracket.safetensors\"", "gap_ms = 10.0", "priority = 80", "bind = \"127.0.0.1:8080\""] {
        assert!(out.lines().any(|printed| printed == line), "{line} is missing in\n{out}");
    }
    // What is printed is a configuration itself.
    desk.write("again.toml", &out);
    assert_eq!(desk.done("check-config again.toml").out, out);
}

#[test]
fn a_configuration_that_cannot_be_is_refused_with_what_is_wrong() {
    let desk = Desk::new();
    desk.write("station.toml", EXAMPLE.replace("pulse_ms", "puls_ms"));
    desk.refused_with("check-config station.toml", &["station.toml, line", "puls_ms", "did you mean `pulse_ms`?"]);
    let wrong =
        EXAMPLE.replace("pulse_ms = 30.0", "pulse_ms = 0").replace("counts_per_s_max = 2000", "counts_per_s_max = 0");
    desk.write("station.toml", wrong);
    desk.refused_with("check-config station.toml", &["reject.pulse_ms is 0", "encoder.counts_per_s_max is 0", "60000"]);
    desk.write("station.toml", [0xff, 0xfe, 0x00]);
    desk.refused_with("check-config station.toml", &["station.toml"]);
    desk.refused_with("check-config none.toml", &["cannot read none.toml"]);
    desk.refused_with("check-config .", &["cannot read ."]);
}

#[test]
fn a_replay_of_depth_images_needs_its_camera_file() {
    // Otherwise the station would start, and refuse every frame.
    let desk = Desk::new();
    for kind in ["rgb", "xyz"] {
        std::fs::create_dir_all(desk.path("recording").join(kind)).unwrap();
    }
    let (rgb, xyz) = (image::RgbImage::new(8, 6), image::ImageBuffer::<image::Luma<u16>, Vec<u16>>::new(8, 6));
    rgb.save(desk.path("recording/rgb/0.png")).unwrap();
    xyz.save(desk.path("recording/xyz/0.png")).unwrap();
    desk.write("station.toml", EXAMPLE);
    let words = ["recording/xyz/0.png is a depth image", "camera.replay.camera_file"];
    desk.refused_with("check-config station.toml", &words);
    desk.write("station.toml", EXAMPLE.replacen("# camera_file", "camera_file", 1));
    desk.refused_with("check-config station.toml", &["cannot read camera.toml"]);
    desk.write("camera.toml", "fx = 8.0\nfy = 8.0\ncx = 4.0\ncy = 3.0\ndepth_unit_m = 0.001\n");
    assert!(desk.done("check-config station.toml").out.contains("camera_file = \"camera.toml\""));
}

#[test]
fn a_camera_of_two_nodes_is_checked_with_its_file_before_it_is_opened() {
    let desk = Desk::new();
    let (from, to) = (EXAMPLE.find("[camera]").unwrap(), EXAMPLE.find("[trigger]").unwrap());
    let station = |nodes: &str, more: &str| {
        let camera =
            format!("[camera]\nsource = \"v4l\"\n[camera.v4l]\ncamera_file = \"camera.toml\"\n{nodes}\n{more}\n");
        desk.write("station.toml", [&EXAMPLE[..from], &camera, &EXAMPLE[to..]].concat());
    };
    let lens = |width: u32, height: u32| {
        format!("width = {width}\nheight = {height}\nfx = 500\nfy = 500\ncx = {}\ncy = {}\n", width / 2, height / 2)
    };
    let file = |unit: &str| {
        format!(
            "{unit}\n[colour]\n{}[depth]\n{}[depth_to_colour]\nrotation = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\n\
             translation_m = [0.015, 0, 0]\n",
            lens(1280, 720),
            lens(848, 480)
        )
    };
    let nodes = "colour = \"/dev/video0\"\ndepth = \"/dev/video2\"\nwidth = 1280\nheight = 720\ndepth_width = 848\n\
                 depth_height = 480";
    desk.write("camera.toml", file("depth_unit_m = 0.001"));
    station(nodes, "");
    desk.done("check-config station.toml");
    for (nodes, more, words) in [
        (nodes, "colour_format = \"H264\"", ["camera.v4l.colour_format is \"H264\"", "RGB3, YUYV, MJPG, GREY"]),
        (&nodes.replace("video2", "video0"), "", ["are the same node", "name two"]),
        (&nodes.replace("1280", "640"), "", ["colour image is 640 x 720", "1280 x 720"]),
        (&nodes.replace("depth_width = 848", "depth_width = 640"), "", ["depth image is 640 x 480", "848 x 480"]),
    ] {
        station(nodes, more);
        desk.refused_with("check-config station.toml", &words);
    }
    station(nodes, "");
    for (unit, words) in [
        ("depth_unti_m = 0.001", ["camera.toml", "did you mean `depth_unit_m`?"]),
        ("depth_unit_m = 1", ["depth_unit_m is 1 ", "0.001 for millimetres"]),
    ] {
        desk.write("camera.toml", file(unit));
        desk.refused_with("check-config station.toml", &words);
    }
}

#[test]
#[cfg(unix)]
fn a_secret_that_others_may_read_is_refused_or_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let set = |name: &str, mode: u32| {
        std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    desk.write("password", "mortadella");
    let mqtt = "[mqtt]\nhost = \"localhost\"\nusername = \"a\"\npassword_file = \"password\"\n";
    desk.write("station.toml", format!("{EXAMPLE}\n{mqtt}"));
    let words = ["station.toml is not valid", "mqtt.password_file: password has the mode 644", "chmod 640 password"];
    set("password", 0o644);
    desk.refused_with("check-config station.toml", &words);
    desk.refused_with("run --config station.toml", &words);
    set("password", 0o640);
    let checked = desk.done("check-config station.toml");
    assert_eq!(checked.err, "");
    assert!(checked.out.contains("password_file") && !checked.out.contains("mortadella"), "{}", checked.out);
    desk.write("station.toml", format!("{EXAMPLE}\n{}", mqtt.replace("localhost", "broker.plant")));
    let warned = desk.done("check-config station.toml").err;
    assert!(warned.contains("sent unencrypted to broker.plant:1883") && !warned.contains("mortadella"), "{warned}");

    let keys = "tls = true\nclient_certificate_file = \"line.pem\"\nclient_key_file = \"line.key\"\n";
    desk.write("station.toml", format!("{EXAMPLE}\n[mqtt]\nhost = \"broker\"\n{keys}"));
    desk.write("line.key", "mortadella");
    set("line.key", 0o644);
    let words = ["mqtt.client_key_file: line.key has the mode 644", "chmod 640 line.key"];
    desk.refused_with("check-config station.toml", &words);
    desk.refused_with("run --config station.toml", &words);

    desk.write("station.toml", EXAMPLE.replace("# token = ", "token = "));
    set("station.toml", 0o644);
    let warned = desk.done("check-config station.toml").err;
    assert!(warned.contains("view.token: station.toml has the mode 644"), "{warned}");
    set("station.toml", 0o640);
    assert_eq!(desk.done("check-config station.toml").err, "");
}
