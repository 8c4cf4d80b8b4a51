//! Text that people write with an editor: bounded, and in the encodings that editors write.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

#[derive(Debug, Error)]
pub enum TextError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} has more than the {bytes_max} bytes that are expected: is it the right file?", path.display())]
    TooLarge { path: PathBuf, bytes_max: u64 },
    #[error("{}{reason}", path.display())]
    Encoding { path: PathBuf, reason: String },
}

/// Reads a text of at most `bytes_max` bytes: UTF-8, with or without a byte order mark, or UTF-16 with one.
pub fn read(path: &Path, bytes_max: u64) -> Result<String, TextError> {
    let failed = |source| TextError::Read { path: path.into(), source };
    read_file(&std::fs::File::open(path).map_err(failed)?, path, bytes_max)
}

/// [`read`] of a file that is open; `path` is for messages.
pub fn read_file(file: &std::fs::File, path: &Path, bytes_max: u64) -> Result<String, TextError> {
    let failed = |source| TextError::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(TextError::TooLarge { path: path.into(), bytes_max });
    }
    decode(&bytes).map_err(|reason| TextError::Encoding { path: path.into(), reason })
}

/// The text of `bytes`. The error follows the file's name: where the bytes are not text, and what to do.
fn decode(bytes: &[u8]) -> Result<String, String> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Err(" is in UTF-32: save it as UTF-8".into()),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let damaged = || " begins as UTF-16 and is damaged: save it as UTF-8".to_string();
    let (units, []) = bytes.as_chunks::<2>() else { return Err(damaged()) };
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<Result<String, _>>();
    text.map_err(|_| damaged())
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => {
            let (line, column) = place(&text[..text.find('\0').unwrap_or_default()]);
            return Err(format!(
                ", line {line}, column {column}: the byte 0x00 is in no text: is the file UTF-16 without a byte order mark, or no text at all? Save it as UTF-8"
            ));
        }
        Ok(text) => return Ok(text.into()),
        Err(error) => error,
    };
    let (line, column) = place(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]));
    Err(format!(
        ", line {line}, column {column}: the byte 0x{:02X} is not UTF-8: is the file Latin-1 or Windows-1252? Save it as UTF-8",
        bytes[error.valid_up_to()]
    ))
}

/// The line and the column, from 1 and in characters, of what follows `before`.
fn place(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Prüfstand 😀\nname = \"Größe\"\n";

    /// `text` in UTF-16, after its byte order mark.
    fn in_utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn what_editors_write_is_read() {
        assert_eq!(decode(TEXT.as_bytes()).as_deref(), Ok(TEXT));
        assert_eq!(decode(&[b"\xEF\xBB\xBF", TEXT.as_bytes()].concat()).as_deref(), Ok(TEXT));
        assert_eq!(decode(&in_utf16(TEXT, u16::to_le_bytes)).as_deref(), Ok(TEXT));
        assert_eq!(decode(&in_utf16(TEXT, u16::to_be_bytes)).as_deref(), Ok(TEXT));
        assert_eq!(decode(b"").as_deref(), Ok(""));
        assert_eq!(decode(b"\xEF\xBB\xBF").as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_text_says_where_and_what_to_do() {
        let cut = in_utf16(TEXT, u16::to_le_bytes);
        let lone = [&in_utf16("a", u16::to_le_bytes)[..], &[0, 0xD8]].concat();
        let unmarked: Vec<u8> = "a = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, words) in [
            (
                &b"a = 1\nb = \"\xC3\xBC Gr\xF6\xDFe\""[..],
                ", line 2, column 10: the byte 0xF6 is not UTF-8: is the file Latin-1",
            ),
            (b"\xEF\xBB\xBFa\xE9", ", line 1, column 2: the byte 0xE9"),
            (b"a\xC3", ", line 1, column 2: the byte 0xC3"),
            (b"\x80", ", line 1, column 1: the byte 0x80"),
            (b"a = 1\n\0", ", line 2, column 1: the byte 0x00 is in no text"),
            (&unmarked, ", line 1, column 2: the byte 0x00 is in no text: is the file UTF-16 without"),
            (&cut[..cut.len() - 1], "begins as UTF-16 and is damaged"),
            (&lone, "begins as UTF-16 and is damaged"),
            (b"\xFF\xFE\0\0a\0\0\0", "is in UTF-32"),
            (b"\0\0\xFE\xFF\0\0\0a", "is in UTF-32"),
        ] {
            let reason = decode(bytes).unwrap_err();
            assert!(reason.contains(words) && reason.ends_with("ave it as UTF-8"), "{bytes:?}: {reason}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        assert!(matches!(read(&path, 8), Err(TextError::Read { .. })));
        std::fs::write(&path, "12345678").unwrap();
        assert_eq!(read(&path, 8).unwrap(), "12345678");
        assert!(matches!(read(&path, 7), Err(TextError::TooLarge { bytes_max: 7, .. })));
        std::fs::write(&path, b"a\n\xE9").unwrap();
        let error = read(&path, 8).unwrap_err().to_string();
        assert!(error.contains("a.toml, line 2, column 1: the byte 0xE9"), "{error}");
    }
}
