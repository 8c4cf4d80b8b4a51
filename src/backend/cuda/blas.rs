//! cuBLAS: the products of a fit, in f32. It is looked for when a fit wants it, and nothing else needs it.

use std::ffi::c_int;
use std::sync::Arc;

use cudarc::cublas::result;
use cudarc::cublas::sys::{self, cublasMath_t, cublasOperation_t as Operation};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::error::CudaError;
use super::launch::int;

/// CUDA 12's, as the library counts. Earlier ones are not made for the drivers that the back end takes.
const VERSION_MIN: i32 = 120_000;

/// The library, putting its products into one stream.
pub struct Blas {
    handle: sys::cublasHandle_t,
    stream: Arc<CudaStream>,
}

/// A matrix `[rows, columns]` in front of a slice, row by row; `transposed`: what enters is `[columns, rows]`.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub values: &'a CudaSlice<f32>,
    pub rows: usize,
    pub columns: usize,
    pub transposed: bool,
}

impl<'a> Matrix<'a> {
    pub fn new(values: &'a CudaSlice<f32>, rows: usize, columns: usize) -> Self {
        assert!(values.len() >= rows * columns, "{} values for [{rows}, {columns}]", values.len());
        Self { values, rows, columns, transposed: false }
    }

    pub fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// Rows and columns of what enters.
    fn shape(&self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    fn operation(&self) -> Operation {
        if self.transposed { Operation::CUBLAS_OP_T } else { Operation::CUBLAS_OP_N }
    }
}

impl Blas {
    /// The library on `stream`, whose context is this thread's.
    pub fn open(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        // Before this the library must not be called: where it is missing, the calls panic.
        // SAFETY: loads the system's own library and closes it again, whose start-up code is NVIDIA's.
        if !unsafe { sys::is_culib_present() } {
            return Err(CudaError::NoBlas);
        }
        let blas = Self { handle: result::create_handle()?, stream: stream.clone() };
        let mut version: c_int = 0;
        // SAFETY: the handle is live; the function writes the one number that it is given.
        unsafe { sys::cublasGetVersion_v2(blas.handle, &mut version) }.result()?;
        if version < VERSION_MIN {
            return Err(CudaError::OldBlas { major: version / 10_000, minor: version / 100 % 100 });
        }
        // SAFETY: handle and stream are live, and stay so together.
        unsafe { result::set_stream(blas.handle, stream.cu_stream().cast()) }?;
        // f32 throughout, whatever the environment says: no TF32, and no f32 made of shorter numbers.
        // SAFETY: the handle is live.
        unsafe { sys::cublasSetMathMode(blas.handle, cublasMath_t::CUBLAS_PEDANTIC_MATH) }.result()?;
        Ok(blas)
    }

    /// `a` `[m, k]` times `b` `[k, n]` -> the front of `out`, `[m, n]`.
    pub fn product(&self, a: Matrix<'_>, b: Matrix<'_>, out: &mut CudaSlice<f32>) -> Result<(), CudaError> {
        let ((m, k), (inner, n)) = (a.shape(), b.shape());
        assert!(k == inner && out.len() >= m * n, "[{m}, {k}] times [{inner}, {n}] into {}", out.len());
        let (a_at, _a_read) = a.values.device_ptr(&self.stream);
        let (b_at, _b_read) = b.values.device_ptr(&self.stream);
        let (out_at, _written) = out.device_ptr_mut(&self.stream);
        // The library stores columns: what is [rows, columns] here is its own transposed there, and out' = b' a'.
        // SAFETY: the slices are long enough, by the asserts here and in `Matrix::new`; both factors are read on the host.
        let done = unsafe {
            result::sgemm(
                self.handle,
                b.operation(),
                a.operation(),
                int(n),
                int(m),
                int(k),
                &1.0,
                b_at as *const f32,
                int(b.columns),
                a_at as *const f32,
                int(a.columns),
                &0.0,
                out_at as *mut f32,
                int(n),
            )
        };
        Ok(done?)
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        // What a broken GPU answers to this no longer matters.
        // SAFETY: the handle is live, and nobody has it from here on.
        let _ = unsafe { result::destroy_handle(self.handle) };
    }
}
