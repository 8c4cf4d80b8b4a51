//! A station's side of a lesson: what the inspection shows is kept by a thread that nobody waits for.

use std::time::{Duration, Instant};

use crosscheck::collect::Set;
use crosscheck::config::teach::Teach;
use crosscheck::frame::RgbdFrame;
use crosscheck::runtime::inspection::Watcher;
use crosscheck::runtime::part_frame::PartFrame;
use crosscheck::scene::{Part, Scene};
use crosscheck::teach::{Collecting, Course, Lesson, State, Subject, Work};

const PATIENCE: Duration = Duration::from_secs(100);

fn wait_for(collecting: &Collecting, mut is_it: impl FnMut(&Course) -> bool) -> Course {
    let start = Instant::now();
    loop {
        let course = collecting.course();
        if is_it(&course) {
            return course;
        }
        assert!(start.elapsed() < PATIENCE, "{course:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Shows a part again and again, as further frames, until something became of it.
fn show(collecting: &Collecting, watcher: &mut Watcher, frame: &RgbdFrame, sequence: &mut u64) {
    let before = collecting.course();
    let seen = |course: &Course| course.parts + course.validation + course.left_out as usize;
    let mut part_frame = PartFrame::empty();
    part_frame.captured.frame = frame.clone();
    wait_for(collecting, |course| {
        if course.lesson.is_some() && seen(course) == seen(&before) {
            *sequence += 1;
            part_frame.captured.sequence = *sequence;
            watcher(&part_frame);
            // Until the thread had its turn.
            std::thread::sleep(Duration::from_millis(100));
        }
        seen(course) > seen(&before) || course.lesson.is_none()
    });
}

#[test]
fn good_parts_come_into_the_lesson_and_the_others_say_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let teach = Teach { folder: folder.path().into() };
    let (collecting, mut watcher) = Collecting::start(teach.clone()).unwrap();
    assert!(collecting.begin(3).unwrap_err().to_string().contains("there is no lesson"));
    let lesson = Lesson::create(&teach.lesson(3), Subject::new(3, "puck".into(), 2, 1)).unwrap();
    let scene = Scene::new(Part::Puck, 2);
    let frames: Vec<RgbdFrame> = (0..4).map(|number| scene.nominal(number).frame).collect();
    let mut sequence = 0;
    // Nobody has asked for parts yet.
    let mut part_frame = PartFrame::empty();
    part_frame.captured.frame = frames[0].clone();
    watcher(&part_frame);
    assert_eq!(collecting.course(), Course::default());

    assert_eq!(collecting.begin(3).unwrap(), 3);
    assert!(lesson.lock(Work::Collecting).is_err(), "nobody else adds parts meanwhile");
    assert_eq!(collecting.begin(3).unwrap(), 3);
    show(&collecting, &mut watcher, &frames[0], &mut sequence);
    let course = collecting.course();
    assert_eq!((course.lesson, course.parts, course.missing), (Some(3), 1, 2), "{course:?}");
    show(&collecting, &mut watcher, &frames[0], &mut sequence);
    let left_out = wait_for(&collecting, |course| course.left_out > 0).last;
    assert!(left_out[0].name.is_none() && left_out[0].faults[0].contains("repeats itself"), "{left_out:?}");

    collecting.end();
    let start = Instant::now();
    while lesson.lock(Work::Collecting).is_err() {
        assert!(start.elapsed() < PATIENCE, "the lesson stays locked");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((collecting.course().lesson, lesson.state().unwrap()), (None, State::Collecting));

    assert_eq!(collecting.begin(3).unwrap(), 2);
    for frame in &frames[1..3] {
        show(&collecting, &mut watcher, frame, &mut sequence);
    }
    let course = wait_for(&collecting, |course| course.ended.is_some());
    assert_eq!((course.parts, course.validation, course.missing, course.lesson), (2, 1, 0, None), "{course:?}");
    assert_eq!((lesson.parts().unwrap(), lesson.state().unwrap()), ([2, 1], State::Collected));
    let kept = lesson.entries(Set::Validation).unwrap()[0].frame().unwrap();
    assert!(kept == frames[2]);
    assert_eq!(collecting.begin(3).unwrap(), 0);
}
