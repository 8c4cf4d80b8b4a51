//! The few messages of ONNX that a graph needs, in protobuf's wire format. Field numbers are those of `onnx.proto`.

use std::io::{self, Write};

/// Wire types: a varint, four bytes, and bytes behind their length.
const VARINT: u64 = 0;
const LENGTH: u64 = 2;
const FOUR_BYTES: u64 = 5;

/// One message under construction.
#[derive(Clone, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// Negative numbers are written as protobuf requires: 64 bits of two's complement.
    pub fn integer(mut self, field: u64, value: i64) -> Self {
        self.key(field, VARINT);
        varint(&mut self.0, value as u64);
        self
    }

    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.key(field, FOUR_BYTES);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub fn message(self, field: u64, value: &Message) -> Self {
        self.bytes(field, &value.0)
    }

    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.key(field, LENGTH);
        varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.0)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u64, kind: u64) {
        varint(&mut self.0, field << 3 | kind);
    }
}

/// Writes seven bits at a time, the lowest first; the eighth bit is set if more follow.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_wire_format() {
        // The examples of the format's own documentation, and a negative number's ten bytes.
        assert_eq!(Message::default().integer(1, 150).0, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().text(2, "testing").0, *b"\x12\x07testing");
        let inner = Message::default().integer(1, 150);
        assert_eq!(Message::default().message(3, &inner).0, [0x1A, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().float(1, 1.0).0, [0x0D, 0, 0, 0x80, 0x3F]);
        let minus_one = Message::default().integer(1, -1).0;
        assert_eq!(minus_one, [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]);
    }
}
