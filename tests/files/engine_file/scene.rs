//! The scene that an engine was fitted in stays with it.

use crosscheck::model::engine_file::{Engine, Storage, Usual};
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::{Preparation, Stride};

use super::engine;

#[test]
fn an_engine_keeps_the_scene_that_it_was_fitted_in() {
    let mut fitted = engine(Storage::F32);
    let own = fitted.metadata.preparation.clone();
    let message = fitted.prepare_as(Preparation::default()).unwrap_err().to_string();
    for word in ["another scene", "belt is a plane 0.5 m away", "part is all in the engine and largest", "fit it again"]
    {
        assert!(message.contains(word), "{word}: {message}");
    }
    let message = fitted.prepare_as(Preparation { stride: Stride::One, ..own.clone() }).unwrap_err().to_string();
    assert!(message.contains("--stride 2, but 1 is asked for"), "{message}");
    fitted.prepare_as(own.clone()).unwrap();
    // Without a threshold the stride is free, the scene is not as long as there are mappings.
    fitted.metadata.calibration = None;
    fitted.prepare_as(Preparation { stride: Stride::One, ..own.clone() }).unwrap();
    fitted.prepare_as(Preparation::default()).unwrap_err();
    fitted.weights.take_mappings().unwrap();
    fitted.prepare_as(Preparation::default()).unwrap();
    // The station's plane in place of each frame's own is the same scene, the other way round it is not.
    fitted.metadata.calibration = engine(Storage::F32).metadata.calibration;
    fitted.prepare_as(Preparation { belt: own.belt, ..Preparation::default() }).unwrap();
    fitted.prepare_as(Preparation::default()).unwrap_err();
}

#[test]
fn a_scene_and_what_is_usual_are_kept_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.safetensors");
    let mut fitted = engine(Storage::F32);
    let crop = Crop { rectangle: Some([10, 20, 300, 200]), follow_mm: Some(80.0), ..Crop::default() };
    fitted.metadata.preparation.crop = crop;
    fitted.metadata.usual = Some(Usual { points: 9000, depth_m: 0.5, width: 640, height: 480 });
    fitted.write(&path).unwrap();
    assert_eq!(Engine::read(&path).unwrap().metadata, fitted.metadata);
    fitted.metadata.preparation.crop.rectangle = Some([10, 20, 0, usize::MAX]);
    fitted.write(&path).unwrap();
    let message = Engine::read(&path).unwrap_err().to_string();
    assert!(message.contains("is damaged") && message.contains("scene.crop.rectangle"), "{message}");
}
