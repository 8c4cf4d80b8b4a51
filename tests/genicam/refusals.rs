//! What a camera cannot do is refused by name before a frame is used.

use crosscheck::camera::genicam::features::Value;
use crosscheck::camera::genicam::{self, Genicam};
use crosscheck::camera::{CameraError, CapturedFrame};

use crate::gige::{self, Spec};
use crate::{camera, next, with};

fn word(text: &str) -> Value {
    Value::Word(text.into())
}

/// Why the camera cannot be opened, or gives no frame.
fn refused(genicam: &Genicam) -> String {
    let found =
        genicam::open(genicam).and_then(|mut source| next(&mut *source).map(|CapturedFrame { sequence, .. }| sequence));
    match found.unwrap_err() {
        CameraError::Settings { reason } => reason,
        error => panic!("{error}"),
    }
}

#[test]
fn features_are_checked_against_the_camera() {
    let _device = gige::Camera::start(&Spec::new(20, &["Mono8", "Coord3D_ABC32f"]));
    for (name, value, words) in [
        ("ExposureTme", Value::Number(50.0), "the nearest is ExposureTime"),
        ("ExposureTime", Value::Number(5.0), "a number, 10 to 100000 us, is expected"),
        ("Width", Value::Integer(650), "16 to 2048 in steps of 16"),
        ("Width", word("wide"), "a whole number"),
        ("PixelFormat", word("RGB9"), "Mono8, Mono16, RGB8"),
        ("TriggerMode[Exposure]", word("On"), "TriggerSelector knows FrameStart, AcquisitionStart"),
        ("Scan3dOutputMode", word("DisparityC"), "Scan3dOutputMode is DisparityC"),
    ] {
        let reason = refused(&with(camera("127.0.0.20"), &[(name, value)]));
        assert!(reason.contains(name.split('[').next().unwrap()) && reason.contains(words), "{reason}");
    }
}

#[test]
fn features_are_set() {
    let _device = gige::Camera::start(&Spec::new(21, &["Mono8", "Coord3D_ABC32f"]));
    let features = [
        ("ExposureTime", Value::Integer(1_500)),
        ("TriggerMode[FrameStart]", word("On")),
        ("TriggerSource[FrameStart]", word("Line0")),
        ("TriggerActivation[FrameStart]", word("FallingEdge")),
    ];
    let mut source = genicam::open(&with(camera("127.0.0.21"), &features)).unwrap();
    next(&mut *source).unwrap();
}

#[test]
fn a_format_that_cannot_be_taken_is_named() {
    let spec = Spec {
        fixed: vec![vec![0; 64 * 48 * 2], vec![0; 64 * 48 * 12]],
        ..Spec::new(22, &["Mono16", "Coord3D_AC32f"])
    };
    let _device = gige::Camera::start(&spec);
    let reason = refused(&camera("127.0.0.22"));
    assert!(reason.contains("Coord3D_AC32f") && reason.contains("camera.genicam.rows"), "{reason}");
}

#[test]
fn distances_without_a_lens_are_refused() {
    let _device = gige::Camera::start(&Spec { lens: (0.0, 0.0, 0.0), ..Spec::new(23, &["Mono8", "Coord3D_C16"]) });
    let reason = refused(&camera("127.0.0.23"));
    assert!(reason.contains("Scan3dFocalLength is 0"), "{reason}");
}

#[test]
fn a_packet_size_that_the_camera_does_not_have_is_refused() {
    let _device = gige::Camera::start(&Spec::new(24, &["Mono8", "Coord3D_ABC32f"]));
    let mut small = camera("127.0.0.24");
    small.transport.packet_size = Some(1_400);
    let mut source = genicam::open(&small).unwrap();
    next(&mut *source).unwrap();
}
