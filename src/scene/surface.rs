//! A place on a surface: its height and its colour.

use crate::procedural::blend::Albedo;

/// A place on a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    pub height_mm: f32,
    pub albedo: Albedo,
}

/// No part reaches further from its middle, or higher.
pub const REACH_MM: f32 = 50.0;
/// Foreign bodies included.
pub const HEIGHT_MAX_MM: f32 = 20.0;
