//! Where defects count: regions of interest and ignored areas, from the photograph to the network frame.

use std::path::PathBuf;

use thiserror::Error;

use crate::config::regions as description;
use crate::dataset::{DatasetError, Mask};
use crate::prepare::crop::is_inside;
use crate::prepare::window::Window;

#[derive(Debug, Error)]
pub enum RegionsError {
    #[error("a region's mask cannot be used: {0}")]
    Mask(#[from] DatasetError),
}

/// Why regions do not fit a frame.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Misfit {
    /// A mask has another size than the frame.
    #[error(
        "the mask {} is {mask_width} x {mask_height} where frames are {width} x {height}: draw it on a picture of this camera",
        path.display()
    )]
    Size { path: PathBuf, mask_width: usize, mask_height: usize, width: usize, height: usize },
    /// No pixel of the frame counts.
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
        mask: Mask,
    },
}

impl Regions {
    /// Reads the regions of a configuration with their masks. None where defects count everywhere.
    pub fn read(regions: &description::Regions) -> Result<Option<Self>, RegionsError> {
        let areas = |areas: &[description::Area]| areas.iter().filter_map(Area::read).collect::<Result<Vec<_>, _>>();
        let (of_interest, ignore) = (areas(&regions.of_interest)?, areas(&regions.ignore)?);
        Ok((!regions.is_empty()).then_some(Self { of_interest, ignore }))
    }

    /// Whether defects count in each pixel of photographs of `width` x `height`, `[height, width]`.
    pub fn mask(&self, width: usize, height: usize) -> Result<Vec<bool>, Misfit> {
        self.of_interest.iter().chain(&self.ignore).try_for_each(|area| area.check(width, height))?;
        let mask: Vec<bool> = (0..width * height).map(|pixel| self.counts(pixel % width, pixel / width)).collect();
        if mask.contains(&true) { Ok(mask) } else { Err(Misfit::Nothing { width, height }) }
    }

    fn counts(&self, x: usize, y: usize) -> bool {
        let within = |areas: &[Area]| areas.iter().any(|area| area.contains(x, y));
        (self.of_interest.is_empty() || within(&self.of_interest)) && !within(&self.ignore)
    }
}

/// Regions with their masks for the photograph's size, and for the network frame's window.
pub struct NetworkMask {
    regions: Regions,
    size: (usize, usize),
    /// The mask of the photograph, `[height, width]`.
    photograph: Vec<bool>,
    window: Option<Window>,
    /// The mask of the network frame, `[P]`.
    counts: Vec<bool>,
}

impl NetworkMask {
    pub fn new(regions: Regions) -> Self {
        Self { regions, size: (0, 0), photograph: Vec::new(), window: None, counts: Vec::new() }
    }

    /// Makes the mask of photographs of `width` x `height`. Errors where the regions do not fit them. This takes long
    /// where there are many areas, and should be done before the first frame where the size is known.
    pub fn fit(&mut self, width: usize, height: usize) -> Result<(), Misfit> {
        if self.size != (width, height) {
            self.photograph = self.regions.mask(width, height)?;
            (self.size, self.window) = ((width, height), None);
        }
        Ok(())
    }

    /// Whether defects count in each pixel of the network frame, `[P]`, for photographs of `width` x `height`: they do
    /// where they count in the pixel from which it takes its point. The mask is made anew only where the size of the
    /// photographs changes, or the window moves.
    pub fn for_window(&mut self, width: usize, height: usize, window: &Window) -> Result<&[bool], Misfit> {
        self.fit(width, height)?;
        if self.window != Some(*window) {
            window.nearest_into(|x, y| self.photograph[y * width + x], false, &mut self.counts);
            self.window = Some(*window);
        }
        Ok(&self.counts)
    }
}

impl Area {
    /// None where the area is neither polygon nor mask, which the configuration's check refuses.
    fn read(area: &description::Area) -> Option<Result<Self, RegionsError>> {
        match (&area.polygon, &area.mask) {
            (Some(corners), _) => Some(Ok(Self::Polygon(corners.clone()))),
            (None, Some(path)) => {
                Some(Mask::read(path).map(|mask| Self::Mask { path: path.clone(), mask }).map_err(Into::into))
            }
            (None, None) => None,
        }
    }

    fn check(&self, width: usize, height: usize) -> Result<(), Misfit> {
        match self {
            Self::Mask { path, mask } if (mask.width, mask.height) != (width, height) => {
                let (mask_width, mask_height) = (mask.width, mask.height);
                Err(Misfit::Size { path: path.clone(), mask_width, mask_height, width, height })
            }
            _ => Ok(()),
        }
    }

    /// Whether a pixel's middle is inside.
    fn contains(&self, x: usize, y: usize) -> bool {
        match self {
            Self::Mask { mask, .. } => mask.marked[y * mask.width + x],
            Self::Polygon(corners) => is_inside(corners, x as f32 + 0.5, y as f32 + 0.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Region;
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

    /// The mask of a photograph whose window is the whole of it.
    fn network_mask(regions: Regions, width: usize, height: usize) -> Vec<bool> {
        let window = Window::around(Region::of_size(width, height));
        NetworkMask::new(regions).for_window(width, height, &window).unwrap().to_vec()
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
        let mask = network_mask(read(vec![square(100.0, 40.0, 60.0)], vec![]), 448, 224);
        assert_eq!(extent(&mask), ([76, 105, 50, 79], 30 * 30));
    }

    #[test]
    fn ignored_areas_are_cut_out_of_regions_of_interest_and_of_the_whole() {
        let hole = square(20.0, 20.0, 10.0);
        let mask = network_mask(read(vec![square(10.0, 10.0, 30.0)], vec![hole.clone()]), W, H);
        assert_eq!(extent(&mask).1, 900 - 100);
        let mask = network_mask(read(vec![], vec![hole]), W, H);
        assert_eq!(extent(&mask).1, P - 100);
    }

    #[test]
    fn a_mask_is_read_and_must_have_the_frame_s_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        image::GrayImage::from_fn(300, 300, |x, _| image::Luma([if x < 150 { 255 } else { 127 }])).save(&path).unwrap();
        let regions = read(vec![description::Area { polygon: None, mask: Some(path) }], vec![]);
        assert_eq!(extent(&network_mask(regions.clone(), 300, 300)).0, [0, 223, 0, 111]);
        let error = regions.mask(640, 480).unwrap_err().to_string();
        assert!(error.contains("300 x 300") && error.contains("640 x 480"), "{error}");
    }

    #[test]
    fn a_window_that_moves_takes_its_own_part_of_the_mask() {
        let mut mask = NetworkMask::new(read(vec![square(100.0, 40.0, 60.0)], vec![]));
        let bounds = Region::of_size(448, 300);
        let mut count = |middle: [f32; 2]| {
            let counts = mask.for_window(448, 300, &Window::about(middle, 224, bounds)).unwrap();
            counts.iter().filter(|counts| **counts).count()
        };
        // All of it, half of it, and nothing.
        assert_eq!([[130.0, 112.0], [242.0, 112.0], [336.0, 112.0]].map(&mut count), [3600, 1800, 0]);
    }

    #[test]
    fn regions_that_leave_nothing_are_refused() {
        let everything = square(0.0, 0.0, 500.0);
        assert_eq!(read(vec![], vec![everything]).mask(300, 200), Err(Misfit::Nothing { width: 300, height: 200 }));
        let missing = description::Area { polygon: None, mask: Some("/nowhere/mask.png".into()) };
        let error = Regions::read(&description::Regions { of_interest: vec![], ignore: vec![missing] }).unwrap_err();
        assert!(error.to_string().contains("/nowhere/mask.png"), "{error}");
    }
}
