//! A procedural inspection station: parts on a tilted belt under a depth camera, with defects and their truth.
//!
//! Every part's colour follows from its shape, or both follow from the place on the part, so that each predicts the
//! other. The world is seen as a real camera gives it: rays against a height field, light that drifts, noise on depth
//! and colour, pixels without a point. All of it is a function of the seed and the frame number.

mod camera;
mod defect;
mod fixture;
mod flaw;
mod parts;
mod piece;
mod pose;
mod render;
mod surface;
mod surroundings;

use crate::frame::RgbdFrame;
use crate::procedural;
use crate::procedural::noise::{between, normal, stream};
use crate::procedural::placement::most_visible;
use flaw::Flaw;
use parts::SoundPiece;
use piece::Piece;
use pose::{Pose, SHIFT_MM, TURN_RAD};
use render::{Station, View};
use surface::REACH_MM;

pub use camera::SIDE;
pub use defect::Defect;
pub use parts::Part;
pub use surroundings::{SIDES, Surroundings, SurroundingsError};

/// Parts nearer to each other would touch, millimetres.
#[doc(hidden)]
pub const PITCH_MM_MIN: f32 = 2.0 * REACH_MM;
/// A defect that shows on fewer pixels is placed anew.
const DEFECT_PIXELS_MIN: usize = 80;
const PLACEMENTS_MAX: usize = 30;

/// A frame of a scene, with its truth.
pub type Sample = procedural::Sample<Defect>;

/// One part, drawn once and seen in many frames.
#[doc(hidden)]
pub struct Carried {
    piece: Piece,
    pose: Pose,
}

/// One kind of part at one station.
pub struct Scene {
    part: Part,
    seed: u64,
    scatter_mm: [f32; 2],
    station: Station,
}

impl Scene {
    /// The station's geometry, light and noise follow from `seed`, as every part and defect on it does.
    ///
    /// ```
    /// use crosscheck::scene::{Defect, Part, Scene};
    ///
    /// let scene = Scene::new(Part::Biscuit, 1);
    /// let (good, bad) = (scene.nominal(0), scene.defective(0, Defect::Colour));
    /// // The same part, but for the stain.
    /// assert_eq!(good.frame.cloud(), bad.frame.cloud());
    /// assert!(bad.ground_truth.contains(&true) && !good.ground_truth.contains(&true));
    /// ```
    pub fn new(part: Part, seed: u64) -> Self {
        Self::within(part, seed, &Surroundings::default())
    }

    /// [`Scene::new`] in other surroundings: the same parts in the same light at the same station.
    pub fn with_surroundings(part: Part, seed: u64, surroundings: &Surroundings) -> Result<Self, SurroundingsError> {
        surroundings.check()?;
        Ok(Self::within(part, seed, surroundings))
    }

    fn within(part: Part, seed: u64, surroundings: &Surroundings) -> Self {
        let [mut of_station, mut of_fixture] =
            ["station", "fixture"].map(|purpose| stream(part.name(), seed, 0, purpose));
        let station = Station::new(surroundings, &mut of_station, &mut of_fixture);
        Self { part, seed, scatter_mm: surroundings.scatter_mm, station }
    }

    /// The good part number `index`.
    pub fn nominal(&self, index: u64) -> Sample {
        let (good, pose) = self.good(index);
        let view = self.station.look(&[(&Piece::from(good), pose)], 0.0);
        let nothing = vec![false; view.pixels()];
        self.sample(index, view, nothing, None)
    }

    /// The part of [`Scene::nominal`] in the same pose, light and noise, with a defect.
    pub fn defective(&self, index: u64, defect: Defect) -> Sample {
        let (_, view, truth) = self.flawed(index, defect);
        self.sample(index, view, truth, Some(defect))
    }

    /// The part number `index` for [`Scene::along`].
    #[doc(hidden)]
    pub fn carried(&self, index: u64, defect: Option<Defect>) -> Carried {
        let (good, pose) = self.good(index);
        let piece = defect.map_or(good.into(), |defect| self.flawed(index, defect).0);
        Carried { piece, pose }
    }

    /// Frame number `index` of a belt that has carried parts on: each with its distance beyond the middle,
    /// millimetres, at least [`PITCH_MM_MIN`] from one to the next. They lie in the middle across the belt: scatter is
    /// of parts that are laid, [`Scene::nominal`] and [`Scene::defective`].
    #[doc(hidden)]
    pub fn along(&self, index: u64, parts: &[(&Carried, f32)], belt_mm: f32) -> RgbdFrame {
        let pieces: Vec<(&Piece, Pose)> =
            parts.iter().map(|&(part, along_mm)| (&part.piece, Pose { at_mm: [along_mm, 0.0], ..part.pose })).collect();
        let view = self.station.look(&pieces, belt_mm);
        self.station.expose(&view, &mut stream(self.part.name(), self.seed, index, "exposure"))
    }

    /// A part that far from the middle is out of view, millimetres.
    #[doc(hidden)]
    pub fn out_of_view_mm(&self) -> f32 {
        self.station.out_of_view_mm()
    }

    /// The part with a defect, what is seen of it, and where that differs from the good part.
    fn flawed(&self, index: u64, defect: Defect) -> (Piece, View, Vec<bool>) {
        let (good, pose) = self.good(index);
        let before = self.station.look(&[(&Piece::from(good.clone()), pose)], 0.0);
        let mut random = stream(self.part.name(), self.seed, index, defect.name());
        let ((piece, view), truth) = most_visible(PLACEMENTS_MAX, DEFECT_PIXELS_MIN, || {
            let piece = Piece::with_flaw(good.clone(), Flaw::draw(defect, &good, &mut random));
            let view = self.station.look(&[(&piece, pose)], 0.0);
            let truth = view.differences(&before);
            ((piece, view), truth)
        });
        (piece, view, truth)
    }

    fn good(&self, index: u64) -> (SoundPiece, Pose) {
        let mut random = stream(self.part.name(), self.seed, index, "part");
        let mut of_place = stream(self.part.name(), self.seed, index, "scatter");
        let pose = Pose {
            turn_rad: TURN_RAD * normal(&mut random),
            shift_mm: [SHIFT_MM * normal(&mut random), SHIFT_MM * normal(&mut random)],
            at_mm: self.scatter_mm.map(|most| between(&mut of_place, -most, most)),
        };
        (SoundPiece::draw(self.part, &mut random), pose)
    }

    fn sample(&self, index: u64, view: View, ground_truth: Vec<bool>, defect: Option<Defect>) -> Sample {
        let frame = self.station.expose(&view, &mut stream(self.part.name(), self.seed, index, "exposure"));
        Sample { frame, ground_truth, part_mask: view.part_mask(), defect }
    }
}
