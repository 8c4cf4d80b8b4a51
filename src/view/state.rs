//! The state that the live page asks for every second, as JSON.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::picture::Told;
use super::station::Station;
use crate::runtime::metrics::{Count, Gauge, Latency, Metrics};

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

#[derive(Serialize)]
struct State<'a> {
    station: &'a str,
    version: &'static str,
    /// First 16 digits of the engine's content hash.
    engine: String,
    uptime_s: u64,
    /// Why the station is not healthy; none if it is.
    unhealthy: Option<&'a str>,
    /// Whether a token is configured, with which the page may change something.
    may_act: bool,
    /// The number of the start in the names of recorded parts, if the station records any.
    recording_session: Option<u64>,
    /// The part in the latest picture.
    part: Option<Told>,
    /// The number and the name of each recipe.
    recipes: Vec<(u16, String)>,
    #[serde(flatten, serialize_with = "as_map")]
    gauges: Vec<(&'static str, Value)>,
    #[serde(serialize_with = "as_map")]
    counts: Vec<(&'static str, u64)>,
    faults: Vec<Value>,
    #[serde(serialize_with = "as_map")]
    latencies_ms: Vec<(&'static str, Option<Value>)>,
    history: Vec<Value>,
}

/// The page shows counts and times in the order of these keys, which a map of JSON values would not keep.
fn as_map<V: Serialize, S: Serializer>(pairs: &[(&'static str, V)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

/// `part`: the part in the latest picture.
pub fn json(
    station: &Station,
    part: Option<Told>,
    may_act: bool,
    unhealthy: Option<&str>,
) -> serde_json::Result<String> {
    let metrics = &station.metrics;
    let faults =
        metrics.faults().map(|(name, count, active)| json!({ "name": name, "count": count, "active": active }));
    let latency = |what: Latency| Some((what.series().page?, quantiles(metrics, what)));
    serde_json::to_string(&State {
        station: &station.name,
        version: env!("CARGO_PKG_VERSION"),
        engine: metrics.engine(),
        uptime_s: metrics.uptime().as_secs(),
        unhealthy,
        may_act,
        recording_session: metrics.recording_session(),
        part,
        recipes: station.recipes.all(),
        gauges: Gauge::ALL.into_iter().filter_map(|what| gauge(metrics, what)).collect(),
        counts: counts(metrics),
        faults: faults.collect(),
        latencies_ms: Latency::ALL.into_iter().filter_map(latency).collect(),
        history: history(metrics),
    })
}

/// The key and the value of a gauge that the page shows.
fn gauge(metrics: &Metrics, what: Gauge) -> Option<(&'static str, Value)> {
    let value = metrics.gauge(what);
    let value = match what {
        Gauge::ThresholdOverridden => json!(value > 0.0),
        Gauge::Recipe => json!(value as u16),
        _ => json!(value),
    };
    Some((what.series().page?, value))
}

fn counts(metrics: &Metrics) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<(&'static str, u64)> = Vec::new();
    for what in Count::ALL {
        let Some(key) = what.series().page else { continue };
        match counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += metrics.total(what),
            None => counts.push((key, metrics.total(what))),
        }
    }
    counts
}

/// Milliseconds by quantile; none before the first time.
fn quantiles(metrics: &Metrics, what: Latency) -> Option<Value> {
    let times = metrics.latencies(what);
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let mut found = Map::new();
    for (name, share) in QUANTILES {
        found.insert(name.into(), json!(ms(times.quantile(share)?)));
    }
    found.insert("max".into(), json!(ms(times.max())));
    Some(found.into())
}

/// `[part, score or null, 0 pass, 1 review or 2 reject]`, oldest first.
fn history(metrics: &Metrics) -> Vec<Value> {
    metrics.history().iter().map(|s| json!([s.part, s.score, s.verdict.number()])).collect()
}
