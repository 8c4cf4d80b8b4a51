//! The state of a recording that is played, which the safe crate does not give.

use std::ffi::CStr;
use std::ptr::{NonNull, null_mut};

use realsense_rust::frame::CompositeFrame;
use realsense_sys as sys;

// Found where the linker looks, LIBRARY_PATH included: the crates are built without their own search for it.
#[link(name = "realsense2")]
unsafe extern "C" {}

/// The playing device.
pub struct Playback {
    device: NonNull<sys::rs2_device>,
}

// SAFETY: librealsense's functions on devices may be called from any thread, and this is the handle's one owner.
unsafe impl Send for Playback {}

impl Playback {
    /// The device that a set of frames is played by, and the same set again.
    pub fn of(frames: CompositeFrame) -> (Result<Self, String>, CompositeFrame) {
        // SAFETY: the pointer is owned from here on, and goes back into a frame set that owns it.
        let raw = unsafe { frames.get_owned_raw() };
        let device = device_of(raw);
        (device.map(|device| Self { device }), CompositeFrame::from(raw))
    }

    /// Whether everything has been read.
    pub fn is_over(&self) -> bool {
        let mut error = null_mut();
        // SAFETY: the device lives as long as `self`; `error` is a place for one error.
        let status = unsafe { sys::rs2_playback_device_get_current_status(self.device.as_ptr(), &mut error) };
        taken(error).is_ok() && status == sys::rs2_playback_status_RS2_PLAYBACK_STATUS_STOPPED
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        // SAFETY: `device_of` made this handle, and nothing uses it any more.
        unsafe { sys::rs2_delete_device(self.device.as_ptr()) }
    }
}

fn device_of(frames: NonNull<sys::rs2_frame>) -> Result<NonNull<sys::rs2_device>, String> {
    let mut error = null_mut();
    // SAFETY: `frames` is a live frame set, of which the first frame is extracted and released; each pointer is checked
    // before it is used, and each error is taken.
    unsafe {
        let frame = sys::rs2_extract_frame(frames.as_ptr(), 0, &mut error);
        taken(error)?;
        let sensor = sys::rs2_get_frame_sensor(frame, &mut error);
        sys::rs2_release_frame(frame);
        taken(error)?;
        let device = sys::rs2_create_device_from_sensor(sensor, &mut error);
        sys::rs2_delete_sensor(sensor);
        taken(error)?;
        NonNull::new(device).ok_or_else(|| "librealsense gave no device".to_string())
    }
}

/// The text of an error, which is freed; nothing where there is none.
fn taken(error: *mut sys::rs2_error) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: librealsense gave this error, and its message is a text that lives until it is freed here.
    unsafe {
        let message = CStr::from_ptr(sys::rs2_get_error_message(error)).to_string_lossy().into_owned();
        sys::rs2_free_error(error);
        Err(message)
    }
}
