//! Keys and signatures from the command line.

use crate::program::Desk;

#[test]
fn an_engine_is_signed_and_checked() {
    let desk = Desk::new();
    let public = desk.done("sign keygen plant.key").out.trim().to_owned();
    let secret = String::from_utf8(desk.read("plant.key")).unwrap();
    let run = desk.run("sign keygen plant.key");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("there already") && !run.err.contains(secret.lines().nth(1).unwrap()), "{}", run.err);
    desk.done("import --variant tiny --seeded 7 --output engine");
    desk.refused_with(
        "sign verify engine --key plant.key.pub",
        &["has no signature", "engine.minisig", "crosscheck sign"],
    );
    let run = desk.done("sign engine --key plant.key");
    assert!(run.err.contains("wrote engine.minisig"), "{}", run.err);
    for key in ["plant.key.pub", &public] {
        assert!(desk.done(&format!("sign verify engine --key {key}")).out.contains("engine: signed by key"));
    }
    // Another engine in its place: the signature beside it is said to be of the one before.
    let run = desk.done("import --variant tiny --seeded 8 --output engine");
    assert!(run.err.contains("engine.minisig is of what engine was before"), "{}", run.err);
    desk.refused_with("sign verify engine --key plant.key.pub", &["engine is refused", "engine.minisig"]);
    desk.done("sign keygen other.key");
    desk.done("sign engine --key other.key");
    desk.refused_with("sign verify engine --key plant.key.pub", &["is by key"]);
    desk.done("sign verify engine --key plant.key.pub --key other.key.pub");
    // What is no engine is not signed.
    desk.refused_with("sign plant.key.pub --key plant.key", &["plant.key.pub is not an engine file"]);
    desk.refused_with("sign engine --key plant.key.pub", &["cannot use the secret key plant.key.pub"]);
    desk.refused_with("sign engine", &["--key"]);
}

#[test]
fn keys_of_a_configuration_are_checked_with_it() {
    let desk = Desk::new();
    let example = include_str!("../../systemd/station.example.toml");
    let station =
        |keys: &str| desk.write("station.toml", example.replacen("[engine]", &format!("[engine]\n{keys}"), 1));
    desk.done("sign keygen plant.key");
    station("keys = [\"plant.key.pub\"]");
    let out = desk.done("check-config station.toml").out;
    assert!(out.contains("plant.key.pub"), "{out}");
    station("keys = [\"plant.key\"]");
    desk.refused_with("check-config station.toml", &["plant.key\" is no public key", ".pub file"]);
    station("keys = []");
    desk.refused_with("check-config station.toml", &["engine.keys is empty"]);
}
