use super::*;
use crate::frame::OrganisedCloud;
use crate::scene::{Part, Scene};

fn survey(frames: impl IntoIterator<Item = RgbdFrame>) -> Result<StationCalibration, SurveyError> {
    let mut survey = Survey::default();
    frames.into_iter().try_for_each(|frame| survey.add(&frame))?;
    survey.finish()
}

/// A box of 60 x 40 x `height_mm` mm on a level belt 500 mm away, 1 mm a pixel at the belt, turned by 0.3.
fn boxed(height_mm: f32, side: usize, belt_mm: f32) -> RgbdFrame {
    let (sin, cos) = 0.3f32.sin_cos();
    let point = |i: usize| {
        let middle = (side as f32 - 1.0) / 2.0;
        let (x, y) = ((i % side) as f32 - middle, (i / side) as f32 - middle);
        let (along, across) = (cos * x + sin * y, cos * y - sin * x);
        let on_box = along.abs() <= 30.0 && across.abs() <= 20.0;
        let z = if on_box { belt_mm - height_mm } else { belt_mm };
        [x, y, z].map(|v| 1e-3 * v)
    };
    let cloud = OrganisedCloud::new(side, side, (0..side * side).map(point).collect()).unwrap();
    let rgb = (0..side * side * 3).map(|i| 100 + (i * 37 % 60) as u8).collect();
    RgbdFrame::new(side, side, rgb, cloud).unwrap()
}

fn measured(station: &StationCalibration) -> &Measured {
    station.measured.as_ref().unwrap()
}

#[test]
fn a_box_on_a_belt_is_measured() {
    let station = survey((0..12).map(|_| boxed(20.0, 224, 500.0))).unwrap();
    assert!((station.normal[2] + 1.0).abs() < 1e-5 && (station.offset_m - 0.5).abs() < 1e-5, "{station:?}");
    let measured = measured(&station);
    let part = measured.part.unwrap();
    for (found, expected) in [(part.length_m, 0.060), (part.width_m, 0.040), (part.height_m, 0.020)] {
        assert!((found - expected).abs() < 0.002, "{part:?}");
    }
    assert!((part.point_spacing_m - 0.001).abs() < 1e-5 && part.points.abs_diff(2400) < 60, "{part:?}");
    assert!((measured.belt.working_distance_m - 0.5).abs() < 1e-5 && measured.belt.residual_m < 1e-5);
    let region = measured.region_of_interest;
    assert!(region.x > 60 && region.x < 80 && region.width > 69 && region.width < 100, "{region:?}");
    assert_eq!((measured.frames, measured.frames_with_part, measured.belt.frames_left_out), (12, 12, 0));
    assert_eq!(warnings(measured, 512, 32), Vec::<String>::new());
}

#[test]
fn geometry_that_cannot_carry_the_method_is_warned_of() {
    let about = |frame: RgbdFrame, groups: usize, group_size: usize| {
        warnings(measured(&survey((0..12).map(|_| frame.clone())).unwrap()), groups, group_size).join("\n")
    };
    assert!(about(boxed(20.0, 224, 500.0), 4000, 32).contains("too few points"));
    assert!(about(boxed(20.0, 224, 500.0), 1500, 32).contains("few points"));
    assert!(about(boxed(20.0, 224, 500.0), 512, 128).contains("too coarse"));
    assert!(about(boxed(20.0, 500, 500.0), 256, 8).contains("% of the frame"));
    // On a belt, not above it.
    assert!(about(boxed(0.0, 224, 500.0), 512, 32).contains("no frame shows a whole part"));
    let few = warnings(measured(&survey([boxed(20.0, 224, 500.0)]).unwrap()), 512, 32);
    assert!(few.len() == 1 && few[0].contains("only 1 frames"), "{few:?}");
}

#[test]
fn one_frame_with_another_plane_does_not_move_the_belt() {
    let frames = (0..12).map(|i| boxed(20.0, 224, if i == 7 { 520.0 } else { 500.0 }));
    let station = survey(frames).unwrap();
    assert!((station.offset_m - 0.5).abs() < 1e-5, "{station:?}");
    let measured = measured(&station);
    assert!(measured.belt.frames_left_out == 1 && (measured.belt.shift_m_max - 0.02).abs() < 1e-4);
    assert!(warnings(measured, 512, 32).iter().any(|warning| warning.contains("between frames")));
}

#[test]
fn the_procedural_station_is_found_as_it_was_made() {
    let scene = Scene::new(Part::ALL[0], 3);
    let station = survey((0..10).map(|i| scene.nominal(i).frame)).unwrap();
    let measured = measured(&station);
    assert!((0.42..0.48).contains(&measured.belt.working_distance_m) && measured.belt.tilt_deg < 6.0, "{measured:?}");
    assert!(measured.belt.residual_m < 5e-4 && measured.belt.turn_deg_max < 0.2, "{measured:?}");
    assert_eq!(measured.frames_with_part, 10);
}

#[test]
fn frames_that_cannot_be_measured_are_refused() {
    assert_eq!(survey([]), Err(SurveyError::NoFrames));
    let far = survey([boxed(20.0, 224, 500_000.0)]).unwrap_err().to_string();
    assert!(far.contains("off by 1,000"), "{far}");
    let sizes = survey([boxed(20.0, 224, 500.0), boxed(20.0, 100, 500.0)]).unwrap_err();
    assert!(sizes.to_string().contains("224 x 224 and 100 x 100"), "{sizes}");
    let empty = OrganisedCloud::new(50, 50, vec![[0.0; 3]; 2500]).unwrap();
    let empty = RgbdFrame::new(50, 50, vec![9; 7500], empty).unwrap();
    assert_eq!(survey([empty]), Err(SurveyError::NoBelt { frames: 1 }));
}

#[test]
fn a_station_file_is_read_as_it_was_written_and_as_a_plane() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("station-calibration.toml");
    let station = survey((0..3).map(|_| boxed(20.0, 224, 500.0))).unwrap();
    station.write(&path).unwrap();
    assert_eq!(StationCalibration::read(&path).unwrap(), station);
    assert_eq!(crate::calibration::read_plane(&path).unwrap(), station.plane());
    std::fs::write(&path, "normal = [0.0, 0.0, -1.0]\noffset_m = 0.45\n").unwrap();
    assert_eq!(crate::calibration::read_plane(&path).unwrap().offset_m, 0.45);
    std::fs::write(&path, "normal = [0.0, 0.0, -2.0]\noffset_m = 0.45\n").unwrap();
    let error = StationCalibration::read(&path).unwrap_err().to_string();
    assert!(error.contains("is no plane") && error.contains("unit length"), "{error}");
}
