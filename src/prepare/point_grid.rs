//! The points of a frame that the preparation sees: those within the crop.

use std::ops::Range;

use crate::frame::Region;

/// The points within a crop, `[height, width]`, without a copy of them.
#[derive(Clone, Copy)]
pub struct PointGrid<'a> {
    /// Those of the photograph, in rows of `stride`.
    points: &'a [[f32; 3]],
    stride: usize,
    bounds: Region,
    /// Whether each pixel of the bounds is inside of a polygon; empty without one.
    inside: &'a [bool],
}

impl<'a> PointGrid<'a> {
    /// All of `points`, `[height, width]`.
    pub fn whole(points: &'a [[f32; 3]], width: usize) -> Self {
        Self { points, stride: width, bounds: Region::of_size(width, points.len() / width), inside: &[] }
    }

    /// The points of a photograph, in rows of `stride`, within `bounds`, and there only those that are `inside`, which is
    /// empty where all are.
    pub fn within(points: &'a [[f32; 3]], stride: usize, bounds: Region, inside: &'a [bool]) -> Self {
        Self { points, stride, bounds, inside }
    }

    pub fn width(&self) -> usize {
        self.bounds.width
    }

    pub fn height(&self) -> usize {
        self.bounds.height
    }

    /// How many pixels there are, with and without a point.
    pub fn pixels(&self) -> usize {
        self.width() * self.height()
    }

    /// Where in the photograph they lie.
    pub fn bounds(&self) -> Region {
        self.bounds
    }

    /// Whether each pixel is inside of the crop's polygon; empty without one.
    pub fn inside(&self) -> &'a [bool] {
        self.inside
    }

    /// The point of a pixel, metres; the origin where there is none.
    pub fn at(&self, x: usize, y: usize) -> [f32; 3] {
        if self.inside.get(y * self.width() + x).is_some_and(|inside| !inside) {
            return [0.0; 3];
        }
        self.points[(y + self.bounds.y) * self.stride + x + self.bounds.x]
    }

    /// The points of some columns of a row.
    pub fn run(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = [f32; 3]> + 'a {
        let (first, first_inside) = ((y + self.bounds.y) * self.stride + self.bounds.x, y * self.width());
        let points = &self.points[first + columns.start..first + columns.end];
        let inside = self.inside.get(first_inside + columns.start..first_inside + columns.end).unwrap_or_default();
        let point =
            move |(i, point): (usize, &[f32; 3])| if *inside.get(i).unwrap_or(&true) { *point } else { [0.0; 3] };
        points.iter().enumerate().map(point)
    }

    /// The point of pixel `i` in row-major order.
    pub fn point(&self, i: usize) -> [f32; 3] {
        self.at(i % self.width(), i / self.width())
    }
}
