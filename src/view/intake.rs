//! Accepts clients and reads their requests without waiting for any of them: one thread polls them all, and passes a
//! complete request to a thread that answers it. A client that sends nothing does not block others.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::http::{self, Answer, BODY_BYTES_MAX, HEAD_BYTES_MAX, Parsed, Request};

/// Number of clients whose request is incomplete; a further client replaces the one that waited longest.
const WAITING_MAX: usize = 256;
/// Times within which the first byte, and the complete request, must arrive.
const FIRST_BYTE_MAX: Duration = Duration::from_secs(1);
const REQUEST_MAX: Duration = Duration::from_secs(3);
/// How often the thread checks whether it should stop.
const TICK: Duration = Duration::from_millis(50);

/// A client with its complete request, or with the answer to an invalid one.
pub struct Visit {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub request: Result<Request, Answer>,
}

/// The channels for complete requests: `/healthz` and `/metrics` have threads of their own.
pub struct Lanes {
    pub monitors: SyncSender<Visit>,
    pub page: SyncSender<Visit>,
}

struct Waiting {
    stream: TcpStream,
    peer: SocketAddr,
    bytes: Vec<u8>,
    since: Instant,
}

enum Heard {
    Whole(Result<Request, Answer>),
    Part,
    Gone,
}

/// Accepts clients until it should stop. `listener` must not block.
pub fn take(listener: &TcpListener, lanes: &Lanes, stopping: &AtomicBool) {
    let mut waiting: Vec<Waiting> = Vec::new();
    while !stopping.load(Relaxed) {
        let Some(ready) = ready(listener, &waiting) else { continue };
        let now = Instant::now();
        let mut ready = ready.into_iter();
        let is_new = ready.next().unwrap_or(false);
        let mut kept = Vec::with_capacity(waiting.len());
        for (mut client, is_ready) in waiting.into_iter().zip(ready) {
            match if is_ready { client.hear() } else { Heard::Part } {
                Heard::Whole(request) => lanes.send(Visit { stream: client.stream, peer: client.peer, request }),
                Heard::Part if !client.is_late(now) => kept.push(client),
                Heard::Part | Heard::Gone => {}
            }
        }
        waiting = kept;
        if is_new {
            accept(listener, &mut waiting, now);
        }
    }
}

/// Which of the listener and the clients are readable, the listener first; none if the call was interrupted.
fn ready(listener: &TcpListener, waiting: &[Waiting]) -> Option<Vec<bool>> {
    let fd = |stream| PollFd::new(stream, PollFlags::IN);
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(waiting.iter().map(|client| fd(&client.stream)));
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    match poll(&mut fds, Some(&tick)) {
        Ok(_) => Some(fds.iter().map(|fd| !fd.revents().is_empty()).collect()),
        Err(rustix::io::Errno::INTR) => None,
        Err(error) => {
            log::warn!("the view cannot wait for clients: {error}");
            std::thread::sleep(Duration::from_secs(1));
            None
        }
    }
}

/// Accepts all waiting clients.
fn accept(listener: &TcpListener, waiting: &mut Vec<Waiting>, now: Instant) {
    for _ in 0..WAITING_MAX {
        match listener.accept() {
            Ok((stream, peer)) if stream.set_nonblocking(true).is_ok() => {
                if waiting.len() == WAITING_MAX {
                    waiting.remove(0);
                }
                waiting.push(Waiting { stream, peer, bytes: Vec::new(), since: now });
            }
            // The client has closed the connection already.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // The process may be out of file handles: the clients that waited longest are dropped.
            Err(error) => {
                log::warn!("the view cannot accept a client: {error}");
                waiting.drain(..waiting.len() / 2);
                std::thread::sleep(TICK);
                return;
            }
        }
    }
}

impl Waiting {
    /// Reads the bytes that have arrived.
    fn hear(&mut self) -> Heard {
        let mut piece = [0; 1024];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Heard::Gone,
                Ok(count) => self.bytes.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Part,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Heard::Gone,
            }
            match http::parse(&self.bytes) {
                Parsed::Request(request) => return Heard::Whole(Ok(request)),
                Parsed::Refused(answer) => return Heard::Whole(Err(answer)),
                Parsed::Partial if self.bytes.len() > HEAD_BYTES_MAX + BODY_BYTES_MAX => return Heard::Gone,
                Parsed::Partial => {}
            }
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        let max = if self.bytes.is_empty() { FIRST_BYTE_MAX } else { REQUEST_MAX };
        now.saturating_duration_since(self.since) > max
    }
}

impl Lanes {
    /// Passes the request to its channel. If that is full, the connection is closed, and the client may try again.
    fn send(&self, visit: Visit) {
        if visit.stream.set_nonblocking(false).is_err() {
            return;
        }
        let is_monitor = visit.request.as_ref().is_ok_and(|r| matches!(r.path.as_str(), "/healthz" | "/metrics"));
        let lane = if is_monitor { &self.monitors } else { &self.page };
        drop(lane.try_send(visit));
    }
}
