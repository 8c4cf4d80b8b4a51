//! The stand-in notices misuse: without that, a back end that passes on it would have shown little.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

use libloading::Library;

use crate::standin::{is_here, run_part};

const SUCCESS: c_int = 0;
const INVALID_VALUE: c_int = 1;
const OUT_OF_RESOURCES: c_int = 701;
const LAUNCH_FAILED: c_int = 719;
const COOPERATIVE_TOO_LARGE: c_int = 720;
const P: usize = crosscheck::shapes::P;

type Handle = *mut c_void;
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

/// The library by its C functions.
struct Driver {
    library: Library,
    stream: Handle,
}

type Create = unsafe extern "C" fn(*mut Handle, c_uint) -> c_int;
type Download = unsafe extern "C" fn(*mut c_void, u64, usize, Handle) -> c_int;
type OfTwo = unsafe extern "C" fn(Handle, Handle) -> c_int;

impl Driver {
    fn open() -> Self {
        // SAFETY: the stand-in, whose start-up code is the C++ standard library's.
        let library = unsafe { Library::new("libcuda.so.1") }.unwrap();
        let mut driver = Self { library, stream: null_mut() };
        driver.call::<unsafe extern "C" fn(c_uint) -> c_int>("cuInit", |f| unsafe { f(0) });
        driver.stream = driver.create("cuStreamCreate");
        driver
    }

    fn create(&self, what: &str) -> Handle {
        let mut made = null_mut();
        self.call::<Create>(what, |f| unsafe { f(&mut made, 1) });
        made
    }

    fn call<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) {
        assert_eq!(self.result(name, call), SUCCESS, "{name}");
    }

    fn result<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) -> c_int {
        // SAFETY: each caller names the type that the driver's documentation gives the function.
        call(unsafe { *self.library.get::<F>(name.as_bytes()).unwrap() })
    }

    fn kernel(&self, family: &str, name: &str) -> Handle {
        let path = format!("{}/src/backend/cuda/kernels/{family}.ptx", env!("CARGO_MANIFEST_DIR"));
        let ptx = CString::new(std::fs::read(path).unwrap()).unwrap();
        let name = CString::new(name).unwrap();
        let (mut module, mut function) = (null_mut(), null_mut());
        self.call::<unsafe extern "C" fn(*mut Handle, *const c_char) -> c_int>("cuModuleLoadData", |f| unsafe {
            f(&mut module, ptx.as_ptr())
        });
        self.call::<unsafe extern "C" fn(*mut Handle, Handle, *const c_char) -> c_int>(
            "cuModuleGetFunction",
            |f| unsafe { f(&mut function, module, name.as_ptr()) },
        );
        function
    }

    fn memory(&self, bytes: usize) -> u64 {
        let mut pointer = 0;
        self.call::<unsafe extern "C" fn(*mut u64, usize, Handle) -> c_int>("cuMemAllocAsync", |f| unsafe {
            f(&mut pointer, bytes, self.stream)
        });
        pointer
    }

    fn free(&self, pointer: u64) {
        self.call::<unsafe extern "C" fn(u64, Handle) -> c_int>("cuMemFreeAsync", |f| unsafe {
            f(pointer, self.stream)
        });
    }

    fn launch(&self, kernel: Handle, blocks: u32, threads: u32, cooperative: bool, arguments: &[u64]) -> c_int {
        let mut values = arguments.to_vec();
        let mut pointers: Vec<Handle> = values.iter_mut().map(|v| (&raw mut *v).cast()).collect();
        let name = if cooperative { "cuLaunchCooperativeKernel" } else { "cuLaunchKernel" };
        // SAFETY: the stand-in's functions take no more of these than they are declared with; more are not looked at.
        self.result::<Launch>(name, |f| unsafe {
            f(kernel, blocks, 1, 1, threads, 1, 1, 0, self.stream, pointers.as_mut_ptr(), null_mut())
        })
    }

    fn synchronize(&self) -> c_int {
        self.result::<unsafe extern "C" fn(Handle) -> c_int>("cuStreamSynchronize", |f| unsafe { f(self.stream) })
    }
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
    assert_eq!(driver.launch(maximum, 0, 1024, false, &arguments), INVALID_VALUE, "no block");
    assert_eq!(driver.launch(maximum, 1, 1056, false, &arguments), INVALID_VALUE, "no such block");
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[map, host.as_ptr() as u64]), INVALID_VALUE, "host memory");
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[0, score]), INVALID_VALUE, "null");
    let product = driver.kernel("anomaly", "product");
    assert_eq!(driver.launch(product, 1, 512, false, &[map; 6]), OUT_OF_RESOURCES, "made for 256");
    let plane = driver.kernel("prepare", "remove_plane");
    assert_eq!(driver.launch(plane, 1, 256, false, &[5, map, 0, 0, 0, 0]), INVALID_VALUE, "arguments out of order");
    let sampler = driver.kernel("grouping", "farthest_points");
    let arguments = [map, score, 1, map, map, map];
    assert_eq!(driver.launch(sampler, 5, 512, false, &arguments), INVALID_VALUE, "not together");
    assert_eq!(driver.launch(sampler, 500, 512, true, &arguments), COOPERATIVE_TOO_LARGE);
    // The order of the stream is kept: this comes after the first launch.
    driver.free(map);
    assert_eq!(driver.synchronize(), SUCCESS);
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[map, score]), INVALID_VALUE, "freed");
    let map = driver.memory(P * 4);
    assert_eq!(driver.launch(maximum, 1, 16, false, &[map, score]), SUCCESS);
    assert_eq!(
        driver.synchronize(),
        LAUNCH_FAILED,
        "half a warp: the mask of the reduction names lanes that are not there"
    );
    assert_eq!(driver.launch(maximum, 1, 1024, false, &[map, score]), LAUNCH_FAILED, "nothing works after a failure");
}

#[test]
fn launches_that_no_gpu_takes_are_refused() {
    let Some(run) = run_part("misuse::launches", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
    assert_eq!(run.number("refused"), 10);
    assert_eq!(run.number("left device"), 2, "what is not freed is told");
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

type Sgemm = unsafe extern "C" fn(
    Handle,
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    *const f32,
    u64,
    c_int,
    u64,
    c_int,
    *const f32,
    u64,
    c_int,
) -> c_int;

#[test]
#[ignore = "a part of products_that_cublas_refuses_are_refused"]
fn products() {
    if !is_here() {
        return;
    }
    let driver = Driver::open();
    // SAFETY: the stand-in, whose start-up code is the C++ standard library's.
    let blas = Driver { library: unsafe { Library::new("libcublas.so") }.unwrap(), stream: driver.stream };
    let mut handle = null_mut();
    blas.call::<unsafe extern "C" fn(*mut Handle) -> c_int>("cublasCreate_v2", |f| unsafe { f(&mut handle) });
    let [a, b, c] = [6, 6, 4].map(|floats| driver.memory(4 * floats));
    for (to, values) in [(a, [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]), (b, [1.0, 0.0, 0.0, 1.0, 1.0, 1.0])] {
        driver.call::<unsafe extern "C" fn(u64, *const f32, usize, Handle) -> c_int>(
            "cuMemcpyHtoDAsync_v2",
            |f| unsafe { f(to, values.as_ptr(), 24, driver.stream) },
        );
    }
    let of = |operations: [c_int; 2], [m, n, k]: [c_int; 3], [a, b, c]: [u64; 3], leading: [c_int; 3]| {
        blas.result::<Sgemm>("cublasSgemm_v2", |f| unsafe {
            let ([lda, ldb, ldc], [of_a, of_b]) = (leading, operations);
            f(handle, of_a, of_b, m, n, k, &1.0, a, lda, b, ldb, &0.0, c, ldc)
        })
    };
    let (buffers, plain) = ([a, b, c], [0, 0]);
    assert_eq!(of(plain, [2, 2, 3], buffers, [2, 3, 2]), 1, "into no stream");
    blas.call::<OfTwo>("cublasSetStream_v2", |f| unsafe { f(handle, driver.stream) });
    let result = |done: c_int| {
        assert_eq!((done, driver.synchronize()), (0, SUCCESS));
        let mut values = [0.0f32; 4];
        driver.call::<Download>("cuMemcpyDtoHAsync_v2", |f| unsafe {
            f(values.as_mut_ptr().cast(), c, 16, driver.stream)
        });
        values
    };
    // [1 3 5; 2 4 6] [1 1; 0 1; 0 1], then by their transposed ones.
    assert_eq!(result(of(plain, [2, 2, 3], buffers, [2, 3, 2])), [1.0, 2.0, 9.0, 12.0]);
    assert_eq!(result(of([1, 0], [2, 2, 3], buffers, [3, 3, 2])), [1.0, 4.0, 6.0, 15.0]);
    assert_eq!(result(of([0, 1], [2, 2, 3], buffers, [2, 2, 2])), [6.0, 8.0, 8.0, 10.0]);
    assert_eq!(of(plain, [2, 2, 4], buffers, [2, 4, 2]), 7, "beyond both");
    assert_eq!(of(plain, [2, 3, 2], buffers, [2, 2, 2]), 7, "beyond the result");
    assert_eq!(of(plain, [2, 2, 3], buffers, [1, 3, 2]), 7, "columns that overlap");
    assert_eq!(of(plain, [2, 2, 0], buffers, [2, 1, 2]), 7, "nothing to sum");
    assert_eq!(of(plain, [2, 2, 3], [a, [0f32; 6].as_ptr() as u64, c], [2, 3, 2]), 7, "memory of the host");
    blas.call::<unsafe extern "C" fn(Handle, c_int) -> c_int>("cublasSetMathMode", |f| unsafe { f(handle, 3) });
    assert_eq!(of(plain, [2, 2, 3], buffers, [2, 3, 2]), 15, "TF32");
    buffers.into_iter().for_each(|buffer| driver.free(buffer));
    driver.synchronize();
}

#[test]
fn products_that_cublas_refuses_are_refused() {
    let Some(run) = run_part("misuse::products", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
    assert_eq!(run.number("left device"), 1, "a handle that is not destroyed is told");
}
