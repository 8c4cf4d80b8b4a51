//! AUROC, exact under ties, and AUPRO by the published protocol (section 4).

use rayon::prelude::*;

/// The limits of the false-positive rate that AUPRO is reported at.
pub const AUPRO_LIMITS: [f64; 4] = [0.3, 0.1, 0.05, 0.01];

/// Area under the ROC curve; none without both kinds. `scores` with whether each is anomalous.
pub fn auroc(scores: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = scores.to_vec();
    sorted.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let positives = sorted.iter().filter(|(_, anomalous)| *anomalous).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut area = 0.0;
    let mut above = 0.0;
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let hits = tied.iter().filter(|(_, anomalous)| *anomalous).count() as f64;
        area += (tied.len() as f64 - hits) * (above + hits / 2.0);
        above += hits;
    }
    Some(area / positives / negatives)
}

/// One test image's anomaly map and ground truth, `[height, width]` each.
pub struct Labelled<'a> {
    pub map: &'a [f32],
    /// Whether a pixel is defective.
    pub truth: &'a [bool],
    pub width: usize,
}

/// The values of anomaly maps by what their pixels show, each in rising order.
pub struct Pixels {
    /// Of all defect-free pixels.
    sound: Vec<f32>,
    /// Of the pixels of each defective region.
    regions: Vec<Vec<f32>>,
}

impl Pixels {
    /// None yet, with room for so many defect-free pixels.
    pub fn with_room(sound: usize) -> Self {
        Self { sound: Vec::with_capacity(sound), regions: Vec::new() }
    }

    /// Adds the values of a map; [`Self::sort`] comes after the last.
    pub fn add(&mut self, image: &Labelled) {
        let (labels, count) = label_regions(image.truth, image.width, Joined::ByCorners);
        let first = self.regions.len();
        self.regions.resize(first + count, Vec::new());
        for (&value, label) in image.map.iter().zip(labels) {
            // A negative zero becomes a zero, so that both are one value in every order.
            let value = value + 0.0;
            match label {
                0 => self.sound.push(value),
                _ => self.regions[first + label as usize - 1].push(value),
            }
        }
    }

    pub fn sort(&mut self) {
        self.sound.par_sort_unstable_by(f32::total_cmp);
        self.regions.par_iter_mut().for_each(|region| region.sort_unstable_by(f32::total_cmp));
    }

    /// The values of whole images.
    pub fn of<'a>(images: impl Iterator<Item = Labelled<'a>>) -> Self {
        let mut pixels = Self::with_room(0);
        images.for_each(|image| pixels.add(&image));
        pixels.sort();
        pixels
    }

    /// Area under the ROC curve of single pixels; none without both kinds.
    pub fn auroc(&self) -> Option<f64> {
        let defective: usize = self.regions.iter().map(Vec::len).sum();
        if defective == 0 || self.sound.is_empty() {
            return None;
        }
        let won = |value: &f32| {
            let below = self.sound.partition_point(|sound| sound.total_cmp(value).is_lt());
            let up_to = self.sound.partition_point(|sound| sound.total_cmp(value).is_le());
            (below + up_to) as f64 / 2.0
        };
        let wins: f64 = self.regions.par_iter().map(|region| region.iter().map(won).sum::<f64>()).sum();
        Some(wins / defective as f64 / self.sound.len() as f64)
    }
}

/// Thresholds of the published evaluation: as many defect-free pixels lie between each and the next.
const THRESHOLDS: usize = 99;

/// Per-region overlap against the false-positive rate, in rising order of the rate, ending at (1, 1).
///
/// The published evaluation joins 100 points by straight lines, which reads lower than the whole curve where
/// that is steep; figures compare only between equal protocols, so this one is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ProCurve {
    pub points: Vec<(f64, f64)>,
}

impl ProCurve {
    /// None without a defective region, or without a defect-free pixel.
    pub fn of(Pixels { sound, regions }: &Pixels) -> Option<Self> {
        if regions.is_empty() || sound.is_empty() {
            return None;
        }
        let last = sound.len() - 1;
        let point = |i: usize| {
            let position = i * last / (THRESHOLDS - 1);
            let rate = 1.0 - (position + 1) as f64 / sound.len() as f64;
            (rate, mean_overlap(regions, sound[position]))
        };
        let points = (0..THRESHOLDS).rev().map(point).chain([(1.0, 1.0)]).collect();
        Some(Self { points })
    }

    /// Area up to a false-positive rate of `limit`, as a share of `limit`.
    pub fn area(&self, limit: f64) -> f64 {
        let mut area = 0.0;
        for pair in self.points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            if x1 <= limit {
                area += (x1 - x0) * (y0 + y1) / 2.0;
                continue;
            }
            // The limit lies between two points: a straight line joins them.
            let at_limit = y0 + (y1 - y0) * (limit - x0) / (x1 - x0);
            area += (limit - x0) * (y0 + at_limit) / 2.0;
            break;
        }
        area / limit
    }
}

/// Mean over regions, each sorted, of the share above the threshold.
fn mean_overlap(regions: &[Vec<f32>], threshold: f32) -> f64 {
    let above = |region: &Vec<f32>| (region.len() - region.partition_point(|v| *v <= threshold)) as f64;
    regions.iter().map(|region| above(region) / region.len() as f64).sum::<f64>() / regions.len() as f64
}

/// Which neighbouring pixels belong to one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Those that share a side: 4-connected.
    BySides,
    /// Those that share a side or a corner: 8-connected, as in the published evaluation.
    ByCorners,
}

/// Regions of defective pixels: a label from 1 for each pixel, and how many there are.
pub fn label_regions(truth: &[bool], width: usize, joined: Joined) -> (Vec<u32>, usize) {
    let height = truth.len() / width.max(1);
    let mut labels = vec![0u32; truth.len()];
    let mut count = 0;
    let mut open = Vec::new();
    for start in 0..truth.len() {
        if !truth[start] || labels[start] != 0 {
            continue;
        }
        count += 1;
        let label = count as u32;
        labels[start] = label;
        open.push(start);
        while let Some(pixel) = open.pop() {
            let (y, x) = (pixel / width, pixel % width);
            for row in y.saturating_sub(1)..(y + 2).min(height) {
                for column in x.saturating_sub(1)..(x + 2).min(width) {
                    let neighbour = row * width + column;
                    let touches = joined == Joined::ByCorners || row == y || column == x;
                    if touches && truth[neighbour] && labels[neighbour] == 0 {
                        labels[neighbour] = label;
                        open.push(neighbour);
                    }
                }
            }
        }
    }
    (labels, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_point() {
        let scores = [(1.0, true), (1.0, false), (0.0, false), (1.0, true), (0.0, true)];
        // Of six pairs, two are won, three tied, one lost.
        let forward = auroc(&scores);
        assert_eq!(forward, Some((2.0 + 3.0 * 0.5) / 6.0));
        let mut backward = scores;
        backward.reverse();
        assert_eq!(auroc(&backward), forward);
        assert_eq!(auroc(&[(1.0, true)]), None);
    }

    #[test]
    fn corners_join_regions() {
        let truth = [true, false, false, false, true, false, false, false, false, false, false, true];
        let (labels, count) = label_regions(&truth, 3, Joined::ByCorners);
        assert_eq!(count, 2);
        assert_eq!(labels[0], labels[4]);
        assert_eq!(label_regions(&truth, 3, Joined::BySides).1, 3);
    }

    #[test]
    fn a_perfect_map_overlaps_at_every_rate() {
        let truth: Vec<bool> = (0..400).map(|i| i < 4).collect();
        let map: Vec<f32> = truth.iter().enumerate().map(|(i, t)| if *t { 1e3 } else { i as f32 }).collect();
        let pixels = |truth| Pixels::of([Labelled { map: &map, truth, width: 20 }].into_iter());
        let curve = ProCurve::of(&pixels(&truth)).unwrap();
        assert!(AUPRO_LIMITS.iter().all(|&limit| (curve.area(limit) - 1.0).abs() < 1e-12), "{curve:?}");
        assert_eq!(pixels(&truth).auroc(), Some(1.0));
        let sound = pixels(&[false; 400]);
        assert_eq!((ProCurve::of(&sound), sound.auroc()), (None, None));
    }

    #[test]
    fn the_area_of_pixels_is_that_of_their_scores() {
        let mut random = fastrand::Rng::with_seed(3);
        let truth: Vec<bool> = (0..900).map(|_| random.u8(..9) == 0).collect();
        // Few values, so that many are tied; zeros of both signs are one of them.
        let values = [-0.0, 0.0, 1.0, 2.0, 3.0];
        let map: Vec<f32> = truth.iter().map(|t| values[random.usize(usize::from(*t)..values.len())]).collect();
        let want = auroc(&map.iter().copied().zip(truth.iter().copied()).collect::<Vec<_>>()).unwrap();
        let pixels = Pixels::of([Labelled { map: &map, truth: &truth, width: 30 }].into_iter());
        assert!((pixels.auroc().unwrap() - want).abs() < 1e-15 && want > 0.5, "{want}");
    }
}
