//! The back end is opened in one thread, and used and given back in another, as a station does: its engine is opened
//! before the inspection thread starts. A driver knows a context in the threads only where it was made current.

use std::process::Command;
use std::thread;

use crosscheck::backend::cpu::CpuBackend;
use crosscheck::backend::cuda::CudaBackend;
use crosscheck::backend::{AnomalyMaps, Backend, Choice, Describe, Evaluation, Features, XyzGroups};
use crosscheck::dataset::recording::PartRecord;
use crosscheck::dataset::{Reading, frames_under, mvtec3d};
use crosscheck::inspect::Inspector;
use crosscheck::model::{Architecture, Weights, seeded};

use crate::frames::{SMALL, image, near, near_maps, run as infer};
use crate::networks::{BOUNDS, architecture, on_gpu};
use crate::standin::{is_here, run, run_part};
use crate::support::clouds::{self, Point};
use crate::support::{part, small_engine};

/// A small engine, and an image and a cloud for it.
fn given() -> (Architecture, Weights, Vec<f32>, Vec<Point>) {
    let architecture = architecture();
    let weights = seeded::weights(&architecture, 3);
    let cloud = clouds::all().into_iter().find(|(_, cloud)| clouds::points(cloud).len() > 100).unwrap().1;
    (architecture, weights, image(), cloud)
}

/// Runs `work` in a thread that has no context yet.
fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(work).join().unwrap()
}

#[test]
#[ignore = "a part of a_back_end_works_in_another_thread_than_it_was_opened_in"]
fn back_end() {
    if !is_here() {
        return;
    }
    let (architecture, weights, rgb, cloud) = given();
    let want = infer(&mut CpuBackend::new(&architecture, weights.clone()), &rgb, &cloud);
    let mut stages = CudaBackend::new(&architecture, weights.clone(), Evaluation::default()).unwrap();
    let mut whole = on_gpu(&architecture, weights);
    // Three times: step by step, captured, and by a graph that is there.
    let got = elsewhere(move || {
        let mut maps = AnomalyMaps::default();
        (0..2).for_each(|_| drop(infer(&mut stages, &rgb, &cloud)));
        whole.frame(&rgb, &cloud, &mut Features::default(), &mut maps).unwrap();
        (infer(&mut stages, &rgb, &cloud), maps)
    });
    near_maps("stage by stage", &got.0.maps, &want.maps, &SMALL);
    near_maps("whole", &got.1, &want.maps, &BOUNDS);
}

#[test]
fn a_back_end_works_in_another_thread_than_it_was_opened_in() {
    let Some(run) = run_part("threads::back_end", &[]) else { return };
    run.check_clean();
    // The graph of the whole frame, and the three of the second and third run stage by stage.
    assert_eq!(run.number("replayed graphs"), 1 + 2 * 3);
}

#[test]
#[ignore = "a part of a_describer_works_in_another_thread_than_it_was_opened_in"]
fn describer() {
    if !is_here() {
        return;
    }
    let (architecture, weights, _, cloud) = given();
    let describe = |mut describer: Box<dyn Describe + Send>, cloud: &[Point]| {
        let mut groups = XyzGroups::default();
        describer.xyz_groups(cloud, &mut groups).unwrap();
        groups
    };
    let open = |choice: Choice| choice.machine().describer(&architecture, weights.clone()).unwrap();
    let (cpu, cuda) = (open(Choice::Cpu), open(Choice::Cuda));
    let want = describe(cpu, &cloud);
    let got = elsewhere(move || describe(cuda, &cloud));
    assert_eq!(got.centre_index, want.centre_index);
    // The networks' halves; measured: 1.1e-3.
    near("features", &got.features, &want.features, 2.2e-3);
}

#[test]
fn a_describer_works_in_another_thread_than_it_was_opened_in() {
    let Some(run) = run_part("threads::describer", &[]) else { return };
    run.check_clean();
}

/// How far scores by the GPU may be from the CPU's, of the score.
const SCORE_BOUND: f32 = 2e-3;

#[test]
fn a_station_inspects_on_the_gpu_in_its_own_threads() {
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name);
    let frame = part::frame(1, None);
    for number in ["000", "001"] {
        mvtec3d::write(&at("frames"), number, &frame, None).unwrap();
    }
    let engine = small_engine::engine(1e6);
    engine.write(&at("engine.safetensors")).unwrap();
    let station = "[engine]\npath = \"engine.safetensors\"\nbackend = \"cuda\"\n\
        [camera]\nsource = \"replay\"\n[camera.replay]\nfolder = \"frames\"\nframe_rate_hz = 1.0\n\
        [trigger]\nsource = \"frame\"\n[reject]\ndelay_ms = 8000\ndecision_lead_ms = 50\npulse_ms = 20\n\
        [actuator]\nsink = \"log\"\n[record]\nfolder = \"recording\"\npass_share = 1.0\n[view]\nenabled = false\n";
    std::fs::write(at("station.toml"), station).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
    program.current_dir(&desk).args(["run", "--config", "station.toml"]).env("RUST_LOG", "info");
    let Some(run) = run(program, &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    let want = Inspector::new(engine).unwrap().inspect(&frame).unwrap().outcome.score().unwrap();
    let recorded = frames_under(&at("recording"), &Reading::default()).unwrap();
    let records: Vec<PartRecord> =
        recorded.iter().filter_map(|entry| PartRecord::beside(&entry.rgb).unwrap()).collect();
    // On a slow machine a frame is dropped while the one before is inspected.
    assert!(!records.is_empty(), "{}", run.printed());
    for record in &records {
        let score = record.score.unwrap();
        assert!((score - want).abs() <= SCORE_BOUND * want, "{score} where {want} is expected");
    }
    assert!(run.number("launched discrepancy") >= 2 * records.len());
    assert!(run.number("launched window_points") >= records.len());
    assert!(!run.printed().contains("prepared on the CPU"), "{}", run.printed());
}
