//! The second half of an inspection: the networks' input becomes a verdict.

use super::doubt::Doubt;
use super::error::InspectError;
use super::gaps::GapStage;
use super::inspection::Inspection;
use super::outcome::{Outcome, Scores, Unscored};
use crate::backend::gpu_frame::{GpuTimes, GpuUse};
use crate::backend::{Backend, Features};
use crate::defects::{Balance, Finder};
use crate::regions::NetworkMask;
use crate::score::{self, Thresholds, Verdict};

/// Scores prepared frames by an engine, in buffers that frames reuse.
pub struct ScoringStage {
    /// None where nothing was taught yet: no frame is scored.
    backend: Option<Box<dyn Backend + Send>>,
    pub(super) thresholds: Option<Thresholds>,
    regions: Option<NetworkMask>,
    pub(super) gaps: Option<GapStage>,
    finder: Finder,
    balance: Balance,
    pub(super) rejects_doubtful: bool,
    points_min: usize,
    features: Features,
}

impl ScoringStage {
    /// Frames with fewer points than `points_min` are not scored.
    pub(super) fn new(
        backend: Option<Box<dyn Backend + Send>>,
        thresholds: Option<Thresholds>,
        balance: Balance,
        points_min: usize,
    ) -> Self {
        Self {
            backend,
            thresholds,
            regions: None,
            gaps: None,
            finder: Finder::default(),
            balance,
            rejects_doubtful: false,
            points_min,
            features: Features::default(),
        }
    }

    /// Scores what [`super::PreparationStage::run`] has prepared of a frame of a size, width and height.
    pub fn run(&mut self, (width, height): (usize, usize), inspection: &mut Inspection) -> Result<(), InspectError> {
        inspection.gap = None;
        inspection.defects.clear();
        let refusal = self.refusal(inspection);
        let backend = match (refusal, &mut self.backend) {
            (None, Some(backend)) => backend,
            (refusal, _) => {
                inspection.maps.silence();
                inspection.outcome = Outcome::Unscored(refusal.unwrap_or(Unscored::NoEngine));
                return Ok(());
            }
        };
        let Inspection { input, maps, times, gap, defects, .. } = inspection;
        let stages = backend.prepared_frame(input, &mut self.features, maps)?;
        [times.rgb_tokens, times.xyz_groups, times.anomaly_map] = stages;
        let mut counts = None;
        if let Some(regions) = &mut self.regions {
            let inside = regions.for_window(width, height, &input.window)?;
            maps.keep(inside);
            counts = Some(inside);
            if !maps.valid.contains(&true) {
                inspection.outcome = Outcome::Unscored(Unscored::OutsideRegions);
                return Ok(());
            }
        }
        if let Some(gaps) = &mut self.gaps {
            let counts = |pixel: usize| counts.is_none_or(|inside| inside[pixel]);
            *gap = gaps.mark(input, counts, &mut maps.anomaly_map);
        }
        let map = &maps.anomaly_map;
        let scores = Scores { score: score::maximum(map), reference: score::reference(map) };
        let verdict = self.thresholds.map(|thresholds| thresholds.verdict(scores.score));
        if let Some(limit) = self.thresholds.map(|t| t.pass_limit()).filter(|_| verdict != Some(Verdict::Pass)) {
            let beyond = gap.and(self.gaps.as_ref()).map(GapStage::beyond);
            self.finder.find(limit, input, maps, beyond, self.balance, defects);
        }
        inspection.outcome = Outcome::Scored { scores, verdict };
        Ok(())
    }

    pub(super) fn measure_gpu(&mut self) -> Result<Option<GpuUse>, InspectError> {
        Ok(self.backend.as_mut().map_or(Ok(None), |backend| backend.measure_gpu())?)
    }

    pub(super) fn gpu_times(&self) -> Result<Option<GpuTimes>, InspectError> {
        Ok(self.backend.as_ref().map_or(Ok(None), |backend| backend.gpu_times())?)
    }

    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = Some(thresholds);
    }

    /// Sets the regions in which defects count from now on; with none they count everywhere. Returns the previous ones.
    pub fn replace_regions(&mut self, regions: Option<NetworkMask>) -> Option<NetworkMask> {
        std::mem::replace(&mut self.regions, regions)
    }

    /// Why a prepared frame is rejected without a score.
    fn refusal(&self, inspection: &Inspection) -> Option<Unscored> {
        let doubtful = |doubt: &Doubt| self.rejects_doubtful.then_some(Unscored::Doubtful(*doubt));
        Unscored::from_input(&inspection.input, self.points_min)
            .or_else(|| inspection.doubt.as_ref().and_then(doubtful))
    }
}
