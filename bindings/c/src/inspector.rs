//! Inspectors: an engine that is ready to inspect frames.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crosscheck::prepare::PartChoice;
use crosscheck::{Engine, Inspection, Inspector, Thresholds};

use crate::arguments::{Versioned, check_address, check_struct, read_struct};
use crate::boundary::{Guarded, call};
use crate::failure::Failure;
use crate::frame::OwnFrame;
use crate::options::Options;
use crate::status::Status;
use crate::text::TextBuffer;

/// An engine that is ready to inspect frames, with its threads and its memory. One thread at a time may use one; another
/// call meanwhile returns BUSY and does nothing. Threads that inspect at once have an inspector each.
pub struct InspectorHandle {
    pub(crate) guarded: Guarded<State>,
    properties: Properties,
}

pub(crate) struct State {
    pub inspector: Inspector,
    pub frame: OwnFrame,
    pub inspection: Inspection,
    /// Whether the engine inspects each part of a frame by itself.
    pub each: bool,
}

/// What is known of an inspector before a frame. The caller owns it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Properties {
    /// sizeof(crosscheck_properties), which the caller sets.
    pub struct_size: usize,
    /// Pixels of a row of a map: CROSSCHECK_MAP_WIDTH.
    pub map_width: u32,
    /// Rows of a map: CROSSCHECK_MAP_HEIGHT.
    pub map_height: u32,
    /// A score above this rejects; NaN where the engine has no threshold.
    pub threshold: f32,
    /// A score above this, up to the threshold, has the verdict REVIEW; NaN where there is no such band.
    pub review_threshold: f32,
    /// Pixels of a row of the photographs that the engine was fitted on; 0 if they are not known.
    pub fitted_width: u32,
    /// Rows of these photographs; 0 if they are not known.
    pub fitted_height: u32,
    /// The hash of the engine, SHA-256 in hexadecimal with a zero at the end: everything that a verdict depends on is in it.
    /// Recordings name it as engine_sha256.
    pub content_sha256: [c_char; 65],
}

// SAFETY: the type is `repr(C)` and begins with a `usize`.
unsafe impl Versioned for Properties {}

impl Properties {
    fn of(engine: &Engine, thresholds: Option<Thresholds>) -> Self {
        let pixels = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let fitted = engine.metadata.usual.map_or((0, 0), |usual| (usual.width, usual.height));
        let mut content_sha256 = [0; 65];
        for (to, digit) in content_sha256[..64].iter_mut().zip(engine.content_sha256.bytes()) {
            *to = digit as c_char;
        }
        Self {
            struct_size: size_of::<Self>(),
            map_width: pixels(crosscheck::shapes::W),
            map_height: pixels(crosscheck::shapes::H),
            threshold: thresholds.map_or(f32::NAN, |thresholds| thresholds.reject),
            review_threshold: thresholds.and_then(|thresholds| thresholds.review).unwrap_or(f32::NAN),
            fitted_width: pixels(fitted.0),
            fitted_height: pixels(fitted.1),
            content_sha256,
        }
    }
}

/// The path that a caller names.
///
/// # Safety
/// `path` is null or a text that ends with a zero, and stays as it is while the result is used.
pub(crate) unsafe fn path_of<'a>(path: *const c_char) -> Result<&'a Path, Failure> {
    check_address(path, "path")?;
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) };
    Ok(Path::new(OsStr::from_bytes(path.to_bytes())))
}

fn open(path: &Path, options: &Options) -> Result<InspectorHandle, Failure> {
    let (arithmetic, machine, threads) = (options.arithmetic()?, options.machine()?, options.threads()?);
    let engine = Engine::read(path)?;
    let thresholds = engine.metadata.calibration.map(|calibration| calibration.thresholds());
    let properties = Properties::of(&engine, thresholds);
    let each = engine.metadata.preparation.part == PartChoice::Each;
    let inspector = match threads {
        Some(threads) => Inspector::with_threads(engine, arithmetic, threads)?,
        None => Inspector::on_machine(machine, engine, arithmetic)?,
    };
    let frame = OwnFrame::new(machine.machine().registrar());
    let state = State { inspector, frame, inspection: Inspection::default(), each };
    Ok(InspectorHandle { guarded: Guarded::new(state), properties })
}

/// Reads an engine file, and prepares it for inspecting frames.
///
/// path: the file's path, which ends with a zero byte. `crosscheck fit` and `crosscheck calibrate` make the file.
/// options: precision, machine and threads; NULL for the defaults.
/// inspector: gets the inspector, or NULL where there is none. Give it back by crosscheck_inspector_close.
/// text, text_size: a buffer for the text of an error, empty if there is none; NULL if none is wanted.
///
/// Returns OK; FILE if the file cannot be read, ENGINE if it is not an engine that can inspect, MACHINE if the machine is not
/// there, OPTION, STRUCT_SIZE, NULL_POINTER, MISALIGNED, INTERNAL. Any thread may call this at any time. It starts the
/// threads of the inspector: a process must not fork between this and the end of its inspectors, but to start another program.
///
/// # Safety
/// `path` is null or a text that ends with a zero; `options` is null or the address of such a structure; `inspector` is null or
/// an address that may be written to; `text` is null or the address of `text_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_inspector_open(
    path: *const c_char,
    options: *const Options,
    inspector: *mut *mut InspectorHandle,
    text: *mut c_char,
    text_size: usize,
) -> Status {
    // SAFETY: the caller promises that the buffer has this size.
    let text = unsafe { TextBuffer::new(text, text_size) };
    call(text, || {
        check_address(inspector, "inspector")?;
        // SAFETY: the address is one of a pointer, and may be written to by the caller's promise.
        unsafe { inspector.write(std::ptr::null_mut()) };
        let options = if options.is_null() {
            Options::defaults()
        } else {
            // SAFETY: the caller promises such a structure.
            unsafe { read_struct(options, "options") }?
        };
        // SAFETY: the caller promises a text that ends with a zero.
        let path = unsafe { path_of(path) }?;
        let handle = Box::new(open(path, &options)?);
        // SAFETY: as above.
        unsafe { inspector.write(Box::into_raw(handle)) };
        Ok(())
    })
}

/// Gives an inspector back: ends its threads and frees its memory. NULL is nothing to close.
///
/// Returns OK; BUSY if another call with it has not ended, and then it is still open; MISALIGNED for what is not an inspector.
/// No call with it may begin from now on: it is gone, as after free().
///
/// # Safety
/// `inspector` is null or an open inspector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_inspector_close(inspector: *mut InspectorHandle) -> Status {
    if inspector.is_null() {
        return Status::Ok;
    }
    if let Err(failure) = check_address(inspector, "inspector") {
        return failure.status();
    }
    // SAFETY: it is open, by the caller's promise.
    if unsafe { &*inspector }.guarded.is_busy() {
        return Status::Busy;
    }
    // SAFETY: there is no memory for a text.
    let text = unsafe { TextBuffer::new(std::ptr::null_mut(), 0) };
    call(text, || {
        // SAFETY: it was made of a box, and no call with it runs or will begin, by the caller's promise.
        drop(unsafe { Box::from_raw(inspector) });
        Ok(())
    })
}

/// Says what is known of an inspector: sizes, thresholds, hash. Any thread may call this at any time, also while another one
/// inspects.
///
/// Returns OK, NULL_POINTER, MISALIGNED, STRUCT_SIZE.
///
/// # Safety
/// `inspector` is null or an open inspector; `properties` is null or the address of such a structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_inspector_properties(
    inspector: *const InspectorHandle,
    properties: *mut Properties,
) -> Status {
    let checked = check_address(inspector, "inspector").and_then(|()| {
        // SAFETY: the caller promises such a structure.
        unsafe { check_struct(properties, "properties") }
    });
    if let Err(failure) = checked {
        return failure.status();
    }
    // SAFETY: the inspector is open, and the structure has the size that is written, by the caller's promise.
    unsafe { properties.write((*inspector).properties) };
    Status::Ok
}

/// Copies the text of the error of the last crosscheck_inspect with an inspector; empty if it returned OK. It says what was
/// found, what was expected, and what to do.
///
/// text, text_size: the caller's buffer; CROSSCHECK_TEXT_SIZE bytes hold every text with its zero. Longer ones are cut.
///
/// Returns OK; BUSY if another call with the inspector has not ended; NULL_POINTER, MISALIGNED.
///
/// # Safety
/// `inspector` is null or an open inspector; `text` is null or the address of `text_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_inspector_text(
    inspector: *const InspectorHandle,
    text: *mut c_char,
    text_size: usize,
) -> Status {
    let checked = check_address(inspector, "inspector").and_then(|()| check_address(text, "text"));
    if let Err(failure) = checked {
        return failure.status();
    }
    // SAFETY: the inspector is open, and the buffer has this size, by the caller's promise.
    unsafe { (*inspector).guarded.copy_text(TextBuffer::new(text, text_size)) }
}
