//! What the live page asks for every second, as JSON.

use serde_json::{Value, json};

use super::Station;
use crate::runtime::metrics::{Count, Gauge, Latency, Metrics};
use crate::score::Verdict;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];

/// `picture`: number of the part in the latest picture.
pub fn json(station: &Station, picture: Option<u64>, may_act: bool, unhealthy: Option<&str>) -> String {
    let metrics = &station.metrics;
    let faults: Vec<Value> = metrics
        .faults()
        .map(|(name, count, active)| json!({ "name": name, "count": count, "active": active }))
        .collect();
    json!({
        "station": station.name,
        "version": env!("CARGO_PKG_VERSION"),
        "engine": metrics.engine(),
        "uptime_s": metrics.uptime().as_secs(),
        "unhealthy": unhealthy,
        "may_act": may_act,
        "picture": picture,
        "threshold": metrics.gauge(Gauge::Threshold),
        "review_threshold": metrics.gauge(Gauge::ReviewThreshold),
        "configured_threshold": metrics.gauge(Gauge::ConfiguredThreshold),
        "threshold_overridden": metrics.gauge(Gauge::ThresholdOverridden) > 0.0,
        "frames_per_second": metrics.gauge(Gauge::FramesPerSecond),
        "parts_in_flight": metrics.gauge(Gauge::PartsInFlight),
        "counts": counts(metrics),
        "faults": faults,
        "latencies_ms": {
            "capture_to_verdict": quantiles(metrics, Latency::CaptureToVerdict),
            "capture_to_edge": quantiles(metrics, Latency::CaptureToEdge),
            "edge_late": quantiles(metrics, Latency::EdgeLate),
        },
        "history": history(metrics),
    })
    .to_string()
}

fn counts(metrics: &Metrics) -> Value {
    let total = |what| metrics.total(what);
    let unscored = [Count::UnscoredNoFrame, Count::UnscoredDropped, Count::UnscoredEngine].map(total);
    json!({
        "parts": total(Count::Parts),
        "pass": total(Count::Passed),
        "review": total(Count::Reviewed),
        "reject": total(Count::Rejected),
        "unscored": unscored.iter().sum::<u64>(),
        "late": total(Count::LateVerdicts),
        "pulses": total(Count::RejectPulses),
        "merged": total(Count::PulsesMerged),
        "caught": total(Count::PartsCaught),
        "missed": total(Count::PartsMissed),
        "bounced": total(Count::EdgesIgnored),
        "unconfirmed": total(Count::ConfirmationsMissed),
        "frames": total(Count::FramesCaptured),
        "lost": total(Count::FramesLost),
        "dropped": total(Count::FramesDropped),
        "recorded": total(Count::Recorded),
    })
}

/// None before the first time.
fn quantiles(metrics: &Metrics, what: Latency) -> Option<Value> {
    let times = metrics.latencies(what);
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let mut found = serde_json::Map::new();
    for (name, share) in QUANTILES {
        found.insert(name.into(), json!(ms(times.quantile(share)?)));
    }
    found.insert("max".into(), json!(ms(times.max())));
    Some(found.into())
}

/// `[part, score or null, 0 pass, 1 review or 2 reject]`, oldest first.
fn history(metrics: &Metrics) -> Vec<Value> {
    let number = |verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Review => 1,
        Verdict::Reject => 2,
    };
    metrics.history().iter().map(|s| json!([s.part, s.score, number(s.verdict)])).collect()
}
