//! Places and velocities in the picture.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// To the right and down, pixels, or pixels per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vector {
    pub x: f32,
    pub y: f32,
}

impl Vector {
    pub const ZERO: Self = Self { x: 0.0, y: 0.0 };

    /// Its length.
    pub fn norm(self) -> f32 {
        self.dot(self).sqrt()
    }

    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// The vector of length 1 in its direction; none where its length is 0.
    pub fn direction(self) -> Option<Self> {
        let norm = self.norm();
        (norm > 0.0).then(|| self / norm)
    }
}

impl From<[f32; 2]> for Vector {
    fn from([x, y]: [f32; 2]) -> Self {
        Self { x, y }
    }
}

impl From<Vector> for [f32; 2] {
    fn from(vector: Vector) -> Self {
        [vector.x, vector.y]
    }
}

impl Add for Vector {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }
}

impl Sub for Vector {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }
}

impl AddAssign for Vector {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<Vector> for f32 {
    type Output = Vector;

    fn mul(self, vector: Vector) -> Vector {
        Vector { x: self * vector.x, y: self * vector.y }
    }
}

impl Div<f32> for Vector {
    type Output = Self;

    fn div(self, divisor: f32) -> Self {
        Self { x: self.x / divisor, y: self.y / divisor }
    }
}
