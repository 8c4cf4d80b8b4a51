//! What depth sensors make of a view: three kinds, each with its own way to lose and to bend points.

use fastrand::Rng;

use super::make::{Kind, Make, SIDE};
use super::view::{Seen, View};
use crate::procedural::noise::{between, field, normal};
use crate::vector::{Vector, along, dot, minus, unit};

/// A change of depth is an edge from so many pixels' width on.
const EDGE_PIXELS: f32 = 4.0;
/// Points that are lost for no reason.
const LOST: f32 = 0.003;
/// Of the light that comes back: nothing is measured well below, everything well above.
const DARK: f32 = 0.022;
/// Of the mirrored light beyond which the camera is blinded.
const BLINDING: f32 = 0.32;
/// Standard deviation of display values in a window without texture.
const PLAIN: f32 = 1.9;

/// One sensor, as it is at a station.
pub struct Sensor {
    pub kind: Kind,
    /// Standard deviation where the light is good.
    pub noise_mm: f32,
    distance_mm: f32,
    /// Of what the camera sees at the part.
    field_mm: f32,
    /// Projector or second camera, over the plate.
    pub other_eye: Vector,
    /// Of its threshold for dark places.
    dark: f32,
    blinding: f32,
}

impl Sensor {
    pub fn draw(make: &Make, distance_mm: f32, other_eye: Vector, random: &mut Rng) -> Self {
        let field_mm = make.field_mm();
        let noise_mm = make.noise_share * between(random, 0.8, 1.25) * field_mm / SIDE as f32;
        let (dark, blinding) = (DARK * between(random, 0.8, 1.25), BLINDING * between(random, 0.85, 1.2));
        Self { kind: make.sensor, noise_mm, distance_mm, field_mm, other_eye, dark, blinding }
    }

    pub fn has_two_eyes(&self) -> bool {
        self.kind != Kind::TimeOfFlight
    }

    /// Depth of each pixel, millimetres, 0 where it is lost. `at` tells where over the plate a pixel sees.
    pub fn measure(
        &self,
        view: &View,
        at: impl Fn(usize) -> Vector,
        eye: Vector,
        rgb: &[u8],
        random: &mut Rng,
    ) -> Vec<f32> {
        match self.kind {
            Kind::StructuredLight => self.structured(view, at, eye, random),
            Kind::Stereo => self.stereo(view, rgb, random),
            Kind::TimeOfFlight => self.time_of_flight(view, at, eye, random),
        }
    }

    fn structured(&self, view: &View, at: impl Fn(usize) -> Vector, eye: Vector, random: &mut Rng) -> Vec<f32> {
        let patches = random.u32(..);
        let measured = |(pixel, seen): (usize, &Seen)| {
            let place = at(pixel);
            let [to_eye, to_projector] = [eye, self.other_eye].map(|from| unit(minus(from, place)));
            let facing = dot(seen.normal, to_projector).max(0.0);
            let signal = seen.grey() * facing;
            let half = unit(along(to_eye, 1.0, to_projector));
            let mirrored = seen.gloss * dot(seen.normal, half).max(0.0).powf(seen.sharpness);
            // Neighbours are lost together: what decides varies over some pixels.
            let patch = field(patches, (pixel % view.side) as f32 / 2.5, (pixel / view.side) as f32 / 2.5);
            let luck = 1.0 + 0.25 * patch + 0.1 * normal(random);
            let lost = !seen.by_both || signal * luck < self.dark || mirrored * luck > self.blinding;
            let noise = self.noise_mm * (1.0 + 0.5 * (self.dark / signal.max(1e-3)).min(4.0)) * normal(random);
            if lost | (random.f32() < LOST) { 0.0 } else { seen.depth_mm + noise }
        };
        view.seen.iter().enumerate().map(measured).collect()
    }

    fn stereo(&self, view: &View, rgb: &[u8], random: &mut Rng) -> Vec<f32> {
        // Noise of windows that overlap goes together.
        let noise: Vec<f32> = view.seen.iter().map(|_| normal(random)).collect();
        let edge_mm = EDGE_PIXELS * self.field_mm / view.side as f32;
        let grey: Vec<f32> =
            rgb.as_chunks::<3>().0.iter().map(|c| c.iter().map(|v| f32::from(*v)).sum::<f32>() / 3.0).collect();
        // A step of a sixteenth of a pixel's disparity is this share of the depth at the part.
        let step_of_inverse = 0.9 * self.noise_mm / self.distance_mm.powi(2);
        let measured = |(pixel, seen): (usize, &Seen)| {
            let near = |other: usize| (view.seen[other].depth_mm - seen.depth_mm).abs() < edge_mm;
            let (mut sum, mut shaken, mut count, mut others) = (0.0, 0.0, 0.0, 0.0);
            for other in view.around(pixel, 2) {
                shaken += noise[other] / 5.0;
                match near(other) {
                    true => (sum, count) = (sum + view.seen[other].depth_mm, count + 1.0),
                    false => others += 1.0,
                }
            }
            let is_plain =
                contrast(view.around(pixel, 2).map(|other| grey[other])) < PLAIN * (1.0 + 0.2 * noise[pixel]);
            let is_torn = others / (others + count) > 0.3 + 0.1 * noise[pixel];
            let inverse = 1.0 / (sum / count + self.noise_mm * shaken);
            let depth_mm = 1.0 / ((inverse / step_of_inverse).round() * step_of_inverse);
            let lost = !seen.by_both || is_plain || is_torn || (noise[pixel].abs() > 2.97);
            if lost { 0.0 } else { depth_mm }
        };
        view.seen.iter().enumerate().map(measured).collect()
    }

    fn time_of_flight(&self, view: &View, at: impl Fn(usize) -> Vector, eye: Vector, random: &mut Rng) -> Vec<f32> {
        let edge_mm = EDGE_PIXELS * self.field_mm / view.side as f32;
        let measured = |(pixel, seen): (usize, &Seen)| {
            let facing = dot(seen.normal, unit(minus(eye, at(pixel)))).max(0.05);
            let signal = (seen.grey() + 0.3 * seen.gloss) * facing;
            let beside = view.around(pixel, 1).map(|other| view.seen[other].depth_mm);
            let farthest_off = |most: f32, depth: f32| {
                if (depth - seen.depth_mm).abs() > (most - seen.depth_mm).abs() { depth } else { most }
            };
            let other = beside.fold(seen.depth_mm, farthest_off);
            // At an edge the pixel's light comes back from both.
            let mixed = 0.5 * random.f32().powi(2);
            let share = if (other - seen.depth_mm).abs() > edge_mm { mixed } else { 0.0 };
            let noise = self.noise_mm * (0.25 / signal.max(0.01)).sqrt().clamp(0.7, 4.0) * normal(random);
            let lost = signal * (1.0 + 0.15 * normal(random)) < 0.5 * self.dark;
            if lost | (random.f32() < LOST) { 0.0 } else { seen.depth_mm + share * (other - seen.depth_mm) + noise }
        };
        view.seen.iter().enumerate().map(measured).collect()
    }
}

/// Standard deviation.
fn contrast(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, squares, count) = values.fold((0.0, 0.0, 0.0), |(s, q, n), v| (s + v, q + v * v, n + 1.0));
    (squares / count - (sum / count) * (sum / count)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::view::Thing;
    use super::*;

    const SIDE: usize = 40;
    const NEAR_MM: f32 = 400.0;
    const FAR_MM: f32 = 430.0;

    fn sensor(kind: Kind) -> Sensor {
        let other_eye = [120.0, 0.0, FAR_MM];
        Sensor { kind, noise_mm: 0.1, distance_mm: 400.0, field_mm: 40.0, other_eye, dark: DARK, blinding: BLINDING }
    }

    /// The left half is near, the right half is far; `change` changes some of it.
    fn view(change: impl Fn(usize, usize, &mut Seen)) -> View {
        let seen = (0..SIDE * SIDE).map(|pixel| {
            let (u, v) = (pixel % SIDE, pixel / SIDE);
            let depth_mm = if u < SIDE / 2 { NEAR_MM } else { FAR_MM };
            let mut seen = Seen {
                depth_mm,
                albedo: [0.4; 3],
                gloss: 0.03,
                sharpness: 12.0,
                normal: [0.0, 0.0, 1.0],
                lit: 1.0,
                by_both: true,
                thing: Thing::Part,
            };
            change(u, v, &mut seen);
            seen
        });
        View { side: SIDE, seen: seen.collect() }
    }

    /// Depths of a view, in whose photograph rows have texture down to `plain`.
    fn measure(kind: Kind, view: &View, plain: usize) -> Vec<f32> {
        let mut random = Rng::with_seed(3);
        let texture = |pixel: usize| if pixel / SIDE < plain && pixel.is_multiple_of(2) { 140 } else { 100 };
        let rgb: Vec<u8> = (0..SIDE * SIDE).flat_map(|pixel| [texture(pixel); 3]).collect();
        let at = |pixel: usize| [(pixel % SIDE) as f32 - 20.0, 20.0 - (pixel / SIDE) as f32, 0.0];
        sensor(kind).measure(view, at, [0.0, 0.0, FAR_MM], &rgb, &mut random)
    }

    fn lost(depths: &[f32], is_meant: impl Fn(usize, usize) -> bool) -> f32 {
        let meant: Vec<usize> = (0..SIDE * SIDE).filter(|pixel| is_meant(pixel % SIDE, pixel / SIDE)).collect();
        meant.iter().filter(|pixel| depths[**pixel] == 0.0).count() as f32 / meant.len() as f32
    }

    #[test]
    fn structured_light_is_lost_in_shadow_on_black_and_on_mirrors() {
        let changed = view(|u, v, seen| match (u, v) {
            (0..10, 0..20) => seen.by_both = false,
            (0..10, _) => seen.albedo = [0.01; 3],
            (30.., _) => (seen.gloss, seen.sharpness) = (0.8, 4.0),
            _ => {}
        });
        let depths = measure(Kind::StructuredLight, &changed, SIDE);
        assert_eq!(lost(&depths, |u, v| u < 10 && v < 20), 1.0);
        assert!(lost(&depths, |u, v| u < 10 && v >= 20) > 0.9);
        assert!(lost(&depths, |u, _| u >= 30) > 0.9);
        assert!(lost(&depths, |u, _| (10..30).contains(&u)) < 0.02);
    }

    #[test]
    fn stereo_is_lost_at_edges_and_without_texture_and_goes_in_steps() {
        let depths = measure(Kind::Stereo, &view(|_, _, _| {}), SIDE / 2);
        assert!(lost(&depths, |u, v| (19..21).contains(&u) && v < 16) > 0.6);
        assert!(lost(&depths, |_, v| v > 24) > 0.95);
        assert!(lost(&depths, |u, v| !(16..24).contains(&u) && v < 16) < 0.05);
        let mut near: Vec<u32> = depths.iter().filter(|d| (1.0..415.0).contains(*d)).map(|d| d.to_bits()).collect();
        let measured = near.len();
        near.sort_unstable();
        near.dedup();
        assert!(near.len() < 12 && measured > 200, "{} steps of {measured} points", near.len());
    }

    #[test]
    fn time_of_flight_mixes_near_and_far_and_shakes_on_black() {
        let depths = measure(
            Kind::TimeOfFlight,
            &view(|_, v, seen| {
                if v >= 20 {
                    seen.albedo = [0.03; 3];
                }
            }),
            SIDE,
        );
        let flying =
            |u: usize| (0..20).filter(|v| (NEAR_MM + 2.0..FAR_MM - 2.0).contains(&depths[v * SIDE + u])).count();
        assert!(flying(19) + flying(20) > 10 && flying(5) + flying(35) == 0);
        let spread = |rows: std::ops::Range<usize>| {
            let off: Vec<f32> = rows.flat_map(|v| (0..15).map(move |u| v * SIDE + u)).map(|p| depths[p]).collect();
            let there: Vec<f32> = off.into_iter().filter(|d| *d > 0.0).map(|d| (d - NEAR_MM).powi(2)).collect();
            (there.iter().sum::<f32>() / there.len() as f32).sqrt()
        };
        assert!(spread(20..40) > 1.8 * spread(0..20), "{} {}", spread(20..40), spread(0..20));
    }
}
