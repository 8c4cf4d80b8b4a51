//! Aravis' own fake camera, in a process of its own: discovery, start, and frames that the test makes.
//!
//! It sends images of one format, which is changed from frame to frame here: grey and distances in turn, as a camera does
//! whose components come in a buffer each.

use std::ffi::c_void;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aravis::glib::translate::ToGlibPtr;
use aravis::{FakeCamera, GvFakeCamera};
use crosscheck::calibration::{Camera, Intrinsics};
use crosscheck::camera::genicam::pixel_format::PixelFormat;
use crosscheck::camera::genicam::{self, discovery};

use crate::gige::content;
use crate::{camera, next};

/// Set for the process of the camera.
const FAKE: &str = "CROSSCHECK_ARAVIS_FAKE";
const READY: &str = "the fake camera answers";
const SERIAL: &str = "FAKE7";
/// Where the fake camera has its pixel format, size and period (`arvfakecamera.h`).
const PIXEL_FORMAT: u32 = 0x128;
const SIZE: [u32; 2] = [0x100, 0x104];
const FRAME_PERIOD_US: u32 = 0x138;
const WIDTH: usize = 64;
const HEIGHT: usize = 48;

struct Fake(Child);

impl Fake {
    fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["the_process_of_aravis_camera", "--ignored", "--nocapture"])
            .env(FAKE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(told.any(|line| line.unwrap().contains(READY)), "the fake camera ended");
        std::thread::spawn(move || told.for_each(drop));
        Self(process)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn number(name: &str) -> u32 {
    PixelFormat::named(name).unwrap().0
}

/// Fills a buffer with the frame that its number says, and sets the format of the next one.
unsafe extern "C" fn fill(buffer: *mut aravis_sys::ArvBuffer, camera: *mut c_void, _: u32, _: u32, format: u32) {
    // SAFETY: the library hands over its own buffer, and the camera that `the_process_of_aravis_camera` named.
    unsafe {
        let frame = aravis_sys::arv_buffer_get_frame_id(buffer) / 2;
        let depth = number("Coord3D_C16");
        let (name, other) = if format == depth { ("Coord3D_C16", number("Mono16")) } else { ("Mono16", depth) };
        let bytes = content::bytes(name, WIDTH * HEIGHT, frame);
        let data = aravis_sys::arv_buffer_get_data(buffer, std::ptr::null_mut()).cast::<u8>();
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        aravis_sys::arv_fake_camera_write_register(camera.cast(), PIXEL_FORMAT, other);
    }
}

/// Not a test, but the fake camera's process, which ends with the one that started it.
#[test]
#[ignore = "the process of the fake camera"]
fn the_process_of_aravis_camera() {
    if std::env::var_os(FAKE).is_none() {
        return;
    }
    let server = GvFakeCamera::new(Some("127.0.0.1"), Some(SERIAL));
    assert!(server.is_running());
    let fake: FakeCamera = server.fake_camera().unwrap();
    fake.write_register(SIZE[0], WIDTH as u32);
    fake.write_register(SIZE[1], HEIGHT as u32);
    fake.write_register(FRAME_PERIOD_US, 3_000);
    fake.write_register(PIXEL_FORMAT, number("Mono16"));
    let pointer: *mut aravis_sys::ArvFakeCamera = fake.to_glib_none().0;
    // SAFETY: the camera lives as long as this process streams.
    unsafe { aravis_sys::arv_fake_camera_set_fill_pattern(pointer, Some(fill), pointer.cast()) };
    println!("{READY}");
    std::io::stdin().lines().for_each(drop);
}

#[test]
fn aravis_own_camera_is_found_and_its_frames_come_out_bit_for_bit() {
    let _fake = Fake::start();
    let devices = genicam::devices().unwrap();
    let found = discovery::choose(&devices, Some(SERIAL)).unwrap();
    assert_eq!((found.vendor.as_str(), found.model.as_str(), found.address.as_str()), ("Aravis", "Fake", "127.0.0.1"));
    let mut both = camera(SERIAL);
    // Both are of the same time, but one after the other.
    both.composition.window_ns = 5_000_000;
    let lens = Intrinsics { fx: 60.0, fy: 60.0, cx: 32.0, cy: 24.0, depth_unit_m: 0.001, depth_offset_m: 0.0 };
    both.composition.camera = Some(Camera::Pinhole(lens));
    let mut source = genicam::open(&both).unwrap();
    let mut last = None;
    for _ in 0..2_000 {
        let captured = next(&mut *source).unwrap();
        let pixels = WIDTH * HEIGHT;
        let first = captured.frame.rgb()[0];
        let frame = (0..256).find(|frame| (13 * frame) as u8 == first).unwrap();
        let grey: Vec<u8> = content::bytes("Mono16", pixels, frame).chunks(2).flat_map(|bytes| [bytes[1]; 3]).collect();
        assert!(captured.frame.rgb() == grey, "frame {frame}");
        let depth: Vec<u16> =
            captured.frame.cloud().points().iter().map(|point| (point[2] * 1e3).round() as u16).collect();
        // The distances are those of the image before or after it.
        let is_near =
            |frame: u64| (frame.saturating_sub(1)..=frame + 1).any(|near| depth == content::steps(pixels, near));
        assert!((0..100).any(|more| is_near(frame + 256 * more)), "frame {frame}");
        assert!(last.is_none_or(|last| captured.captured_ns > last));
        last = Some(captured.captured_ns);
    }
    let mut late = crosscheck::camera::CapturedFrame::empty();
    drop(source);
    // It may be opened again at once.
    let mut again = genicam::open(&both).unwrap();
    while !again.next(&mut late, Duration::from_millis(100)).unwrap() {}
}
