//! A frame from a colour and a depth image, in buffers that frames reuse.

use super::camera_file::Grid;
use super::registration::RegisteredDepth;
use super::{CalibrationError, Camera};
use crate::frame::RgbdFrame;

#[derive(Debug, Default)]
pub struct Assembler {
    registered: RegisteredDepth,
}

impl Assembler {
    /// rgb: `[height, width, 3]`; depth: steps `[height, width]`, 0 = no point; each with its width and height.
    /// Allocates nothing once a frame of the size went through, but where colour is sampled at the points.
    pub fn assemble(
        &mut self,
        camera: &Camera,
        (rgb, rgb_size): (&[u8], (usize, usize)),
        (depth, depth_size): (&[u16], (usize, usize)),
        into: &mut RgbdFrame,
    ) -> Result<(), CalibrationError> {
        let (width, height) = depth_size;
        match camera {
            Camera::Pinhole(intrinsics) => {
                intrinsics.check_size(width, height)?;
                Ok(into.fill((rgb, rgb_size), (intrinsics.points(depth, width), depth_size))?)
            }
            Camera::Lenses(registration) if registration.file().grid == Grid::Colour => {
                registration.check_depth_size(width, height)?;
                registration.file().colour.check_size("colour", rgb_size.0, rgb_size.1)?;
                registration.register(depth, &mut self.registered);
                let points = self.registered.points().iter().copied();
                Ok(into.fill((rgb, rgb_size), (points, registration.size()))?)
            }
            Camera::Lenses(_) => {
                let mut cloud = camera.cloud(depth, width, height)?;
                let sampled = camera.colour_at(&mut cloud, rgb, rgb_size.0, rgb_size.1)?;
                let size = (cloud.width(), cloud.height());
                let points = cloud.points().iter().copied();
                Ok(into.fill((sampled.as_deref().unwrap_or(rgb), size), (points, size))?)
            }
        }
    }
}
