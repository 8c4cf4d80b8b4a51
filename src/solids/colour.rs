//! A view becomes a photograph: Lambert, Blinn and Phong, a tent of light above, the lens and the chip.

use fastrand::Rng;
use rayon::prelude::*;

use super::station::Station;
use super::view::{Seen, View};
use crate::procedural::blend::step;
use crate::procedural::noise::{between, normal};
use crate::vector::{Vector, along, dot, minus, unit};

/// How far the light is from its mean, up or down.
const LIGHT_DRIFT: f32 = 0.06;
/// Standard deviation of each colour's share of the light.
const WHITE_BALANCE: f32 = 0.012;
/// How much darker the corners are.
const VIGNETTE: f32 = 0.12;
const GAMMA: f32 = 1.0 / 2.2;
/// Noise of the chip in display values: what is read, and what grows with the root of the light.
const READ_NOISE: f32 = 1.0;
const SHOT_NOISE: f32 = 1.1;
/// Share of the light that the lens spreads to each neighbour along a row or a column.
const SPREAD: f32 = 0.15;

/// Display values, `[side, side, 3]`.
pub fn expose(station: &Station, view: &View, random: &mut Rng) -> Vec<u8> {
    let gain = between(random, 1.0 - LIGHT_DRIFT, 1.0 + LIGHT_DRIFT);
    let light = [0; 3].map(|_| gain * (1.0 + WHITE_BALANCE * normal(random)));
    let colour = |pixel: usize| {
        let seen = &view.seen[pixel];
        shade(station, seen, station.at(pixel, seen))
    };
    let sharp: Vec<Vector> = (0..view.seen.len()).into_par_iter().map(colour).collect();
    let side = view.side;
    let lens = spread(&spread(&sharp, side, 1), side, side);
    let middle = side as f32 / 2.0;
    let mut rgb = Vec::with_capacity(3 * lens.len());
    for (pixel, colour) in lens.iter().enumerate() {
        let [u, v] = [pixel % side, pixel / side].map(|at| at as f32 / middle - 1.0);
        let lens = 1.0 - VIGNETTE * 0.5 * (u * u + v * v);
        for (value, light) in colour.iter().zip(light) {
            let linear = (value * light * lens).clamp(0.0, 1.0);
            let noise = READ_NOISE.hypot(SHOT_NOISE * linear.sqrt()) * normal(random);
            rgb.push((255.0 * linear.powf(GAMMA) + noise).round() as u8);
        }
    }
    rgb
}

/// Light that comes from a place towards the camera.
fn shade(station: &Station, seen: &Seen, at: Vector) -> Vector {
    let to_eye = unit(minus(station.eye, at));
    let half = unit(along(to_eye, 1.0, station.light));
    let facing = dot(seen.normal, station.light).max(0.0) * seen.lit;
    // What hides the light hides a part of the tent as well.
    let around = station.ambient * (0.6 + 0.4 * seen.normal[2].max(0.0)) * (0.75 + 0.25 * seen.lit);
    let diffuse = (around + (1.0 - station.ambient) * facing) * (1.0 - 0.6 * seen.gloss);
    let mirrored = along(to_eye.map(|x| -x), 2.0 * dot(to_eye, seen.normal), seen.normal);
    let tent = 0.08 + 0.42 * step(mirrored[2] - 0.75, 0.9);
    let spot = dot(seen.normal, half).max(0.0).powf(seen.sharpness) * seen.lit;
    let gloss = seen.gloss * (tent + 1.2 * spot);
    seen.albedo.map(|albedo| albedo * diffuse + gloss * (0.35 + 0.65 * albedo.sqrt()))
}

/// What the lens makes of an image, along rows or columns by the pixels from one to the next.
fn spread(image: &[Vector], side: usize, stride: usize) -> Vec<Vector> {
    let at = |pixel: usize| {
        let place = pixel / stride % side;
        let before = if place > 0 { pixel - stride } else { pixel };
        let after = if place + 1 < side { pixel + stride } else { pixel };
        [0, 1, 2].map(|i| (1.0 - 2.0 * SPREAD) * image[pixel][i] + SPREAD * (image[before][i] + image[after][i]))
    };
    (0..image.len()).map(at).collect()
}
