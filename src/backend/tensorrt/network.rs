//! One plan, ready to run. No plan was ever run: that takes a GPU (docs/gpu.md).

use std::ffi::{CStr, CString, c_void};

use super::error::TensorRtError;
use super::library::{Library, errors};
use super::sys::TensorInfo;
use crate::onnx::{Kind, Model};

/// TensorRT's numbers of types.
const KINDS: [(i32, Kind); 2] = [(0, Kind::F32), (1, Kind::F16)];

/// A plan with its context. Fields are dropped in this order: what was made last goes first.
pub struct Network {
    graph: &'static str,
    context: Handle,
    _engine: Handle,
    _runtime: Handle,
    library: Library,
    /// Inputs and outputs, and how many bytes each takes.
    tensors: Vec<(CString, usize)>,
}

/// An object of the library, and how it is taken away.
struct Handle(*mut c_void, unsafe extern "C" fn(*mut c_void));

// SAFETY: an object of the library may be used by any thread, by one at a time: it is behind `&mut`.
unsafe impl Send for Handle {}

impl Handle {
    fn new(object: *mut c_void, delete: unsafe extern "C" fn(*mut c_void)) -> Option<Self> {
        (!object.is_null()).then_some(Self(object, delete))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the object is this value's alone, and of the kind that the function deletes.
        unsafe { (self.1)(self.0) }
    }
}

impl Network {
    /// Readies `plan`, whose inputs and outputs must be those of `model`, on the GPU whose context is current.
    pub fn new(library: Library, model: &Model, plan: &[u8]) -> Result<Self, TensorRtError> {
        let (shim, graph) = (library.shim, model.name);
        let failed = || TensorRtError::Plan { graph, reason: errors() };
        // An older call's errors are none of this one's.
        let _ = errors();
        // SAFETY: the entry point is this library's; `plan` lives during the call, which copies what it keeps. Objects
        // are of the kinds that the shim expects.
        let (runtime, engine, context) = unsafe {
            let runtime = Handle::new((shim.runtime_new)(library.create_runtime.0), shim.runtime_delete);
            let runtime = runtime.ok_or_else(failed)?;
            let engine = (shim.engine_new)(runtime.0, plan.as_ptr().cast(), plan.len());
            let engine = Handle::new(engine, shim.engine_delete).ok_or_else(failed)?;
            let context = Handle::new((shim.context_new)(engine.0), shim.context_delete).ok_or_else(failed)?;
            (runtime, engine, context)
        };
        let tensors = check(library, &engine, model).map_err(|reason| TensorRtError::Plan { graph, reason })?;
        Ok(Self { graph, context, _engine: engine, _runtime: runtime, library, tensors })
    }

    /// Runs it in `stream` on these addresses and the bytes there, in the order of the model's tensors.
    ///
    /// # Safety
    /// Each address is memory of the current context's GPU, of that many bytes, which nobody uses otherwise until the
    /// stream has run it; `stream` is one of that context.
    pub unsafe fn enqueue(&mut self, stream: *mut c_void, addresses: &[(u64, usize)]) -> Result<(), TensorRtError> {
        let graph = self.graph;
        let failed = || TensorRtError::Run { graph, reason: errors() };
        let sizes = self.tensors.iter().map(|(_, bytes)| bytes);
        assert!(addresses.iter().map(|(_, bytes)| bytes).eq(sizes), "{graph}: buffers of other sizes");
        for ((name, _), (address, _)) in self.tensors.iter().zip(addresses) {
            // SAFETY: the context is alive, and the name ends with a zero.
            let bound =
                unsafe { (self.library.shim.context_bind)(self.context.0, name.as_ptr(), *address as *mut c_void) };
            if bound == 0 {
                return Err(failed());
            }
        }
        // SAFETY: every input and output is bound; the rest is the caller's promise.
        match unsafe { (self.library.shim.context_enqueue)(self.context.0, stream) } {
            0 => Err(failed()),
            _ => Ok(()),
        }
    }
}

/// Names and bytes of the engine's tensors in the model's order, where they are the model's.
fn check(library: Library, engine: &Handle, model: &Model) -> Result<Vec<(CString, usize)>, String> {
    let shim = library.shim;
    // SAFETY: the engine is alive.
    let count = unsafe { (shim.engine_tensors)(engine.0) };
    if usize::try_from(count) != Ok(model.tensors.len()) {
        return Err(format!("it has {count} inputs and outputs where {} are expected", model.tensors.len()));
    }
    let mut found = Vec::new();
    for index in 0..count {
        let mut info = TensorInfo { name: std::ptr::null(), kind: -1, is_input: 0, rank: 0, shape: [0; 8] };
        // SAFETY: the engine is alive and writes the fields of `info`.
        if unsafe { (shim.engine_tensor)(engine.0, index, &mut info) } == 0 || info.name.is_null() {
            return Err(format!("its tensor {index} is not known"));
        }
        // SAFETY: the name ends with a zero and lives as long as the engine.
        let name = unsafe { CStr::from_ptr(info.name) }.to_owned();
        found.push((name, info));
    }
    model.tensors.iter().map(|tensor| take(&found, tensor)).collect()
}

/// The one of the engine's tensors that is `wanted`, and its bytes.
fn take(found: &[(CString, TensorInfo)], wanted: &crate::onnx::Tensor) -> Result<(CString, usize), String> {
    let crate::onnx::Tensor { name, kind, shape, is_input } = wanted;
    let (own, info) = found
        .iter()
        .find(|(own, _)| own.to_bytes() == name.as_bytes())
        .ok_or_else(|| format!("it has no tensor {name}"))?;
    let rank = usize::try_from(info.rank).unwrap_or(0).min(info.shape.len());
    let same_shape = info.shape[..rank].iter().copied().eq(shape.iter().map(|&n| n as i64));
    if !same_shape || !KINDS.contains(&(info.kind, *kind)) || (info.is_input != 0) != *is_input {
        let [shape_found, kind_found] = [format!("{:?}", &info.shape[..rank]), info.kind.to_string()];
        return Err(format!(
            "its {name} is {shape_found} of type {kind_found} where {shape:?} of {kind:?} is expected"
        ));
    }
    let bytes = if *kind == Kind::F16 { 2 } else { 4 };
    Ok((own.clone(), shape.iter().product::<usize>() * bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::Tensor;

    #[test]
    fn a_plan_of_another_graph_is_refused() {
        let mut shape = [0; 8];
        shape[..2].copy_from_slice(&[784, 768]);
        let info = |kind, is_input| TensorInfo { name: std::ptr::null(), kind, is_input, rank: 2, shape };
        let found = |info| vec![(c"tokens".to_owned(), info)];
        let wanted = Tensor { name: "tokens".into(), kind: Kind::F16, shape: vec![784, 768], is_input: false };
        assert_eq!(take(&found(info(1, 0)), &wanted), Ok((c"tokens".to_owned(), 2 * 784 * 768)));
        assert!(take(&found(info(0, 0)), &wanted).unwrap_err().contains("type 0"));
        take(&found(info(1, 1)), &wanted).unwrap_err();
        take(&found(info(1, 0)), &Tensor { shape: vec![784], ..wanted.clone() }).unwrap_err();
        take(&found(info(1, 0)), &Tensor { name: "token".into(), ..wanted }).unwrap_err();
    }
}
