//! A software device of librealsense, and the recording that it makes. The crate's bindings leave out the header
//! `rs_internal.h`; the layouts here are those of version 2.56.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;
use std::time::Duration;

use realsense_sys as sys;

#[repr(C)]
struct VideoStream {
    kind: sys::rs2_stream,
    index: c_int,
    uid: c_int,
    width: c_int,
    height: c_int,
    fps: c_int,
    bytes_per_pixel: c_int,
    format: sys::rs2_format,
    intrinsics: sys::rs2_intrinsics,
}

#[repr(C)]
struct SoftwareFrame {
    pixels: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut c_void)>,
    stride: c_int,
    bytes_per_pixel: c_int,
    timestamp_ms: f64,
    domain: sys::rs2_timestamp_domain,
    frame_number: c_int,
    profile: *const sys::rs2_stream_profile,
    depth_units: f32,
}

type Error = *mut *mut sys::rs2_error;

unsafe extern "C" {
    fn rs2_create_software_device(error: Error) -> *mut sys::rs2_device;
    fn rs2_software_device_add_sensor(
        device: *mut sys::rs2_device,
        name: *const c_char,
        error: Error,
    ) -> *mut sys::rs2_sensor;
    fn rs2_software_device_register_info(
        device: *mut sys::rs2_device,
        what: sys::rs2_camera_info,
        text: *const c_char,
        error: Error,
    );
    fn rs2_software_sensor_add_video_stream(
        sensor: *mut sys::rs2_sensor,
        stream: VideoStream,
        error: Error,
    ) -> *mut sys::rs2_stream_profile;
    fn rs2_software_sensor_add_read_only_option(
        sensor: *mut sys::rs2_sensor,
        option: sys::rs2_option,
        value: f32,
        error: Error,
    );
    fn rs2_software_sensor_on_video_frame(sensor: *mut sys::rs2_sensor, frame: SoftwareFrame, error: Error);
}

/// Calls a function of librealsense, whose last argument is the place for its error.
macro_rules! rs {
    ($function:path $(, $argument:expr)*) => {{
        let mut error = null_mut();
        let found = $function($($argument,)* &mut error);
        if !error.is_null() {
            panic!("{}: {:?}", stringify!($function), CStr::from_ptr(sys::rs2_get_error_message(error)));
        }
        found
    }};
}

/// Frames a second.
pub const RATE: c_int = 10;
pub const UNIT_M: f32 = 0.001;
pub const SERIAL: &str = "000000000042";
pub const DEPTH: (usize, usize) = (424, 240);
pub const COLOUR: (usize, usize) = (640, 360);

/// The way from depth to colour: a baseline, and a turn by 0.01 about the vertical axis. Columns, as librealsense has it.
pub fn extrinsics() -> sys::rs2_extrinsics {
    let (sin, cos) = 0.01f32.sin_cos();
    sys::rs2_extrinsics {
        rotation: [cos, 0.0, -sin, 0.0, 1.0, 0.0, sin, 0.0, cos],
        translation: [0.015, 0.001, 0.0005],
    }
}

/// Of a lens whose middle is a little off; `focal` in widths.
pub fn intrinsics((width, height): (usize, usize), focal: f32) -> sys::rs2_intrinsics {
    let (w, h) = (width as f32, height as f32);
    sys::rs2_intrinsics {
        width: width as c_int,
        height: height as c_int,
        ppx: 0.496 * w,
        ppy: 0.507 * h,
        fx: focal * w,
        fy: 1.004 * focal * w,
        model: sys::rs2_distortion_RS2_DISTORTION_NONE,
        coeffs: [0.0; 5],
    }
}

/// A wavy ground with a box on it that moves from frame to frame, and pixels without depth.
pub fn depth(frame: usize) -> Vec<u16> {
    let (width, height) = DEPTH;
    let mut random = fastrand::Rng::with_seed(frame as u64);
    let step = |i: usize| {
        let (u, v) = ((i % width) as f32 / width as f32, (i / width) as f32 / height as f32);
        let left = 0.3 + 0.01 * frame as f32;
        let on_box = (left..left + 0.25).contains(&u) && (0.33..0.66).contains(&v);
        let ground = 600.0 + 40.0 * (20.0 * u).sin() + 60.0 * u + 30.0 * (14.0 * v).cos();
        (ground - if on_box { 150.0 } else { 0.0 }) as u16
    };
    (0..width * height).map(|i| if random.f32() < 0.03 { 0 } else { step(i) }).collect()
}

/// The number of the frame is in the first pixel.
pub fn colour(frame: usize) -> Vec<u8> {
    let (width, height) = COLOUR;
    let mut random = fastrand::Rng::with_seed(1_000 + frame as u64);
    let pixel = |i: usize| [frame as u8, (i % width) as u8, (i / width) as u8 ^ random.u8(0..8)];
    (0..width * height).flat_map(pixel).collect()
}

unsafe extern "C" fn keep(_: *mut c_void) {}

/// Records `frames` pairs, and returns when the file is closed.
pub fn record(path: &Path, frames: usize) {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: what it is given is alive, and of a software device.
    with_device(|device, sensors, profiles| unsafe { stream_into(&path, device, sensors, profiles, frames) });
}

/// What librealsense's block of the temporal filter, as it is by itself, makes of the depth pictures of these numbers.
pub fn temporally_filtered(numbers: &[usize]) -> Vec<Vec<u16>> {
    let mut found = Vec::new();
    // SAFETY: what it is given is alive, and of a software device.
    with_device(|_, sensors, profiles| unsafe { found = filtered(sensors[0], profiles[0], numbers) });
    found
}

/// A software device, its sensors of depth and colour and a stream of each.
fn with_device(
    work: impl FnOnce(*mut sys::rs2_device, &[*mut sys::rs2_sensor; 2], &[*mut sys::rs2_stream_profile; 2]),
) {
    let text = |text: &str| CString::new(text).unwrap();
    let (name, serial) = (text("software device"), text(SERIAL));
    let (depth_name, colour_name) = (text("Depth"), text("Color"));
    // SAFETY: pointers are those that the library gave, in use until they are deleted below; texts outlive their use.
    unsafe {
        let device = rs!(rs2_create_software_device);
        rs!(rs2_software_device_register_info, device, sys::rs2_camera_info_RS2_CAMERA_INFO_NAME, name.as_ptr());
        rs!(
            rs2_software_device_register_info,
            device,
            sys::rs2_camera_info_RS2_CAMERA_INFO_SERIAL_NUMBER,
            serial.as_ptr()
        );
        let sensors =
            [&depth_name, &colour_name].map(|name| rs!(rs2_software_device_add_sensor, device, name.as_ptr()));
        let stream = |kind, uid, (width, height): (usize, usize), bytes_per_pixel, format, focal| VideoStream {
            kind,
            index: 0,
            uid,
            width: width as c_int,
            height: height as c_int,
            fps: RATE,
            bytes_per_pixel,
            format,
            intrinsics: intrinsics((width, height), focal),
        };
        let (z16, rgb8) = (sys::rs2_format_RS2_FORMAT_Z16, sys::rs2_format_RS2_FORMAT_RGB8);
        let of_depth = stream(sys::rs2_stream_RS2_STREAM_DEPTH, 0, DEPTH, 2, z16, 0.52);
        let of_colour = stream(sys::rs2_stream_RS2_STREAM_COLOR, 1, COLOUR, 3, rgb8, 0.72);
        let profiles = [
            rs!(rs2_software_sensor_add_video_stream, sensors[0], of_depth),
            rs!(rs2_software_sensor_add_video_stream, sensors[1], of_colour),
        ];
        rs!(rs2_software_sensor_add_read_only_option, sensors[0], sys::rs2_option_RS2_OPTION_DEPTH_UNITS, UNIT_M);
        rs!(sys::rs2_register_extrinsics, profiles[0], profiles[1], extrinsics());
        work(device, &sensors, &profiles);
        sensors.into_iter().for_each(|sensor| sys::rs2_delete_sensor(sensor));
        sys::rs2_delete_device(device);
    }
}

/// A picture of the software device, of this number.
fn picture<T>(
    pixels: &mut [T],
    width: usize,
    bytes: usize,
    number: usize,
    profile: *const sys::rs2_stream_profile,
) -> SoftwareFrame {
    SoftwareFrame {
        pixels: pixels.as_mut_ptr().cast(),
        deleter: Some(keep),
        stride: (width * bytes) as c_int,
        bytes_per_pixel: bytes as c_int,
        timestamp_ms: 1e3 * number as f64 / f64::from(RATE),
        domain: sys::rs2_timestamp_domain_RS2_TIMESTAMP_DOMAIN_HARDWARE_CLOCK,
        frame_number: number as c_int + 1,
        profile,
        depth_units: UNIT_M,
    }
}

/// # Safety
/// The depth sensor of a software device, and its stream.
unsafe fn filtered(
    sensor: *mut sys::rs2_sensor,
    profile: *mut sys::rs2_stream_profile,
    numbers: &[usize],
) -> Vec<Vec<u16>> {
    // SAFETY: as the caller has it; each frame is released once its pixels are copied, and these are as many as DEPTH says.
    unsafe {
        let (raw, made) = (rs!(sys::rs2_create_frame_queue, 1), rs!(sys::rs2_create_frame_queue, 1));
        let block = rs!(sys::rs2_create_temporal_filter_block);
        rs!(sys::rs2_start_processing_queue, block, made);
        rs!(sys::rs2_open, sensor, profile);
        rs!(sys::rs2_start_queue, sensor, raw);
        let through = |number: &usize| {
            let mut pixels = depth(*number);
            rs!(rs2_software_sensor_on_video_frame, sensor, picture(&mut pixels, DEPTH.0, 2, *number, profile));
            rs!(sys::rs2_process_frame, block, rs!(sys::rs2_wait_for_frame, raw, 5_000));
            let frame = rs!(sys::rs2_wait_for_frame, made, 5_000);
            let steps = rs!(sys::rs2_get_frame_data, frame).cast::<u16>();
            let steps = std::slice::from_raw_parts(steps, DEPTH.0 * DEPTH.1).to_vec();
            sys::rs2_release_frame(frame);
            steps
        };
        let found = numbers.iter().map(through).collect();
        rs!(sys::rs2_stop, sensor);
        rs!(sys::rs2_close, sensor);
        sys::rs2_delete_processing_block(block);
        [raw, made].into_iter().for_each(|queue| sys::rs2_delete_frame_queue(queue));
        found
    }
}

/// # Safety
/// A software device, its sensors of depth and colour, and a stream of each.
unsafe fn stream_into(
    path: &CStr,
    device: *mut sys::rs2_device,
    sensors: &[*mut sys::rs2_sensor; 2],
    profiles: &[*mut sys::rs2_stream_profile; 2],
    frames: usize,
) {
    // The recorder copies pixels when it comes to it: they live until it is gone.
    let mut pictures: Vec<(Vec<u16>, Vec<u8>)> = (0..frames).map(|frame| (depth(frame), colour(frame))).collect();
    // SAFETY: as the caller has it.
    unsafe {
        let recorder = rs!(sys::rs2_create_record_device, device, path.as_ptr());
        let list = rs!(sys::rs2_query_sensors, recorder);
        let queue = rs!(sys::rs2_create_frame_queue, 64);
        let recorded = [0, 1].map(|i| rs!(sys::rs2_create_sensor, list, i));
        for (sensor, profile) in recorded.into_iter().zip(profiles) {
            rs!(sys::rs2_open, sensor, *profile);
            rs!(sys::rs2_start_queue, sensor, queue);
        }
        for (number, (depth, colour)) in pictures.iter_mut().enumerate() {
            let (depth, colour) =
                (picture(depth, DEPTH.0, 2, number, profiles[0]), picture(colour, COLOUR.0, 3, number, profiles[1]));
            rs!(rs2_software_sensor_on_video_frame, sensors[0], depth);
            rs!(rs2_software_sensor_on_video_frame, sensors[1], colour);
            std::thread::sleep(Duration::from_millis(1_000 / RATE as u64));
        }
        for sensor in recorded {
            rs!(sys::rs2_stop, sensor);
            rs!(sys::rs2_close, sensor);
            sys::rs2_delete_sensor(sensor);
        }
        sys::rs2_delete_sensor_list(list);
        sys::rs2_delete_frame_queue(queue);
        sys::rs2_delete_device(recorder);
    }
}
