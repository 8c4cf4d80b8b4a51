//! The Prometheus text format, version 0.0.4.

use std::fmt::Write;

use super::histogram::{Latencies, RATIO_BOUNDS, ScoreRatios};
use super::{Count, Gauge, Latency, Metrics};

/// What an answer with this text says it is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper ends of the buckets that are shown, microseconds: 10 us to 10 s.
const BOUNDS_US: [u64; 19] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];

/// One kind of series: its name, its labels as they are written, and what it is.
struct Series {
    name: &'static str,
    /// `label="value"` or nothing.
    label: &'static str,
    help: &'static str,
}

const fn series(name: &'static str, label: &'static str, help: &'static str) -> Series {
    Series { name, label, help }
}

/// Everything there is to know.
pub fn render(metrics: &Metrics) -> String {
    let mut page = Page { text: String::new(), name: "" };
    let engine = format!("version=\"{}\",engine=\"{}\"", env!("CARGO_PKG_VERSION"), metrics.engine());
    page.head("crosscheck_info", "gauge", "The program's version and the engine by its hash.");
    page.line("crosscheck_info", &engine, 1);
    page.head("crosscheck_uptime_seconds", "gauge", "Since the station started.");
    page.line("crosscheck_uptime_seconds", "", metrics.uptime().as_secs_f64());
    page.head("crosscheck_progress_age_seconds", "gauge", "Since the last frame that fed the watchdog.");
    page.line("crosscheck_progress_age_seconds", "", metrics.progress_age().as_secs_f64());
    for what in Count::ALL {
        let Series { name, label, help } = of_count(what);
        page.head(name, "counter", help);
        page.line(name, label, metrics.total(what));
    }
    for what in Gauge::ALL {
        let Series { name, label, help } = of_gauge(what);
        page.head(name, "gauge", help);
        page.line(name, label, metrics.gauge(what));
    }
    page.head("crosscheck_faults_total", "counter", "Faults by kind.");
    for (fault, count, _) in metrics.faults() {
        page.line("crosscheck_faults_total", &format!("fault=\"{fault}\""), count);
    }
    page.head("crosscheck_fault_active", "gauge", "1 while the fault is active.");
    for (fault, _, active) in metrics.faults() {
        page.line("crosscheck_fault_active", &format!("fault=\"{fault}\""), u8::from(active));
    }
    for what in Latency::ALL {
        page.latencies(&of_latency(what), metrics.latencies(what));
    }
    page.score_ratios(&metrics.score_ratios);
    page.text
}

struct Page {
    text: String,
    /// The kind of series whose head was written last.
    name: &'static str,
}

impl Page {
    /// What a name means, once before its first line.
    fn head(&mut self, name: &'static str, kind: &str, help: &str) {
        if self.name != name {
            self.name = name;
            self.put(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        }
    }

    fn line(&mut self, name: &str, label: &str, value: impl std::fmt::Display) {
        match label {
            "" => self.put(format_args!("{name} {value}\n")),
            label => self.put(format_args!("{name}{{{label}}} {value}\n")),
        }
    }

    fn latencies(&mut self, Series { name, label, help }: &Series, times: &Latencies) {
        self.head(name, "histogram", help);
        let (below, total) = times.cumulative(BOUNDS_US);
        let bounds = BOUNDS_US.map(|us| us as f64 / 1e6);
        self.histogram(name, label, bounds.into_iter().zip(below), total, times.sum().as_secs_f64());
    }

    fn score_ratios(&mut self, ratios: &ScoreRatios) {
        let name = "crosscheck_score_ratio";
        self.head(name, "histogram", "Scores over the threshold each was judged by: above 1 is a reject.");
        let (below, total) = ratios.cumulative();
        self.histogram(name, "", RATIO_BOUNDS.into_iter().zip(below), total, ratios.sum());
    }

    fn histogram<B: std::fmt::Display>(
        &mut self,
        name: &str,
        label: &str,
        buckets: impl Iterator<Item = (B, u64)>,
        total: u64,
        sum: f64,
    ) {
        let comma = if label.is_empty() { "" } else { "," };
        let bucket = format!("{name}_bucket");
        for (bound, below) in buckets {
            self.line(&bucket, &format!("{label}{comma}le=\"{bound}\""), below);
        }
        self.line(&bucket, &format!("{label}{comma}le=\"+Inf\""), total);
        self.line(&format!("{name}_sum"), label, sum);
        self.line(&format!("{name}_count"), label, total);
    }

    fn put(&mut self, text: std::fmt::Arguments) {
        // A string takes all that is written to it.
        let _ = self.text.write_fmt(text);
    }
}

const VERDICTS: &str = "Verdicts of inspected parts.";
const UNSCORED: &str = "Parts that were rejected without a score, by why.";
const RECORDINGS: &str = "Recordings of parts.";
const EVENTS: &str = "MQTT events: acknowledged by the broker, or dropped.";
const RELOADS: &str = "Changes of configuration or engine.";

fn of_count(what: Count) -> Series {
    match what {
        Count::FramesCaptured => series("crosscheck_frames_total", "", "Frames from the camera."),
        Count::FramesLost => {
            series("crosscheck_frames_lost_total", "", "Frames lost between the camera's sensor and the program.")
        }
        Count::FramesDropped => {
            series("crosscheck_frames_dropped_total", "", "Frames dropped under load that no part depended on.")
        }
        Count::CameraReopened => series("crosscheck_camera_reopened_total", "", "Times the camera was opened again."),
        Count::CameraReset => series("crosscheck_camera_reset_total", "", "Times the camera's hardware was reset."),
        Count::Parts => series("crosscheck_parts_total", "", "Parts that were announced."),
        Count::Passed => series("crosscheck_verdicts_total", "verdict=\"pass\"", VERDICTS),
        Count::Reviewed => series("crosscheck_verdicts_total", "verdict=\"review\"", VERDICTS),
        Count::Rejected => series("crosscheck_verdicts_total", "verdict=\"reject\"", VERDICTS),
        Count::UnscoredNoFrame => series("crosscheck_parts_unscored_total", "reason=\"no_frame\"", UNSCORED),
        Count::UnscoredDropped => series("crosscheck_parts_unscored_total", "reason=\"frame_dropped\"", UNSCORED),
        Count::UnscoredEngine => series("crosscheck_parts_unscored_total", "reason=\"engine\"", UNSCORED),
        Count::PartsDoubtful => series(
            "crosscheck_parts_doubtful_total",
            "",
            "Parts that another thing may have been taken for: at the picture's edge, of an unusual size, or chosen closely.",
        ),
        Count::LateVerdicts => {
            series("crosscheck_late_verdicts_total", "", "Verdicts after their deadline; they did not act.")
        }
        Count::RejectPulses => series(
            "crosscheck_reject_pulses_total",
            "",
            "Pulses for parts at the reject output; to be held at reject by a fault is none.",
        ),
        Count::PulsesMerged => {
            series("crosscheck_pulses_merged_total", "", "Rejects that share a pulse with the one before.")
        }
        Count::PartsCaught => {
            series("crosscheck_parts_caught_total", "", "Accepted parts that passed while the output was at reject.")
        }
        Count::PartsMissed => {
            series("crosscheck_parts_missed_total", "", "Parts without an accept whose reject came too late.")
        }
        Count::LineEventsLost => {
            series("crosscheck_line_events_lost_total", "", "Events of the line that nobody took in time.")
        }
        Count::ConfirmationsMissed => {
            series("crosscheck_confirmations_missed_total", "", "Rejects that the confirm input did not see.")
        }
        Count::EdgesIgnored => series("crosscheck_edges_ignored_total", "", "Trigger edges taken for bounce."),
        Count::Recorded => series("crosscheck_recordings_total", "result=\"written\"", RECORDINGS),
        Count::RecordingsDropped => series("crosscheck_recordings_total", "result=\"dropped\"", RECORDINGS),
        Count::RecordingsFailed => series("crosscheck_recordings_total", "result=\"failed\"", RECORDINGS),
        Count::EventsSent => series("crosscheck_mqtt_events_total", "result=\"sent\"", EVENTS),
        Count::EventsDropped => series("crosscheck_mqtt_events_total", "result=\"dropped\"", EVENTS),
        Count::Reloads => series("crosscheck_reloads_total", "result=\"done\"", RELOADS),
        Count::ReloadsRefused => series("crosscheck_reloads_total", "result=\"refused\"", RELOADS),
        Count::Loosened => series(
            "crosscheck_loosened_total",
            "",
            "Changes of threshold, engine, scene or regions by which a part may pass that did not before.",
        ),
    }
}

fn of_gauge(what: Gauge) -> Series {
    match what {
        Gauge::Threshold => series("crosscheck_threshold", "", "A score above this rejects."),
        Gauge::ReviewThreshold => {
            series("crosscheck_review_threshold", "", "A score above this is reviewed; the threshold without a band.")
        }
        Gauge::ConfiguredThreshold => {
            series("crosscheck_configured_threshold", "", "The threshold of the configuration or the calibration.")
        }
        Gauge::ThresholdOverridden => series(
            "crosscheck_threshold_overridden",
            "",
            "1 while the live page's threshold is in force in place of the configured one.",
        ),
        Gauge::LastScore => series("crosscheck_last_score", "", "The score of the last part that had one."),
        Gauge::FramesPerSecond => series("crosscheck_frames_per_second", "", "Frames inspected in the last second."),
        Gauge::BrightnessRatio => {
            series("crosscheck_brightness_ratio", "", "Brightness of the last 64 parts' frames over the usual one.")
        }
        Gauge::SharpnessRatio => {
            series("crosscheck_sharpness_ratio", "", "Sharpness of the last 64 parts' frames over the usual one.")
        }
        Gauge::ValidShareRatio => series(
            "crosscheck_valid_share_ratio",
            "",
            "Share of pixels with a point over the usual one, last 64 parts.",
        ),
        Gauge::ScoresAboveMedian => series(
            "crosscheck_scores_above_median_share",
            "",
            "Share of the last 64 scores above the median of the calibration's good parts: 0.5 is usual.",
        ),
        Gauge::PartsInFlight => series("crosscheck_parts_in_flight", "", "Parts between the trigger and the ejector."),
    }
}

fn of_latency(what: Latency) -> Series {
    const STAGES: &str = "Time of one frame in a stage.";
    const NAME: &str = "crosscheck_stage_seconds";
    match what {
        Latency::Queue => series(NAME, "stage=\"queue\"", STAGES),
        Latency::Prepare => series(NAME, "stage=\"prepare\"", STAGES),
        Latency::RgbTokens => series(NAME, "stage=\"rgb_tokens\"", STAGES),
        Latency::XyzGroups => series(NAME, "stage=\"xyz_groups\"", STAGES),
        Latency::AnomalyMap => series(NAME, "stage=\"anomaly_map\"", STAGES),
        Latency::CaptureToVerdict => {
            series("crosscheck_capture_to_verdict_seconds", "", "From a frame's capture to its verdict.")
        }
        Latency::EdgeLate => {
            series("crosscheck_edge_late_seconds", "", "From the time for which a reject was scheduled to its edge.")
        }
        Latency::CaptureToEdge => {
            series("crosscheck_capture_to_edge_seconds", "", "From a frame's capture to the edge at the reject output.")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::score::Verdict;

    #[test]
    fn values_are_under_their_names() {
        let metrics = Metrics::new(&["camera_lost", "disk_full"]);
        metrics.verdict(1, Some(0.5), 1.0, Verdict::Pass);
        metrics.verdict(2, Some(2.0), 1.0, Verdict::Reject);
        metrics.time(Latency::CaptureToEdge, Duration::from_millis(150));
        metrics.raise(1);
        let text = render(&metrics);
        for line in [
            "crosscheck_verdicts_total{verdict=\"pass\"} 1",
            "crosscheck_verdicts_total{verdict=\"reject\"} 1",
            "crosscheck_last_score 2",
            "crosscheck_faults_total{fault=\"disk_full\"} 1",
            "crosscheck_fault_active{fault=\"camera_lost\"} 0",
            "crosscheck_capture_to_edge_seconds_bucket{le=\"0.1\"} 0",
            "crosscheck_capture_to_edge_seconds_bucket{le=\"0.2\"} 1",
            "crosscheck_capture_to_edge_seconds_sum 0.15",
            "crosscheck_stage_seconds_bucket{stage=\"prepare\",le=\"+Inf\"} 0",
            "crosscheck_score_ratio_bucket{le=\"1\"} 1",
            "crosscheck_score_ratio_count 2",
        ] {
            assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn each_name_has_one_head_before_its_lines() {
        let text = render(&Metrics::new(&["camera_lost"]));
        let mut heads: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")).collect();
        let names: Vec<&str> = heads.iter().filter_map(|h| h.split(' ').next()).collect();
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            assert!(names.iter().any(|name| line.starts_with(name)), "{line} has no head");
        }
        let all = heads.len();
        heads.sort();
        heads.dedup();
        assert_eq!(heads.len(), all, "a name has two heads");
    }
}
