//! The shape network on the device, from its groups on: Point-MAE (paper, section 4).

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::group_encoder::{GroupEncoder, Positions};
use super::transformer::{Block, Norm, Place, Rows, Sizes};
use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::module::Kernels;
use crate::model::{PointMaeShape, Tensors};

pub struct PointMae {
    encoder: GroupEncoder,
    positions: Positions,
    blocks: Vec<Block>,
    norm: Norm,
    /// f32 `[G, width]`, added to the stream before every block.
    embedded: CudaSlice<f32>,
    rows: Rows,
    taps: Vec<usize>,
    sizes: Sizes,
}

impl PointMae {
    pub fn new(stream: &Arc<CudaStream>, shape: &PointMaeShape, weights: &mut Tensors) -> Result<Self, CudaError> {
        let PointMaeShape { width, heads, mlp, layers, groups, .. } = *shape;
        let sizes = Sizes { n: groups, width, heads, mlp, epsilon: PointMaeShape::EPSILON };
        let encoder = GroupEncoder::new(stream, shape, weights)?;
        let positions = Positions::new(stream, shape, weights)?;
        let mut block = |i| Block::new(stream, weights, &format!("xyz.blocks.blocks.{i}"), &sizes);
        let blocks = (0..layers).map(&mut block).collect::<Result<_, _>>()?;
        Ok(Self {
            encoder,
            positions,
            blocks,
            norm: Norm::new(stream, weights, "xyz.norm", PointMaeShape::EPSILON)?,
            embedded: stream.alloc_zeros(groups * width)?,
            rows: Rows::new(stream, &sizes)?,
            taps: shape.taps.clone(),
            sizes,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::weight_bytes).sum();
        self.encoder.weight_bytes() + self.positions.weight_bytes() + blocks + self.norm.bytes()
    }

    /// Offsets, halves `[G, K, 3]`, and centres, `[G, 3]`, metres -> features, halves `[G, C_XYZ]`.
    pub fn run(
        &mut self,
        kernels: &Kernels,
        stream: &Arc<CudaStream>,
        (offsets, centres): (&CudaSlice<u16>, &CudaSlice<f32>),
        features: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Self { encoder, positions, blocks, norm, embedded, rows, taps, sizes } = self;
        let Sizes { n, width, .. } = *sizes;
        let stride = taps.len() * width;
        assert_eq!(features.len(), n * stride);
        encoder.run(kernels, stream, offsets, &mut rows.x)?;
        positions.run(kernels, stream, centres, embedded)?;
        for (i, block) in blocks.iter().enumerate() {
            block.run(kernels, stream, rows, Some(&*embedded))?;
            if let Some(tap) = taps.iter().position(|&tap| tap == i) {
                let place = Place { skipped: 0, rows: n, stride, column: tap * width };
                norm.run(kernels, stream, (&mut rows.x, None), place, features)?;
            }
        }
        Ok(())
    }
}
