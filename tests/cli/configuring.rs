//! A station's configuration as its owner meets it.

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
