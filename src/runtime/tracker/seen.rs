//! A part as it is seen in a frame, and as it is announced when it has passed.

/// A part in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Its middle, right and down in pixels of the photograph.
    pub at: [f32; 2],
    /// How many pixels show it.
    pub points: usize,
    /// It touches the border of the frame, so that there may be more of it.
    pub cut: bool,
}

/// A part that has passed the middle of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// When the frame was captured in which it was nearest to the middle, nanoseconds.
    pub captured_ns: u64,
    /// Its middle in that frame, right and down in pixels; none where it was not seen there.
    pub at: Option<[f32; 2]>,
}

/// Between two places, pixels.
pub fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}
