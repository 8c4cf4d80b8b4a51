//! The control of a camera (GVCP): who commands it, and what they read and write.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender as Order, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::registers::{ACQUISITION, CONTROL, HEARTBEAT_MS, HOST_ADDRESS, HOST_PORT, PACKET_SIZE, Registers};
use super::stream::Sender;

const DISCOVERY: u16 = 0x0002;
const RESEND: u16 = 0x0040;
const READ_REGISTER: u16 = 0x0080;
const WRITE_REGISTER: u16 = 0x0082;
const READ_MEMORY: u16 = 0x0084;
const WRITE_MEMORY: u16 = 0x0086;
const ACCESS_DENIED: u16 = 0x8006;
/// The bit of a packet size that asks for a packet of this size now.
const FIRE: u32 = 1 << 31;

pub struct Control {
    socket: UdpSocket,
    registers: Arc<Mutex<Registers>>,
    sender: Arc<Mutex<Sender>>,
    /// Who commands the camera, and when that was heard last.
    controller: Option<(SocketAddr, Instant)>,
    /// Another program has the camera until then.
    taken: Option<Instant>,
}

impl Control {
    pub fn new(socket: UdpSocket, registers: Arc<Mutex<Registers>>, sender: Arc<Mutex<Sender>>) -> Self {
        Self { socket, registers, sender, controller: None, taken: None }
    }

    /// Answers from now on. Milliseconds that are sent are a time in which another program has the camera.
    pub fn start(mut self) -> Order<u64> {
        let (order, orders) = channel();
        self.socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        std::thread::spawn(move || {
            loop {
                self.follow(&orders);
                let mut packet = [0; 1024];
                if let Ok((length, from)) = self.socket.recv_from(&mut packet)
                    && length >= 8
                    && packet[0] == 0x42
                {
                    self.answer(&packet[..length], from);
                }
            }
        });
        order
    }

    fn follow(&mut self, orders: &Receiver<u64>) {
        if let Ok(milliseconds) = orders.try_recv() {
            self.taken = Some(Instant::now() + Duration::from_millis(milliseconds));
            self.controller = None;
            let mut registers = self.registers.lock().unwrap();
            // The other program streams to itself.
            registers.write(ACQUISITION, 0);
            registers.write(CONTROL, 2);
        }
        if self.taken.is_some_and(|until| Instant::now() > until) {
            self.taken = None;
            self.registers.lock().unwrap().write(CONTROL, 0);
        }
        let patience = Duration::from_millis(self.registers.lock().unwrap().read(HEARTBEAT_MS).into());
        if self.controller.is_some_and(|(_, heard)| heard.elapsed() > patience) {
            self.controller = None;
            let mut registers = self.registers.lock().unwrap();
            registers.write(CONTROL, 0);
            registers.write(ACQUISITION, 0);
        }
    }

    fn answer(&mut self, packet: &[u8], from: SocketAddr) {
        let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        let long = |at: usize| packet.get(at..at + 4).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
        let (command, id) = (word(2), word(6));
        if let Some((controller, heard)) = &mut self.controller
            && *controller == from
        {
            *heard = Instant::now();
        }
        let may_write = self.taken.is_none() && self.controller.is_none_or(|(controller, _)| controller == from);
        let (status, data) = match command {
            DISCOVERY => (0, self.registers.lock().unwrap().bytes(0, 0xf8)),
            READ_REGISTER => {
                let registers = self.registers.lock().unwrap();
                let places = packet[8..].as_chunks::<4>().0.iter().map(|at| u32::from_be_bytes(*at) as usize);
                (0, places.flat_map(|at| registers.read(at).to_be_bytes()).collect())
            }
            READ_MEMORY => {
                let bytes = self.registers.lock().unwrap().bytes(long(8) as usize, (long(12) & 0xffff) as usize);
                (0, [packet[8..12].to_vec(), bytes].concat())
            }
            WRITE_REGISTER | WRITE_MEMORY if !may_write => (ACCESS_DENIED, vec![0; 4]),
            WRITE_REGISTER => {
                self.write(long(8) as usize, long(12), from);
                (0, vec![0, 0, 0, 1])
            }
            WRITE_MEMORY => {
                self.registers.lock().unwrap().write_bytes(long(8) as usize, &packet[12..]);
                (0, vec![0, 0, 0, packet.len() as u8])
            }
            RESEND => {
                let number = u64::from(long(20)) << 32 | u64::from(long(24));
                return self.sender.lock().unwrap().resend(number, long(12), long(16));
            }

            _ => return,
        };
        let head = [status, command + 1, data.len() as u16, id].map(u16::to_be_bytes).concat();
        let _ = self.socket.send_to(&[head, data].concat(), from);
    }

    fn write(&mut self, at: usize, value: u32, from: SocketAddr) {
        let mut registers = self.registers.lock().unwrap();
        registers.write(at, if at == PACKET_SIZE { value & !FIRE } else { value });
        if at == CONTROL {
            self.controller = (value != 0).then(|| (from, Instant::now()));
        }
        if at == PACKET_SIZE && value & FIRE != 0 {
            let to = host(&registers);
            self.sender.lock().unwrap().fire(to, (value & 0xffff) as usize);
        }
    }
}

/// Where frames are sent.
pub fn host(registers: &Registers) -> SocketAddr {
    let address = std::net::Ipv4Addr::from(registers.read(HOST_ADDRESS));
    (address, (registers.read(HOST_PORT) & 0xffff) as u16).into()
}
