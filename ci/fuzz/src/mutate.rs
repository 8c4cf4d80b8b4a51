//! Changes inputs: bytes, numbers in either order, digits, whole pieces, and pieces of other inputs.

use fastrand::Rng;

/// No input grows beyond this.
const BYTES_MAX: usize = 256 << 10;
/// Where counts, sizes and offsets go wrong.
const NUMBERS: [u64; 15] = [
    0,
    1,
    2,
    7,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x1_0000,
    0x00FF_FFFF,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];
const TEXTS: [&str; 22] = [
    "0",
    "-1",
    "1e999",
    "-0.0",
    "nan",
    "inf",
    "18446744073709551616",
    "1e-320",
    "\"\"",
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\0",
    "\u{FEFF}",
    "# ",
    ": ",
    "- ",
    "'",
];

/// One of `seeds`, changed once or several times.
pub fn input(seeds: &[Vec<u8>], words: &[&str], random: &mut Rng) -> (usize, Vec<u8>) {
    let seed = random.usize(..seeds.len());
    let mut bytes = seeds[seed].clone();
    for _ in 0..1 << random.u32(0..4) {
        change(&mut bytes, seeds, words, random);
    }
    bytes.truncate(BYTES_MAX);
    (seed, bytes)
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str], random: &mut Rng) {
    let length = bytes.len();
    let at = random.usize(..=length);
    // Mostly short pieces, sometimes any.
    let reach = if random.u8(..4) > 0 { 16 } else { length + 1 };
    let end = (at + random.usize(..reach.max(1))).min(length);
    match random.u8(..12) {
        0 | 1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.u8(..8)),
        2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.u8(..)),
        3 | 4 => number(bytes, at, random),
        5 => digits(bytes, at, random),
        6 => drop(bytes.drain(at..end)),
        7 => {
            let piece = bytes[at..end].to_vec();
            let times = if random.u8(..8) == 0 { random.usize(1..2048) } else { 1 };
            insert(bytes, at, &piece.repeat(times.min(BYTES_MAX / piece.len().max(1))));
        }
        8 => {
            let text = TEXTS[random.usize(..TEXTS.len())];
            let times = if random.u8(..8) == 0 { random.usize(1..4096) } else { 1 };
            insert(bytes, at, text.repeat(times).as_bytes());
        }
        9 if !words.is_empty() => insert(bytes, at, words[random.usize(..words.len())].as_bytes()),
        10 => {
            let other = &seeds[random.usize(..seeds.len())];
            let from = random.usize(..=other.len());
            let to = (from + random.usize(..reach.max(1))).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => bytes.truncate(at),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Writes one of the numbers, or one near to what is there, over as many bytes as it has.
fn number(bytes: &mut [u8], at: usize, random: &mut Rng) {
    let width = 1 << random.u32(..4);
    let Some(place) = bytes.get_mut(at..at + width) else { return };
    let is_big = random.bool();
    let mut word = [0; 8];
    word[..width].copy_from_slice(place);
    if is_big {
        word[..width].reverse();
    }
    let near = u64::from_le_bytes(word).wrapping_add(random.u64(..9)).wrapping_sub(4);
    let number = if random.bool() { near } else { NUMBERS[random.usize(..NUMBERS.len())] };
    let mut word = number.to_le_bytes();
    if is_big {
        word[..width].reverse();
    }
    place.copy_from_slice(&word[..width]);
}

/// Puts another number in the place of the next one that is written in digits.
fn digits(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(from) = bytes.iter().skip(at).position(is_digit).map(|skipped| at + skipped) else { return };
    let length = bytes[from..].iter().take_while(|byte| is_digit(byte)).count();
    let number = match random.u8(..3) {
        0 => TEXTS[random.usize(..8)].to_string(),
        1 => random.u32(..5000).to_string(),
        _ => NUMBERS[random.usize(..NUMBERS.len())].to_string(),
    };
    bytes.splice(from..from + length, number.into_bytes());
}
