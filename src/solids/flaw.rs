//! What a defect changes on a part, and where.

use super::shape::{capsule, cut, ellipsoid, joined};
use super::solid::{Finish, Solid};
use super::texture::rough;
use crate::procedural::blend::step;
use crate::procedural::noise::field;
use crate::vector::{Vector, along, dot, length, minus, tangents};

/// A changed region of a part, in the part's frame.
pub struct Flaw {
    pub at: Vector,
    /// Out of the surface, along it, and across.
    pub normal: Vector,
    pub tangents: [Vector; 2],
    /// Half of its size: of a line the length, of everything else the diameter; millimetres.
    pub radius_mm: f32,
    /// For uneven rims and lines.
    pub seed: u32,
    pub change: Change,
}

pub enum Change {
    /// The surface moves out by this, in by less than 0.
    Swelling(f32),
    Line(Line),
    /// Another finish, and its share.
    Paint(Finish, f32),
    /// Only colour and gloss, in patches.
    Film(Finish, f32),
    Bite,
    /// A lip that goes up from an edge, and its material.
    Burr,
    Body(Body),
    /// Beyond a line the part bends up: by this over twice the radius.
    Bend(f32),
}

/// A scratch or a crack.
pub struct Line {
    pub width_mm: f32,
    pub depth_mm: f32,
    /// How far it leaves the straight, over its length, and how often it turns.
    pub wander: f32,
    pub turns: f32,
    pub finish: Finish,
}

/// Something that lies on the part.
pub struct Body {
    /// Half of its size along, across and up, over the radius.
    pub shape: Vector,
    pub finish: Finish,
}

impl Flaw {
    pub fn new(at: Vector, normal: Vector, wish: Vector, radius_mm: f32, seed: u32, change: Change) -> Self {
        Self { at, normal, tangents: tangents(normal, wish), radius_mm, seed, change }
    }

    /// Along its tangents and its normal, from its middle.
    fn local(&self, p: Vector) -> Vector {
        let off = minus(p, self.at);
        [dot(off, self.tangents[0]), dot(off, self.tangents[1]), dot(off, self.normal)]
    }

    /// To the surface of the part with the flaw.
    pub fn distance(&self, p: Vector, solid: &dyn Solid) -> f32 {
        if let Change::Bend(up_mm) = self.change {
            return solid.distance(self.unbent(p, up_mm));
        }
        let far = length(minus(p, self.at)) - 2.2 * self.radius_mm;
        match &self.change {
            Change::Paint(..) | Change::Film(..) | Change::Bend(_) => solid.distance(p),
            Change::Burr | Change::Body(_) if far > 0.0 => solid.distance(p).min(far + 0.2 * self.radius_mm),
            _ if far > 0.0 => solid.distance(p),
            Change::Swelling(by) => {
                let share = (1.0 - (length(minus(p, self.at)) / self.radius_mm).powi(2)).max(0.0).powi(2);
                solid.distance(along(p, -by * share, self.normal))
            }
            Change::Line(line) => cut(solid.distance(p), self.line(p, line)),
            Change::Bite => cut(solid.distance(p), self.bite(p)),
            Change::Burr => joined(solid.distance(p), self.burr(p), 0.15 * self.radius_mm),
            Change::Body(body) => solid.distance(p).min(self.body(p, body)),
        }
    }

    pub fn finish(&self, p: Vector, solid: &dyn Solid) -> Finish {
        if let Change::Bend(up_mm) = self.change {
            return solid.finish(self.unbent(p, up_mm));
        }
        let sound = solid.finish(p);
        if length(minus(p, self.at)) > 2.2 * self.radius_mm {
            return sound;
        }
        match &self.change {
            Change::Swelling(_) | Change::Bend(_) => sound,
            Change::Line(line) => {
                let inside = 0.35 * line.width_mm - self.line(p, line);
                sound.blended(line.finish, step(inside, 0.4 * line.width_mm))
            }
            Change::Paint(finish, share) => sound.blended(*finish, share * step(self.inside(p), 0.12 * self.radius_mm)),
            Change::Film(finish, share) => {
                let [u, v, _] = self.local(p).map(|x| 2.5 * x / self.radius_mm);
                let patches = 0.75 + 0.45 * field(self.seed ^ 0xF11, u, v);
                sound.blended(*finish, share * patches * step(self.inside(p), 0.5 * self.radius_mm))
            }
            Change::Bite => {
                let fresh = Finish::matt(sound.albedo.map(|a| 0.55 * a + 0.12));
                if self.bite(p) < 0.05 * self.radius_mm { fresh.times(1.0 + 0.2 * rough(self.seed, p)) } else { sound }
            }
            Change::Burr if self.burr(p) < 0.5 * solid.distance(p) => {
                Finish { gloss: 0.5 * sound.gloss, ..sound.times(1.1) }
            }
            Change::Burr => sound,
            Change::Body(body) if self.body(p, body) < solid.distance(p) => {
                body.finish.times(1.0 + 0.15 * rough(self.seed, p.map(|x| 3.0 * x / self.radius_mm)))
            }
            Change::Body(_) => sound,
        }
    }

    /// How far inside a disc with an uneven rim, millimetres.
    fn inside(&self, p: Vector) -> f32 {
        let [u, v, w] = self.local(p);
        let uneven = 1.0 + 0.3 * field(self.seed, 1.7 * u / self.radius_mm, 1.7 * v / self.radius_mm);
        // What lies deeper or higher is another place of the part.
        (self.radius_mm * uneven - u.hypot(v)).min(1.5 * self.radius_mm - w.abs())
    }

    fn line(&self, p: Vector, line: &Line) -> f32 {
        let [u, v, w] = self.local(p);
        let wander =
            |u: f32| 2.0 * self.radius_mm * line.wander * field(self.seed, line.turns * u / self.radius_mm, 0.5);
        let share = (u / self.radius_mm).clamp(-1.0, 1.0);
        // It fades out towards its ends.
        let half = 0.5 * line.width_mm * (1.0 - 0.7 * share * share);
        let beyond = (u.abs() - self.radius_mm).max(0.0);
        (v - wander(u)).abs().hypot(beyond).max(0.0) - half + (w.abs() - line.depth_mm).max(0.0)
    }

    fn bite(&self, p: Vector) -> f32 {
        length(minus(p, self.at))
            - self.radius_mm * (1.0 + 0.25 * rough(self.seed, p.map(|x| 1.5 * x / self.radius_mm)))
    }

    fn burr(&self, p: Vector) -> f32 {
        let [u, v, w] = self.local(p);
        let height = self.radius_mm
            * (0.7 + 0.5 * field(self.seed, 3.0 * u / self.radius_mm, 0.5))
            * (1.0 - (u / self.radius_mm).powi(2)).max(0.15);
        let lean = 0.35 * field(self.seed ^ 0xB, 2.0 * u / self.radius_mm, 0.5);
        let top = [0.0, lean * height, height];
        let blade = capsule([0.0, v, w], [0.0, -lean * height, -0.2 * self.radius_mm], top, 0.14 * self.radius_mm);
        blade.max(u.abs() - self.radius_mm)
    }

    fn body(&self, p: Vector, body: &Body) -> f32 {
        let half = body.shape.map(|share| share * self.radius_mm);
        let [u, v, w] = self.local(p);
        ellipsoid([u, v, w - 0.6 * half[2]], half)
            + 0.08 * half[2] * rough(self.seed, p.map(|x| 2.0 * x / self.radius_mm))
    }

    /// Where a place of the bent part was before.
    fn unbent(&self, p: Vector, up_mm: f32) -> Vector {
        let beyond = (dot(minus(p, self.at), self.tangents[0]) / (2.0 * self.radius_mm)).max(0.0);
        along(p, -up_mm * beyond * beyond, [0.0, 0.0, 1.0])
    }
}
