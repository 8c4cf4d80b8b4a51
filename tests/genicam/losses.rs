//! What the network and other programs do to a camera.

use std::time::{Duration, Instant};

use crosscheck::camera::genicam;
use crosscheck::camera::{CameraError, CapturedFrame, Delivery, Opener, Patience, Supervisor};

use crate::gige::{self, Spec, content};
use crate::{PATIENCE, camera, next};

/// Distances alone do not need a lens here: colour and points.
fn spec(address: u8) -> Spec {
    Spec::new(address, &["Mono8", "Coord3D_ABC32f"])
}

fn is_whole(captured: &CapturedFrame) {
    let first = captured.frame.rgb()[0];
    let number = (0..256).find(|frame| (13 * frame) as u8 == first).unwrap();
    let grey: Vec<u8> = content::bytes("Mono8", 64 * 48, number).into_iter().flat_map(|grey| [grey; 3]).collect();
    assert!(captured.frame.rgb() == grey, "frame {number}");
}

#[test]
fn two_thousand_frames_of_which_some_lose_packets_that_are_sent_again() {
    let spec = Spec { lose_every: 20, period_us: 4_000, ..spec(10) };
    let _device = gige::Camera::start(&spec);
    let mut source = genicam::open(&camera("127.0.0.10")).unwrap();
    let (mut last, mut lost) = (None, 0);
    for _ in 0..2_000 {
        let captured = next(&mut *source).unwrap();
        is_whole(&captured);
        lost += last.map_or(0, |last| captured.sequence - last - 1);
        last = Some(captured.sequence);
    }
    let statistics = source.stream_statistics();
    println!("2,000 frames: {lost} lost, {statistics:?}");
    assert!(statistics.packets_asked_again > 0, "{statistics:?}");
}

#[test]
fn a_frame_whose_packets_are_lost_for_good_is_lost_and_counted_and_the_next_one_comes() {
    let spec = Spec { lose_every: 5, resends: false, ..spec(11) };
    let _device = gige::Camera::start(&spec);
    let mut quick = camera("127.0.0.11");
    (quick.transport.packet_timeout_us, quick.transport.frame_retention_us) = (2_000, 10_000);
    let mut source = genicam::open(&quick).unwrap();
    let (mut last, mut lost) = (None, 0);
    for _ in 0..60 {
        let captured = next(&mut *source).unwrap();
        is_whole(&captured);
        lost += last.map_or(0, |last| captured.sequence - last - 1);
        last = Some(captured.sequence);
    }
    // Every fifth: 14 or 15 of those between the first and the last.
    assert!(lost >= 14, "{lost} of {last:?}");
    assert!(source.stream_statistics().packets_missing > 0, "{:?}", source.stream_statistics());
}

/// Delivers until `enough`, and tells the errors on the way.
fn deliver(supervisor: &mut Supervisor, enough: impl Fn(u32) -> bool) -> Vec<String> {
    let (mut frames, mut errors, mut captured, begun) = (0, Vec::new(), CapturedFrame::empty(), Instant::now());
    while !enough(frames) {
        assert!(begun.elapsed() < PATIENCE, "{frames} frames, {errors:?}");
        match supervisor.next(&mut captured, Duration::from_millis(10)).unwrap() {
            Delivery::Frame => frames += 1,
            Delivery::Nothing => {}
            Delivery::Failed(error) | Delivery::Reset(error) => {
                errors.push(error.to_string());
                frames = 0;
            }
        }
    }
    errors
}

fn supervised(name: &'static str) -> Supervisor {
    let patience =
        Patience { frame_timeout_ms: 500, reopens: 1_000, reopen_delay_ms: 50, reset_after: 0, reset_wait_ms: 0 };
    Supervisor::start(Opener::new(move || genicam::open(&camera(name))), patience).unwrap()
}

#[test]
fn a_camera_that_is_not_there_is_waited_for_and_one_that_is_killed_comes_back() {
    let mut supervisor = supervised("127.0.0.12");
    let mut captured = CapturedFrame::empty();
    let Delivery::Failed(error) = supervisor.next(&mut captured, Duration::ZERO).unwrap() else {
        panic!("it is there")
    };
    assert!(error.to_string().contains("127.0.0.12"), "{error}");
    let device = gige::Camera::start(&spec(12));
    deliver(&mut supervisor, |frames| frames >= 20);
    drop(device);
    let started = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(2));
        gige::Camera::start(&spec(12))
    });
    let errors = deliver(&mut supervisor, |frames| frames >= 20 && started.is_finished());
    assert!(!errors.is_empty());
    drop(started.join().unwrap());
}

#[test]
fn a_camera_that_another_program_takes_is_lost_until_it_is_free() {
    let mut device = gige::Camera::start(&spec(13));
    let mut supervisor = supervised("127.0.0.13");
    deliver(&mut supervisor, |frames| frames >= 20);
    device.is_taken(3_000);
    let errors = deliver(&mut supervisor, |frames| frames >= 60);
    let taken = |error: &String| error.contains("another program controls");
    assert!(errors.iter().any(taken), "{errors:?}");
}

#[test]
fn a_camera_that_says_more_than_it_sends_gives_no_frame_and_does_no_harm() {
    let _device = gige::Camera::start(&Spec { cut: true, ..spec(14) });
    let mut source = genicam::open(&camera("127.0.0.14")).unwrap();
    let (mut captured, begun) = (CapturedFrame::empty(), Instant::now());
    while begun.elapsed() < Duration::from_secs(1) {
        match source.next(&mut captured, Duration::from_millis(50)) {
            Ok(came) => assert!(!came),
            Err(CameraError::Settings { reason }) => return assert!(reason.contains("begins beyond"), "{reason}"),
            Err(error) => panic!("{error}"),
        }
    }
}
