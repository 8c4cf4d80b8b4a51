//! What a camera sends comes out bit for bit, whatever its parts are, and paired right.

use crosscheck::calibration::{Camera, Intrinsics};
use crosscheck::camera::genicam::lines::Joining;
use crosscheck::camera::genicam::{self, Device, Genicam};
use crosscheck::camera::{CameraError, CapturedFrame};

use crate::gige::{self, Spec, content};
use crate::{camera, next};

/// Which frame of the camera this is, by its colours.
fn number(captured: &CapturedFrame) -> u64 {
    let first = captured.frame.rgb()[0];
    (0..256).find(|frame| (13 * frame) as u8 == first).unwrap()
}

/// Frames one after another, and their numbers, which go on without a gap.
fn frames(genicam: &Genicam, count: usize) -> Vec<(u64, CapturedFrame)> {
    let mut source = genicam::open(genicam).unwrap();
    let found: Vec<_> = (0..count).map(|_| next(&mut *source).unwrap()).map(|frame| (number(&frame), frame)).collect();
    for pair in found.windows(2) {
        let [(first, before), (second, after)] = pair else { unreachable!("windows of two") };
        // Numbers begin again after 256.
        let step = (256 + second - first) % 256;
        assert_eq!(after.sequence - before.sequence, step, "{first} and {second}");
        assert!(after.captured_ns > before.captured_ns);
    }
    found
}

/// The points of distances in half millimetres, by the lens of [`Spec::new`].
fn points_of_steps(spec: &Spec, frame: u64) -> Vec<[f32; 3]> {
    let (focal_length, u, v) = spec.lens;
    let point = |(i, step): (usize, u16)| {
        let z = f64::from(step) * 0.0005;
        let across = ((i % spec.width) as f64 - u) / focal_length * z;
        let down = ((i / spec.width) as f64 - v) / focal_length * z;
        if step == 0 { [0.0; 3] } else { [across as f32, down as f32, z as f32] }
    };
    content::steps(spec.width * spec.height, frame).into_iter().enumerate().map(point).collect()
}

fn near(found: &[[f32; 3]], expected: &[[f32; 3]]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let is_near = (0..3).all(|i| (found[i] - expected[i]).abs() <= 1e-6);
        assert!(is_near && (found[2] == 0.0) == (expected[2] == 0.0), "{found:?} where {expected:?} is expected");
    }
}

#[test]
fn colour_and_distances_in_one_buffer() {
    let mut spec = Spec::new(2, &["RGB8", "Coord3D_C16"]);
    spec.axes[2] = (0.5, 0.0, Some(0.0));
    let _device = gige::Camera::start(&spec);
    let found = frames(&camera("127.0.0.2"), 40);
    for (frame, captured) in &found {
        assert!(captured.frame.rgb() == content::bytes("RGB8", 64 * 48, *frame), "frame {frame}");
        near(captured.frame.cloud().points(), &points_of_steps(&spec, *frame));
    }
}

#[test]
fn colour_points_and_confidence_in_a_buffer_each() {
    let mut spec = Spec::new(3, &["Confidence8", "Mono8", "Coord3D_ABC32f"]);
    spec.multipart = false;
    let _device = gige::Camera::start(&spec);
    // The first buffer of a program may be any of the three.
    let found = frames(&camera("127.0.0.3"), 41);
    for (frame, captured) in &found[1..] {
        let grey: Vec<u8> = content::bytes("Mono8", 64 * 48, *frame).into_iter().flat_map(|grey| [grey; 3]).collect();
        assert!(captured.frame.rgb() == grey, "frame {frame}");
        let points = content::points(64 * 48, *frame).into_iter().enumerate();
        let metres = |(i, point): (usize, [f32; 3])| {
            if content::is_sure(i, *frame) { point.map(|v| v * 0.001) } else { [0.0; 3] }
        };
        let found = captured.frame.cloud().points().iter().copied();
        let other = found.zip(points.map(metres)).position(|(found, expected)| found != expected);
        assert_eq!(other, None, "frame {frame}, pixel, {:?}", captured.frame.cloud().points().get(other.unwrap_or(0)));
    }
}

#[test]
fn two_cameras_are_paired_by_their_times() {
    let colour = Spec { period_us: 20_000, ..Spec::new(4, &["RGB8"]) };
    let mut depth = Spec { period_us: 20_000, ..Spec::new(5, &["Coord3D_C16"]) };
    depth.axes[2] = (0.5, 0.0, None);
    let (_colour, _depth) = (gige::Camera::start(&colour), gige::Camera::start(&depth));
    let mut both = camera("127.0.0.4");
    both.depth_device = Some(Device { section: "camera.genicam.depth_features", ..Device::named("127.0.0.5") });
    both.composition.window_ns = 10_000_000;
    let lens = Intrinsics { fx: 60.0, fy: 60.0, cx: 32.0, cy: 24.0, depth_unit_m: 0.0005, depth_offset_m: 0.0 };
    both.composition.camera = Some(Camera::Pinhole(lens));
    let mut source = genicam::open(&both).unwrap();
    for _ in 0..20 {
        let captured = next(&mut *source).unwrap();
        assert!(captured.frame.rgb() == content::bytes("RGB8", 64 * 48, number(&captured)), "colours");
        // Which frame of the other camera it is shows the distance at pixel 1.
        let step = (captured.frame.cloud().points()[1][2] / 0.0005).round() as u64;
        let frame = (0..300).find(|frame| 400 + (1 + 3 * frame) % 300 == step).unwrap();
        near(captured.frame.cloud().points(), &points_of_steps(&depth, frame));
    }
}

#[test]
fn lines_of_a_profiler_are_joined() {
    let mut spec = Spec::new(6, &["Mono8", "Coord3D_AC32f"]);
    (spec.height, spec.period_us) = (1, 1_000);
    let _device = gige::Camera::start(&spec);
    let mut lines = camera("127.0.0.6");
    lines.composition.lines = Some(Joining { rows: 32, overlap: 16, pitch_m: 0.001 });
    let mut source = genicam::open(&lines).unwrap();
    let mut last: Option<CapturedFrame> = None;
    for _ in 0..5 {
        let captured = next(&mut *source).unwrap();
        let frame = &captured.frame;
        assert_eq!((frame.width(), frame.height()), (64, 32));
        let rows = frame.cloud().points().chunks(64);
        for (row, points) in rows.enumerate().filter(|(_, points)| points[0][2] > 0.0) {
            let expected = (row as f32 - 15.5) * 0.001;
            assert!(points.iter().all(|point| (point[1] - expected).abs() < 1e-6));
        }
        if let Some(last) = &last
            && captured.sequence == last.sequence + 1
        {
            assert_eq!(frame.rgb()[..3 * 64 * 16], last.frame.rgb()[3 * 64 * 16..]);
        }
        last = Some(captured);
    }
}

#[test]
fn the_lens_of_a_camera_becomes_a_camera_file() -> Result<(), CameraError> {
    let mut spec = Spec::new(7, &["Coord3D_C16"]);
    spec.axes[2] = (0.5, 2.0, Some(0.0));
    let _device = gige::Camera::start(&spec);
    let file = genicam::camera_file("127.0.0.7")?;
    assert_eq!((file.depth_unit_m, file.depth_offset_m), (0.0005, 0.002));
    assert_eq!((file.colour.width, file.colour.fx, file.colour.cx, file.colour.cy), (64, 60.0, 32.0, 24.0));
    Ok(())
}
