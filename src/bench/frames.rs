//! Inspects a frame again and again, and measures each time.

use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::Instant;

use super::ceilings::processor_ms;
use crate::frame::RgbdFrame;
use crate::inspect::{InspectError, Inspection, Inspector, StageTimes};

/// Frames in the hands of a stream's two threads: one that is scored, and one that is prepared meanwhile, as in a station.
const IN_HAND: usize = 2;

/// The times of frames, in their order.
pub struct Times {
    pub stages: Vec<StageTimes>,
    /// From the frame to its score, milliseconds.
    pub to_score_ms: Vec<f64>,
    /// Of all frames, without what was done between them.
    pub wall_s: f64,
    /// Processor time of all frames, all threads together; none if the system does not report it.
    pub processor_ms: Option<f64>,
}

/// Inspects `count` frames one after the other, and calls `between` after each.
pub fn in_turn(
    inspector: &mut Inspector,
    frame: &RgbdFrame,
    count: usize,
    inspection: &mut Inspection,
    mut between: impl FnMut(),
) -> Result<Times, InspectError> {
    let mut times = Times { stages: Vec::new(), to_score_ms: Vec::new(), wall_s: 0.0, processor_ms: Some(0.0) };
    for _ in 0..count {
        let (start, before) = (Instant::now(), processor_ms());
        inspector.inspect_into(frame, None, inspection)?;
        let spent_s = start.elapsed().as_secs_f64();
        times.wall_s += spent_s;
        times.to_score_ms.push(1e3 * spent_s);
        times.stages.push(inspection.times);
        times.processor_ms = times.processor_ms.and_then(|sum| Some(sum + processor_ms()? - before?));
        between();
    }
    Ok(times)
}

/// Inspects `count` frames, each prepared by another thread while the one before is scored, as a station does whose frames a
/// GPU prepares.
pub fn ahead(
    inspector: &mut Inspector,
    frame: &RgbdFrame,
    count: usize,
    newest: &mut Inspection,
) -> Result<Times, InspectError> {
    let Inspector { preparation, scoring, .. } = inspector;
    let (spare_in, spare_out) = channel();
    let (prepared_in, prepared_out) = sync_channel(IN_HAND);
    (0..IN_HAND).for_each(|_| drop(spare_in.send(Inspection::default())));
    let (mut stages, mut to_score_ms) = (Vec::new(), Vec::new());
    let (start, before) = (Instant::now(), processor_ms());
    thread::scope(|scope| -> Result<(), InspectError> {
        // It ends with this function, also by an error, and the other thread then waits for nothing.
        let spare_in = spare_in;
        scope.spawn(move || {
            for mut inspection in spare_out.into_iter().take(count) {
                let begun = Instant::now();
                let prepared = preparation.run(frame, None, &mut inspection);
                if prepared_in.send((prepared, begun, inspection)).is_err() {
                    return;
                }
            }
        });
        for (prepared, begun, mut inspection) in prepared_out {
            prepared?;
            scoring.run((frame.width(), frame.height()), &mut inspection)?;
            to_score_ms.push(1e3 * begun.elapsed().as_secs_f64());
            stages.push(inspection.times);
            std::mem::swap(newest, &mut inspection);
            // The other thread has ended if this was one of the last frames.
            drop(spare_in.send(inspection));
        }
        Ok(())
    })?;
    let processor_ms = before.and_then(|before| Some(processor_ms()? - before));
    Ok(Times { stages, to_score_ms, wall_s: start.elapsed().as_secs_f64(), processor_ms })
}
