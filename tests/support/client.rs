//! An HTTP client that sends exactly the bytes it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Client {
    stream: TcpStream,
}

pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream }
    }

    pub fn get(self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    /// Sends what is no whole request yet, or does not wait for the answer.
    pub fn begin(mut self, request: &str) -> Self {
        self.stream.write_all(request.as_bytes()).unwrap();
        self
    }

    pub fn send(self, request: &str) -> Answer {
        self.send_bytes(request.as_bytes())
    }

    pub fn send_bytes(mut self, request: &[u8]) -> Answer {
        self.stream.write_all(request).unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break end;
            }
            self.read(&mut bytes);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let (first, rest) = head.split_once("\r\n").unwrap();
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|s| s.split(' ').next()).unwrap().parse().unwrap();
        let header = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_string(), v.to_string())).unwrap();
        let headers = rest.split("\r\n").map(header).collect();
        let mut answer = Answer { status, headers, body: bytes.split_off(end + 4) };
        let is_head = request.starts_with(b"HEAD ");
        let length = answer.header("content-length").filter(|_| !is_head).map_or(0, |text| text.parse().unwrap());
        while answer.body.len() < length {
            self.read(&mut answer.body);
        }
        answer
    }

    fn read(&mut self, bytes: &mut Vec<u8>) {
        let mut piece = [0; 4096];
        let count = self.stream.read(&mut piece).unwrap();
        assert!(count > 0, "the connection ends after {:?}", String::from_utf8_lossy(bytes));
        bytes.extend_from_slice(&piece[..count]);
    }
}
