//! A station's configuration: what is refused, and with which message.

mod recipe;

use std::path::Path;

use crosscheck::calibration::{Camera, StationCalibration};
use crosscheck::config::scene::Scene;
use crosscheck::config::{ConfigError, Station};
use crosscheck::text::TextError;

const EXAMPLE: &str = include_str!("../../systemd/station.example.toml");

/// The view's address; `[plc]` has one too.
const VIEW_BIND: &str = "bind = \"127.0.0.1:8080\"";

const SMALL: &str = r#"
[engine]
path = "e.safetensors"
[camera]
source = "synthetic"
[trigger]
source = "free"
[reject]
delay_ms = 500
decision_lead_ms = 5
pulse_ms = 30
[actuator]
sink = "log"
"#;

fn parse(text: &str) -> Result<Station, ConfigError> {
    Station::parse(text, Path::new("/etc/crosscheck/station.toml"))
}

/// What `text` is refused with.
fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_example_is_valid_and_its_comments_show_the_defaults() {
    let station = parse(EXAMPLE).unwrap();
    assert_eq!(station.engine.path, Path::new("/etc/crosscheck/bracket.safetensors"));
    // Uncomment what is given as a default: nothing may change.
    let defaults = ["frame_timeout_ms", "reopen_", "debounce_ms", "frame_offset_ms", "frame_window_ms", "stopped_ms"];
    let more = ["missing_pulses", "gap_ms", "merge", "polarity", "age_ms_max", "late_ms_max", "confirm_ms_max"];
    let rest =
        ["priority", "lock_memory", "heartbeat_ms", "quota_mb", "pass_share", "queue_frames_max", "enabled", VIEW_BIND];
    let shown: Vec<&str> = defaults.into_iter().chain(more).chain(rest).collect();
    let mut uncommented = 0;
    let line = |line: &str| {
        let key = line.strip_prefix("# ").filter(|key| shown.iter().any(|name| key.starts_with(name)));
        uncommented += usize::from(key.is_some());
        format!("{}\n", key.unwrap_or(line))
    };
    let text: String = EXAMPLE.lines().map(line).collect();
    assert_eq!(uncommented, shown.len() + 1, "reopen_ stands for two");
    assert_eq!(parse(&text).unwrap(), station);
}

#[test]
fn resolved_values_are_read_back_as_they_are() {
    for text in [EXAMPLE, SMALL] {
        let station = parse(text).unwrap();
        assert_eq!(parse(&toml::to_string(&station).unwrap()).unwrap(), station);
    }
}

#[test]
fn the_camera_file_of_a_replay_is_called_as_everywhere() {
    // The name `intrinsics`, which this file alone had, is still read.
    let replay = |key: &str| {
        let text =
            format!("\"replay\"\nreplay = {{ folder = \"frames\", {key} = \"camera.toml\", no_point = -9999.0 }}");
        parse(&SMALL.replace("\"synthetic\"", &text)).unwrap()
    };
    let station = replay("camera_file");
    let camera_file = station.camera.replay.as_ref().unwrap().camera_file.as_deref();
    assert_eq!(camera_file, Some(Path::new("/etc/crosscheck/camera.toml")));
    assert_eq!(replay("intrinsics"), station);
    let printed = toml::to_string(&station).unwrap();
    assert!(printed.contains("camera_file = ") && printed.contains("no_point = -9999.0"), "{printed}");
    let wrong = "\"replay\"\nreplay = { folder = \"frames\", no_point = nan }";
    assert!(refusal(&SMALL.replace("\"synthetic\"", wrong)).contains("camera.replay.no_point is not finite"));
}

#[test]
fn a_token_is_never_shown() {
    let station = parse(&format!("{SMALL}[view]\ntoken = \"a-very-secret-token\"")).unwrap();
    assert_eq!(station.view.token.as_ref().unwrap().reveal(), "a-very-secret-token");
    let shown = format!("{}{station:?}", toml::to_string(&station).unwrap());
    assert!(!shown.contains("very-secret") && shown.contains("(set)"), "{shown}");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one_and_its_line() {
    let error = refusal(&SMALL.replace("pulse_ms", "puls_ms"));
    assert!(error.contains("line 11") && error.contains("did you mean `pulse_ms`?"), "{error}");
    let error = refusal(&SMALL.replace("\"free\"", "\"gpoi\""));
    assert!(error.contains("did you mean `gpio`?"), "{error}");
    let error = refusal(&format!("{SMALL}[zzz]"));
    assert!(error.contains("unknown field `zzz`") && !error.contains("did you mean"), "{error}");
    let error = refusal(&SMALL.replace("pulse_ms = 30", ""));
    assert!(error.contains("missing field `pulse_ms`"), "{error}");
    let error = refusal(&SMALL.replace("500", "\"500\""));
    assert!(error.contains("line 9") && error.contains("string \"500\""), "{error}");
}

#[test]
fn a_value_out_of_its_range_is_refused_with_its_name_the_range_and_what_was_found() {
    let cases = [
        ("pulse_ms = 30", "pulse_ms = 0", "reject.pulse_ms is 0 where 0.1 to 60000 is expected"),
        ("pulse_ms = 30", "pulse_ms = nan", "reject.pulse_ms is NaN where"),
        ("delay_ms = 500", "delay_ms = 5", "reject.decision_lead_ms is 5 where less than reject.delay_ms, 5,"),
        ("delay_ms = 500", "delay_counts = 500", "give one pair"),
        ("pulse_ms = 30", "pulse_ms = 2", "reject.late_ms_max is 5 where at most reject.pulse_ms, 2,"),
        (
            "pulse_ms = 30",
            "pulse_ms = 30\nage_ms_max = 400",
            "reject.age_ms_max is 400 where at least reject.delay_ms, 500,",
        ),
        ("path = \"e.safetensors\"", "path = \"\"", "engine.path is empty"),
        ("path = \"e.safetensors\"", "path = \"e\"\nreview = 1", "give both"),
        ("path = \"e.safetensors\"", "path = \"e\"\nreview = 1\nthreshold = 0.5", "engine.review is 1 where at most"),
        ("\"synthetic\"", "\"replay\"", "without [camera.replay]"),
        ("\"synthetic\"", "\"synthetic\"\nreplay.folder = \"x\"", "[camera.replay] is given"),
        ("\"synthetic\"", "\"synthetic\"\nsynthetic.part = \"anvil\"", "one of puck, biscuit"),
        ("\"synthetic\"", "\"synthetic\"\nsynthetic.width = 63", "camera.synthetic.width is 63 where 64 to 4096"),
        ("\"synthetic\"", "\"synthetic\"\nsynthetic.height = 9999", "camera.synthetic.height is 9999 where 64 to 4096"),
        ("\"synthetic\"", "\"synthetic\"\nsynthetic.fixture = true", "camera.synthetic.fixture is true, but a fixture"),
        ("\"synthetic\"", "\"synthetic\"\nrealsense.serial = \"1\"", "[camera.realsense] is given"),
        ("\"synthetic\"", "\"realsense\"\nrealsense.preset = \"sharp\"", "one of default, hand, high_accuracy"),
        ("\"synthetic\"", "\"realsense\"\nrealsense.decimation = 1", "camera.realsense.decimation is 1 where 2 to 8"),
        ("\"synthetic\"", "\"realsense\"\nrealsense.colour = [0, 720]", "camera.realsense.colour is 0 where 16 to"),
        ("\"synthetic\"", "\"realsense\"\nrealsense.repeat = true", "without camera.realsense.recording"),
        (
            "\"synthetic\"",
            "\"realsense\"\nrealsense.recording = \"a.bag\"\nrealsense.laser_power = 9",
            "camera.realsense.laser_power is for cameras",
        ),
        ("\"free\"", "\"gpio\"", "without [gpio.trigger]"),
        ("\"free\"", "\"encoder\"", "without trigger.pitch_counts"),
        ("\"free\"", "\"encoder\"\npitch_counts = 9", "without [encoder]"),
        ("\"free\"", "\"free\"\npitch_counts = 9", "remove it"),
        ("\"log\"", "\"gpio\"", "without [gpio.reject]"),
        ("\"log\"", "\"log\"\npriority = 100", "actuator.priority is 100 where 1 to 99 is expected"),
        ("[actuator]", "[gpio.ready]\n[actuator]", "[gpio.ready] needs either"),
        ("[actuator]", "[gpio.ready]\noffset = 3\n[actuator]", "gpio.ready.offset needs a chip"),
        (
            "[actuator]",
            "[gpio]\nready.line = \"A\"\nfault.line = \"A\"\n[actuator]",
            "gpio.fault is the same GPIO line as gpio.ready",
        ),
        ("[actuator]", "[gpio.reject]\nline = \"R\"\nsafe_state = \"active\"\n[actuator]", "would let parts pass"),
        ("[actuator]", "[encoder]\ncounts_per_s_max = 10\n[actuator]", "without [gpio.encoder]"),
        ("[actuator]", "[record]\nfolder = \"r\"\nquota_mb = 1\n[actuator]", "record.quota_mb is 1 where 16 to"),
        ("[actuator]", "[view]\ntoken = \"short\"\n[actuator]", "view.token has 5 characters"),
        ("[actuator]", "[mqtt]\nhost = \"h\"\ntopic = \"a/#\"\n[actuator]", "no + or # is expected"),
        ("[actuator]", "[mqtt]\nhost = \"h\"\nca_file = \"c\"\n[actuator]", "mqtt.ca_file is given without mqtt.tls"),
        (
            "[actuator]",
            "[[regions.ignore]]\npolygon = [[0, 0], [1, 1]]\n[actuator]",
            "regions.ignore[0].polygon: the number of corners is 2",
        ),
        ("[actuator]", "[[regions.ignore]]\npolygon = [[0, 0], [1, 1], [1, -2]]\n[actuator]", "has -2 where pixels"),
        ("[actuator]", "[[regions.of_interest]]\n[actuator]", "regions.of_interest[0] needs either"),
    ];
    for (from, to, expected) in cases {
        assert!(SMALL.contains(from), "{from}");
        let error = refusal(&SMALL.replace(from, to));
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_lead_that_is_too_short_at_top_speed_is_refused() {
    let error = refusal(&EXAMPLE.replace("counts_per_s_max = 2000", "counts_per_s_max = 100000"));
    assert!(error.contains("reject.decision_lead_counts is 20, 0.200 ms"), "{error}");
    assert!(error.contains("encoder.stopped_ms is 200 where less than") && error.contains("8.000 ms"), "{error}");
}

#[test]
fn every_problem_is_named_at_once() {
    let error = refusal(&SMALL.replace("\"log\"", "\"log\"\npriority = 0").replace("pulse_ms = 30", "pulse_ms = -1"));
    assert!(error.contains("actuator.priority is 0") && error.contains("reject.pulse_ms is -1"), "{error}");
}

#[test]
fn a_file_that_is_not_there_or_far_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("station.toml");
    assert!(matches!(Station::read(&path), Err(ConfigError::Text(TextError::Read { .. }))));
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(matches!(Station::read(&path), Err(ConfigError::Text(TextError::TooLarge { .. }))));
}

/// Whether a file can be read, and if not, the refusal.
type Reader = fn(&Path) -> Result<(), String>;

const CAMERA: &str = "fx = 500\nfy = 500\ncx = 112\ncy = 112\ndepth_unit_m = 0.001\n";
const PLANE: &str = "normal = [0.0, 0.0, 1.0]\noffset_m = 0.5\n";

/// Every file of TOML that people write, and what reads it.
const FILES: [(&str, Reader); 4] = [
    (SMALL, |path| Station::read(path).map(drop).map_err(|e| e.to_string())),
    ("[scene]\npart = \"all\"\n", |path| Scene::read(path).map(drop).map_err(|e| e.to_string())),
    (CAMERA, |path| Camera::read(path).map(drop).map_err(|e| e.to_string())),
    (PLANE, |path| StationCalibration::read(path).map(drop).map_err(|e| e.to_string())),
];

#[test]
fn files_in_the_encodings_of_editors_are_read_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    for (text, read) in FILES {
        let text = format!("# Prüfstand\n{text}");
        let utf16 = std::iter::once(0xFEFF).chain(text.encode_utf16());
        let little: Vec<u8> = utf16.clone().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = utf16.flat_map(u16::to_be_bytes).collect();
        for bytes in [text.clone().into_bytes(), format!("\u{FEFF}{text}").into_bytes(), little, big] {
            std::fs::write(&path, bytes).unwrap();
            read(&path).unwrap();
        }
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        std::fs::write(&path, latin).unwrap();
        let error = read(&path).unwrap_err();
        let words = ["a.toml, line 1, column 5", "0xFC", "Latin-1", "Save it as UTF-8"];
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
