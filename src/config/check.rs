//! Checks values against their ranges. Every problem of a file is found, not only the first.

use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The problems of a configuration, one line of text each.
#[derive(Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Refuses a number outside `allowed`, and NaN.
    pub fn range<T: PartialOrd + Display + Debug>(&mut self, name: &str, value: T, allowed: RangeInclusive<T>) {
        if !allowed.contains(&value) {
            let (from, to) = allowed.into_inner();
            self.say(format!("{name} is {value} where {from} to {to} is expected"));
        }
    }

    /// Refuses a name that is empty, longer than `bytes_max`, or has control characters.
    pub fn text(&mut self, name: &str, value: &str, bytes_max: usize) {
        if value.is_empty() || value.len() > bytes_max || value.chars().any(char::is_control) {
            self.say(format!("{name} is {value:?} where 1 to {bytes_max} printable characters are expected"));
        }
    }

    /// Refuses an empty path.
    pub fn path(&mut self, name: &str, value: &Path) {
        if value.as_os_str().is_empty() {
            self.say(format!("{name} is empty where a path is expected"));
        }
    }

    pub fn say(&mut self, problem: String) {
        self.0.push(problem);
    }

    pub fn found(&self) -> &[String] {
        &self.0
    }
}

/// Makes a relative `path` of a file that lies in `folder` start from there. An empty path stays.
pub fn resolve(path: &mut PathBuf, folder: &Path) {
    if !path.as_os_str().is_empty() {
        *path = folder.join(&*path);
    }
}
