//! The parts that a fit learns from, each as it is and as its copies.

use super::settings::{FitSettings, Turned};
use super::variety::{self, CopyOf, FrameCopy, Place};
use crate::frame::RgbdFrame;
use crate::inspect::Unscored;
use crate::prepare::crop::CropMisfit;
use crate::prepare::{NetworkInput, PartChoice, Preparation, Preparer};

/// Turned copies of a part, where there are any.
const TURNED: usize = 6;
/// A copy that does not show the part as the original does is drawn anew so often, then left out.
const ATTEMPTS: usize = 3;
/// The share of the points by which the part of a copy may differ from the original's: what is turned shows corners of a sheet
/// that fills the frame less, for example.
const POINTS_SHARE: f32 = 0.3;

/// The frames of the cache that show one part.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    pub original: usize,
    pub shifted: Vec<usize>,
    pub turned: Vec<usize>,
}

impl Versions {
    /// The original first.
    pub fn all(&self, with_turned: bool) -> Vec<usize> {
        let turned = self.turned.iter().filter(|_| with_turned);
        [self.original].iter().chain(&self.shifted).chain(turned).copied().collect()
    }
}

/// A part of a frame, prepared.
pub struct Original<'a> {
    pub frame: &'a RgbdFrame,
    pub fingerprint: &'a str,
    /// Which of the frame's parts.
    pub part: usize,
    pub input: &'a NetworkInput,
    pub how: &'a Preparation,
    /// Fewer points than this are no part.
    pub points_min: usize,
}

impl Original<'_> {
    /// Prepared copies, as `settings` ask for them: shifted ones, and turned ones.
    pub fn copies(
        &self,
        settings: &FitSettings,
        preparer: &mut Preparer,
    ) -> Result<[Vec<NetworkInput>; 2], CropMisfit> {
        let turned = if settings.turned == Turned::Never { 0 } else { TURNED };
        let mut copies = [Vec::new(), Vec::new()];
        if settings.copies + turned == 0 {
            return Ok(copies);
        }
        let Some(place) = Place::of(self.frame, self.input, self.how.part) else { return Ok(copies) };
        let shift = |copy: CopyOf| Some(variety::shifted(self.frame, &place, copy));
        let turn = |copy: CopyOf| variety::turned(self.frame, &place, copy, turned);
        for number in 0..settings.copies {
            copies[0].extend(self.copy(number, settings.seed, preparer, &shift)?);
        }
        for number in 0..turned {
            copies[1].extend(self.copy(number, settings.seed, preparer, &turn)?);
        }
        Ok(copies)
    }

    fn copy(
        &self,
        number: usize,
        seed: u64,
        preparer: &mut Preparer,
        make: &dyn Fn(CopyOf) -> Option<FrameCopy>,
    ) -> Result<Option<NetworkInput>, CropMisfit> {
        let &Self { fingerprint, part, .. } = self;
        for attempt in 0..ATTEMPTS {
            let Some(FrameCopy { frame, middle }) = make(CopyOf { seed, fingerprint, part, number, attempt }) else {
                return Ok(None);
            };
            let at = (self.how.part == PartChoice::Each).then_some(middle);
            let mut input = NetworkInput::default();
            preparer.run(&frame, self.how, at, &mut input)?;
            if self.is_like(&input) {
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    /// Whether a copy shows about as much of the part, and as whole.
    fn is_like(&self, copy: &NetworkInput) -> bool {
        let points = self.input.points() as f32;
        Unscored::from_input(copy, self.points_min).is_none()
            && copy.taken.touches_edge <= self.input.taken.touches_edge
            && (copy.points() as f32 - points).abs() <= POINTS_SHARE * points
    }
}
