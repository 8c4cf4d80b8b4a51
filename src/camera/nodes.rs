//! A camera of two video nodes, one of colour and one of depth: their images are paired by their times and become one
//! frame. `v4l.rs` has the nodes of Linux.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use super::pixel_format::{FourCc, Raw, to_depth, to_rgb};
use super::{CameraError, CapturedFrame, FrameSource, StreamStatistics};
use crate::backend::Machine;
use crate::calibration::Camera;
use crate::calibration::assembly::Assembler;
use crate::clock;

/// Images of a node that wait for their other half.
const WAITING_MAX: usize = 4;
/// A node that has nothing is waited for so long before the other one is looked at again.
const SLICE: Duration = Duration::from_millis(5);

/// When an image was taken, and its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// CLOCK_MONOTONIC, nanoseconds.
    pub at_ns: u64,
    pub sequence: u64,
}

/// A video node at work.
pub trait Node: Send {
    /// Its name in messages: its path.
    fn name(&self) -> &str;

    /// Waits for the next image, `wait` at most, and hands it over; false where none came. One that came damaged counts as lost.
    fn next(&mut self, wait: Duration, take: &mut dyn FnMut(Taken, Raw)) -> Result<bool, CameraError>;

    /// What the network has lost and mended.
    fn stream_statistics(&self) -> StreamStatistics {
        StreamStatistics::default()
    }
}

/// Images of one node, oldest first, in buffers that go round.
struct Waiting<T> {
    images: VecDeque<(Taken, Vec<T>)>,
    spare: Vec<Vec<T>>,
    /// Width and height.
    size: (usize, usize),
    heard_ns: u64,
}

impl<T> Waiting<T> {
    fn new(heard_ns: u64) -> Self {
        Self { images: VecDeque::with_capacity(WAITING_MAX + 1), spare: Vec::new(), size: (0, 0), heard_ns }
    }

    fn oldest(&self) -> Option<Taken> {
        self.images.front().map(|(taken, _)| *taken)
    }

    fn drop_oldest(&mut self) {
        let dropped = self.images.pop_front();
        self.spare.extend(dropped.map(|(_, image)| image));
    }

    /// Takes what the node has, after waiting for it.
    fn fill(
        &mut self,
        node: &mut dyn Node,
        wait: Duration,
        convert: fn(&Raw, &mut Vec<T>) -> Result<(), String>,
    ) -> Result<bool, CameraError> {
        let mut converted = Ok(());
        let Self { images, spare, size, .. } = self;
        let came = node.next(wait, &mut |taken, raw| {
            let mut image = spare.pop().unwrap_or_default();
            converted = convert(&raw, &mut image);
            *size = (raw.width, raw.height);
            if converted.is_ok() { images.push_back((taken, image)) } else { spare.push(image) }
        })?;
        if let Err(reason) = converted {
            log::warn!("{}: an image is left out: {reason}", node.name());
        }
        if came {
            self.heard_ns = clock::monotonic_ns();
        }
        if self.images.len() > WAITING_MAX {
            self.drop_oldest();
        }
        Ok(came)
    }
}

/// What is asked of a node.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub path: PathBuf,
    /// Width and height, pixels.
    pub size: (u32, u32),
    /// Taken instead of the best that the node offers.
    pub format: Option<FourCc>,
    pub frame_rate_hz: Option<u32>,
}

/// How two nodes become one camera.
#[derive(Clone, Debug)]
pub struct Pairing {
    pub camera: Camera,
    /// Images of a pair are at most so far apart: at most half of the time between two frames.
    pub window_ns: u64,
    /// A node that is silent for longer has failed.
    pub silent_ns_max: u64,
    /// The machine that registers depth to colour.
    pub machine: Machine,
}

/// Two nodes as one source.
pub struct NodePair {
    colour: Box<dyn Node>,
    depth: Box<dyn Node>,
    pairing: Pairing,
    colours: Waiting<u8>,
    depths: Waiting<u16>,
    assembler: Assembler,
}

impl NodePair {
    pub fn new(colour: Box<dyn Node>, depth: Box<dyn Node>, pairing: Pairing) -> Self {
        let now = clock::monotonic_ns();
        let (colours, depths) = (Waiting::new(now), Waiting::new(now));
        let mut assembler = Assembler::with_registrar(pairing.machine.registrar());
        assembler.prepare(&pairing.camera);
        Self { colour, depth, pairing, colours, depths, assembler }
    }

    /// Drops images whose other half was lost; true where the oldest two images are a pair.
    fn pair(&mut self) -> bool {
        while let (Some(colour), Some(depth)) = (self.colours.oldest(), self.depths.oldest()) {
            if colour.at_ns.abs_diff(depth.at_ns) <= self.pairing.window_ns {
                return true;
            }
            if colour.at_ns < depth.at_ns { self.colours.drop_oldest() } else { self.depths.drop_oldest() }
        }
        false
    }

    /// A node that is silent while the other one goes on would otherwise look like a slow camera.
    fn check_silence(&self) -> Result<(), CameraError> {
        let now = clock::monotonic_ns();
        let silent = |heard_ns: u64| now.saturating_sub(heard_ns) > self.pairing.silent_ns_max;
        let (no_colour, no_depth) = (silent(self.colours.heard_ns), silent(self.depths.heard_ns));
        let name = match (no_colour, no_depth) {
            (true, false) => self.colour.name(),
            (false, true) => self.depth.name(),
            _ => return Ok(()),
        };
        let ms = self.pairing.silent_ns_max / 1_000_000;
        Err(CameraError::lost(format!("{name} has given nothing for {ms} ms while the other node goes on")))
    }

    fn assemble(&mut self, into: &mut CapturedFrame) -> Result<(), CameraError> {
        let (Some((taken, rgb)), Some((_, depth))) = (self.colours.images.front(), self.depths.images.front()) else {
            return Ok(());
        };
        let (camera, assembler) = (&self.pairing.camera, &mut self.assembler);
        let frame = &mut into.frame;
        let done = assembler.assemble(camera, (rgb, self.colours.size), (depth, self.depths.size), frame);
        done.map_err(CameraError::settings)?;
        (into.sequence, into.captured_ns) = (taken.sequence, taken.at_ns);
        self.colours.drop_oldest();
        self.depths.drop_oldest();
        Ok(())
    }
}

impl FrameSource for NodePair {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        let end_ns = clock::monotonic_ns() + wait.as_nanos() as u64;
        loop {
            while self.colours.fill(&mut *self.colour, Duration::ZERO, to_rgb)? {}
            while self.depths.fill(&mut *self.depth, Duration::ZERO, to_depth)? {}
            if self.pair() {
                self.assemble(into)?;
                return Ok(true);
            }
            self.check_silence()?;
            let left = Duration::from_nanos(end_ns.saturating_sub(clock::monotonic_ns()));
            if left.is_zero() {
                return Ok(false);
            }
            let slice = left.min(SLICE);
            match self.colours.oldest() {
                None => self.colours.fill(&mut *self.colour, slice, to_rgb)?,
                Some(_) => self.depths.fill(&mut *self.depth, slice, to_depth)?,
            };
        }
    }

    fn stream_statistics(&self) -> StreamStatistics {
        let (colour, depth) = (self.colour.stream_statistics(), self.depth.stream_statistics());
        StreamStatistics {
            packets_asked_again: colour.packets_asked_again + depth.packets_asked_again,
            packets_missing: colour.packets_missing + depth.packets_missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::calibration::Intrinsics;

    const MS: u64 = 1_000_000;

    /// Images that a test puts in: time, number, value.
    type Script = Arc<Mutex<VecDeque<(u64, u64, u8)>>>;

    struct Fake {
        name: &'static str,
        format: FourCc,
        script: Script,
    }

    impl Node for Fake {
        fn name(&self) -> &str {
            self.name
        }

        fn next(&mut self, wait: Duration, take: &mut dyn FnMut(Taken, Raw)) -> Result<bool, CameraError> {
            let Some((at_ns, sequence, value)) = self.script.lock().unwrap().pop_front() else {
                std::thread::sleep(wait);
                return Ok(false);
            };
            let bytes = if self.format == FourCc(*b"GREY") { vec![value; 4] } else { [value, 1].repeat(4) };
            let (format, stride) = (self.format, bytes.len() / 2);
            take(Taken { at_ns, sequence }, Raw { format, width: 2, height: 2, stride, bytes: &bytes });
            Ok(true)
        }
    }

    fn pair() -> (NodePair, Script, Script) {
        let (colours, depths) = (Script::default(), Script::default());
        let node = |name, format: &[u8; 4], script: &Script| {
            Box::new(Fake { name, format: FourCc(*format), script: script.clone() })
        };
        let camera = Camera::Pinhole(Intrinsics {
            fx: 2.0,
            fy: 2.0,
            cx: 1.0,
            cy: 1.0,
            depth_unit_m: 0.001,
            depth_offset_m: 0.0,
        });
        let pairing = Pairing { camera, window_ns: 10 * MS, silent_ns_max: 40 * MS, machine: Machine::Cpu };
        let source = NodePair::new(node("colour", b"GREY", &colours), node("depth", b"Z16 ", &depths), pairing);
        (source, colours, depths)
    }

    /// Number, colour and depth step of each frame until nothing more comes.
    fn frames(source: &mut NodePair) -> Vec<(u64, u8, u16)> {
        let (mut captured, mut found) = (CapturedFrame::empty(), Vec::new());
        while source.next(&mut captured, Duration::from_millis(2)).unwrap() {
            let z = captured.frame.cloud().points()[0][2];
            found.push((captured.sequence, captured.frame.rgb()[0], (z * 1e3).round() as u16));
        }
        found
    }

    #[test]
    fn images_of_one_time_become_one_frame() {
        let (mut source, colours, depths) = pair();
        colours.lock().unwrap().extend([(33 * MS, 1, 11), (66 * MS, 2, 22), (133 * MS, 4, 44)]);
        // The depth node starts earlier, jitters, and has an image that colour has not.
        depths.lock().unwrap().extend([(2 * MS, 9, 0), (30 * MS, 10, 1), (70 * MS, 11, 2), (100 * MS, 12, 3)]);
        depths.lock().unwrap().extend([(140 * MS, 13, 4)]);
        assert_eq!(frames(&mut source), [(1, 11, 257), (2, 22, 258), (4, 44, 260)]);
    }

    #[test]
    fn an_image_that_comes_late_still_finds_its_other_half() {
        let (mut source, colours, depths) = pair();
        colours.lock().unwrap().extend([(33 * MS, 1, 11)]);
        assert_eq!(frames(&mut source), []);
        depths.lock().unwrap().extend([(33 * MS, 1, 5)]);
        assert_eq!(frames(&mut source), [(1, 11, 261)]);
    }

    #[test]
    fn a_node_that_stalls_while_the_other_goes_on_is_named() {
        for stalled in ["depth", "colour"] {
            let (mut source, colours, depths) = pair();
            let live = if stalled == "depth" { colours } else { depths };
            let start = clock::monotonic_ns();
            let error = loop {
                live.lock().unwrap().push_back((clock::monotonic_ns(), 0, 1));
                match source.next(&mut CapturedFrame::empty(), Duration::from_millis(3)) {
                    Ok(came) => assert!(!came && clock::monotonic_ns() - start < 5_000 * MS),
                    Err(error) => break error,
                }
            };
            assert!(error.reopening_may_help() && error.to_string().contains(stalled), "{error}");
        }
    }
}
