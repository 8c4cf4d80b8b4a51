//! A machine that prepares the next frame while one is scored: frames and their verdicts stay in order, no more than one
//! frame is prepared ahead, and each is scored by the engine that it was prepared for.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crosscheck::backend::{
    AnomalyMaps, Backend, BackendError, Choice, Describe, Evaluation, Features, PreparationMachine, XyzGroups,
};
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;
use crosscheck::prepare::crop::CropMisfit;
use crosscheck::prepare::{NetworkInput, Preparation, Preparer};
use crosscheck::runtime::change::Change;
use crosscheck::runtime::metrics::Count;
use crosscheck::runtime::plan::Announced;
use crosscheck::runtime::{Request, StationError};
use crosscheck::score::Verdict;

use crate::support::plant::{Plant, Step, in_step, judgement, script};
use crate::support::small_engine::engine;

/// On a machine that is that busy, the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Frames that the camera may be ahead of the verdicts.
const AHEAD: u64 = 4;

/// How many frames the machine has begun and has prepared.
#[derive(Default)]
struct Desk {
    prepared: Mutex<[usize; 2]>,
    changed: Condvar,
}

impl Desk {
    fn add(&self, to: usize) {
        self.prepared.lock().unwrap()[to] += 1;
        self.changed.notify_all();
    }

    fn begun(&self) -> usize {
        self.prepared.lock().unwrap()[0]
    }

    /// Waits until so many frames are prepared.
    fn wait(&self, frames: usize) {
        let prepared = self.prepared.lock().unwrap();
        let waited = self.changed.wait_timeout_while(prepared, PATIENCE, |[_, done]| *done < frames).unwrap();
        assert!(!waited.1.timed_out(), "frame {frames} is not prepared while the one before is scored");
    }
}

/// Called with the number of a frame when its scoring begins, from 0 on.
type Watch = Box<dyn FnMut(usize) + Send>;

/// The CPU, as a machine that prepares frames beside the other stages. It marks what it prepares.
struct Beside {
    cpu: Box<dyn Backend + Send>,
    desk: Arc<Desk>,
    mark: f32,
    scored: usize,
    watch: Watch,
}

struct Machine {
    desk: Arc<Desk>,
    mark: f32,
}

impl PreparationMachine for Machine {
    fn prepare(
        &mut self,
        preparer: &mut Preparer,
        frame: &RgbdFrame,
        how: &Preparation,
        at: Option<[f32; 2]>,
        input: &mut NetworkInput,
    ) -> Result<(), CropMisfit> {
        self.desk.add(0);
        preparer.run(frame, how, at, input)?;
        input.rgb[0] = self.mark;
        self.desk.add(1);
        Ok(())
    }
}

impl Describe for Beside {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.cpu.rgb_tokens(rgb, tokens)
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        self.cpu.xyz_groups(cloud, groups)
    }
}

impl Backend for Beside {
    fn preparation_machine(&self) -> Option<Box<dyn PreparationMachine>> {
        Some(Box::new(Machine { desk: self.desk.clone(), mark: self.mark }))
    }

    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError> {
        self.cpu.anomaly_map(tokens, cloud, groups, maps)
    }

    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        assert_eq!(rgb[0], self.mark, "a frame is scored by another engine than it was prepared for");
        (self.watch)(self.scored);
        self.scored += 1;
        self.cpu.frame(rgb, cloud, features, maps)
    }
}

/// The small engine, beside whose scoring frames are prepared.
fn inspector(desk: &Arc<Desk>, mark: f32, watch: Watch) -> Inspector {
    let Engine { metadata, weights, .. } = engine(1e6);
    let cpu = Choice::Cpu.machine().inspector(&metadata.architecture, weights, Evaluation::default()).unwrap();
    Inspector::from_backend(Box::new(Beside { cpu, desk: desk.clone(), mark, scored: 0, watch }), metadata)
}

fn plant(inspector: Inspector) -> Plant {
    let mut plant = Plant::new(Announced::ByEveryFrame, 3000);
    let mut judgement = judgement(1e6);
    judgement.inspector = inspector;
    plant.judgement = Some(judgement);
    plant
}

#[test]
fn one_frame_is_prepared_while_another_is_scored() {
    const FRAMES: usize = 12;
    let desk = Arc::new(Desk::default());
    let seen = desk.clone();
    // The station waits for the first frame to be inspected, and after the last there is none.
    let watch = move |frame| {
        if (1..FRAMES - 1).contains(&frame) {
            seen.wait(frame + 2);
            std::thread::sleep(Duration::from_millis(10));
            assert_eq!(seen.begun(), frame + 2, "frames are prepared further ahead");
        }
    };
    let mut plant = plant(inspector(&desk, 1.0, Box::new(watch)));
    plant.plan.timing.deadline_ns = None;
    // The first frame is inspected twice: to see that frames can be, and for its part.
    let camera = script(|shown, done| match shown {
        shown if shown == FRAMES as u64 - 1 => Step::End,
        shown if shown >= done + AHEAD => Step::Wait,
        _ => Step::Good,
    });
    let report = plant.run(camera);
    report.result.unwrap();
    assert_eq!(report.verdicts, (0..FRAMES as u64 - 1).map(|part| (part, Verdict::Pass)).collect::<Vec<_>>());
    assert_eq!(desk.begun(), FRAMES);
}

#[test]
fn parts_that_are_prepared_ahead_get_the_verdicts_of_their_own_frames() {
    let steps: Vec<Step> = (0..40).map(|i| if i * i % 7 == 2 { Step::Bad } else { Step::Good }).collect();
    let mut plant = plant(inspector(&Arc::default(), 1.0, Box::new(|_| {})));
    plant.plan.timing.deadline_ns = None;
    let shown = steps.clone();
    let report = plant.run(script(move |number, done| match shown.get(number as usize) {
        Some(_) if number >= done + AHEAD => Step::Wait,
        Some(step) => *step,
        None => Step::End,
    }));
    report.result.unwrap();
    let expected = (0..).zip(steps).map(|(part, step)| match step {
        Step::Bad => (part, Verdict::Reject),
        _ => (part, Verdict::Pass),
    });
    assert_eq!(report.verdicts, expected.collect::<Vec<_>>());
    assert_eq!(report.metrics.total(Count::LateVerdicts), 0);
}

#[test]
fn after_a_change_frames_are_scored_by_the_engine_that_they_were_prepared_for() {
    const FRAMES: u64 = 60;
    let (first, second) = (Arc::new(Desk::default()), Arc::new(Desk::default()));
    let mut plant = plant(inspector(&first, 1.0, Box::new(|_| {})));
    plant.plan.timing.deadline_ns = None;
    let judged = plant.judged.clone();
    let mut other = Some(inspector(&second, 2.0, Box::new(|_| {})));
    let changed = second.clone();
    // The camera goes on while the engine changes, and stops only when the second one has had frames.
    let camera = script(move |shown, done| match shown {
        shown if shown >= FRAMES && changed.begun() > 10 => Step::End,
        shown if shown >= done + AHEAD => Step::Wait,
        _ => Step::Good,
    });
    let report = plant.run_with(camera, move |_| {
        let is_due = judged.load(std::sync::atomic::Ordering::Relaxed) >= 5;
        let inspector = other.take_if(|_| is_due)?;
        Some(Request::Change(Box::new(Change { inspector: Some(Box::new(inspector)), ..Change::default() })))
    });
    report.result.unwrap();
    assert!(first.begun() > 5 && second.begun() > 10, "{} and {}", first.begun(), second.begun());
    assert_eq!(report.verdicts.len() as u64, report.metrics.total(Count::Parts));
}

#[test]
fn a_station_ends_if_its_inspection_does() {
    let watch = |frame| assert!(frame < 5, "the scoring of frame 5 fails");
    let report = plant(inspector(&Arc::default(), 1.0, Box::new(watch)))
        .run(script(|shown, done| if shown >= done + AHEAD { Step::Wait } else { Step::Good }));
    assert!(matches!(report.result, Err(StationError::Panicked { thread: "inspection" })), "{:?}", report.result);
}

#[test]
fn parts_that_come_one_by_one_are_inspected_as_they_come() {
    let report = plant(inspector(&Arc::default(), 1.0, Box::new(|_| {}))).run(in_step(vec![Step::Good; 6]));
    report.result.unwrap();
    assert_eq!(report.verdicts, (0..6).map(|part| (part, Verdict::Pass)).collect::<Vec<_>>());
}
