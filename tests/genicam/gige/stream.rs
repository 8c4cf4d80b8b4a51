//! The stream of a camera (GVSP): a leader, packets of data, and a trailer for each buffer, by numbers of 64 bits.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Spec;
use super::control::host;
use super::registers::{ACQUISITION, CHUNK_ENABLE, CHUNK_MODE, FRAME_PERIOD_US, PACKET_SIZE, Registers};
use crosscheck::camera::genicam::pixel_format::{Content, PixelFormat};

const LEADER: u32 = 1;
const TRAILER: u32 = 2;
const DATA: u32 = 3;
const PART: u32 = 7;
const IMAGE: u16 = 0x0001;
/// The bit of a kind of buffer that has chunks behind its image.
const CHUNKS: u16 = 0x4000;
/// What the chunk of the image is called, and that of the count of edges, as camera.xml has it.
const IMAGE_CHUNK: u32 = 1;
const EDGES_CHUNK: u32 = 0x77;
const MULTIPART: u16 = 0x000a;
/// Heads of IP and UDP, and of a packet with long numbers; and of a piece of a part.
const HEAD: usize = 20 + 8 + 20;
const HEAD_OF_PIECE: usize = 8;
/// More than the 138 MB/s that the fastest test needs.
const WIRE_BYTES_PER_S: u64 = 250_000_000;
/// Buffers whose packets can be sent again.
const KEPT: usize = 8;

/// Sends packets, and keeps those that may be asked for again.
pub struct Sender {
    spec: Spec,
    socket: Arc<UdpSocket>,
    to: Option<SocketAddr>,
    kept: std::collections::VecDeque<(u64, Arc<Vec<Vec<u8>>>)>,
}

impl Sender {
    pub fn new(spec: Spec, socket: Arc<UdpSocket>) -> Self {
        Self { spec, socket, to: None, kept: Default::default() }
    }

    /// A packet that shows whether its size gets through.
    pub fn fire(&self, to: SocketAddr, bytes: usize) {
        let _ = self.socket.send_to(&vec![0; bytes.saturating_sub(28)], to);
    }

    /// Sends packets of a buffer again.
    pub fn resend(&self, number: u64, first: u32, last: u32) {
        let Some(to) = self.to.filter(|_| self.spec.resends) else { return };
        let Some((_, packets)) = self.kept.iter().find(|(kept, _)| *kept == number) else { return };
        for packet in packets.iter().skip(first as usize).take((last - first + 1) as usize) {
            let _ = self.socket.send_to(packet, to);
        }
    }

    /// Keeps the packets of a buffer, and tells where they go.
    fn keep(&mut self, number: u64, packets: Arc<Vec<Vec<u8>>>, to: SocketAddr) -> Arc<UdpSocket> {
        self.to = Some(to);
        self.kept.push_back((number, packets));
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.socket.clone()
    }
}

/// Sends the packets of a buffer, of which one may be lost; as fast as a wire carries them, not as fast as a processor
/// copies them.
fn send(socket: &UdpSocket, to: SocketAddr, packets: &[Vec<u8>], loses: bool) {
    let (begun, mut bytes) = (Instant::now(), 0);
    for (i, packet) in packets.iter().enumerate() {
        if !(loses && i == 1) {
            let _ = socket.send_to(packet, to);
        }
        bytes += packet.len() as u64;
        if i % 4 == 3 {
            let due = Duration::from_nanos(bytes * 1_000_000_000 / WIRE_BYTES_PER_S);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
}

/// Sends frames while a program wants them.
pub fn run(spec: &Spec, registers: &Mutex<Registers>, sender: &Mutex<Sender>, ended: &AtomicBool) {
    let (mut frame, mut edges, mut buffer, mut due, mut stamp_ns) = (0, 0u32, spec.frames_before, Instant::now(), 0);
    while !ended.load(Relaxed) {
        let (to, period, packet_size, has_chunks) = {
            let registers = registers.lock().unwrap();
            let to = (registers.read(ACQUISITION) != 0).then(|| host(&registers));
            let period = Duration::from_micros(registers.read(FRAME_PERIOD_US).into());
            let has_chunks = registers.read(CHUNK_MODE) != 0 && registers.read(CHUNK_ENABLE) != 0;
            (to, period, (registers.read(PACKET_SIZE) & 0xffff) as usize, has_chunks)
        };
        if let Some(to) = to {
            let loses = spec.lose_every > 0 && frame % spec.lose_every == spec.lose_every - 1;
            // The parts of a frame have one time, and frames are a period apart, however late this thread is.
            stamp_ns = (stamp_ns + period.as_nanos() as u64).max(crosscheck::clock::monotonic_ns());
            let part = |i: usize| (PixelFormat::named(&spec.parts[i]).unwrap(), spec.bytes(i, frame));
            let mut parts: Vec<_> = (0..spec.parts.len()).map(part).collect();
            edges += 1;
            if spec.miss_every > 0 && u64::from(edges) % spec.miss_every == 0 {
                edges += 1;
            }
            if has_chunks {
                parts.iter_mut().for_each(|(_, bytes)| add_chunks(bytes, edges));
            }
            for parts in parts.chunks(if spec.multipart { parts.len() } else { 1 }) {
                buffer += 1;
                let packets = Arc::new(packets(spec, (buffer, stamp_ns), (parts, has_chunks), packet_size));
                // The camera answers while it sends.
                let socket = sender.lock().unwrap().keep(buffer, packets.clone(), to);
                send(&socket, to, &packets, loses);
            }
            frame += 1;
        }
        due = (due + period).max(Instant::now());
        std::thread::sleep(due - Instant::now().min(due));
    }
}

/// Makes an image a chunk, and adds the count of edges as another. What a chunk is and how long it is stands behind it.
fn add_chunks(image: &mut Vec<u8>, edges: u32) {
    let length = image.len() as u32;
    image.extend([IMAGE_CHUNK, length, edges, EDGES_CHUNK, 4].map(u32::to_be_bytes).concat());
}

fn packets(
    spec: &Spec,
    (number, stamp_ns): (u64, u64),
    (parts, has_chunks): (&[(PixelFormat, Vec<u8>)], bool),
    packet_size: usize,
) -> Vec<Vec<u8>> {
    let stamp = [(stamp_ns >> 32) as u32, stamp_ns as u32].map(u32::to_be_bytes).concat();
    let kind = if spec.multipart { MULTIPART } else { IMAGE } | if has_chunks { CHUNKS } else { 0 };
    let mut leader = [vec![0, 0], kind.to_be_bytes().to_vec(), stamp].concat();
    match spec.multipart {
        true => parts.iter().enumerate().for_each(|(i, part)| leader.extend(head_of_part(spec, i, part))),
        false => {
            leader.extend([parts[0].0.0, spec.width as u32, spec.height as u32, 0, 0, 0].map(u32::to_be_bytes).concat())
        }
    }
    let parts_or_0 = if spec.multipart { parts.len() as u32 } else { 0 };
    let mut packets = vec![packet(number, 0, LEADER, parts_or_0, &leader)];
    let mut offset = 0u64;
    for (i, (_, bytes)) in parts.iter().enumerate() {
        for piece in bytes.chunks(packet_size - HEAD - if spec.multipart { HEAD_OF_PIECE } else { 0 }) {
            let place = [vec![i as u8, 0], offset.to_be_bytes()[2..].to_vec()].concat();
            let (content, data) = match spec.multipart {
                true => (PART, [place, piece.to_vec()].concat()),
                false => (DATA, piece.to_vec()),
            };
            packets.push(packet(number, packets.len() as u32, content, 0, &data));
            offset += piece.len() as u64;
        }
    }
    let trailer = [vec![0, 0], kind.to_be_bytes().to_vec(), (spec.height as u32).to_be_bytes().to_vec()].concat();
    packets.push(packet(number, packets.len() as u32, TRAILER, 0, &trailer));
    packets
}

/// What a leader says of a part.
fn head_of_part(spec: &Spec, i: usize, (format, bytes): &(PixelFormat, Vec<u8>)) -> Vec<u8> {
    // A camera that lies says that there is more than it sends.
    let length = bytes.len() as u64 + if spec.cut { 1 << 30 } else { 0 };
    let kind: u16 = match format.content().unwrap() {
        Content::Colour(_) => 1,
        Content::Depth(_) => 5,
        Content::Confidence(_) => 9,
    };
    let size = [spec.width as u32, spec.height as u32, 0, 0, 0, 0].map(u32::to_be_bytes).concat();
    [
        kind.to_be_bytes().to_vec(),
        length.to_be_bytes()[2..].to_vec(),
        format.0.to_be_bytes().to_vec(),
        vec![0, 0, 0, 0, 0, 0, 0, 0],
        (i as u16 + 1).to_be_bytes().to_vec(),
        vec![0, 0],
        size,
    ]
    .concat()
}

fn packet(number: u64, place: u32, content: u32, low: u32, data: &[u8]) -> Vec<u8> {
    let infos = 1 << 31 | content << 24 | low;
    [
        vec![0; 4],
        infos.to_be_bytes().to_vec(),
        number.to_be_bytes().to_vec(),
        place.to_be_bytes().to_vec(),
        data.to_vec(),
    ]
    .concat()
}
