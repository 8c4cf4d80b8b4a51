//! The depth image that a frame's points were made from.

use std::sync::Arc;

/// How points follow from depth steps: a point is its pixel's ray times the depth.
#[derive(Debug)]
pub struct Rays {
    /// `[height, width]` of frames; NaN where a pixel cannot have a point.
    pub rays: Vec<[f32; 3]>,
    /// A depth is a step times the unit, and the offset, metres.
    pub unit_m: f32,
    pub offset_m: f32,
    /// What is added to a depth for its point, metres.
    pub ahead_m: f32,
}

impl Rays {
    /// The points of depth steps `[height, width]`, 0 = no point: metres, the origin where there is none.
    pub fn points(&self, steps: &[u16]) -> impl Iterator<Item = [f32; 3]> {
        steps.iter().zip(&self.rays).map(|(step, [x, y, z])| {
            let scale = f32::from(*step) * self.unit_m + self.offset_m + self.ahead_m;
            // NaN, of a ray that is none, is not above 0.
            if *step > 0 && scale * z > 0.0 { [x * scale, y * scale, z * scale] } else { [0.0; 3] }
        })
    }
}

/// Depth steps `[height, width]` of a frame, in memory that frames reuse; none without rays.
#[derive(Clone, Debug, Default)]
pub struct Depth {
    steps: Vec<u16>,
    rays: Option<Arc<Rays>>,
}

impl Depth {
    /// Holds no steps from now on.
    pub fn clear(&mut self) {
        self.rays = None;
    }

    pub fn set(&mut self, steps: &[u16], rays: &Arc<Rays>) {
        assert_eq!(steps.len(), rays.rays.len(), "there are as many steps as rays");
        self.steps.clear();
        self.steps.extend_from_slice(steps);
        self.rays = Some(rays.clone());
    }

    pub fn copy_from(&mut self, other: &Self) {
        self.steps.clone_from(&other.steps);
        self.rays.clone_from(&other.rays);
    }

    pub fn get(&self) -> Option<(&[u16], &Arc<Rays>)> {
        self.rays.as_ref().map(|rays| (self.steps.as_slice(), rays))
    }
}
