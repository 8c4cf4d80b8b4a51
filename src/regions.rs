//! Where defects count: regions of interest and ignored areas, from the photograph to the network frame.

use std::path::PathBuf;

use image::GrayImage;
use thiserror::Error;

use crate::config::regions as description;
use crate::dataset::{DatasetError, read_grey};
use crate::prepare::resize;

/// A mask's pixel above this is inside.
const GREY: u8 = 127;

#[derive(Debug, Error)]
pub enum RegionsError {
    #[error("a region's mask cannot be used: {0}")]
    Mask(#[from] DatasetError),
}

/// Why regions do not fit a frame.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Misfit {
    #[error(
        "the mask {} is {mask_width} x {mask_height} where frames are {width} x {height}: draw it on a picture of this camera",
        path.display()
    )]
    Size { path: PathBuf, mask_width: u32, mask_height: u32, width: usize, height: usize },
    #[error(
        "the regions leave no pixel of a {width} x {height} frame: every part would pass unseen; correct regions.of_interest and regions.ignore"
    )]
    Nothing { width: usize, height: usize },
}

/// Areas of the photograph.
#[derive(Clone, Debug, PartialEq)]
pub struct Regions {
    of_interest: Vec<Area>,
    ignore: Vec<Area>,
}

#[derive(Clone, Debug, PartialEq)]
enum Area {
    /// Corners, pixels.
    Polygon(Vec<[f32; 2]>),
    Mask {
        path: PathBuf,
        image: GrayImage,
    },
}

impl Regions {
    /// Reads the masks that a configuration names; none where everything counts.
    pub fn read(regions: &description::Regions) -> Result<Option<Self>, RegionsError> {
        let areas = |areas: &[description::Area]| areas.iter().filter_map(Area::read).collect::<Result<Vec<_>, _>>();
        let (of_interest, ignore) = (areas(&regions.of_interest)?, areas(&regions.ignore)?);
        Ok((!regions.is_empty()).then_some(Self { of_interest, ignore }))
    }

    /// Whether each pixel of the network frame counts, `[P]`, for photographs of `width` x `height`: the pixel that
    /// it takes its point from does.
    pub fn network_mask(&self, width: usize, height: usize) -> Result<Vec<bool>, Misfit> {
        self.of_interest.iter().chain(&self.ignore).try_for_each(|area| area.check(width, height))?;
        let pixels: Vec<Option<usize>> = (0..width * height).map(Some).collect();
        let counts = |pixel: Option<usize>| pixel.is_some_and(|pixel| self.counts(pixel % width, pixel / width));
        let mask: Vec<bool> = resize::nearest(&pixels, width, height, None).into_iter().map(counts).collect();
        if mask.contains(&true) { Ok(mask) } else { Err(Misfit::Nothing { width, height }) }
    }

    fn counts(&self, x: usize, y: usize) -> bool {
        let within = |areas: &[Area]| areas.iter().any(|area| area.contains(x, y));
        (self.of_interest.is_empty() || within(&self.of_interest)) && !within(&self.ignore)
    }
}

/// Regions with their mask for the size that frames have.
pub struct NetworkMask {
    regions: Regions,
    size: (usize, usize),
    counts: Vec<bool>,
}

impl NetworkMask {
    pub fn new(regions: Regions) -> Self {
        Self { regions, size: (0, 0), counts: Vec::new() }
    }

    /// [`Regions::network_mask`], made anew only when frames change their size.
    pub fn of(&mut self, width: usize, height: usize) -> Result<&[bool], Misfit> {
        if self.size != (width, height) {
            self.counts = self.regions.network_mask(width, height)?;
            self.size = (width, height);
        }
        Ok(&self.counts)
    }
}

impl Area {
    /// None of an area that is neither, which a checked configuration does not have.
    fn read(area: &description::Area) -> Option<Result<Self, RegionsError>> {
        match (&area.polygon, &area.mask) {
            (Some(corners), _) => Some(Ok(Self::Polygon(corners.clone()))),
            (None, Some(path)) => {
                Some(read_grey(path).map(|image| Self::Mask { path: path.clone(), image }).map_err(Into::into))
            }
            (None, None) => None,
        }
    }

    fn check(&self, width: usize, height: usize) -> Result<(), Misfit> {
        match self {
            Self::Mask { path, image } if (image.width() as usize, image.height() as usize) != (width, height) => {
                let (mask_width, mask_height) = image.dimensions();
                Err(Misfit::Size { path: path.clone(), mask_width, mask_height, width, height })
            }
            _ => Ok(()),
        }
    }

    /// Whether a pixel's middle is inside.
    fn contains(&self, x: usize, y: usize) -> bool {
        match self {
            Self::Mask { image, .. } => image.get_pixel(x as u32, y as u32).0[0] > GREY,
            Self::Polygon(corners) => is_inside(corners, x as f32 + 0.5, y as f32 + 0.5),
        }
    }
}

/// Even-odd: a line from the point to the right crosses the polygon's sides an odd number of times.
fn is_inside(corners: &[[f32; 2]], x: f32, y: f32) -> bool {
    let before = corners.iter().cycle().skip(corners.len().saturating_sub(1));
    let crosses = |(&[ax, ay], &[bx, by]): (&[f32; 2], &[f32; 2])| {
        (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
    };
    corners.iter().zip(before).filter(|&side| crosses(side)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{H, P, W};

    fn polygon(corners: &[[f32; 2]]) -> description::Area {
        description::Area { polygon: Some(corners.to_vec()), mask: None }
    }

    fn square(left: f32, top: f32, side: f32) -> description::Area {
        polygon(&[[left, top], [left + side, top], [left + side, top + side], [left, top + side]])
    }

    fn read(of_interest: Vec<description::Area>, ignore: Vec<description::Area>) -> Regions {
        Regions::read(&description::Regions { of_interest, ignore }).unwrap().unwrap()
    }

    /// The rows and columns that hold all that counts, and how many pixels count.
    fn extent(mask: &[bool]) -> ([usize; 4], usize) {
        let on: Vec<(usize, usize)> = (0..P).filter(|p| mask[*p]).map(|p| (p / W, p % W)).collect();
        let rows = (on.iter().map(|p| p.0).min().unwrap(), on.iter().map(|p| p.0).max().unwrap());
        let columns = (on.iter().map(|p| p.1).min().unwrap(), on.iter().map(|p| p.1).max().unwrap());
        ([rows.0, rows.1, columns.0, columns.1], on.len())
    }

    #[test]
    fn without_regions_everything_counts() {
        assert_eq!(Regions::read(&description::Regions::default()).unwrap(), None);
    }

    #[test]
    fn a_polygon_of_the_photograph_lands_on_its_network_pixels() {
        // Twice the network's size and wide: padded by 112 rows above and below.
        let mask = read(vec![square(100.0, 40.0, 60.0)], vec![]).network_mask(448, 224).unwrap();
        assert_eq!(extent(&mask), ([76, 105, 50, 79], 30 * 30));
    }

    #[test]
    fn ignored_areas_are_cut_out_of_regions_of_interest_and_of_the_whole() {
        let hole = square(20.0, 20.0, 10.0);
        let mask = read(vec![square(10.0, 10.0, 30.0)], vec![hole.clone()]).network_mask(W, H).unwrap();
        assert_eq!(extent(&mask).1, 900 - 100);
        let mask = read(vec![], vec![hole]).network_mask(W, H).unwrap();
        assert_eq!(extent(&mask).1, P - 100);
    }

    #[test]
    fn a_polygon_may_be_concave() {
        let arrow = [[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [10.0, 10.0], [0.0, 20.0]];
        assert!(is_inside(&arrow, 3.0, 10.0) && is_inside(&arrow, 17.0, 10.0) && !is_inside(&arrow, 10.0, 15.0));
    }

    #[test]
    fn a_mask_is_read_and_must_have_the_frame_s_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        GrayImage::from_fn(300, 300, |x, _| image::Luma([if x < 150 { 255 } else { 127 }])).save(&path).unwrap();
        let regions = read(vec![description::Area { polygon: None, mask: Some(path) }], vec![]);
        assert_eq!(extent(&regions.network_mask(300, 300).unwrap()).0, [0, 223, 0, 111]);
        let error = regions.network_mask(640, 480).unwrap_err().to_string();
        assert!(error.contains("300 x 300") && error.contains("640 x 480"), "{error}");
    }

    #[test]
    fn regions_that_leave_nothing_are_refused() {
        let everything = square(0.0, 0.0, 500.0);
        assert_eq!(
            read(vec![], vec![everything]).network_mask(300, 200),
            Err(Misfit::Nothing { width: 300, height: 200 })
        );
        let missing = description::Area { polygon: None, mask: Some("/nowhere/mask.png".into()) };
        let error = Regions::read(&description::Regions { of_interest: vec![], ignore: vec![missing] }).unwrap_err();
        assert!(error.to_string().contains("/nowhere/mask.png"), "{error}");
    }
}
