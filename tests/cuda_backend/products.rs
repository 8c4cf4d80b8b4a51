//! The stand-in for cuBLAS: its products, and the calls that it refuses.

use std::ffi::c_int;
use std::ptr::null_mut;

use libloading::Library;

use crate::misuse::{Download, Driver, Handle, OfTwo, SUCCESS};
use crate::standin::{is_here, run_part};

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
    // SAFETY: this loads the stand-in, whose start-up code is the C++ standard library's.
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
    assert_eq!(of(plain, [2, 2, 3], buffers, [2, 3, 2]), 1, "no stream is set");
    blas.call::<OfTwo>("cublasSetStream_v2", |f| unsafe { f(handle, driver.stream) });
    let result = |done: c_int| {
        assert_eq!((done, driver.synchronize()), (0, SUCCESS));
        let mut values = [0.0f32; 4];
        driver.call::<Download>("cuMemcpyDtoHAsync_v2", |f| unsafe {
            f(values.as_mut_ptr().cast(), c, 16, driver.stream)
        });
        values
    };
    // The product of [1 3 5; 2 4 6] and [1 1; 0 1; 0 1], then products with one of the buffers transposed.
    assert_eq!(result(of(plain, [2, 2, 3], buffers, [2, 3, 2])), [1.0, 2.0, 9.0, 12.0]);
    assert_eq!(result(of([1, 0], [2, 2, 3], buffers, [3, 3, 2])), [1.0, 4.0, 6.0, 15.0]);
    assert_eq!(result(of([0, 1], [2, 2, 3], buffers, [2, 2, 2])), [6.0, 8.0, 8.0, 10.0]);
    assert_eq!(of(plain, [2, 2, 4], buffers, [2, 4, 2]), 7, "both factors go beyond their buffers");
    assert_eq!(of(plain, [2, 3, 2], buffers, [2, 2, 2]), 7, "the result goes beyond its buffer");
    assert_eq!(of(plain, [2, 2, 3], buffers, [1, 3, 2]), 7, "columns overlap");
    assert_eq!(of(plain, [2, 2, 0], buffers, [2, 1, 2]), 7, "sums without terms");
    assert_eq!(of(plain, [2, 2, 3], [a, [0f32; 6].as_ptr() as u64, c], [2, 3, 2]), 7, "a factor in the host's memory");
    blas.call::<unsafe extern "C" fn(Handle, c_int) -> c_int>("cublasSetMathMode", |f| unsafe { f(handle, 3) });
    assert_eq!(of(plain, [2, 2, 3], buffers, [2, 3, 2]), 15, "TF32 is not f32");
    buffers.into_iter().for_each(|buffer| driver.free(buffer));
    driver.synchronize();
}

#[test]
fn products_that_cublas_refuses_are_refused() {
    let Some(run) = run_part("products::products", &[]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
    assert_eq!(run.number("left device"), 1, "a handle that is not destroyed is reported");
}
