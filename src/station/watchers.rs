//! Everything that receives each judged part: the watch for drift, the live page, a control, other programs, and the trace.

use std::sync::Arc;

use crate::mqtt::{Event, Publisher};
use crate::overlay::Overlay;
use crate::runtime::drift::Watch;
use crate::runtime::inspection::Watcher;
use crate::view::{Latest, Shown};

/// The watchers of a station, in the order in which they receive a part. `others`: a control's, the trace's, and that
/// of lessons.
pub fn watchers(
    latest: Arc<Latest>,
    publisher: Option<Publisher>,
    mut drift: Watch,
    others: [Option<Watcher>; 3],
) -> Vec<Watcher> {
    let look: Watcher = Box::new(move |part_frame| {
        if let Some(judge) = &part_frame.judge {
            drift.look(&part_frame.captured.frame, part_frame.inspection.outcome.score(), judge);
        }
    });
    let show: Watcher = Box::new(move |part_frame| {
        let (frame, inspection) = (&part_frame.captured.frame, &part_frame.inspection);
        let shown = Shown { part: part_frame.part, identity: part_frame.identity, recipe: part_frame.recipe };
        latest.offer(shown, &Overlay::from_inspection(frame, inspection, part_frame.threshold()), frame.cloud());
    });
    let publish = publisher.map(|publisher| -> Watcher {
        Box::new(move |part_frame| {
            let latency_ns = part_frame.judged_ns.saturating_sub(part_frame.captured.captured_ns);
            publisher.verdict(Event {
                part: part_frame.part,
                identity: part_frame.identity,
                recipe: part_frame.recipe,
                verdict: part_frame.inspection.outcome.station_verdict(),
                score: part_frame.inspection.outcome.score(),
                threshold: part_frame.threshold().unwrap_or_default(),
                reason: part_frame.inspection.outcome.reason().map(|reason| reason.name()),
                defects: part_frame.inspection.defects.count,
                worst: part_frame.inspection.defects.worst.first().copied(),
                latency_ms: Some(latency_ns as f32 * 1e-6),
            });
        })
    });
    [look, show].into_iter().chain(publish).chain(others.into_iter().flatten()).collect()
}
