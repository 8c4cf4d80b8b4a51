//! Serves the live page of a running station, its data, `/metrics` and `/healthz` over HTTP.
//!
//! The view reads atomics and one slot with the latest picture. A picture is copied only while someone looks, and drawn
//! and encoded by threads of low priority, so that no client, however slow, holds up the station.

mod guard;
mod http;
mod intake;
mod page;
mod picture;
mod state;
mod station;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use thiserror::Error;

pub use picture::Latest;
pub use station::Station;

use crate::config::view as config;
use crate::priority;
use intake::{Lanes, Visit};
use page::Page;

/// Threads that answer the page's requests, and threads for `/healthz` and `/metrics` alone.
const PAGE_THREADS: usize = 4;
const MONITOR_THREADS: usize = 2;
/// Number of complete requests that may wait for a thread.
const VISITS_MAX: usize = 64;
/// Stack of each thread: requests and answers are small.
const STACK_BYTES: usize = 512 << 10;

#[derive(Debug, Error)]
pub enum ViewError {
    #[error("cannot listen on {address}: {source}; does another station's view use it, or is the port not permitted?")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start the view's threads: {0}")]
    Thread(std::io::Error),
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
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if !address.ip().is_loopback() {
            log::warn!(
                "the view on {address} shows pictures of parts, unencrypted, to everyone who reaches it: bind it to 127.0.0.1 if nobody else should see them"
            );
        }
        let stopping = Arc::new(AtomicBool::new(false));
        let page = Arc::new(Page::new(station, config).map_err(ViewError::Thread)?);
        let mut view = Self { address, stopping, threads: Vec::new() };
        let lanes = Lanes { monitors: view.lane(MONITOR_THREADS, &page)?, page: view.lane(PAGE_THREADS, &page)? };
        let stopping = view.stopping.clone();
        view.spawn(move || intake::take(&listener, &lanes, &stopping))?;
        Ok(view)
    }

    /// Starts threads that answer requests until the channel closes.
    fn lane(&mut self, threads: usize, page: &Arc<Page>) -> Result<SyncSender<Visit>, ViewError> {
        let (visits, visited) = sync_channel(VISITS_MAX);
        let visited = Arc::new(Mutex::new(visited));
        for _ in 0..threads {
            let (page, visited) = (page.clone(), visited.clone());
            self.spawn(move || answer_visits(&visited, &page))?;
        }
        Ok(visits)
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) -> Result<(), ViewError> {
        let thread = std::thread::Builder::new().name("view".into()).stack_size(STACK_BYTES);
        let lowered = move || {
            priority::lower();
            work();
        };
        self.threads.push(thread.spawn(lowered).map_err(ViewError::Thread)?);
        Ok(())
    }

    /// The address it listens on, with the port that the system chose if 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // The end of the intake closes the channels, which ends the other threads.
        self.stopping.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("a thread of the view panicked");
            }
        }
    }
}

fn answer_visits(visited: &Mutex<Receiver<Visit>>, page: &Page) {
    loop {
        let visit = visited.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Visit { stream, peer, request }) = visit else { return };
        let (answer, head_only) = match request {
            Ok(request) => (page.answer(peer.ip(), &request), request.method == "HEAD"),
            Err(refusal) => (refusal, false),
        };
        // An error means that the client has gone or broke the protocol: nobody is left to answer.
        drop(http::answer(stream, &answer, head_only));
    }
}
