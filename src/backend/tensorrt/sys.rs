//! The types of the shim (`shim.cpp`), with the same fields in the same order.

use std::ffi::{c_char, c_void};

/// Severity as TensorRT numbers it: 0 internal error, 1 error, 2 warning, 3 information, 4 verbose.
pub type Log = unsafe extern "C" fn(severity: i32, message: *const c_char);
/// Reports that `step` steps of a phase are done. `steps` is their total at the phase's start, and zero after it.
/// Returns zero to end the build. Several threads call it at once.
pub type Progress = unsafe extern "C" fn(user: *const c_void, phase: *const c_char, step: i32, steps: i32) -> i32;

#[repr(C)]
pub struct BuildRequest {
    pub create_builder: *mut c_void,
    pub create_parser: *mut c_void,
    pub graph: *const c_void,
    pub graph_bytes: usize,
    /// The compute capability, 89 for 8.9; zero for TensorRT, which builds for the GPU at hand.
    pub capability: i32,
    pub workspace_bytes: usize,
    pub progress: Progress,
    pub user: *const c_void,
}

#[repr(C)]
pub struct TensorInfo {
    pub name: *const c_char,
    pub kind: i32,
    pub is_input: i32,
    pub rank: i32,
    pub shape: [i64; 8],
}

#[repr(C)]
pub struct Shim {
    /// The version of the headers: 10_000 major + 100 minor + patch.
    pub version: i32,
    pub is_rtx: i32,
    pub set_log: unsafe extern "C" fn(Log),
    pub build: unsafe extern "C" fn(*const BuildRequest, *mut *mut c_void) -> i32,
    pub plan_data: unsafe extern "C" fn(*mut c_void) -> *const c_void,
    pub plan_bytes: unsafe extern "C" fn(*mut c_void) -> usize,
    pub plan_delete: unsafe extern "C" fn(*mut c_void),
    pub runtime_new: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    pub runtime_delete: unsafe extern "C" fn(*mut c_void),
    pub engine_new: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void,
    pub engine_delete: unsafe extern "C" fn(*mut c_void),
    pub engine_tensors: unsafe extern "C" fn(*mut c_void) -> i32,
    pub engine_tensor: unsafe extern "C" fn(*mut c_void, i32, *mut TensorInfo) -> i32,
    /// Null with TensorRT, which compiles nothing for the GPU at hand.
    pub compiled_new: unsafe extern "C" fn(*mut c_void, *const c_void, usize, *mut i32) -> *mut c_void,
    pub compiled_delete: unsafe extern "C" fn(*mut c_void),
    pub compiled_memory: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    pub context_new: unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void,
    pub context_delete: unsafe extern "C" fn(*mut c_void),
    pub context_bind: unsafe extern "C" fn(*mut c_void, *const c_char, *mut c_void) -> i32,
    pub context_enqueue: unsafe extern "C" fn(*mut c_void, *mut c_void) -> i32,
}

#[cfg(tensorrt_headers)]
unsafe extern "C" {
    safe fn crosscheck_tensorrt() -> *const Shim;
}
#[cfg(tensorrt_rtx_headers)]
unsafe extern "C" {
    safe fn crosscheck_tensorrt_rtx() -> *const Shim;
}

/// The shims that this program was built with, TensorRT's before TensorRT-RTX's.
pub fn shims() -> Vec<&'static Shim> {
    let tables: &[fn() -> *const Shim] = &[
        #[cfg(tensorrt_headers)]
        || crosscheck_tensorrt(),
        #[cfg(tensorrt_rtx_headers)]
        || crosscheck_tensorrt_rtx(),
    ];
    // SAFETY: each is the address of a constant table of this layout, which nothing changes.
    tables.iter().filter_map(|table| unsafe { table().as_ref() }).collect()
}
