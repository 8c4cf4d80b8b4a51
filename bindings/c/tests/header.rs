//! The header in the repository is the one that the source says. CROSSCHECK_WRITE_REFERENCE=1 writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};

/// In the order in which a reader needs them.
const SOURCES: [&str; 10] =
    ["version", "status", "text", "options", "inspector", "camera", "frame", "results", "inspect", "parts"];

/// The header without the sections on safety, which are for Rust: from their heading to the end of their comment.
fn without_safety(header: &str) -> String {
    let mut kept = String::new();
    let mut is_safety = false;
    for line in header.lines() {
        let line = line.trim_end();
        if line.trim_start() == "// # Safety" {
            is_safety = true;
            // With the empty line before it.
            kept.truncate(kept.trim_end_matches("//\n").len());
        }
        is_safety &= line.trim_start().starts_with("//");
        if !is_safety {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

fn made() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let part = |name: &str, value: &str| format!("#define CROSSCHECK_VERSION{name} {value}\n");
    let version = part("", concat!("\"", env!("CARGO_PKG_VERSION"), "\""))
        + &part("_MAJOR", env!("CARGO_PKG_VERSION_MAJOR"))
        + &part("_MINOR", env!("CARGO_PKG_VERSION_MINOR"))
        + &part("_PATCH", env!("CARGO_PKG_VERSION_PATCH"));
    config.after_includes = Some(format!("\n/* The version of this header. */\n{version}"));
    let source = |name: &str| folder.join(format!("src/{name}.rs"));
    let builder =
        SOURCES.iter().fold(Builder::new().with_config(config), |builder, name| builder.with_src(source(name)));
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    without_safety(&String::from_utf8(header).unwrap())
}

#[test]
fn the_reference_of_c_is_made_of_the_source() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/crosscheck.h");
    let made = made();
    if std::env::var_os("CROSSCHECK_WRITE_REFERENCE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    assert!(
        kept == made,
        "include/crosscheck.h differs from the source at line {:?}; CROSSCHECK_WRITE_REFERENCE=1 cargo test -p crosscheck-c --test header writes it",
        differs.map(|line| line + 1)
    );
}

#[test]
fn the_header_has_every_function_and_no_word_of_rust() {
    let made = made();
    let sources =
        SOURCES.map(|name| fs::read_to_string(format!("{}/src/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap());
    let functions: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split("extern \"C\" fn ").skip(1))
        .filter_map(|rest| rest.split('(').next())
        .collect();
    assert!(functions.len() > 8, "{functions:?}");
    let missing: Vec<_> = functions.iter().filter(|name| !made.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for word in ["Safety", "Option<", "null()", "[`", "::"] {
        assert!(!made.contains(word), "the header says {word}");
    }
}
