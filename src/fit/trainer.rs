//! The loop: epochs over cached frames, both mappings together, the best kept.

use std::collections::BTreeMap;

use super::cache::{CachedFrame, TokenCache};
use super::error::FitError;
use super::settings::{Decay, FitSettings, Progress};
use crate::backend::Choice;
use crate::backend::cpu::training::CpuLearner;
use crate::backend::learner::{Adam, Learner, Pixels};
use crate::model::{Architecture, MEAN_VARIANCE, MappingWeights, Score};

/// Frames that one step of Adam draws its pixels from.
const FRAMES_PER_STEP: usize = 4;
/// Pixels that the held-out loss is measured on.
const HELD_OUT_PIXELS: usize = 4096;
/// Fewer frames than this leave none to hold out.
pub(super) const HELD_OUT_FRAMES_MIN: usize = 5;

pub struct Trainer {
    pub(super) cache: TokenCache,
    /// Both mappings, on the machine that learns them.
    pub(super) learner: Box<dyn Learner>,
    pub(super) adam: Adam,
    pub(super) epochs_done: usize,
    pub(super) best: Option<(f64, MappingWeights)>,
    settings: FitSettings,
    architecture: Architecture,
    /// Names and lengths of the mappings' tensors.
    shapes: Vec<(String, usize)>,
    /// For each part, the frames of the cache that show it: the original first, then its copies.
    versions: Vec<Vec<usize>>,
    /// Parts to learn from.
    train: Vec<usize>,
    held_out: Option<Pixels>,
    frame: CachedFrame,
    batch: Pixels,
}

impl Trainer {
    /// Mappings start as PyTorch starts linear layers.
    pub fn new(
        choice: Choice,
        architecture: &Architecture,
        mut cache: TokenCache,
        versions: Vec<Vec<usize>>,
        settings: &FitSettings,
    ) -> Result<Self, FitError> {
        let weights = initial_mappings(architecture, settings.seed);
        let shapes = weights.iter().map(|(name, values)| (name.clone(), values.len())).collect();
        let learner = choice.machine().learner(architecture, weights)?;
        let architecture = architecture.clone();
        let (train, held_out) = divide(versions.len(), settings.held_out);
        // Parts are held out with their copies, and reported on as they are.
        let held_out: Vec<usize> = held_out.into_iter().map(|part| versions[part][0]).collect();
        let held_out = sample_held_out(&mut cache, &held_out, settings.seed)?;
        Ok(Self {
            cache,
            learner,
            adam: clock(settings, train.len()),
            epochs_done: 0,
            best: None,
            settings: *settings,
            architecture,
            shapes,
            versions,
            train,
            held_out,
            frame: CachedFrame::default(),
            batch: Pixels::default(),
        })
    }

    pub fn parts(&self) -> usize {
        self.versions.len()
    }

    /// The features, for another fit on them.
    pub fn into_cache(self) -> TokenCache {
        self.cache
    }

    pub fn epochs_done(&self) -> usize {
        self.epochs_done
    }

    /// The mappings with the least held-out loss, or training loss where none is held out.
    pub fn finish(mut self) -> Result<MappingWeights, FitError> {
        let mut best = match self.best.take() {
            Some((_, weights)) => weights,
            None => self.learner.weights()?,
        };
        if self.architecture.score == Score::Likelihood {
            let means = self.mean_squared_errors(&best)?;
            best.extend(means);
        }
        Ok(best)
    }

    /// Each channel's mean squared error on the frames that were learnt from and their copies, as tensors of the mappings.
    fn mean_squared_errors(&mut self, mappings: &MappingWeights) -> Result<MappingWeights, FitError> {
        let mut learner = CpuLearner::new(&self.architecture, mappings.clone());
        let mut random = fastrand::Rng::with_seed(self.settings.seed);
        let mut sums: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let versions: Vec<usize> = self.train.iter().flat_map(|part| self.versions[*part].iter().copied()).collect();
        let mut pixels = 0;
        for frames in versions.chunks(FRAMES_PER_STEP) {
            self.draw(frames, &mut random)?;
            pixels += self.batch.rgb.len() / self.architecture.c_rgb();
            for (name, squares) in learner.squared_errors(&self.batch) {
                let sums = sums.entry(name).or_insert_with(|| vec![0.0; squares.len()]);
                sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
            }
        }
        let mean = |sums: Vec<f64>| sums.into_iter().map(|sum| (sum / pixels.max(1) as f64) as f32).collect();
        Ok(sums.into_iter().map(|(name, sums)| (format!("{name}.{MEAN_VARIANCE}"), mean(sums))).collect())
    }

    /// Every training frame once, as it is or as one of its copies.
    pub fn epoch(&mut self) -> Result<Progress, FitError> {
        // Seeded by the epoch, so that a fit that is continued draws what it would have drawn.
        let mut random = fastrand::Rng::with_seed(self.settings.seed.wrapping_add(self.epochs_done as u64 + 1));
        let mut order = self.train.clone();
        random.shuffle(&mut order);
        order.iter_mut().for_each(|part| *part = version(&self.versions[*part], &mut random));
        let mut steps = 0;
        for frames in order.chunks(FRAMES_PER_STEP) {
            self.draw(frames, &mut random)?;
            self.adam.advance();
            self.learner.step(&self.batch, &self.adam)?;
            steps += 1;
        }
        self.epochs_done += 1;
        let loss = self.learner.take_loss()? / f64::from(steps);
        let held_out_loss = self.held_out.as_ref().map(|pixels| self.learner.loss(pixels)).transpose()?;
        let judged = held_out_loss.unwrap_or(loss);
        if !loss.is_finite() || !judged.is_finite() {
            return Err(FitError::Diverged { epoch: self.epochs_done });
        }
        if self.best.as_ref().is_none_or(|(best, _)| judged < *best) {
            self.best = Some((judged, self.learner.weights()?));
        }
        Ok(Progress { is_trial: false, epoch: self.epochs_done, epochs: self.settings.epochs, loss, held_out_loss })
    }

    fn draw(&mut self, frames: &[usize], random: &mut fastrand::Rng) -> Result<(), FitError> {
        let Pixels { rgb, xyz } = &mut self.batch;
        rgb.clear();
        xyz.clear();
        for &index in frames {
            self.cache.read(index, &mut self.frame)?;
            self.cache.sample(&self.frame, self.settings.pixels.div_ceil(frames.len()), random, rgb, xyz);
        }
        Ok(())
    }

    /// Whether `mappings` has the tensors of these mappings.
    pub fn fits(&self, mappings: &MappingWeights) -> bool {
        self.shapes.len() == mappings.len()
            && self.shapes.iter().all(|(name, len)| mappings.get(name).is_some_and(|v| v.len() == *len))
    }
}

/// The optimiser's clock for a fit on so many frames.
fn clock(settings: &FitSettings, frames: usize) -> Adam {
    let steps = settings.epochs.saturating_mul(frames.div_ceil(FRAMES_PER_STEP));
    match settings.decay {
        Decay::None => Adam::default(),
        Decay::Cosine => Adam::decaying(i32::try_from(steps).unwrap_or(i32::MAX)),
    }
}

/// One of the versions of a part, each as likely as the others. A single one is not drawn, so that fits without copies draw
/// what they always did.
fn version(versions: &[usize], random: &mut fastrand::Rng) -> usize {
    if versions.len() == 1 { versions[0] } else { versions[random.usize(..versions.len())] }
}

/// Indices to learn from, and an evenly spread share to report on.
fn divide(frames: usize, share: f64) -> (Vec<usize>, Vec<usize>) {
    let count = if frames < HELD_OUT_FRAMES_MIN { 0 } else { (frames as f64 * share).round() as usize };
    let held_out: Vec<usize> = (0..count.min(frames - 1)).map(|i| (i * frames + frames / 2) / count).collect();
    ((0..frames).filter(|i| !held_out.contains(i)).collect(), held_out)
}

fn sample_held_out(cache: &mut TokenCache, frames: &[usize], seed: u64) -> Result<Option<Pixels>, FitError> {
    let (mut pixels, mut frame) = (Pixels::default(), CachedFrame::default());
    let mut random = fastrand::Rng::with_seed(seed);
    for &index in frames {
        cache.read(index, &mut frame)?;
        let count = HELD_OUT_PIXELS.div_ceil(frames.len());
        cache.sample(&frame, count, &mut random, &mut pixels.rgb, &mut pixels.xyz);
    }
    Ok((!frames.is_empty()).then_some(pixels))
}

/// Weights and biases uniform within 1 / sqrt(fan in); of the layer that predicts variances zero, so that each is 1.
fn initial_mappings(architecture: &Architecture, seed: u64) -> MappingWeights {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut weights = MappingWeights::new();
    let mut bound = 0.0;
    for spec in architecture.mapping_tensors() {
        // A weight comes before its bias, which shares its fan in.
        if let [_, fan_in] = spec.shape[..] {
            bound = 1.0 / (fan_in as f32).sqrt();
        }
        let count = spec.shape.iter().product();
        let values = match spec.name.rsplit_once(".variance.") {
            Some((_, "mean")) => continue,
            Some(_) => vec![0.0; count],
            None => (0..count).map(|_| bound * (2.0 * random.f32() - 1.0)).collect(),
        };
        weights.insert(spec.name, values);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::{divide, version};

    #[test]
    fn every_version_is_drawn_alike_and_a_single_one_without_a_draw() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut counts = [0; 4];
        (0..4000).for_each(|_| counts[version(&[0, 1, 2, 3], &mut random)] += 1);
        // Standard error: 27.
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        let before = random.clone();
        assert_eq!(version(&[7], &mut random), 7);
        assert_eq!(random, before);
    }

    #[test]
    fn a_share_is_held_out_and_the_rest_learnt_from() {
        for frames in 1..60 {
            let (train, held_out) = divide(frames, 0.1);
            assert_eq!(train.len() + held_out.len(), frames);
            assert!(!train.is_empty());
            assert_eq!(held_out.len(), if frames < 5 { 0 } else { (frames as f64 * 0.1).round() as usize });
        }
    }
}
