//! A running station collects the parts of a lesson, since it has the camera.
//!
//! The inspection copies the frame of a part into memory that is spare, and goes on: it neither waits nor allocates. A
//! thread of low priority makes that memory, keeps the good parts, and says what became of each. A part for which no memory
//! is spare is counted, and not collected.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};
use serde::Serialize;

use super::error::TeachError;
use super::event::Part;
use super::lesson::{Lesson, Work};
use crate::collect::{Collected, Set, Sets};
use crate::config::teach::Teach;
use crate::frame::{OrganisedCloud, RgbdFrame};
use crate::locked::locked;
use crate::priority;
use crate::queue;
use crate::runtime::inspection::Watcher;
use crate::runtime::part_frame::PartFrame;

/// Frames on their way to the thread.
const FRAMES: usize = 3;
/// The capacity of a queue is one less than its length.
const QUEUE: usize = FRAMES + 1;
/// How long the thread sleeps where no frame waits.
const IDLE: Duration = Duration::from_millis(20);
/// Parts of which is kept what became of them.
const PARTS_KEPT: usize = 16;

/// How collecting does.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Course {
    /// The recipe whose lesson gets the parts; none where nothing is collected.
    pub lesson: Option<u16>,
    /// Parts that the lesson has of each set, and those that it lacks.
    pub parts: usize,
    pub validation: usize,
    pub missing: usize,
    /// Parts that were left out since the beginning, and those that nobody had time for.
    pub left_out: u64,
    pub dropped: u64,
    /// What became of the last parts, the newest first.
    pub last: VecDeque<Part>,
    /// Why collecting has ended by itself.
    pub ended: Option<String>,
}

/// Tells how collecting does, for whoever shows it.
#[derive(Clone)]
pub struct Courses(Arc<Shared>);

impl Courses {
    /// What has become of the parts so far.
    pub fn now(&self) -> Course {
        let dropped = self.0.dropped.load(Relaxed);
        Course { dropped, ..locked(&self.0.course).clone() }
    }
}

/// A frame on its way, or memory for one.
struct Held {
    frame: Box<RgbdFrame>,
    /// Whether the frame is a part's; otherwise its memory is of another size than the camera's frames.
    is_part: bool,
}

#[derive(Default)]
struct Shared {
    wanted: AtomicBool,
    ends: AtomicBool,
    /// Width and height of the camera's frames, 32 bits each.
    size: AtomicU64,
    dropped: AtomicU64,
    /// A lesson that is to be collected for from now on.
    next: Mutex<Option<Open>>,
    course: Mutex<Course>,
}

/// A lesson that is collected for.
struct Open {
    lesson: Lesson,
    sets: Sets,
    /// Keeps other processes from adding parts.
    _lock: File,
}

/// Collects parts for the lessons of a station, when it is asked to.
pub struct Collecting {
    teach: Teach,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Collecting {
    /// Starts the thread. The watcher is what shows it the parts.
    pub fn start(teach: Teach) -> io::Result<(Self, Watcher)> {
        let shared = Arc::new(Shared::default());
        let (spare_in, spare_out) = queue::kept::<Held, QUEUE>();
        let (parts_in, parts_out) = queue::kept::<Held, QUEUE>();
        let worker = Worker { shared: shared.clone(), spare: spare_in, parts: parts_out, made: 0, open: None };
        let thread = Builder::new().name("collecting".into()).spawn(move || worker.run())?;
        let mut hand = Hand { shared: shared.clone(), spare: spare_out, parts: parts_in, last: None };
        let watcher: Watcher = Box::new(move |part_frame| hand.offer(part_frame));
        Ok((Self { teach, shared, thread: Some(thread) }, watcher))
    }

    /// Collects for the lesson of a recipe from now on. Returns how many parts it lacks.
    pub fn begin(&self, number: u16) -> Result<usize, TeachError> {
        let course = self.course();
        if course.lesson == Some(number) {
            return Ok(course.missing);
        }
        let lesson = Lesson::open(&self.teach.lesson(number))?;
        self.end();
        let lock = lesson.lock(Work::Collecting)?;
        let [parts, validation] = lesson.parts()?;
        let sets = lesson.collector()?;
        let missing = sets.missing();
        self.shared.dropped.store(0, Relaxed);
        *locked(&self.shared.course) = Course { lesson: Some(number), parts, validation, missing, ..Course::default() };
        if missing == 0 {
            locked(&self.shared.course).finish();
            return Ok(0);
        }
        // In this order: a lesson that is open while nothing is wanted is closed.
        self.shared.wanted.store(true, Relaxed);
        *locked(&self.shared.next) = Some(Open { lesson, sets, _lock: lock });
        Ok(missing)
    }

    /// Collects no more.
    pub fn end(&self) {
        self.shared.wanted.store(false, Relaxed);
        drop(locked(&self.shared.next).take());
        locked(&self.shared.course).lesson = None;
    }

    /// What has become of the parts so far.
    pub fn course(&self) -> Course {
        self.courses().now()
    }

    /// For whoever shows how it does.
    pub fn courses(&self) -> Courses {
        Courses(self.shared.clone())
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        self.shared.ends.store(true, Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that collects parts ended by a panic");
        }
    }
}

fn packed(frame: &RgbdFrame) -> u64 {
    (frame.width() as u64) << 32 | frame.height() as u64
}

/// The inspection's side.
struct Hand {
    shared: Arc<Shared>,
    spare: Consumer<'static, Held>,
    parts: Producer<'static, Held>,
    /// The last frame that was taken: several parts of one frame are one frame to learn from.
    last: Option<u64>,
}

impl Hand {
    fn offer(&mut self, part_frame: &PartFrame) {
        if !self.shared.wanted.load(Relaxed) || self.last == Some(part_frame.captured.sequence) {
            return;
        }
        self.last = Some(part_frame.captured.sequence);
        let frame = &part_frame.captured.frame;
        self.shared.size.store(packed(frame), Relaxed);
        let Some(mut held) = self.spare.dequeue() else {
            self.shared.dropped.fetch_add(1, Relaxed);
            return;
        };
        let size = (frame.width(), frame.height());
        // Memory of another size goes back to be made anew: here nothing is allocated.
        held.is_part = packed(&held.frame) == packed(frame)
            && held.frame.fill((frame.rgb(), size), (frame.cloud().points().iter().copied(), size)).is_ok();
        self.shared.dropped.fetch_add(u64::from(!held.is_part), Relaxed);
        let refused = self.parts.enqueue(held);
        assert!(refused.is_ok(), "the queue holds every frame that there is");
    }
}

/// The side that may wait.
struct Worker {
    shared: Arc<Shared>,
    spare: Producer<'static, Held>,
    parts: Consumer<'static, Held>,
    /// Frames that were made.
    made: usize,
    open: Option<Open>,
}

impl Worker {
    fn run(mut self) {
        priority::lower();
        while !self.shared.ends.load(Relaxed) {
            if let Some(next) = locked(&self.shared.next).take() {
                self.open = Some(next);
            }
            let wanted = self.shared.wanted.load(Relaxed);
            if !wanted {
                self.open = None;
            }
            if wanted && self.made < FRAMES && self.shared.size.load(Relaxed) != 0 {
                self.made += 1;
                self.give_back(Held { frame: Box::new(RgbdFrame::blank()), is_part: false });
            }
            match self.parts.dequeue() {
                Some(held) => {
                    if held.is_part && wanted {
                        self.collect(&held.frame);
                    }
                    self.give_back(held);
                }
                None => std::thread::sleep(IDLE),
            }
        }
    }

    /// Gives memory back, of the size of the camera's frames.
    fn give_back(&mut self, mut held: Held) {
        let size = self.shared.size.load(Relaxed);
        let (width, height) = ((size >> 32) as usize, (size & u64::from(u32::MAX)) as usize);
        if packed(&held.frame) != size {
            let cloud = OrganisedCloud::new(width, height, vec![[0.0; 3]; width * height]);
            let frame = cloud.and_then(|cloud| RgbdFrame::new(width, height, vec![1; width * height * 3], cloud));
            let Ok(frame) = frame else { unreachable!("a frame of this size came from the camera") };
            *held.frame = frame;
        }
        let refused = self.spare.enqueue(held);
        assert!(refused.is_ok(), "the queue holds every frame that there is");
    }

    fn collect(&mut self, frame: &RgbdFrame) {
        let Some(Open { sets, lesson, .. }) = &mut self.open else { return };
        let set = sets.set();
        let offered = sets.offer(frame);
        let mut course = locked(&self.shared.course);
        if course.lesson != Some(lesson.subject.number) {
            // It was ended meanwhile.
            return;
        }
        match offered {
            Ok(collected) => course.note(set, collected, sets.missing()),
            Err(error) => course.ended = Some(error.to_string()),
        }
        if let Some(error) = &course.ended {
            log::error!("no more parts are collected: {error}");
            course.lesson = None;
        } else if course.missing == 0 {
            log::info!("all parts of the lesson of recipe {} are collected", lesson.subject.number);
            course.finish();
        }
        self.shared.wanted.store(course.lesson.is_some(), Relaxed);
    }
}

impl Course {
    /// Nothing is missing any more.
    fn finish(&mut self) {
        (self.lesson, self.ended) = (None, Some("all parts are there".into()));
    }

    fn note(&mut self, set: Set, collected: Collected, missing: usize) {
        self.missing = missing;
        let part = Part::of(set, collected);
        match (&part.name, set) {
            (None, _) => self.left_out += 1,
            (Some(_), Set::Train) => self.parts += 1,
            (Some(_), Set::Validation) => self.validation += 1,
        }
        self.last.truncate(PARTS_KEPT - 1);
        self.last.push_front(part);
    }
}
