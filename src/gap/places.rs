//! Where good parts have points, pixel by pixel.

use half::f16;

use super::error::GapError;
use crate::areas::{Disc, Mask};
use crate::model::{GAP_PLACES_SHAPE, Tensor};

/// How far a part may lie from where the good ones lay, pixels.
const TOLERANCE: f32 = 2.0;

/// The pixels where good parts have points. A set is empty if the good parts lie too differently to learn it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Where every good part has points, but for single ones that are missing.
    pub(super) always: Mask,
    /// Where no good part has a point.
    pub(super) never: Mask,
}

impl Places {
    /// Shape of the tensor: both sets, rows, and the bytes of a row, eight pixels each, the first in the lowest bit.
    pub const SHAPE: [usize; 3] = GAP_PLACES_SHAPE;

    /// The sets as a tensor of [`Self::SHAPE`] for the engine file, 25 kB: a half holds a byte exactly.
    pub fn to_tensor(&self) -> Tensor {
        let bytes = [&self.always, &self.never].into_iter().flat_map(Mask::to_bytes);
        Tensor::F16(bytes.map(|byte| f16::from_f32(f32::from(byte))).collect())
    }

    /// The sets of an engine file's tensor, of which nothing is trusted.
    pub fn from_tensor(tensor: &Tensor) -> Result<Self, GapError> {
        let (values, expected) = (tensor.to_f32(), Self::SHAPE.iter().product());
        if values.len() != expected {
            return Err(GapError::Length { found: values.len(), expected });
        }
        let is_byte = |value: &f32| (0.0..=255.0).contains(value) && value.fract() == 0.0;
        if let Some(value) = values.iter().find(|value| !is_byte(value)) {
            return Err(GapError::Value(*value));
        }
        let bytes: Vec<u8> = values.iter().map(|value| *value as u8).collect();
        let (always, never) = bytes.split_at(expected / 2);
        Ok(Self { always: Mask::from_bytes(always), never: Mask::from_bytes(never) })
    }
}

/// [`Places`] as a frame is compared with them.
pub(super) struct Compared {
    /// A pixel without a point is missing here.
    pub filled: Mask,
    /// A pixel with a point is in excess here.
    pub empty: Mask,
    /// A gap is as it should be here.
    pub open: Mask,
}

impl Compared {
    pub fn new(places: &Places) -> Self {
        let (mut filled, mut empty, tolerance) = (Mask::default(), Mask::default(), Disc::new(TOLERANCE));
        filled.erode(&places.always, &tolerance);
        empty.erode(&places.never, &tolerance);
        Self { filled, empty, open: places.never.clone() }
    }
}
