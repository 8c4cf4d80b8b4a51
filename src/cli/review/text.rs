//! What the command prints for a person.

use crosscheck::dataset::finding::Finding;
use crosscheck::review::{Candidate, Changed, Counts, Listed, Page, Summary, WhatIf};
use jiff::Timestamp;

/// One line for each part, and what comes next.
pub fn page(page: &Page) -> String {
    let mut lines: Vec<String> = page.parts.iter().map(listed).collect();
    let total = page.total.map_or(String::new(), |total| format!(" of {total}"));
    lines.push(format!("{}{total} parts", page.parts.len()));
    if let Some(next) = &page.next {
        lines.push(format!("more: --after {next}"));
    }
    if page.unreadable > 0 {
        lines.push(format!("{} parts are left out: their records cannot be read", page.unreadable));
    }
    lines.join("\n")
}

fn listed(part: &Listed) -> String {
    let time = i64::try_from(part.captured_unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let time = time.map_or("-".into(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let kind = part.kind.map_or("-", |kind| kind.name());
    let said = part.finding.as_ref().map_or("-".into(), finding);
    format!("{}  {time:20}  {:6}  score {:>9}  {kind:8}  {said}", part.name, part.verdict.name(), number(part.score))
}

fn number(score: Option<f32>) -> String {
    score.map_or("none".into(), |score| format!("{score:.6}"))
}

/// `defect, shape, by Ada`
pub fn finding(finding: &Finding) -> String {
    let kind = finding.kind.map_or(String::new(), |kind| format!(", {}", kind.name()));
    let by = if finding.by.is_empty() { String::new() } else { format!(", by {}", finding.by) };
    format!("{}{kind}{by}", finding.opinion.name())
}

pub fn summary(summary: &Summary) -> String {
    let Summary { judged, false_rejects, promised_rate, other_engine, misses_known, kinds, unreadable, .. } = summary;
    let mut lines =
        vec![format!("{judged} parts were judged between the oldest and the newest recorded one of each start")];
    for (verdict, counts) in [("pass", &summary.pass), ("review", &summary.review), ("reject", &summary.reject)] {
        lines.push(of_verdict(verdict, counts));
    }
    lines.push(match false_rejects {
        Some(found) => format!(
            "false rejects: {} of {} parts, {:.4} (95 % interval {:.4} to {:.4}); {:.4} if all rejected parts that nobody has told were good",
            found.count, found.of, found.rate, found.interval[0], found.interval[1], found.rate_at_most
        ),
        None => "false rejects: not known, since no good part is known to have been judged".into(),
    });
    if let Some(rate) = promised_rate {
        lines.push(format!("the engine promises an expected false-reject rate of {rate:.4}"));
    }
    if let Some(other) = other_engine.filter(|other| *other > 0) {
        lines.push(format!("{other} of the recorded parts were judged by another engine, which the promise is not of"));
    }
    lines.push(format!("misses known: {misses_known} parts passed and have a defect"));
    for count in kinds {
        lines.push(format!("{:8}  {} confirmed", count.kind.name(), count.parts));
    }
    if *unreadable > 0 {
        lines.push(format!("{unreadable} parts are left out: their records cannot be read"));
    }
    lines.join("\n")
}

fn of_verdict(verdict: &str, counts: &Counts) -> String {
    let Counts { recorded, good, defect, unsure, not_reviewed } = counts;
    format!(
        "{verdict:6}  {recorded} recorded: {good} found good, {defect} found defective, {unsure} unsure, {not_reviewed} not reviewed"
    )
}

pub fn what_if(counts: &WhatIf) -> String {
    let WhatIf { threshold, good, false_rejects, defective, misses } = counts;
    format!(
        "with a threshold of {threshold}, {false_rejects} of {good} reviewed good parts would be rejected, and {misses} of {defective} reviewed defective parts would pass"
    )
}

pub fn candidate(candidate: &Candidate, before: Option<f32>, changed: &[Changed]) -> String {
    let Candidate { calibration, good, found, not_reviewed } = candidate;
    let review = calibration.review.map_or(String::new(), |review| format!(", review above {review:.6}"));
    let was = before.map_or(String::new(), |before| format!(" (it was {before:.6})"));
    let mut lines = vec![format!(
        "reject above {:.6}{was}{review}; from {good} good parts, {found} of which did not pass, which guarantee an expected false-reject rate of {:.4}",
        calibration.threshold, calibration.guaranteed_rate
    )];
    if *not_reviewed > 0 {
        lines.push(format!("{not_reviewed} parts that did not pass are not reviewed and were taken for defective"));
    }
    for part in changed {
        let said = part.opinion.map_or("not reviewed", |opinion| opinion.name());
        let (score, recorded) = (number(part.score), part.recorded_verdict);
        lines.push(format!("{:<32} score {score:>9}  {:6}  <- was {recorded}; {said}", part.name, part.verdict.name()));
    }
    lines.push(format!("{} verdicts change", changed.len()));
    lines.join("\n")
}
