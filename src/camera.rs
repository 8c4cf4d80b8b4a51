//! Where frames come from while the belt runs.
//!
//! A camera of your own implements [`FrameSource`]. It writes into frames that the caller owns, so that a running camera
//! allocates nothing. When a camera fails, a [`Supervisor`] opens its source again, a bounded number of times.

#[doc(hidden)]
pub mod device_clock;
#[doc(hidden)]
pub mod first_frames;
#[doc(hidden)]
pub mod genicam;
#[doc(hidden)]
pub mod nodes;
mod pace;
#[doc(hidden)]
pub mod pixel_format;
#[doc(hidden)]
pub mod realsense;
#[doc(hidden)]
pub mod replay;
#[doc(hidden)]
pub mod supervisor;
#[doc(hidden)]
pub mod synthetic;
#[cfg(feature = "v4l")]
#[doc(hidden)]
pub mod v4l;
#[cfg(not(feature = "v4l"))]
#[path = "camera/without_v4l.rs"]
#[doc(hidden)]
pub mod v4l;

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::dataset::DatasetError;
use crate::frame::RgbdFrame;

pub use crate::clock::monotonic_ns;
pub use supervisor::{Delivery, Patience, Supervisor};

/// A frame and when it was captured.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedFrame {
    /// Colour and points.
    pub frame: RgbdFrame,
    /// Counts the frames of the sensor. A number that is missing is a frame that was lost on its way.
    pub sequence: u64,
    /// CLOCK_MONOTONIC at the capture, nanoseconds.
    pub captured_ns: u64,
}

impl CapturedFrame {
    /// A frame without content; a source gives it the camera's size.
    pub fn empty() -> Self {
        Self { frame: RgbdFrame::blank(), sequence: 0, captured_ns: 0 }
    }

    /// Becomes a copy of `other`; nothing is allocated where the frame was as large before.
    pub fn copy_from(&mut self, other: &Self) {
        self.frame.copy_from(&other.frame);
        (self.sequence, self.captured_ns) = (other.sequence, other.captured_ns);
    }
}

/// Why a camera gives no frame.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum CameraError {
    /// No frame came for too long.
    #[error("the camera has not given a frame for {waited_ms} ms: check its cable, its power and its trigger")]
    Silent { waited_ms: u64 },
    /// The camera is gone, or failed.
    #[error("the camera is lost: {reason}")]
    Lost { reason: String },
    /// The files of a recording cannot be read.
    #[error("the recording cannot be played: {0}")]
    Recording(#[from] DatasetError),
    /// The camera cannot do what is asked of it.
    #[error("the camera cannot run as it is configured: {reason}")]
    Settings { reason: String },
    /// A recording has come to its end.
    #[error(
        "the recording ended after {frames} frames: set repeat in its section of the configuration to play it again and again"
    )]
    Ended { frames: u64 },
    /// It was opened again and again, and gave no frame.
    #[error("the camera was opened again {reopens} times without a frame; the last time: {last}")]
    GaveUp { reopens: u32, last: Box<CameraError> },
}

impl CameraError {
    /// The camera cannot do what is asked of it.
    pub(crate) fn settings(reason: impl fmt::Display) -> Self {
        Self::Settings { reason: reason.to_string() }
    }

    /// The camera is gone, or failed.
    pub(crate) fn lost(reason: impl fmt::Display) -> Self {
        Self::Lost { reason: reason.to_string() }
    }

    /// Whether opening the camera again may help.
    pub fn reopening_may_help(&self) -> bool {
        match self {
            Self::Silent { .. } | Self::Lost { .. } => true,
            Self::Recording(_) | Self::Settings { .. } | Self::Ended { .. } | Self::GaveUp { .. } => false,
        }
    }
}

/// A camera, or what stands in for one.
///
/// ```
/// use std::time::Duration;
///
/// use crosscheck::camera::{CameraError, CapturedFrame, FrameSource, monotonic_ns};
///
/// /// A camera of one pixel.
/// struct Tiny(u64);
///
/// impl FrameSource for Tiny {
///     fn next(&mut self, into: &mut CapturedFrame, _wait: Duration) -> Result<bool, CameraError> {
///         let (rgb, point, size) = ([90, 90, 90], [0.0, 0.0, 0.4], (1, 1));
///         let filled = into.frame.fill((&rgb, size), ([point].into_iter(), size));
///         filled.map_err(|error| CameraError::Lost { reason: error.to_string() })?;
///         (into.sequence, into.captured_ns) = (self.0, monotonic_ns());
///         self.0 += 1;
///         Ok(true)
///     }
/// }
///
/// let mut captured = CapturedFrame::empty();
/// assert!(Tiny(7).next(&mut captured, Duration::ZERO)?);
/// assert_eq!((captured.sequence, captured.frame.cloud().valid_count()), (7, 1));
/// # Ok::<(), CameraError>(())
/// ```
pub trait FrameSource: Send {
    /// Waits for the next frame, `wait` at most, and writes it over `into`. False when none came in that time,
    /// and `into` holds nothing of use.
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError>;

    /// What the network has lost and mended; zeros where the camera is on none.
    fn stream_statistics(&self) -> StreamStatistics {
        StreamStatistics::default()
    }
}

/// What the network between a camera and this machine lost and mended since the camera was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStatistics {
    /// Packets that did not come at once, and were asked for again.
    pub packets_asked_again: u64,
    /// Packets that never came.
    pub packets_missing: u64,
}

type Open = dyn FnMut() -> Result<Box<dyn FrameSource>, CameraError> + Send;
type Reset = dyn FnMut() -> Result<(), CameraError> + Send;

/// Opens a camera, at the start and again after a failure, and resets it where it has a reset.
pub struct Opener {
    open: Box<Open>,
    reset: Option<Box<Reset>>,
}

impl Opener {
    /// A camera without a reset.
    pub fn new(open: impl FnMut() -> Result<Box<dyn FrameSource>, CameraError> + Send + 'static) -> Self {
        Self { open: Box::new(open), reset: None }
    }

    /// A camera whose hardware `reset` restarts; the camera is closed before `reset` is called.
    pub fn with_reset(self, reset: impl FnMut() -> Result<(), CameraError> + Send + 'static) -> Self {
        Self { reset: Some(Box::new(reset)), ..self }
    }

    /// Opens the camera, which must be closed.
    pub fn open(&mut self) -> Result<Box<dyn FrameSource>, CameraError> {
        (self.open)()
    }

    /// Resets the hardware, which is gone for seconds then; false where the camera has no reset.
    pub fn reset(&mut self) -> Result<bool, CameraError> {
        self.reset.as_mut().map_or(Ok(false), |reset| reset().map(|()| true))
    }
}
