//! Makes frames of colour and depth images, in buffers that are reused.

use std::sync::Arc;

use super::camera::Camera;
use super::camera_file::Grid;
use super::error::CalibrationError;
use super::intrinsics::Intrinsics;
use super::registration::{RegisteredDepth, Registration};
use crate::frame::{Rays, RgbdFrame};

/// Takes a registered frame: its points, metres, the origin where there is none, and the depth steps that they were made
/// from, 0 = none, each `[height, width]`.
pub type Take<'a> = dyn FnMut(&[[f32; 3]], &[u16]) + 'a;

/// A machine other than the CPU that registers depth, with the CPU's result. An error is the reason why it cannot.
pub trait Registrar: Send {
    /// Registers depth steps, `[height, width]` of the depth image, 0 = none.
    fn register(&mut self, depth: &[u16], take: &mut Take<'_>) -> Result<(), String>;
}

/// Prepares a machine for one camera.
pub type OpenRegistrar = fn(&Registration) -> Result<Box<dyn Registrar>, String>;

/// Assembles the frames of one camera.
pub struct Assembler {
    machine: Machine,
    registered: RegisteredDepth,
    /// Whether frames keep the depth steps, for a machine that makes points of them itself.
    keeps_depth: bool,
    /// The rays of a pinhole camera, for images of one size.
    rays: Option<((usize, usize), Arc<Rays>)>,
}

enum Machine {
    /// Not prepared yet; it is the CPU where no other machine is given.
    Asked(Option<OpenRegistrar>),
    Open {
        registrar: Box<dyn Registrar>,
        camera: Arc<Registration>,
    },
    Cpu,
}

impl Assembler {
    /// Registers depth on the machine that `open` prepares; on the CPU where none is given, or where it cannot be
    /// prepared. Where one is given, frames keep their depth steps.
    pub fn with_registrar(open: Option<OpenRegistrar>) -> Self {
        let keeps_depth = open.is_some();
        Self { machine: Machine::Asked(open), registered: RegisteredDepth::default(), keeps_depth, rays: None }
    }

    /// Prepares what registers this camera's depth, which takes a while on a machine other than the CPU. Without this
    /// call the first frame does it.
    pub fn prepare(&mut self, camera: &Camera) {
        let (Machine::Asked(open), Camera::Lenses(registration)) = (&self.machine, camera) else { return };
        // Without tables the depth image has the frame's grid already.
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

    /// Assembles a frame of `rgb`, `[height, width, 3]`, and `depth`, steps `[height, width]`, 0 = no point; each is
    /// given with its width and height. After the first frame of a size nothing is allocated, except where colour is
    /// sampled at the points.
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
                into.fill((rgb, rgb_size), (intrinsics.points(depth, width), depth_size))?;
                if self.keeps_depth {
                    into.keep_depth(depth, self.rays_of(intrinsics, depth_size));
                }
                Ok(())
            }
            Camera::Lenses(registration) if registration.file().grid == Grid::Colour => {
                registration.check_depth_size(width, height)?;
                registration.file().colour.check_size("colour", rgb_size.0, rgb_size.1)?;
                self.prepare(camera);
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

    /// Registers on the machine that was prepared; where that fails, on the CPU from then on.
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
            let mut take = |points: &[[f32; 3]], steps: &[u16]| {
                filled = into.fill(rgb, (points.iter().copied(), size));
                if filled.is_ok() {
                    into.keep_depth(steps, registration.rays());
                }
            };
            match registrar.register(depth, &mut take) {
                Ok(()) => return Ok(filled?),
                Err(reason) => {
                    log::warn!("depth is registered to colour on the CPU from now on, with the same result: {reason}");
                    self.machine = Machine::Cpu;
                }
            }
        }
        registration.register_steps(depth, &mut self.registered);
        into.fill(rgb, (registration.points(self.registered.steps()), size))?;
        if self.keeps_depth {
            into.keep_depth(self.registered.steps(), registration.rays());
        }
        Ok(())
    }

    /// The rays of the camera that the assembler is for, made once for a size of images.
    fn rays_of(&mut self, intrinsics: &Intrinsics, size: (usize, usize)) -> &Arc<Rays> {
        let known = self.rays.take().filter(|(of, _)| *of == size);
        &self.rays.insert(known.unwrap_or_else(|| (size, Arc::new(intrinsics.rays(size))))).1
    }
}
