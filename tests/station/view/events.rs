//! The events of the view, and what a browser does with its connections.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::{Desk, TOKEN, asked, posted};
use crosscheck::action::{Action, Reply};

/// A page that listens.
struct Listener(BufReader<TcpStream>);

impl Listener {
    fn new(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            lines.read_line(&mut head).unwrap();
        }
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/event-stream"), "{head}");
        Self(lines)
    }

    /// The next state.
    fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection ends");
            if let Some(state) = line.strip_prefix("data: ") {
                return serde_json::from_str(state).unwrap();
            }
        }
    }
}

#[test]
fn the_state_is_told_to_everyone_who_listens() {
    let desk = Desk::new(None);
    let mut listeners: Vec<Listener> = (0..50).map(|_| Listener::new(desk.view.address())).collect();
    for listener in &mut listeners {
        assert_eq!(listener.next()["station"], "line 1");
    }
    desk.metrics.raise(0);
    desk.offer(3);
    for listener in &mut listeners {
        let state = (0..5).map(|_| listener.next()).find(|state| state["part"]["part"] == 3).unwrap();
        assert_eq!(state["unhealthy"], "fault camera_lost");
    }
}

// Browsers send several requests over one connection, of which the page has up to six.
#[test]
fn a_connection_takes_one_request_after_another() {
    let desk = Desk::new(None);
    let mut stream = BufReader::new(TcpStream::connect(desk.view.address()).unwrap());
    for _ in 0..3 {
        stream.get_mut().write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut lines = String::new();
        while !lines.ends_with("ok\n") {
            assert!(stream.read_line(&mut lines).unwrap() > 0, "the connection ends after {lines:?}");
        }
        assert!(lines.starts_with("HTTP/1.1 200"), "{lines}");
    }
}

// A page of another site, or of another port of this machine, is open in the same browser.
#[test]
fn the_page_of_another_site_may_not_act() {
    let desk = Desk::new(Some(TOKEN));
    let from = |origin: &str| {
        posted("/acknowledge", Some(TOKEN), "")
            .replace("\r\n\r\n", &format!("\r\nHost: localhost:80\r\nOrigin: {origin}\r\n\r\n"))
    };
    for origin in ["http://evil.example", "http://localhost:3000", "null", "http://localhost:80.evil.example"] {
        assert_eq!(desk.client().send(&from(origin)).status, 403, "{origin}");
    }
    assert!(desk.actions.try_recv().is_err());
    let client = desk.client();
    let own = from("http://localhost:80");
    let answer = std::thread::spawn(move || client.send(&own).status);
    desk.actions.recv_timeout(Duration::from_secs(60)).unwrap().reply(Reply::Done(String::new()));
    assert_eq!(answer.join().unwrap(), 200);
    // A program sends no origin.
    assert_eq!(asked(&desk, "/acknowledge", "", Reply::Done(String::new())).0, Action::Acknowledge);
}

#[test]
fn a_header_that_is_given_twice_is_refused() {
    let desk = Desk::new(Some(TOKEN));
    let twice = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n";
    assert_eq!(desk.client().send(twice).status, 400);
    // The name in the request line counts.
    assert_eq!(desk.client().send("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 421);
}
