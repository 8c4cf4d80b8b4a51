//! The parts of a frame, for engines that inspect each by itself.

use crate::arguments::{check_address, read_struct};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::inspector::InspectorHandle;
use crate::status::Status;

/// Finds the parts of a frame, for engines that inspect each part of a frame by itself (scene.part = "each"). Each is then
/// inspected by a crosscheck_inspect of its own, whose frame names it in `part`. An engine that inspects one part for each
/// frame finds one, without a middle; so does any engine in a frame without a part. So a loop over all that are found inspects
/// everything with every engine.
///
/// frame: as for crosscheck_inspect.
/// parts: an array for the parts, two values for the middle of each: column and row in pixels of the photograph, or NaN and NaN
/// for one without a middle. NULL if only their number is wanted.
/// parts_max: how many parts fit into it.
/// count: gets how many there are, also if that is more.
///
/// Returns OK, or what crosscheck_inspect returns of a frame; the list of the parts is allocated in every call.
///
/// # Safety
/// As for `crosscheck_inspect`; `parts` is null or the address of `parts_max` pairs, `count` null or one that may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_inspector_parts(
    inspector: *mut InspectorHandle,
    frame: *const Frame,
    parts: *mut f32,
    parts_max: usize,
    count: *mut usize,
) -> Status {
    if let Err(failure) = check_address(inspector, "inspector") {
        return failure.status();
    }
    // SAFETY: it is open, by the caller's promise.
    let handle = unsafe { &*inspector };
    handle.guarded.enter(|state| {
        check_address(count, "count")?;
        if !parts.is_null() {
            check_address(parts, "parts")?;
        }
        // SAFETY: the caller promises such a structure, and that what it names may be read.
        let own = unsafe { state.frame.take(&read_struct(frame, "frame")?) }?;
        let found = state.inspector.parts(own).map_err(Failure::from)?;
        let places = if parts.is_null() { 0 } else { parts_max };
        for (place, part) in found.iter().take(places).enumerate() {
            // SAFETY: the array has as many places, by the caller's promise.
            unsafe { parts.cast::<[f32; 2]>().add(place).write(part.unwrap_or([f32::NAN; 2])) };
        }
        // SAFETY: it may be written to, by the caller's promise.
        unsafe { count.write(found.len()) };
        Ok(())
    })
}
