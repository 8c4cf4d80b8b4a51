//! Whether a JPEG is all there: its decoder fills what is missing with grey and says nothing.

const SCAN: u8 = 0xDA;
const END: u8 = 0xD9;

/// Whether the segments of `bytes` lead to the marker of the image's end.
pub fn is_complete(bytes: &[u8]) -> bool {
    // Behind the marker of the image's start.
    let mut at = 2;
    while let Some(&[0xFF, marker]) = bytes.get(at..at + 2) {
        match (marker, bytes.get(at + 2..at + 4)) {
            (END, _) => return true,
            // A marker may be filled up from the left.
            (0xFF, _) => at += 1,
            (_, Some(length)) => at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]])),
            (_, None) => return false,
        }
        if marker == SCAN {
            let Some(scan) = bytes.get(at..) else { return false };
            let Some(length) = scan.windows(2).position(ends_scan) else { return false };
            at += length;
        }
    }
    false
}

/// Within a scan, 0xFF is followed by 0 or is a mark to restart at.
fn ends_scan(pair: &[u8]) -> bool {
    pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7)
}
