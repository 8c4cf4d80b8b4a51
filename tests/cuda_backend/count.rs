//! The counted launches of a frame are those that the back end makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crosscheck::backend::count::{Scene, Step, Stream, frame};
use crosscheck::backend::cuda::CudaBackend;
use crosscheck::backend::{AnomalyMaps, Backend, Evaluation, Features};
use crosscheck::calibration::Intrinsics;
use crosscheck::frame::RgbdFrame;
use crosscheck::model::engine_file::Engine;
use crosscheck::model::{Architecture, Score, Variant, seeded};
use crosscheck::prepare::{BeltMode, NetworkInput, PartChoice, Preparation, Preparer, Stride};

use crate::standin::{is_here, run_part};
use crate::support::scenes::parts;
use crate::support::small_engine::small_architecture;

/// Kernels that are not run: no launch depends on what they compute, and they take minutes on the CPU.
const SKIPPED: &str = "linear linear_large add_linear inner_products squared_lengths attention layer_norm patches \
                       group_maxima group_features position_units hidden_activations discrepancy likelihood valid_points \
                       farthest_points nearest_points three_nearest valid_pixels xyz_rows rgb_rows product sum smooth ";

const CASES: [&str; 6] = [
    "a small engine",
    "built-in, stride 2",
    "tiny",
    "small, groups of 128",
    "built-in, likelihood",
    "small, likelihood, stride 2",
];

/// Architecture, stride, size of the camera's frame and multiprocessors.
fn case(name: &str) -> (Architecture, Stride, (usize, usize), usize) {
    let built_in = || Engine::built_in().unwrap().metadata.architecture;
    let with = |score, architecture| Architecture { score, ..architecture };
    match name {
        "a small engine" => (small_architecture(16, 24, 16), Stride::One, (320, 240), 4),
        "built-in, stride 2" => (with(Score::Product, built_in()), Stride::Two, (261, 333), 16),
        "built-in, likelihood" => (with(Score::Likelihood, built_in()), Stride::One, (320, 240), 16),
        "small, likelihood, stride 2" => {
            let small = Architecture::published(Variant::Small, 32);
            (with(Score::Likelihood, small), Stride::Two, (320, 240), 8)
        }
        "tiny" => (Architecture::published(Variant::Tiny, 32), Stride::One, (1280, 720), 8),
        _ => (Architecture::published(Variant::Small, 128), Stride::One, (320, 240), 128),
    }
}

/// A part on a belt as a camera measures it, in depth steps of a millimetre.
fn measured((width, height): (usize, usize)) -> RgbdFrame {
    let scene = parts(width, height, &[[width / 3, height / 3, width / 3, height / 3, 25]]);
    let steps: Vec<u16> = scene.cloud().points().iter().map(|point| (1e3 * point[2]).round() as u16).collect();
    let (focal, cx, cy) = (1.2 * width as f32, width as f32 / 2.0, height as f32 / 2.0);
    let camera = Intrinsics { fx: focal, fy: focal, cx, cy, depth_unit_m: 1e-3, depth_offset_m: 0.0 };
    let (mut frame, size) = (RgbdFrame::blank(), (width, height));
    frame.fill((scene.rgb(), size), (camera.points(&steps, width), size)).unwrap();
    frame.keep_depth(&steps, &Arc::new(camera.rays(size)));
    frame
}

#[test]
#[ignore = "a part of counted_launches_are_those_of_the_back_end"]
fn counted() {
    if !is_here() {
        return;
    }
    let of = |name| std::env::var(name).unwrap();
    let (architecture, stride, camera, _) = case(&of("COUNTED_CASE"));
    let weights = seeded::weights(&architecture, 3);
    let mut backend = CudaBackend::new(&architecture, weights, Evaluation { stride, ..Evaluation::default() }).unwrap();
    let mut machine = backend.preparation_machine().unwrap();
    let (mut preparer, mut input) = (Preparer::default(), NetworkInput::default());
    let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
    let how = Preparation { part: PartChoice::Centre, belt: BeltMode::Fit, ..Preparation::default() };
    let frame = measured(camera);
    for _ in 0..of("COUNTED_FRAMES").parse().unwrap() {
        machine.prepare(&mut preparer, &frame, &how, None, &mut input).unwrap();
        assert!(!preparer.has_failed() && input.points() > 500, "{} points", input.points());
        backend.prepared_frame(&input, &mut features, &mut maps).unwrap();
    }
}

#[test]
fn counted_launches_are_those_of_the_back_end() {
    for name in CASES {
        let (architecture, stride, camera, multiprocessors) = case(name);
        let processors = multiprocessors.to_string();
        // What is launched once, for the first frame or before it, is no part of a frame.
        let [one, two] = ["1", "2"].map(|frames| {
            let environment = [
                ("COUNTED_CASE", name),
                ("COUNTED_FRAMES", frames),
                ("STANDIN_PROCESSORS", &processors),
                ("STANDIN_SKIP", SKIPPED),
            ];
            run_part("count::counted", &environment)
        });
        let (Some(one), Some(two)) = (one, two) else { return };
        one.check_clean();
        two.check_clean();
        let before = one.grids();
        let launched: BTreeMap<String, usize> = two
            .grids()
            .into_iter()
            .map(|(grid, count)| (grid.clone(), count - before.get(&grid).unwrap_or(&0)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let copied = |name: &str| two.number(name) - one.number(name);
        let counted = frame(&architecture, &Scene { camera, valid_share: 0.3, stride }, multiprocessors).unwrap();
        let (mut want, mut up, mut down) = (BTreeMap::new(), 0, 0);
        let steps = counted.phases.iter().flat_map(|phase| phase.steps.iter().map(move |step| (phase.prepares, step)));
        for (prepares, (stream, step)) in steps {
            match step {
                Step::Launch(launch) => {
                    let is_urgent = *stream == Stream::Shape && !prepares;
                    let priority = if is_urgent { "urgent" } else { "beside" };
                    let [across, down] = launch.blocks;
                    let grid = format!("{} {across} {down} {} {priority}", launch.kernel, launch.threads);
                    *want.entry(grid).or_insert(0) += 1;
                }
                Step::Upload(bytes) => up += bytes,
                Step::Download(bytes) => down += bytes,
                Step::Fill(_) | Step::Move(_) | Step::Wait(_) | Step::Host(_) => {}
            }
        }
        assert_eq!(launched, want, "{name}");
        assert_eq!((copied("uploaded bytes"), copied("downloaded bytes")), (up, down), "{name}");
    }
}
