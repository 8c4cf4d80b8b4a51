//! The distortion model of a file's coefficients.

use super::fields;
use crate::calibration::distortion::{Coefficients, Distortion, PLAIN, of_five};
use crate::yaml::Node;

/// How many coefficients OpenCV's models have; none in a file of ROS where there is no distortion.
pub const COUNTS: [usize; 6] = [0, 4, PLAIN, RATIONAL, 12, 14];
const RATIONAL: usize = 8;
/// The model of ROS that has eight.
const EIGHT: &str = "rational_polynomial";
const FIVE: [&str; 5] = ["plumb_bob", "brown_conrady", "radtan", "none", ""];

/// The model of `values`, whose number is one of `COUNTS`.
pub fn distortion(root: &Node, values: &[f64]) -> Result<(Distortion, Coefficients), String> {
    let named = named(root)?;
    let at = |i: usize| values.get(i).copied().unwrap_or(0.0);
    if let Some(beyond) = values.iter().skip(RATIONAL).position(|c| *c != 0.0) {
        let kind = if beyond < 4 { "thin prism" } else { "tilted sensor" };
        return Err(format!(
            "it has {} distortion coefficients, of a {kind} model, where at most k1, k2, p1, p2, k3, k4, k5, k6 are expected: calibrate without CALIB_THIN_PRISM_MODEL and CALIB_TILTED_MODEL",
            values.len()
        ));
    }
    let coefficients: Coefficients = std::array::from_fn(at);
    let [first @ .., _, _, _] = coefficients;
    if coefficients == of_five(first) {
        let model = if first == [0.0; PLAIN] { Distortion::None } else { Distortion::BrownConrady };
        return Ok((model, coefficients));
    }
    match named {
        Some(model) if model != EIGHT => Err(format!(
            "it has eight distortion coefficients, but its distortion_model is {model:?}, which has five: name {EIGHT} if it is that"
        )),
        _ => Ok((Distortion::Rational, coefficients)),
    }
}

/// What a person should know of `values` that look like a usual model's: four may be a fisheye lens's as well.
pub fn doubt(root: &Node, values: &[f64]) -> Option<&'static str> {
    let unnamed = matches!(named(root), Ok(None | Some("")));
    (unnamed && values.len() == 4 && values.iter().any(|c| *c != 0.0)).then_some(
        "its four distortion coefficients are taken for k1, k2, p1, p2; those of a fisheye calibration (cv::fisheye) are others, and would give a wrong camera",
    )
}

/// The model that the file names, if any; refused where it is none of those with these coefficients.
fn named(root: &Node) -> Result<Option<&str>, String> {
    let expected = format!(
        "where plumb_bob or {EIGHT} is expected: calibrate with OpenCV's usual model (cv::calibrateCamera), not with a fisheye or omnidirectional one"
    );
    // OpenCV's own sample marks a fisheye calibration by a number only; its four coefficients look like k1, k2, p1, p2.
    if let Some((name, text)) = fields::text(root, &["fisheyemodel", "fisheye"])?
        && !matches!(text, "0" | "false" | "False")
    {
        return Err(format!("its {name} is {text} {expected}"));
    }
    if let Some((name, _)) = fields::find(root, &["xi"])? {
        return Err(format!("it has {name}, of an omnidirectional model, {expected}"));
    }
    if let Some((name, model)) = fields::text(root, &["cameramodel", "projectionmodel", "modeltype"])?
        && !matches!(model.to_ascii_lowercase().as_str(), "pinhole" | "perspective" | "")
    {
        return Err(format!("its {name} is {model:?} where pinhole is expected"));
    }
    let model = fields::text(root, &["distortionmodel"])?;
    match model {
        Some((name, model)) if model != EIGHT && !FIVE.contains(&model) => {
            Err(format!("its {name} is {model:?} {expected}"))
        }
        _ => Ok(model.map(|(_, model)| model)),
    }
}
