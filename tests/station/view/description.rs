//! The description of the interface, beside what is answered and what the documents tell.

use serde_json::Value;

use super::{Desk, post};

/// Each path with its methods.
fn described(document: &Value) -> Vec<(String, Vec<String>)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |of: &Value| of.as_object().unwrap().keys().cloned().collect();
    paths.iter().map(|(path, of)| (path.clone(), methods(of))).collect()
}

#[test]
fn what_is_described_is_answered() {
    let desk = Desk::new(None);
    let document: Value = serde_json::from_slice(&desk.client().get("/openapi.json").body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let described = described(&document);
    assert!(described.len() >= 11, "{described:?}");
    for (path, methods) in described {
        for method in methods {
            match method.as_str() {
                "get" if path == "/events" => {}
                // Of a part that is not there.
                "get"
                    if path.contains('{')
                        || path.ends_with("parts.json")
                        || path.ends_with("review.json")
                        || path == "/teach.json"
                        || path == "/charts.json" =>
                {
                    let of_none = path.replace("{number}", "1");
                    assert_eq!(desk.client().get(&of_none).status, 404, "{path}");
                }
                "get" => assert!([200, 503].contains(&desk.client().get(&path).status), "{path}"),
                "post" if path.starts_with("/log") => {}
                "post" => {
                    let path = path.replace("{number}", "1");
                    assert_eq!(post(&desk, &path, None, "on"), 403, "{path}");
                }
                other => panic!("{other} {path} has no test"),
            }
        }
    }
}

#[test]
fn the_documents_tell_every_path() {
    let root = env!("CARGO_MANIFEST_DIR");
    let page = std::fs::read_to_string(format!("{root}/docs/station/page.md")).unwrap();
    let document: Value = serde_json::from_str(&crosscheck::view::openapi()).unwrap();
    for (path, methods) in described(&document) {
        let shown = match methods.iter().any(|method| method == "post") {
            true => format!("`POST {path}`"),
            false => format!("`{path}`"),
        };
        assert!(page.contains(&shown), "docs/station/page.md does not tell {shown}");
    }
}
