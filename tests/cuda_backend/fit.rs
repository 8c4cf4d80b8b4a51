//! Learning on the back end gives the CPU's losses, mappings and verdicts; what a fit lacks is an error.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crosscheck::backend::Choice;
use crosscheck::backend::learner::{Adam, Learner, Pixels};
use crosscheck::fit::{Decay, Fit, FitError, FitSettings, Keep, Turned};
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::{Engine, Metadata};
use crosscheck::model::{Architecture, MappingWeights, Score, Weights, seeded};

use crate::frames::small;
use crate::standin::{DRIVER, folder, is_here, run_in, run_part};
use crate::support::largest::largest;
use crate::support::part::{Defect, frame};

/// The bounds of losses, which start near 2, and of weights, whose mean size is below 1. A hundred steps carry f32's
/// rounding along; the differences found here are a tenth of the first bound, and far below the second.
const LOSS_BOUND: f64 = 5e-7;
const WEIGHT_BOUND: f64 = 1e-5;
/// The same for a whole fit, whose features the GPU computes in halves: twice the differences found here, 5.7e-5 and
/// 1.3e-5.
const FIT_LOSS_BOUND: f64 = 1.2e-4;
const FIT_WEIGHT_BOUND: f64 = 3e-5;
/// The same for the losses of a likelihood, whose steps the CPU takes on both sides: 3.4e-5.
const LIKELIHOOD_LOSS_BOUND: f64 = 7e-5;
/// The same for the logarithm by which colour and shape are balanced: 5.3e-5.
const FIT_BALANCE_BOUND: f32 = 1.1e-4;

/// Pixels whose shape features follow from their colour features.
fn pixels(architecture: &Architecture, n: usize, random: &mut fastrand::Rng) -> Pixels {
    let rgb: Vec<f32> = (0..n * architecture.c_rgb()).map(|_| random.f32() * 2.0 - 0.5).collect();
    let of = |row: &[f32]| (0..architecture.c_xyz()).map(|i| row[i % row.len()] - 0.2).collect::<Vec<f32>>();
    let xyz = rgb.chunks_exact(architecture.c_rgb()).flat_map(of).collect();
    Pixels { rgb, xyz }
}

/// Runs epochs of steps of several sizes. Returns the loss of each epoch, and the loss of held-out pixels after it.
fn learn(learner: &mut dyn Learner, architecture: &Architecture, adam: &mut Adam, epochs: usize) -> Vec<[f64; 2]> {
    let mut random = fastrand::Rng::with_seed(7);
    let held_out = pixels(architecture, 100, &mut random);
    let epoch = |_| {
        for n in [40, 64, 33, 1, 65] {
            adam.advance();
            learner.step(&pixels(architecture, n, &mut random), adam).unwrap();
        }
        [learner.take_loss().unwrap(), learner.loss(&held_out).unwrap()]
    };
    (0..epochs).map(epoch).collect()
}

fn named(weights: &Weights) -> MappingWeights {
    weights.iter().map(|(name, tensor)| (name.to_owned(), tensor.to_f32().into_owned())).collect()
}

/// The root of the mean square of all differences. The largest difference would not do: Adam's first steps have the
/// same length for every gradient, even for one so small that rounding decides its sign.
fn difference(got: &MappingWeights, want: &MappingWeights) -> f64 {
    assert_eq!(got.len(), want.len());
    let of = |(name, values): (&String, &Vec<f32>)| {
        assert_eq!(values.len(), want[name].len(), "{name}");
        values.iter().zip(&want[name]).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
    };
    let count: usize = want.values().map(Vec::len).sum();
    (got.iter().map(of).sum::<f64>() / count as f64).sqrt()
}

#[test]
#[ignore = "a part of steps_are_the_cpus"]
fn steps() {
    if !is_here() {
        return;
    }
    for (hidden, width) in [(16, 12), (70, 33)] {
        let architecture = small(hidden, width, 24, 8);
        let open =
            |choice: Choice| choice.machine().learner(&architecture, seeded::mappings(&architecture, 3)).unwrap();
        let (mut cpu, mut cuda, mut again) = (open(Choice::Cpu), open(Choice::Cuda), open(Choice::Cuda));
        let mut clocks = [Adam::default(); 3];
        let want = learn(cpu.as_mut(), &architecture, &mut clocks[0], 20);
        let got = learn(cuda.as_mut(), &architecture, &mut clocks[1], 20);
        let same = learn(again.as_mut(), &architecture, &mut clocks[2], 20);
        assert!(got == same && cuda.state().unwrap() == again.state().unwrap(), "the same seed gave another result");
        let apart = got.iter().flatten().zip(want.iter().flatten()).map(|(a, b)| (a - b).abs() / b.abs());
        let apart = largest(apart);
        let weights = difference(&cuda.weights().unwrap(), &cpu.weights().unwrap());
        println!("M {hidden}: losses within {apart:.1e}, weights within {weights:.1e}");
        assert!(apart <= LOSS_BOUND && weights <= WEIGHT_BOUND, "{got:?} and not {want:?}");
        assert!(want[19][0] < 0.9 * want[0][0], "nothing was learnt: {want:?}");
        // A state can be restored on the other machine.
        let mut state = cuda.state().unwrap();
        let missing = state.iter().skip(1).map(|(name, values)| (name.clone(), values.clone())).collect();
        assert!(!cpu.restore(&mut { missing }).unwrap() && cpu.restore(&mut state.clone()).unwrap());
        assert_eq!(cpu.state().unwrap(), state);
        let mut short = state.clone();
        short.values_mut().next().unwrap().pop();
        assert!(!again.restore(&mut short).unwrap() && again.restore(&mut state).unwrap());
        assert!(state.is_empty() && again.state().unwrap() == cpu.state().unwrap());
    }
}

#[test]
fn steps_are_the_cpus() {
    let Some(run) = run_part("fit::steps", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    // Two engines, two learners, twenty epochs: five steps of both mappings, three layers each, and two held-out
    // losses.
    assert_eq!(run.number("launched cosine_loss"), 2 * 2 * 20 * (5 * 2 + 2));
    assert_eq!(run.number("launched adam"), 2 * 2 * 20 * 5 * 2 * 6);
    // A step has three products forward and five back, as the gradient stops at the first layer's input.
    assert_eq!(run.number("launched cuLaunchHostFunc"), 2 * 2 * 20 * ((5 * 2) * 8 + 2 * 3));
}

fn built_in() -> Engine {
    Engine::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/engines/default.safetensors"))).unwrap()
}

const SETTINGS: FitSettings = FitSettings {
    epochs: 16,
    pixels: 96,
    seed: 5,
    held_out: 0.2,
    score: Some(Score::Product),
    copies: 0,
    turned: Turned::Never,
    decay: Decay::None,
    gaps: false,
};

/// A fit of five good parts, which is stopped after the epoch `stop`. Returns the engine, and the losses of each epoch.
/// The fit is opened in this thread, and runs and ends in another.
fn fit(choice: Choice, keep: Option<&Keep>, stop: usize) -> (Engine, Vec<[f64; 2]>) {
    fit_with(SETTINGS, choice, keep, stop)
}

fn fit_with(settings: FitSettings, choice: Choice, keep: Option<&Keep>, stop: usize) -> (Engine, Vec<[f64; 2]>) {
    let fit = Fit::on_machine(choice, built_in(), settings, std::env::temp_dir()).unwrap();
    thread::scope(|scope| scope.spawn(|| run(fit, keep, stop)).join().unwrap())
}

fn run(mut fit: Fit, keep: Option<&Keep>, stop: usize) -> (Engine, Vec<[f64; 2]>) {
    (0..5).for_each(|seed| assert_eq!(fit.add(&frame(seed, None)).unwrap().parts.len(), 1));
    let mut losses = Vec::new();
    let engine = fit.run(keep, &mut |progress| {
        losses.push([progress.loss, progress.held_out_loss.unwrap()]);
        if progress.epoch == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (engine.unwrap(), losses)
}

/// Compares a fit of [`SETTINGS`]' epochs with the CPU's: its engine, and the losses of each epoch.
fn check_near((engine, got): (&Engine, &[[f64; 2]]), (cpu, want): (&Engine, &[[f64; 2]]), loss_bound: f64) {
    let apart = largest(got.iter().flatten().zip(want.iter().flatten()).map(|(a, b)| (a - b).abs()));
    let weights = difference(&named(&engine.weights), &named(&cpu.weights));
    println!("losses within {apart:.1e}, weights within {weights:.1e}: {got:?}");
    let near = apart <= loss_bound && weights <= FIT_WEIGHT_BOUND;
    assert!(got.len() == SETTINGS.epochs && near, "{got:?} and not {want:?}");
}

fn scores(engine: Engine) -> Vec<f32> {
    let mut inspector = Inspector::new(engine).unwrap();
    let good = (100..108).map(|seed| (seed, None));
    let bad = (200..204).flat_map(|seed| [(seed, Some(Defect::Stain)), (seed, Some(Defect::Dent))]);
    let score = |(seed, defect)| inspector.inspect(&frame(seed, defect)).unwrap().outcome.score().unwrap();
    good.chain(bad).map(score).collect()
}

#[test]
#[ignore = "a part of a_fit_is_the_cpus"]
fn whole() {
    if !is_here() {
        return;
    }
    let ((cpu, want), (cuda, got)) = (fit(Choice::Cpu, None, 0), fit(Choice::Cuda, None, 0));
    check_near((&cuda, &got), (&cpu, &want), FIT_LOSS_BOUND);
    // The balance of both distances is measured with the weights, so it differs by rounding too.
    let [got_balance, want_balance] = [&cuda, &cpu].map(|engine| engine.metadata.balance.unwrap());
    let apart = (got_balance - want_balance).abs();
    assert!(apart <= FIT_BALANCE_BOUND, "{got_balance} and not {want_balance}");
    let others = |engine: &Engine| Metadata { balance: None, ..engine.metadata.clone() };
    assert_eq!(others(&cuda), others(&cpu));
    // A fit that was stopped is resumed on the GPU and on the CPU.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let keep = Keep { path, every: Duration::MAX, resume: false };
    let (_, first) = fit(Choice::Cuda, Some(&keep), 2);
    let keep = Keep { resume: true, ..keep };
    let (resumed, rest) = fit(Choice::Cuda, Some(&keep), 0);
    assert!(resumed.weights == cuda.weights && [first, rest].concat() == got, "the resumed fit gave another result");
    let (on_cpu, _) = fit(Choice::Cpu, Some(&keep), 0);
    assert!(difference(&named(&on_cpu.weights), &named(&cpu.weights)) <= FIT_WEIGHT_BOUND);
    // The fits of both machines reject the same parts.
    let (got, want) = (scores(cuda), scores(cpu));
    let (good, bad) = want.split_at(8);
    let (most, least) = (good.iter().copied().fold(0.0, f32::max), bad.iter().copied().fold(f32::INFINITY, f32::min));
    assert!(most < least, "{want:?}");
    // In the middle, since so short a fit tells them little apart.
    let threshold = 0.5 * (most + least);
    let rejects = |scores: &[f32]| scores.iter().map(|score| *score > threshold).collect::<Vec<_>>();
    println!("{got:?} and {want:?}");
    assert_eq!(rejects(&got), rejects(&want));
}

#[test]
fn a_fit_is_the_cpus() {
    let Some(run) = run_part("fit::whole", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
}

#[test]
#[ignore = "a part of a_likelihood_is_learnt_on_the_cpu"]
fn likelihood() {
    if !is_here() {
        return;
    }
    let settings = FitSettings { score: None, ..SETTINGS };
    let fit = |choice| fit_with(settings, choice, None, 0);
    let ((cpu, want), (cuda, got)) = (fit(Choice::Cpu), fit(Choice::Cuda));
    assert_eq!(cuda.metadata.architecture.score, Score::Likelihood);
    check_near((&cuda, &got), (&cpu, &want), LIKELIHOOD_LOSS_BOUND);
}

#[test]
fn a_likelihood_is_learnt_on_the_cpu() {
    let Some(run) = run_part("fit::likelihood", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    assert!(run.number("launched linear_large") > 0 && !run.printed().contains("launched adam"), "{}", run.printed());
}

#[test]
#[ignore = "a part of what_a_fit_lacks_is_told_at_once"]
fn lacking() {
    if !is_here() {
        return;
    }
    let made = Fit::on_machine(Choice::Cuda, built_in(), SETTINGS, std::env::temp_dir()).map(|_| ());
    let FitError::Backend(error) = made.unwrap_err() else { panic!("the error is not one of the back end") };
    println!("error: {error}");
}

#[test]
fn without_cublas_a_fit_says_so() {
    // SAFETY: this loads a library, if there is one, and closes it again.
    if unsafe { libloading::Library::new("libcublas.so.12") }.is_ok() {
        println!("not run: this system has a cuBLAS, which would be found");
        return;
    }
    let Some(both) = folder() else { return };
    let alone = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::copy(both.join(DRIVER), alone.path().join(DRIVER)).unwrap();
    let good = tempfile::tempdir().unwrap();
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
        command.args(arguments);
        run_in(alone.path(), command, &[])
    };
    let [nominal, output] = ["good", "out"].map(|name| good.path().join(name).to_string_lossy().into_owned());
    let frames = ["--train", "1", "--validation", "1", "--good", "1", "--defective", "1"];
    let made = program(&[&["synthesize", "--part", "puck", "--out", &nominal][..], &frames].concat());
    assert!(made.output.status.success(), "{}", made.printed());
    let nominal = format!("{nominal}/puck/train");
    let fit = ["fit", "--backend", "cuda", "--score", "product", "--nominal", &nominal, "--output", &output];
    let refused = program(&fit);
    let printed = refused.printed();
    assert!(refused.output.status.code() == Some(2) && printed.contains("no cuBLAS: libcublas.so.12"), "{printed}");
    assert!(!printed.contains("panicked") && refused.number("left device") == 0, "{printed}");
}

#[test]
fn what_a_fit_lacks_is_told_at_once() {
    for (environment, want) in [
        (("STANDIN_CUBLAS", "110805"), "cuBLAS 11.8 where 12.0 or later is expected"),
        (("STANDIN_DEVICES", "0"), "finds no GPU"),
        (("STANDIN_MEMORY_MB", "2"), "CUBLAS_STATUS_ALLOC_FAILED"),
    ] {
        let Some(run) = run_part("fit::lacking", &[environment]) else { return };
        let printed = run.printed();
        assert!(run.output.status.success() && printed.contains(want), "{environment:?}: {printed}");
        assert!(environment.0 == "STANDIN_DEVICES" || run.number("left device") == 0, "{environment:?}");
    }
}
