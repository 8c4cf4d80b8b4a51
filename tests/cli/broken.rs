//! Input files that are cut, changed or of another kind, and output folders that cannot be written to.

use crate::program::{Desk, Run, shared};
use crate::support::part;

const INSPECT: &str = "inspect --engine engine.safetensors --rgb rgb.png --xyz xyz.tiff";

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(shared(name)).unwrap()
}

/// `bytes` with `from` replaced by `to`, of the same length so that nothing moves.
fn with(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap_or_else(|| panic!("no {from}"));
    [&bytes[..at], to.as_bytes(), &bytes[at + to.len()..]].concat()
}

#[test]
fn frames_that_are_cut() {
    let desk = Desk::with(&part::frame(0, None));
    let (rgb, xyz) = (desk.read("rgb.png"), desk.read("xyz.tiff"));
    let photograph = image::load_from_memory(&rgb).unwrap();
    photograph.save(desk.path("rgb.jpg")).unwrap();
    let jpeg = desk.read("rgb.jpg");
    let complete = "check that the file is complete";
    for share in [0, 1, 5, 9] {
        let cut = |bytes: &[u8]| bytes[..bytes.len() * share / 10].to_vec();
        desk.write("cut.png", cut(&rgb));
        desk.write("cut.jpg", cut(&jpeg));
        desk.write("cut.tiff", cut(&xyz));
        for line in ["--rgb cut.png --xyz xyz.tiff", "--rgb cut.jpg --xyz xyz.tiff", "--rgb rgb.png --xyz cut.tiff"] {
            desk.refused_with(&format!("inspect --engine @fitted {line} --out out"), &["cannot read cut.", complete]);
        }
    }
}

#[test]
fn engines_that_are_cut_changed_or_none() {
    let desk = Desk::with(&part::frame(0, None));
    let whole = bytes("fitted");
    let mut tampered = whole.clone();
    *tampered.last_mut().unwrap() ^= 1;
    let misshapen = with(
        &whole,
        r#""rgb.cls_token":{"dtype":"F16","shape":[1,1,"#,
        r#""rgb.cls_token":{"dtype":"F16","shape":[1,01"#,
    );
    let cases = [
        (whole[..whole.len() - 1].to_vec(), vec!["damaged", "bytes where", "copy or import it again"]),
        (whole[..whole.len() / 2].to_vec(), vec!["damaged", "bytes where"]),
        (whole[..100].to_vec(), vec!["is not an engine file", "crosscheck import"]),
        (Vec::new(), vec!["is not an engine file"]),
        (with(&whole, r#"\"format\":1,"#, r#"\"format\":2,"#), vec!["has format 2", "reads format 1", "make it again"]),
        (tampered, vec!["damaged", "hash"]),
        (with(&whole, r#"\"keep\":\"largest\""#, r#"\"keep\":\"LARGEST\""#), vec!["damaged", "settings"]),
        (misshapen, vec!["header"]),
        (bytes("golden/metrics.safetensors"), vec!["is not an engine file", "something else"]),
        (bytes("golden/checkpoints/zip.pth"), vec!["is not an engine file"]),
    ];
    for (bytes, words) in cases {
        desk.write("engine.safetensors", bytes);
        let words: Vec<&str> = words.into_iter().chain(["engine.safetensors"]).collect();
        desk.refused_with(INSPECT, &words);
        for command in
            ["bench", "calibrate --nominal @held", "fit --nominal @good --output new", "evaluate --dataset @good"]
        {
            desk.refused_with(&format!("{command} --engine engine.safetensors"), &words);
        }
    }
}

#[test]
fn a_misshapen_tensor_is_named() {
    let desk = Desk::with(&part::frame(0, None));
    let whole = bytes("tiny");
    let name = r#""rgb.cls_token":{"dtype":"F16","shape":"#;
    desk.write("engine.safetensors", with(&whole, &format!("{name}[1,1,768]"), &format!("{name}[1,768,1]")));
    desk.refused_with(INSPECT, &["damaged", "rgb.cls_token", "[1, 1, 768]", "[1, 768, 1]"]);
    desk.write("engine.safetensors", with(&whole, r#""rgb.cls_token":"#, r#""rgb.cls_taken":"#));
    desk.refused_with(INSPECT, &["damaged", "rgb.cls_token", "found nothing"]);
}

#[test]
fn an_engine_without_mappings_is_to_be_fitted() {
    let desk = Desk::with(&part::frame(0, None));
    let line = INSPECT.replace("engine.safetensors", "@default");
    for line in [&line, "calibrate --engine @default --nominal @held --output new"] {
        desk.refused_with(line, &["no mappings yet", "fit it on good parts"]);
    }
}

#[test]
fn plans_are_built_only_of_a_fitted_engine() {
    let desk = Desk::new();
    desk.refused_with("engine build --target sm89", &["--engine <ENGINE>"]);
    // The engine is checked before the frames are looked for.
    let unfitted = "engine build --engine @default --target this --frames none";
    desk.refused_with(unfitted, &["no mappings yet", "give --engine", "crosscheck fit"]);
}

#[test]
fn weight_files_that_are_cut_or_of_something_else() {
    let desk = Desk::new();
    let import = "import --variant tiny --rgb weights --xyz weights --output new";
    for name in ["golden/checkpoints/zip.pth", "golden/checkpoints/legacy.pth", "golden/tiny-a.safetensors"] {
        let whole = bytes(name);
        for length in [0, 5, whole.len() / 2, whole.len() - 1] {
            desk.write("weights", &whole[..length]);
            desk.refused_with(import, &["weights"]);
        }
        desk.write("weights", whole);
        desk.refused_with(import, &["weights: it does not hold"]);
    }
    desk.write("weights", "<!DOCTYPE html>");
    desk.refused_with(import, &["expected weights saved by PyTorch", "<!DOCTYPE"]);
}

/// The command under a limit on the size of files, which fails a write as a full disk does.
#[cfg(unix)]
fn on_a_full_disk(desk: &Desk, blocks: usize, line: &str) -> Run {
    let command = desk.command(line);
    let mut shell = std::process::Command::new("sh");
    // Ignored, the signal becomes an error of the write.
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    shell.args(["-c", &limited]).arg(command.get_program()).args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap()).env_remove("RUST_LOG").output().unwrap().into()
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_what_was_there() {
    let desk = Desk::with(&part::frame(0, None));
    desk.write("old.safetensors", bytes("fitted"));
    desk.write("out/anomaly_map.tiff", "old");
    for (line, words) in [
        ("import --variant tiny --seeded 1 --output old.safetensors", "cannot write the engine old.safetensors"),
        ("import --variant tiny --seeded 1 --output new.safetensors", "cannot write the engine new.safetensors"),
        ("fit --engine @default --nominal @good --epochs 1 --output old.safetensors", "cannot write the engine"),
        ("calibrate --engine old.safetensors --nominal @held --false-reject-rate 0.4", "cannot write the engine"),
        ("inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff --out out", "cannot write out/anomaly_map.tiff"),
    ] {
        let before = desk.files();
        let run = on_a_full_disk(&desk, 16, line);
        assert_eq!(run.code, Some(2), "{line}: {}", run.err);
        assert!(run.err.contains(words) && run.out.is_empty(), "{line}: {}{}", run.out, run.err);
        assert!(desk.files() == before, "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_printed_is_an_error() {
    let desk = Desk::with(&part::frame(0, None));
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let inspect = "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff";
    for line in [inspect, "bench --engine @fitted --frames 1"] {
        let run: Run = desk.command(line).stdout(full()).output().unwrap().into();
        assert!(run.code == Some(2) && run.err.contains("cannot print the result"), "{line}: {}", run.err);
    }
    // Nor does an error that nobody can read become a panic.
    let run = desk.command("inspect --engine none --rgb rgb.png --xyz xyz.tiff").stderr(full()).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let run = desk.command("import --variant tiny --seeded 1 --output new").stderr(full()).output().unwrap();
    assert_eq!(run.status.code(), Some(0));
}
