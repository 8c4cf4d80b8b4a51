//! Cameras, by which depth images become points.

use std::ffi::c_char;
use std::sync::Arc;

use crosscheck::calibration::Camera;

use crate::arguments::check_address;
use crate::boundary::call;
use crate::inspector::path_of;
use crate::status::Status;
use crate::text::TextBuffer;

/// A camera file that was read. It never changes: any number of inspectors may use one at once, in any threads.
pub struct CameraHandle {
    pub(crate) camera: Arc<Camera>,
}

/// Reads a camera file, by which inspectors make points of depth images.
///
/// path: the file's path, as `crosscheck calibrate-camera` writes it; it ends with a zero byte.
/// camera: gets the camera, or NULL where it cannot be read. Give it back by crosscheck_camera_close.
/// text, text_size: a buffer for the text of an error, empty if there is none; NULL if none is wanted.
///
/// Returns OK; FILE if the file cannot be read, CAMERA if it is not a camera file, NULL_POINTER, MISALIGNED. Any thread may
/// call this at any time.
///
/// # Safety
/// `path` is null or a text that ends with a zero; `camera` is null or an address that may be written to; `text` is null or
/// the address of `text_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_camera_open(
    path: *const c_char,
    camera: *mut *mut CameraHandle,
    text: *mut c_char,
    text_size: usize,
) -> Status {
    // SAFETY: the caller promises that the buffer has this size.
    let text = unsafe { TextBuffer::new(text, text_size) };
    call(text, || {
        check_address(camera, "camera")?;
        // SAFETY: the address is one of a pointer, and may be written to by the caller's promise.
        unsafe { camera.write(std::ptr::null_mut()) };
        // SAFETY: the caller promises a text that ends with a zero.
        let path = unsafe { path_of(path) }?;
        let handle = Box::new(CameraHandle { camera: Arc::new(Camera::read(path)?) });
        // SAFETY: as above.
        unsafe { camera.write(Box::into_raw(handle)) };
        Ok(())
    })
}

/// Gives a camera back. Inspectors that have used it may go on; a frame must not name it any more. NULL is nothing to close.
///
/// Returns OK, or MISALIGNED for what is not a camera.
///
/// # Safety
/// `camera` is null or was made by `crosscheck_camera_open`, was not closed yet, and no other call uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_camera_close(camera: *mut CameraHandle) -> Status {
    if camera.is_null() {
        return Status::Ok;
    }
    // SAFETY: there is no memory for a text.
    let text = unsafe { TextBuffer::new(std::ptr::null_mut(), 0) };
    call(text, || {
        check_address(camera, "camera")?;
        // SAFETY: it was made of a box by the caller's promise, and is not used any more.
        drop(unsafe { Box::from_raw(camera) });
        Ok(())
    })
}
