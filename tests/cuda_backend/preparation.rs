//! Frames are prepared on the device as by the CPU, to the bit, and inspected alike; where the device cannot, the CPU does.

use std::time::Duration;

use crosscheck::backend::cuda::CudaBackend;
use crosscheck::backend::{
    AnomalyMaps, Backend, BackendError, Describe, Evaluation, Features, Machine, PreparationMachine, XyzGroups,
};
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::{Engine, Metadata};
use crosscheck::model::seeded;
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::{BeltMode, NetworkInput, PartChoice, Preparation, Preparer};

use crate::frames::small;
use crate::registration::{assembler, cameras, frames};
use crate::standin::{is_here, run_part};
use crate::support::scenes::{parts, scenes};
use crate::support::small_engine::engine;

/// A back end, and what prepares frames beside it.
fn opened() -> (CudaBackend, Box<dyn PreparationMachine>) {
    let architecture = small(16, 12, 24, 8);
    let backend = CudaBackend::new(&architecture, seeded::weights(&architecture, 3), Evaluation::default()).unwrap();
    let machine = backend.preparation_machine().unwrap();
    (backend, machine)
}

fn how(part: PartChoice, crop: Crop) -> Preparation {
    Preparation { part, belt: BeltMode::Fit, crop, ..Preparation::default() }
}

/// Preparations with every choice of the part, of crops of several sizes.
fn preparations() -> Vec<(Preparation, Option<[f32; 2]>)> {
    let polygon = |x: f32| Some(vec![[x, 10.0], [250.5, 30.0], [200.0, 190.0], [15.0, 170.5]]);
    let follow_mm = Some(60.0);
    vec![
        (how(PartChoice::Largest, Crop::default()), None),
        (how(PartChoice::Centre, Crop { rectangle: Some([25, 17, 200, 150]), ..Crop::default() }), None),
        (how(PartChoice::Largest, Crop { polygon: polygon(20.0), ..Crop::default() }), None),
        (how(PartChoice::Centre, Crop { polygon: polygon(16.0), follow_mm, ..Crop::default() }), None),
        (how(PartChoice::Each, Crop { follow_mm, ..Crop::default() }), Some([215.0, 35.0])),
        (how(PartChoice::All, Crop { follow_mm: Some(300.0), ..Crop::default() }), None),
        (Preparation { belt: BeltMode::None, ..how(PartChoice::Everything, Crop::default()) }, None),
    ]
}

/// Everything of an input, to the bit.
fn bits(input: &NetworkInput) -> (Vec<u32>, Vec<u32>, String) {
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let kept = input.kept.iter().filter(|kept| **kept).count();
    (of(&input.rgb), of(input.cloud.as_flattened()), format!("{:?} {:?} {kept}", input.window, input.taken))
}

#[test]
#[ignore = "a part of frames_are_prepared_as_by_the_cpu"]
fn prepared() {
    if !is_here() {
        return;
    }
    let ((_backend, mut machine), mut preparer) = (opened(), Preparer::default());
    let (mut want, mut got) = (NetworkInput::default(), NetworkInput::default());
    for (name, frame) in scenes() {
        for (how, at) in preparations() {
            Preparer::default().run(&frame, &how, at, &mut want).unwrap();
            machine.prepare(&mut preparer, &frame, &how, at, &mut got).unwrap();
            assert!(bits(&got) == bits(&want), "{name}, {how:?}: {:?} {:?}", got.taken, want.taken);
        }
    }
    assert!(!preparer.has_failed());
    let outside = how(PartChoice::All, Crop { rectangle: Some([200, 0, 100, 100]), ..Crop::default() });
    let frame = parts(261, 200, &[]);
    let refused = machine.prepare(&mut preparer, &frame, &outside, None, &mut got).unwrap_err();
    assert_eq!(preparer.run(&frame, &outside, None, &mut want), Err(refused));
}

#[test]
fn frames_are_prepared_as_by_the_cpu() {
    let Some(run) = run_part("preparation::prepared", &[]) else { return };
    run.check_clean();
    // One of seven preparations needs no components.
    assert_eq!(run.number("launched points_of_cloud"), 56);
    assert_eq!(run.number("launched join_runs"), 48);
}

#[test]
#[ignore = "a part of a_cameras_frames_are_prepared_from_their_depth_steps"]
fn measured() {
    if !is_here() {
        return;
    }
    let ((_backend, mut machine), mut preparer) = (opened(), Preparer::default());
    let (mut want, mut got) = (NetworkInput::default(), NetworkInput::default());
    let crop = Crop { rectangle: Some([20, 10, 80, 50]), ..Crop::default() };
    let frames = |camera| frames(camera, assembler(camera, Machine::Cuda));
    for frame in cameras().iter().flat_map(frames) {
        for how in [how(PartChoice::Largest, Crop::default()), how(PartChoice::All, crop.clone())] {
            Preparer::default().run(&frame, &how, None, &mut want).unwrap();
            machine.prepare(&mut preparer, &frame, &how, None, &mut got).unwrap();
            assert!(bits(&got) == bits(&want) && !preparer.has_failed(), "{how:?}: {:?} {:?}", got.taken, want.taken);
        }
    }
}

#[test]
fn a_cameras_frames_are_prepared_from_their_depth_steps() {
    let Some(run) = run_part("preparation::measured", &[]) else { return };
    run.check_clean();
    // Three frames of each of three cameras, each prepared twice.
    assert_eq!(run.number("launched points_of_steps"), 18);
}

/// The device, for which the CPU prepares the frames.
struct PreparedByCpu(CudaBackend);

impl Describe for PreparedByCpu {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.0.rgb_tokens(rgb, tokens)
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        self.0.xyz_groups(cloud, groups)
    }
}

impl Backend for PreparedByCpu {
    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError> {
        self.0.anomaly_map(tokens, cloud, groups, maps)
    }

    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        self.0.frame(rgb, cloud, features, maps)
    }
}

/// An engine whose networks are on the device.
fn opened_engine() -> (CudaBackend, Metadata) {
    let Engine { mut metadata, weights, .. } = engine(0.5);
    metadata.preparation = how(PartChoice::Centre, Crop::default());
    let backend = CudaBackend::new(&metadata.architecture, weights, Evaluation::default()).unwrap();
    (backend, metadata)
}

#[test]
#[ignore = "a part of frames_are_inspected_alike_whoever_prepares_them"]
fn inspected() {
    if !is_here() {
        return;
    }
    let (backend, metadata) = opened_engine();
    let mut on_device = Inspector::from_backend(Box::new(backend), metadata);
    let (backend, metadata) = opened_engine();
    let mut on_cpu = Inspector::from_backend(Box::new(PreparedByCpu(backend)), metadata);
    let mut scored = 0;
    for (name, frame) in scenes() {
        let [got, want] = [&mut on_device, &mut on_cpu].map(|inspector| inspector.inspect(&frame).unwrap());
        assert_eq!(got.outcome, want.outcome, "{name}");
        assert_eq!(got.doubt, want.doubt, "{name}");
        assert!(got.maps.anomaly_map == want.maps.anomaly_map && got.maps.valid == want.maps.valid, "{name}");
        scored += usize::from(got.outcome.scores().is_some());
    }
    assert!(scored >= 2, "{scored}");
}

#[test]
fn frames_are_inspected_alike_whoever_prepares_them() {
    let Some(run) = run_part("preparation::inspected", &[]) else { return };
    run.check_clean();
    // Both back ends run a frame when they are opened and score the same frames; one copies image and cloud of each.
    assert_eq!(run.number("launched cuMemcpyDtoDAsync") + 2, run.number("launched farthest_points"));
}

#[test]
#[ignore = "a part of an_input_that_the_device_no_longer_has_is_uploaded"]
fn overwritten() {
    if !is_here() {
        return;
    }
    let (mut backend, Metadata { preparation, .. }) = opened_engine();
    let (mut machine, mut preparer) = (backend.preparation_machine().unwrap(), Preparer::default());
    let scenes = [50, 80, 110].map(|left| parts(320, 240, &[[left, 60, 70, 60, 25]]));
    let inputs = scenes.each_ref().map(|frame| {
        let mut input = NetworkInput::default();
        machine.prepare(&mut preparer, frame, &preparation, None, &mut input).unwrap();
        input
    });
    for input in &inputs {
        let [mut got, mut want] = [AnomalyMaps::default(), AnomalyMaps::default()];
        backend.prepared_frame(input, &mut Features::default(), &mut got).unwrap();
        backend.frame(&input.rgb, &input.cloud, &mut Features::default(), &mut want).unwrap();
        assert!(got.anomaly_map == want.anomaly_map && got.valid == want.valid);
    }
    let [first, second, third] = inputs.map(|input| input.resident.unwrap());
    assert!(first < second && second < third);
}

#[test]
fn an_input_that_the_device_no_longer_has_is_uploaded() {
    let Some(run) = run_part("preparation::overwritten", &[]) else { return };
    run.check_clean();
    // Image and cloud of the last two.
    assert_eq!(run.number("launched cuMemcpyDtoDAsync"), 2 * 2);
}

#[test]
#[ignore = "a part of a_frame_that_the_device_has_no_memory_for_is_prepared_by_the_cpu"]
fn too_large() {
    if !is_here() {
        return;
    }
    let ((_backend, mut machine), mut preparer) = (opened(), Preparer::default());
    let (mut want, mut got) = (NetworkInput::default(), NetworkInput::default());
    let how = how(PartChoice::Centre, Crop::default());
    for (frame, fails) in [
        (parts(320, 240, &[[100, 60, 70, 60, 25]]), false),
        (parts(1280, 960, &[[500, 300, 260, 200, 25]]), true),
        (parts(320, 240, &[[120, 60, 70, 60, 25]]), true),
    ] {
        Preparer::default().run(&frame, &how, None, &mut want).unwrap();
        machine.prepare(&mut preparer, &frame, &how, None, &mut got).unwrap();
        assert!(bits(&got) == bits(&want) && preparer.has_failed() == fails);
    }
}

#[test]
fn a_frame_that_the_device_has_no_memory_for_is_prepared_by_the_cpu() {
    let Some(run) = run_part("preparation::too_large", &[("STANDIN_MEMORY_MB", "60")]) else { return };
    assert!(run.output.status.success(), "{}", run.printed());
    // Only the first frame is taken.
    assert_eq!(run.number("launched points_of_cloud"), 1);
}
