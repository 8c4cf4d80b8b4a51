//! A GigE Vision camera of the tests' own, in a process of its own: registers and a description of them, streams of several
//! parts, packets that are lost, and another program that takes control. It is made after the layouts that GigE Vision 2.0
//! publishes, as far as the tests need them.

pub mod content;
mod control;
mod registers;
mod stream;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use control::Control;
use registers::Registers;
use stream::Sender;

/// Set for the process of a camera, which reads what camera it is from its first line.
const GIGE: &str = "CROSSCHECK_GIGE";
/// What a camera prints once it answers.
const READY: &str = "the camera answers";

/// A camera.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    pub address: Ipv4Addr,
    pub serial: String,
    pub width: usize,
    pub height: usize,
    pub period_us: u32,
    /// Names of the formats of its parts.
    pub parts: Vec<String>,
    /// Its parts come in one buffer, or in one each.
    pub multipart: bool,
    /// The bytes of each part, where they are always the same; otherwise those of `content`.
    pub fixed: Vec<Vec<u8>>,
    /// The number of the first frame, less one.
    pub frames_before: u64,
    /// A packet of every so many frames is lost; none where 0.
    pub lose_every: u64,
    /// Packets that are asked for again are sent again.
    pub resends: bool,
    /// Scale, offset and value for no point of each coordinate.
    pub axes: [(f64, f64, Option<f64>); 3],
    /// Focal length and principal point.
    pub lens: (f64, f64, f64),
    /// Of so many edges at its trigger, the last gives no frame; none where 0.
    pub miss_every: u64,
    /// Says less of its size than it sends.
    pub cut: bool,
}

impl Spec {
    pub fn new(address: u8, parts: &[&str]) -> Self {
        Self {
            address: Ipv4Addr::new(127, 0, 0, address),
            serial: format!("TEST{address}"),
            width: 64,
            height: 48,
            period_us: 5_000,
            parts: parts.iter().map(|name| name.to_string()).collect(),
            multipart: true,
            fixed: Vec::new(),
            frames_before: 0,
            lose_every: 0,
            resends: true,
            axes: [(1.0, 0.0, None); 3],
            lens: (60.0, 32.0, 24.0),
            miss_every: 0,
            cut: false,
        }
    }

    /// The bytes of a part of a frame.
    pub fn bytes(&self, part: usize, frame: u64) -> Vec<u8> {
        match self.fixed.get(part) {
            Some(bytes) => bytes.clone(),
            None => content::bytes(&self.parts[part], self.width * self.height, frame),
        }
    }
}

/// A camera that answers. It is killed when it is dropped.
pub struct Camera {
    process: Child,
    orders: ChildStdin,
}

impl Camera {
    pub fn start(spec: &Spec) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["the_process_of_a_camera", "--ignored", "--nocapture"])
            .env(GIGE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut orders = process.stdin.take().unwrap();
        writeln!(orders, "{}", serde_json::to_string(spec).unwrap()).unwrap();
        let mut told = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(told.any(|line| line.unwrap().contains(READY)), "the camera ended");
        // What else it prints is not waited for.
        std::thread::spawn(move || told.for_each(drop));
        Self { process, orders }
    }

    /// Another program controls the camera for so long.
    pub fn is_taken(&mut self, milliseconds: u64) {
        writeln!(self.orders, "{milliseconds}").unwrap();
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Not a test, but a camera's process, which ends with the one that started it.
#[test]
#[ignore = "the process of a camera"]
fn the_process_of_a_camera() {
    if std::env::var_os(GIGE).is_none() {
        return;
    }
    let mut lines = std::io::stdin().lines();
    let spec: Spec = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let registers = Arc::new(Mutex::new(Registers::new(&spec)));
    let control = UdpSocket::bind((spec.address, 3956)).unwrap();
    let streaming = Arc::new(UdpSocket::bind((spec.address, 0)).unwrap());
    let sender = Arc::new(Mutex::new(Sender::new(spec.clone(), streaming)));
    let ended = Arc::new(AtomicBool::new(false));
    let thief = Control::new(control, registers.clone(), sender.clone()).start();
    let (over, frames) = (ended.clone(), registers.clone());
    let stream = std::thread::spawn(move || stream::run(&spec, &frames, &sender, &over));
    println!("{READY}");
    lines.for_each(|line| thief.send(line.unwrap().parse().unwrap()).unwrap());
    ended.store(true, Relaxed);
    stream.join().unwrap();
}
