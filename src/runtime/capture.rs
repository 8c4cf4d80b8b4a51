//! The capture thread: frames from the camera, parts from the line, and each part's frame to the inspection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::Thread;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};
use log::Level;

use super::announcer::Announcer;
use super::follower::Follower;
use super::inspection::{JOBS_MAX, Job};
use super::log_limit::LogLimit;
use super::matching::{Matched, Matcher, PartFrame};
use super::metrics::{Count, Gauge, Metrics};
use super::plan::RuntimePlan;
use crate::camera::supervisor::{Delivery, Supervisor};
use crate::camera::{CameraError, CapturedFrame};
use crate::clock;
use crate::prepare::Preparation;
use crate::reject::channel::Events;
use crate::reject::fault::Fault;
use crate::reject::part::Event;
use crate::reject::sender::Sender;

/// The camera is waited for this long at a time, so that triggers are seen to in between.
const SLICE: Duration = Duration::from_millis(5);
/// At the end of a recording, this long without a part in flight is the end of the line.
const QUIET_SLICES: u32 = 20;
/// What the last part may take beside its way to the ejector.
const FINISH_NS: u64 = 1_000_000_000;
/// Frames that are held for triggers to come.
const HELD_MAX: usize = 8;

/// Told of everything that happens on the line. It must not wait.
pub type Listener = Box<dyn FnMut(&Event) + Send>;

/// How the capture is joined to the rest of the station.
pub struct Links<'a> {
    pub jobs: Producer<'a, Job>,
    pub inspection: Thread,
    /// Frames that come back, from the inspection and from the recorder.
    pub spare: [Consumer<'a, Box<PartFrame>>; 2],
    pub sender: Sender,
    pub events: Events,
    pub listeners: Vec<Listener>,
    pub metrics: &'a Metrics,
    pub stop: &'a AtomicBool,
    pub heard_ns: &'a AtomicU64,
    /// Set once a frame could be inspected: parts count from there on.
    pub ready: &'a AtomicBool,
    /// The camera's width and height, 32 bits each.
    pub frame: &'a AtomicU64,
}

/// The thread and what it works with.
pub struct CaptureThread<'a> {
    camera: Supervisor,
    announcer: Announcer,
    matcher: Matcher,
    /// Frames that nobody uses.
    #[expect(clippy::vec_box, reason = "the boxes go through the queues")]
    spare: Vec<Box<PartFrame>>,
    follower: Follower<'a>,
    /// How long after its trigger a part has passed the ejector at the latest.
    passage_ns_max: u64,
    /// Number and time of the last frame.
    last: Option<(u64, u64)>,
    /// Limits what is logged of lost frames.
    losses: LogLimit,
    links: Links<'a>,
}

impl<'a> CaptureThread<'a> {
    pub fn new(plan: &RuntimePlan, camera: Supervisor, preparation: &Preparation, links: Links<'a>) -> Self {
        let announcer = Announcer::new(plan.announced, preparation);
        // Beside those that are held: one in the camera's hands, one in the inspection's, one in the recorder's.
        let waiting = plan.recording.as_ref().map_or(0, |recording| recording.waiting_max);
        let frames = HELD_MAX + JOBS_MAX + waiting + 3;
        let mut spare = Vec::with_capacity(frames);
        spare.resize_with(frames, PartFrame::empty);
        Self {
            camera,
            announcer,
            matcher: Matcher::new(plan.frame_offset_ns, plan.frame_window_ns),
            spare,
            follower: Follower::new(plan.pulse_ns, links.metrics),
            passage_ns_max: plan.passage_ns_max,
            last: None,
            losses: LogLimit::default(),
            links,
        }
    }

    /// Runs until it is stopped, or the camera is gone for good.
    pub fn run(mut self) -> Result<(), CameraError> {
        let outcome = self.start().and_then(|first| first.map_or(Ok(()), |first| self.frames(first)));
        match &outcome {
            Err(CameraError::Ended { .. }) => self.finish(),
            Err(_) => self.links.sender.raise(Fault::CameraLost),
            Ok(()) => {}
        }
        outcome
    }

    /// The first frame that could be inspected, which is a frame like any other from then on.
    fn start(&mut self) -> Result<Option<Box<PartFrame>>, CameraError> {
        let mut part_frame = self.spare.pop().unwrap_or_else(PartFrame::empty);
        while !self.links.stop.load(Relaxed) {
            self.follow_actuator();
            self.match_parts();
            if !self.fetch(&mut part_frame)? {
                continue;
            }
            let refused = self.links.jobs.enqueue(Job::Trial(part_frame));
            assert!(refused.is_ok(), "no part has a frame yet");
            self.links.inspection.unpark();
            part_frame = loop {
                if let Some(part_frame) = self.links.spare[0].dequeue() {
                    break part_frame;
                }
                if self.links.stop.load(Relaxed) {
                    return Ok(None);
                }
                self.follow_actuator();
                self.match_parts();
                std::thread::sleep(SLICE);
            };
            if self.links.ready.load(Relaxed) {
                self.spare.iter_mut().for_each(|spare| spare.be_as_large_as(&part_frame));
                return Ok(Some(part_frame));
            }
        }
        Ok(None)
    }

    fn frames(&mut self, first: Box<PartFrame>) -> Result<(), CameraError> {
        // What came by while the first frame was inspected is behind a line that is held at reject.
        self.last = None;
        let mut part_frame = self.take_in(first);
        while !self.links.stop.load(Relaxed) {
            self.follow_actuator();
            if self.fetch(&mut part_frame)? {
                self.follow_actuator();
                part_frame = self.take_in(part_frame);
            }
            self.match_parts();
        }
        Ok(())
    }

    /// Waits a little for the next frame; true when it is there.
    fn fetch(&mut self, part_frame: &mut PartFrame) -> Result<bool, CameraError> {
        match self.camera.next(&mut part_frame.captured, SLICE)? {
            Delivery::Frame => {
                self.links.metrics.count(Count::FramesCaptured);
                self.links.heard_ns.store(clock::monotonic_ns(), Relaxed);
                let (width, height) =
                    (part_frame.captured.frame.width() as u64, part_frame.captured.frame.height() as u64);
                self.links.frame.store(width << 32 | height, Relaxed);
                self.follow_camera(&part_frame.captured);
                self.links.sender.clear(Fault::CameraLost);
                Ok(true)
            }
            Delivery::Nothing => {
                // It takes as long as the patience that is configured, which the watchdog leaves to the supervisor.
                if self.camera.is_mending() {
                    self.links.heard_ns.store(clock::monotonic_ns(), Relaxed);
                }
                Ok(false)
            }
            Delivery::Failed(error) => {
                self.lost(&error, "opened again");
                Ok(false)
            }
            Delivery::Reset(error) => {
                self.lost(&error, "reset and opened again");
                self.links.metrics.count(Count::CameraReset);
                Ok(false)
            }
        }
    }

    fn lost(&mut self, error: &CameraError, mended_by: &str) {
        log::error!("{error}; the camera is {mended_by}");
        self.links.metrics.count(Count::CameraReopened);
        self.links.sender.raise(Fault::CameraLost);
    }

    /// Measures the rate, and looks for frames that were lost on the way from the sensor.
    fn follow_camera(&mut self, captured: &CapturedFrame) {
        let Some((sequence, last_ns)) = self.last.replace((captured.sequence, captured.captured_ns)) else { return };
        let metrics = self.links.metrics;
        let rate = 1e9 / captured.captured_ns.saturating_sub(last_ns).max(1) as f64;
        let before = metrics.gauge(Gauge::FramesPerSecond);
        let smoothed = if before == 0.0 { rate } else { before + (rate - before) / 16.0 };
        metrics.set(Gauge::FramesPerSecond, smoothed);
        let lost = captured.sequence.saturating_sub(sequence + 1);
        metrics.add(Count::FramesLost, lost);
        if self.announcer.may_miss(lost) {
            self.losses.say(Level::Error, || {
                format!("the camera lost {lost} frames, in which a part may have gone by unseen")
            });
            self.links.sender.raise(Fault::CameraLost);
        }
    }

    /// Announces the part that a new frame shows, keeps the frame, and gives one to write the next into.
    fn take_in(&mut self, part_frame: Box<PartFrame>) -> Box<PartFrame> {
        self.announcer.look(&part_frame.captured, &mut self.links.sender);
        self.take_back();
        let Some(next) = self.next_spare() else {
            // Parts depend on all the others: this one is written over.
            self.links.metrics.count(Count::FramesDropped);
            return part_frame;
        };
        let refused = self.matcher.add(part_frame, clock::monotonic_ns());
        self.spare.extend(refused);
        next
    }

    /// Takes the frames that others are done with.
    fn take_back(&mut self) {
        for queue in &mut self.links.spare {
            self.spare.extend(std::iter::from_fn(|| queue.dequeue()));
        }
    }

    /// A frame to write into: one that is not used, or the oldest that no part depends on.
    fn next_spare(&mut self) -> Option<Box<PartFrame>> {
        let unused = if self.matcher.held() < HELD_MAX { self.spare.pop() } else { None };
        unused.or_else(|| self.release()).or_else(|| self.spare.pop())
    }

    fn release(&mut self) -> Option<Box<PartFrame>> {
        self.matcher.release(self.announcer.kept_ns())
    }

    /// Takes the actuator's events: new parts get their frames, and what became of the others is counted.
    fn follow_actuator(&mut self) {
        self.links.sender.tell();
        while let Some(event) = self.links.events.next() {
            self.follower.follow(&event);
            if let Event::Triggered { part, at, .. } = event {
                self.want_frame(part.0, at);
            }
            for listener in &mut self.links.listeners {
                listener(&event);
            }
        }
        self.links.metrics.set(Gauge::PartsInFlight, self.follower.in_flight() as f64);
    }

    /// Lets a part that the actuator has numbered wait for its frame.
    fn want_frame(&mut self, part: u64, at_ns: u64) {
        match self.announcer.trigger(part, at_ns) {
            None => self.links.metrics.count(Count::UnscoredNoFrame),
            Some(trigger) if self.matcher.trigger(trigger) => {}
            Some(_) => self.links.metrics.count(Count::UnscoredDropped),
        }
    }

    /// After the last frame: the part in view is announced, and every part goes its way to the end.
    fn finish(&mut self) {
        self.announcer.finish(&mut self.links.sender);
        let end_ns = clock::monotonic_ns() + self.passage_ns_max + FINISH_NS;
        // The last trigger's event comes within a slice or two.
        let mut quiet = 0;
        while quiet < QUIET_SLICES && clock::monotonic_ns() < end_ns && !self.links.stop.load(Relaxed) {
            std::thread::sleep(SLICE);
            self.follow_actuator();
            self.match_parts();
            let busy = self.follower.in_flight() > 0 || self.matcher.is_waiting();
            quiet = if busy { 0 } else { quiet + 1 };
        }
    }

    /// Sends every part whose frame is certain to the inspection.
    fn match_parts(&mut self) {
        loop {
            self.provide_spare();
            let spare = &mut self.spare;
            let Some(matched) = self.matcher.next(clock::monotonic_ns(), || spare.pop()) else { return };
            match matched {
                Matched::None { .. } => self.links.metrics.count(Count::UnscoredNoFrame),
                Matched::Frame(part_frame) => self.send(part_frame),
            }
        }
    }

    /// Sees to a frame into which a shared one can be copied.
    fn provide_spare(&mut self) {
        if !self.announcer.shares_frames() || !self.spare.is_empty() || !self.matcher.is_waiting() {
            return;
        }
        self.take_back();
        if self.spare.is_empty() {
            let released = self.release();
            self.spare.extend(released);
        }
    }

    fn send(&mut self, part_frame: Box<PartFrame>) {
        self.follower.captured(part_frame.part, part_frame.captured.captured_ns);
        match self.links.jobs.enqueue(Job::Part(part_frame)) {
            Ok(()) => self.links.inspection.unpark(),
            Err(Job::Part(part_frame) | Job::Trial(part_frame)) => {
                self.links.metrics.count(Count::UnscoredDropped);
                self.spare.push(part_frame);
            }
        }
    }
}
