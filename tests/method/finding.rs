//! The part in a real scene is found and cropped to, or the reason why it cannot be found is given (tests/cases/README.md).

mod belts;
mod made;
mod road;

use std::path::PathBuf;

use crosscheck::calibration::Camera;
use crosscheck::dataset::{Reading, read_frame};
use crosscheck::frame::RgbdFrame;

fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn frame(name: &str) -> RgbdFrame {
    read_frame(&case(name).join("rgb.png"), &case(name).join("xyz.tiff"), &Reading::default()).unwrap()
}

fn tote() -> RgbdFrame {
    let reading = Camera::read(&case("tote/camera.toml")).unwrap().into();
    read_frame(&case("tote/rgb.jpg"), &case("tote/depth.png"), &reading).unwrap()
}
