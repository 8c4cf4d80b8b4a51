//! A thread in which a server and its clients are served, one after another as they ask.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::priority;

/// Stack of the thread, and of those that wait in its place: requests and answers are small.
const STACK_BYTES: usize = 512 << 10;
/// Threads that may wait in the place of the server's own.
const WAITING_MAX: usize = 8;

/// The thread, of low priority, until it is dropped.
pub struct ServerThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    name: &'static str,
}

impl ServerThread {
    /// Starts the thread `name`. `serve` runs until what it is given says that the server is dropped.
    pub fn start<F: Future<Output = ()>>(
        name: &'static str,
        serve: impl FnOnce(oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(WAITING_MAX)
            .thread_stack_size(STACK_BYTES)
            .thread_name(name)
            .on_thread_start(priority::lower)
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.into()).stack_size(STACK_BYTES);
        let thread = thread.spawn(move || run(runtime, serve(stopped)))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), name })
    }
}

fn run(runtime: Runtime, serving: impl Future<Output = ()>) {
    priority::lower();
    runtime.block_on(serving);
    // Nobody hears the answers that are still waited for.
    runtime.shutdown_background();
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        self.stop = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread \"{}\" panicked", self.name);
        }
    }
}
