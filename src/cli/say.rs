//! The output of the program: results on standard output, and an error with each of its causes once.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, Write};

use anyhow::{Context, Result};
use thiserror::Error;

/// The reader of standard output has closed it, as `head` does. This is not an error, and nobody is left to report it
/// to.
#[derive(Debug, Error)]
#[error("nobody reads standard output any more")]
pub struct OutputClosed;

/// Prints a result, and ends it with a line feed.
pub fn print(text: impl Display) -> Result<()> {
    print_to(&mut std::io::stdout().lock(), &text.to_string())
}

/// Prints a result that `write` writes piece by piece.
pub fn print_by(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    said(write(&mut output).and_then(|()| output.flush()))
}

fn print_to(output: &mut impl Write, text: &str) -> Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    // Flushed here, since text that is still in the buffer when the program ends would be lost silently.
    said(write!(output, "{text}{end}").and_then(|()| output.flush()))
}

fn said(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        written => written.context("cannot print the result"),
    }
}

/// An error and its causes, outermost first. Messages of this library contain their cause, for callers who print the
/// message alone; such a cause is not repeated.
pub fn describe(error: &anyhow::Error) -> String {
    let mut pieces: Vec<String> = Vec::new();
    for cause in error.chain().map(|cause| cause.to_string()) {
        if pieces.iter().any(|piece| has(piece, &cause)) {
            continue;
        }
        // A path is left out if the message after it begins with the same path.
        if pieces.last().is_some_and(|piece| cause.starts_with(piece.as_str()) && has(&cause, piece)) {
            pieces.pop();
        }
        pieces.push(cause);
    }
    pieces.join(": ")
}

/// Whether `whole` contains `part` as whole words.
fn has(whole: &str, part: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    whole
        .match_indices(part)
        .any(|(at, _)| is_edge(whole[..at].chars().next_back()) && is_edge(whole[at + part.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Error)]
    #[error("cannot open {path}: {source}; check the disk")]
    struct Embedding {
        path: &'static str,
        source: io::Error,
    }

    fn embedding() -> Embedding {
        Embedding { path: "a.png", source: io::Error::other("no such file") }
    }

    #[test]
    fn a_cause_that_a_message_has_in_it_is_told_once() {
        let error = anyhow::Error::from(embedding());
        assert_eq!(format!("{error:#}"), "cannot open a.png: no such file; check the disk: no such file");
        assert_eq!(describe(&error), "cannot open a.png: no such file; check the disk");
        let error = error.context("the frame cannot be read");
        assert_eq!(describe(&error), "the frame cannot be read: cannot open a.png: no such file; check the disk");
    }

    #[test]
    fn a_cause_that_no_message_has_in_it_is_told() {
        let error = anyhow::Error::from(io::Error::other("no such file")).context("cannot open a.png");
        assert_eq!(describe(&error), "cannot open a.png: no such file");
        // Letters within a word are not the cause's words.
        let error = anyhow::anyhow!("is").context("this failed");
        assert_eq!(describe(&error), "this failed: is");
    }

    #[test]
    fn a_path_before_a_message_that_begins_with_it_is_told_once() {
        let error = anyhow::anyhow!("a.png: no image").context("a.png");
        assert_eq!(describe(&error), "a.png: no image");
        let error = anyhow::anyhow!("a.png is no image").context("a.png").context("class x");
        assert_eq!(describe(&error), "class x: a.png is no image");
        let error = anyhow::anyhow!("a.pngs: no image").context("a.png");
        assert_eq!(describe(&error), "a.png: a.pngs: no image");
    }

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_reader_that_has_gone_is_quiet() {
        let failed = |kind| print_to(&mut Failing(kind), "text").unwrap_err();
        assert!(failed(ErrorKind::BrokenPipe).is::<OutputClosed>());
        assert_eq!(failed(ErrorKind::StorageFull).to_string(), "cannot print the result");
        let mut text = Vec::new();
        print_to(&mut text, "a").unwrap();
        print_to(&mut text, "b\n").unwrap();
        assert_eq!(text, b"a\nb\n");
    }
}
