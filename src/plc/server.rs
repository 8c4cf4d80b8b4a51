//! The thread that serves the clients.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::Level;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_modbus::server::tcp::Server;

use super::answers::{Answers, Client};
use super::frames::{Frames, Limits};
use super::place::Places;
use crate::config::plc::Plc;
use crate::locked::locked;
use crate::runtime::log_limit::LogLimit;
use crate::runtime::metrics::{Count, Metrics};

/// The pause after the system has refused to accept a connection, as it does when the program has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What clients are served with.
pub struct Door {
    pub answers: Arc<Answers>,
    pub places: Places,
    pub metrics: Arc<Metrics>,
    pub config: Plc,
    pub limits: Limits,
}

/// Serves clients until `stop` is dropped.
pub async fn serve(listener: std::net::TcpListener, door: Door, mut stop: oneshot::Receiver<()>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return log::error!("no PLC is served: {error}"),
    };
    let server = Server::new(listener);
    let said = Arc::new(Mutex::new(LogLimit::default()));
    loop {
        let connected = |stream, peer| std::future::ready(Ok(door.take(stream, peer, &said)));
        let closed = said.clone();
        let closed = move |error: io::Error| {
            say(&closed, Level::Warn, || format!("the connection of a PLC was closed: {error}"))
        };
        tokio::select! {
            ended = server.serve(&connected, closed) => {
                if let Err(error) = ended {
                    say(&said, Level::Error, || format!("cannot accept the connection of a PLC: {error}"));
                }
            }
            _ = &mut stop => return,
        }
        tokio::select! {
            () = tokio::time::sleep(ACCEPT_PAUSE) => {}
            _ = &mut stop => return,
        }
    }
}

impl Door {
    /// Takes a client that may connect; none otherwise, which closes the connection.
    fn take(&self, stream: TcpStream, peer: SocketAddr, said: &Mutex<LogLimit>) -> Option<(Client, Frames<TcpStream>)> {
        let from: IpAddr = peer.ip().to_canonical();
        if !self.config.allows(from) {
            self.metrics.count(Count::PlcNotAllowed);
            say(said, Level::Warn, || format!("{from} may not connect as a PLC: it is not in plc.allow"));
            return None;
        }
        // Answers are small and wanted at once. Without this they only come later.
        let _ = stream.set_nodelay(true);
        let place = self.places.take()?;
        Some((Client { answers: self.answers.clone(), from }, Frames::new(stream, place, self.limits)))
    }
}

fn say(limit: &Mutex<LogLimit>, level: Level, line: impl FnOnce() -> String) {
    locked(limit).say(level, line);
}
