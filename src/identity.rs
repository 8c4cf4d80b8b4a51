//! Which part it is: a name that the plant gives the next part (a serial number, by PLC or MQTT), or one made of the
//! station's start and the part's number.

use std::fmt;

use heapless::Deque;
use heapless::spsc::{Consumer, Producer};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::clock;
use crate::queue::kept;

/// Longest name: a serial number or what a code on the part holds.
pub const BYTES_MAX: usize = 64;
/// Names of one source that may wait for their parts.
const WAITING_MAX: usize = 16;

/// A part's name: up to [`BYTES_MAX`] printable ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

/// A name that no part can have.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the part's identity is {found:?} where 1 to {BYTES_MAX} printable ASCII characters are expected")]
pub struct IdentityError {
    found: String,
}

impl Identity {
    /// The name in a text, without the spaces around it.
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        let name = text.trim().as_bytes();
        let is_printable = name.iter().all(|byte| (b' '..=b'~').contains(byte));
        if name.is_empty() || name.len() > BYTES_MAX || !is_printable {
            // As much as a person needs to recognise it.
            return Err(IdentityError { found: text.chars().take(BYTES_MAX + 1).collect() });
        }
        Ok(Self::of(name))
    }

    /// The name of a part that was given none, by the number of the part.
    fn numbered(started: &str, part: u64) -> Self {
        let mut text = heapless::String::<BYTES_MAX>::new();
        // Both together are shorter than the text may be.
        let _ = fmt::write(&mut text, format_args!("{started}-{part:06}"));
        Self::of(text.as_bytes())
    }

    fn of(name: &[u8]) -> Self {
        let mut bytes = [0; BYTES_MAX];
        bytes[..name.len()].copy_from_slice(name);
        Self { bytes, length: name.len() as u8 }
    }

    /// The name; empty for no part.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length.into()]).unwrap_or_default()
    }
}

/// No part's name.
impl Default for Identity {
    fn default() -> Self {
        Self { bytes: [0; BYTES_MAX], length: 0 }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// A name for the next part, or none where the one before it is taken back.
#[derive(Clone, Copy, Debug)]
struct Given {
    /// When it was given, CLOCK_MONOTONIC.
    at_ns: u64,
    name: Option<Identity>,
}

/// One source of names, such as a PLC.
pub struct Namer {
    queue: Producer<'static, Given>,
}

impl Namer {
    /// Names the next part, or takes the name back. False where too many names wait for parts already.
    pub fn name_next(&mut self, name: Option<Identity>) -> bool {
        self.queue.enqueue(Given { at_ns: clock::monotonic_ns(), name }).is_ok()
    }
}

/// Gives each part its name.
pub struct Names {
    sources: Vec<Consumer<'static, Given>>,
    /// In the order in which they were given.
    waiting: Deque<Given, WAITING_MAX>,
    /// When the station started, as the beginning of the names that it makes itself.
    started: heapless::String<32>,
}

impl Names {
    /// Names without a source: every part is numbered.
    pub fn new(started: Timestamp) -> Self {
        let mut text = heapless::String::new();
        // 16 characters.
        let _ = fmt::write(&mut text, format_args!("{}", started.strftime("%Y%m%dT%H%M%SZ")));
        Self { sources: Vec::new(), waiting: Deque::new(), started: text }
    }

    /// A new source.
    pub fn source(&mut self) -> Namer {
        let (queue, names) = kept::<Given, { WAITING_MAX + 1 }>();
        self.sources.push(names);
        Namer { queue }
    }

    /// The name of a part that was announced at `at_ns`: the last one given before that, which names no other part. Names
    /// given later wait for the next part.
    pub fn take(&mut self, part: u64, at_ns: u64) -> Identity {
        self.receive();
        let mut last = None;
        while let Some(given) = self.waiting.pop_front_if(|given| given.at_ns <= at_ns) {
            last = Some(given);
        }
        last.and_then(|given| given.name).unwrap_or_else(|| Identity::numbered(&self.started, part))
    }

    /// Takes in what the sources have given, by the time at which they did. Where many names come and no part, the oldest
    /// give way.
    pub fn receive(&mut self) {
        let next = |sources: &mut Vec<Consumer<'static, Given>>| {
            let ready = sources.iter().enumerate().filter_map(|(i, source)| Some((source.peek()?.at_ns, i)));
            let (_, first) = ready.min()?;
            sources[first].dequeue()
        };
        while let Some(given) = next(&mut self.sources) {
            if self.waiting.is_full() {
                self.waiting.pop_front();
            }
            // There is room: one was taken out if it was full.
            let _ = self.waiting.push_back(given);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new("2026-11-30T06:21:16Z".parse().unwrap())
    }

    #[test]
    fn a_name_is_printable_and_short() {
        assert_eq!(Identity::new("  SN 0042 \r\n").unwrap().text(), "SN 0042");
        let longest = "x".repeat(BYTES_MAX);
        assert_eq!(Identity::new(&longest).unwrap().text(), longest);
        for wrong in ["", "   ", "a\0b", "Grüße", "a\tb", &"x".repeat(BYTES_MAX + 1)] {
            let error = Identity::new(wrong).unwrap_err().to_string();
            assert!(error.contains("1 to 64 printable ASCII"), "{error}");
        }
    }

    #[test]
    fn a_part_takes_the_last_name_given_before_it() {
        let mut names = names();
        let (mut plc, mut mqtt) = (names.source(), names.source());
        let name = |text| Some(Identity::new(text).unwrap());
        assert_eq!(names.take(7, clock::monotonic_ns()).text(), "20261130T062116Z-000007");
        let before = clock::monotonic_ns();
        assert!(plc.name_next(name("A")) && mqtt.name_next(name("B")));
        // It was announced before both names were given.
        assert_eq!(names.take(8, before).text(), "20261130T062116Z-000008");
        assert_eq!(names.take(9, clock::monotonic_ns()).text(), "B");
        assert_eq!(names.take(10, clock::monotonic_ns()).text(), "20261130T062116Z-000010");
        // What is taken back names nothing.
        assert!(mqtt.name_next(name("C")) && plc.name_next(None));
        assert_eq!(names.take(11, clock::monotonic_ns()).text(), "20261130T062116Z-000011");
    }

    #[test]
    fn names_that_no_part_takes_are_bounded() {
        let mut names = names();
        let mut plc = names.source();
        let given = (0..100).filter(|number| plc.name_next(Identity::new(&number.to_string()).ok())).count();
        assert_eq!(given, WAITING_MAX);
        assert_eq!(names.take(1, clock::monotonic_ns()).text(), (WAITING_MAX - 1).to_string());
        assert!(plc.name_next(None), "there is room again");
    }
}
