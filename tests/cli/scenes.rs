//! Which pixels of a frame are the part, which unit its points have, and what is reported of a frame without a part.

use std::path::Path;

use crosscheck::dataset::mvtec3d;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::scene::{Part, Scene, Surroundings};

use crate::program::{Desk, FIT};
use crate::support::part;

const INSPECT: &str = "inspect --engine @fitted --rgb rgb.png --xyz xyz.tiff";

/// Every coordinate so many times as large.
fn scaled(frame: &RgbdFrame, factor: f32) -> RgbdFrame {
    let cloud = frame.cloud().clone().scaled(factor);
    RgbdFrame::new(frame.width(), frame.height(), frame.rgb().to_vec(), cloud).unwrap()
}

fn blank() -> RgbdFrame {
    let like = part::frame(0, None);
    let (width, height) = (like.width(), like.height());
    let cloud = OrganisedCloud::new(width, height, vec![[0.0; 3]; width * height]).unwrap();
    RgbdFrame::new(width, height, like.rgb().to_vec(), cloud).unwrap()
}

fn write(folder: &Path, frames: impl Iterator<Item = RgbdFrame>) {
    for (number, frame) in frames.enumerate() {
        mvtec3d::write(folder, &format!("{number:03}"), &frame, None).unwrap();
    }
}

#[test]
fn a_wrong_unit_is_an_error_that_names_it_in_every_command() {
    let millimetres = |seed| scaled(&part::frame(seed, None), 1000.0);
    let desk = Desk::with(&millimetres(3));
    write(&desk.path("data/disc/test/good"), (40..43).map(millimetres));
    let commands = [
        INSPECT,
        "fit --engine @default --nominal data/disc/test/good --output new",
        "calibrate --engine @fitted --nominal data/disc/test/good --false-reject-rate 0.5 --output new",
        "evaluate --engine @fitted --dataset data",
        "replay data --engine @calibrated",
        "bench --engine @fitted --frames 1 --rgb rgb.png --xyz xyz.tiff",
        "calibrate-station --frames data --output belt.toml",
    ];
    for command in commands {
        desk.refused_with(command, &["m away where 0.05 to 20 m is expected", "--cloud-unit mm"]);
    }
    // In their unit they are what they are in metres.
    let inspect = format!("{INSPECT} --json --cloud-unit mm");
    let score = desk.done(&inspect).json()["score"].as_f64().unwrap();
    let metres = Desk::with(&part::frame(3, None)).done(&format!("{INSPECT} --json")).json()["score"].as_f64().unwrap();
    assert!((score / metres - 1.0).abs() < 0.02, "{score} {metres}");
    desk.done(&format!("{} --cloud-unit mm", commands[2]));
    desk.done(&format!("{} --cloud-unit mm", commands[3]));
}

#[test]
fn a_factor_of_ten_is_told_by_the_distance_that_was_usual_in_the_fit() {
    for factor in [10.0, 0.12] {
        let desk = Desk::with(&scaled(&part::frame(3, None), factor));
        let mixed = (0..4).map(|seed| scaled(&part::frame(seed, None), if seed == 2 { factor } else { 1.0 }));
        write(&desk.path("mixed"), mixed);
        let words = ["was usual", "unit", "depth_unit_m", "--cloud-unit"];
        desk.refused_with(INSPECT, &words);
        desk.refused_with("calibrate --engine @fitted --nominal mixed --false-reject-rate 0.5 --output new", &words);
        write(&desk.path("off"), [scaled(&part::frame(2, None), factor)].into_iter());
        desk.refused_with("replay off --engine @calibrated", &words);
        desk.refused_with("fit --engine @default --nominal mixed --output new", &words);
    }
}

#[test]
fn a_frame_without_points_is_counted_and_the_others_go_on() {
    let desk = Desk::new();
    write(&desk.path("data/disc/test/good"), (40..43).map(|seed| part::frame(seed, None)).chain([blank()]));
    let calibrate = "calibrate --engine @fitted --nominal data/disc/test/good --false-reject-rate 0.5 --output new";
    assert!(desk.done(calibrate).err.contains("003.png: the frame has no point where the part may be"));
    desk.done("evaluate --engine @calibrated --dataset data");
    let run = desk.run("replay data --engine @calibrated --json");
    let last: serde_json::Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!((run.code, last["verdict"].as_str()), (Some(0), Some("reject")), "{}", run.err);
    assert!(last["reason"].as_str().unwrap().contains("no point where the part may be") && last["score"].is_null());
    let run =
        desk.run(&format!("fit --engine @default --nominal data/disc/test/good {FIT} --output fitted.safetensors"));
    assert!(run.code == Some(0) && run.err.contains("003.png: left out"), "{}", run.err);
}

#[test]
fn a_station_s_frames_propose_a_scene_that_a_fit_takes_and_shows() {
    let desk = Desk::new();
    let surroundings = Surroundings { width: 640, height: 480, scatter_mm: [40.0, 15.0], ..Surroundings::default() };
    let scene = Scene::with_surroundings(Part::Cap, 2, &surroundings).unwrap();
    write(&desk.path("frames"), (0..5).map(|index| scene.nominal(index).frame));
    let run = desk.done("calibrate-station --frames frames --output belt.toml");
    assert!(
        run.out.contains("scene       part largest, crop a window of") && run.out.contains("of the border shows it")
    );
    assert!(desk.path("belt.png").is_file());
    let fit = format!("fit --scene belt.toml --nominal frames {FIT} --preview look --output fitted.safetensors");
    let run = desk.done(&fit);
    assert!(run.err.contains("the part usually has") && !run.err.contains("WARN"), "{}", run.err);
    let sheet = image::open(desk.path("look/parts.png")).unwrap();
    assert!(sheet.width() > 1000 && sheet.height() > 150);
    // A colour that only outlines have.
    assert!(sheet.to_rgb8().pixels().filter(|pixel| pixel.0[2] > pixel.0[0].saturating_add(60)).count() > 100);
    let inspect = "inspect --engine fitted.safetensors --rgb frames/rgb/000.png --xyz frames/xyz/000.tiff --json --scene belt.toml";
    let found = desk.done(inspect).json();
    assert!(found["doubt"].is_null() && found["window"]["side"].as_u64().unwrap() < 480, "{found}");
    assert!(found["points"].as_u64().unwrap() > 10_000, "{found}");
}

#[test]
fn what_touches_the_edge_is_warned_of_in_words() {
    let desk = Desk::new();
    let surroundings = Surroundings { width: 640, height: 700, fixture: true, ..Surroundings::default() };
    let scene = Scene::with_surroundings(Part::Puck, 4, &surroundings).unwrap();
    write(&desk.path("frames"), (0..3).map(|index| scene.nominal(index).frame));
    let fit = format!("fit --nominal frames {FIT} --output fitted.safetensors");
    let run = desk.done(&fit);
    assert!(
        run.err.contains("in 3 of 3 frames the object that was taken for the part touches the edge"),
        "{}",
        run.err
    );
    let run = desk.done("inspect --engine fitted.safetensors --rgb frames/rgb/000.png --xyz frames/xyz/000.tiff");
    assert!(run.err.contains("touches the edge of the crop") && run.err.contains("scene.part"), "{}", run.err);
    desk.write("centre.toml", "[scene]\npart = \"centre\"\n");
    let run = desk.done(&format!("{fit} --scene centre.toml"));
    assert!(!run.err.contains("touches the edge"), "{}", run.err);
}
