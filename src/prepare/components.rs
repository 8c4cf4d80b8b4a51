//! Connected components of the cloud on its pixel grid, and which of them is the part.

mod choice;
pub mod table;

use crate::frame::Region;
pub use choice::{Choice, Wanted};

/// Grid neighbours nearer than this belong together, metres.
const NEIGHBOUR_M: f32 = 0.006;
/// A component of fewer points is never the part.
const POINTS_MIN: usize = 30;
/// One that is chosen by where it lies has this share of the pixels at least, so that no speck is taken for it.
const PIXELS_MIN: f32 = 5e-4;
/// A component that comes this near to the edge may go on beyond it, pixels.
const EDGE: usize = 2;
const NONE: u32 = u32::MAX;

/// A component that is no speck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    root: u32,
    pub points: usize,
    pub bounds: Region,
    /// Whether it comes to the edge of the frame.
    pub touches_edge: bool,
    /// Sums of the columns and of the rows of its pixels.
    sums: [f64; 2],
}

/// The component of each pixel, in buffers that frames reuse.
#[derive(Default)]
pub struct Components {
    width: usize,
    /// `[height, width]`: the label that the component had when the pixel was reached.
    label: Vec<u32>,
    /// For each label, itself or a smaller one of the same component.
    parent: Vec<u32>,
    /// Points of each label; in the end of each component, at its smallest label.
    sizes: Vec<usize>,
    /// For each label, its place in `large`.
    place: Vec<u32>,
    large: Vec<Component>,
}

impl Components {
    /// Finds the components of those of `points`, `[height, width]`, that are `there`.
    pub fn find(&mut self, points: &[[f32; 3]], width: usize, there: impl Fn(&[f32; 3]) -> bool) {
        self.width = width;
        self.label_all(points, width, there);
        self.resolve();
    }

    /// The components that are no specks, from top to bottom and from left to right.
    pub fn large(&mut self) -> &[Component] {
        self.find_large();
        &self.large
    }

    /// Fills `large` with the components that are no specks.
    fn find_large(&mut self) {
        let (width, height) = (self.width, self.label.len() / self.width);
        let points_min = points_min(self.label.len());
        self.large.clear();
        self.large.reserve(self.label.len() / points_min + 1);
        self.place.clear();
        self.place.reserve(self.label.len());
        for (root, &points) in (0..).zip(&self.sizes) {
            let is_large = points >= points_min;
            self.place.push(if is_large { self.large.len() as u32 } else { NONE });
            if is_large {
                self.large.push(Component {
                    root,
                    points,
                    bounds: Region::of_size(0, 0),
                    touches_edge: false,
                    sums: [0.0; 2],
                });
            }
        }
        for (y, row) in self.label.chunks_exact(width).enumerate() {
            for (x, label) in row.iter().enumerate().filter(|(_, label)| **label != NONE) {
                let place = self.place[self.parent[*label as usize] as usize];
                if place != NONE {
                    self.large[place as usize].add(x, y);
                }
            }
        }
        for Component { bounds, touches_edge, .. } in &mut self.large {
            *touches_edge = is_at_edge(*bounds, (width, height));
        }
    }

    /// One pass in row-major order over the neighbours that have a label already.
    fn label_all(&mut self, points: &[[f32; 3]], width: usize, there: impl Fn(&[f32; 3]) -> bool) {
        let Self { label, parent, sizes, .. } = self;
        label.clear();
        parent.clear();
        sizes.clear();
        label.resize(points.len(), NONE);
        // As many as there may be, whatever the frame shows; memory that is not used is not there.
        parent.reserve(points.len());
        sizes.reserve(points.len());
        for (start, row) in (0..points.len()).step_by(width).zip(points.chunks_exact(width)) {
            for (x, point) in row.iter().enumerate() {
                if !there(point) {
                    continue;
                }
                let (i, mut own) = (start + x, NONE);
                let mut look = |on_grid: bool, back: usize| {
                    // What belongs to the same label is mostly seen by the first of them.
                    if on_grid && label[i - back] != NONE && label[i - back] != own && near(point, &points[i - back]) {
                        own = if own == NONE { label[i - back] } else { join(parent, own, label[i - back]) };
                    }
                };
                look(start > 0, width);
                look(x > 0, 1);
                look(start > 0 && x > 0, width + 1);
                look(start > 0 && x + 1 < width, width - 1);
                if own == NONE {
                    own = parent.len() as u32;
                    parent.push(own);
                    sizes.push(0);
                }
                label[i] = own;
                sizes[own as usize] += 1;
            }
        }
    }

    /// Leads every label to the smallest of its component, and counts there.
    fn resolve(&mut self) {
        let Self { parent, sizes, .. } = self;
        for label in 0..parent.len() {
            let root = parent[parent[label] as usize];
            parent[label] = root;
            if root as usize != label {
                sizes[root as usize] += std::mem::take(&mut sizes[label]);
            }
        }
    }
}

impl Component {
    /// A component of a frame of a size, width and height. `sums`: of the columns and of the rows of its pixels.
    fn new(root: u32, points: usize, bounds: Region, sums: [f64; 2], size: (usize, usize)) -> Self {
        Self { root, points, bounds, touches_edge: is_at_edge(bounds, size), sums }
    }

    fn add(&mut self, x: usize, y: usize) {
        let pixel = Region { x, y, width: 1, height: 1 };
        self.bounds = if self.bounds.width == 0 { pixel } else { self.bounds.union(pixel) };
        self.sums = [self.sums[0] + x as f64, self.sums[1] + y as f64];
    }

    /// The mean of its pixels, `[x, y]`.
    pub fn middle(&self) -> [f32; 2] {
        self.sums.map(|sum| (sum / self.points as f64) as f32)
    }
}

/// The points of the smallest component that is no speck in a frame of so many pixels.
fn points_min(pixels: usize) -> usize {
    POINTS_MIN.max((PIXELS_MIN * pixels as f32) as usize)
}

fn is_at_edge(bounds: Region, (width, height): (usize, usize)) -> bool {
    let near = bounds.x < EDGE || bounds.y < EDGE;
    near || bounds.right() + EDGE > width || bounds.bottom() + EDGE > height
}

/// Joins two components; returns the smallest label.
fn join(parent: &mut [u32], a: u32, b: u32) -> u32 {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b) as usize] = a.min(b);
    a.min(b)
}

fn root(parent: &mut [u32], mut label: u32) -> u32 {
    while parent[label as usize] != label {
        // Halves the way of whoever comes next.
        parent[label as usize] = parent[parent[label as usize] as usize];
        label = parent[label as usize];
    }
    label
}

fn near(a: &[f32; 3], b: &[f32; 3]) -> bool {
    let squared: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    squared < NEIGHBOUR_M * NEIGHBOUR_M
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::is_point;

    /// Pixels that are left on a grid of `width`.
    fn largest(points: &[[f32; 3]], width: usize) -> Vec<usize> {
        let mut components = Components::default();
        components.find(points, width, is_point);
        let Some(choice) = components.choose(Wanted::Largest) else { return Vec::new() };
        (0..points.len()).filter(|&pixel| components.has(&choice, pixel)).collect()
    }

    fn kept(points: Vec<[f32; 3]>, width: usize) -> usize {
        largest(&points, width).len()
    }

    #[test]
    fn the_largest_stays() {
        // Two flat squares of 10 x 10 and 6 x 6 pixels, 1 mm a pixel, far apart.
        let point = |i: usize| {
            let (x, y) = (i % 40, i / 40);
            let there = (x < 10 && y < 10) || ((30..36).contains(&x) && y < 6);
            if there { [x as f32 * 1e-3, y as f32 * 1e-3, 0.5] } else { [0.0; 3] }
        };
        assert_eq!(kept((0..800).map(point).collect(), 40), 100);
    }

    #[test]
    fn a_step_in_depth_parts_components() {
        let point = |i: usize| [(i % 20) as f32 * 1e-3, (i / 20) as f32 * 1e-3, if i % 20 < 12 { 0.5 } else { 0.51 }];
        assert_eq!(kept((0..200).map(point).collect(), 20), 120);
    }

    #[test]
    fn specks_are_no_part() {
        let mut points = vec![[0.0; 3]; 400];
        (0..29).for_each(|i| points[i] = [i as f32 * 1e-4, 0.0, 0.5]);
        assert_eq!(kept(points, 400), 0);
    }

    /// The twin: from each point that was not reached, all that can be.
    fn largest_by_flood(points: &[[f32; 3]], width: usize) -> Vec<usize> {
        let (height, mut seen, mut best) = (points.len() / width, vec![false; points.len()], Vec::new());
        for first in 0..points.len() {
            let mut open = Vec::from([first]);
            let mut component = Vec::new();
            while let Some(i) = open.pop() {
                if is_point(&points[i]) && !std::mem::replace(&mut seen[i], true) {
                    component.push(i);
                    let (x, y) = (i % width, i / width);
                    let columns = x.saturating_sub(1)..(x + 2).min(width);
                    let around = (y.saturating_sub(1)..(y + 2).min(height))
                        .flat_map(|v| columns.clone().map(move |u| v * width + u));
                    open.extend(around.filter(|&j| near(&points[i], &points[j])));
                }
            }
            if component.len() > best.len().max(POINTS_MIN - 1) {
                best = component;
            }
        }
        best.sort_unstable();
        best
    }

    #[test]
    fn what_stays_is_what_a_flood_reaches() {
        let mut random = fastrand::Rng::with_seed(3);
        for width in [1, 2, 7, 64] {
            for holes in [0.1, 0.4, 0.6] {
                // Steps of about a neighbour's distance, so that most shapes come up.
                let point = |i: usize| match random.f32() < holes {
                    true => [0.0; 3],
                    false => [(i % width) as f32 * 3e-3, (i / width) as f32 * 3e-3, 0.5 + 6e-3 * random.f32()],
                };
                let points: Vec<[f32; 3]> = (0..64 * 50 / width * width).map(point).collect();
                let found = largest(&points, width);
                assert!(found == largest_by_flood(&points, width), "width {width}, holes {holes}");
                assert!(holes > 0.5 || width < 7 || !found.is_empty());
            }
        }
    }

    #[test]
    fn of_equals_the_first_stays() {
        let mut points = vec![[0.0; 3]; 200];
        for i in 0..40 {
            points[i] = [i as f32 * 1e-3, 0.0, 0.5];
            points[100 + i] = [i as f32 * 1e-3, 0.1, 0.5];
        }
        assert_eq!(largest(&points, 100), (0..40).collect::<Vec<_>>());
    }
}
