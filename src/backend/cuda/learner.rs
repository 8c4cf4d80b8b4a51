//! Learning of both mappings on the GPU: the steps of `backend/cpu/training.rs`, with products by cuBLAS and the
//! kernels of `kernels/fit.cu` between them. All work is in one stream. Weights, moments and activations stay on the
//! device: a step uploads its batch and downloads nothing.

use std::mem::swap;
use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::blas::{Blas, Matrix};
use super::device::Device;
use super::error::CudaError;
use super::fit;
use super::module::Kernels;
use crate::backend::BackendError;
use crate::backend::learner::{Adam, LAYERS, Learner, LearnerState, Pixels, take, tensor_names};
use crate::model::{Architecture, MappingWeights, Score};

/// Both mappings on the first GPU.
pub struct CudaLearner {
    handles: Handles,
    to_xyz: Mapping,
    to_rgb: Mapping,
    activations: Activations,
    /// The sum of the losses of the steps since [`Learner::take_loss`] was last called, `[1]`.
    total: CudaSlice<f64>,
    /// C_RGB and C_XYZ.
    channels: [usize; 2],
}

/// The stream, the kernels and the library that the steps of both mappings use.
struct Handles {
    stream: Arc<CudaStream>,
    kernels: Arc<Kernels>,
    blas: Blas,
}

impl Handles {
    fn open() -> Result<Self, CudaError> {
        let Device { shape: stream, kernels, .. } = Device::open()?;
        Ok(Self { blas: Blas::open(&stream)?, stream, kernels })
    }
}

/// `C_in - M - M - C_out`.
struct Mapping {
    name: &'static str,
    layers: [Layer; 3],
}

/// A layer `[to, from]` with its bias, each with the optimiser's moments.
struct Layer {
    weight: Tensor,
    bias: Tensor,
    from: usize,
    to: usize,
}

struct Tensor {
    values: CudaSlice<f32>,
    first: CudaSlice<f32>,
    second: CudaSlice<f32>,
}

/// Buffers that both mappings use in turn, for batches of up to `rows` pixels.
struct Activations {
    rows: usize,
    /// The batch, `[n, C_RGB]` and `[n, C_XYZ]`.
    rgb: CudaSlice<f32>,
    xyz: CudaSlice<f32>,
    /// The hidden units before and after each GELU, `[n, M]`.
    before: [CudaSlice<f32>; 2],
    after: [CudaSlice<f32>; 2],
    /// `[n, C_out]`.
    predicted: CudaSlice<f32>,
    losses: CudaSlice<f32>,
    /// The gradient of the loss with respect to a layer's output, `[n, to]`.
    gradient: CudaSlice<f32>,
    /// The gradient with respect to the output of the layer before, `[n, from]`.
    upstream: CudaSlice<f32>,
    /// The gradients with respect to a layer's weight, `[to, from]`, and bias, `[to]`.
    weight_gradient: CudaSlice<f32>,
    bias_gradient: CudaSlice<f32>,
}

/// Checks that there is a GPU, and that the library that a fit needs is installed.
pub fn check() -> Result<(), CudaError> {
    Handles::open().map(|_| ())
}

impl CudaLearner {
    /// Opens the first GPU. `weights`: every tensor of [`Architecture::mapping_tensors`]. The score must be the paper's
    /// product, as no kernel learns another one.
    pub fn new(architecture: &Architecture, mut weights: MappingWeights) -> Result<Self, CudaError> {
        assert_eq!(architecture.score, Score::Product, "the GPU learns no other score");
        let handles = Handles::open()?;
        let stream = &handles.stream;
        let (m, channels) = (architecture.hidden, [architecture.c_rgb(), architecture.c_xyz()]);
        let [c_rgb, c_xyz] = channels;
        let to_xyz = Mapping::new(stream, "map_rgb_to_xyz", [c_rgb, m, c_xyz], &mut weights)?;
        let to_rgb = Mapping::new(stream, "map_xyz_to_rgb", [c_xyz, m, c_rgb], &mut weights)?;
        let activations = Activations::new(stream, 1, m, channels)?;
        Ok(Self { to_xyz, to_rgb, activations, total: stream.alloc_zeros(1)?, channels, handles })
    }

    /// Uploads a batch, and returns its number of pixels.
    fn upload(&mut self, Pixels { rgb, xyz }: &Pixels) -> Result<usize, CudaError> {
        let [c_rgb, c_xyz] = self.channels;
        let n = rgb.len() / c_rgb;
        assert_eq!((rgb.len(), xyz.len()), (n * c_rgb, n * c_xyz), "the features do not have the engine's channels");
        let stream = &self.handles.stream;
        if n > self.activations.rows {
            self.activations = Activations::new(stream, n, self.to_xyz.layers[0].to, self.channels)?;
        }
        stream.memcpy_htod(rgb, &mut self.activations.rgb)?;
        stream.memcpy_htod(xyz, &mut self.activations.xyz)?;
        Ok(n)
    }

    fn learn(&mut self, batch: &Pixels, clock: &Adam) -> Result<(), CudaError> {
        let n = self.upload(batch)?;
        let Self { handles, to_xyz, to_rgb, activations, total, .. } = self;
        for (mapping, to_colour) in [(to_xyz, false), (to_rgb, true)] {
            mapping.loss(handles, activations, n, to_colour, total)?;
            mapping.learn(handles, activations, n, to_colour, clock)?;
        }
        Ok(())
    }

    fn evaluate(&mut self, pixels: &Pixels) -> Result<f64, CudaError> {
        let n = self.upload(pixels)?;
        let Self { handles, to_xyz, to_rgb, activations, .. } = self;
        let mut total = handles.stream.alloc_zeros(1)?;
        to_xyz.loss(handles, activations, n, false, &mut total)?;
        to_rgb.loss(handles, activations, n, true, &mut total)?;
        read(&handles.stream, &total)
    }

    fn tensors(&self) -> impl Iterator<Item = (String, &CudaSlice<f32>)> {
        [&self.to_xyz, &self.to_rgb].into_iter().flat_map(Mapping::tensors)
    }

    fn download<'a>(
        &self,
        tensors: impl Iterator<Item = (String, &'a CudaSlice<f32>)>,
    ) -> Result<LearnerState, CudaError> {
        tensors.map(|(name, values)| Ok((name, self.handles.stream.clone_dtoh(values)?))).collect()
    }

    fn upload_state(&mut self, state: &mut LearnerState) -> Result<(), CudaError> {
        for (name, values) in [&mut self.to_xyz, &mut self.to_rgb].into_iter().flat_map(Mapping::tensors_mut) {
            self.handles.stream.memcpy_htod(&take(state, &name), values)?;
        }
        Ok(())
    }
}

/// Reads a sum after all work before it in the stream.
fn read(stream: &Arc<CudaStream>, total: &CudaSlice<f64>) -> Result<f64, CudaError> {
    Ok(stream.clone_dtoh(total)?.into_iter().sum())
}

impl Learner for CudaLearner {
    fn step(&mut self, batch: &Pixels, adam: &Adam) -> Result<(), BackendError> {
        Ok(self.learn(batch, adam)?)
    }

    fn take_loss(&mut self) -> Result<f64, BackendError> {
        let loss = read(&self.handles.stream, &self.total)?;
        self.handles.stream.memset_zeros(&mut self.total).map_err(CudaError::from)?;
        Ok(loss)
    }

    fn loss(&mut self, pixels: &Pixels) -> Result<f64, BackendError> {
        Ok(self.evaluate(pixels)?)
    }

    fn weights(&self) -> Result<MappingWeights, BackendError> {
        let moment = |name: &str| name.ends_with(".first") || name.ends_with(".second");
        Ok(self.download(self.tensors().filter(|(name, _)| !moment(name)))?)
    }

    fn state(&self) -> Result<LearnerState, BackendError> {
        Ok(self.download(self.tensors())?)
    }

    fn shapes(&self) -> Vec<(String, usize)> {
        self.tensors().map(|(name, values)| (name, values.len())).collect()
    }

    fn replace(&mut self, state: &mut LearnerState) -> Result<(), BackendError> {
        Ok(self.upload_state(state)?)
    }
}

impl Mapping {
    /// Takes `NAME.{input,projection,output}.{weight,bias}` out of `weights`; `widths` are C_in, M and C_out.
    fn new(
        stream: &Arc<CudaStream>,
        name: &'static str,
        [c_in, m, c_out]: [usize; 3],
        weights: &mut MappingWeights,
    ) -> Result<Self, CudaError> {
        let mut layer = |i: usize, from, to| Layer::new(stream, &format!("{name}.{}", LAYERS[i]), [from, to], weights);
        Ok(Self { name, layers: [layer(0, c_in, m)?, layer(1, m, m)?, layer(2, m, c_out)?] })
    }

    fn tensors(&self) -> impl Iterator<Item = (String, &CudaSlice<f32>)> {
        let layers = LAYERS.iter().zip(&self.layers);
        layers.flat_map(|(leaf, layer)| tensor_names(self.name, leaf).into_iter().zip(layer.tensors()))
    }

    fn tensors_mut(&mut self) -> impl Iterator<Item = (String, &mut CudaSlice<f32>)> {
        let (name, layers) = (self.name, LAYERS.iter().zip(&mut self.layers));
        layers.flat_map(move |(leaf, layer)| tensor_names(name, leaf).into_iter().zip(layer.tensors_mut()))
    }

    /// Adds the mean loss of the batch's `n` pixels to `total`, and computes the gradient of that mean.
    fn loss(
        &self,
        Handles { stream, kernels, blas }: &Handles,
        on: &mut Activations,
        n: usize,
        to_colour: bool,
        total: &mut CudaSlice<f64>,
    ) -> Result<(), CudaError> {
        let (from, to) = if to_colour { (&on.xyz, &on.rgb) } else { (&on.rgb, &on.xyz) };
        let [input, projection, output] = &self.layers;
        let ([first, second], [after_first, after_second]) = (&mut on.before, &mut on.after);
        input.forward(blas, from, n, first)?;
        fit::bias_gelu(kernels, stream, n, &input.bias.values, [first, after_first])?;
        projection.forward(blas, after_first, n, second)?;
        fit::bias_gelu(kernels, stream, n, &projection.bias.values, [second, after_second])?;
        output.forward(blas, after_second, n, &mut on.predicted)?;
        let prediction = (&on.predicted, &output.bias.values, to);
        fit::cosine_loss(kernels, stream, n, prediction, (&mut on.losses, &mut on.gradient))?;
        fit::add_mean(kernels, stream, n, &on.losses, total)
    }

    /// Takes one step with the gradient that [`Self::loss`] computed.
    fn learn(
        &mut self,
        handles: &Handles,
        on: &mut Activations,
        n: usize,
        to_colour: bool,
        clock: &Adam,
    ) -> Result<(), CudaError> {
        let Handles { stream, kernels, blas } = handles;
        for i in [2, 1, 0] {
            let layer = &mut self.layers[i];
            let input = match i {
                0 if to_colour => &on.xyz,
                0 => &on.rgb,
                _ => &on.after[i - 1],
            };
            let shape = [n, layer.to];
            let gradient = Matrix::new(&on.gradient, n, layer.to);
            blas.product(gradient.t(), Matrix::new(input, n, layer.from), &mut on.weight_gradient)?;
            fit::column_sums(kernels, stream, shape, &on.gradient, &mut on.bias_gradient)?;
            if i > 0 {
                // The gradient passes through the weight as it was before this step.
                blas.product(gradient, layer.matrix(), &mut on.upstream)?;
                fit::gelu_backward(kernels, stream, [n, layer.from], &on.before[i - 1], &mut on.upstream)?;
                swap(&mut on.gradient, &mut on.upstream);
            }
            layer.weight.update(handles, clock, &on.weight_gradient)?;
            layer.bias.update(handles, clock, &on.bias_gradient)?;
        }
        Ok(())
    }
}

impl Layer {
    fn new(
        stream: &Arc<CudaStream>,
        name: &str,
        [from, to]: [usize; 2],
        weights: &mut MappingWeights,
    ) -> Result<Self, CudaError> {
        let mut tensor = |leaf: &str, count: usize| -> Result<Tensor, CudaError> {
            let values = take(weights, &format!("{name}.{leaf}"));
            assert_eq!(values.len(), count, "{name}.{leaf}");
            let (first, second) = (stream.alloc_zeros(count)?, stream.alloc_zeros(count)?);
            Ok(Tensor { values: stream.clone_htod(&values)?, first, second })
        };
        Ok(Self { weight: tensor("weight", to * from)?, bias: tensor("bias", to)?, from, to })
    }

    /// The tensors in the order of [`tensor_names`].
    fn tensors(&self) -> [&CudaSlice<f32>; 6] {
        let Self { weight, bias, .. } = self;
        [&weight.values, &bias.values, &weight.first, &weight.second, &bias.first, &bias.second]
    }

    fn tensors_mut(&mut self) -> [&mut CudaSlice<f32>; 6] {
        let Self { weight, bias, .. } = self;
        let [(w, w1, w2), (b, b1, b2)] = [weight, bias].map(|t| (&mut t.values, &mut t.first, &mut t.second));
        [w, b, w1, w2, b1, b2]
    }

    fn matrix(&self) -> Matrix<'_> {
        Matrix::new(&self.weight.values, self.to, self.from)
    }

    /// x `[n, from]` -> out `[n, to]`, without the bias.
    fn forward(&self, blas: &Blas, x: &CudaSlice<f32>, n: usize, out: &mut CudaSlice<f32>) -> Result<(), CudaError> {
        blas.product(Matrix::new(x, n, self.from), self.matrix().t(), out)
    }
}

impl Tensor {
    fn update(&mut self, handles: &Handles, clock: &Adam, gradient: &CudaSlice<f32>) -> Result<(), CudaError> {
        let tensors = [&mut self.values, &mut self.first, &mut self.second];
        fit::adam(&handles.kernels, &handles.stream, clock, gradient, tensors)
    }
}

impl Activations {
    fn new(stream: &Arc<CudaStream>, rows: usize, m: usize, [c_rgb, c_xyz]: [usize; 2]) -> Result<Self, CudaError> {
        let of = |columns: usize| stream.alloc_zeros(rows * columns);
        let c = c_rgb.max(c_xyz);
        Ok(Self {
            rows,
            rgb: of(c_rgb)?,
            xyz: of(c_xyz)?,
            before: [of(m)?, of(m)?],
            after: [of(m)?, of(m)?],
            predicted: of(c)?,
            losses: of(1)?,
            gradient: of(c.max(m))?,
            upstream: of(c.max(m))?,
            weight_gradient: stream.alloc_zeros(m * c.max(m))?,
            bias_gradient: stream.alloc_zeros(c.max(m))?,
        })
    }
}
