//! The Prometheus text format, version 0.0.4.

use std::fmt::Write;

use super::Metrics;
use super::histogram::{Latencies, RATIO_BOUNDS, ScoreRatios};
use super::table::{
    Count, FAULT_ACTIVE, FAULTS, Family, Gauge, INFO, Latency, PROGRESS_AGE, SCORE_RATIO, Series, UPTIME,
};

/// Content type of a response with this text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper ends of the buckets that are shown, microseconds: 10 us to 10 s.
const BOUNDS_US: [u64; 19] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];

/// All metrics as text.
pub fn render(metrics: &Metrics) -> String {
    let mut page = Page { text: String::new(), name: "" };
    let engine = format!("version=\"{}\",engine=\"{}\"", env!("CARGO_PKG_VERSION"), metrics.engine());
    page.value(&INFO, &engine, 1);
    page.value(&UPTIME, "", metrics.uptime().as_secs_f64());
    page.value(&PROGRESS_AGE, "", metrics.progress_age().as_secs_f64());
    for what in Count::ALL {
        let Series { family, label, .. } = what.series();
        page.value(&family, label, metrics.total(what));
    }
    for what in Gauge::ALL {
        let Series { family, label, .. } = what.series();
        page.value(&family, label, metrics.gauge(what));
    }
    for (fault, count, _) in metrics.faults() {
        page.value(&FAULTS, &format!("fault=\"{fault}\""), count);
    }
    for (fault, _, active) in metrics.faults() {
        page.value(&FAULT_ACTIVE, &format!("fault=\"{fault}\""), u8::from(active));
    }
    for what in Latency::ALL {
        let Series { family, label, .. } = what.series();
        page.latencies(&family, label, metrics.latencies(what));
    }
    page.score_ratios(&metrics.score_ratios);
    page.text
}

struct Page {
    text: String,
    /// The family whose head was written last.
    name: &'static str,
}

impl Page {
    /// Writes one value, after its family's head if it is the first of the family.
    fn value(&mut self, family: &Family, label: &str, value: impl std::fmt::Display) {
        self.head(family);
        self.line(family.name, label, value);
    }

    /// Writes the meaning and type of a name, once before its first line.
    fn head(&mut self, &Family { name, kind, help }: &Family) {
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

    fn latencies(&mut self, family: &Family, label: &str, times: &Latencies) {
        let (below, total) = times.cumulative(BOUNDS_US);
        let bounds = BOUNDS_US.map(|us| us as f64 / 1e6);
        self.histogram(family, label, bounds.into_iter().zip(below), total, times.sum().as_secs_f64());
    }

    fn score_ratios(&mut self, ratios: &ScoreRatios) {
        let (below, total) = ratios.cumulative();
        self.histogram(&SCORE_RATIO, "", RATIO_BOUNDS.into_iter().zip(below), total, ratios.sum());
    }

    fn histogram<B: std::fmt::Display>(
        &mut self,
        family: &Family,
        label: &str,
        buckets: impl Iterator<Item = (B, u64)>,
        total: u64,
        sum: f64,
    ) {
        self.head(family);
        let name = family.name;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::runtime::FAULT_NAMES;
    use crate::score::Verdict;

    const REFERENCE: &str = "docs/reference/metrics.md";
    const BEGIN: &str = "<!-- begin of the table -->\n";
    const END: &str = "<!-- end of the table -->\n";

    /// What is exposed, as a table in Markdown: one row for each family, with its labels' values.
    fn reference() -> String {
        let text = render(&Metrics::new(&FAULT_NAMES));
        let mut table = String::from("| name | type | labels | meaning |\n|---|---|---|---|\n");
        for family in text.split("# HELP ").skip(1) {
            let mut lines = family.lines();
            let (name, help) = lines.next().unwrap().split_once(' ').unwrap();
            let kind = lines.next().unwrap().rsplit(' ').next().unwrap();
            let mut labels: Vec<(&str, Vec<&str>)> = Vec::new();
            let written = lines.filter_map(|line| Some(line.split_once('{')?.1.split_once('}')?.0));
            for (label, value) in written.flat_map(|all| all.split(',')).filter_map(|label| label.split_once('=')) {
                // The bucket's bound belongs to every histogram, and what the information is depends on the build.
                match labels.iter_mut().find(|(known, _)| *known == label) {
                    _ if label == "le" => {}
                    Some((_, values)) if values.contains(&value) => {}
                    Some((_, values)) => values.push(value),
                    None => labels.push((label, vec![value])),
                }
            }
            let shown = labels.iter().map(|(label, values)| match name {
                "crosscheck_info" => format!("`{label}`"),
                _ => format!("`{label}`: {}", values.join(", ").replace('"', "`")),
            });
            let shown = shown.collect::<Vec<_>>().join("; ");
            table += &format!("| `{name}` | {kind} | {shown} | {help} |\n");
        }
        table
    }

    #[test]
    fn the_reference_lists_what_is_exposed() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (table, after) = rest.split_once(END).unwrap();
        let expected = reference();
        if std::env::var_os("CROSSCHECK_WRITE_REFERENCE").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        } else {
            assert_eq!(table, expected, "{REFERENCE} is out of date; it tells how to write it again");
        }
    }

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
