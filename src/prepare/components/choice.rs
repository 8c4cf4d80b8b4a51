//! Which of the components is the part.

use super::{Component, Components, EDGE, NONE, POINTS_MIN};
use crate::frame::Region;

/// The largest component was chosen closely where the second has this share of its points.
const CLOSE_SIZE: f32 = 0.8;
/// The nearest one was where another is no farther from the middle than by this share of the frame's side, and has this
/// share of its points.
const CLOSE_PLACE: f32 = 0.05;
const RIVAL_SIZE: f32 = 0.5;

/// Which of the components is meant by the part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// The largest one.
    Largest,
    /// The one nearest to a place, pixels `[x, y]`, of those that are clear of the edge.
    Nearest([f32; 2]),
    /// The one at a place.
    At([f32; 2]),
}

/// The component that was taken for the part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The component's name on the machine that found it.
    pub root: u32,
    /// Whether it comes to the edge of the frame: perhaps not all of it is seen.
    pub touches_edge: bool,
    /// Whether another one could have been taken nearly as well.
    pub is_close: bool,
}

impl Choice {
    /// The largest component, with so many points, where the one after it has `second`: none where it is a speck.
    pub fn largest(root: u32, [points, second]: [usize; 2], touches_edge: impl FnOnce() -> bool) -> Option<Self> {
        let is_close = second as f32 >= CLOSE_SIZE * points as f32;
        (points >= POINTS_MIN).then(|| Self { root, touches_edge: touches_edge(), is_close })
    }

    /// Of `large`, the components that are no specks: the nearest to `at` of those that are clear of the edge; of those that
    /// are all around it, the largest. `side`: the longer one of the frame, pixels.
    pub fn nearest(large: &[Component], at: [f32; 2], side: usize) -> Option<Self> {
        let clear = || large.iter().filter(|component| !component.touches_edge);
        let best = clear().min_by(|a, b| order(a, b, at))?;
        let others = clear().filter(|other| other.root != best.root);
        let second = others.min_by(|a, b| order(a, b, at));
        let is_close = second.is_some_and(|second| {
            let further = second.distance(at) - best.distance(at);
            further <= CLOSE_PLACE * side as f32 && second.points as f32 >= RIVAL_SIZE * best.points as f32
        });
        Some(Self { root: best.root, touches_edge: false, is_close })
    }

    /// Of `large`, the one at `at`: clear of the edge, around that place, and its middle is the nearest to it.
    pub fn at(large: &[Component], at: [f32; 2]) -> Option<Self> {
        let is_there = |component: &&Component| !component.touches_edge && component.distance(at) == 0.0;
        let around = large.iter().filter(is_there);
        let best = around.min_by(|a, b| a.offset(at).total_cmp(&b.offset(at)))?;
        Some(Self { root: best.root, touches_edge: false, is_close: false })
    }
}

impl Components {
    /// The component that is meant by the part; none where there is no such one.
    pub fn choose(&mut self, wanted: Wanted) -> Option<Choice> {
        match wanted {
            Wanted::Largest => self.largest(),
            Wanted::Nearest(at) => {
                let side = self.width.max(self.label.len() / self.width);
                Choice::nearest(self.large(), at, side)
            }
            Wanted::At(at) => Choice::at(self.large(), at),
        }
    }

    /// Of equal ones it is the one that comes first in row-major order.
    fn largest(&self) -> Option<Choice> {
        let rank = |i: &usize| (self.sizes[*i], usize::MAX - i);
        let root = (0..self.sizes.len()).max_by_key(rank)?;
        let second = (0..self.sizes.len()).filter(|i| *i != root).map(|i| self.sizes[i]).max().unwrap_or(0);
        Choice::largest(root as u32, [self.sizes[root], second], || self.touches_edge(root as u32))
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
        let largest = found.choose(Wanted::Largest).unwrap();
        assert!(largest.touches_edge && !largest.is_close && found.has(&largest, 40 * 200 + 30));
        let nearest = found.choose(Wanted::Nearest(MIDDLE)).unwrap();
        assert!(!nearest.touches_edge && found.has(&nearest, 35 * 200 + 85), "{nearest:?}");
        assert_eq!(squares(&[[0, 20, 60], [185, 30, 15]]).choose(Wanted::Nearest(MIDDLE)), None);
    }

    #[test]
    fn a_close_choice_is_told() {
        assert!(squares(&[[20, 20, 30], [120, 20, 28]]).choose(Wanted::Largest).unwrap().is_close);
        assert!(squares(&[[60, 40, 20], [121, 40, 20]]).choose(Wanted::Nearest(MIDDLE)).unwrap().is_close);
        assert!(!squares(&[[90, 40, 20], [140, 40, 20]]).choose(Wanted::Nearest(MIDDLE)).unwrap().is_close);
    }

    #[test]
    fn components_are_listed_in_order_and_found_again_by_their_place() {
        let mut found = squares(&[[100, 50, 20], [20, 20, 30], [150, 20, 20], [0, 0, 10]]);
        let clear: Vec<Component> = found.large().iter().copied().filter(|c| !c.touches_edge).collect();
        assert_eq!((found.large().len(), clear.len()), (4, 3));
        let middles: Vec<[f32; 2]> = clear.iter().map(Component::middle).collect();
        assert_eq!(middles, [[34.5, 34.5], [159.5, 29.5], [109.5, 59.5]]);
        for at in middles {
            let choice = found.choose(Wanted::At(at)).unwrap();
            assert!(found.has(&choice, at[1] as usize * 200 + at[0] as usize));
        }
        assert_eq!(found.choose(Wanted::At([80.0, 80.0])), None);
    }
}
