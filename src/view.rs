//! What a person or a monitor sees of a running station: a live page, its data, `/metrics` and `/healthz`, over HTTP.
//!
//! The view reads atomics and one slot with the latest picture. A picture is copied only while someone looks, and drawn
//! and encoded by threads of low priority, so that no client, however slow, holds up the line.

mod http;
mod page;
mod picture;
mod state;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;

pub use picture::Latest;

use crate::config::view as config;
use crate::priority;
use crate::runtime::metrics::Metrics;
use page::Page;

/// Clients that are served at once; further ones wait in the system's queue.
const CLIENTS_MAX: usize = 4;
/// Requests and answers are small: so is what a thread needs.
const STACK_BYTES: usize = 512 << 10;

#[derive(Debug, Error)]
pub enum ViewError {
    #[error("cannot listen on {address}: {source}; is another station's view there, or the port not allowed?")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start the view's threads: {0}")]
    Thread(std::io::Error),
}

/// What may be asked of the station by who has the token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Reject above this score, until the configuration is read again.
    SetThreshold(f32),
    /// Read the configuration and the engine again, as SIGHUP does.
    Reload,
}

/// What the view looks at.
#[derive(Clone)]
pub struct Station {
    /// What the page is headed by.
    pub name: String,
    pub metrics: Arc<Metrics>,
    pub latest: Arc<Latest>,
    /// Where actions go; a full queue refuses.
    pub actions: SyncSender<Action>,
    /// Without a sign of progress for this long the station is not healthy.
    pub progress_age_max: Duration,
}

/// The view being served, until it is dropped.
pub struct View {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl View {
    /// Listens and serves in threads of its own.
    pub fn serve(config: &config::View, station: Station) -> Result<Self, ViewError> {
        let failed = |source| ViewError::Listen { address: config.bind, source };
        let listener = TcpListener::bind(config.bind).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let page = Arc::new(Page::new(station, config).map_err(ViewError::Thread)?);
        let mut view = Self { address, stopping, threads: Vec::new() };
        for _ in 0..CLIENTS_MAX {
            let listener = listener.try_clone().map_err(failed)?;
            let (page, stopping) = (page.clone(), view.stopping.clone());
            let thread = std::thread::Builder::new().name("view".into()).stack_size(STACK_BYTES);
            let serve = move || serve_clients(&listener, &page, &stopping);
            view.threads.push(thread.spawn(serve).map_err(ViewError::Thread)?);
        }
        Ok(view)
    }

    /// Where it listens: the port that was found where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.stopping.store(true, Relaxed);
        for _ in &self.threads {
            // A thread that waits for a client sees one and then that it is to stop.
            let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(200));
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("a thread of the view panicked");
            }
        }
    }
}

fn serve_clients(listener: &TcpListener, page: &Page, stopping: &AtomicBool) {
    priority::lower();
    loop {
        let client = listener.accept();
        if stopping.load(Relaxed) {
            return;
        }
        match client {
            // A client that goes away or breaks the rules has itself to blame: there is no one to tell.
            Ok((stream, _)) => drop(http::serve(stream, |request| page.answer(request))),
            // Out of file handles, for one; without a pause this would spin.
            Err(error) => {
                log::warn!("the view cannot take a client: {error}");
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}
