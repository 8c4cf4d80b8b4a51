//! The watch for drift: whether light, depth and scores are still as they were when the station was set up. Measures of
//! the last parts are compared with the usual ones. Drift rejects nothing; it is logged and shown.

use std::path::Path;
use std::sync::Arc;

use super::judge::Judge;
use super::metrics::{Gauge, Metrics};
use crate::calibration::{CalibrationError, StationCalibration};
use crate::frame::{Region, RgbdFrame};
use crate::quality::Quality;

/// Number of parts whose measures are compared together.
pub const PARTS: usize = 64;
/// Half of the scores lie above the median of the calibration's good parts. For 64 parts the standard deviation of that
/// share is a sixteenth; four of them are no accident.
pub const USUAL_SHARE_ABOVE: [f64; 2] = [0.25, 0.75];

/// The usual quality of the station's frames, and where the part lies in them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub quality: Quality,
    pub region: Region,
}

impl Usual {
    /// Reads what `crosscheck calibrate-station` measured. None where the file has the belt only.
    pub fn read(path: &Path) -> Result<Option<Self>, CalibrationError> {
        let measured = StationCalibration::read(path)?.measured;
        Ok(measured.map(|measured| Self { quality: measured.usual, region: measured.region_of_interest }))
    }
}

/// Compares every judged part with what is usual.
pub struct Watch {
    usual: Option<Usual>,
    metrics: Arc<Metrics>,
    qualities: Vec<Quality>,
    scores: u32,
    above: u32,
    /// What was last found unusual about the frames.
    said: Vec<String>,
    /// Whether the scores were last found far off.
    scores_off: bool,
    /// The engine whose scores are counted.
    engine_sha256: String,
}

impl Watch {
    pub fn new(usual: Option<Usual>, metrics: Arc<Metrics>) -> Self {
        Self {
            usual,
            metrics,
            qualities: Vec::with_capacity(PARTS),
            scores: 0,
            above: 0,
            said: Vec::new(),
            scores_off: false,
            engine_sha256: String::new(),
        }
    }

    /// Takes in a part: its frame, its score, and what it was judged by.
    pub fn look(&mut self, frame: &RgbdFrame, score: Option<f32>, judge: &Judge) {
        if let Some(usual) = self.usual {
            self.qualities.push(Quality::of(frame, usual.region));
            if self.qualities.len() == PARTS {
                self.tell_frames(&usual.quality);
                self.qualities.clear();
            }
        }
        if judge.engine_sha256 != self.engine_sha256 {
            self.engine_sha256.clone_from(&judge.engine_sha256);
            (self.scores, self.above) = (0, 0);
        }
        if let (Some(score), Some(median)) = (score, judge.median_score()) {
            self.scores += 1;
            self.above += u32::from(score > median);
            if self.scores as usize == PARTS {
                self.tell_scores();
                (self.scores, self.above) = (0, 0);
            }
        }
    }

    fn tell_frames(&mut self, usual: &Quality) {
        let now = Quality::median(&self.qualities);
        self.metrics.set(Gauge::BrightnessRatio, f64::from(now.brightness / usual.brightness.max(1.0)));
        self.metrics.set(Gauge::SharpnessRatio, f64::from(now.sharpness / usual.sharpness.max(f32::MIN_POSITIVE)));
        self.metrics.set(Gauge::ValidShareRatio, f64::from(now.valid_share / usual.valid_share.max(f32::MIN_POSITIVE)));
        let faults = now.faults(Some(usual));
        if !faults.is_empty() && faults != self.said {
            log::warn!("the last {PARTS} frames are not as the station was set up: {}", faults.join("; "));
        } else if faults.is_empty() && !self.said.is_empty() {
            log::info!("frames are as the station was set up again");
        }
        self.said = faults;
    }

    fn tell_scores(&mut self) {
        let above = f64::from(self.above) / f64::from(self.scores);
        self.metrics.set(Gauge::ScoresAboveMedian, above);
        let [least, largest] = USUAL_SHARE_ABOVE;
        let off = !(least..=largest).contains(&above);
        if off && !self.scores_off {
            let percent = 100.0 * above;
            log::warn!(
                "{percent:.0} % of the last {PARTS} scores lie above the median of the calibration's good parts, where half are usual: parts, light or camera have changed; record good parts and calibrate again"
            );
        } else if self.scores_off && !off {
            log::info!("scores are distributed as at the calibration again");
        }
        self.scores_off = off;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformal::Calibration;
    use crate::frame::OrganisedCloud;
    use crate::score::Thresholds;

    fn frame(grey: u8, missing: usize) -> RgbdFrame {
        let points = (0..400).map(|i| if i < missing { [0.0; 3] } else { [0.0, 0.0, 1.0] }).collect();
        let rgb = (0..400).flat_map(|i| [grey + (i % 3) as u8; 3]).collect();
        RgbdFrame::new(20, 20, rgb, OrganisedCloud::new(20, 20, points).unwrap()).unwrap()
    }

    fn judge(engine: &str) -> Judge {
        let thresholds = Thresholds { reject: 1.0, review: None };
        let calibration = Calibration {
            threshold: 1.0,
            review: None,
            frames: 100,
            false_reject_rate: 0.01,
            guaranteed_rate: 0.01,
            median_score: Some(0.5),
        };
        Judge { calibration: Some(calibration), ..Judge::new(thresholds, [0.5, 2.0], engine.into()) }
    }

    fn watch() -> (Watch, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new(&[]));
        let region = Region { x: 0, y: 0, width: 20, height: 20 };
        let usual = Usual { quality: Quality::of(&frame(100, 0), region), region };
        (Watch::new(Some(usual), metrics.clone()), metrics)
    }

    #[test]
    fn light_and_depth_are_held_against_what_is_usual() {
        let (mut watch, metrics) = watch();
        assert!(metrics.gauge(Gauge::BrightnessRatio).is_nan(), "nothing is known yet");
        (0..PARTS).for_each(|_| watch.look(&frame(100, 0), None, &judge("a")));
        assert!((metrics.gauge(Gauge::BrightnessRatio) - 1.0).abs() < 1e-6 && watch.said.is_empty());
        // One dark part is an accident, half a window is not.
        (0..PARTS).for_each(|i| watch.look(&frame(if i == 3 { 20 } else { 100 }, 0), None, &judge("a")));
        assert!(watch.said.is_empty(), "{:?}", watch.said);
        (0..PARTS).for_each(|i| watch.look(&frame(if i < 40 { 50 } else { 100 }, 100), None, &judge("a")));
        assert_eq!(watch.said.len(), 2, "{:?}", watch.said);
        assert!(watch.said[0].contains("brightness") && watch.said[1].contains("without a point"), "{:?}", watch.said);
        assert!((metrics.gauge(Gauge::ValidShareRatio) - 0.75).abs() < 1e-6);
        assert!(metrics.gauge(Gauge::BrightnessRatio) < 0.6);
        (0..PARTS).for_each(|_| watch.look(&frame(100, 0), None, &judge("a")));
        assert!(watch.said.is_empty());
    }

    #[test]
    fn scores_are_held_against_the_calibrations_median() {
        let (mut watch, metrics) = watch();
        let mut look = |above: usize, engine: &str| {
            (0..PARTS).for_each(|i| {
                watch.look(&frame(100, 0), Some(if i < above { 0.6 } else { 0.4 }), &judge(engine));
            });
            (metrics.gauge(Gauge::ScoresAboveMedian), watch.scores_off)
        };
        assert_eq!(look(PARTS / 2, "a"), (0.5, false));
        assert_eq!(look(PARTS, "a"), (1.0, true));
        assert_eq!(look(40, "a"), (0.625, false));
        assert_eq!(look(0, "a"), (0.0, true));
        assert_eq!(look(30, "b"), (0.46875, false));
    }
}
