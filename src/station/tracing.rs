//! The trace of a station, if it has one.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Station;
use crate::runtime::Listener;
use crate::runtime::books::Books;
use crate::runtime::inspection::Watcher;
use crate::runtime::metrics::Metrics;
use crate::trace::{Hooks, StoreOptions, Trace, TraceError, TraceOptions};

/// A trace that may not be there, with what the station's threads call.
#[derive(Default)]
pub struct Tracing {
    pub trace: Option<Trace>,
    pub listener: Option<Listener>,
    pub watcher: Option<Watcher>,
    pub books: Books,
}

impl Tracing {
    /// Starts the trace that the configuration asks for. `name` is the station's.
    pub fn start(station: &Station, name: &str, metrics: &Arc<Metrics>) -> Result<Self, TraceError> {
        let Some(config) = &station.trace else { return Ok(Self::default()) };
        let options = TraceOptions {
            store: StoreOptions { path: config.file.clone(), station: name.into(), parts_max: config.parts_max },
            commit: Duration::from_secs_f64(1e-3 * config.commit_ms),
            rows_max: config.queue_parts_max as usize,
        };
        let (trace, Hooks { listener, watcher, books }) = Trace::start(&options, metrics.clone())?;
        Ok(Self { trace: Some(trace), listener: Some(listener), watcher: Some(watcher), books })
    }
}
