//! Vectors in space.

pub type Vector = [f32; 3];

pub fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn length(v: Vector) -> f32 {
    dot(v, v).sqrt()
}

pub fn unit(v: Vector) -> Vector {
    let length = length(v);
    v.map(|x| x / length)
}

pub fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// From `a` by `share` of `b`.
pub fn along(a: Vector, share: f32, b: Vector) -> Vector {
    [a[0] + share * b[0], a[1] + share * b[1], a[2] + share * b[2]]
}

/// Turned by an angle given by its sine and cosine, from the first axis towards the second.
pub fn turned([x, y]: [f32; 2], (sin, cos): (f32, f32)) -> [f32; 2] {
    [cos * x - sin * y, sin * x + cos * y]
}

/// Two unit vectors across `normal`, the first as near to `wish` as can be.
pub fn tangents(normal: Vector, wish: Vector) -> [Vector; 2] {
    let off = along(wish, -dot(wish, normal), normal);
    let first = if length(off) > 1e-3 { unit(off) } else { unit(cross(normal, [0.3, 0.9, 0.1])) };
    [first, cross(normal, first)]
}
