//! Keeps a camera running: a frame time-out, and a bounded number of times that it is opened again.

use std::time::Duration;

use super::{CameraError, CapturedFrame, FrameSource, Opener};
use crate::clock;

/// How long a camera is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// A camera that is silent for longer has failed, milliseconds.
    pub frame_timeout_ms: u64,
    /// Times that it is opened again, without a frame in between, before the station gives up.
    pub reopens: u32,
    /// Between a failure and the next opening, milliseconds.
    pub reopen_delay_ms: u64,
}

/// What came of waiting for a frame.
#[derive(Debug)]
pub enum Delivery {
    Frame,
    /// None yet.
    Nothing,
    /// The camera failed just now; it is opened again in a while.
    Failed(CameraError),
}

/// A camera that is opened again when it fails.
pub struct Supervisor {
    open: Opener,
    patience: Patience,
    source: Option<Box<dyn FrameSource>>,
    /// Opened again so many times since the last frame.
    reopened: u32,
    /// When the camera last gave a frame, or was opened.
    heard_ns: u64,
    /// Not opened before this.
    reopen_ns: u64,
}

impl Supervisor {
    /// Opens the camera. A first failure is reported, not mended: the configuration may be wrong.
    pub fn start(mut open: Opener, patience: Patience) -> Result<Self, CameraError> {
        let source = Some(open()?);
        Ok(Self { open, patience, source, reopened: 0, heard_ns: clock::monotonic_ns(), reopen_ns: 0 })
    }

    /// Waits for the next frame, `wait` at most. An error is final.
    pub fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<Delivery, CameraError> {
        let Some(source) = &mut self.source else { return self.reopen(wait) };
        match source.next(into, wait) {
            Ok(true) => {
                (self.reopened, self.heard_ns) = (0, clock::monotonic_ns());
                Ok(Delivery::Frame)
            }
            Ok(false) => {
                let waited_ms = (clock::monotonic_ns() - self.heard_ns) / 1_000_000;
                if waited_ms < self.patience.frame_timeout_ms {
                    return Ok(Delivery::Nothing);
                }
                self.failed(CameraError::Silent { waited_ms })
            }
            Err(error) => self.failed(error),
        }
    }

    /// Closes the camera, and says whether it may be opened again.
    fn failed(&mut self, error: CameraError) -> Result<Delivery, CameraError> {
        self.source = None;
        if !error.reopening_may_help() {
            return Err(error);
        }
        if self.reopened >= self.patience.reopens {
            return Err(CameraError::GaveUp { reopens: self.reopened, last: Box::new(error) });
        }
        self.reopen_ns = clock::monotonic_ns() + self.patience.reopen_delay_ms * 1_000_000;
        Ok(Delivery::Failed(error))
    }

    fn reopen(&mut self, wait: Duration) -> Result<Delivery, CameraError> {
        let ahead = Duration::from_nanos(self.reopen_ns.saturating_sub(clock::monotonic_ns()));
        if !ahead.is_zero() {
            std::thread::sleep(ahead.min(wait));
            return Ok(Delivery::Nothing);
        }
        self.reopened += 1;
        match (self.open)() {
            Ok(source) => {
                self.source = Some(source);
                self.heard_ns = clock::monotonic_ns();
                Ok(Delivery::Nothing)
            }
            Err(error) => self.failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const PATIENCE: Patience = Patience { frame_timeout_ms: 20, reopens: 3, reopen_delay_ms: 1 };

    /// Gives a frame, nothing, and a frame; then it is gone.
    struct Brief(u32);

    impl FrameSource for Brief {
        fn next(&mut self, _: &mut CapturedFrame, _: Duration) -> Result<bool, CameraError> {
            self.0 += 1;
            match self.0 {
                1 | 3 => Ok(true),
                2 => Ok(false),
                _ => Err(CameraError::Lost { reason: "unplugged".into() }),
            }
        }
    }

    struct Silent;

    impl FrameSource for Silent {
        fn next(&mut self, _: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
            std::thread::sleep(wait);
            Ok(false)
        }
    }

    struct Over;

    impl FrameSource for Over {
        fn next(&mut self, _: &mut CapturedFrame, _: Duration) -> Result<bool, CameraError> {
            Err(CameraError::Ended { frames: 7 })
        }
    }

    /// Frames and failures until the camera is given up, and why it is.
    fn run(open: Opener) -> (u32, u32, CameraError) {
        let mut supervisor = Supervisor::start(open, PATIENCE).unwrap();
        let (mut frame, mut frames, mut failures) = (CapturedFrame::empty(), 0, 0);
        loop {
            match supervisor.next(&mut frame, Duration::from_millis(1)) {
                Ok(Delivery::Frame) => frames += 1,
                Ok(Delivery::Nothing) => {}
                Ok(Delivery::Failed(_)) => failures += 1,
                Err(error) => return (frames, failures, error),
            }
        }
    }

    #[test]
    fn a_camera_that_comes_back_is_used_again_and_one_that_does_not_is_given_up() {
        let opened = Arc::new(AtomicU32::new(0));
        let count = opened.clone();
        let (frames, failures, error) = run(Box::new(move || match count.fetch_add(1, Ordering::Relaxed) {
            0 | 2 => Ok(Box::new(Brief(0))),
            _ => Err(CameraError::Lost { reason: "not there".into() }),
        }));
        // Twice two frames and a break, once an opening that fails between them; then three that fail, the last final.
        assert_eq!((frames, failures), (4, 5));
        assert!(matches!(error, CameraError::GaveUp { reopens: 3, .. }), "{error}");
        assert_eq!(opened.load(Ordering::Relaxed), 6);
    }

    #[test]
    fn silence_is_a_failure_after_the_time_out() {
        let (frames, failures, error) = run(Box::new(|| Ok(Box::new(Silent))));
        assert_eq!((frames, failures), (0, 3));
        let CameraError::GaveUp { last, reopens: 3 } = error else { panic!("{error}") };
        assert!(matches!(*last, CameraError::Silent { waited_ms } if waited_ms >= 20));
    }

    #[test]
    fn what_opening_again_cannot_mend_is_final_at_once() {
        let (frames, failures, error) = run(Box::new(|| Ok(Box::new(Over))));
        assert_eq!((frames, failures), (0, 0));
        assert!(matches!(error, CameraError::Ended { frames: 7 }));
    }
}
