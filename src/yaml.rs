//! YAML as a tree, for the small files that other programs write: calibrations and metadata.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// Mappings and sequences inside one another.
const DEPTH_MAX: usize = 16;
/// The first line of OpenCV's files, `%YAML:1.0` or `%YAML 1.0`, which is not valid YAML.
const HEAD: &str = "%YAML";

/// A value, as text where it is a scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(BTreeMap<String, Node>),
}

/// An open sequence, or an open mapping with the key whose value comes next.
enum Open {
    Sequence(Vec<Node>),
    Mapping(BTreeMap<String, Node>, Option<String>),
}

impl Node {
    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Mapping(entries) => entries.get(key),
            _ => None,
        }
    }

    /// The keys and values of a mapping.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let entries = match self {
            Self::Mapping(entries) => Some(entries),
            _ => None,
        };
        entries.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    pub fn scalar(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub fn sequence(&self) -> Option<&[Node]> {
        match self {
            Self::Sequence(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// Every value under `key` in this node and in those within it.
    pub fn all<'a>(&'a self, key: &str) -> Vec<&'a Node> {
        let own = self.get(key);
        let nodes: Box<dyn Iterator<Item = &Node>> = match self {
            Self::Scalar(_) => Box::new(std::iter::empty()),
            Self::Sequence(nodes) => Box::new(nodes.iter()),
            Self::Mapping(entries) => Box::new(entries.values()),
        };
        own.into_iter().chain(nodes.flat_map(|node| node.all(key))).collect()
    }
}

/// Reads the first document of a text, whose length the caller has bounded; a text without one is an empty mapping.
/// Aliases are refused, so that a small file cannot become a large tree. Keys that come twice are refused too.
pub fn parse(text: &str) -> Result<Node, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The line stays, empty, so that errors count the lines as an editor does.
    let text = if text.starts_with(HEAD) { &text[text.find('\n').unwrap_or(text.len())..] } else { text };
    let (mut open, mut root) = (Vec::new(), None);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let at = |what: &str| format!("line {}: {what}", span.start.line());
        let node = match event {
            Event::Alias(_) => return Err(at("an alias, which none of these files has: write the value itself")),
            Event::DocumentEnd => break,
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() >= DEPTH_MAX => {
                return Err(at("more levels than any of these files has"));
            }
            Event::MappingStart(..) | Event::SequenceStart(..)
                if matches!(open.last(), Some(Open::Mapping(_, None))) =>
            {
                return Err(at("a key that is no text"));
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(BTreeMap::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(Open::Sequence(Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::Mapping(entries, _)) => Node::Mapping(entries),
                Some(Open::Sequence(nodes)) => Node::Sequence(nodes),
                None => continue,
            },
            Event::Scalar(text, ..) => Node::Scalar(text.into_owned()),
            _ => continue,
        };
        root = close(&mut open, node).map_err(|reason| at(&reason))?.or(root);
    }
    Ok(root.unwrap_or(Node::Mapping(BTreeMap::new())))
}

/// Puts a whole value where it belongs: it is the root where nothing is open.
fn close(open: &mut [Open], node: Node) -> Result<Option<Node>, String> {
    match open.last_mut() {
        None => return Ok(Some(node)),
        Some(Open::Sequence(nodes)) => nodes.push(node),
        Some(Open::Mapping(entries, key)) => match (key.take(), node) {
            (None, Node::Scalar(text)) if entries.contains_key(&text) => {
                return Err(format!("{text} comes a second time: leave one of the two"));
            }
            (None, Node::Scalar(text)) => *key = Some(text),
            (None, _) => return Err("a key that is no text".into()),
            (Some(key), node) => {
                entries.insert(key, node);
            }
        },
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(node: &Node) -> Vec<&str> {
        node.sequence().unwrap().iter().map(|node| node.scalar().unwrap()).collect()
    }

    #[test]
    fn values_are_found_by_their_keys() {
        let text =
            "%YAML:1.0\n---\na: 3\nm: !!opencv-matrix\n   rows: 1\n   data: [ 1., 2.5e-3,\n       -3 ]\nq: \"x: y\"\n";
        let node = parse(text).unwrap();
        assert_eq!(node.get("a").unwrap().scalar(), Some("3"));
        let matrix = node.get("m").unwrap();
        assert_eq!(matrix.get("rows").unwrap().scalar(), Some("1"));
        assert_eq!(texts(matrix.get("data").unwrap()), ["1.", "2.5e-3", "-3"]);
        assert_eq!(node.get("q").unwrap().scalar(), Some("x: y"));
        assert_eq!(node.entries().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "m", "q"]);
    }

    #[test]
    fn one_tree_is_written_in_many_ways() {
        let want = parse("a:\n  b: 1\n  c: [2, x]\nd: 4\n").unwrap();
        for text in [
            "{a: {b: 1, c: [2, x]}, d: 4}",
            "{\n    \"a\": {\n        \"b\": 1,\n        \"c\": [ 2, \"x\" ]\n    },\n    \"d\": 4\n}\n",
            "{\n\t\"a\": {\n\t\t\"b\": 1,\n\t\t\"c\": [2, \"x\"]\n\t},\n\t\"d\": 4\n}\n",
            "'a':\n  \"b\": '1'\n  c:\n  - 2\n  - x\nd: 4 # the last\n",
            "%YAML:1.0\na: {b: 1, c: [2, x]}\nd: 4\n",
            "%YAML 1.0\na: {b: 1, c: [2, x]}\nd: 4\n",
            "\u{feff}%YAML:1.0\r\n---\r\na:\r\n  b: 1\r\n  c: [ 2,\r\n     x ]\r\nd: 4\r\n",
            "%YAML 1.2\n---\n# first\na:   {b: 1, c: [2, x]}\n\nd: 4\n...\n",
            "a: &anchor\n  b: 1\n  c: [2, x]\nd: 4",
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&want), "{text}");
        }
    }

    #[test]
    fn only_the_first_document_counts() {
        assert_eq!(parse("a: 1\n---\na: 2\n"), parse("a: 1"));
        for nothing in ["", "\n", "# only a comment\n", "%YAML:1.0", "\u{feff}"] {
            assert_eq!(parse(nothing), Ok(Node::Mapping(BTreeMap::new())), "{nothing:?}");
        }
    }

    #[test]
    fn a_key_is_found_at_whatever_depth() {
        let node = parse("a: 1\nb: {a: 2, c: [{a: {a: 3}}]}\n").unwrap();
        let found = node.all("a");
        assert_eq!(found.len(), 4);
        assert!(["1", "2", "3"].iter().all(|want| found.iter().any(|node| node.scalar() == Some(want))));
    }

    #[test]
    fn what_these_files_do_not_have_is_refused() {
        let deep = format!("a: {}1{}", "[".repeat(40), "]".repeat(40));
        let bomb: String = (1..9).map(|i| format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}]\n", i - 1)).collect();
        for (text, word) in [
            ("a: &x [1]\nb: [*x, *x]\n", "line 2: an alias"),
            (&format!("a0: &a0 x\n{bomb}"), "line 2: an alias"),
            ("a: &x {b: 1}\nc:\n  <<: *x\n", "alias"),
            (deep.as_str(), "levels"),
            ("? [1, 2]\n: 3\n", "key"),
            ("a: 1\nb: 2\na: 3\n", "line 3: a comes a second time"),
            ("m: {k: 1, 'k': 1}\n", "line 1: k comes a second time"),
            ("%YAML:1.0\n---\na: 1\na: 1\n", "line 4: a comes a second time"),
            ("a: [1, 2\n", ""),
            ("a: 'x\n", ""),
            ("a: 1\n b: 2\n", ""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
