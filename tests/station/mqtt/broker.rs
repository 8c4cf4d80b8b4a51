//! mosquitto on ports of its own, with a subscriber to everything.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// mosquitto's programs know it as localhost too, but may try that as ::1 first, and give up.
pub const HOST: &str = "127.0.0.1";
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A file to which every message is added, with its topic before it: ci/mqtt/run.sh holds them to the schemas.
const MESSAGES: &str = "CROSSCHECK_MQTT_MESSAGES";

pub struct Broker {
    folder: TempDir,
    /// Listens without TLS and lets everyone in.
    port: u16,
    /// Of the other listeners.
    ports: Vec<u16>,
    /// Broker and subscriber; none while it is stopped.
    running: Option<[Child; 2]>,
    lines: Receiver<String>,
}

impl Broker {
    pub fn start() -> Self {
        Self::with(tempfile::tempdir().unwrap(), &[])
    }

    /// `listeners`: settings of further listeners; `DIR` in them is `folder`.
    pub fn with(folder: TempDir, listeners: &[&str]) -> Self {
        let (port, (_, lines)) = (free_port(), channel());
        // As root it would become a user who cannot read the folder; for other users the line has no effect.
        let mut conf = format!("user root\nper_listener_settings true\nlistener {port} {HOST}\nallow_anonymous true\n");
        let ports: Vec<u16> = listeners.iter().map(|_| free_port()).collect();
        for (port, settings) in ports.iter().zip(listeners) {
            conf += &format!("listener {port} {HOST}\n{}\n", settings.replace("DIR", folder.path().to_str().unwrap()));
        }
        std::fs::write(folder.path().join("conf"), conf).unwrap();
        let mut broker = Self { folder, port, ports, running: None, lines };
        broker.start_again();
        broker
    }

    pub fn start_again(&mut self) {
        let mut broker = Command::new("mosquitto");
        broker.arg("-c").arg(self.folder.path().join("conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let broker = broker.spawn().expect("mosquitto");
        let answers = || {
            [self.port].iter().chain(&self.ports).all(|port| TcpStream::connect((HOST, *port)).is_ok()) || {
                std::thread::sleep(WAIT_MAX / 100);
                false
            }
        };
        (0..100).find(|_| answers()).expect("mosquitto does not listen");
        let mut subscriber = Command::new("mosquitto_sub");
        subscriber.args(["-h", HOST, "-p", &self.port.to_string(), "-t", "#", "-v"]).stdout(Stdio::piped());
        let mut subscriber = subscriber.spawn().expect("mosquitto_sub");
        let out = BufReader::new(subscriber.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        (self.lines, self.running) = (lines, Some([broker, subscriber]));
    }

    pub fn stop(&mut self) {
        for mut child in self.running.take().into_iter().flatten() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of a further listener.
    pub fn port_of(&self, listener: usize) -> u16 {
        self.ports[listener]
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Topic and content of the next message.
    pub fn message(&mut self) -> (String, Value) {
        loop {
            let line = self.lines.recv_timeout(WAIT_MAX).expect("a message in time");
            let (topic, message) = line.split_once(' ').unwrap();
            // Those to the station are no JSON.
            if !topic.contains("/command/") {
                keep(topic, message);
                return (topic.into(), serde_json::from_str(message).unwrap());
            }
        }
    }

    /// What a new subscriber is told at once.
    pub fn retained(&self, topic: &str) -> Value {
        let arguments =
            ["-h", HOST, "-p", &self.port.to_string(), "-t", topic, "-C", "1", "-W", "30", "--retained-only"];
        let output = Command::new("mosquitto_sub").args(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn publish(&self, topic: &str, payload: &str, retain: bool) {
        let port = self.port.to_string();
        let mut arguments = vec!["-h", HOST, "-p", &port, "-t", topic, "-m", payload];
        arguments.extend(retain.then_some("-r"));
        assert!(Command::new("mosquitto_pub").args(arguments).status().unwrap().success());
    }

    /// Publishes something under a client's name.
    pub fn publish_as(&self, client: &str) {
        let arguments = ["-h", HOST, "-p", &self.port.to_string(), "-i", client, "-t", "other", "-m", "{}"];
        assert!(Command::new("mosquitto_pub").args(arguments).status().unwrap().success());
    }
}

/// In one call, so that lines of several tests do not mix.
fn keep(topic: &str, message: &str) {
    if let Ok(path) = std::env::var(MESSAGES) {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{topic} {message}\n").as_bytes()).unwrap();
    }
}

/// mosquitto cannot choose one itself. Below those that the system gives to connections: one of these, free a moment ago,
/// may be a connection's before mosquitto listens, and a client that tries it may even be connected to itself.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    let next = || first + NEXT.fetch_add(1, Ordering::Relaxed);
    std::iter::repeat_with(next).find(|port| TcpListener::bind((HOST, *port)).is_ok()).unwrap()
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}
