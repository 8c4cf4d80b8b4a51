//! Frames of the parts that a camera sends: colour, depth, and how sure it is, in one buffer or in several.

use std::sync::Arc;

use super::colour;
use super::coordinates::{Conversion, floats_to_steps, to_mask, to_points, to_steps};
use super::lens::{camera_file, check_unit};
use super::lines::{Joining, Lines};
use super::pixel_format::{Content, Depth, PixelFormat};
use super::scan3d::Scan3d;
use crate::backend::Machine;
use crate::calibration::Camera;
use crate::calibration::assembly::Assembler;
use crate::calibration::registration::Registration;
use crate::camera::CameraError;
use crate::camera::pixel_format::Raw;
use crate::frame::RgbdFrame;

/// Steps that distances in floating point are rounded to, metres, where no camera file has others.
const STEP_M: f64 = 0.0001;

/// How parts become frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Composition {
    /// Lenses as calibrated by the user, for images of distances alone.
    pub camera: Option<Camera>,
    /// Colour and depth of one frame are at most so far apart, nanoseconds.
    pub window_ns: u64,
    /// The least confidence of a point.
    pub confidence_min: u16,
    /// Set where coordinate C grows towards the camera: how far away C = 0 is, metres.
    pub zero_plane_m: Option<f64>,
    /// Set for a profiler.
    pub lines: Option<Joining>,
    /// The machine that registers depth to colour.
    pub machine: Machine,
}

/// An image, in a buffer that is used again.
struct Half<T> {
    values: Vec<T>,
    /// Width and height.
    size: (usize, usize),
    /// When it was taken; none where it was used, or none came.
    at_ns: Option<u64>,
}

impl<T> Half<T> {
    fn new() -> Self {
        Self { values: Vec::new(), size: (0, 0), at_ns: None }
    }

    fn is_of(&self, at_ns: u64, window_ns: u64) -> bool {
        self.at_ns.is_some_and(|own_ns| own_ns.abs_diff(at_ns) <= window_ns)
    }
}

/// Puts frames together.
pub struct Composer {
    composition: Composition,
    scan3d: Scan3d,
    conversion: Conversion,
    /// None before the first image of distances, where the camera's own lens is taken.
    camera: Option<Camera>,
    assembler: Assembler,
    rgb: Half<u8>,
    /// Of these two, the one that came last is in use.
    steps: Half<u16>,
    points: Half<[f32; 3]>,
    mask: Half<bool>,
    /// The camera sends confidences: a frame waits for its own.
    is_masked: bool,
    lines: Option<Lines>,
}

impl Composer {
    /// An error names the feature of the camera that does not fit the camera file.
    pub fn new(composition: &Composition, scan3d: Scan3d) -> Result<Self, String> {
        if let Some(camera) = &composition.camera {
            check_unit(camera, &scan3d)?;
        }
        Ok(Self {
            conversion: Conversion::new(&scan3d, composition.zero_plane_m),
            scan3d,
            camera: composition.camera.clone(),
            assembler: Assembler::with_registrar(composition.machine.registrar()),
            rgb: Half::new(),
            steps: Half::new(),
            points: Half::new(),
            mask: Half::new(),
            is_masked: false,
            lines: composition.lines.map(Lines::new),
            composition: composition.clone(),
        })
    }

    /// Takes a part that was taken at a time of the camera's clock.
    pub fn take(&mut self, image: &Raw<PixelFormat>, at_ns: u64) -> Result<(), String> {
        let (size, at_ns) = ((image.width, image.height), Some(at_ns));
        match image.format.content()? {
            Content::Colour(coding) => {
                self.rgb.at_ns = None;
                colour::to_rgb(coding, image, &mut self.rgb.values)?;
                (self.rgb.size, self.rgb.at_ns) = (size, at_ns);
            }
            Content::Confidence(coding) => {
                self.mask.at_ns = None;
                to_mask(coding, image, self.composition.confidence_min, &mut self.mask.values)?;
                (self.mask.size, self.mask.at_ns, self.is_masked) = (size, at_ns, true);
            }
            Content::Depth(coding @ (Depth::C16 | Depth::C32f)) if self.lines.is_none() => {
                (self.steps.at_ns, self.points.at_ns) = (None, None);
                if self.composition.zero_plane_m.is_some() {
                    return Err(format!(
                        "{} has distances, to which camera.genicam.zero_plane_m does not apply: leave it out",
                        image.format
                    ));
                }
                let steps = &mut self.steps.values;
                match coding {
                    Depth::C16 => to_steps(image, &self.scan3d.axes[2], steps)?,
                    _ => {
                        let step_m = self.camera.as_ref().map_or(STEP_M, |camera| camera.depth_steps_m().0);
                        floats_to_steps(image, &self.scan3d, step_m, steps)?;
                    }
                }
                (self.steps.size, self.steps.at_ns) = (size, at_ns);
                self.know_lens(coding)?;
            }
            Content::Depth(coding) => {
                (self.steps.at_ns, self.points.at_ns) = (None, None);
                to_points(coding, image, &self.conversion, &mut self.points.values)?;
                (self.points.size, self.points.at_ns) = (size, at_ns);
                if matches!(coding, Depth::Ac16 | Depth::Ac32f) && self.lines.is_none() {
                    return Err(format!(
                        "{} has lines of points: say by camera.genicam.rows and pitch_mm how they are joined",
                        image.format
                    ));
                }
            }
        }
        Ok(())
    }

    /// Leaves lines empty in the place of buffers that were lost, each of which had as many as the last one. Gives the number
    /// of these buffers that no frame shows.
    pub fn lost(&mut self, buffers: u64) -> u64 {
        let (Some(lines), Some(joining)) = (&mut self.lines, self.composition.lines) else { return buffers };
        let lost = buffers.saturating_mul(self.points.size.1 as u64);
        lines.skip(lost);
        lost / joining.rows as u64
    }

    /// Joins lines that are complete to those before.
    pub fn join(&mut self) -> Result<(), String> {
        if self.lines.is_none() || !self.is_complete() {
            return Ok(());
        }
        self.mask_points()?;
        let Self { lines: Some(lines), rgb, points, .. } = self else { return Ok(()) };
        let joined = lines.push(points.size.0, &rgb.values, &points.values);
        self.forget();
        joined
    }

    /// Whether a frame can be had.
    pub fn is_ready(&self) -> bool {
        match &self.lines {
            Some(lines) => lines.are_enough(),
            None => self.is_complete(),
        }
    }

    /// Makes the frame that is ready.
    pub fn finish(&mut self, into: &mut RgbdFrame) -> Result<(), CameraError> {
        if let Some(lines) = &mut self.lines {
            let (rgb, points, size) = lines.frame();
            let filled = into.fill((rgb, size), (points, size));
            lines.advance();
            return filled.map_err(CameraError::settings);
        }
        self.mask_points().map_err(CameraError::settings)?;
        let rgb = (self.rgb.values.as_slice(), self.rgb.size);
        let done = match (&self.camera, self.steps.at_ns) {
            (Some(camera), Some(_)) => {
                let depth = (self.steps.values.as_slice(), self.steps.size);
                self.assembler.assemble(camera, rgb, depth, into)
            }
            _ => into.fill(rgb, (self.points.values.iter().copied(), self.points.size)).map_err(Into::into),
        };
        self.forget();
        done.map_err(CameraError::settings)
    }

    /// Whether colour, depth and confidence are of one moment.
    fn is_complete(&self) -> bool {
        let (Some(at_ns), window_ns) = (self.steps.at_ns.or(self.points.at_ns), self.composition.window_ns) else {
            return false;
        };
        self.rgb.is_of(at_ns, window_ns) && (!self.is_masked || self.mask.is_of(at_ns, window_ns))
    }

    fn forget(&mut self) {
        (self.rgb.at_ns, self.steps.at_ns, self.points.at_ns, self.mask.at_ns) = (None, None, None, None);
    }

    /// Removes the points of which the camera is not sure.
    fn mask_points(&mut self) -> Result<(), String> {
        if !self.is_masked {
            return Ok(());
        }
        let size = if self.steps.at_ns.is_some() { self.steps.size } else { self.points.size };
        if self.mask.size != size {
            let ((width, height), (of_width, of_height)) = (self.mask.size, size);
            return Err(format!("confidence is {width} x {height} where depth is {of_width} x {of_height}"));
        }
        let unsure = |(i, sure): (usize, &bool)| (!sure).then_some(i);
        for i in self.mask.values.iter().enumerate().filter_map(unsure) {
            match self.steps.at_ns {
                Some(_) => self.steps.values[i] = 0,
                None => self.points.values[i] = [0.0; 3],
            }
        }
        Ok(())
    }

    /// Takes the camera's own lens for images of distances alone, where no file has one.
    fn know_lens(&mut self, coding: Depth) -> Result<(), String> {
        if self.camera.is_none() {
            let (step_m, offset_m) = if coding == Depth::C16 { self.scan3d.steps_m() } else { (STEP_M, 0.0) };
            let file = camera_file(&self.scan3d, self.steps.size, (step_m, offset_m))?;
            self.camera = Some(Camera::Lenses(Arc::new(Registration::new(file))));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan3d::{Axis, Lens};
    use super::*;
    use crate::calibration::Intrinsics;

    const MS: u64 = 1_000_000;

    fn composition() -> Composition {
        Composition {
            camera: None,
            window_ns: 5 * MS,
            confidence_min: 1,
            zero_plane_m: None,
            lines: None,
            machine: Machine::Cpu,
        }
    }

    /// Takes an image of a width.
    fn take(composer: &mut Composer, name: &str, width: usize, bytes: &[u8], at_ms: u64) -> Result<(), String> {
        let format = PixelFormat::named(name).unwrap();
        let stride = format.row_bytes(width);
        let height = bytes.len() / stride;
        composer.take(&Raw { format, width, height, stride, bytes }, at_ms * MS)?;
        composer.join()
    }

    fn frame(composer: &mut Composer) -> RgbdFrame {
        assert!(composer.is_ready());
        let mut frame = RgbdFrame::blank();
        composer.finish(&mut frame).unwrap();
        frame
    }

    fn cloud(points: &[[f32; 3]]) -> Vec<u8> {
        points.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn metres() -> Scan3d {
        Scan3d { unit_m: 1.0, ..Scan3d::default() }
    }

    #[test]
    fn colour_and_points_of_one_moment_become_a_frame_in_whatever_order_they_come() {
        let points = [[0.1, 0.2, 0.5], [0.0, 0.0, 0.25]];
        for colour_first in [true, false] {
            let mut composer = Composer::new(&composition(), metres()).unwrap();
            for first in [colour_first, !colour_first] {
                assert!(!composer.is_ready());
                match first {
                    true => take(&mut composer, "RGB8", 2, &[1, 2, 3, 4, 5, 6], 100).unwrap(),
                    false => take(&mut composer, "Coord3D_ABC32f", 2, &cloud(&points), 103).unwrap(),
                }
            }
            let frame = frame(&mut composer);
            assert_eq!((frame.rgb(), frame.cloud().points()), ([1, 2, 3, 4, 5, 6].as_slice(), points.as_slice()));
            assert!(!composer.is_ready());
        }
    }

    #[test]
    fn halves_of_different_moments_are_no_frame() {
        let mut composer = Composer::new(&composition(), metres()).unwrap();
        take(&mut composer, "Mono8", 1, &[1], 100).unwrap();
        take(&mut composer, "Coord3D_ABC32f", 1, &cloud(&[[0.0, 0.0, 1.0]]), 133).unwrap();
        assert!(!composer.is_ready());
        take(&mut composer, "Mono8", 1, &[2], 134).unwrap();
        assert_eq!(frame(&mut composer).rgb(), [2; 3]);
    }

    #[test]
    fn points_of_which_the_camera_is_not_sure_are_left_out() {
        let mut composer = Composer::new(&Composition { confidence_min: 50, ..composition() }, metres()).unwrap();
        take(&mut composer, "Confidence8", 2, &[49, 50], 100).unwrap();
        take(&mut composer, "Mono8", 2, &[1, 2], 100).unwrap();
        take(&mut composer, "Coord3D_ABC32f", 2, &cloud(&[[0.0, 0.0, 1.0]; 2]), 100).unwrap();
        assert_eq!(frame(&mut composer).cloud().points(), [[0.0; 3], [0.0, 0.0, 1.0]]);
        // The next frame waits for its own.
        take(&mut composer, "Mono8", 2, &[1, 2], 133).unwrap();
        take(&mut composer, "Coord3D_ABC32f", 2, &cloud(&[[0.0, 0.0, 1.0]; 2]), 133).unwrap();
        assert!(!composer.is_ready());
        take(&mut composer, "Confidence8", 1, &[49], 133).unwrap();
        let error = composer.finish(&mut RgbdFrame::blank()).unwrap_err().to_string();
        assert!(error.contains("1 x 1 where depth is 2 x 1"), "{error}");
    }

    #[test]
    fn distances_become_points_by_the_cameras_own_lens_or_a_files() {
        let lens = Lens { focal_length: 4.0, principal_point: [8.0, 8.0] };
        let c = Axis { scale: 0.5, offset: 0.0, invalid: Some(0.0) };
        let scan3d =
            Scan3d { axes: [Axis::default(), Axis::default(), c], told: true, lens: Some(lens), ..Scan3d::default() };
        let steps: Vec<u8> = [1_000u16; 256].iter().flat_map(|step| step.to_le_bytes()).collect();
        let mut composer = Composer::new(&composition(), scan3d).unwrap();
        take(&mut composer, "Mono8", 16, &[7; 256], 100).unwrap();
        take(&mut composer, "Coord3D_C16", 16, &steps, 100).unwrap();
        let found = frame(&mut composer);
        assert_eq!(found.cloud().points()[16 * 8 + 10], [0.25, 0.0, 0.5]);
        let mut lensless = Composer::new(&composition(), Scan3d { lens: None, ..scan3d }).unwrap();
        let error = take(&mut lensless, "Coord3D_C16", 16, &steps, 100).unwrap_err();
        assert!(error.contains("Scan3dFocalLength") && error.contains("camera_file"), "{error}");
        let intrinsics = Intrinsics { fx: 2.0, fy: 2.0, cx: 8.0, cy: 8.0, depth_unit_m: 0.001, depth_offset_m: 0.0 };
        let by_file = Composition { camera: Some(Camera::Pinhole(intrinsics)), ..composition() };
        let error = Composer::new(&by_file, scan3d).err().unwrap();
        assert!(error.contains("0.0005"), "{error}");
        let mut composer = Composer::new(&by_file, Scan3d::default()).unwrap();
        take(&mut composer, "Mono8", 16, &[7; 256], 100).unwrap();
        take(&mut composer, "Coord3D_C16", 16, &steps, 100).unwrap();
        assert_eq!(frame(&mut composer).cloud().points()[16 * 8 + 8], [0.0, 0.0, 1.0]);
    }

    #[test]
    fn lines_are_joined_and_lost_ones_leave_their_places_empty() {
        let joining = Joining { rows: 4, overlap: 0, pitch_m: 0.5 };
        let mut composer = Composer::new(&Composition { lines: Some(joining), ..composition() }, metres()).unwrap();
        let line = cloud(&[[0.5, 0.25, 1.0]])[..8].to_vec();
        for (number, at_ms) in [(1, 100), (2, 110)] {
            take(&mut composer, "Mono8", 1, &[number], at_ms).unwrap();
            take(&mut composer, "Coord3D_AC32f", 1, &line, at_ms).unwrap();
        }
        assert_eq!(composer.lost(1), 0);
        take(&mut composer, "Coord3D_AC32f", 1, &line, 130).unwrap();
        assert!(!composer.is_ready());
        take(&mut composer, "Mono8", 1, &[4], 130).unwrap();
        let frame = frame(&mut composer);
        assert_eq!(frame.rgb(), [1, 1, 1, 2, 2, 2, 0, 0, 0, 4, 4, 4]);
        // The second value of a line is its distance.
        assert_eq!(frame.cloud().points(), [[0.5, -0.75, 0.25], [0.5, -0.25, 0.25], [0.0; 3], [0.5, 0.75, 0.25]]);
        let mut plain = Composer::new(&composition(), metres()).unwrap();
        assert!(take(&mut plain, "Coord3D_AC32f", 1, &line, 100).unwrap_err().contains("camera.genicam.rows"));
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused() {
        let mut composer = Composer::new(&composition(), metres()).unwrap();
        take(&mut composer, "Mono8", 2, &[1, 2], 100).unwrap();
        take(&mut composer, "Coord3D_ABC32f", 1, &cloud(&[[0.0, 0.0, 1.0]]), 100).unwrap();
        let error = composer.finish(&mut RgbdFrame::blank()).unwrap_err();
        assert!(matches!(error, CameraError::Settings { .. }) && error.to_string().contains("2 x 1"), "{error}");
    }
}
