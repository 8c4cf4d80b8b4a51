//! Takes connections, each of which is served by a task of its own within its limits.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, service};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use log::Level;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::client::Client;
use super::events;
use super::page::Page;
use crate::runtime::log_limit::LogLimit;
use crate::seats::{New, Seats};

/// Number of connections: 50 pages, each of which has its events and asks for pictures, and the monitors.
const CONNECTIONS_MAX: usize = 256;
/// Time within which a request's head must arrive, and for which a connection between two requests stays open.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// Time within which both sides must agree on their keys.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// Time within which a client must take the next part of an answer.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// Largest request line with headers: those of a browser are a tenth of this. It is the least that can be asked for.
const HEAD_BYTES_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;
/// The pause after the system has refused to accept a connection, as it does when the program has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What clients are served with.
#[derive(Clone)]
pub struct Door {
    routes: Router,
    tls: Option<TlsAcceptor>,
    seats: Arc<Seats>,
}

/// Serves clients until `stop` is dropped.
pub async fn serve(listener: std::net::TcpListener, door: Door, page: Arc<Page>, mut stop: oneshot::Receiver<()>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return log::error!("the view is not served: {error}"),
    };
    tokio::spawn(events::tell(page));
    let mut said = LogLimit::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => return,
        };
        match accepted {
            Ok((stream, peer)) => drop(tokio::spawn(door.clone().attend(stream, peer))),
            Err(error) => {
                said.say(Level::Warn, || format!("the view cannot accept a client: {error}"));
                tokio::select! {
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                    _ = &mut stop => return,
                }
            }
        }
    }
}

impl Door {
    pub fn new(routes: Router, tls: Option<TlsAcceptor>) -> Self {
        Self { routes, tls, seats: Seats::new(CONNECTIONS_MAX) }
    }

    /// Serves one client until it goes, breaks a limit, or loses its place to another.
    async fn attend(self, stream: TcpStream, peer: SocketAddr) {
        let Some(New { seat, lost, .. }) = self.seats.take() else { return };
        let client = Client { address: peer.ip().to_canonical(), seat: Arc::new(seat) };
        tokio::select! {
            // An error means that the client has gone or broke the protocol: nobody is left to answer.
            _ = self.shake_hands(stream, client) => {}
            () = lost => {}
        }
    }

    async fn shake_hands(self, stream: TcpStream, client: Client) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME_MAX));
        let stream = pin!(stream);
        match &self.tls {
            None => converse(self.routes, stream, client).await,
            Some(tls) => {
                let stream = timeout(HANDSHAKE_TIME_MAX, tls.accept(stream)).await??;
                converse(self.routes, stream, client).await
            }
        }
        .map_err(io::Error::other)
    }
}

async fn converse(routes: Router, stream: impl AsyncRead + AsyncWrite + Unpin, client: Client) -> hyper::Result<()> {
    let routes = TowerToHyperService::new(routes);
    let answer = service::service_fn(move |mut request: Request<Incoming>| {
        client.seat.asks();
        request.extensions_mut().insert(client.clone());
        service::Service::call(&routes, request.map(Body::new))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}
