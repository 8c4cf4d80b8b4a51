//! Drives an output of your own, such as a relay card: what implements `Sink` is driven by the actuator's thread, which
//! rejects every part that nobody accepts in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use crosscheck::camera::monotonic_ns;
use crosscheck::reject::{
    ActuatorOptions, Command, Event, Fault, NoEdges, Outputs, PartId, RejectError, RejectPlan, Sink, start_actuator,
};

/// A relay card; the flag stands for its output.
struct RelayCard(Arc<AtomicBool>);

impl Sink for RelayCard {
    /// This runs in a real-time thread: it may not print, allocate or wait.
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError> {
        self.0.store(outputs.reject, Relaxed);
        Ok(())
    }

    fn heartbeat(&mut self, _active: bool) -> Result<(), RejectError> {
        Ok(())
    }

    /// Called on exit and after a panic. Rejecting is safe: no bad part passes.
    fn make_safe(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn main() -> Result<()> {
    let reject = Arc::new(AtomicBool::new(true));
    let card = Box::new(RelayCard(reject.clone()));
    // A part reaches the ejector 400 ms after its trigger; its verdict must come 100 ms before that. Pulses
    // may be 1 s late, as this thread has no real-time priority and a busy computer delays it; a station's thread has one.
    let [delay, lead, pulse] = [400, 100, 40].map(Duration::from_millis);
    let plan = RejectPlan { late_ns_max: 1_000_000_000, ..RejectPlan::by_time(delay, lead, pulse) };
    let mut running = start_actuator(plan, ActuatorOptions::default(), card, Box::new(NoEdges))?;
    // It starts at reject: parts that are on the belt already were never seen. Wait until they have passed.
    running.handles.inspection.send(Command::Clear(Fault::Starting));
    let has_started = |event| matches!(event, Event::Fault { fault: Fault::Starting, active: false, .. });
    while !running.handles.events.any(has_started) {
        sleep(Duration::from_millis(10));
    }
    for (number, is_good) in (0..).zip([true, false, true]) {
        running.handles.capture.send(Command::Trigger { at_ns: monotonic_ns() });
        sleep(Duration::from_millis(20));
        // `Inspector::inspect` would say whether the part is good. A part that is not accepted is rejected.
        if is_good {
            running.handles.inspection.send(Command::Accept { part: PartId(number), recipe: 0 });
        }
        sleep(Duration::from_millis(500));
    }
    for event in &mut running.handles.events {
        if let Event::Settled { part, outcome, .. } = event {
            println!("part {}: {outcome:?}", part.0);
        }
    }
    running.actuator.stop()?;
    println!("stopped: the output is at {}", if reject.load(Relaxed) { "reject" } else { "pass" });
    Ok(())
}
