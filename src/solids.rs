//! A second family of procedural parts: bodies in space, traced ray by ray, under three kinds of depth sensor.
//!
//! It shares nothing with [`scene`](crate::scene) but random numbers: neither the shapes, which are distance functions
//! with holes and undercuts, nor how light, sensors and defects are made. What was developed on one family is judged on
//! the other. All of it is a function of the seed and the frame number.

mod bottle;
mod bracket;
mod casting;
mod clip;
mod colour;
mod defect;
mod exposure;
mod flange;
mod flaw;
mod insole;
mod make;
mod microswitch;
mod panel;
mod parts;
mod piece;
mod placing;
mod plate;
mod sensor;
mod shape;
mod solid;
mod station;
mod texture;
mod tolerance;
mod view;

use fastrand::Rng;

use crate::procedural;
use crate::procedural::noise::stream;
use crate::procedural::placement::most_visible;
use piece::{Piece, Pose};
use placing::Shown;
use station::Station;
use view::View;

pub use defect::Defect;
pub use make::{Kind, Lies, SIDE};
pub use parts::Part;

/// A frame of a scene, with its truth.
pub type Sample = procedural::Sample<Defect>;

/// A defect that shows on fewer pixels is placed anew.
const DEFECT_PIXELS_MIN: usize = 30;
const PLACEMENTS_MAX: usize = 20;
/// What of the depth counts as changed by a defect: so many standard deviations of the sensor's noise.
const DEPTH_CHANGED: f32 = 1.5;

/// One kind of part at one station.
pub struct Scene {
    part: Part,
    seed: u64,
    station: Station,
}

impl Scene {
    /// Frames have [`SIDE`] pixels a side. The station's geometry, light and noise follow from `seed`, as every part and
    /// defect on it does.
    pub fn new(part: Part, seed: u64) -> Self {
        Self::with_side(part, seed, SIDE)
    }

    /// [`Scene::new`] with another number of pixels a side, which show the same.
    pub fn with_side(part: Part, seed: u64, side: usize) -> Self {
        let station = Station::new(part.make(), side, &mut stream(part.name(), seed, 0, "station"));
        Self { part, seed, station }
    }

    /// The good part number `index`.
    pub fn nominal(&self, index: u64) -> Sample {
        let view = self.station.look(&self.good(index));
        let nothing = vec![false; view.seen.len()];
        self.sample(index, view, nothing, None)
    }

    /// The part of [`Scene::nominal`] in the same pose, light and noise, with a defect.
    pub fn defective(&self, index: u64, defect: Defect) -> Sample {
        let good = self.good(index);
        let before = self.station.look(&good);
        let shown = Shown { station: &self.station, make: self.part.make(), piece: &good, view: &before };
        let mut random = self.stream(index, defect.name());
        let (view, truth) = most_visible(PLACEMENTS_MAX, DEFECT_PIXELS_MIN, || {
            let view = self.station.look(&self.flawed(index, defect, &shown, &mut random));
            let truth = view.differences(&before, DEPTH_CHANGED * self.station.sensor.noise_mm);
            (view, truth)
        });
        self.sample(index, view, truth, Some(defect))
    }

    fn good(&self, index: u64) -> Piece {
        let mut random = self.stream(index, "part");
        let pose = self.station.lay(&mut random);
        self.piece(self.part.draw(&mut random), pose)
    }

    /// The good part with a defect that is drawn anew.
    fn flawed(&self, index: u64, defect: Defect, shown: &Shown<'_>, random: &mut Rng) -> Piece {
        let mut of_part = self.stream(index, "part");
        let pose = self.station.lay(&mut of_part);
        let mut solid = self.part.draw(&mut of_part);
        match defect {
            Defect::Misplaced => solid.misplace(random),
            Defect::MissingFeature => solid.omit(random),
            _ => {}
        }
        let piece = self.piece(solid, pose);
        match shown.draw(defect, random) {
            Some(flaw) => piece.with_flaw(flaw),
            None => piece,
        }
    }

    fn piece(&self, solid: Box<dyn solid::Solid>, pose: Pose) -> Piece {
        Piece::new(solid, self.part.make(), pose, self.station.pixel_mm())
    }

    fn sample(&self, index: u64, view: View, ground_truth: Vec<bool>, defect: Option<Defect>) -> Sample {
        let frame = exposure::expose(&self.station, &view, &mut self.stream(index, "exposure"));
        Sample { frame, ground_truth, part_mask: view.part_mask(), defect }
    }

    fn stream(&self, index: u64, purpose: &str) -> Rng {
        stream(self.part.name(), self.seed, index, purpose)
    }
}
