//! The threads of a station: how they start, and in which order they end.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::error::StationError;
use super::shared::Shared;
use crate::camera::CameraError;
use crate::reject::actuator::Actuator;

/// How often it is looked whether a thread has ended.
const ENDING: Duration = Duration::from_millis(1);

pub fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, StationError> {
    let spawned = Builder::new().name(name.into()).spawn_scoped(scope, work);
    spawned.map_err(|source| StationError::Spawn { thread: name, source })
}

pub struct Threads<'scope> {
    pub capture: ScopedJoinHandle<'scope, Result<(), CameraError>>,
    /// None if the inspection thread prepares its frames itself.
    pub preparation: Option<ScopedJoinHandle<'scope, ()>>,
    pub inspection: ScopedJoinHandle<'scope, ()>,
    pub recorder: Option<ScopedJoinHandle<'scope, ()>>,
    pub actuator: Actuator,
}

impl Threads<'_> {
    /// Whether all of them are running.
    pub fn are_running(&self) -> bool {
        let optional = [&self.preparation, &self.recorder];
        !optional.into_iter().flatten().any(ScopedJoinHandle::is_finished)
            && !self.capture.is_finished()
            && !self.inspection.is_finished()
            && self.actuator.is_running()
    }

    /// Puts the outputs into their safe state, then ends the threads in the order in which parts go through them, so
    /// that what is in their queues is worked off.
    pub fn join(self, shared: &Shared) -> Result<(), StationError> {
        let actuator = self.actuator.stop();
        shared.stop_capture.store(true, Relaxed);
        let capture = joined("capture", self.capture);
        shared.stop_preparation.store(true, Relaxed);
        // After a panic of the inspection thread, nothing makes room for what is prepared.
        while self.preparation.as_ref().is_some_and(|preparation| !preparation.is_finished())
            && !self.inspection.is_finished()
        {
            std::thread::sleep(ENDING);
        }
        shared.stop_inspection.store(true, Relaxed);
        let preparation = self.preparation.map_or(Ok(()), |preparation| joined("preparation", preparation));
        let inspection = joined("inspection", self.inspection);
        shared.stop_recorder.store(true, Relaxed);
        let recorder = self.recorder.map_or(Ok(()), |recorder| joined("recorder", recorder));
        preparation.and(inspection).and(recorder)?;
        let report = actuator?;
        let worst_ms = report.late_ns_worst as f64 * 1e-6;
        log::info!("actuator: {:?}; woken {worst_ms:.3} ms late at the worst", report.counters);
        match capture? {
            Ok(()) => Ok(()),
            Err(CameraError::Ended { frames }) => {
                log::info!("the recording ended after {frames} frames");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn joined<T>(name: &'static str, thread: ScopedJoinHandle<T>) -> Result<T, StationError> {
    thread.join().map_err(|_| StationError::Panicked { thread: name })
}
