//! How much of a processor a camera takes. The numbers are printed and none is a test, but for the allocations.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crosscheck::camera::CapturedFrame;
use crosscheck::camera::genicam;
use crosscheck::inspect::Inspector;
use rustix::time::{ClockId, clock_gettime};

use crate::allocations::in_thread;
use crate::gige::{self, Spec};
use crate::support::small_engine;
use crate::{camera, next};

/// Frames that are looked at; the first ones are not counted.
const FRAMES: u64 = 150;

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

#[test]
fn the_time_that_frames_take_is_printed_and_none_allocates() {
    let (width, height) = (1280, 720);
    let pixels = width * height;
    let steps = (0..pixels).flat_map(|i| (450 + (i % 7) as u16).to_le_bytes()).collect();
    let mut spec = Spec {
        width,
        height,
        period_us: 33_333,
        fixed: vec![vec![90; 3 * pixels], steps],
        lens: (900.0, 640.0, 360.0),
        ..Spec::new(40, &["RGB8", "Coord3D_C16"])
    };
    spec.axes[2] = (1.0, 0.0, Some(0.0));
    let _device = gige::Camera::start(&spec);
    let mut source = genicam::open(&camera("127.0.0.40")).unwrap();
    let first = next(&mut *source).unwrap();
    let (over, inspected) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut inspector = Inspector::new(small_engine::engine(1.0)).unwrap();
            while !over.load(Relaxed) {
                let _ = inspector.inspect(&first.frame);
                inspected.fetch_add(1, Relaxed);
            }
        });
        let mut captured = CapturedFrame::empty();
        let mut take =
            |captured: &mut CapturedFrame| while !source.next(captured, Duration::from_millis(100)).unwrap() {};
        (0..10).for_each(|_| take(&mut captured));
        let (before, own, whole, begun) =
            (captured.sequence, seconds(ClockId::ThreadCPUTime), seconds(ClockId::ProcessCPUTime), Instant::now());
        let allocations = in_thread();
        (0..FRAMES).for_each(|_| take(&mut captured));
        let allocations = in_thread() - allocations;
        let lost = captured.sequence - before - FRAMES;
        let frames = FRAMES as f64;
        println!(
            "{width} x {height}: {:.1} frames/s, {lost} of {FRAMES} lost; {:.2} ms of the source's thread a frame, {:.2} ms of the \
             process with {:.1} inspections/s beside it; {:?}",
            frames / begun.elapsed().as_secs_f64(),
            1e3 * (seconds(ClockId::ThreadCPUTime) - own) / frames,
            1e3 * (seconds(ClockId::ProcessCPUTime) - whole) / frames,
            inspected.load(Relaxed) as f64 / begun.elapsed().as_secs_f64(),
            source.stream_statistics()
        );
        over.store(true, Relaxed);
        assert_eq!(allocations, 0);
    });
}
