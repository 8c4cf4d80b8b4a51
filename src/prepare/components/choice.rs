//! Which of the components is the part.

use super::{Component, Components, EDGE, NONE, POINTS_MIN};
use crate::frame::Region;

/// The largest component was chosen closely where the second has this share of its points.
const CLOSE_SIZE: f32 = 0.8;
/// The nearest one was where another is no farther from the middle than by this share of the frame's side, and has this
/// share of its points.
const CLOSE_PLACE: f32 = 0.05;
const RIVAL_SIZE: f32 = 0.5;

/// The component that was taken for the part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    root: u32,
    /// Whether it comes to the edge of the frame: perhaps not all of it is seen.
    pub touches_edge: bool,
    /// Whether another one could have been taken nearly as well.
    pub is_close: bool,
}

impl Components {
    /// The largest component: none where all have fewer than 30 points. Of equal ones it is the one that comes first in
    /// row-major order.
    pub fn largest(&self) -> Option<Choice> {
        let rank = |i: &usize| (self.sizes[*i], usize::MAX - i);
        let counts = |i: &usize| self.sizes[*i] >= POINTS_MIN;
        let root = (0..self.sizes.len()).filter(counts).max_by_key(rank)?;
        let second = (0..self.sizes.len()).filter(|i| *i != root).map(|i| self.sizes[i]).max().unwrap_or(0);
        Some(Choice {
            root: root as u32,
            touches_edge: self.touches_edge(root as u32),
            is_close: second as f32 >= CLOSE_SIZE * self.sizes[root] as f32,
        })
    }

    /// The component nearest to `at`, pixels `[x, y]`, of those that are clear of the edge; of those that are all around
    /// it, the largest.
    pub fn nearest(&mut self, at: [f32; 2]) -> Option<Choice> {
        self.find_large();
        let side = self.width.max(self.label.len() / self.width) as f32;
        let clear = || self.large.iter().filter(|component| !component.touches_edge);
        let best = clear().min_by(|a, b| order(a, b, at))?;
        let others = clear().filter(|other| other.root != best.root);
        let second = others.min_by(|a, b| order(a, b, at));
        let is_close = second.is_some_and(|second| {
            let further = second.distance(at) - best.distance(at);
            further <= CLOSE_PLACE * side && second.points as f32 >= RIVAL_SIZE * best.points as f32
        });
        Some(Choice { root: best.root, touches_edge: false, is_close })
    }

    /// The component at `at`, pixels `[x, y]`: clear of the edge, around that place, and its middle is the nearest to it.
    pub fn at(&mut self, at: [f32; 2]) -> Option<Choice> {
        self.find_large();
        let is_there = |component: &&Component| !component.touches_edge && component.distance(at) == 0.0;
        let around = self.large.iter().filter(is_there);
        let best = around.min_by(|a, b| a.offset(at).total_cmp(&b.offset(at)))?;
        Some(Choice { root: best.root, touches_edge: false, is_close: false })
    }

    /// Whether a pixel belongs to what was chosen.
    pub fn has(&self, choice: &Choice, pixel: usize) -> bool {
        self.label[pixel] != NONE && self.parent[self.label[pixel] as usize] == choice.root
    }

    fn touches_edge(&self, root: u32) -> bool {
        let (width, height) = (self.width, self.label.len() / self.width);
        let is_of = |pixel: usize| self.label[pixel] != NONE && self.parent[self.label[pixel] as usize] == root;
        let edge = |at: usize, side: usize| at < EDGE || at + EDGE >= side;
        let rows = (0..height).filter(|y| edge(*y, height)).any(|y| (0..width).any(|x| is_of(y * width + x)));
        rows || (0..height).any(|y| (0..width).filter(|x| edge(*x, width)).any(|x| is_of(y * width + x)))
    }
}

impl Component {
    /// Distance between its middle and a place, pixels.
    fn offset(&self, at: [f32; 2]) -> f32 {
        let [x, y] = self.middle();
        (x - at[0]).hypot(y - at[1])
    }

    /// Distance from a place to the rectangle around it, pixels.
    fn distance(&self, at: [f32; 2]) -> f32 {
        let beyond = |at: f32, from: usize, to: usize| (from as f32 - at).max(at - to as f32).max(0.0);
        let Region { x, y, .. } = self.bounds;
        beyond(at[0], x, self.bounds.right()).hypot(beyond(at[1], y, self.bounds.bottom()))
    }
}

/// Nearer to `at` first, then the larger.
fn order(a: &Component, b: &Component, at: [f32; 2]) -> std::cmp::Ordering {
    a.distance(at).total_cmp(&b.distance(at)).then(b.points.cmp(&a.points)).then(a.root.cmp(&b.root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::is_point;

    /// Squares of points at the pixels that are given, each `[x, y, side]`, 1 mm a pixel on a grid of 200 x 100.
    fn squares(squares: &[[usize; 3]]) -> Components {
        let point = |i: usize| {
            let (u, v) = (i % 200, i / 200);
            let is_in = |&[x, y, side]: &[usize; 3]| (x..x + side).contains(&u) && (y..y + side).contains(&v);
            // What touches is parted by its depth.
            let number = squares.iter().position(is_in);
            number.map_or([0.0; 3], |n| [u as f32 * 1e-3, v as f32 * 1e-3, 0.5 + 0.1 * n as f32])
        };
        let points: Vec<[f32; 3]> = (0..200 * 100).map(point).collect();
        let mut components = Components::default();
        components.find(&points, 200, is_point);
        components
    }

    const MIDDLE: [f32; 2] = [100.0, 50.0];

    #[test]
    fn the_nearest_is_clear_of_the_edge_and_no_speck() {
        // A fixture at the edge, the part, and a speck in the very middle.
        let mut found = squares(&[[0, 20, 60], [80, 30, 15], [98, 49, 5]]);
        let largest = found.largest().unwrap();
        assert!(largest.touches_edge && !largest.is_close && found.has(&largest, 40 * 200 + 30));
        let nearest = found.nearest(MIDDLE).unwrap();
        assert!(!nearest.touches_edge && found.has(&nearest, 35 * 200 + 85), "{nearest:?}");
        assert_eq!(squares(&[[0, 20, 60], [185, 30, 15]]).nearest(MIDDLE), None);
    }

    #[test]
    fn a_close_choice_is_told() {
        assert!(squares(&[[20, 20, 30], [120, 20, 28]]).largest().unwrap().is_close);
        assert!(squares(&[[60, 40, 20], [121, 40, 20]]).nearest(MIDDLE).unwrap().is_close);
        assert!(!squares(&[[90, 40, 20], [140, 40, 20]]).nearest(MIDDLE).unwrap().is_close);
    }

    #[test]
    fn components_are_listed_in_order_and_found_again_by_their_place() {
        let mut found = squares(&[[100, 50, 20], [20, 20, 30], [150, 20, 20], [0, 0, 10]]);
        let clear: Vec<Component> = found.large().iter().copied().filter(|c| !c.touches_edge).collect();
        assert_eq!((found.large().len(), clear.len()), (4, 3));
        let middles: Vec<[f32; 2]> = clear.iter().map(Component::middle).collect();
        assert_eq!(middles, [[34.5, 34.5], [159.5, 29.5], [109.5, 59.5]]);
        for at in middles {
            let choice = found.at(at).unwrap();
            assert!(found.has(&choice, at[1] as usize * 200 + at[0] as usize));
        }
        assert_eq!(found.at([80.0, 80.0]), None);
    }
}
