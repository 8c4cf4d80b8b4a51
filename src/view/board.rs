//! What the charts over time show: it is read from the trace of the station, and told to all pages alike for a while.

use std::path::Path;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::Serialize;

use super::answer::Refused;
use super::station::Station;
use crate::clock;
use crate::locked::locked;
use crate::runtime::drift::USUAL_SHARE_ABOVE;
use crate::runtime::metrics::{Gauge, Metrics};
use crate::sqlite::SqliteError;
use crate::trace::{Chart, Charts, Span};

/// How long one request reads the trace, before it answers with what it knows.
const PATIENCE: Duration = Duration::from_secs(1);
/// For this long all pages are told the same.
const FRESH: Duration = Duration::from_secs(5);

/// What was read of the trace.
#[derive(Default)]
pub struct Board {
    /// One request reads; the others are not kept waiting for it. None before the first.
    charts: Mutex<Option<Charts>>,
    /// What was last told of each span.
    told: Mutex<[Option<Told>; Span::ALL.len()]>,
}

#[derive(Clone)]
struct Told {
    json: Arc<str>,
    /// From then on the trace is asked again.
    until: Instant,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    chart: Chart,
    drift: Drift,
}

/// What the watch for drift compares.
#[derive(Serialize)]
struct Drift {
    /// The first 16 digits of the hash of the engine in force.
    engine: String,
    /// The median score of the good parts that it was calibrated with.
    median_score: Option<f64>,
    /// The share of the last scores that lie above it.
    above_share: Option<f64>,
    /// The least and the largest share that is usual.
    usual_share: [f64; 2],
}

impl Drift {
    fn of(metrics: &Metrics) -> Self {
        let known = |what| Some(metrics.gauge(what)).filter(|value| value.is_finite());
        Self {
            engine: metrics.engine(),
            median_score: known(Gauge::MedianScore),
            above_share: known(Gauge::ScoresAboveMedian),
            usual_share: USUAL_SHARE_ABOVE,
        }
    }
}

impl From<SqliteError> for Refused {
    fn from(error: SqliteError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl Board {
    /// The charts of a span as JSON.
    pub fn charts(&self, station: &Station, span: Span) -> Result<Arc<str>, Refused> {
        let path = station.trace.as_deref().ok_or_else(no_trace)?;
        let told = locked(&self.told)[span as usize].clone();
        if let Some(told) = told.as_ref().filter(|told| Instant::now() < told.until) {
            return Ok(told.json.clone());
        }
        let mut charts = match self.charts.try_lock() {
            Ok(charts) => charts,
            // After a panic in here at most cells are missing.
            Err(TryLockError::Poisoned(charts)) => charts.into_inner(),
            Err(TryLockError::WouldBlock) => return told.map(|told| told.json).ok_or_else(busy),
        };
        let chart = read(&mut charts, path, span)?;
        // What is not whole yet is read on at the next request.
        let is_whole = chart.known_from_unix_ms == chart.from_unix_ms;
        let until = Instant::now() + if is_whole { FRESH } else { Duration::ZERO };
        let shown = Shown { chart, drift: Drift::of(&station.metrics) };
        let json: Arc<str> = serde_json::to_string(&shown).map_err(|error| Refused::unclear(error.to_string()))?.into();
        locked(&self.told)[span as usize] = Some(Told { json: json.clone(), until });
        Ok(json)
    }
}

fn read(charts: &mut Option<Charts>, path: &Path, span: Span) -> Result<Chart, Refused> {
    let charts = match charts {
        Some(charts) => charts,
        none => none.insert(Charts::open(path)?),
    };
    Ok(charts.read(span, clock::unix_ms(clock::monotonic_ns()) as i64, PATIENCE)?)
}

fn no_trace() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "this station keeps no trace: [trace] of its configuration tells it to")
}

fn busy() -> Refused {
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the trace is being read for another page: ask again in a second")
}
