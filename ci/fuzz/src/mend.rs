//! Makes checksums right again, so that what is behind them is reached.

/// Makes right what `bytes` have of PNG's and ZIP's checksums.
pub fn mend(bytes: &mut [u8]) {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png(bytes);
    } else if bytes.starts_with(b"PK\x03\x04") {
        zip(bytes);
    }
}

/// CRC-32 as of PNG and ZIP.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

fn png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = word(bytes, at).map(|length| (length as u32).swap_bytes() as usize) {
        let Some(sum) = bytes.get(at + 4..(at + 8).saturating_add(length)).map(crc) else { return };
        at += 12 + length;
        let Some(place) = bytes.get_mut(at - 4..at) else { return };
        place.copy_from_slice(&sum.to_be_bytes());
    }
}

/// Of members that are stored as they are, and whose places the directory gives in 32 bits.
fn zip(bytes: &mut [u8]) {
    let starts: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, w)| w == b"PK\x01\x02").map(|(i, _)| i).collect();
    for entry in starts {
        let Some(local) = word(bytes, entry + 42) else { continue };
        let Some(lengths) = word(bytes, local.saturating_add(26)) else { continue };
        let (Some(size), data) = (word(bytes, entry + 20), local + 30 + (lengths & 0xFFFF) + (lengths >> 16)) else {
            continue;
        };
        let Some(sum) = bytes.get(data..data.saturating_add(size)).map(|data| crc(data).to_le_bytes()) else {
            continue;
        };
        for place in [entry + 16, local + 14] {
            bytes.iter_mut().skip(place).zip(sum).for_each(|(byte, sum)| *byte = sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_broken_checksum_is_made_right() {
        let whole = include_bytes!("../corpus/colour/rgb.png");
        let mut broken = whole.to_vec();
        // Of the header: its chunk is 13 bytes at 16.
        broken[29] ^= 0xFF;
        mend(&mut broken);
        assert_eq!(broken, whole);
        let whole = include_bytes!("../corpus/checkpoint/zip.pth");
        let mut broken = whole.to_vec();
        broken[14] ^= 0xFF;
        mend(&mut broken);
        assert_eq!(broken, whole);
    }
}
