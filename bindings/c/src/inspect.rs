//! One frame: from the caller's memory to the caller's memory.

use std::time::Instant;

use crosscheck::Inspection;

use crate::arguments::{Plain, Versioned, check_address, check_struct, read_struct};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::inspector::{InspectorHandle, State};
use crate::results::{CROSSCHECK_MAP_PIXELS, Defect, InspectionResult};
use crate::status::Status;

/// Where the caller wants what it wants to see of a frame beside its result. What is NULL is not written. Set the whole
/// structure to 0 first: `crosscheck_outputs outputs = {.struct_size = sizeof outputs};`
///
/// Maps are `[224, 224]`, row by row. crosscheck_result says which square of the photograph they show. All of them are the
/// caller's memory, must not overlap each other, and are written only by a call that returns OK.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Outputs {
    /// sizeof(crosscheck_outputs).
    pub struct_size: usize,
    /// Values that fit into each map that is given, at least CROSSCHECK_MAP_PIXELS.
    pub map_size: usize,
    /// The anomaly map, whose largest value is the score. 0 where nothing is judged.
    pub anomaly_map: *mut f32,
    /// The distance between the colour that the shape lets expect and the one that is seen.
    pub psi_rgb: *mut f32,
    /// The distance between the shape that the colour lets expect and the one that is seen.
    pub psi_xyz: *mut f32,
    /// 1 where a pixel has a shape feature and is judged, else 0.
    pub valid: *mut u8,
    /// An array for the defects, those with the highest scores first.
    pub defects: *mut Defect,
    /// sizeof(crosscheck_defect), where there is an array.
    pub defect_size: usize,
    /// Defects that fit into it. More than CROSSCHECK_DEFECTS_MAX are never written.
    pub defects_max: usize,
}

// SAFETY: the type is `repr(C)` and begins with a `usize`.
unsafe impl Versioned for Outputs {}

// SAFETY: it has numbers and addresses only.
unsafe impl Plain for Outputs {}

impl Outputs {
    const fn none() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            map_size: 0,
            anomaly_map: std::ptr::null_mut(),
            psi_rgb: std::ptr::null_mut(),
            psi_xyz: std::ptr::null_mut(),
            valid: std::ptr::null_mut(),
            defects: std::ptr::null_mut(),
            defect_size: 0,
            defects_max: 0,
        }
    }

    /// Refuses memory that cannot take what is written.
    fn check(&self) -> Result<(), Failure> {
        let mut has_map = !self.valid.is_null();
        for (map, what) in [(self.anomaly_map, "anomaly_map"), (self.psi_rgb, "psi_rgb"), (self.psi_xyz, "psi_xyz")] {
            if !map.is_null() {
                has_map = true;
                check_address(map, what)?;
            }
        }
        if has_map && self.map_size < CROSSCHECK_MAP_PIXELS {
            return Err(Failure::BufferSize { found: self.map_size, expected: CROSSCHECK_MAP_PIXELS });
        }
        if self.defects.is_null() {
            return Ok(());
        }
        check_address(self.defects, "defects")?;
        let (found, expected) = (self.defect_size, size_of::<Defect>());
        if found == expected { Ok(()) } else { Err(Failure::StructSize { what: "defect_size", found, expected }) }
    }

    /// Writes what is wanted, and returns the number of defects that were written.
    ///
    /// # Safety
    /// [`Self::check`] has passed, and what is not null may be written in the size that is stated.
    unsafe fn write(&self, inspection: &Inspection) -> u32 {
        let maps = &inspection.maps;
        let values =
            [(self.anomaly_map, &maps.anomaly_map), (self.psi_rgb, &maps.psi_rgb), (self.psi_xyz, &maps.psi_xyz)];
        for (to, map) in values.into_iter().filter(|(to, _)| !to.is_null()) {
            assert_eq!(map.len(), CROSSCHECK_MAP_PIXELS, "an inspected frame has whole maps");
            // SAFETY: the caller's map has as many values, by the check.
            unsafe { to.copy_from_nonoverlapping(map.as_ptr(), map.len()) };
        }
        if !self.valid.is_null() {
            assert_eq!(maps.valid.len(), CROSSCHECK_MAP_PIXELS, "an inspected frame has whole maps");
            for (pixel, valid) in maps.valid.iter().enumerate() {
                // SAFETY: as above.
                unsafe { self.valid.add(pixel).write(u8::from(*valid)) };
            }
        }
        if self.defects.is_null() {
            return 0;
        }
        let mut written = 0;
        for (place, defect) in inspection.defects.worst().iter().take(self.defects_max).enumerate() {
            // SAFETY: the array has `defects_max` places.
            unsafe { self.defects.add(place).write(defect.into()) };
            written += 1;
        }
        written
    }
}

/// Inspects one frame: from the photograph and its points, or its depth image, to the verdict.
///
/// frame: the photograph and the points or the depth image.
/// outputs: where maps and defects are wanted; NULL if nowhere.
/// result: gets score, verdict and times. Whatever fails, it says "reject, not inspected", as long as it can be written to at
/// all: a result is never left as it was.
///
/// The first frame of a size allocates memory. After it, a frame allocates none, whatever it shows and even if it is refused,
/// except where colour is sampled at the points of a depth image (grid = "depth" of a camera file).
///
/// Returns OK, for a rejected part too; NULL_POINTER, MISALIGNED, STRUCT_SIZE, IMAGE_SIZE, STRIDE, BUFFER_SIZE, OPTION for
/// arguments that cannot be, before anything is computed; CAMERA if the camera is not that of these images; FRAME if the
/// frame does not fit the engine; MACHINE if the machine has failed; BUSY, INTERNAL, POISONED. crosscheck_inspector_text has
/// the text.
///
/// # Safety
/// `inspector` is null or an open inspector; `frame`, `outputs` and `result` are null or the addresses of such structures, and
/// what they name is memory of the size that they state; nobody else writes to it during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosscheck_inspect(
    inspector: *mut InspectorHandle,
    frame: *const Frame,
    outputs: *const Outputs,
    result: *mut InspectionResult,
) -> Status {
    let start = Instant::now();
    // SAFETY: the caller promises that it is such a structure.
    let writable = unsafe { check_struct(result, "result") };
    if writable.is_ok() {
        // SAFETY: it is aligned, has the size that is written, and may be written to by the caller's promise.
        unsafe { result.write(InspectionResult::not_inspected()) };
    }
    if let Err(failure) = check_address(inspector, "inspector") {
        return failure.status();
    }
    // SAFETY: it is open, by the caller's promise.
    let handle = unsafe { &*inspector };
    handle.guarded.enter(|state| {
        writable?;
        // SAFETY: the caller promises that these are such structures.
        let (frame, outputs) = unsafe { (read_struct(frame, "frame")?, read_outputs(outputs)?) };
        outputs.check()?;
        // SAFETY: the caller promises that what they name is memory of the size that they state.
        let mut found = unsafe { inspect(state, &frame, &outputs) }?;
        found.total_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: as above.
        unsafe { result.write(found) };
        Ok(())
    })
}

/// # Safety
/// As [`read_struct`].
unsafe fn read_outputs(outputs: *const Outputs) -> Result<Outputs, Failure> {
    if outputs.is_null() {
        return Ok(Outputs::none());
    }
    // SAFETY: the caller's promise.
    unsafe { read_struct(outputs, "outputs") }
}

/// # Safety
/// What both structures name is memory of the size that they state, and `outputs` was checked.
unsafe fn inspect(state: &mut State, frame: &Frame, outputs: &Outputs) -> Result<InspectionResult, Failure> {
    // SAFETY: the caller's promise.
    let (part, own) = unsafe { (frame.part(state.each)?, state.frame.take(frame)?) };
    state.inspector.inspect_into(own, part, &mut state.inspection)?;
    let mut result = InspectionResult::of(&state.inspection, state.inspector.thresholds());
    // SAFETY: the caller's promise.
    result.defects_written = unsafe { outputs.write(&state.inspection) };
    Ok(result)
}
