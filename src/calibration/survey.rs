//! Measures a station from its frames: the belt, the part on it, and whether the method can see that part.

mod advice;
pub mod part;
mod proposal;

use thiserror::Error;

use super::distance::{DistanceError, check_distance};
use super::station::{BeltGeometry, Measured, PartSize, Proposal, StationCalibration};
use crate::frame::{Region, RgbdFrame, is_point};
use crate::prepare::belt::{Fitter, Support};
use crate::prepare::border::BORDER;
use crate::prepare::crop::{Crop, CropMisfit, Cropper};
use crate::prepare::plane::{self, Plane};
use crate::prepare::point_grid::PointGrid;
use crate::prepare::{PartChoice, Preparation};
use crate::quality::Quality;
use part::{PartFinder, PartView};

pub use advice::warnings;

/// Border points kept of each frame, for the residual.
const BORDER_KEPT_MAX: usize = 1000;
/// Frames whose planes are further than this from the median plane do not count.
const TURN_DEG_MAX: f32 = 1.0;
const SHIFT_M_MAX: f32 = 0.003;

#[derive(Debug, Error, PartialEq)]
pub enum SurveyError {
    #[error("no frame was given: give a folder of frames with --frames")]
    NoFrames,
    #[error("frames are {width} x {height} and {other_width} x {other_height}: give frames of one camera")]
    Sizes { width: usize, height: usize, other_width: usize, other_height: usize },
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    #[error(transparent)]
    Distance(#[from] DistanceError),
    #[error(
        "none of {frames} frames shows the belt: check the depth stream and scene.crop, or give frames whose background was not removed; where there is no belt at all, write [scene] yourself, with belt = \"none\""
    )]
    NoBelt { frames: usize },
}

/// Takes frames one by one.
#[derive(Default)]
pub struct Survey {
    /// What is taken for the part, and where it may be; the survey finds it where none is given.
    scene: Option<Preparation>,
    cropper: Cropper,
    fitter: Fitter,
    finder: PartFinder,
    size: Option<(usize, usize)>,
    frames: usize,
    seen: Vec<Seen>,
}

/// What one frame shows.
struct Seen {
    plane: Plane,
    support: Support,
    border: Vec<[f32; 3]>,
    /// What the known scene takes for the part, or what each choice does where no scene is known.
    largest: Option<PartView>,
    centre: Option<PartView>,
    quality: Quality,
}

impl Seen {
    /// The part, where the frame shows it whole.
    fn part(&self, choice: PartChoice) -> Option<PartView> {
        let part = if choice == PartChoice::Centre { self.centre } else { self.largest };
        part.filter(|part| !part.cut)
    }
}

impl Survey {
    /// A survey in a scene that is known already; its belt is measured all the same.
    pub fn in_scene(scene: Preparation) -> Self {
        Self { scene: Some(scene), ..Self::default() }
    }

    /// Measures a frame. One without a belt in its border is counted, and adds nothing.
    pub fn add(&mut self, frame: &RgbdFrame) -> Result<(), SurveyError> {
        let (width, height) = *self.size.get_or_insert((frame.width(), frame.height()));
        let (other_width, other_height) = (frame.width(), frame.height());
        if (width, height) != (other_width, other_height) {
            return Err(SurveyError::Sizes { width, height, other_width, other_height });
        }
        self.frames += 1;
        check_distance(frame.cloud().points())?;
        let crop = self.scene.as_ref().map(|scene| scene.crop.clone()).unwrap_or_default();
        let (cut, bounds) = self.cropper.cut(frame, &crop)?;
        let (points, width, height) = (cut.cloud().points(), cut.width(), cut.height());
        let Some(found) = self.fitter.fit(PointGrid::whole(points, width), 0) else { return Ok(()) };
        let plane = found.plane.towards_camera();
        let mut find = |part| self.finder.find(cut, &plane, part).map(|part| part.moved(bounds.x, bounds.y));
        let [largest, centre] = match &self.scene {
            Some(scene) => [find(scene.part); 2],
            None => [find(PartChoice::Largest), find(PartChoice::Centre)],
        };
        let part = largest.filter(|part| !part.cut).or(centre);
        let quality = Quality::of(frame, part.map_or(bounds, |part| part.surroundings));
        let border = border(points, width, height);
        self.seen.push(Seen { plane, support: found.support, border, largest, centre, quality });
        Ok(())
    }

    /// What is taken for the part: the choice of the known scene, or the one that the frames suggest.
    fn choice(&self) -> PartChoice {
        let propose = || proposal::part_choice(&self.seen.iter().map(|seen| seen.largest).collect::<Vec<_>>());
        self.scene.as_ref().map_or_else(propose, |scene| scene.part)
    }

    /// The calibration that all frames give.
    pub fn finish(&self) -> Result<StationCalibration, SurveyError> {
        let Some((width, height)) = self.size else { return Err(SurveyError::NoFrames) };
        let Some(median) = median_plane(self.seen.iter().map(|seen| seen.plane)) else {
            return Err(SurveyError::NoBelt { frames: self.frames });
        };
        let (plane, belt) = self.belt(&median);
        let choice = self.choice();
        let with_part: Vec<&Seen> = self.seen.iter().filter(|seen| seen.part(choice).is_some()).collect();
        let parts: Vec<PartView> = with_part.iter().filter_map(|seen| seen.part(choice)).collect();
        let whole = Region::of_size(width, height);
        let qualities = |all: &[&Seen]| Quality::median(&all.iter().map(|seen| seen.quality).collect::<Vec<_>>());
        let usual =
            if with_part.is_empty() { qualities(&self.seen.iter().collect::<Vec<_>>()) } else { qualities(&with_part) };
        let size = PartSize::median(&parts.iter().map(|part| part.size).collect::<Vec<_>>());
        let crop = match (&self.scene, size) {
            (Some(scene), _) => scene.crop.clone(),
            (None, Some(size)) => proposal::crop(&parts, (size.length_m, size.width_m), (width, height)),
            (None, None) => Crop::default(),
        };
        Ok(StationCalibration {
            normal: plane.normal,
            offset_m: plane.offset_m,
            scene: Some(Proposal { belt: String::new(), part: choice, crop }),
            measured: Some(Measured {
                frames: self.frames,
                frames_with_part: parts.len(),
                width,
                height,
                belt,
                part: size,
                region_of_interest: parts.iter().map(|part| part.surroundings).reduce(Region::union).unwrap_or(whole),
                usual,
            }),
        })
    }

    /// The mean of the planes near the median one, and how far frames are from it.
    fn belt(&self, median: &Plane) -> (Plane, BeltGeometry) {
        let counts =
            |seen: &&Seen| turn_deg(&seen.plane, median) <= TURN_DEG_MAX && shift_m(&seen.plane, median) <= SHIFT_M_MAX;
        let counted: Vec<&Seen> = self.seen.iter().filter(counts).collect();
        let plane = mean_plane(&counted).unwrap_or(*median);
        let distances: Vec<f32> = counted.iter().flat_map(|seen| &seen.border).map(|p| plane.distance(p)).collect();
        let near: Vec<f32> = distances.iter().copied().filter(|d| *d < plane::BACKGROUND_M).collect();
        let support = |of: fn(&Support) -> f32| {
            counted.iter().map(|seen| of(&seen.support)).sum::<f32>() / counted.len().max(1) as f32
        };
        let squares: f32 = near.iter().map(|d| d * d).sum();
        let most = |of: fn(&Plane, &Plane) -> f32| self.seen.iter().map(|s| of(&s.plane, &plane)).fold(0.0, f32::max);
        let belt = BeltGeometry {
            working_distance_m: along_axis(&plane),
            tilt_deg: plane.normal[2].abs().min(1.0).acos().to_degrees(),
            residual_m: (squares / near.len().max(1) as f32).sqrt(),
            border_share: support(|s| s.border_share),
            cloud_share: support(|s| s.cloud_share),
            border_left_share: 1.0 - near.len() as f32 / distances.len().max(1) as f32,
            turn_deg_max: most(turn_deg),
            shift_m_max: most(shift_m),
            frames_left_out: self.seen.len() - counted.len(),
        };
        (plane, belt)
    }
}

fn border(points: &[[f32; 3]], width: usize, height: usize) -> Vec<[f32; 3]> {
    let inner = |at: usize, side: usize| (BORDER..side.saturating_sub(BORDER)).contains(&at);
    let in_border = |i: &usize| !(inner(i % width, width) && inner(i / width, height));
    let border: Vec<[f32; 3]> = (0..points.len()).filter(in_border).map(|i| points[i]).filter(is_point).collect();
    border.iter().step_by(border.len().div_ceil(BORDER_KEPT_MAX).max(1)).copied().collect()
}

/// Where the optical axis meets a plane, metres.
fn along_axis(plane: &Plane) -> f32 {
    -plane.offset_m / plane.normal[2]
}

/// Between the normals of two planes.
fn turn_deg(a: &Plane, b: &Plane) -> f32 {
    let cos: f32 = a.normal.iter().zip(b.normal).map(|(a, b)| a * b).sum();
    cos.clamp(-1.0, 1.0).acos().to_degrees()
}

/// How far `a` is from where the optical axis meets `b`.
fn shift_m(a: &Plane, b: &Plane) -> f32 {
    a.distance(&[0.0, 0.0, along_axis(b)])
}

/// The median of each coordinate of the normals, and of where the optical axis meets the planes.
fn median_plane(planes: impl Iterator<Item = Plane>) -> Option<Plane> {
    let planes: Vec<Plane> = planes.collect();
    let median = |of: &dyn Fn(&Plane) -> f32| {
        let mut values: Vec<f32> = planes.iter().map(of).collect();
        values.sort_unstable_by(f32::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let normal = [median(&|p| p.normal[0])?, median(&|p| p.normal[1])?, median(&|p| p.normal[2])?];
    plane_at(normal, median(&along_axis)?)
}

fn mean_plane(seen: &[&Seen]) -> Option<Plane> {
    let mean = |of: &dyn Fn(&Plane) -> f32| {
        let sum: f64 = seen.iter().map(|seen| f64::from(of(&seen.plane))).sum();
        (sum / seen.len() as f64) as f32
    };
    plane_at([0, 1, 2].map(|axis| mean(&|p| p.normal[axis])), mean(&along_axis))
}

/// The plane that the optical axis meets at `distance_m`.
fn plane_at(normal: [f32; 3], distance_m: f32) -> Option<Plane> {
    let length = normal.iter().map(|v| v * v).sum::<f32>().sqrt();
    let normal = normal.map(|v| v / length);
    let plane = Plane { normal, offset_m: -normal[2] * distance_m };
    plane.is_valid().then_some(plane)
}

#[cfg(test)]
mod tests {
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
        assert!(
            (0.42..0.48).contains(&measured.belt.working_distance_m) && measured.belt.tilt_deg < 6.0,
            "{measured:?}"
        );
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
        let read = StationCalibration::read(&path).unwrap();
        let named = |scene: Proposal| Proposal { belt: "station-calibration.toml".into(), ..scene };
        assert_eq!(read, StationCalibration { scene: station.scene.clone().map(named), ..station.clone() });
        assert_eq!(crate::calibration::read_plane(&path).unwrap(), station.plane());
        std::fs::write(&path, "normal = [0.0, 0.0, -1.0]\noffset_m = 0.45\n").unwrap();
        assert_eq!(crate::calibration::read_plane(&path).unwrap().offset_m, 0.45);
        std::fs::write(&path, "normal = [0.0, 0.0, -2.0]\noffset_m = 0.45\n").unwrap();
        let error = StationCalibration::read(&path).unwrap_err().to_string();
        assert!(error.contains("is no plane") && error.contains("unit length"), "{error}");
    }
}
