//! The Prometheus text format 0.0.4, read strictly.

use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

#[derive(Debug)]
pub struct Exposition {
    samples: Vec<(String, Labels, f64)>,
}

impl Exposition {
    /// What it says, or the first line that breaks a rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line does not end".into());
        }
        let (mut kinds, mut family) = (BTreeMap::new(), String::new());
        let mut samples: Vec<(String, Labels, f64)> = Vec::new();
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or(line)?;
                if !["counter", "gauge", "histogram"].contains(&kind) || kinds.insert(name, kind).is_some() {
                    return Err(line.into());
                }
                family = name.into();
            } else if !line.starts_with("# HELP ") {
                let (name, labels, value) = sample(line).ok_or(line)?;
                let kind = kinds.get(family.as_str()).ok_or(line)?;
                let suffix = name.strip_prefix(family.as_str()).ok_or(line)?;
                let suffixes: &[&str] = if *kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                if !suffixes.contains(&suffix) || !seen.insert((name.clone(), labels.clone())) {
                    return Err(line.into());
                }
                samples.push((name, labels, value));
            }
        }
        let parsed = Self { samples };
        kinds
            .iter()
            .filter(|(_, kind)| **kind == "histogram")
            .try_for_each(|(name, _)| parsed.check_histogram(name))?;
        Ok(parsed)
    }

    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: Labels = labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        self.samples.iter().find(|(n, l, _)| n == name && *l == labels).map(|(.., value)| *value)
    }

    /// Buckets ascend in both, end at infinity, and their last is the count.
    fn check_histogram(&self, name: &str) -> Result<(), String> {
        let mut of_series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for (_, labels, count) in self.samples.iter().filter(|(n, ..)| *n == format!("{name}_bucket")) {
            let mut labels = labels.clone();
            let bound = labels.remove("le").ok_or_else(|| format!("{name} has a bucket without le"))?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().map_err(|_| bound)? };
            of_series.entry(labels).or_default().push((bound, *count));
        }
        for (labels, buckets) in of_series {
            let ascends = buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
            let labels: Vec<(&str, &str)> = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let count = self.value(&format!("{name}_count"), &labels);
            let last = buckets.last().filter(|(bound, _)| bound.is_infinite()).map(|(_, count)| *count);
            if !ascends || last.is_none() || last != count || self.value(&format!("{name}_sum"), &labels).is_none() {
                return Err(format!("the histogram {name} {labels:?} does not add up: {buckets:?}, count {count:?}"));
            }
        }
        Ok(())
    }
}

/// `name{key="value",...} number`; none of this program's label values has an escape.
fn sample(line: &str) -> Option<(String, Labels, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        None => (series, Labels::new()),
        Some((name, rest)) => {
            let pairs = rest.strip_suffix('}')?.split(',');
            let pair = |text: &str| {
                let (key, value) = text.split_once('=')?;
                let value = value.strip_prefix('"')?.strip_suffix('"')?;
                (is_name(key) && !value.contains(['"', '\\'])).then(|| (key.to_string(), value.to_string()))
            };
            (name, pairs.map(pair).collect::<Option<Labels>>()?)
        }
    };
    is_name(name).then_some((name.to_string(), labels, value.parse().ok()?))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
