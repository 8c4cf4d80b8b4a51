//! Light and noise of a copy.

use fastrand::Rng;

use crate::frame::{OrganisedCloud, is_point};
use crate::median::median;
use crate::random::{between, normal};

/// Standard deviations of the light's strength, of each colour's, and of a pixel's grey value (of 255).
const LIGHT: f32 = 0.03;
const COLOUR: f32 = 0.01;
const GREY: f32 = 1.0;
/// The share of a frame's own depth noise that a copy has in addition: least and most.
const OF_NOISE: [f32; 2] = [0.5, 1.0];
/// Where the noise cannot be told, since depth comes in steps or was smoothed: shares of the distance, which are 0.1 and 0.2
/// mm at 450 mm.
const OF_DISTANCE: [f32; 2] = [2.2e-4, 4.4e-4];
/// More noise than this share of the distance is no noise, but a surface that is rough.
const OF_DISTANCE_MAX: f32 = 2e-3;
/// Neighbours that noise is measured on.
const SAMPLE_MAX: usize = 20_000;
/// The median of a standard normal number's absolute value, and the factor by which a second difference is as noisy.
const MEDIAN: f32 = 0.6745;
const SECOND_DIFFERENCE: f32 = 2.449_49;

/// The light and the noise of one copy.
pub struct Exposure {
    light: [f32; 3],
    depth_noise_m: f32,
}

impl Exposure {
    /// Draws one for a frame whose depth noise is `noise_m` (0 where it cannot be told) and whose part is `distance_m` away.
    pub fn draw(noise_m: f32, distance_m: f32, random: &mut Rng) -> Self {
        let light = 1.0 + LIGHT * normal(random);
        let light = [0; 3].map(|_| light * (1.0 + COLOUR * normal(random)));
        let [from, to] = if noise_m > 0.0 {
            OF_NOISE.map(|share| (share * noise_m).min(OF_DISTANCE_MAX * distance_m))
        } else {
            OF_DISTANCE.map(|share| share * distance_m)
        };
        Self { light, depth_noise_m: between(random, from, to) }
    }

    pub fn colour(&self, colour: [f32; 3], random: &mut Rng) -> [u8; 3] {
        let grey = GREY * normal(random);
        let mut values = self.light.iter().zip(colour).map(|(light, value)| (light * value + grey).round() as u8);
        [(); 3].map(|()| values.next().unwrap_or_default())
    }

    /// Moves a point along its ray, so that it stays where its pixel sees it.
    pub fn point(&self, point: [f32; 3], random: &mut Rng) -> [f32; 3] {
        if !is_point(&point) {
            return point;
        }
        let scale = 1.0 + self.depth_noise_m * normal(random) / point[2];
        point.map(|v| v * scale)
    }
}

/// The standard deviation of depth from pixel to pixel, metres: the median of its second differences along rows, to which
/// slopes add nothing and edges little. 0 where depth comes in steps that are larger than its noise.
pub fn depth_noise_m(cloud: &OrganisedCloud) -> f32 {
    let rows = cloud.points().chunks_exact(cloud.width());
    let step = cloud.points().len().div_ceil(SAMPLE_MAX).max(1);
    let triples = rows.flat_map(|row| row.windows(3)).step_by(step).filter(|triple| triple.iter().all(is_point));
    let mut differences: Vec<f32> = triples.map(|t| (t[0][2] - 2.0 * t[1][2] + t[2][2]).abs()).collect();
    median(&mut differences).map_or(0.0, |middle| middle / (MEDIAN * SECOND_DIFFERENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope with an edge, 0.5 m away.
    fn cloud(noise_m: f32) -> OrganisedCloud {
        let mut random = Rng::with_seed(1);
        let mut depth =
            |u: usize| 0.5 + 1e-3 * u as f32 - if u > 40 { 0.02 } else { 0.0 } + noise_m * normal(&mut random);
        let points = (0..100 * 80).map(|i| [0.001, 0.001, depth(i % 100)]).collect();
        OrganisedCloud::new(100, 80, points).unwrap()
    }

    #[test]
    fn noise_is_measured_whatever_the_slope() {
        for noise_m in [1e-4, 5e-4, 2e-3] {
            let found = depth_noise_m(&cloud(noise_m));
            assert!((found / noise_m - 1.0).abs() < 0.06, "{found} for {noise_m}");
        }
        assert!(depth_noise_m(&cloud(0.0)) < 1e-6);
        assert_eq!(depth_noise_m(&OrganisedCloud::new(4, 1, vec![[0.0; 3]; 4]).unwrap()), 0.0);
    }

    #[test]
    fn a_copy_has_noise_as_its_frame_has() {
        let mut random = Rng::with_seed(3);
        for (noise_m, range) in [(2e-4, 1e-4..=2e-4), (0.0, 1e-4..=2.2e-4), (0.1, 1e-3..=1e-3)] {
            let exposure = Exposure::draw(noise_m, 0.5, &mut random);
            assert!(range.contains(&exposure.depth_noise_m), "{} for {noise_m}", exposure.depth_noise_m);
            let points: Vec<[f32; 3]> = (0..4000).map(|_| exposure.point([0.1, -0.2, 0.5], &mut random)).collect();
            assert!(points.iter().all(|[x, y, z]| (x / z - 0.2).abs() < 1e-5 && (y / z + 0.4).abs() < 1e-5));
            let deviation = (points.iter().map(|p| (p[2] - 0.5).powi(2)).sum::<f32>() / 4000.0).sqrt();
            assert!((deviation / exposure.depth_noise_m - 1.0).abs() < 0.05, "{deviation}");
        }
        assert_eq!(Exposure::draw(1e-4, 0.5, &mut random).point([0.0; 3], &mut random), [0.0; 3]);
    }
}
