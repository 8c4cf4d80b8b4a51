//! The shape by itself: how light from the upper left would fall on it.

use image::RgbImage;
use rayon::prelude::*;

use crate::frame::{OrganisedCloud, is_point};
use crate::vector::{Vector, cross, dot, minus, unit};

/// Where the light comes from: from the left, from above, and from the camera's side.
const LIGHT: Vector = [-0.5, -0.5, -0.707];
/// Slopes look as many times steeper as they are: reliefs of a part are shallow.
const STEEPER: f32 = 2.0;
/// What is turned away from the light has this brightness.
const AMBIENT: f32 = 0.15;
/// The colour of a surface in full light.
const SURFACE: [f32; 3] = [236.0, 232.0, 224.0];
/// Where there is no point.
const MISSING: [u8; 3] = [92, 28, 84];
/// A slope is measured over this share of the shorter side, so that the noise of single points is not all that is seen.
const REACH_PER_SIDE: usize = 200;

/// Draws the surface that the points are on. Missing points have a colour of their own.
pub fn relief(cloud: &OrganisedCloud) -> RgbImage {
    let (width, height) = (cloud.width(), cloud.height());
    let mut pixels = vec![0; width * height * 3];
    pixels.par_chunks_exact_mut(width * 3).enumerate().for_each(|(y, row)| {
        for (x, out) in row.chunks_exact_mut(3).enumerate() {
            out.copy_from_slice(&shade(cloud, x, y));
        }
    });
    let Some(picture) = RgbImage::from_raw(width as u32, height as u32, pixels) else {
        unreachable!("three bytes a pixel")
    };
    picture
}

fn shade(cloud: &OrganisedCloud, x: usize, y: usize) -> [u8; 3] {
    let Some(here) = point(cloud, x, y) else { return MISSING };
    let light = dot(normal(cloud, here, (x, y)), LIGHT).max(AMBIENT);
    SURFACE.map(|colour| (colour * light.min(1.0)) as u8)
}

fn point(cloud: &OrganisedCloud, x: usize, y: usize) -> Option<Vector> {
    let inside = x < cloud.width() && y < cloud.height();
    inside.then(|| cloud.points()[y * cloud.width() + x]).filter(is_point)
}

/// The surface's normal towards the camera, steepened. Where a neighbour is missing the point itself stands for it; a point
/// without any neighbour faces the camera.
fn normal(cloud: &OrganisedCloud, here: Vector, (x, y): (usize, usize)) -> Vector {
    let reach = (cloud.width().min(cloud.height()) / REACH_PER_SIDE).max(1);
    let beside = |x: usize, y: usize| point(cloud, x, y).unwrap_or(here);
    let across = minus(beside(x + reach, y), beside(x.wrapping_sub(reach), y));
    let down = minus(beside(x, y + reach), beside(x, y.wrapping_sub(reach)));
    let [nx, ny, nz] = cross(down, across);
    let normal = unit([STEEPER * nx, STEEPER * ny, nz]);
    if normal.iter().all(|v| v.is_finite()) { normal } else { [0.0, 0.0, -1.0] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 64;

    /// Half a millimetre a pixel, half a metre away, with a hill of `height` metres in the middle.
    fn hill(height: f32) -> OrganisedCloud {
        let at = |i: usize| {
            let [x, y] = [i % SIDE, i / SIDE].map(|v| (v as f32 - SIDE as f32 / 2.0) * 0.0005);
            [x, y, 0.5 - height * (-(x * x + y * y) / 2e-5).exp()]
        };
        OrganisedCloud::new(SIDE, SIDE, (0..SIDE * SIDE).map(at).collect()).unwrap()
    }

    #[test]
    fn the_side_towards_the_light_is_brighter_and_a_dent_is_the_other_way_round() {
        let brightness = |height| {
            let drawn = relief(&hill(height));
            [24, 40, 2].map(|place| drawn.get_pixel(place, place).0[0])
        };
        let ([lit, shaded, flat], [upper, lower, level]) = (brightness(0.003), brightness(-0.003));
        assert!(lit > flat + 20 && flat > shaded + 20, "{lit} {flat} {shaded}");
        assert!(lower > level + 20 && level > upper + 20 && level == flat, "{upper} {level} {lower}");
    }

    #[test]
    fn what_is_missing_has_a_colour_of_its_own_and_single_points_are_drawn() {
        let mut cloud = hill(0.0);
        (0..SIDE * SIDE).filter(|i| i % 7 != 3).for_each(|i| cloud.remove(i));
        let drawn = relief(&cloud);
        assert_eq!(drawn.get_pixel(0, 0).0, MISSING);
        assert_ne!(drawn.get_pixel(3, 0).0, MISSING);
        let line = OrganisedCloud::new(1, 3, vec![[0.0, 0.0, 1.0], [0.0; 3], [1e30, -1e30, 1e30]]).unwrap();
        assert_eq!((relief(&line).width(), relief(&line).height()), (1, 3));
    }
}
