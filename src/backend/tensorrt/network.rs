//! One plan, ready to run. No plan was ever run, as that takes a GPU (docs/gpu.md).

use std::ffi::{CStr, CString, c_void};

use super::error::TensorRtError;
use super::library::{Library, errors};
use super::memory::Memory;
use super::sys::TensorInfo;
use crate::onnx::{Kind, Model};

/// TensorRT's numbers for the types.
const KINDS: [(i32, Kind); 2] = [(0, Kind::F32), (1, Kind::F16)];

/// A plan with its execution context. Fields are dropped in this order: the object that was made last is dropped first.
pub struct Network {
    graph: &'static str,
    context: Handle,
    /// What TensorRT-RTX compiled for the GPU; none with TensorRT.
    compiled: Option<Handle>,
    _engine: Handle,
    _runtime: Handle,
    library: Library,
    /// The names of inputs and outputs, and the bytes of each.
    tensors: Vec<(CString, usize)>,
}

/// An object of the library, and the function that deletes it.
struct Handle(*mut c_void, unsafe extern "C" fn(*mut c_void));

// SAFETY: any thread may use an object of the library, one thread at a time, which `&mut` ensures.
unsafe impl Send for Handle {}

impl Handle {
    fn new(object: *mut c_void, delete: unsafe extern "C" fn(*mut c_void)) -> Option<Self> {
        (!object.is_null()).then_some(Self(object, delete))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: no other value has the object, and the function deletes objects of its kind.
        unsafe { (self.1)(self.0) }
    }
}

impl Network {
    /// Prepares `plan` for the GPU whose context is current. Its inputs and outputs must be those of `model`. `kept` is what
    /// the library compiled of it before, if anything.
    pub fn new(library: Library, model: &Model, plan: &[u8], kept: Option<&[u8]>) -> Result<Self, TensorRtError> {
        let (shim, graph) = (library.shim, model.name);
        let failed = || TensorRtError::Plan { graph, reason: errors() };
        // Errors of earlier calls are discarded.
        let _ = errors();
        // SAFETY: the entry point is this library's; `plan` lives during the call, which copies what it keeps. Objects
        // are of the kinds that the shim expects.
        let (runtime, engine, compiled, context) = unsafe {
            let runtime = Handle::new((shim.runtime_new)(library.create_runtime.0), shim.runtime_delete);
            let runtime = runtime.ok_or_else(failed)?;
            let engine = (shim.engine_new)(runtime.0, plan.as_ptr().cast(), plan.len());
            let engine = Handle::new(engine, shim.engine_delete).ok_or_else(failed)?;
            let (kept, mut accepted) = (kept.unwrap_or_default(), 0);
            let compiled = (shim.compiled_new)(engine.0, kept.as_ptr().cast(), kept.len(), &mut accepted);
            let compiled = Handle::new(compiled, shim.compiled_delete);
            if !kept.is_empty() && accepted == 0 {
                log::info!(
                    "{} does not take what was compiled of {graph} before: it is compiled again",
                    library.name()
                );
            }
            let by_compiled = compiled.as_ref().map_or(std::ptr::null_mut(), |compiled| compiled.0);
            let context = Handle::new((shim.context_new)(engine.0, by_compiled), shim.context_delete);
            (runtime, engine, compiled, context.ok_or_else(failed)?)
        };
        let tensors = check(library, &engine, model).map_err(|reason| TensorRtError::Plan { graph, reason })?;
        Ok(Self { graph, context, compiled, _engine: engine, _runtime: runtime, library, tensors })
    }

    /// What the library has compiled of the plan; none with TensorRT, which compiles when a plan is built.
    pub fn compiled(&self) -> Option<Memory> {
        let compiled = self.compiled.as_ref()?;
        // SAFETY: the object is alive; the memory that comes back is deleted by `Memory`.
        let memory = unsafe { (self.library.shim.compiled_memory)(compiled.0) };
        (!memory.is_null()).then(|| Memory::new(self.library, memory))
    }

    /// Queues the plan in `stream`. `addresses` are those of the inputs and outputs, each with its bytes, in the
    /// model's order.
    ///
    /// # Safety
    /// Each address must be that of so many bytes on the current context's GPU, which nothing else uses until the
    /// stream has run the plan; `stream` must belong to that context.
    pub unsafe fn enqueue(&mut self, stream: *mut c_void, addresses: &[(u64, usize)]) -> Result<(), TensorRtError> {
        let graph = self.graph;
        let failed = || TensorRtError::Run { graph, reason: errors() };
        let sizes = self.tensors.iter().map(|(_, bytes)| bytes);
        assert!(
            addresses.iter().map(|(_, bytes)| bytes).eq(sizes),
            "{graph}: the buffers do not have the sizes of the tensors"
        );
        for ((name, _), (address, _)) in self.tensors.iter().zip(addresses) {
            // SAFETY: the context is alive, and the name ends with a zero.
            let bound =
                unsafe { (self.library.shim.context_bind)(self.context.0, name.as_ptr(), *address as *mut c_void) };
            if bound == 0 {
                return Err(failed());
            }
        }
        // SAFETY: every input and output is bound; the caller ensures everything else.
        match unsafe { (self.library.shim.context_enqueue)(self.context.0, stream) } {
            0 => Err(failed()),
            _ => Ok(()),
        }
    }
}

/// Checks that the engine's tensors are those of the model, and returns their names and bytes in the model's order.
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
            return Err(format!("its tensor {index} cannot be queried"));
        }
        // SAFETY: the name ends with a zero and lives as long as the engine.
        let name = unsafe { CStr::from_ptr(info.name) }.to_owned();
        found.push((name, info));
    }
    model.tensors.iter().map(|tensor| take(&found, tensor)).collect()
}

/// Finds the engine's tensor that is `wanted`, and returns its name and bytes.
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
