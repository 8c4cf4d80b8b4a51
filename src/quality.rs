//! Whether a frame is fit to learn from: sharp, well exposed, and with points where they are looked for.

use serde::{Deserialize, Serialize};

use crate::frame::{Region, RgbdFrame, is_point};

/// A channel at this value or above is clipped.
const CLIPPED: u8 = 253;
/// Against a baseline: the least share of its sharpness, the band of its brightness, and what the other shares may lie
/// off by. The light of a production line drifts by some per cent, and a moving part blurs to a fraction of its
/// sharpness.
const SHARPNESS_MIN: f32 = 0.5;
const BRIGHTNESS_MIN: f32 = 0.75;
const BRIGHTNESS_MAX: f32 = 1.33;
const CLIPPED_MORE_MAX: f32 = 0.02;
const VALID_LESS_MAX: f32 = 0.1;
/// Without a baseline: mean grey values, and shares of the pixels.
const GREY_MIN: f32 = 15.0;
const GREY_MAX: f32 = 240.0;
const CLIPPED_MAX: f32 = 0.1;
const VALID_MIN: f32 = 0.5;

/// Measures of a frame, or their medians over frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Mean grey value, 0 to 255.
    pub brightness: f32,
    /// Share of pixels with a channel at its end.
    pub clipped_share: f32,
    /// Variance of the grey image's Laplacian over the square of its mean: the light's strength does not change it.
    pub sharpness: f32,
    /// Share of pixels that have a point.
    pub valid_share: f32,
}

impl Quality {
    /// Measures the pixels in `region`; all zero where it is empty.
    pub fn of(frame: &RgbdFrame, region: Region) -> Self {
        let region = region.within(frame.width(), frame.height());
        let pixels = (region.width * region.height) as f32;
        if pixels == 0.0 {
            return Self::default();
        }
        let mut grey = 0u64;
        let mut clipped = 0usize;
        let mut valid = 0usize;
        for y in region.y..region.y + region.height {
            let row = y * frame.width() + region.x..y * frame.width() + region.x + region.width;
            valid += frame.cloud().points()[row.clone()].iter().filter(|p| is_point(p)).count();
            for rgb in frame.rgb()[3 * row.start..3 * row.end].as_chunks::<3>().0 {
                grey += u64::from(luma(rgb));
                clipped += usize::from(rgb.iter().any(|v| *v >= CLIPPED));
            }
        }
        let brightness = grey as f32 / pixels;
        let sharpness = laplacian_variance(frame, region) / brightness.powi(2).max(1.0);
        Self { brightness, clipped_share: clipped as f32 / pixels, sharpness, valid_share: valid as f32 / pixels }
    }

    /// The median of each measure; all zero without any.
    pub fn median(all: &[Self]) -> Self {
        let median = |of: fn(&Self) -> f32| {
            let mut values: Vec<f32> = all.iter().map(of).collect();
            values.sort_unstable_by(f32::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Self {
            brightness: median(|q| q.brightness),
            clipped_share: median(|q| q.clipped_share),
            sharpness: median(|q| q.sharpness),
            valid_share: median(|q| q.valid_share),
        }
    }

    /// The reasons not to learn from this frame, compared with what is usual for the station where that is known.
    pub fn faults(&self, usual: Option<&Self>) -> Vec<String> {
        let Some(usual) = usual else { return self.faults_alone() };
        let mut faults = Vec::new();
        let relative = self.brightness / usual.brightness.max(1.0);
        if !(BRIGHTNESS_MIN..=BRIGHTNESS_MAX).contains(&relative) {
            faults.push(format!("brightness {:.0} where {:.0} is usual", self.brightness, usual.brightness));
        }
        if self.sharpness < SHARPNESS_MIN * usual.sharpness {
            faults.push(format!("blurred: sharpness {:.4} where {:.4} is usual", self.sharpness, usual.sharpness));
        }
        for (name, share, limit) in [
            ("pixels at the end of their range", self.clipped_share, usual.clipped_share + CLIPPED_MORE_MAX),
            ("pixels without a point", 1.0 - self.valid_share, 1.0 - usual.valid_share + VALID_LESS_MAX),
        ] {
            if share > limit {
                faults.push(format!("{:.1} % {name} where {:.1} % are the most", 100.0 * share, 100.0 * limit));
            }
        }
        faults
    }

    fn faults_alone(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(GREY_MIN..=GREY_MAX).contains(&self.brightness) {
            faults.push(format!("brightness {:.0} where {GREY_MIN} to {GREY_MAX} is expected", self.brightness));
        }
        if self.clipped_share > CLIPPED_MAX {
            faults.push(format!("{:.0} % of the pixels are at the end of their range", 100.0 * self.clipped_share));
        }
        if self.valid_share < VALID_MIN {
            faults.push(format!("{:.0} % of the pixels have no point", 100.0 * (1.0 - self.valid_share)));
        }
        faults
    }
}

fn luma([r, g, b]: &[u8; 3]) -> u16 {
    (77 * u16::from(*r) + 150 * u16::from(*g) + 29 * u16::from(*b)) >> 8
}

/// The variance of the four-neighbour Laplacian over the region's inner pixels.
fn laplacian_variance(frame: &RgbdFrame, region: Region) -> f32 {
    let rgb = frame.rgb().as_chunks::<3>().0;
    let grey = |x: usize, y: usize| f64::from(luma(&rgb[y * frame.width() + x]));
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for y in region.y + 1..(region.y + region.height).saturating_sub(1) {
        for x in region.x + 1..(region.x + region.width).saturating_sub(1) {
            let beside = grey(x - 1, y) + grey(x + 1, y) + grey(x, y - 1) + grey(x, y + 1);
            let value = beside - 4.0 * grey(x, y);
            sum += value;
            squares += value * value;
            count += 1.0;
        }
    }
    if count == 0.0 { 0.0 } else { (squares / count - (sum / count).powi(2)) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Part, Scene};

    fn frame() -> RgbdFrame {
        Scene::new(Part::ALL[0], 1).nominal(0).frame
    }

    /// With colour of `of` (channel, index) and the points that `keep` keeps.
    fn changed(frame: &RgbdFrame, of: impl Fn(&[u8], usize) -> u8, keep: impl Fn(usize) -> bool) -> RgbdFrame {
        let rgb = (0..frame.rgb().len()).map(|i| of(frame.rgb(), i)).collect();
        let mut cloud = frame.cloud().clone();
        (0..cloud.points().len()).filter(|i| !keep(*i)).for_each(|i| cloud.remove(i));
        RgbdFrame::new(frame.width(), frame.height(), rgb, cloud).unwrap()
    }

    /// The mean over five pixels along the belt.
    fn blurred(rgb: &[u8], i: usize) -> u8 {
        let beside = (0..5).map(|k| (i + 3 * k).checked_sub(6).and_then(|i| rgb.get(i)).copied().unwrap_or(0));
        (beside.map(u32::from).sum::<u32>() / 5) as u8
    }

    fn measured(frame: &RgbdFrame) -> Quality {
        Quality::of(frame, Region::whole(frame))
    }

    #[test]
    fn good_frames_of_a_station_have_no_faults() {
        let scene = Scene::new(Part::ALL[0], 1);
        let all: Vec<Quality> = (0..8).map(|i| measured(&scene.nominal(i).frame)).collect();
        let usual = Quality::median(&all);
        for quality in &all {
            assert_eq!(quality.faults(Some(&usual)), Vec::<String>::new());
            assert_eq!(quality.faults(None), Vec::<String>::new());
        }
    }

    #[test]
    fn each_fault_is_found_and_no_other() {
        let good = frame();
        let usual = measured(&good);
        let keep_all = |_: usize| true;
        for (frame, word) in [
            (changed(&good, blurred, keep_all), "blurred"),
            (changed(&good, |rgb, i| rgb[i] / 2, keep_all), "brightness"),
            (changed(&good, |rgb, i| if i % 30 < 3 { 255 } else { rgb[i] }, keep_all), "end of their range"),
            (changed(&good, |rgb, i| rgb[i], |i| i % 3 > 0), "without a point"),
        ] {
            let faults = measured(&frame).faults(Some(&usual));
            assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:?}");
            assert!(word == "end of their range" || faults.len() == 1, "{word}: {faults:?}");
        }
        let washed_out = changed(&good, |_, _| 254, |_| false);
        assert_eq!(measured(&washed_out).faults(None).len(), 3, "{:?}", measured(&washed_out));
    }

    #[test]
    fn light_alone_does_not_change_sharpness() {
        let good = frame();
        let dark = changed(&good, |rgb, i| (f32::from(rgb[i]) * 0.8).round() as u8, |_| true);
        let ratio = measured(&dark).sharpness / measured(&good).sharpness;
        assert!((0.9..1.1).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_region_outside_the_frame_has_nothing() {
        let good = frame();
        let region = Region { x: 10_000, y: 0, width: 5, height: 5 };
        assert_eq!(Quality::of(&good, region), Quality::default());
    }
}
