//! Video nodes of Linux (V4L2): formats are negotiated, buffers are mapped, times are the kernel's.

use std::io;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use v4l::buffer::{Flags, Metadata, Type};
use v4l::capability::Flags as Capabilities;
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::CameraError;
use super::nodes::{Node, NodePair, Pairing, Taken, Wanted};
use super::pixel_format::{COLOUR, DEPTH, FourCc, Raw, is_bayer};
use crate::clock;

/// Buffers that the driver fills in turn.
const BUFFERS: u32 = 4;
/// Sizes that an error lists.
const LISTED_MAX: usize = 12;

/// Which of a camera's two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Colour,
    Depth,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Self::Colour { "colour" } else { "depth" }
    }

    fn other(self) -> Self {
        if self == Self::Colour { Self::Depth } else { Self::Colour }
    }

    fn formats(self) -> &'static [FourCc] {
        if self == Self::Colour { &COLOUR } else { &DEPTH }
    }
}

/// Opens both nodes of a camera and waits for the first image of each.
pub fn open(colour: &Wanted, depth: &Wanted, pairing: Pairing) -> Result<NodePair, CameraError> {
    let first = Duration::from_nanos(pairing.silent_ns_max);
    let colour = VideoNode::open(Kind::Colour, colour, first)?;
    let depth = VideoNode::open(Kind::Depth, depth, first)?;
    Ok(NodePair::new(Box::new(colour), Box::new(depth), pairing))
}

struct VideoNode {
    name: String,
    format: FourCc,
    width: usize,
    height: usize,
    stride: usize,
    /// Its own drop panics where the driver fails to stop.
    stream: ManuallyDrop<Stream<'static>>,
    /// The driver's times are of another clock, and a warning of it was logged.
    foreign_times: bool,
}

impl VideoNode {
    fn open(kind: Kind, wanted: &Wanted, first: Duration) -> Result<Self, CameraError> {
        let name = wanted.path.display().to_string();
        // The crate panics on values that it does not know.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::negotiate(kind, wanted, &name)));
        let mut node = opened.unwrap_or_else(|_| {
            Err(CameraError::settings(format!("{name} answers what no video node of Linux is known to answer")))
        })?;
        node.stream.set_timeout(first);
        match CaptureStream::next(&mut *node.stream) {
            Ok(_) => {
                node.stream.clear_timeout();
                Ok(node)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(CameraError::Silent { waited_ms: first.as_millis() as u64 })
            }
            Err(error) => Err(lost(&name, "does not stream", &error)),
        }
    }

    fn negotiate(kind: Kind, wanted: &Wanted, name: &str) -> Result<Self, CameraError> {
        let device = Device::with_path(&wanted.path).map_err(|error| lost(name, "cannot be opened", &error))?;
        let unusable = |error: io::Error| lost(name, "does not answer", &error);
        let capabilities = device.query_caps().map_err(unusable)?.capabilities;
        if !capabilities.contains(Capabilities::VIDEO_CAPTURE | Capabilities::STREAMING) {
            return Err(CameraError::settings(format!(
                "{name} is not a video node that captures and streams: see v4l2-ctl --list-devices"
            )));
        }
        let offered: Vec<FourCc> =
            device.enum_formats().map_err(unusable)?.iter().map(|format| FourCc(format.fourcc.repr)).collect();
        let chosen = choose(kind, wanted.format, &offered, name).map_err(CameraError::settings)?;
        let (width, height) = wanted.size;
        let asked = Format::new(width, height, FourCC::new(&chosen.0));
        let got = device.set_format(&asked).map_err(|error| lost(name, "takes no format", &error))?;
        if (got.width, got.height, got.fourcc.repr) != (width, height, chosen.0) {
            let (instead, sizes) = (FourCc(got.fourcc.repr), sizes(&device, chosen));
            return Err(CameraError::settings(format!(
                "{name} gives {} x {} {instead} where {width} x {height} {chosen} is asked for; {sizes}",
                got.width, got.height
            )));
        }
        if let Some(rate) = wanted.frame_rate_hz {
            set_rate(&device, rate, name)?;
        }
        let stream = Stream::with_buffers(&device, Type::VideoCapture, BUFFERS)
            .map_err(|error| lost(name, "maps no buffers", &error))?;
        log::info!("{name}: {} node, {width} x {height} {chosen}", kind.name());
        Ok(Self {
            name: name.into(),
            format: chosen,
            width: width as usize,
            height: height as usize,
            stride: got.stride as usize,
            stream: ManuallyDrop::new(stream),
            foreign_times: false,
        })
    }
}

impl Node for VideoNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(&mut self, wait: Duration, take: &mut dyn FnMut(Taken, Raw)) -> Result<bool, CameraError> {
        // The stream's own time-out would queue a buffer twice.
        let milliseconds = wait.as_micros().div_ceil(1000).min(60_000) as i32;
        let Self { name, format, width, height, stride, stream, foreign_times } = self;
        match stream.handle().poll(libc::POLLIN, milliseconds) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(lost(name, "is not readable", &error)),
        }
        let (bytes, metadata) =
            CaptureStream::next(&mut **stream).map_err(|error| lost(name, "gives no image", &error))?;
        if metadata.flags.contains(Flags::ERROR) {
            log::debug!("{name}: image {} is damaged", metadata.sequence);
            return Ok(true);
        }
        let bytes = &bytes[..bytes.len().min(metadata.bytesused as usize)];
        let raw = Raw { format: *format, width: *width, height: *height, stride: *stride, bytes };
        take(taken(name, foreign_times, metadata), raw);
        Ok(true)
    }
}

/// By the kernel's monotonic clock where the driver uses it, or by the time at which the image came.
fn taken(name: &str, foreign_times: &mut bool, metadata: &Metadata) -> Taken {
    let (sequence, stamp) = (u64::from(metadata.sequence), metadata.timestamp);
    if metadata.flags & Flags::TIMESTAMP_MASK == Flags::TIMESTAMP_MONOTONIC {
        return Taken { at_ns: stamp.sec as u64 * 1_000_000_000 + stamp.usec as u64 * 1_000, sequence };
    }
    if !*foreign_times {
        log::warn!("{name}: its times are not of the monotonic clock: the times at which images come are taken");
        *foreign_times = true;
    }
    Taken { at_ns: clock::monotonic_ns(), sequence }
}

impl Drop for VideoNode {
    fn drop(&mut self) {
        // SAFETY: dropped here and nowhere else.
        let stopped = catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut self.stream) }));
        if stopped.is_err() {
            log::warn!("{}: its driver could not stop the stream", self.name);
        }
    }
}

/// The format to take, or the reason why none can be taken.
fn choose(kind: Kind, asked: Option<FourCc>, offered: &[FourCc], name: &str) -> Result<FourCc, String> {
    let taken = kind.formats();
    let list = |formats: &[FourCc]| formats.iter().map(FourCc::to_string).collect::<Vec<_>>().join(", ");
    let (kind_name, offers, accepts) = (kind.name(), list(offered), list(taken));
    if let Some(asked) = asked {
        return match offered.contains(&asked) && taken.contains(&asked) {
            true => Ok(asked),
            false => Err(format!(
                "the {kind_name} node {name} is asked for {asked}; it offers {offers}, of which {accepts} can be taken"
            )),
        };
    }
    if let Some(best) = taken.iter().find(|format| offered.contains(format)) {
        return Ok(*best);
    }
    let hint = if offered.iter().any(|format| kind.other().formats().contains(format)) {
        format!("it looks like the {} node: are camera.v4l.colour and camera.v4l.depth swapped?", kind.other().name())
    } else if offered.iter().copied().any(is_bayer) {
        "raw Bayer is not developed here: take the node behind the image signal processor (libcamera, v4l2loopback)"
            .into()
    } else {
        "choose another node: v4l2-ctl --list-devices".into()
    };
    Err(format!("the {kind_name} node {name} offers {offers} where one of {accepts} is expected; {hint}"))
}

/// The sizes that a node offers, in words.
fn sizes(device: &Device, format: FourCc) -> String {
    let offered = device.enum_framesizes(FourCC::new(&format.0)).unwrap_or_default();
    let listed: Vec<String> =
        offered.iter().take(LISTED_MAX).map(|size| size.to_string().replace('\n', " ").trim().to_string()).collect();
    if listed.is_empty() { "it lists no sizes".into() } else { format!("it offers {}", listed.join(", ")) }
}

fn set_rate(device: &Device, rate: u32, name: &str) -> Result<(), CameraError> {
    let got = device.set_params(&Parameters::with_fps(rate)).map_err(|error| {
        CameraError::settings(format!("{name} takes no frame rate ({error}): leave camera.v4l.frame_rate_hz out"))
    })?;
    let interval = got.interval;
    if interval.denominator != rate * interval.numerator.max(1) {
        let (numerator, denominator) = (interval.numerator, interval.denominator);
        log::warn!("{name}: {denominator}/{numerator} frames a second where {rate} were asked for");
    }
    Ok(())
}

fn lost(name: &str, what: &str, error: &io::Error) -> CameraError {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => ": is it plugged in?",
        io::ErrorKind::PermissionDenied => ": add the user to the group video",
        io::ErrorKind::ResourceBusy => ": another program has it open",
        _ => "",
    };
    CameraError::lost(format!("{name} {what}: {error}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(names: &[&[u8; 4]]) -> Vec<FourCc> {
        names.iter().map(|name| FourCc(**name)).collect()
    }

    #[test]
    fn the_best_format_is_taken_or_the_one_asked_for() {
        let offered = formats(&[b"MJPG", b"YUYV"]);
        assert_eq!(choose(Kind::Colour, None, &offered, "a"), Ok(FourCc(*b"YUYV")));
        assert_eq!(choose(Kind::Colour, Some(FourCc(*b"MJPG")), &offered, "a"), Ok(FourCc(*b"MJPG")));
        assert_eq!(choose(Kind::Depth, None, &formats(&[b"Y16 "]), "a"), Ok(FourCc(*b"Y16 ")));
    }

    #[test]
    fn why_a_node_cannot_be_taken_is_said() {
        for (kind, asked, offered, words) in [
            (Kind::Colour, None, formats(&[b"Z16 "]), "swapped"),
            (Kind::Depth, None, formats(&[b"YUYV"]), "swapped"),
            (Kind::Colour, None, formats(&[b"RGGB"]), "Bayer"),
            (Kind::Colour, None, formats(&[b"H264"]), "RGB3, YUYV, MJPG, GREY is expected"),
            (Kind::Colour, Some(FourCc(*b"RGB3")), formats(&[b"YUYV"]), "offers YUYV"),
        ] {
            let error = choose(kind, asked, &offered, "/dev/video7").unwrap_err();
            assert!(error.contains(words) && error.contains("/dev/video7"), "{error}");
        }
    }

    #[test]
    fn a_node_that_is_not_there_is_a_lost_camera() {
        let wanted = Wanted { path: "/dev/no-such-video".into(), size: (640, 480), format: None, frame_rate_hz: None };
        let Err(error) = VideoNode::open(Kind::Colour, &wanted, Duration::from_millis(1)) else { panic!("opened") };
        assert!(error.reopening_may_help() && error.to_string().contains("/dev/no-such-video"), "{error}");
    }
}
