//! Edges at a camera's trigger that gave no frame.

use crosscheck::camera::genicam::features::Value;
use crosscheck::camera::genicam::{self, Genicam};
use crosscheck::camera::{CameraError, CapturedFrame};

use crate::gige::{self, Spec};
use crate::{camera, next, with};

fn spec(address: u8) -> Spec {
    Spec { multipart: false, miss_every: 5, ..Spec::new(address, &["Mono8", "Coord3D_ABC32f"]) }
}

/// A camera whose chunks are switched on.
fn counted(name: &str) -> Genicam {
    let on = [("ChunkModeActive", Value::Switch(true)), ("ChunkEnable[CounterValue]", Value::Switch(true))];
    let mut camera = with(camera(name), &on);
    camera.device.trigger_count = Some("ChunkCounterValue".into());
    camera
}

/// The number of a frame by its colour, and that of its edge by the camera's sequence, of so many frames.
fn numbers(genicam: &Genicam, count: usize) -> Vec<(u64, u64)> {
    let mut source = genicam::open(genicam).unwrap();
    let number = |captured: &CapturedFrame| {
        let first = captured.frame.rgb()[0];
        (0..256).find(|frame| (13 * frame) as u8 == first).unwrap()
    };
    (0..count).map(|_| next(&mut *source).unwrap()).map(|frame| (number(&frame), frame.sequence)).collect()
}

/// The camera's own number of the edge that it took a frame for, of which every fifth gave none.
fn edge_of(frame: u64) -> u64 {
    1 + frame + frame / 4
}

#[test]
fn an_edge_without_a_frame_is_a_lost_frame() {
    let _device = gige::Camera::start(&spec(60));
    let found = numbers(&counted("127.0.0.60"), 60);
    for pair in found.windows(2) {
        let [(first, before), (second, after)] = *pair else { unreachable!("windows of two") };
        assert_eq!(after - before, edge_of(second) - edge_of(first), "frames {first} and {second}");
    }
    let (first, last) = (found[0], found[59]);
    assert!(last.1 - first.1 >= (last.0 - first.0) * 5 / 4, "{first:?} {last:?}");
}

#[test]
fn a_buffer_that_is_lost_and_an_edge_without_a_frame_are_told_alike() {
    let _device = gige::Camera::start(&Spec { lose_every: 7, resends: false, ..spec(61) });
    let mut quick = counted("127.0.0.61");
    (quick.transport.packet_timeout_us, quick.transport.frame_retention_us) = (2_000, 10_000);
    let found = numbers(&quick, 60);
    assert!(found.windows(2).any(|pair| pair[1].0 - pair[0].0 > 1), "no frame was lost: {found:?}");
    for pair in found.windows(2) {
        let [(first, before), (second, after)] = *pair else { unreachable!("windows of two") };
        assert_eq!(after - before, edge_of(second) - edge_of(first), "frames {first} and {second}");
    }
}

#[test]
fn a_count_that_the_camera_does_not_send_is_refused_with_the_way_to_get_it() {
    let _device = gige::Camera::start(&spec(62));
    let mut off = counted("127.0.0.62");
    off.device.features.clear();
    let mut source = genicam::open(&off).unwrap();
    let error = next(&mut *source).unwrap_err();
    assert!(matches!(&error, CameraError::Settings { reason } if reason.contains("ChunkModeActive")), "{error}");
    drop(source);
    let mut unknown = counted("127.0.0.62");
    unknown.device.trigger_count = Some("ChunkCounterValues".into());
    let error = genicam::open(&unknown).err().unwrap();
    assert!(error.to_string().contains("the nearest is ChunkCounterValue"), "{error}");
}
