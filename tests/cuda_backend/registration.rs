//! The back end registers depth to colour in a camera's frames.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use crosscheck::backend::Machine;
use crosscheck::calibration::Camera;
use crosscheck::calibration::assembly::Assembler;
use crosscheck::calibration::camera_file::CameraFile;
use crosscheck::calibration::registration::Registration;
use crosscheck::frame::RgbdFrame;

use crate::standin::{is_here, run, run_part};

const DEPTH: (usize, usize) = (96, 60);
const COLOUR: (usize, usize) = (120, 72);
const FRAMES: usize = 3;

/// A camera with a calibrated lens, one with a lens of eight coefficients, and one whose depth image is on the colour
/// image's grid already.
pub fn cameras() -> [Camera; 3] {
    let colour = "[colour]\nwidth = 120\nheight = 72\nfx = 90.0\nfy = 91.0\ncx = 60.3\ncy = 35.1\ndistortion = \"brown_conrady\"\ncoefficients = [0.1, -0.15, 0.001, -0.002, 0.02]\n";
    let depth = "[depth]\nwidth = 96\nheight = 60\nfx = 60.0\nfy = 60.5\ncx = 47.0\ncy = 30.2\n[depth_to_colour]\nrotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]\ntranslation_m = [0.015, 0.001, -0.002]\n";
    let rational = colour
        .replace("brown_conrady", "rational")
        .replace("[0.1, -0.15, 0.001, -0.002, 0.02]", "[0.72, -2.89, 0.0008, -0.0001, 1.63, 0.6, -2.72, 1.57]");
    [format!("{colour}{depth}"), format!("{rational}{depth}"), colour.into()].map(|lenses| {
        let text = format!("depth_unit_m = 0.001\n{lenses}");
        let file = CameraFile::parse(&text, Path::new("camera.toml")).unwrap();
        Camera::Lenses(Arc::new(Registration::new(file)))
    })
}

/// Opens what makes the camera's frames.
pub fn assembler(camera: &Camera, machine: Machine) -> Assembler {
    let mut assembler = Assembler::with_registrar(machine.registrar());
    assembler.prepare(camera);
    assembler
}

/// Frames of a camera, each of another random scene.
pub fn frames(camera: &Camera, mut assembler: Assembler) -> Vec<RgbdFrame> {
    let Camera::Lenses(registration) = camera else { panic!("a camera without lenses") };
    let size = if registration.tables().is_some() { DEPTH } else { COLOUR };
    let rgb: Vec<u8> = (0..COLOUR.0 * COLOUR.1 * 3).map(|i| i as u8).collect();
    let frame = |number: usize| {
        let mut random = fastrand::Rng::with_seed(number as u64);
        // The last frame is empty, so that anything left of the frame before would show.
        let step = |i: usize| if number + 1 == FRAMES || i.is_multiple_of(7) { 0 } else { 500 + random.u16(..90) };
        let depth: Vec<u16> = (0..size.0 * size.1).map(step).collect();
        let mut frame = RgbdFrame::blank();
        assembler.assemble(camera, (&rgb, COLOUR), (&depth, size), &mut frame).unwrap();
        frame
    };
    (0..FRAMES).map(frame).collect()
}

/// Checks that the frames equal the CPU's, whatever `--backend cuda` finds on this machine. As in a station, one thread
/// opens the camera, and another makes the frames and closes it.
fn check() {
    for camera in cameras() {
        let (opened, same) = (assembler(&camera, Machine::Cuda), camera.clone());
        let got = thread::spawn(move || frames(&same, opened)).join().unwrap();
        let want = frames(&camera, assembler(&camera, Machine::Cpu));
        assert!(got == want, "frames differ");
        let points: Vec<usize> = got.iter().map(|frame| frame.cloud().valid_count()).collect();
        assert!(points[0] > 3000 && points[1] > 3000 && points[2] == 0, "{points:?}");
        // Both machines' depth steps have the frame's points.
        for frame in &got {
            let Some((steps, rays)) = frame.depth() else { continue };
            assert!(rays.points(steps).eq(frame.cloud().points().iter().copied()), "the steps are others");
        }
        assert_eq!(got[0].depth().is_some(), Machine::Cuda.registrar().is_some());
    }
}

#[test]
fn frames_are_the_same_whatever_this_machine_has() {
    check();
}

#[test]
#[ignore = "a part of frames_on_the_gpu_are_the_cpus"]
fn part() {
    if !is_here() {
        return;
    }
    env_logger::builder().filter_level(log::LevelFilter::Info).init();
    check();
}

#[test]
fn frames_on_the_gpu_are_the_cpus() {
    let Some(run) = run_part("registration::part", &[]) else { return };
    run.check_clean();
    // The GPU does nothing for the camera whose depth image is on the frame's grid already.
    for kernel in ["nearest_steps", "registered_points"] {
        assert_eq!(run.number(&format!("launched {kernel}")), 2 * FRAMES, "{kernel}");
    }
    let printed = run.printed();
    assert!(
        printed.contains("on the GPU") && printed.contains("depth is registered to colour on the CPU\n"),
        "{printed}"
    );
    assert!(!printed.contains("with the same result"), "{printed}");
}

#[test]
fn bench_measures_the_gpus() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosscheck"));
    let camera = format!("{}/calibration/depth-848x480-colour-1280x720.toml", env!("CARGO_MANIFEST_DIR"));
    program.args(["bench", "--registration", &camera, "--frames", "1", "--backend", "cuda"]);
    let Some(run) = run(program, &[]) else { return };
    run.check_clean();
    assert!(run.printed().contains("on cuda, with the copies"), "{}", run.printed());
    assert_eq!(run.number("launched nearest_steps"), 2);
}

#[test]
fn where_no_gpu_can_be_had_the_cpu_takes_its_place() {
    for (environment, reason) in [
        (("STANDIN_DEVICES", "0"), "finds no GPU"),
        (("STANDIN_CAPABILITY", "75"), "compute capability 7.5"),
        (("STANDIN_MEMORY_MB", "0"), "out of memory"),
    ] {
        let Some(run) = run_part("registration::part", &[environment]) else { return };
        let printed = run.printed();
        assert!(run.output.status.success(), "{environment:?}: {printed}");
        let told = printed.lines().find(|line| line.contains("on the CPU, with the same result"));
        assert!(
            told.is_some_and(|line| line.contains(reason)) && !printed.contains("panicked"),
            "{environment:?}: {printed}"
        );
    }
}
