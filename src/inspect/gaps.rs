//! The check for gaps of an engine that has learnt one.

use crate::areas::Mask;
use crate::gap::{Gap, GapCheck, GapError, GapModel, GapScratch, Places};
use crate::model::GAP_PLACES;
use crate::model::engine_file::Engine;
use crate::prepare::NetworkInput;

/// The check with its buffers, which frames reuse.
pub struct GapStage {
    check: GapCheck,
    scratch: GapScratch,
    /// The score of a part with an area at its limit.
    score: f32,
}

impl GapStage {
    /// The check of an engine; none where its fit learnt none.
    pub fn of(engine: &Engine) -> Result<Option<Self>, GapError> {
        let Some((gaps, places)) = engine.metadata.gaps.zip(engine.weights.get(GAP_PLACES)) else { return Ok(None) };
        let model = GapModel { limits: gaps.limits, places: Places::from_tensor(places)? };
        Ok(Some(Self { check: GapCheck::new(&model), scratch: GapScratch::default(), score: gaps.score }))
    }

    /// The pixels beyond a limit in the part that was marked last, those that do not count too.
    pub fn beyond(&self) -> &Mask {
        self.scratch.beyond()
    }

    /// Raises `map`, `[P]`, to the score of the gap at its pixels, and returns the gap if it is beyond its limit at a pixel
    /// that `counts`. Lowers no value.
    pub fn mark(&mut self, input: &NetworkInput, counts: impl Fn(usize) -> bool, map: &mut [f32]) -> Option<Gap> {
        let gap = self.check.measure(input, &mut self.scratch);
        let score = self.score * gap.ratio;
        let mut is_marked = false;
        for pixel in self.scratch.beyond().pixels().filter(|pixel| counts(*pixel)) {
            // A map that is no number stays none.
            map[pixel] = if map[pixel] < score { score } else { map[pixel] };
            is_marked = true;
        }
        is_marked.then_some(gap)
    }
}
