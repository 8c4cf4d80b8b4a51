//! The house rules that a machine can check: short files, short functions, no panic on what the world may do.

mod rust;

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const FOLDERS: [&str; 4] = ["src", "tests", "engines", "ci"];
const EXTENSIONS: [&str; 3] = ["rs", "cu", "py"];

/// What is wrong with one file, as lines of `path:line: what`. Only Rust is looked into.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        found.push(format!("{path}:{lines}: the file has {lines} lines, at most {FILE_LINES_MAX} are allowed"));
    }
    if !path.ends_with(".rs") {
        return found;
    }
    let source = rust::Source::new(text);
    for function in source.functions().iter().filter(|f| f.lines > FUNCTION_LINES_MAX) {
        let rust::Function { name, line, lines } = function;
        found.push(format!("{path}:{line}: fn {name} has {lines} lines, at most {FUNCTION_LINES_MAX} are allowed"));
    }
    // A module of tests in a file of its own.
    if path.starts_with("src") && !path.ends_with("/tests.rs") {
        let panics = source.lines_outside_tests(&[".unwrap()", ".expect("]);
        let say =
            |line| format!("{path}:{line}: unwrap or expect outside tests: return an error, or say why it panics");
        found.extend(panics.into_iter().map(say));
    }
    found
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| EXTENSIONS.iter().any(|known| e == *known)) {
            found.push(path);
        }
    }
}

#[test]
fn every_file_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    FOLDERS.iter().map(|f| root.join(f)).filter(|f| f.exists()).for_each(|f| files(&f, &mut paths));
    paths.sort();
    assert!(paths.iter().any(|p| p.ends_with("src/lib.rs")), "the walk did not reach src");
    let of_file = |path: &PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        violations(&name, &fs::read_to_string(path).unwrap())
    };
    let found: Vec<String> = paths.iter().flat_map(of_file).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

/// `count` lines, the first and the last a function's own.
fn function_of(count: usize) -> String {
    format!("fn long<'a>(x: &'a str) -> [u8; 2] {{\n{}}}\n", "    work();\n".repeat(count - 2))
}

#[test]
fn a_long_file_is_found() {
    let file = |lines: usize| "// line\n".repeat(lines);
    assert!(violations("engines/a.cu", &file(FILE_LINES_MAX)).is_empty());
    let found = violations("engines/a.cu", &file(FILE_LINES_MAX + 1));
    assert!(found[0].starts_with("engines/a.cu:401: "), "{found:?}");
}

#[test]
fn a_long_function_is_found() {
    assert!(violations("tests/a.rs", &function_of(FUNCTION_LINES_MAX)).is_empty());
    let text = format!("mod m {{\n{}}}\n", function_of(FUNCTION_LINES_MAX + 1));
    let found = violations("tests/a.rs", &text);
    assert!(found.len() == 1 && found[0].starts_with("tests/a.rs:2: fn long has 71 lines"), "{found:?}");
}

#[test]
fn what_only_looks_like_a_brace_does_not_hide_a_long_function() {
    let tricks = [
        r##"let raw = r#"a quote " and } "#;"##,
        r##"let raw = br#"a quote " and } "#;"##,
        r#"let text = "an escaped \" and }";"#,
        r"let letter = '}';",
        r"let quote = '\'';",
        r"let slash = '\\'; // }",
        "/* } /* } */ } */",
        r#"let bytes = b"}"; let byte = b'}';"#,
        "let f: fn(u8) -> u8 = |x| x; 'outer: loop {}",
    ];
    for trick in tricks {
        let text = function_of(FUNCTION_LINES_MAX + 1).replacen("work();", trick, 1);
        let found = violations("tests/a.rs", &text);
        assert!(found.len() == 1 && found[0].contains("71 lines"), "{trick}: {found:?}");
    }
}

#[test]
fn a_panic_is_found_outside_tests_only() {
    let text = r#"
fn a() { "x.unwrap()"; } // .expect(
#[cfg(test)]
mod tests {
    fn b() { x.unwrap(); }
}
fn c() { x.unwrap_or(0); x.expected(); }
fn d() {
    x.expect("a reason");
    x.unwrap();
}
"#;
    let found = violations("src/a.rs", text);
    let at = |line: usize| format!("src/a.rs:{line}: ");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with(&at(9)) && found[1].starts_with(&at(10)), "{found:?}");
    assert!(violations("tests/a.rs", text).is_empty());
}
