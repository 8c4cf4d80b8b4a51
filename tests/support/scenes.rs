//! Frames of parts on a belt, and of what is taken for a part by mistake.

use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::shapes::RGB;
use fastrand::Rng;

use super::clouds::Point;

/// A frame of these points with random colours.
pub fn framed(width: usize, height: usize, points: Vec<Point>, seed: u64) -> RgbdFrame {
    let mut random = Rng::with_seed(seed);
    let rgb = (0..width * height * RGB).map(|_| random.u8(..)).collect();
    RgbdFrame::new(width, height, rgb, OrganisedCloud::new(width, height, points).unwrap()).unwrap()
}

/// Points at about a neighbour's distance, so that most shapes come up.
pub fn random(width: usize, height: usize, holes: f32, seed: u64) -> Vec<Point> {
    let mut random = Rng::with_seed(seed);
    let point = |i: usize| match random.f32() < holes {
        true => [0.0; 3],
        false => [(i % width) as f32 * 3e-3, (i / width) as f32 * 3e-3, 0.5 + 6e-3 * random.f32()],
    };
    (0..width * height).map(point).collect()
}

/// A belt before a camera with parts on it, each `[x, y, width, height, height over the belt in mm]`, and holes.
pub fn parts(width: usize, height: usize, parts: &[[usize; 5]]) -> RgbdFrame {
    let mut random = Rng::with_seed(9);
    let focal = 1.2 * width as f32;
    let point = |i: usize| {
        let (u, v) = (i % width, i / width);
        let is_in = |&&[x, y, w, h, _]: &&[usize; 5]| (x..x + w).contains(&u) && (y..y + h).contains(&v);
        let above = parts.iter().find(is_in).map_or(0.0, |part| part[4] as f32 * 1e-3);
        let ray = [(u as f32 - width as f32 / 2.0) / focal, (v as f32 - height as f32 / 2.0) / focal, 1.0];
        let z = 0.45 - above + 4e-4 * random.f32();
        if random.u8(..40) == 0 { [0.0; 3] } else { ray.map(|r| r * z) }
    };
    let points = (0..width * height).map(point).collect();
    framed(width, height, points, 5)
}

/// Frames with one part, several, equal ones, some at the edge, specks only, and none.
pub fn scenes() -> Vec<(&'static str, RgbdFrame)> {
    let (width, height) = (261, 200);
    let ties = [[30, 30, 40, 30, 20], [100, 30, 40, 30, 30], [30, 100, 40, 30, 20]];
    let several = [[0, 90, 50, 60, 20], [120, 80, 40, 40, 15], [118, 140, 12, 10, 25], [200, 20, 30, 30, 25]];
    let no_point = framed(width, height, vec![[0.0; 3]; width * height], 1);
    let mut one = vec![[0.0; 3]; width * height];
    one[100 * width + 130] = [0.01, 0.01, 0.4];
    vec![
        ("one part", parts(width, height, &[[100, 60, 70, 60, 25]])),
        ("several parts", parts(width, height, &several)),
        ("equal parts", parts(width, height, &ties)),
        ("specks", parts(width, height, &[[60, 60, 5, 5, 20], [120, 90, 6, 5, 20]])),
        ("a belt only", parts(width, height, &[])),
        ("noise", framed(width, height, random(width, height, 0.35, 8), 8)),
        ("no point", no_point),
        ("one point", framed(width, height, one, 2)),
    ]
}
