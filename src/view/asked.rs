//! The values that the query of a request gives.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::Query;

use super::answer::Refused;

/// Names with their values, as they stand behind the question mark.
pub type Asked = Query<HashMap<String, String>>;

/// One of `words`; none where it is not given.
pub fn one_of<T: FromStr>(asked: &HashMap<String, String>, name: &str, words: &[&str]) -> Result<Option<T>, Refused> {
    value(asked, name, &format!("one of {}", words.join(", ")))
}

/// A value; none where it is not given. `expected` is told where it is something else.
pub fn value<T: FromStr>(asked: &HashMap<String, String>, name: &str, expected: &str) -> Result<Option<T>, Refused> {
    let unclear = |_| Refused::unclear(format!("{name} is expected to be {expected}"));
    asked.get(name).map(|text| text.parse().map_err(unclear)).transpose()
}
