//! Explains a TOML parser's error to the author of the file: the line, and the known key nearest to an unknown one.

/// An unknown key that is at least this similar to a known one is taken for a misspelling of it.
const LIKENESS_MIN: f64 = 0.7;

/// The line that `error` is about, from 1, and what is wrong there.
pub fn explain(error: &toml::de::Error, text: &str) -> (usize, String) {
    let before = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..before].iter().filter(|b| **b == b'\n').count() + 1;
    (line, with_nearest(error.message()))
}

/// The parser's message; where it names an unknown key among known ones, with the nearest of those.
fn with_nearest(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let [unknown, known @ ..] = quoted.as_slice() else { return message.to_string() };
    let likeness = |name: &&&str| strsim::jaro_winkler(unknown, name);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        Some(name) if message.starts_with("unknown ") && likeness(&name) >= LIKENESS_MIN => {
            format!("{message}; did you mean `{name}`?")
        }
        _ => message.to_string(),
    }
}
