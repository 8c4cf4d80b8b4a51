//! A frame from a colour and a depth image, in buffers that frames reuse.

use std::sync::Arc;

use super::camera::Camera;
use super::camera_file::Grid;
use super::error::CalibrationError;
use super::registration::{RegisteredDepth, Registration};
use crate::frame::RgbdFrame;

/// Another machine that registers depth, with the CPU's result; errors say why it cannot.
pub trait Registrar: Send {
    /// Registers depth steps, `[height, width]` of the depth image, 0 = none, and hands over the points,
    /// `[height, width]` of frames, metres, the origin where there is none.
    fn register(&mut self, depth: &[u16], take: &mut dyn FnMut(&[[f32; 3]])) -> Result<(), String>;
}

/// Readies a machine for one camera.
pub type OpenRegistrar = fn(&Registration) -> Result<Box<dyn Registrar>, String>;

/// Frames of one camera.
pub struct Assembler {
    machine: Machine,
    registered: RegisteredDepth,
}

enum Machine {
    /// Not readied yet; the CPU where no other is given.
    Asked(Option<OpenRegistrar>),
    Open {
        registrar: Box<dyn Registrar>,
        camera: Arc<Registration>,
    },
    Cpu,
}

impl Assembler {
    /// Registers depth on another machine where one is given and can be readied, otherwise on the CPU.
    pub fn on(machine: Option<OpenRegistrar>) -> Self {
        Self { machine: Machine::Asked(machine), registered: RegisteredDepth::default() }
    }

    /// Readies what registers this camera's depth, which takes a while on another machine. The first frame does it
    /// otherwise.
    pub fn ready(&mut self, camera: &Camera) {
        let (Machine::Asked(open), Camera::Lenses(registration)) = (&self.machine, camera) else { return };
        // Without tables there is nothing to move.
        let moves = registration.tables().is_some();
        self.machine = match open.filter(|_| moves).map(|open| open(registration)) {
            Some(Ok(registrar)) => {
                log::info!("depth is registered to colour on the GPU");
                Machine::Open { registrar, camera: registration.clone() }
            }
            Some(Err(reason)) => {
                log::warn!("depth is registered to colour on the CPU, with the same result: {reason}");
                Machine::Cpu
            }
            None => {
                if moves {
                    log::info!("depth is registered to colour on the CPU");
                }
                Machine::Cpu
            }
        };
    }

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
                self.ready(camera);
                self.register(registration, depth, (rgb, rgb_size), into)
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

    /// On the machine that is ready; on the CPU from then on where it fails.
    fn register(
        &mut self,
        registration: &Arc<Registration>,
        depth: &[u16],
        rgb: (&[u8], (usize, usize)),
        into: &mut RgbdFrame,
    ) -> Result<(), CalibrationError> {
        let size = registration.size();
        if let Machine::Open { registrar, camera } = &mut self.machine {
            assert!(Arc::ptr_eq(camera, registration), "an assembler is one camera's");
            let mut filled = Ok(());
            match registrar.register(depth, &mut |points| filled = into.fill(rgb, (points.iter().copied(), size))) {
                Ok(()) => return Ok(filled?),
                Err(reason) => {
                    log::warn!("depth is registered to colour on the CPU from now on, with the same result: {reason}");
                    self.machine = Machine::Cpu;
                }
            }
        }
        registration.register_steps(depth, &mut self.registered);
        Ok(into.fill(rgb, (registration.points(self.registered.steps()), size))?)
    }
}
