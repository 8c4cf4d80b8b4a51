//! A pre-norm Transformer block on the device, shared by both networks: launches of `attention.cu` and `norm.cu`.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::launch::{Grid, Launch, int};
use crate::backend::cuda::layer::Layer;
use crate::backend::cuda::module::Kernels;
use crate::backend::cuda::products::Activation;
use crate::backend::kernel_sizes::padded;
use crate::fold::attention::scaled_qkv;
use crate::fold::linear::linear;
use crate::model::Tensors;

const NORM_THREADS: usize = 256;
const NORM_ROWS: usize = NORM_THREADS / 32;
const ATTENTION_THREADS: usize = 128;
const ATTENTION_ROWS: usize = 64;

/// A Transformer's sizes, and its rows `n`.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub n: usize,
    pub width: usize,
    pub heads: usize,
    pub mlp: usize,
    pub epsilon: f32,
}

/// A LayerNorm: weight and bias, `[width]`.
pub struct Norm {
    weight: CudaSlice<f32>,
    bias: CudaSlice<f32>,
    epsilon: f32,
}

/// Which rows of a stream are normed, and where they go: row i to i * `stride` + `column`.
#[derive(Clone, Copy)]
pub struct Place {
    pub skipped: usize,
    pub rows: usize,
    pub stride: usize,
    pub column: usize,
}

impl Norm {
    pub fn new(stream: &Arc<CudaStream>, weights: &mut Tensors, name: &str, epsilon: f32) -> Result<Self, CudaError> {
        let mut part = |leaf: &str| stream.clone_htod(&weights.take_f32(&format!("{name}.{leaf}")));
        Ok(Self { weight: part("weight")?, bias: part("bias")?, epsilon })
    }

    pub fn bytes(&self) -> usize {
        self.weight.num_bytes() + self.bias.num_bytes()
    }

    /// Adds `positions`, if given, to x, f32 `[.., width]`, and norms it -> halves.
    pub fn run(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        (x, positions): (&mut CudaSlice<f32>, Option<&CudaSlice<f32>>),
        place: Place,
        out: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Place { skipped, rows, stride, column } = place;
        let width = self.weight.len();
        let end = (skipped + rows) * width;
        assert!(x.len() >= end && positions.is_none_or(|p| p.len() >= end));
        assert!(column + width <= stride && out.len() >= rows * stride);
        assert!([width, stride, column].iter().all(|size| size.is_multiple_of(2)));
        let [skipped, of_rows, width, stride, column] = [skipped, rows, width, stride, column].map(int);
        let launch = Launch::new(stream, &kernels.layer_norm).writes(x).reads_if(positions);
        let launch = launch.reads(&self.weight).reads(&self.bias).value(&skipped).value(&of_rows).value(&width);
        let launch = launch.value(&self.epsilon).value(&stride).value(&column).writes(out);
        // SAFETY: the lengths are checked above.
        unsafe { launch.run(Grid::over(rows, NORM_ROWS, NORM_THREADS)) }
    }
}

/// The stream of a Transformer, and what its blocks compute on the way.
pub struct Rows {
    /// f32 `[n, width]`.
    pub x: CudaSlice<f32>,
    /// Halves `[n, width]`, `[n, 3 width]`, `[n, width]` and `[n, mlp]`.
    normed: CudaSlice<u16>,
    qkv: CudaSlice<u16>,
    attended: CudaSlice<u16>,
    hidden: CudaSlice<u16>,
}

impl Rows {
    pub fn new(stream: &Arc<CudaStream>, sizes: &Sizes) -> Result<Self, CudaError> {
        let Sizes { n, width, mlp, .. } = *sizes;
        Ok(Self {
            x: stream.alloc_zeros(n * width)?,
            normed: stream.alloc_zeros(n * width)?,
            qkv: stream.alloc_zeros(n * 3 * width)?,
            attended: stream.alloc_zeros(n * width)?,
            hidden: stream.alloc_zeros(n * padded(mlp))?,
        })
    }
}

/// One block: attention and MLP, each behind its norm and added to its input.
pub struct Block {
    norm1: Norm,
    qkv: Layer,
    proj: Layer,
    norm2: Norm,
    fc1: Layer,
    fc2: Layer,
    sizes: Sizes,
}

impl Block {
    pub fn new(stream: &Arc<CudaStream>, weights: &mut Tensors, name: &str, sizes: &Sizes) -> Result<Self, CudaError> {
        let Sizes { width, heads, mlp, epsilon, .. } = *sizes;
        let norm1 = Norm::new(stream, weights, &format!("{name}.norm1"), epsilon)?;
        let norm2 = Norm::new(stream, weights, &format!("{name}.norm2"), epsilon)?;
        let qkv = scaled_qkv(weights, &format!("{name}.attn.qkv"), width, heads);
        let mut part = |leaf: &str, to| linear(weights, &format!("{name}.{leaf}"), to);
        let (proj, fc1, fc2) = (part("attn.proj", width), part("mlp.fc1", mlp), part("mlp.fc2", width));
        // Hidden units that are added are zero, before and after the GELU.
        let mlp = padded(mlp);
        Ok(Self {
            norm1,
            norm2,
            qkv: Layer::new(stream, &qkv, width, 3 * width)?,
            proj: Layer::new(stream, &proj, width, width)?,
            fc1: Layer::new(stream, &fc1, width, mlp)?,
            fc2: Layer::new(stream, &fc2, mlp, width)?,
            sizes: *sizes,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        let layers = [&self.qkv, &self.proj, &self.fc1, &self.fc2].map(Layer::bytes);
        self.norm1.bytes() + self.norm2.bytes() + layers.iter().sum::<usize>()
    }

    /// Adds `positions`, if given, and then what the block computes to the stream of `rows`.
    pub fn run(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        rows: &mut Rows,
        positions: Option<&CudaSlice<f32>>,
    ) -> Result<(), CudaError> {
        let Sizes { n, width, .. } = self.sizes;
        let Rows { x, normed, qkv, attended, hidden } = rows;
        let all = Place { skipped: 0, rows: n, stride: width, column: 0 };
        self.norm1.run(kernels, stream, (&mut *x, positions), all, normed)?;
        self.qkv.on(normed, n).linear(kernels, stream, Activation::Nothing, qkv)?;
        self.attend(kernels, stream, qkv, attended)?;
        self.proj.on(attended, n).add_linear(kernels, stream, x)?;
        self.norm2.run(kernels, stream, (&mut *x, None), all, normed)?;
        self.fc1.on(normed, n).linear(kernels, stream, Activation::Gelu, hidden)?;
        self.fc2.on(hidden, n).add_linear(kernels, stream, x)
    }

    fn attend(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        qkv: &CudaSlice<u16>,
        out: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Sizes { n, width, heads, .. } = self.sizes;
        assert_eq!((qkv.len(), out.len()), (n * 3 * width, n * width));
        let sizes = [n, width, width / heads].map(int);
        let launch = Launch::new(stream, &kernels.attention).reads(qkv);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above.
        unsafe { launch.run(Grid::new([n.div_ceil(ATTENTION_ROWS), heads], ATTENTION_THREADS)) }
    }
}
