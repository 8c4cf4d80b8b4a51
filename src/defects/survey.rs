//! Where an area lies on the belt, and how high it stands above its surroundings.

use crate::areas::{Disc, Mask};
use crate::frame::is_point;
use crate::median::median;
use crate::prepare::{NetworkInput, Plane};
use crate::shapes::{P, W};
use crate::vector::{cross, dot, length, unit};

/// The surroundings of an area are the points of the part from so many network pixels away from it on, since its rim belongs
/// to it,
const GAP: f32 = 2.0;
/// and up to so many. A median over them was as near to the true heights of synthetic dents and bumps as a plane through them,
/// and nearer than one over a wider ring.
const REACH: f32 = 5.0;
/// Fewer points tell no height.
const RING_MIN: usize = 24;
/// A belt is seen at a steeper angle than this; its sine.
const GRAZING_MIN: f32 = 0.17;

/// The direction in which heights are measured: out of the belt, or towards the camera where there is none.
fn up(belt: Option<&Plane>) -> [f32; 3] {
    belt.map_or([0.0, 0.0, -1.0], |belt| belt.towards_camera().normal)
}

/// Millimetres on the belt: from its point below the camera, x to the right in the picture and y down. Without a belt, the
/// camera's own x and y.
struct Axes {
    x: [f32; 3],
    y: [f32; 3],
    up: [f32; 3],
}

impl Axes {
    /// None of a belt that is seen from its edge.
    fn of(belt: Option<&Plane>) -> Option<Self> {
        let up = up(belt);
        // The camera's x as far as it runs along the belt.
        let [a, b, c] = up;
        let x = [1.0 - a * a, -a * b, -a * c];
        if c.abs() <= GRAZING_MIN || length(x) <= GRAZING_MIN {
            return None;
        }
        let x = unit(x);
        let y = cross(x, up);
        Some(Self { x, y, up })
    }

    /// The way along the belt of which x and y of the camera are known.
    fn step(&self, [x, y]: [f32; 2]) -> [f32; 3] {
        [x, y, -(self.up[0] * x + self.up[1] * y) / self.up[2]]
    }

    /// The way from the camera to the point below it is at right angles to both axes, so that it adds nothing.
    fn on_belt(&self, point: [f32; 3]) -> [f32; 2] {
        [dot(self.x, point), dot(self.y, point)]
    }
}

/// Measures areas in space, in buffers that frames reuse.
pub struct Surveyor {
    discs: [Disc; 2],
    near: Mask,
    ring: Mask,
    heights: Vec<f32>,
}

impl Default for Surveyor {
    fn default() -> Self {
        let [near, ring] = [(); 2].map(|()| Mask::default());
        Self { discs: [GAP, REACH].map(Disc::new), near, ring, heights: Vec::with_capacity(P) }
    }
}

impl Surveyor {
    /// The centre of an area, of which the place `[x, y]` in the network frame is known, in millimetres on the belt: by its own
    /// points, or by those around it if it has none. A network pixel has a width and a height, mm.
    pub fn centre_mm(
        &mut self,
        area: &Mask,
        centre: [f32; 2],
        pixel_mm: Option<[f32; 2]>,
        input: &NetworkInput,
    ) -> Option<[f32; 2]> {
        let axes = Axes::of(belt(input))?;
        let mut seen = area;
        if points(area, input).next().is_none() {
            self.near.dilate(area, &self.discs[1]);
            seen = &self.near;
        }
        let (mut count, mut sums) = (0, [0.0; 5]);
        for (pixel, point) in points(seen, input) {
            let values = [(pixel % W) as f32, (pixel / W) as f32, point[0], point[1], point[2]];
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value));
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let [column, row, x, y, z] = sums.map(|sum| (sum / f64::from(count)) as f32);
        // From the centre of the pixels that have a point to that of all.
        let [width, height] = pixel_mm.unwrap_or_default().map(|mm| 1e-3 * mm);
        let step = axes.step([(centre[0] - column) * width, (centre[1] - row) * height]);
        let shift = input.taken.shift_m;
        let place = std::array::from_fn(|axis| [x, y, z][axis] - shift[axis] + step[axis]);
        Some(axes.on_belt(place).map(|m| 1e3 * m))
    }

    /// How high the core of an area stands above the surroundings of the area, mm. `others` are the pixels of all areas.
    pub fn height_mm(&mut self, core: &Mask, area: &Mask, others: &Mask, input: &NetworkInput) -> Option<f32> {
        let [gap, reach] = &self.discs;
        self.ring.dilate(area, reach);
        self.near.dilate(area, gap);
        self.ring.merge(&self.near, |ring, near| ring & !near);
        self.ring.merge(others, |ring, other| ring & !other);
        let up = up(belt(input));
        let mut level = |mask: &Mask, points_min: usize| {
            self.heights.clear();
            self.heights.extend(points(mask, input).map(|(_, point)| 1e3 * dot(point, up)));
            if self.heights.len() < points_min { None } else { median(&mut self.heights) }
        };
        Some(level(core, core.count().div_ceil(2))? - level(&self.ring, RING_MIN)?)
    }
}

fn belt(input: &NetworkInput) -> Option<&Plane> {
    input.taken.belt.as_ref().map(|belt| &belt.plane)
}

/// The pixels of `mask` that have a point, with it.
fn points<'a>(mask: &'a Mask, input: &'a NetworkInput) -> impl Iterator<Item = (usize, [f32; 3])> + 'a {
    let is_there = |(_, point): &(usize, [f32; 3])| is_point(point) && point.iter().all(|v| v.is_finite());
    mask.pixels().map(|pixel| (pixel, input.cloud[pixel])).filter(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::{Belt, Support, Taken};

    /// Metres between points that the camera sees beside each other at a distance of half a metre.
    const PITCH_M: f32 = 5e-4;
    const PITCH_MM: f32 = 1e3 * PITCH_M;

    /// A belt whose point below the camera is half a metre away, turned about the camera's y and x by these, radians.
    fn belt([about_y, about_x]: [f32; 2]) -> Plane {
        let out = [about_y.sin() * about_x.cos(), about_x.sin(), -about_y.cos() * about_x.cos()];
        Plane { normal: out, offset_m: 0.5 }
    }

    /// What a pinhole camera sees of the heights over a belt, mm, at each column and row; no point where there is none.
    fn seen(plane: Plane, height_mm: impl Fn(usize, usize) -> Option<f32>) -> NetworkInput {
        let point = |i: usize| {
            let Some(height_mm) = height_mm(i % W, i / W) else { return [0.0; 3] };
            let middle = (W - 1) as f32 / 2.0;
            let ray = [(i % W) as f32 - middle, (i / W) as f32 - middle].map(|off| off * PITCH_M / 0.5);
            let ray = [ray[0], ray[1], 1.0];
            let distance = (1e-3 * height_mm - plane.offset_m) / dot(plane.normal, ray);
            ray.map(|along| along * distance)
        };
        let cloud: Vec<[f32; 3]> = (0..P).map(point).collect();
        let taken = Taken { belt: Some(Belt { plane, support: Support::default() }), ..Taken::default() };
        NetworkInput { kept: cloud.iter().map(is_point).collect(), cloud, taken, ..NetworkInput::default() }
    }

    /// A square of 20 pixels a side, and its centre.
    const SQUARE: [usize; 2] = [150, 40];
    const CENTRE: [f32; 2] = [159.5, 49.5];

    fn is_in(x: usize, y: usize) -> bool {
        (SQUARE[0]..SQUARE[0] + 20).contains(&x) && (SQUARE[1]..SQUARE[1] + 20).contains(&y)
    }

    fn square() -> Mask {
        let mut mask = Mask::default();
        mask.take_where(|i| is_in(i % W, i / W));
        mask
    }

    fn height_mm(input: &NetworkInput) -> Option<f32> {
        Surveyor::default().height_mm(&square(), &square(), &square(), input)
    }

    fn centre_mm(input: &NetworkInput) -> Option<[f32; 2]> {
        Surveyor::default().centre_mm(&square(), CENTRE, Some([PITCH_MM; 2]), input)
    }

    fn is_near(found: [f32; 2], wanted: [f32; 2], tolerance: f32) -> bool {
        found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < tolerance)
    }

    #[test]
    fn a_tilted_belt_gives_its_own_millimetres() {
        for tilt in [[0.0, 0.0], [0.3, 0.0], [0.0, -0.4], [-0.2, 0.35]] {
            let plane = belt(tilt);
            let input = seen(plane, |_, _| Some(0.0));
            // By the rays themselves: the belt's axes at right angles in space.
            let axes = Axes::of(Some(&plane)).unwrap();
            let squares = [axes.x, axes.y, axes.up].map(|axis| dot(axis, axis));
            assert!(squares.iter().all(|square| (square - 1.0).abs() < 1e-5), "{squares:?}");
            assert!(dot(axes.x, axes.y).abs() < 1e-6 && dot(axes.x, axes.up).abs() < 1e-6);
            assert!(axes.x[0] > 0.0 && axes.y[1] > 0.0 && axes.x[1].abs() < 0.1);
            let corner = |x: usize, y: usize| input.cloud[y * W + x];
            let [a, b] = [corner(150, 40), corner(169, 59)];
            let foot = plane.normal.map(|n| -plane.offset_m * n);
            let off = |p: [f32; 3], axis: [f32; 3]| 1e3 * dot([p[0] - foot[0], p[1] - foot[1], p[2] - foot[2]], axis);
            let wanted = [axes.x, axes.y].map(|axis| (off(a, axis) + off(b, axis)) / 2.0);
            let found = centre_mm(&input).unwrap();
            assert!(is_near(found, wanted, 0.1), "{tilt:?}: {found:?} {wanted:?}");
            assert!(tilt != [0.0, 0.0] || is_near(found, [24.0, -31.0], 0.01), "{found:?}");
            // What stands on a tilted belt is as high as it is.
            for height in [1.5, -0.8] {
                let input = seen(plane, |x, y| Some(if is_in(x, y) { 20.0 + height } else { 20.0 }));
                let found = height_mm(&input).unwrap();
                assert!((found - height).abs() < 0.01, "{tilt:?}: {found} {height}");
            }
        }
    }

    #[test]
    fn the_centre_is_that_of_the_whole_area_where_half_of_it_has_no_point() {
        for tilt in [[0.0, 0.0], [0.25, 0.15]] {
            let whole = centre_mm(&seen(belt(tilt), |_, _| Some(0.0))).unwrap();
            let half = seen(belt(tilt), |x, y| (x < 160 || !is_in(x, y)).then_some(0.0));
            let found = centre_mm(&half).unwrap();
            // A pixel of a tilted belt is as long as it is there.
            assert!(is_near(found, whole, 0.3), "{tilt:?}: {found:?} {whole:?}");
        }
    }

    #[test]
    fn a_window_that_follows_does_not_move_the_place_on_the_belt() {
        let mut input = seen(belt([0.1, 0.0]), |_, _| Some(0.0));
        let before = centre_mm(&input).unwrap();
        input.taken.shift_m = [0.03, -0.02, 0.01];
        let shift = input.taken.shift_m;
        input.cloud.iter_mut().for_each(|p| *p = std::array::from_fn(|axis| p[axis] + shift[axis]));
        assert!(is_near(centre_mm(&input).unwrap(), before, 1e-3));
    }

    #[test]
    fn without_a_belt_the_camera_s_axes_count() {
        let mut input = seen(belt([0.0, 0.0]), |x, y| Some(if is_in(x, y) { 2.0 } else { 0.0 }));
        input.taken.belt = None;
        assert!((height_mm(&input).unwrap() - 2.0).abs() < 1e-3);
        assert!(is_near(centre_mm(&input).unwrap(), [48.0 * PITCH_MM * 0.996, -62.0 * PITCH_MM * 0.996], 0.01));
        // One that is seen from its edge has no millimetres to the right.
        let edge = Plane { normal: [0.999, 0.0, -0.0447], offset_m: 0.5 };
        input.taken.belt = Some(Belt { plane: edge, support: Support::default() });
        assert_eq!(centre_mm(&input), None);
    }

    #[test]
    fn what_lies_elsewhere_is_no_surroundings() {
        let plane = belt([0.0, 0.0]);
        // Beside an edge, below which lies something else; and with a second area beside it.
        let edge = |x: usize, y: usize| {
            Some(if is_in(x, y) {
                10.7
            } else if x < 146 {
                0.0
            } else {
                10.0
            })
        };
        assert!((height_mm(&seen(plane, edge)).unwrap() - 0.7).abs() < 0.02);
        let beside = |x: usize, y: usize| (170..190).contains(&x) && (20..80).contains(&y);
        let input = seen(plane, |x, y| Some(if is_in(x, y) || beside(x, y) { 10.7 } else { 10.0 }));
        let mut all = Mask::default();
        all.take_where(|i| is_in(i % W, i / W) || beside(i % W, i / W));
        let found = Surveyor::default().height_mm(&square(), &square(), &all, &input).unwrap();
        assert!((found - 0.7).abs() < 0.02, "{found}");
    }

    #[test]
    fn without_points_nothing_is_told() {
        let plane = belt([0.0, 0.0]);
        // Where there is a hole, the points around it tell where it is.
        let hole = seen(plane, |x, y| (!is_in(x, y)).then_some(0.0));
        assert!(is_near(centre_mm(&hole).unwrap(), [24.0, -31.0], 0.01) && height_mm(&hole).is_none());
        let beside = seen(plane, |x, y| (!is_in(x, y) && x < 160).then_some(0.0));
        assert!(is_near(centre_mm(&beside).unwrap(), [24.0, -31.0], 0.01));
        let far = seen(plane, |x, _| (x < 100).then_some(0.0));
        assert_eq!((centre_mm(&far), height_mm(&far)), (None, None));
        let alone = seen(plane, |x, y| is_in(x, y).then_some(0.0));
        assert!(centre_mm(&alone).is_some() && height_mm(&alone).is_none());
        let few = seen(plane, |x, y| (!is_in(x, y) || y < SQUARE[1] + 9).then_some(0.0));
        assert!(centre_mm(&few).is_some() && height_mm(&few).is_none());
        let mut spoilt = seen(plane, |_, _| Some(0.0));
        spoilt.cloud.fill([f32::NAN, 0.0, 0.5]);
        assert_eq!((centre_mm(&spoilt), height_mm(&spoilt)), (None, None));
        let nothing = NetworkInput { cloud: vec![[0.0; 3]; P], ..NetworkInput::default() };
        assert_eq!((centre_mm(&nothing), height_mm(&nothing)), (None, None));
    }
}
