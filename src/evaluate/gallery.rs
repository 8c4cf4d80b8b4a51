//! The frames that an engine gets most wrong, as one picture a class.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::protocol::ClassRun;
use super::tested::Tested;
use crate::dataset::DatasetError;
use crate::frame::RgbdFrame;
use crate::overlay::{Overlay, overlay};
use crate::score::Verdict;

/// Frames of a picture.
const ROWS: usize = 6;
/// Width of one panel, pixels.
const PANEL: u32 = 400;
const GAP: u32 = 8;
const BACKGROUND: Rgb<u8> = Rgb([24, 24, 28]);
const TRUTH: Rgb<u8> = Rgb([40, 255, 80]);

/// Which tested frames are shown: defective ones that passed, lowest score first, then the others that came
/// nearest to passing.
pub fn worst_misses(tested: &[Tested]) -> Vec<usize> {
    let defective = (0..tested.len()).filter(|&i| tested[i].defect.is_some() && tested[i].score().is_some());
    let mut order: Vec<usize> = defective.collect();
    let passed = |i: usize| tested[i].verdict() == Some(Verdict::Pass);
    order.sort_by(|&a, &b| {
        let scores = || f32::total_cmp(&tested[a].ranked_score(), &tested[b].ranked_score());
        passed(b).cmp(&passed(a)).then_with(scores)
    });
    order.truncate(ROWS);
    order
}

/// A row for each worst miss: the photograph with the defect outlined, and the heat map over it.
pub fn picture(run: &ClassRun) -> Result<Option<RgbImage>, DatasetError> {
    let mut rows = Vec::new();
    for index in worst_misses(&run.tested) {
        let (entry, tested) = (&run.entries[index], &run.tested[index]);
        let frame = entry.frame()?;
        let truth = entry.truth(frame.width(), frame.height())?;
        rows.push([panel(&marked(&frame, &truth)), panel(&heat(&frame, tested, run.calibration.map(|c| c.threshold)))]);
    }
    let height: u32 = rows.iter().map(|[left, right]| left.height().max(right.height()) + GAP).sum();
    if rows.is_empty() {
        return Ok(None);
    }
    let mut canvas = RgbImage::from_pixel(2 * PANEL + GAP, height, BACKGROUND);
    let mut top = 0;
    for [left, right] in &rows {
        imageops::replace(&mut canvas, left, 0, top);
        imageops::replace(&mut canvas, right, i64::from(PANEL + GAP), top);
        top += i64::from(left.height().max(right.height()) + GAP);
    }
    Ok(Some(canvas))
}

fn heat(frame: &RgbdFrame, tested: &Tested, threshold: Option<f32>) -> RgbImage {
    // Both distances are zero where there is no shape feature, and nowhere else but by chance.
    let valid: Vec<bool> = tested.psi.rgb.iter().zip(&tested.psi.xyz).map(|(a, b)| *a != 0.0 || *b != 0.0).collect();
    overlay(&Overlay {
        photograph: frame.into(),
        window: tested.window,
        kept: &valid,
        anomaly_map: &tested.anomaly_map,
        valid: &valid,
        score: tested.score(),
        threshold,
        verdict: tested.verdict(),
        defects: &[],
    })
}

/// The photograph with the outline of what is defective.
fn marked(frame: &RgbdFrame, truth: &[bool]) -> RgbImage {
    let (width, height) = (frame.width(), frame.height());
    let Some(mut picture) = RgbImage::from_raw(width as u32, height as u32, frame.rgb().to_vec()) else {
        unreachable!("a frame's colour has its size")
    };
    let inside = |x: usize, y: usize| truth[y * width + x];
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let edge = |dx: usize, dy: usize| {
            let (nx, ny) = ((x + dx).saturating_sub(1), (y + dy).saturating_sub(1));
            nx >= width || ny >= height || inside(nx, ny)
        };
        let near = edge(0, 1) || edge(2, 1) || edge(1, 0) || edge(1, 2);
        if !inside(x, y) && near {
            picture.put_pixel(x as u32, y as u32, TRUTH);
        }
    }
    picture
}

fn panel(picture: &RgbImage) -> RgbImage {
    let height = (u64::from(picture.height()) * u64::from(PANEL) / u64::from(picture.width())) as u32;
    imageops::resize(picture, PANEL, height.max(1), FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tested::tests::tested;

    #[test]
    fn what_passed_comes_first_and_good_frames_do_not_come() {
        let tested = |defect, score, verdict| tested(defect, Some(score), Some(verdict));
        let frames = [
            tested(Some("a"), 0.1, Verdict::Reject),
            tested(None, 0.0, Verdict::Pass),
            tested(Some("b"), 0.3, Verdict::Pass),
            tested(Some("b"), 0.2, Verdict::Pass),
        ];
        assert_eq!(worst_misses(&frames), [3, 2, 0]);
    }
}
