//! What the crate does not offer of Aravis, or offers only as a copy. No other file of GenICam has unsafe code.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use aravis::glib::translate::{ToGlibPtr, from_glib_full};
use aravis::prelude::CameraExt;
use aravis::{Buffer, Camera, ChunkParser, Stream, glib};

use super::discovery::Found;
use super::pixel_format::PixelFormat;
use crate::camera::pixel_format::Raw;
use crate::frame::SIDE_MAX;
use crate::locked::locked;
use crate::priority;

/// The SCHED_FIFO priority of a thread that receives: that of the reject output is higher.
const RECEIVING: u8 = 1;

/// Aravis' list of devices is one for the whole program.
static DEVICES: Mutex<()> = Mutex::new(());

/// What a call of the library left in `error`, which was null before it.
///
/// # Safety
/// `error` is null or an error that nobody else has.
unsafe fn failure(error: *mut glib::ffi::GError) -> Result<(), glib::Error> {
    // SAFETY: as the caller says.
    if error.is_null() { Ok(()) } else { Err(unsafe { from_glib_full(error) }) }
}

/// The devices that answer within a second.
pub fn devices() -> Vec<Found> {
    let _one = locked(&DEVICES);
    // SAFETY: the lock keeps others from changing the list, to which the texts belong, until they are copied.
    unsafe {
        aravis_sys::arv_update_device_list();
        let found = |i: u32| Found {
            id: text(aravis_sys::arv_get_device_id(i)),
            vendor: text(aravis_sys::arv_get_device_vendor(i)),
            model: text(aravis_sys::arv_get_device_model(i)),
            serial: text(aravis_sys::arv_get_device_serial_nbr(i)),
            address: text(aravis_sys::arv_get_device_address(i)),
            physical: text(aravis_sys::arv_get_device_physical_id(i)),
            protocol: text(aravis_sys::arv_get_device_protocol(i)),
        };
        (0..aravis_sys::arv_get_n_devices()).map(found).collect()
    }
}

/// A copy of a text of C; empty for none.
///
/// # Safety
/// `text` is null or ends with a zero.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: as the caller says.
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned() }
}

/// Lets a GigE camera send its parts in one buffer, where it can; whether it does.
pub fn use_multipart(camera: &Camera) -> Result<bool, glib::Error> {
    let camera = camera.to_glib_none();
    let mut error = ptr::null_mut();
    // SAFETY: the camera lives as long as `camera`, and `error` is null before each call.
    unsafe {
        let supported = aravis_sys::arv_camera_gv_is_multipart_supported(camera.0, &mut error) != 0;
        if error.is_null() && supported {
            aravis_sys::arv_camera_gv_set_multipart(camera.0, 1, &mut error);
        }
        failure(error).map(|()| supported)
    }
}

/// Makes the stream of a camera. The thread that receives it goes before those that inspect: packets that wait while a
/// frame is inspected fill the socket's buffer, and those after them are lost.
pub fn create_stream(camera: &Camera) -> Result<Stream, glib::Error> {
    let camera = camera.to_glib_none();
    let mut error = ptr::null_mut();
    // SAFETY: the camera lives as long as `camera`, `error` is null before the call, and the callback takes no data.
    unsafe {
        let stream = aravis_sys::arv_camera_create_stream(camera.0, Some(receives), ptr::null_mut(), &mut error);
        failure(error).map(|()| from_glib_full(stream))
    }
}

/// Called by the receiving thread, first when it starts.
unsafe extern "C" fn receives(_: *mut c_void, what: aravis_sys::ArvStreamCallbackType, _: *mut aravis_sys::ArvBuffer) {
    if what == aravis_sys::ARV_STREAM_CALLBACK_TYPE_INIT
        && let Err(error) = priority::real_time(RECEIVING)
    {
        log::debug!("the thread that receives frames has to wait for others: {error}");
    }
}

/// Finds the largest packets that get through to this machine; their bytes.
pub fn negotiate_packet_size(camera: &Camera) -> Result<u32, glib::Error> {
    let camera = camera.to_glib_none();
    let mut error = ptr::null_mut();
    // SAFETY: the camera lives as long as `camera`, and `error` is null before the call.
    unsafe {
        let bytes = aravis_sys::arv_camera_gv_auto_packet_size(camera.0, &mut error);
        failure(error).map(|()| bytes)
    }
}

/// Reads an integer chunk of buffers. The crate's own reader copies the name for each.
pub struct Chunk {
    parser: ChunkParser,
    name: CString,
}

impl Chunk {
    /// None where the camera has no description of its chunks, or the name is none.
    pub fn new(camera: &Camera, name: &str) -> Option<Self> {
        Some(Self { parser: camera.create_chunk_parser()?, name: CString::new(name).ok()? })
    }

    /// What the chunk says in a buffer that has come whole; an error says why it says nothing.
    pub fn integer(&self, buffer: &Buffer) -> Result<i64, String> {
        if !buffer.has_chunks() {
            return Err("the buffer has no chunks".into());
        }
        let (parser, buffer) = (self.parser.to_glib_none(), buffer.to_glib_none());
        let mut error = ptr::null_mut();
        // SAFETY: parser, buffer and name live until the call returns, and `error` is null before it.
        unsafe {
            let value =
                aravis_sys::arv_chunk_parser_get_integer_value(parser.0, buffer.0, self.name.as_ptr(), &mut error);
            failure(error).map(|()| value).map_err(|error| error.message().into())
        }
    }
}

/// Hands over each part of a buffer that has come whole. What the camera says of a part's size and place is checked
/// against what came.
pub fn parts(buffer: &Buffer, take: &mut dyn FnMut(&Raw<PixelFormat>) -> Result<(), String>) -> Result<(), String> {
    for part in 0..buffer.n_parts() {
        let format = PixelFormat(buffer.part_pixel_format(part).raw());
        let (width, height) = (buffer.part_width(part), buffer.part_height(part));
        let side = |pixels: i32| usize::try_from(pixels).ok().filter(|side| (1..=SIDE_MAX).contains(side));
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            return Err(format!("an image of {width} x {height} pixels, where 1 to {SIDE_MAX} a side are expected"));
        };
        let (padding, _) = buffer.part_padding(part);
        let stride = format.row_bytes(width) + usize::try_from(padding).unwrap_or(0);
        take(&Raw { format, width, height, stride, bytes: part_bytes(buffer, part)? })?;
    }
    Ok(())
}

/// The bytes of a part, which the caller has found to be there.
fn part_bytes(buffer: &Buffer, part: u32) -> Result<&[u8], String> {
    let (mut whole, mut size) = (0, 0);
    let pointer = buffer.to_glib_none();
    // SAFETY: the buffer lives as long as the borrow. Nothing of its content is read here.
    let (start, from) = unsafe {
        let start = aravis_sys::arv_buffer_get_data(pointer.0, &mut whole).cast::<u8>().cast_const();
        (start, aravis_sys::arv_buffer_get_part_data(pointer.0, part, &mut size).cast::<u8>().cast_const())
    };
    let offset = (from as usize).checked_sub(start as usize);
    let Some(offset) = offset.filter(|offset| !start.is_null() && *offset <= whole) else {
        return Err(format!("part {part} begins beyond the {whole} bytes that came"));
    };
    // A part of an image alone has the buffer's size, which may be more than came.
    let size = size.min(whole - offset);
    // SAFETY: of the `whole` bytes that came, of which the library owns as many, these are some. The library writes to a
    // buffer again only once it is pushed to the stream, for which it must be owned, not borrowed.
    Ok(unsafe { std::slice::from_raw_parts(start.add(offset), size) })
}
