//! A frame in the caller's memory.

use std::sync::Arc;

use crosscheck::RgbdFrame;
use crosscheck::calibration::Camera;
use crosscheck::calibration::assembly::{Assembler, OpenRegistrar};

use crate::arguments::{Plain, Versioned, check_address};
use crate::camera::CameraHandle;
use crate::failure::Failure;
use crate::image::Image;

/// A frame: a photograph, and either the points of its pixels or a depth image. All of it stays the caller's, is only read, and
/// must not change while crosscheck_inspect runs; nothing is kept.
///
/// A row may be longer than its pixels: a stride is the distance from the beginning of one row to that of the next in bytes,
/// and 0 stands for rows without a gap. Images have at most 8192 pixels a side and 16,777,216 in all.
///
/// Set the whole structure to 0 first, so that what is not given is NULL: `crosscheck_frame frame = {.struct_size = sizeof frame};`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Frame {
    /// sizeof(crosscheck_frame).
    pub struct_size: usize,
    /// Pixels of a row of the photograph.
    pub width: usize,
    /// Rows of the photograph.
    pub height: usize,
    /// The photograph, `[height, width, 3]`: red, green, blue, each 0 to 255.
    pub rgb: *const u8,
    /// Bytes from row to row of the photograph.
    pub rgb_stride: usize,
    /// The points, `[height, width, 3]`: x, y, z of the point that each pixel of the photograph shows, in metres in the
    /// camera's frame: x to the right, y down, z forward. (0, 0, 0), a z that is not above 0, and a value that is not finite
    /// stand for "no point". NULL if there is a depth image.
    pub xyz: *const f32,
    /// Bytes from row to row of the points.
    pub xyz_stride: usize,
    /// The depth image, `[depth_height, depth_width]`: steps of the camera's depth unit, 0 = no point. NULL if there are
    /// points.
    pub depth: *const u16,
    /// Bytes from row to row of the depth image.
    pub depth_stride: usize,
    /// Pixels of a row of the depth image; 0 for that of the photograph.
    pub depth_width: usize,
    /// Rows of the depth image; 0 for those of the photograph.
    pub depth_height: usize,
    /// The camera that took both images, by which depth becomes points; NULL if there are points.
    pub camera: *const CameraHandle,
    /// The middle of the part that is to be inspected, two values, its column and row, as crosscheck_inspector_parts has found it. Engines
    /// that inspect each part of a frame by itself need it; with the others it is NULL, or NaN and NaN.
    pub part: *const f32,
}

// SAFETY: the type is `repr(C)` and begins with a `usize`.
unsafe impl Versioned for Frame {}

// SAFETY: it has numbers and addresses only.
unsafe impl Plain for Frame {}

impl Frame {
    /// The middle of the part that is to be inspected; none where there is only one. `each`: whether the engine inspects each
    /// part by itself, so that others would pass unseen if none was named.
    ///
    /// # Safety
    /// `part` is null or the address of two numbers.
    pub unsafe fn part(&self, each: bool) -> Result<Option<[f32; 2]>, Failure> {
        if self.part.is_null() {
            let unnamed = "the engine inspects each part of a frame by itself: find them, and name one in part";
            return if each { Err(Failure::Contradiction(unnamed)) } else { Ok(None) };
        }
        check_address(self.part, "part")?;
        // SAFETY: the caller's promise.
        let at = unsafe { self.part.cast::<[f32; 2]>().read() };
        if at.iter().all(|at| at.is_nan()) {
            return Ok(None);
        }
        let is_inside = |at: f32, side: usize| (0.0..=side as f32).contains(&at);
        match (each, is_inside(at[0], self.width) && is_inside(at[1], self.height)) {
            (true, true) => Ok(Some(at)),
            (true, false) => Err(Failure::Contradiction("the part lies outside of the photograph")),
            (false, _) => Err(Failure::Contradiction("the engine inspects one part for each frame: name none in part")),
        }
    }
}

/// A frame of the library, with the memory that it takes to make one of the caller's.
pub struct OwnFrame {
    frame: RgbdFrame,
    rgb: Vec<[u8; 3]>,
    depth: Vec<u16>,
    xyz: Vec<[f32; 3]>,
    open: Option<OpenRegistrar>,
    /// That of the camera whose depth image came last.
    assembler: Option<(Arc<Camera>, Assembler)>,
}

impl OwnFrame {
    /// `open` prepares the machine that registers depth images; none for the CPU.
    pub fn new(open: Option<OpenRegistrar>) -> Self {
        let (rgb, depth, xyz) = (Vec::new(), Vec::new(), Vec::new());
        Self { frame: RgbdFrame::blank(), rgb, depth, xyz, open, assembler: None }
    }

    /// Takes what the caller's frame shows. After the first frame of a size nothing is allocated, except where the frames of a
    /// camera have the depth image's grid, at whose points colour is sampled.
    ///
    /// # Safety
    /// What `given` names, if a frame can be so, may be read, and does not change during the call.
    pub unsafe fn take(&mut self, given: &Frame) -> Result<&RgbdFrame, Failure> {
        let size = (given.width, given.height);
        // SAFETY: the caller's promise.
        let rgb = unsafe { Image::new("rgb", given.rgb.cast::<[u8; 3]>(), size, given.rgb_stride) }?;
        match (given.xyz.is_null(), given.depth.is_null()) {
            (false, true) => {
                // SAFETY: the caller's promise.
                let xyz = unsafe { Image::new("xyz", given.xyz.cast::<[f32; 3]>(), size, given.xyz_stride) }?;
                let points = xyz.pixels(&mut self.xyz).iter().copied();
                self.frame.fill((rgb.pixels(&mut self.rgb).as_flattened(), size), (points, size))?;
            }
            (true, false) => {
                let of_depth = |own: usize, of_rgb: usize| if own == 0 { of_rgb } else { own };
                let depth_size = (of_depth(given.depth_width, size.0), of_depth(given.depth_height, size.1));
                // SAFETY: the caller's promise.
                let depth = unsafe { Image::new("depth", given.depth, depth_size, given.depth_stride) }?;
                check_address(given.camera, "camera")?;
                // SAFETY: it is a camera that is not closed, by the caller's promise.
                let camera = unsafe { &(*given.camera).camera };
                self.assemble(camera, &rgb, &depth)?;
            }
            (false, false) => return Err(Failure::Contradiction("a frame has points or a depth image, not both")),
            (true, true) => {
                return Err(Failure::Contradiction("a frame needs points, or a depth image with its camera"));
            }
        }
        Ok(&self.frame)
    }

    fn assemble(&mut self, camera: &Arc<Camera>, rgb: &Image<[u8; 3]>, depth: &Image<u16>) -> Result<(), Failure> {
        camera.check_sizes(rgb.size(), depth.size())?;
        let known = self.assembler.take().filter(|(own, _)| Arc::ptr_eq(own, camera));
        let known = known.unwrap_or_else(|| (camera.clone(), Assembler::with_registrar(self.open)));
        let (camera, assembler) = self.assembler.insert(known);
        let colour = (rgb.pixels(&mut self.rgb).as_flattened(), rgb.size());
        Ok(assembler.assemble(camera, colour, (depth.pixels(&mut self.depth), depth.size()), &mut self.frame)?)
    }
}
