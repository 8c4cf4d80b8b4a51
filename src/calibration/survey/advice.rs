//! Whether a station's geometry can carry the method, and what to change where it cannot.

use std::f32::consts::PI;

use crate::calibration::station::{BeltGeometry, Measured, PartSize};

/// With fewer points per group than this, neighbouring groups are nearly the same points.
const POINTS_PER_GROUP_MIN: f32 = 2.0;
/// A group wider than this share of the part's width says little of where on the part it is.
const GROUP_SHARE_MAX: f32 = 0.25;
/// A part on fewer of the frame's pixels wastes the network's resolution.
const FRAME_SHARE_MIN: f32 = 0.03;
/// Limits of a belt that counts as noisy, and of a part that counts as low above it.
const BORDER_LEFT_MAX: f32 = 0.05;
const RESIDUAL_M_MAX: f32 = 0.002;
const HEIGHT_RESIDUALS_MIN: f32 = 5.0;
/// Frames whose planes differ by more show a camera, or a belt, that is loose.
const TURN_DEG_MAX: f32 = 0.5;
const SHIFT_M_MAX: f32 = 0.002;
const VALID_MIN: f32 = 0.6;
const CLIPPED_MAX: f32 = 0.05;
const BRIGHTNESS_MIN: f32 = 25.0;
const BRIGHTNESS_MAX: f32 = 225.0;
const FRAMES_MIN: usize = 10;

/// What to change before a fit, each change as a line of text, for an engine of `groups` groups of `group_size` points.
pub fn warnings(measured: &Measured, groups: usize, group_size: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if measured.frames < FRAMES_MIN {
        warnings
            .push(format!("only {} frames were given: {FRAMES_MIN} or more tell noise from the belt", measured.frames));
    }
    match &measured.part {
        None => warnings.push(
            "no frame shows a whole part: give frames with the part in the middle; if it never fits, move the camera away".into(),
        ),
        Some(part) => {
            about_points(part, groups, group_size, &mut warnings);
            if part.height_m < HEIGHT_RESIDUALS_MIN * measured.belt.residual_m {
                warnings.push(format!(
                    "the part stands {:.1} mm above a belt with {:.1} mm of noise: low parts are removed with it; move nearer or improve the depth stream",
                    1e3 * part.height_m,
                    1e3 * measured.belt.residual_m
                ));
            }
        }
    }
    about_belt(&measured.belt, &mut warnings);
    let usual = &measured.usual;
    if usual.valid_share < VALID_MIN {
        warnings.push(format!(
            "{:.0} % of the pixels around the part have no point: check laser power, exposure and shiny surfaces",
            100.0 * (1.0 - usual.valid_share)
        ));
    }
    if usual.clipped_share > CLIPPED_MAX || !(BRIGHTNESS_MIN..=BRIGHTNESS_MAX).contains(&usual.brightness) {
        warnings.push(format!(
            "brightness is {:.0} of 255 and {:.0} % of the pixels are at the end of their range: set exposure or light",
            usual.brightness,
            100.0 * usual.clipped_share
        ));
    }
    warnings
}

fn about_points(part: &PartSize, groups: usize, group_size: usize, warnings: &mut Vec<String>) {
    if part.points_min < groups {
        warnings.push(format!(
            "too few points: {} are left on the part where the engine needs {groups}, and such frames are rejected; move nearer, crop the frame around the part, or stream a higher resolution",
            part.points_min
        ));
    } else if (part.points as f32) < POINTS_PER_GROUP_MIN * groups as f32 {
        warnings.push(format!(
            "few points: {} on the part for {groups} groups; move nearer or crop the frame around the part",
            part.points
        ));
    }
    let radius_m = group_radius_m(part, group_size);
    if 2.0 * radius_m > GROUP_SHARE_MAX * part.width_m {
        warnings.push(format!(
            "too coarse: a group of {group_size} points spans {:.1} mm of a part that is {:.1} mm wide, and shape within it is hardly told apart; move nearer, crop, or use an engine of smaller groups",
            2e3 * radius_m,
            1e3 * part.width_m
        ));
    }
    if part.frame_share < FRAME_SHARE_MIN {
        warnings.push(format!(
            "the part covers {:.1} % of the frame, which is scaled to 224 x 224 pixels: crop the frame around it or move nearer",
            100.0 * part.frame_share
        ));
    }
}

/// Radius of the disc that K points cover at the part's spacing, metres.
pub fn group_radius_m(part: &PartSize, group_size: usize) -> f32 {
    part.point_spacing_m * (group_size as f32 / PI).sqrt()
}

fn about_belt(belt: &BeltGeometry, warnings: &mut Vec<String>) {
    if belt.border_left_share > BORDER_LEFT_MAX {
        warnings.push(format!(
            "{:.0} % of the frame's border shows no flat belt: guides, edges or a part reach into it; crop the frame",
            100.0 * belt.border_left_share
        ));
    }
    if belt.residual_m > RESIDUAL_M_MAX {
        warnings.push(format!(
            "the belt is {:.1} mm rough or noisy where {:.1} mm can be removed cleanly: move nearer or improve the depth stream",
            1e3 * belt.residual_m,
            1e3 * RESIDUAL_M_MAX
        ));
    }
    if belt.turn_deg_max > TURN_DEG_MAX || belt.shift_m_max > SHIFT_M_MAX {
        warnings.push(format!(
            "the belt's plane differs by up to {:.2} degrees and {:.1} mm between frames: fix the camera, or fit the plane to each frame",
            belt.turn_deg_max,
            1e3 * belt.shift_m_max
        ));
    }
}
