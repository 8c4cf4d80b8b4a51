//! Buffers of a GenICam camera. An input is a byte with the kinds of frame that are made, one bit for each, and then parts:
//! pixel format (4 bytes), width, height, padding of rows, length (2 bytes each), all little-endian, and the bytes themselves. A part without bytes stands for lost buffers, as many as its width.

use std::fs;
use std::path::Path;

use crosscheck::backend::Machine;
use crosscheck::camera::genicam::composition::{Composer, Composition};
use crosscheck::camera::genicam::lines::Joining;
use crosscheck::camera::genicam::pixel_format::PixelFormat;
use crosscheck::camera::genicam::scan3d::{Axis, Lens, Scan3d};
use crosscheck::camera::pixel_format::Raw;
use crosscheck::frame::{RgbdFrame, SIDE_MAX};

const TURNED: u8 = 1;
const LINES: u8 = 2;

/// Whether a frame came of the input.
pub fn read(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    let Some((kinds, mut rest)) = bytes.split_first() else { return false };
    let Some(mut composer) = composer(*kinds) else { return false };
    let (mut frame, mut frames) = (RgbdFrame::blank(), 0u32);
    while let Some((raw, after)) = part(rest) {
        rest = after;
        if raw.bytes.is_empty() {
            composer.lost(raw.width as u64);
            continue;
        }
        // What cannot be used ends a camera.
        if composer.take(&raw, 0).and_then(|()| composer.join()).is_err() {
            break;
        }
        // Lines may be enough for several frames.
        while composer.is_ready() {
            if composer.finish(&mut frame).is_err() {
                return frames > 0;
            }
            frames += 1;
        }
    }
    frames > 0
}

fn composer(kinds: u8) -> Option<Composer> {
    let is = |kind: u8| kinds & kind != 0;
    let composition = Composition {
        camera: None,
        window_ns: 0,
        confidence_min: 9,
        zero_plane_m: is(TURNED).then_some(0.5),
        lines: is(LINES).then_some(Joining { rows: 16, overlap: 4, pitch_m: 0.001 }),
        machine: Machine::Cpu,
    };
    let axis = Axis { scale: 0.5, offset: 1.0, invalid: Some(0.0) };
    let lens = Some(Lens { focal_length: 10.0, principal_point: [6.0, 4.0] });
    Composer::new(&composition, Scan3d { axes: [axis; 3], told: true, lens, ..Scan3d::default() }).ok()
}

/// The first part, as far as the source lets one through, and what is behind it.
fn part(bytes: &[u8]) -> Option<(Raw<'_, PixelFormat>, &[u8])> {
    let (head, rest) = bytes.split_at_checked(12)?;
    let word = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let format = PixelFormat(u32::from_le_bytes(head[..4].try_into().ok()?));
    let (width, height, padding) = (word(4), word(6), word(8));
    let (bytes, rest) = rest.split_at(word(10).min(rest.len()));
    let side = 1..=SIDE_MAX;
    let fits = side.contains(&width) && side.contains(&height);
    fits.then_some((Raw { format, width, height, stride: format.row_bytes(width) + padding, bytes }, rest))
}
