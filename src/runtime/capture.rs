//! The capture thread takes frames from the camera and parts from the actuator, and sends each part's frame to the
//! inspection.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::Thread;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};
use log::Level;

use super::announcer::Announcer;
use super::books::{Unjudged, UnjudgedParts};
use super::change::CaptureChange;
use super::follower::Follower;
use super::intake::{JOBS_MAX, Job};
use super::log_limit::LogLimit;
use super::matching::{Matched, Matcher};
use super::metrics::{Count, Gauge, Metrics};
use super::part_frame::{PartFrame, Trigger};
use super::plan::RuntimePlan;
use super::shared::Shared;
use crate::camera::supervisor::{Delivery, Supervisor};
use crate::camera::{CameraError, CapturedFrame, StreamStatistics};
use crate::clock;
use crate::identity::{Identity, Names};
use crate::prepare::Preparation;
use crate::reject::channel::Events;
use crate::reject::fault::Fault;
use crate::reject::part::Event;
use crate::reject::sender::Sender;

/// How long the camera is waited for at a time: triggers are handled in between.
const SLICE: Duration = Duration::from_millis(5);
/// After the last frame of a recording, the station ends when no part was on its way for this long.
const QUIET_SLICES: u32 = 20;
/// Time that the last part may take beyond its way to the ejector.
const FINISH_NS: u64 = 1_000_000_000;
/// Frames that are held for triggers which have not come yet.
const HELD_MAX: usize = 8;

/// Called with every event of the actuator, and with the part's name where a part is announced. It must not wait.
pub type Listener = Box<dyn FnMut(&Event, Option<&Identity>) + Send>;

/// The capture thread's connections to the rest of the station.
pub struct Links<'a> {
    pub jobs: Producer<'a, Job>,
    /// The thread that takes the jobs.
    pub intake: Thread,
    /// Frames that this thread has beside the one that is inspected.
    pub frames_ahead: usize,
    /// Frames that come back, from the inspection and from the recorder.
    pub spare: [Consumer<'a, Box<PartFrame>>; 2],
    pub sender: Sender,
    pub events: Events,
    pub names: Names,
    /// Changes for this thread, and where those go that are done, for their sender to drop what was replaced.
    pub changes: Consumer<'a, CaptureChange>,
    pub replaced: Producer<'a, CaptureChange>,
    pub listeners: Vec<Listener>,
    pub unjudged: UnjudgedParts<'a>,
    pub metrics: &'a Metrics,
    pub shared: &'a Shared,
}

/// The capture thread with its state.
pub struct CaptureThread<'a> {
    camera: Supervisor,
    announcer: Announcer,
    matcher: Matcher,
    /// Frames that are not in use.
    spare: Vec<Box<PartFrame>>,
    follower: Follower<'a>,
    /// How long after its trigger a part has passed the ejector at the latest.
    passage_ns_max: u64,
    /// Number and time of the last frame.
    last: Option<(u64, u64)>,
    /// A change that is over with the first frame of the camera's other settings.
    changing: bool,
    /// What the network had lost and mended by the last frame.
    stream: StreamStatistics,
    /// Limits what is logged of lost frames.
    losses: LogLimit,
    links: Links<'a>,
}

impl<'a> CaptureThread<'a> {
    pub fn new(plan: &RuntimePlan, camera: Supervisor, preparation: &Preparation, links: Links<'a>) -> Self {
        let announcer = Announcer::new(plan.announced, preparation);
        // Beside those that are held and those that wait, the camera, the inspection and the recorder have one each.
        let waiting = plan.recording.as_ref().map_or(0, |recording| recording.waiting_max);
        let frames = HELD_MAX + JOBS_MAX + links.frames_ahead + waiting + 3;
        let mut spare = Vec::with_capacity(frames);
        spare.resize_with(frames, PartFrame::empty);
        Self {
            camera,
            announcer,
            matcher: Matcher::new(plan.frame_offset_ns, plan.frame_window_ns),
            spare,
            follower: Follower::new(links.metrics),
            passage_ns_max: plan.passage_ns_max,
            last: None,
            changing: false,
            stream: StreamStatistics::default(),
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

    /// Waits for the first frame that could be inspected, and returns it; none where the thread is stopped before.
    fn start(&mut self) -> Result<Option<Box<PartFrame>>, CameraError> {
        let mut part_frame = self.spare.pop().unwrap_or_else(PartFrame::empty);
        while !self.links.shared.stop_capture.load(Relaxed) {
            self.follow_actuator();
            self.match_parts();
            if !self.fetch(&mut part_frame)? {
                continue;
            }
            let refused = self.links.jobs.enqueue(Job::Trial(part_frame));
            assert!(refused.is_ok(), "no part has a frame yet");
            self.links.intake.unpark();
            part_frame = loop {
                if let Some(part_frame) = self.links.spare[0].dequeue() {
                    break part_frame;
                }
                if self.links.shared.stop_capture.load(Relaxed) {
                    return Ok(None);
                }
                self.follow_actuator();
                self.match_parts();
                std::thread::sleep(SLICE);
            };
            if self.links.shared.ready.load(Relaxed) {
                for spare in &mut self.spare {
                    spare.be_as_large_as(&part_frame);
                }
                return Ok(Some(part_frame));
            }
        }
        Ok(None)
    }

    fn frames(&mut self, first: Box<PartFrame>) -> Result<(), CameraError> {
        // Frames that were lost while the first one was inspected hide no part: the output is held at reject until
        // then.
        self.last = None;
        let mut part_frame = self.take_in(first);
        while !self.links.shared.stop_capture.load(Relaxed) {
            self.change();
            self.follow_actuator();
            if self.fetch(&mut part_frame)? {
                self.is_changed();
                self.follow_actuator();
                part_frame = self.take_in(part_frame);
            }
            self.match_parts();
        }
        Ok(())
    }

    /// Takes a change in. What was announced before is flushed, so that nothing is lost by what forgets it.
    fn change(&mut self) {
        let Some(mut change) = self.links.changes.dequeue() else { return };
        std::mem::swap(&mut self.announcer, &mut change.announcer);
        if let Some(opener) = change.opener.take() {
            self.camera.replace(opener);
            // The numbers of its frames begin again.
            self.last = None;
        }
        self.changing = true;
        let refused = self.links.replaced.enqueue(change);
        assert!(refused.is_ok(), "one change is under way at a time");
    }

    /// A frame came: by it the change is in force here.
    fn is_changed(&mut self) {
        if std::mem::take(&mut self.changing) {
            self.links.shared.flushes_captured.fetch_add(1, Relaxed);
        }
    }

    /// Waits a little for the next frame. True where it was written into `part_frame`.
    fn fetch(&mut self, part_frame: &mut PartFrame) -> Result<bool, CameraError> {
        match self.camera.next(&mut part_frame.captured, SLICE)? {
            Delivery::Frame => {
                self.links.metrics.count(Count::FramesCaptured);
                self.links.shared.heard_ns.store(clock::monotonic_ns(), Relaxed);
                self.links.shared.camera_awaited.store(false, Relaxed);
                let frame = &part_frame.captured.frame;
                self.links.shared.frame.store((frame.width() as u64) << 32 | frame.height() as u64, Relaxed);
                self.follow_camera(&part_frame.captured);
                self.follow_stream();
                self.links.sender.clear(Fault::CameraLost);
                Ok(true)
            }
            Delivery::Nothing => {
                // The watchdog waits as long as the supervisor tries: its patience is configured.
                let awaited = self.camera.is_mending();
                if awaited {
                    self.links.shared.heard_ns.store(clock::monotonic_ns(), Relaxed);
                }
                self.links.shared.camera_awaited.store(awaited, Relaxed);
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

    /// Counts what the network lost and mended. A camera that was opened again counts from 0.
    fn follow_stream(&mut self) {
        let now = self.camera.stream_statistics();
        let before = std::mem::replace(&mut self.stream, now);
        let more = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        self.links.metrics.add(Count::PacketsAskedAgain, more(now.packets_asked_again, before.packets_asked_again));
        self.links.metrics.add(Count::PacketsMissing, more(now.packets_missing, before.packets_missing));
    }

    /// Measures the frame rate, and counts the frames that were lost on the way from the sensor.
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

    /// Announces the parts that a new frame shows, keeps the frame, and returns one to write the next into.
    fn take_in(&mut self, part_frame: Box<PartFrame>) -> Box<PartFrame> {
        self.announcer.look(&part_frame.captured, &mut self.links.sender);
        self.take_back();
        let Some(next) = self.next_spare() else {
            // Parts depend on all other frames: this one is overwritten.
            self.links.metrics.count(Count::FramesDropped);
            return part_frame;
        };
        let refused = self.matcher.add(part_frame, clock::monotonic_ns());
        self.spare.extend(refused);
        next
    }

    /// Takes back the frames that the inspection and the recorder have released.
    fn take_back(&mut self) {
        for queue in &mut self.links.spare {
            self.spare.extend(std::iter::from_fn(|| queue.dequeue()));
        }
    }

    /// A frame to write into: one that is not in use, or the oldest that no part depends on.
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
        self.links.names.receive();
        while let Some(event) = self.links.events.next() {
            self.follower.follow(&event);
            let mut named = None;
            if let Event::Triggered { part, at: at_ns, recipe, .. } = event {
                let identity = self.links.names.take(part.0, at_ns);
                self.want_frame(Trigger { part: part.0, at_ns, at: None, recipe, identity });
                named = Some(identity);
            }
            for listener in &mut self.links.listeners {
                listener(&event, named.as_ref());
            }
        }
        self.links.metrics.set(Gauge::PartsInFlight, self.follower.in_flight() as f64);
    }

    /// Lets a part that the actuator has numbered wait for its frame.
    fn want_frame(&mut self, trigger: Trigger) {
        match self.announcer.locate(trigger) {
            None => self.links.unjudged.note(trigger.part, Unjudged::NoFrame),
            Some(trigger) if self.matcher.trigger(trigger) => {}
            Some(_) => self.links.unjudged.note(trigger.part, Unjudged::Dropped),
        }
    }

    /// Announces the part in view after the last frame, and waits until every part has passed the ejector.
    fn finish(&mut self) {
        self.announcer.finish(&mut self.links.sender);
        let end_ns = clock::monotonic_ns() + self.passage_ns_max + FINISH_NS;
        let mut quiet = 0;
        while quiet < QUIET_SLICES && clock::monotonic_ns() < end_ns && !self.links.shared.stop_capture.load(Relaxed) {
            std::thread::sleep(SLICE);
            self.follow_actuator();
            self.match_parts();
            let busy = self.follower.in_flight() > 0 || self.matcher.is_waiting();
            quiet = if busy { 0 } else { quiet + 1 };
        }
    }

    /// Sends every part whose frame is settled to the inspection.
    fn match_parts(&mut self) {
        loop {
            self.provide_spare();
            let spare = &mut self.spare;
            let Some(matched) = self.matcher.next(clock::monotonic_ns(), || spare.pop()) else { return };
            match matched {
                Matched::None { part } => self.links.unjudged.note(part, Unjudged::NoFrame),
                Matched::Frame(part_frame) => self.send(part_frame),
            }
        }
    }

    /// Makes sure that there is a spare frame into which a shared one can be copied.
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
            Ok(()) => self.links.intake.unpark(),
            Err(Job::Part(part_frame) | Job::Trial(part_frame)) => {
                self.links.unjudged.note(part_frame.part, Unjudged::Dropped);
                self.spare.push(part_frame);
            }
        }
    }
}
