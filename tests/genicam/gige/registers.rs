//! The registers of a camera, and its description of them.

use super::Spec;
use crosscheck::camera::genicam::pixel_format::PixelFormat;

/// The description follows the registers.
const REGISTERS: usize = 0x1_0000;
const DESCRIPTION: &[u8] = include_bytes!("../camera.xml");

pub const ACQUISITION: usize = 0x124;
pub const CHUNK_MODE: usize = 0x400;
pub const CHUNK_ENABLE: usize = 0x408;
pub const FRAME_PERIOD_US: usize = 0x138;
pub const HEARTBEAT_MS: usize = 0x938;
pub const CONTROL: usize = 0xa00;
pub const HOST_PORT: usize = 0xd00;
pub const PACKET_SIZE: usize = 0xd04;
pub const CAPABILITIES: usize = 0xd20;
pub const HOST_ADDRESS: usize = 0xd18;
/// More than the chunks of a buffer take.
const CHUNK_BYTES: usize = 64;
/// Bit 25 of a stream's capabilities, counted from the highest.
const MULTIPART: u32 = 1 << 6;

pub struct Registers(Vec<u8>);

impl Registers {
    pub fn new(spec: &Spec) -> Self {
        let mut registers = Self([vec![0; REGISTERS], DESCRIPTION.to_vec()].concat());
        let octets = u32::from(spec.address);
        let url = format!("Local:camera.xml;{REGISTERS:x};{:x}", DESCRIPTION.len());
        let model = format!("Made{}", spec.address.octets()[3]);
        for (at, text) in [(0x48, "Test"), (0x68, &model), (0x88, "1"), (0xd8, &spec.serial), (0x200, &url)] {
            registers.0[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        let payload: usize = (0..spec.parts.len()).map(|part| spec.bytes(part, 0).len() + CHUNK_BYTES).sum();
        let format = PixelFormat::named(&spec.parts[0]).unwrap();
        let numbers = [
            (0x00, 0x0002_0000),
            (0x04, 0x8000_0001),
            (0x0c, octets),
            (0x24, octets),
            (0x34, 0xff00_0000),
            (0x600, 1),
            (0x904, 1),
            // Packets are sent again, memory is written.
            (0x934, 0b110),
            (HEARTBEAT_MS, 3_000),
            // A tick is a nanosecond.
            (0x940, 1_000_000_000),
            (PACKET_SIZE, 1_400),
            (CAPABILITIES, if spec.multipart { MULTIPART } else { 0 }),
            (0x100, spec.width as u32),
            (0x104, spec.height as u32),
            (0x120, 5_000),
            (0x128, format.0),
            (0x12c, 1),
            (FRAME_PERIOD_US, spec.period_us),
            (0x13c, payload as u32),
        ];
        numbers.into_iter().for_each(|(at, value)| registers.write(at, value));
        for (i, (scale, offset, invalid)) in spec.axes.into_iter().enumerate() {
            let at = 0x2100 + 0x20 * i;
            registers.write_float(at, scale);
            registers.write_float(at + 8, offset);
            registers.write_float(at + 16, invalid.unwrap_or(0.0));
            registers.write(at + 24, u32::from(invalid.is_some()));
        }
        let (focal_length, u, v) = spec.lens;
        [(0x2200, focal_length), (0x2208, u), (0x2210, v)]
            .into_iter()
            .for_each(|(at, value)| registers.write_float(at, value));
        registers
    }

    pub fn read(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()))
    }

    pub fn write(&mut self, at: usize, value: u32) {
        self.write_bytes(at, &value.to_be_bytes());
    }

    pub fn bytes(&self, at: usize, length: usize) -> Vec<u8> {
        let mut bytes = self.0.get(at..).unwrap_or_default().to_vec();
        bytes.resize(length, 0);
        bytes
    }

    pub fn write_bytes(&mut self, at: usize, bytes: &[u8]) {
        if at + bytes.len() <= REGISTERS {
            self.0[at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    fn write_float(&mut self, at: usize, value: f64) {
        self.write_bytes(at, &value.to_be_bytes());
    }
}
