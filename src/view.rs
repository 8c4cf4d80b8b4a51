//! Serves the live page of a running station, its data, `/metrics` and `/healthz` over HTTP or HTTPS.
//!
//! ```text
//! server: connections -> gate: who is answered -> routes -> show, act, events -> station
//! ```
//!
//! The view reads atomics and one slot with the latest picture. A picture is copied only while someone looks. One thread of
//! low priority serves all clients, and others of low priority draw, encode and wait for the station in its place, so that no
//! client, however slow, holds up the station.

mod access;
mod act;
mod answer;
mod asked;
mod assets;
mod board;
mod charts;
mod client;
mod events;
mod gate;
mod guard;
mod lessons;
mod log_in;
mod page;
mod picture;
mod review;
mod revise;
mod routes;
mod server;
mod show;
mod state;
mod station;
mod teach;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use thiserror::Error;

pub use lessons::Lessons;
pub use picture::{Latest, Shown};
pub use station::Station;

use crate::config::view as config;
use crate::pem::Unfit;
use crate::server_thread::ServerThread;
use page::Page;
use server::Door;

#[derive(Debug, Error)]
pub enum ViewError {
    #[error("cannot listen on {address}: {source}; does another station's view use it, or is the port not permitted?")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start the view's threads: {0}")]
    Thread(std::io::Error),
    #[error(transparent)]
    Certificate(#[from] Unfit),
}

/// The view being served, until it is dropped.
pub struct View {
    address: SocketAddr,
    _thread: ServerThread,
}

impl View {
    /// Listens and serves in threads of its own.
    pub fn serve(config: &config::View, station: Station) -> Result<Self, ViewError> {
        let failed = |source| ViewError::Listen { address: config.bind, source };
        let tls = tls::acceptor(config)?;
        let listener = TcpListener::bind(config.bind).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if !address.ip().is_loopback() && tls.is_none() {
            let what = match config.accounts.is_some() {
                true => "sends pictures, passwords and sessions unencrypted",
                false => "shows pictures of parts, unencrypted, to everyone who reaches it",
            };
            log::warn!(
                "the view on {address} {what}: bind it to 127.0.0.1 if nobody else should see them, or give it a certificate (view.certificate_file)"
            );
        }
        let page = Arc::new(Page::new(station, config).map_err(ViewError::Thread)?);
        let door = Door::new(routes::routes(&page), tls);
        let thread = ServerThread::start("view", move |stop| server::serve(listener, door, page, stop));
        Ok(Self { address, _thread: thread.map_err(ViewError::Thread)? })
    }

    /// The address it listens on, with the port that the system chose if 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Reads and checks the certificate that the configuration names, if it does.
pub fn check_files(config: &config::View) -> Result<(), ViewError> {
    Ok(tls::acceptor(config).map(drop)?)
}

/// What describes the interface: OpenAPI 3.1, as JSON.
pub fn openapi() -> String {
    routes::document()
}
