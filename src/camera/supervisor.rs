//! Keeps a camera running: a frame time-out, a bounded number of times that it is opened again, and one reset among them.

use std::time::Duration;

use super::first_frames::FirstFrames;
use super::{CameraError, CapturedFrame, FrameSource, Opener, StreamStatistics};
use crate::clock;

/// How long a camera is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// A camera that is silent for longer has failed, milliseconds.
    pub frame_timeout_ms: u64,
    /// Times that it is opened again, without a frame in between, before the station gives up.
    pub reopens: u32,
    /// Time between a failure and the next opening, milliseconds.
    pub reopen_delay_ms: u64,
    /// After so many of these times its hardware is reset, once, where it has a reset; never where 0. Where `reopens` is
    /// less, it is reset before the station gives up.
    pub reset_after: u32,
    /// A camera is gone after its reset: what fails for so long is tried again, and does not count, milliseconds.
    pub reset_wait_ms: u64,
}

/// The result of waiting for a frame.
#[derive(Debug)]
pub enum Delivery {
    /// A frame came.
    Frame,
    /// None yet.
    Nothing,
    /// The camera failed just now; it is opened again in a while.
    Failed(CameraError),
    /// The same, and its hardware was reset.
    Reset(CameraError),
}

/// A camera that is opened again when it fails.
pub struct Supervisor {
    opener: Opener,
    patience: Patience,
    source: Option<Box<dyn FrameSource>>,
    /// Why it could not be opened at the start; the first delivery says it.
    absent: Option<CameraError>,
    first_frames: FirstFrames,
    /// How often it was opened again since the last frame.
    reopened: u32,
    /// When the camera last gave a frame, or was opened.
    heard_ns: u64,
    /// Not opened before this.
    reopen_ns: u64,
    /// Set by a reset since the last frame: until then the camera is waited for.
    reset_until_ns: Option<u64>,
}

impl Supervisor {
    /// Opens the camera. One that is not there is waited for like one that is lost later. What opening it again cannot
    /// mend is an error: the configuration is wrong.
    pub fn start(mut opener: Opener, patience: Patience) -> Result<Self, CameraError> {
        let (source, absent) = match opener.open() {
            Ok(source) => (Some(source), None),
            Err(error) if error.reopening_may_help() && patience.reopens > 0 => (None, Some(error)),
            Err(error) => return Err(error),
        };
        Ok(Self {
            opener,
            patience,
            source,
            absent,
            first_frames: FirstFrames::default(),
            reopened: 0,
            heard_ns: clock::monotonic_ns(),
            reopen_ns: 0,
            reset_until_ns: None,
        })
    }

    /// Closes the camera, and opens it with other settings from now on.
    pub fn replace(&mut self, opener: Opener) {
        (self.source, self.absent) = (None, None);
        self.opener = opener;
        (self.reopened, self.reopen_ns, self.reset_until_ns) = (0, 0, None);
    }

    /// Whether the camera has failed and is about to be opened again.
    pub fn is_mending(&self) -> bool {
        self.source.is_none()
    }

    /// What the network has lost and mended since the camera was opened.
    pub fn stream_statistics(&self) -> StreamStatistics {
        self.source.as_ref().map_or_else(StreamStatistics::default, |source| source.stream_statistics())
    }

    /// Waits for the next frame, `wait` at most. An error is final.
    pub fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<Delivery, CameraError> {
        if let Some(error) = self.absent.take() {
            return self.failed(error);
        }
        let Some(source) = &mut self.source else { return self.reopen(wait) };
        match source.next(into, wait) {
            Ok(true) => {
                (self.reopened, self.heard_ns, self.reset_until_ns) = (0, clock::monotonic_ns(), None);
                let useful = self.first_frames.look(into.frame.cloud(), self.heard_ns)?;
                Ok(if useful { Delivery::Frame } else { Delivery::Nothing })
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

    /// Closes the camera. The error is final where it may not be opened again.
    fn failed(&mut self, error: CameraError) -> Result<Delivery, CameraError> {
        self.source = None;
        let now_ns = clock::monotonic_ns();
        self.reopen_ns = now_ns + self.patience.reopen_delay_ms * 1_000_000;
        // Whatever it is: a device that is starting may show some of its streams only.
        if self.reset_until_ns.is_some_and(|until_ns| now_ns < until_ns) {
            return Ok(Delivery::Failed(error));
        }
        if !error.reopening_may_help() {
            return Err(self.first_frames.refused().unwrap_or(error));
        }
        if self.reset_is_due() && self.reset() {
            self.reset_until_ns = Some(clock::monotonic_ns() + self.patience.reset_wait_ms * 1_000_000);
            return Ok(Delivery::Reset(error));
        }
        match (self.reopened, self.patience.reopens) {
            (0, 0) => Err(error),
            (reopens, most) if reopens >= most => Err(CameraError::GaveUp { reopens, last: Box::new(error) }),
            _ => Ok(Delivery::Failed(error)),
        }
    }

    fn reset_is_due(&self) -> bool {
        let Patience { reset_after, reopens, .. } = self.patience;
        reset_after > 0 && reopens > 0 && self.reset_until_ns.is_none() && self.reopened >= reset_after.min(reopens)
    }

    /// Whether the camera was reset. One that is not there, or has no reset, was not.
    fn reset(&mut self) -> bool {
        self.opener.reset().unwrap_or_else(|error| {
            log::warn!("the camera cannot be reset: {error}");
            false
        })
    }

    fn reopen(&mut self, wait: Duration) -> Result<Delivery, CameraError> {
        let now_ns = clock::monotonic_ns();
        let ahead = Duration::from_nanos(self.reopen_ns.saturating_sub(now_ns));
        if !ahead.is_zero() {
            std::thread::sleep(ahead.min(wait));
            return Ok(Delivery::Nothing);
        }
        let awaited = self.reset_until_ns.is_some_and(|until_ns| now_ns < until_ns);
        self.reopened += u32::from(!awaited);
        match self.opener.open() {
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

    const PATIENCE: Patience =
        Patience { frame_timeout_ms: 20, reopens: 3, reopen_delay_ms: 1, reset_after: 0, reset_wait_ms: 0 };

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
    fn run(opener: Opener) -> (u32, u32, CameraError) {
        let (course, error) = course(opener, PATIENCE);
        assert!(!course.contains('R'), "{course}");
        let count = |what| course.matches(what).count() as u32;
        (count('f'), count('-'), error)
    }

    /// What came until the camera was given up, frames (f), failures (-) and resets (R), and why it was.
    fn course(opener: Opener, patience: Patience) -> (String, CameraError) {
        let mut supervisor = Supervisor::start(opener, patience).unwrap();
        let (mut frame, mut course) = (CapturedFrame::empty(), String::new());
        loop {
            match supervisor.next(&mut frame, Duration::from_millis(1)) {
                Ok(Delivery::Frame) => course.push('f'),
                Ok(Delivery::Nothing) => {}
                Ok(Delivery::Failed(_)) => course.push('-'),
                Ok(Delivery::Reset(_)) => course.push('R'),
                Err(error) => return (course, error),
            }
        }
    }

    /// A camera that is not there any more after its first frames, but for its `back`th openings, and can be reset or not.
    fn device(back: &'static [u32], reset: impl FnMut() -> Result<(), CameraError> + Send + 'static) -> Opener {
        let mut opened = 0;
        let open = move || -> Result<Box<dyn FrameSource>, CameraError> {
            opened += 1;
            if opened == 1 || back.contains(&opened) {
                return Ok(Box::new(Brief(0)));
            }
            Err(CameraError::Lost { reason: "not there".into() })
        };
        Opener::new(open).with_reset(reset)
    }

    #[test]
    fn a_camera_that_comes_back_is_used_again_and_one_that_does_not_is_given_up() {
        let opened = Arc::new(AtomicU32::new(0));
        let count = opened.clone();
        let (frames, failures, error) = run(Opener::new(move || match count.fetch_add(1, Ordering::Relaxed) {
            0 | 2 => Ok(Box::new(Brief(0))),
            _ => Err(CameraError::Lost { reason: "not there".into() }),
        }));
        // Twice two frames and a break, once an opening that fails between them; then three that fail, the last final.
        assert_eq!((frames, failures), (4, 5));
        assert!(matches!(error, CameraError::GaveUp { reopens: 3, .. }), "{error}");
        assert_eq!(opened.load(Ordering::Relaxed), 6);
    }

    #[test]
    fn a_camera_that_is_not_there_at_the_start_is_waited_for_and_then_given_up() {
        let opener = |there: u32, absent: fn() -> CameraError| {
            let mut opened = 0;
            Opener::new(move || {
                opened += 1;
                if opened == there { Ok(Box::new(Brief(0))) } else { Err(absent()) }
            })
        };
        let lost = || CameraError::Lost { reason: "not there".into() };
        let (found, error) = course(opener(4, lost), PATIENCE);
        // The opening at the start and two more fail, the third finds it; then it is away for good.
        assert_eq!(found, "---ff---");
        assert!(matches!(error, CameraError::GaveUp { reopens: 3, .. }), "{error}");
        let (found, error) = course(opener(0, lost), PATIENCE);
        assert_eq!(found, "---");
        assert!(matches!(error, CameraError::GaveUp { reopens: 3, .. }), "{error}");
        // What waiting cannot mend, and a camera that is not to be opened again.
        let wrong = || CameraError::Settings { reason: "this build has no such camera".into() };
        assert!(Supervisor::start(opener(4, wrong), PATIENCE).is_err());
        assert!(Supervisor::start(opener(4, lost), Patience { reopens: 0, ..PATIENCE }).is_err());
    }

    #[test]
    fn silence_is_a_failure_after_the_time_out() {
        let (frames, failures, error) = run(Opener::new(|| Ok(Box::new(Silent))));
        assert_eq!((frames, failures), (0, 3));
        let CameraError::GaveUp { last, reopens: 3 } = error else { panic!("{error}") };
        assert!(matches!(*last, CameraError::Silent { waited_ms } if waited_ms >= 20));
    }

    #[test]
    fn what_opening_again_cannot_mend_is_final_at_once() {
        let (frames, failures, error) = run(Opener::new(|| Ok(Box::new(Over))));
        assert_eq!((frames, failures), (0, 0));
        assert!(matches!(error, CameraError::Ended { frames: 7 }));
    }
    #[test]
    fn a_camera_that_stays_away_is_reset_once_and_then_given_up() {
        let patience = |reset_after| Patience { reset_after, ..PATIENCE };
        let counted = Arc::new(AtomicU32::new(0));
        for (reset_after, expected) in [(0, "ff---"), (1, "ff-R-"), (2, "ff--R"), (3, "ff---R"), (9, "ff---R")] {
            let count = counted.clone();
            counted.store(0, Ordering::Relaxed);
            let opener = device(&[], move || {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            let (course, error) = course(opener, patience(reset_after));
            assert!(matches!(error, CameraError::GaveUp { .. }), "{error}");
            assert_eq!((course.as_str(), counted.load(Ordering::Relaxed)), (expected, u32::from(reset_after > 0)));
        }
        // Each time that it was there again in between is an outage of its own.
        let (found, _) = course(device(&[4], || Ok(())), patience(2));
        assert_eq!(found, "ff--Rff--R");
    }

    #[test]
    fn a_camera_that_was_reset_is_waited_for() {
        let patience = Patience { reset_after: 1, reset_wait_ms: 1_000, ..PATIENCE };
        let start = clock::monotonic_ns();
        let (found, error) = course(device(&[8], || Ok(())), patience);
        // More openings than the patience has, the last of which succeeds; then all of it once more, in vain.
        assert!(found.starts_with(&format!("ff-R{}ff-R-", "-".repeat(5))), "{found}");
        assert!(matches!(error, CameraError::GaveUp { reopens: 3, .. }), "{error}");
        assert!(clock::monotonic_ns() - start > 1_000_000_000);
    }

    #[test]
    fn a_camera_that_cannot_be_reset_is_opened_again_as_ever() {
        let gone = || Err(CameraError::Lost { reason: "not there".into() });
        let (found, error) = course(device(&[], gone), Patience { reset_after: 1, ..PATIENCE });
        assert_eq!(found, "ff---");
        assert!(matches!(error, CameraError::GaveUp { reopens: 3, .. }), "{error}");
        let (found, error) = course(device(&[], gone), Patience { reopens: 0, reset_after: 1, ..PATIENCE });
        assert_eq!(found, "ff");
        assert!(matches!(error, CameraError::Lost { .. }), "{error}");
    }

    #[test]
    fn a_recording_with_a_wrong_unit_is_refused_even_where_it_is_short() {
        struct Far(u64);
        impl FrameSource for Far {
            fn next(&mut self, into: &mut CapturedFrame, _: Duration) -> Result<bool, CameraError> {
                self.0 += 1;
                into.frame.fill((&[0; 3], (1, 1)), ([[0.0, 0.0, 500.0]].into_iter(), (1, 1))).unwrap();
                if self.0 <= 2 { Ok(true) } else { Err(CameraError::Ended { frames: 2 }) }
            }
        }
        let (frames, _, error) = run(Opener::new(|| Ok(Box::new(Far(0)))));
        assert_eq!(frames, 0);
        assert!(matches!(error, CameraError::Settings { .. }) && error.to_string().contains("depth_unit_m"), "{error}");
    }
}
