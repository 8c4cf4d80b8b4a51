//! A device at work: opened, set, streaming.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use aravis::glib::object::Cast;
use aravis::prelude::{CameraExt, DeviceExt, StreamExt};
use aravis::{
    Buffer, BufferStatus, Camera, DeviceError, GvDevice, GvStream, GvStreamOption, GvStreamPacketResend, Stream, glib,
};

use super::counting::{Counting, Edges};
use super::discovery;
use super::features::{self, Features};
use super::library;
use super::nodes::Nodes;
use super::pixel_format::PixelFormat;
use super::scan3d::Scan3d;
use super::settings::{self, Transport};
use crate::camera::device_clock::{Clock, Domain, realtime_ahead_ns};
use crate::camera::nodes::Taken;
use crate::camera::pixel_format::Raw;
use crate::camera::{CameraError, StreamStatistics};
use crate::clock::monotonic_ns;
use crate::frame::PIXELS_MAX;

/// Bytes of a buffer at most: points and colour of the largest frame.
const BUFFER_BYTES_MAX: usize = 16 * PIXELS_MAX;
/// Buffers that go round, and the bytes that they take at most.
const BUFFERS_MAX: usize = 16;
const BUFFERS_BYTES_MAX: usize = 256 << 20;
/// Where GigE Vision has the time after which a silent program loses its control, milliseconds.
const HEARTBEAT_REGISTER: u64 = 0x0938;
/// Time between the arrival of a frame and the call that takes it, at most; otherwise the machine's clock was set meanwhile.
const WAITED_NS_MAX: u64 = 2_000_000_000;

/// A device whose control this program has.
pub struct Device {
    name: String,
    camera: Camera,
    /// The chunk of each buffer that counts the edges at the trigger.
    trigger_count: Option<String>,
    /// The device no longer answers, or no longer to this program.
    lost: Arc<AtomicBool>,
}

/// Opens a device by its name, and sets its features.
pub fn open(asked: &settings::Device) -> Result<Device, CameraError> {
    let devices = library::devices();
    let chosen = discovery::choose(&devices, asked.name.as_deref());
    let (id, name) = match (&chosen, &asked.name) {
        (Ok(found), _) => (found.id.clone(), found.to_string()),
        // A device behind a router does not answer to all, but to its address.
        (Err(_), Some(address)) if address.parse::<std::net::IpAddr>().is_ok() => (address.clone(), address.clone()),
        _ => return Err(chosen.err().unwrap_or_else(|| CameraError::lost("no camera answers"))),
    };
    let camera = Camera::new(Some(&id)).map_err(|error| match (&chosen, error.kind::<DeviceError>()) {
        (Err(_), Some(DeviceError::NotFound)) => CameraError::lost(format!("the camera {name} does not answer")),
        _ => CameraError::lost(format!("{name} cannot be opened: {}", error.message())),
    })?;
    let device = camera.device().ok_or_else(|| CameraError::lost(format!("{name} has no features")))?;
    if device.downcast_ref::<GvDevice>().is_some_and(|device| !device.is_controller()) {
        return Err(CameraError::lost(format!(
            "another program controls {name}: end it, or wait until its heartbeat is over"
        )));
    }
    let gone = Arc::new(AtomicBool::new(false));
    let told = gone.clone();
    device.connect_control_lost(move |_| told.store(true, Relaxed));
    features::apply(&mut Nodes(device), asked.section, &asked.features).map_err(|error| {
        // A device that is lost meanwhile refuses everything.
        if gone.load(Relaxed) { CameraError::lost(format!("{name}: {error}")) } else { CameraError::settings(error) }
    })?;
    Ok(Device { name, camera, trigger_count: asked.trigger_count.clone(), lost: gone })
}

impl Device {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The features, to read and set.
    pub fn features(&self) -> Result<Nodes, CameraError> {
        self.camera.device().map(Nodes).ok_or_else(|| CameraError::lost(format!("{} has no features", self.name)))
    }

    /// What the camera says of its coordinates.
    pub fn scan3d(&self, turned: bool) -> Result<Scan3d, CameraError> {
        Scan3d::read(&mut self.features()?, turned)
            .map_err(|error| CameraError::settings(format!("{}: {error}", self.name)))
    }

    /// Starts to stream.
    pub fn start(self, transport: &Transport) -> Result<Streaming, CameraError> {
        let refused =
            |what: &str, error: glib::Error| CameraError::lost(format!("{} {what}: {}", self.name, error.message()));
        let camera = &self.camera;
        if camera.is_gv_device() {
            // A packet socket takes everything that comes before its filter is set: frames of another camera as well.
            camera.gv_set_stream_options(GvStreamOption::PACKET_SOCKET_DISABLED);
            self.set_transport(transport)?;
        }
        let payload =
            camera.payload().map_err(|error| refused("does not say how large its frames are", error))? as usize;
        if payload == 0 || payload > BUFFER_BYTES_MAX {
            return Err(CameraError::settings(format!(
                "{} sends frames of {payload} bytes where 1 to {BUFFER_BYTES_MAX} are expected",
                self.name
            )));
        }
        let trigger = self.trigger()?;
        let stream = library::create_stream(camera).map_err(|error| refused("does not stream", error))?;
        if let Some(stream) = stream.downcast_ref::<GvStream>() {
            stream.set_packet_resend(match transport.resend {
                true => GvStreamPacketResend::Always,
                false => GvStreamPacketResend::Never,
            });
            stream.set_packet_timeout(transport.packet_timeout_us);
            stream.set_frame_retention(transport.frame_retention_us);
        }
        let buffers = (BUFFERS_BYTES_MAX / payload).clamp(3, BUFFERS_MAX);
        (0..buffers).for_each(|_| stream.push_buffer(Buffer::new_allocate(payload)));
        let is_networks = self.clock().is_some_and(|status| status == "Slave");
        let domain = if is_networks { Domain::Realtime } else { Domain::Device };
        camera.start_acquisition().map_err(|error| refused("does not start", error))?;
        log::info!("{}: {payload} bytes a frame, {buffers} buffers", self.name);
        let place =
            |name: &str| (0..stream.n_infos()).find(|place| stream.info_name(*place).is_some_and(|own| own == name));
        let (asked_again, missing) = (place("n_resend_requests"), place("n_missing_packets"));
        let (clock, counting) = (Clock::default(), Counting::default());
        Ok(Streaming { device: self, stream, clock, domain, counting, trigger, arrived_ns: 0, asked_again, missing })
    }

    /// The state of the device's PTP, by its newer or its older name.
    pub fn clock(&self) -> Option<String> {
        let features = self.features().ok()?;
        let name = ["PtpStatus", "GevIEEE1588Status"].into_iter().find(|name| features.has(name))?;
        features.word(name).ok()
    }

    /// Reads the chunk that counts the edges at the trigger, where one is asked for.
    fn trigger(&self) -> Result<Option<Trigger>, CameraError> {
        let Some(name) = &self.trigger_count else { return Ok(None) };
        let features = self.features()?;
        let chunk =
            features.0.feature(name).and_then(|_| library::Chunk::new(&self.camera, name)).ok_or_else(|| {
                let is = features::unknown(&features.names(), name);
                CameraError::settings(format!("{}: camera.genicam.trigger_count: {name}{is}", self.name))
            })?;
        Ok(Some(Trigger { chunk, edges: Edges::default() }))
    }

    fn set_transport(&self, transport: &Transport) -> Result<(), CameraError> {
        let failed = |what: &str, error: glib::Error| {
            CameraError::settings(format!("{}: {what}: {}", self.name, error.message()))
        };
        let camera = &self.camera;
        match transport.packet_size {
            Some(bytes) => camera
                .gv_set_packet_size(bytes as i32)
                .map_err(|error| failed(&format!("camera.genicam.packet_size = {bytes} is refused"), error))?,
            None => {
                let bytes = library::negotiate_packet_size(camera).map_err(|error| {
                    failed("the size of packets cannot be negotiated; set camera.genicam.packet_size", error)
                })?;
                log::info!("{}: packets of {bytes} bytes", self.name);
            }
        }
        if let Some(milliseconds) = transport.heartbeat_ms {
            let device = camera.device().map(|device| device.write_register(HEARTBEAT_REGISTER, milliseconds));
            device.transpose().map_err(|error| failed("camera.genicam.heartbeat_ms is refused", error))?;
        }
        if library::use_multipart(camera).map_err(|error| failed("parts in one buffer are refused", error))? {
            log::info!("{}: its parts come in one buffer", self.name);
        }
        Ok(())
    }
}

/// What counts the edges at a device's trigger.
struct Trigger {
    chunk: library::Chunk,
    edges: Edges,
}

/// A device that sends frames.
pub struct Streaming {
    device: Device,
    stream: Stream,
    clock: Clock,
    domain: Domain,
    counting: Counting,
    trigger: Option<Trigger>,
    /// When the last buffer arrived.
    arrived_ns: u64,
    /// Places of two sums among those of the stream: a look-up by name would allocate.
    asked_again: Option<u32>,
    missing: Option<u32>,
}

/// When a buffer was taken, and how it came.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    pub taken: Taken,
    /// By the device's clock, nanoseconds.
    pub stamp_ns: u64,
    /// Buffers that were lost before it.
    pub lost: u64,
    /// The number of the edge at the trigger that it was taken for, where the device counts them.
    pub edge: Option<u64>,
}

/// Takes a part of a buffer; an error says what is wrong with it.
pub type Take<'a> = dyn FnMut(Arrived, &Raw<PixelFormat>) -> Result<(), String> + 'a;

/// A buffer that came whole, and whether its parts could be taken.
pub struct Came {
    pub arrived: Arrived,
    pub taken: Result<(), String>,
}

impl Streaming {
    pub fn name(&self) -> &str {
        self.device.name()
    }

    /// What the network has lost and mended so far.
    pub fn stream_statistics(&self) -> StreamStatistics {
        let sum = |place: Option<u32>| place.map_or(0, |place| self.stream.info_uint64(place));
        StreamStatistics { packets_asked_again: sum(self.asked_again), packets_missing: sum(self.missing) }
    }

    /// Waits for the next whole buffer, `wait` at most, and hands its parts over; none where none came. One that came
    /// damaged counts as lost.
    pub fn next(&mut self, wait: Duration, take: &mut Take<'_>) -> Result<Option<Came>, CameraError> {
        if self.device.lost.load(Relaxed) {
            return Err(CameraError::lost(format!(
                "{} no longer obeys this program: it is gone, or another program took it",
                self.name()
            )));
        }
        let waited = if wait.is_zero() {
            self.stream.try_pop_buffer()
        } else {
            self.stream.timeout_pop_buffer(wait.as_micros() as u64)
        };
        let Some(buffer) = waited else { return Ok(None) };
        if buffer.status() != BufferStatus::Success {
            log::debug!("{}: frame {} came damaged: {:?}", self.name(), buffer.frame_id(), buffer.status());
            self.stream.push_buffer(buffer);
            return Ok(None);
        }
        let came = self.arrived(&buffer).map(|arrived| {
            let taken = library::parts(&buffer, &mut |raw| take(arrived, raw));
            Some(Came { arrived, taken })
        });
        self.stream.push_buffer(buffer);
        came
    }

    fn arrived(&mut self, buffer: &Buffer) -> Result<Arrived, CameraError> {
        let (now_ns, ahead_ns, stamp_ns) = (monotonic_ns(), realtime_ahead_ns(), buffer.timestamp());
        // The library notes the arrival of a frame's first packet by the machine's clock.
        let first_ns = (buffer.system_timestamp() as i64).saturating_sub(ahead_ns).max(0) as u64;
        let arrived_ns = if now_ns.wrapping_sub(first_ns) < WAITED_NS_MAX { first_ns } else { now_ns };
        // Frames arrive one after another, whatever was set.
        self.arrived_ns = arrived_ns.max(self.arrived_ns);
        let at_ns = self.clock.monotonic_ns(self.domain, stamp_ns as i64, self.arrived_ns, ahead_ns);
        let (sequence, lost) = self.counting.count(buffer.frame_id());
        let edge = self.edge(buffer)?;
        Ok(Arrived { taken: Taken { at_ns, sequence: edge.unwrap_or(sequence) }, stamp_ns, lost, edge })
    }

    /// The number of the edge that a buffer was taken for.
    fn edge(&mut self, buffer: &Buffer) -> Result<Option<u64>, CameraError> {
        let Some(Trigger { chunk, edges }) = &mut self.trigger else { return Ok(None) };
        let counter = chunk.integer(buffer).and_then(|counter| {
            u64::try_from(counter).map_err(|_| format!("it is {counter} where a count from 0 on is expected"))
        });
        match counter {
            Ok(counter) => Ok(Some(edges.count(counter))),
            Err(error) => Err(CameraError::settings(format!(
                "{}: camera.genicam.trigger_count cannot be read: {error}; switch the chunk on in [camera.genicam.features] \
                 (ChunkModeActive = true, and \"ChunkEnable[...]\" = true with its name)",
                self.device.name()
            ))),
        }
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        // One that is gone does not hear it, which takes seconds to find out.
        if !self.device.lost.load(Relaxed) {
            let _ = self.device.camera.stop_acquisition();
        }
    }
}
