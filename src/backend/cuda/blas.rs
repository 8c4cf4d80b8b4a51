//! cuBLAS, which computes the matrix products of a fit in f32. Only a fit needs the library, and looks for it.

use std::ffi::c_int;
use std::sync::Arc;

use cudarc::cublas::result;
use cudarc::cublas::sys::{self, cublasMath_t, cublasOperation_t as Operation};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::error::CudaError;
use super::launch::int;

/// CUDA 12's version. Earlier ones are not made for the drivers that the back end accepts.
const VERSION_MIN: (i32, i32) = (12, 0);

/// The library, which queues its products in one stream.
pub struct Blas {
    handle: sys::cublasHandle_t,
    stream: Arc<CudaStream>,
    /// Major and minor.
    pub version: (i32, i32),
}

/// A matrix `[rows, columns]` at the front of a slice, row by row. If it is `transposed`, products use it as
/// `[columns, rows]`.
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

    /// Rows and columns of the matrix as products use it.
    fn shape(&self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    fn operation(&self) -> Operation {
        if self.transposed { Operation::CUBLAS_OP_T } else { Operation::CUBLAS_OP_N }
    }
}

impl Blas {
    /// Opens the library on `stream`, whose context must be current on this thread.
    pub fn open(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        // No function of the library may be called before this check: if the library is missing, the call panics.
        // SAFETY: this loads the system's own library, whose start-up code is NVIDIA's, and closes it again.
        if !unsafe { sys::is_culib_present() } {
            return Err(CudaError::NoBlas);
        }
        let mut blas = Self { handle: result::create_handle()?, stream: stream.clone(), version: (0, 0) };
        let mut version: c_int = 0;
        // SAFETY: the handle is alive; the function writes only the number that it is given.
        unsafe { sys::cublasGetVersion_v2(blas.handle, &mut version) }.result()?;
        blas.version = (version / 10_000, version / 100 % 100);
        if blas.version < VERSION_MIN {
            let (major, minor) = blas.version;
            return Err(CudaError::OldBlas { major, minor });
        }
        // SAFETY: handle and stream are alive, and `blas` keeps both.
        unsafe { result::set_stream(blas.handle, stream.cu_stream().cast()) }?;
        // All is computed in f32, whatever the environment sets: not in TF32, and not by sums of shorter numbers.
        // SAFETY: the handle is alive.
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
        // The library stores matrices by columns, so a matrix of ours is its transpose there, and out' = b' a' is
        // computed.
        // SAFETY: the slices are long enough, by the asserts here and in `Matrix::new`; both scalars are read on the
        // host.
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
        // An error, as that of a broken GPU, no longer matters here.
        // SAFETY: the handle is alive, and nothing uses it from here on.
        let _ = unsafe { result::destroy_handle(self.handle) };
    }
}
