//! The capture thread: frames from the camera, parts from the line, and each part's frame to the inspection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::Thread;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};
use thiserror::Error;

use super::finder::Finder;
use super::inspection::Job;
use super::line::{Line, LineEvents};
use super::matching::{Matched, Matcher, Shot, Trigger};
use super::metrics::{Count, Metrics};
use crate::camera::supervisor::{Delivery, Supervisor};
use crate::camera::{CameraError, CapturedFrame};
use crate::clock;
use crate::reject::fault::Fault;

/// The camera is waited for this long at a time, so that triggers are seen to in between.
const SLICE: Duration = Duration::from_millis(5);
/// Frames that are held for triggers to come.
pub const HELD_MAX: usize = 8;

/// What announces parts.
pub enum Announcer {
    /// The line itself: a photo-eye, or the encoder.
    Line,
    /// The part in the frame.
    Frames(Box<Finder>),
    /// Every frame: the camera is triggered by the part.
    EveryFrame,
}

/// How the capture is joined to the rest of the station.
pub struct Joints<'a> {
    pub jobs: Producer<'a, Job>,
    pub inspection: Thread,
    /// Frames that come back, from the inspection and from the recorder.
    pub spare: [Consumer<'a, Box<Shot>>; 2],
    pub line: &'a Line<'a>,
    pub events: LineEvents<'a>,
    pub metrics: &'a Metrics,
    pub stop: &'a AtomicBool,
    pub heard_ns: &'a AtomicU64,
    /// Set once a frame could be inspected: parts count from there on.
    pub ready: &'a AtomicBool,
}

/// The thread and what it works with.
pub struct CaptureThread<'a> {
    camera: Supervisor,
    announcer: Announcer,
    matcher: Matcher,
    /// Frames that nobody uses.
    spare: Vec<Box<Shot>>,
    /// How long the ejector's output is at reject for one part.
    pulse_ns: u64,
    /// When each part's frame was captured, by the part's number.
    captured_ns: Box<[(u64, u64)]>,
    in_flight: u64,
    last_ns: Option<u64>,
    joints: Joints<'a>,
}

impl<'a> CaptureThread<'a> {
    /// `spare`: all frames that go round, [`HELD_MAX`] and two at least.
    pub fn new(
        camera: Supervisor,
        announcer: Announcer,
        matcher: Matcher,
        spare: Vec<Box<Shot>>,
        pulse_ns: u64,
        joints: Joints<'a>,
    ) -> Self {
        let captured_ns = vec![(0, 0); 2 * PARTS_MAX].into();
        Self { camera, announcer, matcher, spare, pulse_ns, captured_ns, in_flight: 0, last_ns: None, joints }
    }

    /// Runs until it is stopped, or the camera is gone for good.
    pub fn run(mut self) -> Result<(), CameraError> {
        let outcome = self.start().and_then(|first| first.map_or(Ok(()), |first| self.frames(first)));
        match &outcome {
            Err(CameraError::Ended { .. }) => self.finish(),
            Err(_) => self.joints.line.raise(Fault::CameraLost),
            Ok(()) => {}
        }
        outcome
    }

    /// The first frame that could be inspected, which is a frame like any other from then on.
    fn start(&mut self) -> Result<Option<Box<Shot>>, CameraError> {
        let mut shot = self.spare.pop().unwrap_or_else(Shot::empty);
        while !self.joints.stop.load(Relaxed) {
            self.follow_line();
            self.match_parts();
            if !self.fetch(&mut shot)? {
                continue;
            }
            let refused = self.joints.jobs.enqueue(Job::Trial(shot));
            assert!(refused.is_ok(), "no part has a frame yet");
            self.joints.inspection.unpark();
            shot = loop {
                if let Some(shot) = self.joints.spare[0].dequeue() {
                    break shot;
                }
                if self.joints.stop.load(Relaxed) {
                    return Ok(None);
                }
                self.follow_line();
                self.match_parts();
                std::thread::sleep(SLICE);
            };
            if self.joints.ready.load(Relaxed) {
                return Ok(Some(shot));
            }
        }
        Ok(None)
    }

    fn frames(&mut self, first: Box<Shot>) -> Result<(), CameraError> {
        let mut shot = self.take_in(first);
        while !self.joints.stop.load(Relaxed) {
            self.follow_line();
            if self.fetch(&mut shot)? {
                self.follow_line();
                shot = self.take_in(shot);
            }
            self.match_parts();
        }
        Ok(())
    }

    /// Waits a little for the next frame; true when it is there.
    fn fetch(&mut self, shot: &mut Shot) -> Result<bool, CameraError> {
        match self.camera.next(&mut shot.captured, SLICE)? {
            Delivery::Frame => {
                self.joints.metrics.count(Count::FramesCaptured);
                self.joints.heard_ns.store(clock::monotonic_ns(), Relaxed);
                self.joints.line.clear(Fault::CameraLost);
                self.measure_rate(&shot.captured);
                Ok(true)
            }
            Delivery::Nothing => Ok(false),
            Delivery::Failed(error) => {
                log::error!("{error}; the camera is opened again");
                self.joints.metrics.count(Count::CameraReopened);
                self.joints.line.raise(Fault::CameraLost);
                Ok(false)
            }
        }
    }

    fn measure_rate(&mut self, captured: &CapturedFrame) {
        let Some(last_ns) = self.last_ns.replace(captured.captured_ns) else { return };
        let rate = 1e9 / captured.captured_ns.saturating_sub(last_ns).max(1) as f64;
        let before = self.joints.metrics.gauge(Gauge::FramesPerSecond);
        let smoothed = if before == 0.0 { rate } else { before + (rate - before) / 16.0 };
        self.joints.metrics.set(Gauge::FramesPerSecond, smoothed);
    }

    /// Announces the part that a new frame shows, keeps the frame, and gives one to write the next into.
    fn take_in(&mut self, shot: Box<Shot>) -> Box<Shot> {
        let captured_ns = shot.captured.captured_ns;
        let announced_ns = match &mut self.announcer {
            Announcer::Line => None,
            Announcer::Frames(finder) => finder.look(&shot.captured.frame, captured_ns),
            Announcer::EveryFrame => Some(captured_ns),
        };
        announced_ns.into_iter().for_each(|at_ns| self.joints.line.trigger(at_ns));
        for queue in &mut self.joints.spare {
            self.spare.extend(std::iter::from_fn(|| queue.dequeue()));
        }
        let refused = self.matcher.add(shot, clock::monotonic_ns());
        let kept_ns = match &self.announcer {
            Announcer::Frames(finder) => finder.kept_ns(),
            Announcer::EveryFrame => Some(captured_ns),
            Announcer::Line => None,
        };
        let spare = || {
            let room = self.matcher.held() < HELD_MAX;
            let unused = if room { self.spare.pop() } else { None };
            unused.or_else(|| self.matcher.release(kept_ns)).or_else(|| self.spare.pop())
        };
        todo!()
    }
}
