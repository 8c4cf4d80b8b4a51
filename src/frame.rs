//! A frame of a camera: colour and an organised point cloud on the same pixels.

mod depth;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::files;
use depth::Depth;
pub use depth::Rays;

/// The largest side of a frame that is accepted, in pixels; bounds what is allocated for untrusted input.
pub const SIDE_MAX: usize = 8192;
/// The most pixels of a frame: 16 megapixels of points take 200 MB.
pub const PIXELS_MAX: usize = 1 << 24;

/// Why a frame cannot be made of an image and points.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FrameError {
    /// Image and cloud differ in size.
    #[error(
        "colour is {rgb_width} x {rgb_height} but the cloud is {xyz_width} x {xyz_height}: give a cloud registered to the colour image, of the same size"
    )]
    SizeMismatch { rgb_width: usize, rgb_height: usize, xyz_width: usize, xyz_height: usize },
    /// Fewer or more values than the size asks for.
    #[error("{what} holds {found} values where {width} x {height} x 3 are expected")]
    Length { what: &'static str, found: usize, width: usize, height: usize },
    /// A size that no frame may have.
    #[error(
        "a frame of {width} x {height} pixels is outside 1..={SIDE_MAX} a side and {PIXELS_MAX} in all: crop or scale it"
    )]
    Size { width: usize, height: usize },
}

/// Points on the pixel grid, `[height, width]` row-major, metres; the origin where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganisedCloud {
    width: usize,
    height: usize,
    points: Vec<[f32; 3]>,
}

impl OrganisedCloud {
    /// A cloud of `points`, `[height, width]`, in metres. Those that are not finite or not in front of the camera (z > 0)
    /// become missing ones.
    ///
    /// An error if `points` does not hold `width * height` of them, or the cloud is larger than 8192 pixels a
    /// side or 16.7 megapixels.
    ///
    /// ```
    /// use crosscheck::OrganisedCloud;
    ///
    /// // Two pixels: a point half a metre away, and one that the sensor did not see.
    /// let cloud = OrganisedCloud::new(2, 1, vec![[0.01, 0.0, 0.5], [f32::NAN; 3]])?;
    /// assert_eq!(cloud.valid_count(), 1);
    /// assert_eq!(cloud.points()[1], [0.0; 3]);
    /// # Ok::<(), crosscheck::FrameError>(())
    /// ```
    pub fn new(width: usize, height: usize, mut points: Vec<[f32; 3]>) -> Result<Self, FrameError> {
        check_size(width, height)?;
        if points.len() != width * height {
            return Err(FrameError::Length { what: "the cloud", found: points.len() * 3, width, height });
        }
        points.iter_mut().for_each(|point| *point = measured(*point));
        Ok(Self { width, height, points })
    }

    /// Pixels of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels of a column.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All points, `[height, width]`, metres.
    pub fn points(&self) -> &[[f32; 3]] {
        &self.points
    }

    /// The cloud with every coordinate multiplied by `factor`.
    pub fn scaled(mut self, factor: f32) -> Self {
        self.points.iter_mut().for_each(|point| *point = measured(point.map(|v| v * factor)));
        self
    }

    /// Makes the point at `index` a missing one.
    pub fn remove(&mut self, index: usize) {
        self.points[index] = [0.0; 3];
    }

    /// Points that are there.
    pub fn valid_count(&self) -> usize {
        self.points.iter().filter(|p| is_point(p)).count()
    }
}

/// A point with a coordinate that is not finite counts as missing, as does one that does not lie in front of the
/// camera: nothing is seen there, and cameras write such values, as (0, 0, -1), for what they did not measure.
fn measured(point: [f32; 3]) -> [f32; 3] {
    if point[2] > 0.0 && point.iter().all(|v| v.is_finite()) { point } else { [0.0; 3] }
}

/// Whether a pixel has a point: the origin stands for none.
#[inline]
pub fn is_point(point: &[f32; 3]) -> bool {
    *point != [0.0; 3]
}

/// One pixel-registered frame: pixel i of the image shows point i of the cloud.
#[derive(Clone, Debug)]
pub struct RgbdFrame {
    /// `[height, width, 3]`, 0 to 255.
    rgb: Vec<u8>,
    cloud: OrganisedCloud,
    /// What the cloud was made from, where that is known: a sixth of its bytes.
    depth: Depth,
}

impl PartialEq for RgbdFrame {
    /// Whatever the clouds were made from.
    fn eq(&self, other: &Self) -> bool {
        self.rgb == other.rgb && self.cloud == other.cloud
    }
}

impl RgbdFrame {
    /// A frame of an image, `[rgb_height, rgb_width, 3]`, and its cloud, which has the same size.
    ///
    /// An error if the sizes differ, or `rgb` does not hold three values for each pixel.
    ///
    /// ```
    /// use crosscheck::{OrganisedCloud, RgbdFrame};
    ///
    /// let (width, height) = (640, 480);
    /// let cloud = OrganisedCloud::new(width, height, vec![[0.0, 0.0, 0.5]; width * height])?;
    /// let frame = RgbdFrame::new(width, height, vec![128; width * height * 3], cloud)?;
    /// assert_eq!((frame.width(), frame.height()), (640, 480));
    /// # Ok::<(), crosscheck::FrameError>(())
    /// ```
    pub fn new(rgb_width: usize, rgb_height: usize, rgb: Vec<u8>, cloud: OrganisedCloud) -> Result<Self, FrameError> {
        check_image(&rgb, (rgb_width, rgb_height), (cloud.width, cloud.height))?;
        Ok(Self { rgb, cloud, depth: Depth::default() })
    }

    /// One black pixel without a point: what a frame is before it is written over.
    pub fn blank() -> Self {
        let cloud = OrganisedCloud { width: 1, height: 1, points: vec![[0.0; 3]] };
        Self { rgb: vec![0; 3], cloud, depth: Depth::default() }
    }

    /// Becomes a frame of an image, `[height, width, 3]`, and its points, each with its width and height; nothing is allocated
    /// where this frame was as large before.
    pub fn fill(
        &mut self,
        (rgb, rgb_size): (&[u8], (usize, usize)),
        (points, (width, height)): (impl Iterator<Item = [f32; 3]>, (usize, usize)),
    ) -> Result<(), FrameError> {
        check_size(width, height)?;
        check_image(rgb, rgb_size, (width, height))?;
        self.depth.clear();
        let kept = &mut self.cloud.points;
        kept.clear();
        kept.extend(points.take(width * height).map(measured));
        let found = kept.len();
        // A frame that is refused is still a whole one.
        kept.resize(width * height, [0.0; 3]);
        self.rgb.clear();
        self.rgb.extend_from_slice(rgb);
        (self.cloud.width, self.cloud.height) = (width, height);
        if found == width * height {
            return Ok(());
        }
        Err(FrameError::Length { what: "the cloud", found: found * 3, width, height })
    }

    /// Becomes a copy of `other`; nothing is allocated where this frame was as large before.
    pub fn copy_from(&mut self, other: &Self) {
        self.rgb.clone_from(&other.rgb);
        self.cloud.points.clone_from(&other.cloud.points);
        (self.cloud.width, self.cloud.height) = (other.cloud.width, other.cloud.height);
        self.depth.copy_from(&other.depth);
    }

    /// Keeps the depth steps `[height, width]` whose points the frame has.
    #[doc(hidden)]
    pub fn keep_depth(&mut self, steps: &[u16], rays: &Arc<Rays>) {
        assert_eq!(steps.len(), self.cloud.points.len(), "a frame has a step for each point");
        self.depth.set(steps, rays);
    }

    /// The depth steps `[height, width]` that the points were made from, and how; none where they are not kept.
    #[doc(hidden)]
    pub fn depth(&self) -> Option<(&[u16], &Arc<Rays>)> {
        self.depth.get()
    }

    /// The image, `[height, width, 3]`, 0 to 255.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The points.
    pub fn cloud(&self) -> &OrganisedCloud {
        &self.cloud
    }

    /// A short hash of colour and points, by which a frame is known again: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new_with_prefix(&self.rgb);
        self.cloud.points.as_flattened().iter().for_each(|v| hash.update(v.to_le_bytes()));
        files::hex(&hash.finalize()[..8])
    }

    /// Pixels of a row.
    pub fn width(&self) -> usize {
        self.cloud.width
    }

    /// Pixels of a column.
    pub fn height(&self) -> usize {
        self.cloud.height
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Column of its left edge.
    pub x: usize,
    /// Row of its upper edge.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Region {
    /// All of a frame.
    pub fn whole(frame: &RgbdFrame) -> Self {
        Self::of_size(frame.width(), frame.height())
    }

    /// All of an image of `width` x `height`.
    pub fn of_size(width: usize, height: usize) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// The first column to the right of it.
    pub fn right(self) -> usize {
        self.x + self.width
    }

    /// The first row below it.
    pub fn bottom(self) -> usize {
        self.y + self.height
    }

    /// The smallest region around both.
    pub fn union(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        Self { x, y, width: right - x, height: bottom - y }
    }

    /// The part of it within an image of `width` x `height`.
    pub fn within(self, width: usize, height: usize) -> Self {
        let (x, y) = (self.x.min(width), self.y.min(height));
        Self { x, y, width: self.width.min(width - x), height: self.height.min(height - y) }
    }
}

/// Refuses an image that is not of the cloud's size, or has not as many values.
fn check_image(
    rgb: &[u8],
    (rgb_width, rgb_height): (usize, usize),
    (xyz_width, xyz_height): (usize, usize),
) -> Result<(), FrameError> {
    if (rgb_width, rgb_height) != (xyz_width, xyz_height) {
        return Err(FrameError::SizeMismatch { rgb_width, rgb_height, xyz_width, xyz_height });
    }
    if rgb.len() != rgb_width * rgb_height * 3 {
        let found = rgb.len();
        return Err(FrameError::Length { what: "the image", found, width: rgb_width, height: rgb_height });
    }
    Ok(())
}

/// Refuses a size that nothing may be allocated for.
pub fn check_size(width: usize, height: usize) -> Result<(), FrameError> {
    let sides = (1..=SIDE_MAX).contains(&width) && (1..=SIDE_MAX).contains(&height);
    if sides && width * height <= PIXELS_MAX { Ok(()) } else { Err(FrameError::Size { width, height }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_that_are_not_finite_are_missing() {
        let points = vec![[f32::NAN, 0.0, 1.0], [0.0, f32::INFINITY, 1.0], [1.0, 2.0, 3.0]];
        let cloud = OrganisedCloud::new(3, 1, points).unwrap();
        assert_eq!(cloud.points(), [[0.0; 3], [0.0; 3], [1.0, 2.0, 3.0]]);
        assert_eq!(cloud.valid_count(), 1);
    }

    #[test]
    fn points_that_do_not_lie_in_front_of_the_camera_are_missing() {
        // These are values that cameras write for pixels without a point.
        let points = vec![[0.0, 0.0, -1.0], [-9999.0; 3], [0.1, 0.2, 0.0], [0.1, 0.2, 0.3]];
        let cloud = OrganisedCloud::new(4, 1, points.clone()).unwrap();
        assert_eq!(cloud.points(), [[0.0; 3], [0.0; 3], [0.0; 3], [0.1, 0.2, 0.3]]);
        let mut frame = RgbdFrame::blank();
        frame.fill((&[0; 12], (4, 1)), (points.into_iter(), (4, 1))).unwrap();
        assert_eq!(frame.cloud(), &cloud);
    }

    #[test]
    fn a_copy_takes_the_size_and_keeps_the_memory() {
        let cloud = OrganisedCloud::new(3, 2, vec![[1.0; 3]; 6]).unwrap();
        let large = RgbdFrame::new(3, 2, vec![7; 18], cloud).unwrap();
        let mut copy = large.clone();
        let memory = copy.rgb.as_ptr();
        copy.copy_from(&RgbdFrame::blank());
        assert_eq!(copy, RgbdFrame::blank());
        copy.copy_from(&large);
        assert!(copy == large && copy.rgb.as_ptr() == memory);
    }

    #[test]
    fn sizes_that_differ_are_named() {
        let cloud = OrganisedCloud::new(2, 1, vec![[0.0; 3]; 2]).unwrap();
        let error = RgbdFrame::new(1, 2, vec![0; 6], cloud).unwrap_err().to_string();
        assert!(error.contains("1 x 2") && error.contains("2 x 1"), "{error}");
    }

    #[test]
    fn sizes_out_of_bounds_are_refused() {
        assert!(matches!(OrganisedCloud::new(0, 1, vec![]), Err(FrameError::Size { .. })));
        assert!(matches!(OrganisedCloud::new(SIDE_MAX + 1, 1, vec![]), Err(FrameError::Size { .. })));
        assert!(matches!(OrganisedCloud::new(2, 2, vec![]), Err(FrameError::Length { .. })));
        // The same limit holds for the sizes in camera files.
        assert!(check_size(4096, 4096).is_ok() && check_size(8192, 2048).is_ok());
        assert_eq!(check_size(4097, 4096), Err(FrameError::Size { width: 4097, height: 4096 }));
    }
}
