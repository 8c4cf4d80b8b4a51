//! A real road: relief on a plane, where there is neither a belt nor a part to cut out.

use crosscheck::backend::Choice;
use crosscheck::conformal::calibrate;
use crosscheck::dataset::read_mask;
use crosscheck::fit::{Fit, FitSettings};
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;
use crosscheck::prepare::{BeltMode, PartChoice, Preparation};
use crosscheck::score::Verdict;

use super::{case, frame};

const SIDE: usize = 150;

/// A square of a tile, mirrored or not, moved to where the others lie: one camera position over a road.
fn square(tile: &RgbdFrame, [x, y]: [usize; 2], mirrored: [bool; 2], without: Option<&[bool]>) -> RgbdFrame {
    let width = tile.width();
    let place = |i: usize| {
        let turned = |at: usize, mirrored: bool| if mirrored { SIDE - 1 - at } else { at };
        (y + turned(i / SIDE, mirrored[1])) * width + x + turned(i % SIDE, mirrored[0])
    };
    let (pixels, points) = (tile.rgb().as_chunks::<3>().0, tile.cloud().points());
    let point = |i: usize| {
        let (from, here) = (place(i), points[i / SIDE * width + i % SIDE]);
        let z = points[from][2];
        if z == 0.0 || without.is_some_and(|without| without[from]) { [0.0; 3] } else { [here[0], here[1], z] }
    };
    let rgb = (0..SIDE * SIDE).flat_map(|i| pixels[place(i)]).collect();
    let cloud = OrganisedCloud::new(SIDE, SIDE, (0..SIDE * SIDE).map(point).collect()).unwrap();
    RgbdFrame::new(SIDE, SIDE, rgb, cloud).unwrap()
}

fn drawn(tile: &RgbdFrame, random: &mut fastrand::Rng) -> RgbdFrame {
    let at = [(); 2].map(|()| random.usize(..=tile.width() - SIDE));
    square(tile, at, [(); 2].map(|()| random.bool()), None)
}

/// An inspector that learnt from squares of the good tile, with a threshold from others.
fn inspector(good: &RgbdFrame) -> Inspector {
    let mut random = fastrand::Rng::with_seed(1);
    let mut engine = Engine::built_in().unwrap();
    let preparation = Preparation { belt: BeltMode::None, part: PartChoice::Everything, ..Preparation::default() };
    engine.prepare_as(preparation).unwrap();
    let settings = FitSettings { epochs: 24, ..FitSettings::default() };
    let mut fit = Fit::new(engine, settings, std::env::temp_dir()).unwrap();
    for _ in 0..16 {
        assert_eq!(fit.add(&drawn(good, &mut random)).unwrap().parts.len(), 1);
    }
    let mut engine = fit.run(None, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    let mut inspector = Inspector::on_machine(Choice::Cpu, engine.clone(), Default::default()).unwrap();
    let scores: Vec<f32> =
        (0..39).map(|_| inspector.inspect(&drawn(good, &mut random)).unwrap().ranked_score()).collect();
    engine.metadata.calibration = Some(calibrate(&scores, 0.025, None).unwrap());
    Inspector::on_machine(Choice::Cpu, engine, Default::default()).unwrap()
}

#[test]
fn a_pothole_is_a_reject_and_a_good_road_passes() {
    let (good, pothole) = (frame("pothole/good"), frame("pothole/pothole"));
    let mut inspector = inspector(&good);
    let mut inspect = |frame: &RgbdFrame| {
        let found = inspector.inspect(frame).unwrap();
        assert_eq!(found.input.points(), found.input.kept.iter().filter(|kept| **kept).count());
        (found.outcome.verdict(), found.ranked_score(), found)
    };
    let mut best = 0.0_f32;
    for at in [[25, 25], [0, 50], [50, 0]] {
        let (verdict, score, found) = inspect(&square(&good, at, [false; 2], None));
        assert_eq!(verdict, Some(Verdict::Pass), "{at:?}: {score}");
        // All of it is looked at.
        assert!(found.input.points() > 50_000, "{}", found.input.points());
        best = best.max(score);
    }
    let mask = read_mask(&case("pothole/pothole/gt.png"), 200, 200).unwrap();
    for at in [[25, 25], [0, 50], [40, 10]] {
        let (verdict, score, _) = inspect(&square(&pothole, at, [false; 2], None));
        assert!(verdict == Some(Verdict::Reject) && score > 1.5 * best, "{at:?}: {score}, good ones up to {best}");
        // Where depth fails in the hole there is nothing to judge: its rim tells of it.
        let (verdict, score, found) = inspect(&square(&pothole, at, [false; 2], Some(&mask)));
        assert!(verdict == Some(Verdict::Reject) && score > 1.2 * best, "{at:?}: {score}, good ones up to {best}");
        let silent = found.maps.psi_rgb.iter().zip(&found.input.kept).filter(|(psi, kept)| **psi == 0.0 && !**kept);
        assert!(silent.count() > 1000, "the map is silent where there is no point");
    }
}
