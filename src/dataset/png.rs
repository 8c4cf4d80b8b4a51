//! A check of PNG files that their decoder leaves out.

use std::io::{self, Read, Seek, SeekFrom};

const PALETTE_BYTES_MAX: u32 = 3 * 256;
const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Refuses a palette that is cut within a colour, at which the decoder panics, or too long. Leaves the file at its beginning.
pub fn check_palette(file: &mut (impl Read + Seek)) -> io::Result<()> {
    let mut start = [0; 8];
    let is_png = file.read_exact(&mut start).is_ok() && start == *SIGNATURE;
    let cut = if is_png { cut_palette(file)? } else { None };
    file.rewind()?;
    match cut {
        Some(bytes) => Err(io::Error::other(format!(
            "its palette has {bytes} bytes where colours of 3, at most 256 of them, are expected"
        ))),
        None => Ok(()),
    }
}

/// The length of a palette that cannot be, among the chunks up to the pixels.
fn cut_palette(file: &mut (impl Read + Seek)) -> io::Result<Option<u32>> {
    let mut head = [0; 8];
    while file.read_exact(&mut head).is_ok() {
        let [a, b, c, d, kind @ ..] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        match &kind {
            b"PLTE" if length % 3 != 0 || length > PALETTE_BYTES_MAX => return Ok(Some(length)),
            b"IDAT" => break,
            // The data and its checksum.
            _ => file.seek(SeekFrom::Current(i64::from(length) + 4))?,
        };
    }
    Ok(None)
}
