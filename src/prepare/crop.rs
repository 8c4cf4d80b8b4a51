//! Where in the photograph the part may be. Later steps do not see what lies outside.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::colour::MEAN;
use super::point_grid::PointGrid;
use crate::frame::{Region, RgbdFrame, SIDE_MAX};
use crate::shapes::RGB;

/// A crop of smaller sides shows no part, pixels.
const SIDE_MIN: usize = 32;
const CORNERS_MAX: usize = 256;
/// The parts that a depth camera sees, with what is around them, millimetres.
const FOLLOW_MM_MIN: f32 = 5.0;
const FOLLOW_MM_MAX: f32 = 2000.0;

/// Why a frame cannot be cropped as it is asked for.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum CropMisfit {
    /// The crop reaches beyond the frame.
    #[error(
        "scene.crop reaches to column {right} and row {bottom} where frames are {width} x {height}: give it in pixels of this camera's photographs"
    )]
    Outside { right: usize, bottom: usize, width: usize, height: usize },
    /// The frame has another size than those of the fit.
    #[error(
        "frames are {width} x {height} where the engine was fitted on {fitted_width} x {fitted_height}, and its scene.crop is in pixels: set the camera to that size, or fit again"
    )]
    Size { width: usize, height: usize, fitted_width: usize, fitted_height: usize },
}

/// A part of the photograph, and how much of it around the part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crop {
    /// `[x, y, width, height]`, pixels of the photograph; all of it without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rectangle: Option<[usize; 4]>,
    /// Corners `[x, y]`, pixels of the photograph, in place of a rectangle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polygon: Option<Vec<[f32; 2]>>,
    /// Side of a square window that is centred on the part found, millimetres; the whole crop without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_mm: Option<f32>,
}

impl Crop {
    /// Whether the whole photograph is taken.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// The crop in words.
    pub fn describe(&self) -> String {
        let place = match (self.rectangle, &self.polygon) {
            (Some(rectangle), _) => format!("the rectangle {rectangle:?}"),
            (None, Some(corners)) => format!("the polygon {corners:?}"),
            (None, None) => "the whole photograph".into(),
        };
        self.follow_mm.map_or(place.clone(), |side| format!("a window of {side} mm that follows the part in {place}"))
    }

    /// Refuses a window that shows nothing, and numbers that no photograph has.
    pub fn check(&self) -> Result<(), String> {
        if self.rectangle.is_some() && self.polygon.is_some() {
            return Err("scene.crop has a rectangle and a polygon: give one of them".into());
        }
        if let Some([x, y, width, height]) = self.rectangle {
            let sides = [width, height].iter().all(|side| (SIDE_MIN..=SIDE_MAX).contains(side));
            if !sides || x > SIDE_MAX || y > SIDE_MAX {
                return Err(format!(
                    "scene.crop.rectangle is [{x}, {y}, {width}, {height}] where [x, y, width, height] with sides of {SIDE_MIN} to {SIDE_MAX} pixels is expected"
                ));
            }
        }
        if let Some(corners) = &self.polygon {
            check_polygon(corners)?;
        }
        match self.follow_mm {
            Some(side) if !(FOLLOW_MM_MIN..=FOLLOW_MM_MAX).contains(&side) => Err(format!(
                "scene.crop.follow_mm is {side} where {FOLLOW_MM_MIN} to {FOLLOW_MM_MAX} millimetres is expected"
            )),
            _ => Ok(()),
        }
    }

    /// Whether it is given in pixels, which fit photographs of one size only.
    pub fn is_in_pixels(&self) -> bool {
        self.rectangle.is_some() || self.polygon.is_some()
    }

    /// The smallest rectangle with all of it; that of a polygon has whole pixels.
    pub fn bounds(&self, width: usize, height: usize) -> Region {
        match (self.rectangle, &self.polygon) {
            (Some([x, y, width, height]), _) => Region { x, y, width, height },
            (None, Some(corners)) => {
                let least = |axis: usize| corners.iter().map(|c| c[axis]).fold(f32::INFINITY, f32::min).floor();
                let most = |axis: usize| corners.iter().map(|c| c[axis]).fold(0.0, f32::max).ceil();
                let (x, y) = (least(0) as usize, least(1) as usize);
                Region { x, y, width: most(0) as usize - x, height: most(1) as usize - y }
            }
            (None, None) => Region::of_size(width, height),
        }
    }
}

/// Cuts frames out, in buffers that they reuse.
#[derive(Default)]
pub struct Cropper {
    cut: Option<RgbdFrame>,
    /// What `inside` was made for: corners of the polygon, and its bounds.
    made_for: Option<(Vec<[f32; 2]>, Region)>,
    /// Whether each pixel of the bounds is inside the polygon; empty without one.
    inside: Vec<bool>,
    colours: Vec<u8>,
}

impl Cropper {
    /// The part of `frame` within the crop, and where it lies in the frame; the frame itself where the crop is all of
    /// it.
    pub fn cut<'a>(&'a mut self, frame: &'a RgbdFrame, crop: &Crop) -> Result<(&'a RgbdFrame, Region), CropMisfit> {
        let bounds = bounds_in(frame, crop)?;
        if bounds == Region::whole(frame) && crop.polygon.is_none() {
            return Ok((frame, bounds));
        }
        self.mark(crop.polygon.as_deref(), bounds);
        Ok((self.copy(frame, bounds), bounds))
    }

    /// The points of `frame` within the crop, which are not copied.
    pub fn look<'a>(&'a mut self, frame: &'a RgbdFrame, crop: &Crop) -> Result<PointGrid<'a>, CropMisfit> {
        let bounds = bounds_in(frame, crop)?;
        self.mark(crop.polygon.as_deref(), bounds);
        Ok(PointGrid::within(frame.cloud().points(), frame.width(), bounds, &self.inside))
    }

    fn mark(&mut self, polygon: Option<&[[f32; 2]]>, bounds: Region) {
        let Some(corners) = polygon else {
            self.made_for = None;
            return self.inside.clear();
        };
        if self.made_for.as_ref().is_some_and(|(of, within)| of == corners && *within == bounds) {
            return;
        }
        let pixels = (bounds.y..bounds.bottom()).flat_map(|y| (bounds.x..bounds.right()).map(move |x| (x, y)));
        self.inside.clear();
        self.inside.extend(pixels.map(|(x, y)| is_inside(corners, x as f32 + 0.5, y as f32 + 0.5)));
        self.made_for = Some((corners.to_vec(), bounds));
    }

    fn copy(&mut self, frame: &RgbdFrame, bounds: Region) -> &RgbdFrame {
        let (width, inside) = (frame.width(), &self.inside);
        let is_in = |i: usize| inside.is_empty() || inside[i];
        self.colours.clear();
        for row in bounds.y..bounds.bottom() {
            let row = &frame.rgb()[(row * width + bounds.x) * RGB..][..bounds.width * RGB];
            self.colours.extend_from_slice(row);
        }
        let colours = self.colours.as_chunks_mut::<RGB>().0.iter_mut().enumerate();
        colours.filter(|(i, _)| !is_in(*i)).for_each(|(_, colour)| *colour = outside());
        let point = |i: usize| {
            let (x, y) = (i % bounds.width + bounds.x, i / bounds.width + bounds.y);
            if is_in(i) { frame.cloud().points()[y * width + x] } else { [0.0; 3] }
        };
        let size = (bounds.width, bounds.height);
        let points = (0..bounds.width * bounds.height).map(point);
        let cut = self.cut.get_or_insert_with(RgbdFrame::blank);
        if let Err(error) = cut.fill((&self.colours, size), (points, size)) {
            unreachable!("a cut-out has as many colours as points: {error}");
        }
        cut
    }
}

/// The bounds of a crop, which must lie in the frame.
fn bounds_in(frame: &RgbdFrame, crop: &Crop) -> Result<Region, CropMisfit> {
    let (width, height) = (frame.width(), frame.height());
    let bounds = crop.bounds(width, height);
    let (right, bottom) = (bounds.right(), bounds.bottom());
    if right > width || bottom > height || bounds.width == 0 || bounds.height == 0 {
        return Err(CropMisfit::Outside { right, bottom, width, height });
    }
    Ok(bounds)
}

/// The colour outside of a polygon: the mean, which the networks see as 0.
fn outside() -> [u8; RGB] {
    MEAN.map(|mean| (255.0 * mean).round() as u8)
}

fn check_polygon(corners: &[[f32; 2]]) -> Result<(), String> {
    if !(3..=CORNERS_MAX).contains(&corners.len()) {
        return Err(format!("scene.crop.polygon has {} corners where 3 to {CORNERS_MAX} are expected", corners.len()));
    }
    let outside = |v: &&f32| !(0.0..=SIDE_MAX as f32).contains(*v);
    if let Some(value) = corners.as_flattened().iter().find(outside) {
        return Err(format!("scene.crop.polygon has {value} where pixels from 0 to {SIDE_MAX} are expected"));
    }
    // Twice the area by the shoelace formula, for polygons whose sides do not cross.
    let next = corners.iter().cycle().skip(1);
    let area = corners.iter().zip(next).map(|([ax, ay], [bx, by])| ax * by - bx * ay).sum::<f32>().abs() / 2.0;
    if area < (SIDE_MIN * SIDE_MIN) as f32 {
        return Err(format!(
            "scene.crop.polygon has an area of {area} pixels where {} at least are expected",
            SIDE_MIN * SIDE_MIN
        ));
    }
    Ok(())
}

/// Even-odd: a line from the point to the right crosses the polygon's sides an odd number of times.
pub fn is_inside(corners: &[[f32; 2]], x: f32, y: f32) -> bool {
    let before = corners.iter().cycle().skip(corners.len().saturating_sub(1));
    let crosses = |(&[ax, ay], &[bx, by]): (&[f32; 2], &[f32; 2])| {
        (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
    };
    corners.iter().zip(before).filter(|&side| crosses(side)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{OrganisedCloud, is_point};

    /// Each pixel has its own colour and point.
    fn frame(width: usize, height: usize) -> RgbdFrame {
        let points = (0..width * height).map(|i| [i as f32, 0.0, 1.0]).collect();
        let rgb = (0..width * height * RGB).map(|i| (i % 256) as u8).collect();
        RgbdFrame::new(width, height, rgb, OrganisedCloud::new(width, height, points).unwrap()).unwrap()
    }

    #[test]
    fn without_a_crop_the_frame_itself_is_given() {
        let (mut cropper, frame) = (Cropper::default(), frame(8, 5));
        let (cut, bounds) = cropper.cut(&frame, &Crop::default()).unwrap();
        assert!(std::ptr::eq(cut, &frame) && bounds == Region::of_size(8, 5));
    }

    #[test]
    fn a_rectangle_is_cut_out() {
        let (mut cropper, frame) = (Cropper::default(), frame(40, 30));
        let crop = Crop { rectangle: Some([10, 7, 20, 15]), ..Crop::default() };
        let (cut, bounds) = cropper.cut(&frame, &crop).unwrap();
        assert_eq!((cut.width(), cut.height(), bounds.x, bounds.y), (20, 15, 10, 7));
        assert_eq!(cut.cloud().points()[2 * 20 + 3], frame.cloud().points()[9 * 40 + 13]);
        assert_eq!(cut.rgb()[(2 * 20 + 3) * RGB..][..RGB], frame.rgb()[(9 * 40 + 13) * RGB..][..RGB]);
    }

    #[test]
    fn outside_a_polygon_there_is_neither_point_nor_colour() {
        let (mut cropper, frame) = (Cropper::default(), frame(40, 30));
        let polygon = vec![[5.0, 5.0], [25.0, 5.0], [5.0, 25.0]];
        let crop = Crop { polygon: Some(polygon), ..Crop::default() };
        let (cut, bounds) = cropper.cut(&frame, &crop).unwrap();
        assert_eq!(bounds, Region { x: 5, y: 5, width: 20, height: 20 });
        let there = cut.cloud().points().iter().filter(|p| is_point(p)).count();
        assert!((190..=210).contains(&there), "{there}");
        assert_eq!(cut.rgb()[(19 * 20 + 19) * RGB..], [124, 116, 104]);
        assert_eq!(cut.rgb()[..RGB], frame.rgb()[(5 * 40 + 5) * RGB..][..RGB]);
    }

    #[test]
    fn a_crop_beyond_the_frame_is_refused() {
        let (mut cropper, frame) = (Cropper::default(), frame(40, 30));
        for crop in [
            Crop { rectangle: Some([30, 0, 11, 5]), ..Crop::default() },
            Crop { polygon: Some(vec![[0.0, 0.0], [10.0, 0.0], [0.0, 30.5]]), ..Crop::default() },
        ] {
            let error = cropper.cut(&frame, &crop).unwrap_err().to_string();
            assert!(error.contains("40 x 30") && error.contains("scene.crop"), "{error}");
        }
    }

    #[test]
    fn a_polygon_may_be_concave() {
        let arrow = [[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [10.0, 10.0], [0.0, 20.0]];
        assert!(is_inside(&arrow, 3.0, 10.0) && is_inside(&arrow, 17.0, 10.0) && !is_inside(&arrow, 10.0, 15.0));
    }
}
