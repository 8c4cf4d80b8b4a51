//! The stand-in notices misuse. If it did not, a back end that passes on it would prove little.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

use libloading::Library;

use crate::standin::{is_here, run_part};

pub const SUCCESS: c_int = 0;
pub const INVALID_VALUE: c_int = 1;
const OUT_OF_RESOURCES: c_int = 701;
const LAUNCH_FAILED: c_int = 719;
const CAPTURE_UNSUPPORTED: c_int = 900;
const CAPTURE_INVALIDATED: c_int = 901;
pub const COOPERATIVE_TOO_LARGE: c_int = 720;
const P: usize = crosscheck::shapes::P;

pub type Handle = *mut c_void;
type Launch = unsafe extern "C" fn(
    Handle,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    Handle,
    *mut Handle,
    *mut Handle,
) -> c_int;

/// A library, called by its C functions.
pub struct Driver {
    pub library: Library,
    pub stream: Handle,
}

pub type Current = unsafe extern "C" fn(Handle) -> c_int;
type Create = unsafe extern "C" fn(*mut Handle, c_uint) -> c_int;
pub type Download = unsafe extern "C" fn(*mut c_void, u64, usize, Handle) -> c_int;
pub type OfTwo = unsafe extern "C" fn(Handle, Handle) -> c_int;

impl Driver {
    /// The library, without a context.
    pub fn library() -> Self {
        // SAFETY: this loads the stand-in, whose start-up code is the C++ standard library's.
        Self { library: unsafe { Library::new("libcuda.so.1") }.unwrap(), stream: null_mut() }
    }

    /// The library, with a current context and a stream.
    pub fn open() -> Self {
        let mut driver = Self::library();
        driver.call::<unsafe extern "C" fn(c_uint) -> c_int>("cuInit", |f| unsafe { f(0) });
        let context = driver.retain();
        driver.call::<Current>("cuCtxSetCurrent", |f| unsafe { f(context) });
        driver.stream = driver.create("cuStreamCreate");
        driver
    }

    /// Retains the context of the first GPU.
    pub fn retain(&self) -> Handle {
        let mut context = null_mut();
        self.call::<unsafe extern "C" fn(*mut Handle, c_int) -> c_int>("cuDevicePrimaryCtxRetain", |f| unsafe {
            f(&mut context, 0)
        });
        context
    }

    pub fn create(&self, what: &str) -> Handle {
        let mut made = null_mut();
        self.call::<Create>(what, |f| unsafe { f(&mut made, 1) });
        made
    }

    pub fn call<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) {
        assert_eq!(self.result(name, call), SUCCESS, "{name}");
    }

    pub fn result<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) -> c_int {
        // SAFETY: each caller names the type that the driver's documentation gives for the function.
        call(unsafe { *self.library.get::<F>(name.as_bytes()).unwrap() })
    }

    /// Loads PTX; the module, or the driver's error.
    pub fn module(&self, ptx: &str) -> Result<Handle, c_int> {
        let (text, mut module) = (CString::new(ptx).unwrap(), null_mut());
        let load =
            |f: unsafe extern "C" fn(*mut Handle, *const c_char) -> c_int| unsafe { f(&mut module, text.as_ptr()) };
        match self.result("cuModuleLoadData", load) {
            SUCCESS => Ok(module),
            error => Err(error),
        }
    }

    pub fn kernel(&self, family: &str, name: &str) -> Handle {
        let module = self.module(&ptx(family)).unwrap();
        let (name, mut function) = (CString::new(name).unwrap(), null_mut());
        self.call::<unsafe extern "C" fn(*mut Handle, Handle, *const c_char) -> c_int>(
            "cuModuleGetFunction",
            |f| unsafe { f(&mut function, module, name.as_ptr()) },
        );
        function
    }

    pub fn memory(&self, bytes: usize) -> u64 {
        let mut pointer = 0;
        self.call::<unsafe extern "C" fn(*mut u64, usize, Handle) -> c_int>("cuMemAllocAsync", |f| unsafe {
            f(&mut pointer, bytes, self.stream)
        });
        pointer
    }

    pub fn free(&self, pointer: u64) {
        self.call::<unsafe extern "C" fn(u64, Handle) -> c_int>("cuMemFreeAsync", |f| unsafe {
            f(pointer, self.stream)
        });
    }

    pub fn launch(&self, kernel: Handle, blocks: u32, threads: u32, cooperative: bool, arguments: &[u64]) -> c_int {
        self.launch_with(kernel, (blocks, threads, 0), cooperative, arguments)
    }

    /// The same with dynamic shared memory, in bytes.
    pub fn launch_with(
        &self,
        kernel: Handle,
        (blocks, threads, shared): (u32, u32, u32),
        cooperative: bool,
        arguments: &[u64],
    ) -> c_int {
        let mut values = arguments.to_vec();
        let mut pointers: Vec<Handle> = values.iter_mut().map(|v| (&raw mut *v).cast()).collect();
        let name = if cooperative { "cuLaunchCooperativeKernel" } else { "cuLaunchKernel" };
        // SAFETY: `cuLaunchCooperativeKernel` is declared without the last argument, and does not read it.
        self.result::<Launch>(name, |f| unsafe {
            f(kernel, blocks, 1, 1, threads, 1, 1, shared, self.stream, pointers.as_mut_ptr(), null_mut())
        })
    }

    pub fn synchronize_context(&self) -> c_int {
        self.result::<unsafe extern "C" fn() -> c_int>("cuCtxSynchronize", |f| unsafe { f() })
    }

    pub fn synchronize(&self) -> c_int {
        self.result::<unsafe extern "C" fn(Handle) -> c_int>("cuStreamSynchronize", |f| unsafe { f(self.stream) })
    }
}

/// The PTX of a family of kernels.
pub fn ptx(family: &str) -> String {
    let path = format!("{}/src/backend/cuda/kernels/{family}.ptx", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
#[ignore = "a part of launches_that_no_gpu_takes_are_refused"]
fn launches() {
    if !is_here() {
        return;
    }
    let driver = Driver::open();
    let maximum = driver.kernel("anomaly", "maximum");
    let (map, score) = (driver.memory(P * 4), driver.memory(4));
    let host = [0u8; 64];
    let arguments = [map, score];
    assert_eq!(driver.launch(maximum, 1, 1024, false, &arguments), SUCCESS);
    assert_eq!(driver.launch(maximum, 0, 1024, false, &arguments), INVALID_VALUE, "a grid without blocks");
    assert_eq!(driver.launch(maximum, 1, 1056, false, &arguments), INVALID_VALUE, "more threads than a block may have");
    assert_eq!(
        driver.launch(maximum, 1, 1024, false, &[map, host.as_ptr() as u64]),
        INVALID_VALUE,
        "memory of the host"
    );
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[0, score]), INVALID_VALUE, "a null pointer");
    let product = driver.kernel("anomaly", "product");
    assert_eq!(
        driver.launch(product, 1, 512, false, &[map; 6]),
        OUT_OF_RESOURCES,
        "more threads than the kernel's launch bounds"
    );
    let points = driver.kernel("prepare", "points_of_cloud");
    assert_eq!(
        driver.launch(points, 1, 256, false, &[5, map, map, 0, 0, 0, 0, map]),
        INVALID_VALUE,
        "arguments out of order"
    );
    let sampler = driver.kernel("sampling", "farthest_points");
    let arguments = [map, score, 1, map, map, map, score];
    assert_eq!(
        driver.launch(sampler, 4, 512, false, &arguments),
        INVALID_VALUE,
        "a kernel that needs a cooperative launch"
    );
    assert_eq!(driver.launch(sampler, 500, 512, true, &arguments), COOPERATIVE_TOO_LARGE);
    // The stream keeps its order: the memory is freed after the first launch.
    driver.free(map);
    assert_eq!(driver.synchronize(), SUCCESS);
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[map, score]), INVALID_VALUE, "memory that was freed");
    let map = driver.memory(P * 4);
    assert_eq!(driver.launch(maximum, 1, 16, false, &[map, score]), SUCCESS);
    assert_eq!(
        driver.synchronize(),
        LAUNCH_FAILED,
        "half a warp: the mask of the reduction has lanes that do not exist"
    );
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[map, score]), LAUNCH_FAILED, "nothing works after a failure");
}

#[test]
fn launches_that_no_gpu_takes_are_refused() {
    let Some(run) = run_part("misuse::launches", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
    assert_eq!(run.number("refused"), 10);
    assert_eq!(run.number("left device"), 2, "memory that is not freed is reported");
}

#[test]
#[ignore = "a part of a_kernel_that_goes_beyond_a_buffer_ends_the_program"]
fn beyond() {
    if !is_here() {
        return;
    }
    let driver = Driver::open();
    let maximum = driver.kernel("anomaly", "maximum");
    let (short, score) = (driver.memory((P - 1) * 4), driver.memory(4));
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[short, score]), SUCCESS);
    driver.synchronize();
    println!("still here");
}

#[test]
fn a_kernel_that_goes_beyond_a_buffer_ends_the_program() {
    let Some(run) = run_part("misuse::beyond", &[]) else { return };
    let printed = run.printed();
    assert_eq!(run.output.status.code(), Some(86), "{printed}");
    assert!(printed.contains("stand-in: maximum touches byte") && !printed.contains("still here"), "{printed}");
}

#[test]
#[ignore = "a part of what_is_not_waited_for_is_not_there"]
fn streams() {
    if !is_here() {
        return;
    }
    let driver = Driver::open();
    let other = driver.create("cuStreamCreate");
    let (event, number) = (driver.create("cuEventCreate"), driver.memory(4));
    let read = || {
        let mut value = 1u32;
        driver.call::<Download>("cuMemcpyDtoHAsync_v2", |f| unsafe { f((&raw mut value).cast(), number, 4, other) });
        value
    };
    driver.call::<unsafe extern "C" fn(u64, u8, usize, Handle) -> c_int>("cuMemsetD8Async", |f| unsafe {
        f(number, 0, 4, driver.stream)
    });
    assert_eq!(read(), u32::MAX, "another stream has not been filled yet");
    driver.call::<OfTwo>("cuEventRecord", |f| unsafe { f(event, driver.stream) });
    assert_eq!(read(), u32::MAX, "an event that nobody waits for orders nothing");
    driver.call::<unsafe extern "C" fn(Handle, Handle, c_uint) -> c_int>("cuStreamWaitEvent", |f| unsafe {
        f(other, event, 0)
    });
    assert_eq!(read(), 0);
}

#[test]
fn what_is_not_waited_for_is_not_there() {
    let Some(run) = run_part("misuse::streams", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
}

type Begin = unsafe extern "C" fn(Handle, c_int) -> c_int;
type End = unsafe extern "C" fn(Handle, *mut Handle) -> c_int;
type Instantiate = unsafe extern "C" fn(*mut Handle, Handle, u64) -> c_int;
type Wait = unsafe extern "C" fn(Handle, Handle, c_uint) -> c_int;
type Fill = unsafe extern "C" fn(u64, u8, usize, Handle) -> c_int;

/// A driver whose first stream is captured, and an event by which streams are joined.
struct Recorder {
    driver: Driver,
    event: Handle,
}

impl Recorder {
    fn begin(&self) {
        self.driver.call::<Begin>("cuStreamBeginCapture_v2", |f| unsafe { f(self.driver.stream, 1) });
    }

    fn end(&self) -> (c_int, Handle) {
        let mut graph = null_mut();
        let result = self.driver.result::<End>("cuStreamEndCapture", |f| unsafe { f(self.driver.stream, &mut graph) });
        (result, graph)
    }

    /// Makes later work in `to` wait for the work that is in `from` now.
    fn join(&self, to: Handle, from: Handle) -> c_int {
        self.driver.call::<OfTwo>("cuEventRecord", |f| unsafe { f(self.event, from) });
        self.driver.result::<Wait>("cuStreamWaitEvent", |f| unsafe { f(to, self.event, 0) })
    }

    fn fill(&self, stream: Handle, number: u64, byte: u8) {
        self.driver.call::<Fill>("cuMemsetD8Async", |f| unsafe { f(number, byte, 4, stream) });
    }

    fn read(&self, number: u64) -> u32 {
        let mut value = 0u32;
        self.driver.call::<Download>("cuMemcpyDtoHAsync_v2", |f| unsafe {
            f((&raw mut value).cast(), number, 4, self.driver.stream)
        });
        value
    }
}

#[test]
#[ignore = "a part of what_cannot_be_recorded_is_refused"]
fn captures() {
    if !is_here() {
        return;
    }
    let driver = Driver::open();
    let (other, event) = (driver.create("cuStreamCreate"), driver.create("cuEventCreate"));
    let recorder = Recorder { driver, event };
    let stream = recorder.driver.stream;
    let number = recorder.driver.memory(4);
    // A captured stream must not wait for work from before the capture.
    recorder.begin();
    assert_eq!(recorder.join(stream, other), CAPTURE_INVALIDATED);
    assert_eq!(recorder.end(), (CAPTURE_INVALIDATED, null_mut()));
    // The host must not wait for a captured stream, which has done nothing yet.
    recorder.begin();
    assert_eq!(recorder.driver.synchronize(), CAPTURE_UNSUPPORTED);
    assert_eq!(recorder.end().0, CAPTURE_INVALIDATED);
    // A stream that joined the capture must be joined back before its end.
    recorder.begin();
    assert_eq!(recorder.join(other, stream), SUCCESS);
    recorder.fill(other, number, 1);
    assert_eq!(recorder.end().0, CAPTURE_INVALIDATED);
    // A capture without misuse: nothing happens until the graph is launched, and it happens at every launch.
    recorder.begin();
    assert_eq!(recorder.join(other, stream), SUCCESS);
    recorder.fill(other, number, 1);
    assert_eq!(recorder.join(stream, other), SUCCESS);
    recorder.fill(stream, number, 2);
    let (result, graph) = recorder.end();
    assert_eq!((result, recorder.read(number)), (SUCCESS, u32::MAX));
    let mut ready = null_mut();
    recorder.driver.call::<Instantiate>("cuGraphInstantiateWithFlags", |f| unsafe { f(&mut ready, graph, 0) });
    for _ in 0..20 {
        recorder.driver.call::<OfTwo>("cuGraphLaunch", |f| unsafe { f(ready, stream) });
        assert_eq!(recorder.read(number), 0x0202_0202);
        recorder.fill(stream, number, 0);
    }
    // Work of two streams that do not wait for each other runs in either order.
    recorder.begin();
    assert_eq!(recorder.join(other, stream), SUCCESS);
    recorder.fill(other, number, 1);
    recorder.fill(stream, number, 2);
    assert_eq!(recorder.join(stream, other), SUCCESS);
    let graph = recorder.end().1;
    recorder.driver.call::<Instantiate>("cuGraphInstantiateWithFlags", |f| unsafe { f(&mut ready, graph, 0) });
    let mut found = [0; 2];
    for _ in 0..20 {
        recorder.driver.call::<OfTwo>("cuGraphLaunch", |f| unsafe { f(ready, stream) });
        found[usize::from(recorder.read(number) == 0x0202_0202)] += 1;
    }
    assert!(!found.contains(&0), "{found:?}");
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let Some(run) = run_part("misuse::captures", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
    assert_eq!(run.number("replayed graphs"), 40);
    assert_eq!(run.number("left graphs"), 4, "graphs that are not destroyed are reported");
}
