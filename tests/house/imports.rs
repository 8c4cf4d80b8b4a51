//! The order of imports in src: no circle of files, no circle of rooms, and what a room may not know.
//!
//! A room is a top module of src with all that is in it. A name that is re-exported counts to the file that defines it, so
//! that a parent may re-export what its children import from one another.

mod graph;
mod source;

use std::path::Path;

use crate::{files, name, read};
use graph::Graph;

/// From the lowest to the highest: a room imports none of those behind it in its row.
const ORDERS: [&[&str]; 9] = [
    &["shapes", "model", "fold", "onnx", "backend", "inspect", "runtime", "cli"],
    &["frame", "prepare", "backend"],
    &["frame", "prepare", "areas", "gap", "inspect"],
    &["areas", "defects", "inspect"],
    &["files", "dataset", "evaluate", "review", "cli"],
    &["inspect", "review"],
    &["reject", "runtime"],
    &["people", "action", "audit"],
    &["sqlite", "audit"],
];
/// Nothing imports this room: it is the program, and the rest is the library.
const TOP: &str = "cli";
/// The rooms that know of a feature.
const FEATURES: [(&str, &[&str]); 6] = [
    ("cuda", &["backend"]),
    ("tensorrt", &["backend"]),
    ("mqtt", &["mqtt"]),
    ("v4l", &["camera"]),
    ("realsense", &["camera"]),
    ("genicam", &["camera"]),
];

/// What is wrong with the imports of files, each as a line of text.
fn violations(files: &[(String, String)]) -> Vec<String> {
    let graph = Graph::new(files);
    let mut found: Vec<String> = graph.circles().iter().map(|circle| format!("a circle of files:\n{circle}")).collect();
    found.extend(graph.circles_of_rooms().iter().map(|circle| format!("a circle of rooms:\n{circle}")));
    for (from, to, names) in graph.imports_between_rooms() {
        let before = |order: &&[&str]| {
            let place = |room: &str| order.iter().position(|other| *other == room);
            place(&from).zip(place(&to)).is_some_and(|(from, to)| from < to)
        };
        if ORDERS.iter().any(before) || to == TOP {
            found.push(format!("{from} imports {names} of {to}, which stands above it"));
        }
    }
    for (file, feature) in graph.features() {
        let room = file.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
        let owners = FEATURES.iter().find(|(name, _)| *name == feature).map_or(&[][..], |(_, rooms)| rooms);
        if !owners.contains(&room) {
            found.push(format!("{file} asks for the feature {feature}, which is {}'s", owners.join(" and ")));
        }
    }
    found
}

#[test]
fn imports_of_src_point_one_way() {
    let paths = files(Path::new("src"), &["rs"]).into_iter();
    let files: Vec<(String, String)> = paths.map(|path| (name(&path), read(path))).collect();
    let is_there = |room: &str| files.iter().any(|(file, _)| *file == format!("src/{room}.rs"));
    let named = ORDERS.iter().copied().chain(FEATURES.iter().map(|(_, rooms)| *rooms)).flatten();
    let missing = named.filter(|room| !is_there(room)).map(|room| format!("there is no room {room} to keep an order"));
    let found: Vec<String> = missing.chain(violations(&files)).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_page_on_the_architecture_shows_the_orders() {
    let text = read("docs/architecture.md");
    let shown: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    for order in ORDERS.map(|order| order.join(" -> ")) {
        assert!(shown.contains(&order.as_str()), "docs/architecture.md lacks the order {order}");
    }
}

/// What is wrong with a made-up tree.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    violations(&files.iter().map(|(file, text)| (format!("src/{file}.rs"), text.to_string())).collect::<Vec<_>>())
}

#[test]
fn a_circle_is_found_over_several_files_with_the_names_imported() {
    let tree = [
        ("lib", "mod a; mod b; mod c;"),
        ("a", "use crate::b::{self, inner::{Two as Other}}; pub struct One; fn f() { b::go() }"),
        ("b", "pub mod inner; pub fn go() {}"),
        ("b/inner", "use crate::c::Three; pub struct Two;"),
        ("c", "pub struct Three(super::a::One);"),
    ];
    let found = of(&tree);
    assert_eq!(found.len(), 2, "{found:?}");
    let files = "  src/a.rs -> src/b/inner.rs: Two\n  src/b/inner.rs -> src/c.rs: Three\n  src/c.rs -> src/a.rs: One";
    assert!(found[0] == format!("a circle of files:\n{files}") && found[1].contains("a circle of rooms"), "{found:?}");
    let mut open = tree;
    open[4].1 = "pub struct Three;";
    assert_eq!(of(&open), [""; 0]);
}

#[test]
fn a_parent_and_its_child_may_be_a_circle() {
    let of_parent = |text: &str| of(&[("lib", "mod a;"), ("a", text), ("a/b", "use super::One; pub struct Two;")]);
    for text in [
        "mod b; pub struct One; fn f(two: b::Two) {}",
        "mod b; pub struct One; use b::*;",
        "mod b; pub struct One; use self::b::Two;",
        "mod b; pub struct One; mod inside { use super::b::Two; }",
        "mod b; pub struct One; fn f() { println!(\"{}\", b::Two) }",
        "mod b; pub struct One; fn f() { use b::Two; }",
    ] {
        assert_eq!(
            of_parent(text),
            ["a circle of files:\n  src/a.rs -> src/a/b.rs: Two\n  src/a/b.rs -> src/a.rs: One"
                .replace(": Two", if text.contains('*') { ": *" } else { ": Two" })]
        );
    }
    assert_eq!(of_parent("mod b; pub struct One; pub use b::Two;"), [""; 0]);
    assert_eq!(of_parent("mod b; pub struct One; #[cfg(test)] mod tests { use super::b::Two; }"), [""; 0]);
}

#[test]
fn a_name_counts_to_the_file_that_defines_it() {
    for exported in [
        "pub use error::Error;",
        "pub(crate) use error::*;",
        "pub use self::error::Error as Fault; pub use error::Error;",
    ] {
        let parent = format!("mod error; mod use_it; {exported} fn f() {{ use_it::go() }}");
        let tree = [
            ("lib", "mod a;"),
            ("a", &parent),
            ("a/error", "pub struct Error;"),
            ("a/use_it", "use super::Error; pub fn go() {}"),
        ];
        assert_eq!(of(&tree), [""; 0], "{exported}");
    }
    let private = [
        ("lib", "mod a;"),
        ("a", "mod error; mod use_it; use error::Error; fn f() { use_it::go() }"),
        ("a/error", "pub struct Error;"),
        ("a/use_it", "use super::Error; pub fn go() {}"),
    ];
    assert_eq!(of(&private).len(), 1);
}

#[test]
fn a_room_that_stands_above_is_found() {
    let found = of(&[("lib", ""), ("model", "use crate::onnx::Graph;"), ("onnx", "pub struct Graph;")]);
    assert_eq!(found, ["model imports Graph of onnx, which stands above it"]);
    let found = of(&[("lib", ""), ("view", "fn f() { crate::cli::run() }"), ("cli", "pub fn run() {}")]);
    assert_eq!(found, ["view imports run of cli, which stands above it"]);
    assert_eq!(of(&[("lib", ""), ("onnx", "use crate::model::M;"), ("model", "pub struct M;")]), [""; 0]);
}

#[test]
fn a_feature_in_another_room_is_found() {
    for text in ["#[cfg(feature = \"cuda\")] fn f() {}", "fn f() -> bool { cfg!(all(feature = \"cuda\", unix)) }"] {
        let found = of(&[("lib", ""), ("view/page", text), ("backend", text)]);
        assert_eq!(found, ["src/view/page.rs asks for the feature cuda, which is backend's"], "{text}");
    }
}
