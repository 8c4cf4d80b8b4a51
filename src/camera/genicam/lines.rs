//! Lines of a profiler, joined to a frame: the belt carries the part through the line, so that the row of a line is its
//! place along the belt.

use crate::frame::PIXELS_MAX;

/// How lines become frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joining {
    /// Lines of a frame.
    pub rows: usize,
    /// Of these, lines that the next frame shows again.
    pub overlap: usize,
    /// From one line to the next along the belt, metres.
    pub pitch_m: f64,
}

/// Lines on their way to a frame.
pub struct Lines {
    joining: Joining,
    /// Pixels of a line; 0 before the first.
    width: usize,
    rgb: Vec<u8>,
    points: Vec<[f32; 3]>,
}

impl Lines {
    pub fn new(joining: Joining) -> Self {
        Self { joining, width: 0, rgb: Vec::new(), points: Vec::new() }
    }

    /// Appends lines of `width` pixels. Lines of another width begin a new frame.
    pub fn push(&mut self, width: usize, rgb: &[u8], points: &[[f32; 3]]) -> Result<(), String> {
        if rgb.len() != 3 * points.len() {
            let (colours, points) = (rgb.len() / 3, points.len());
            return Err(format!(
                "lines have {colours} intensities and {points} points: both are needed for each pixel"
            ));
        }
        if width.saturating_mul(self.joining.rows) > PIXELS_MAX {
            let rows = self.joining.rows;
            return Err(format!(
                "{rows} lines of {width} pixels are more than the {PIXELS_MAX} of a frame: lower camera.genicam.rows"
            ));
        }
        if width != self.width {
            self.clear();
            self.width = width;
        }
        self.rgb.extend_from_slice(rgb);
        self.points.extend_from_slice(points);
        Ok(())
    }

    /// Appends black lines without points in the place of `lost` ones, so that those that follow keep their places. Where
    /// a whole frame is lost, the next line begins a new one.
    pub fn skip(&mut self, lost: u64) {
        if lost >= self.joining.rows as u64 {
            return self.clear();
        }
        let pixels = self.points.len() + self.width * lost as usize;
        self.rgb.resize(3 * pixels, 0);
        self.points.resize(pixels, [0.0; 3]);
    }

    /// Whether there are lines enough for a frame.
    pub fn are_enough(&self) -> bool {
        self.width > 0 && self.points.len() >= self.joining.rows * self.width
    }

    /// The colours of the next frame, its points with their places along the belt, and its size.
    pub fn frame(&self) -> (&[u8], impl Iterator<Item = [f32; 3]>, (usize, usize)) {
        let Joining { rows, pitch_m, .. } = self.joining;
        let (width, pixels) = (self.width.max(1), rows * self.width);
        let middle = 0.5 * (rows - 1) as f64;
        let placed = move |(i, [x, _, z]): (usize, [f32; 3])| [x, (((i / width) as f64 - middle) * pitch_m) as f32, z];
        (&self.rgb[..3 * pixels], self.points[..pixels].iter().copied().enumerate().map(placed), (width, rows))
    }

    /// Drops what the next frame does not show again.
    pub fn advance(&mut self) {
        let passed = (self.joining.rows - self.joining.overlap) * self.width;
        self.rgb.drain(..3 * passed);
        self.points.drain(..passed);
    }

    fn clear(&mut self) {
        self.rgb.clear();
        self.points.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pixels whose colour and distance are the number of the line.
    fn push(lines: &mut Lines, numbers: std::ops::Range<u8>) {
        for number in numbers {
            let z = f32::from(number) + 1.0;
            lines.push(2, &[number; 6], &[[0.5, 0.0, z], [0.25, 0.0, z]]).unwrap();
        }
    }

    /// The lines of the frames that are ready, by their numbers.
    fn ready(lines: &mut Lines) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while lines.are_enough() {
            let (rgb, points, size) = lines.frame();
            assert_eq!((size, points.count()), ((2, 4), 8));
            found.push(rgb.iter().copied().step_by(6).collect());
            lines.advance();
        }
        found
    }

    #[test]
    fn lines_become_frames_that_overlap() {
        let mut lines = Lines::new(Joining { rows: 4, overlap: 1, pitch_m: 0.5 });
        push(&mut lines, 0..3);
        assert!(ready(&mut lines).is_empty());
        push(&mut lines, 3..11);
        assert_eq!(ready(&mut lines), [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]);
    }

    #[test]
    fn the_row_of_a_line_is_its_place_along_the_belt() {
        let mut lines = Lines::new(Joining { rows: 4, overlap: 0, pitch_m: 0.5 });
        push(&mut lines, 0..4);
        let points: Vec<[f32; 3]> = lines.frame().1.collect();
        assert_eq!([points[0], points[1], points[7]], [[0.5, -0.75, 1.0], [0.25, -0.75, 1.0], [0.25, 0.75, 4.0]]);
    }

    #[test]
    fn lines_that_were_lost_leave_their_places_empty() {
        let mut lines = Lines::new(Joining { rows: 4, overlap: 0, pitch_m: 0.5 });
        push(&mut lines, 1..2);
        lines.skip(2);
        push(&mut lines, 4..5);
        let (rgb, points, _) = lines.frame();
        assert_eq!((rgb[6..18].to_vec(), points.filter(|point| point[2] == 0.0).count()), (vec![0; 12], 4));
        lines.skip(4);
        assert!(!lines.are_enough());
        push(&mut lines, 5..9);
        assert_eq!(ready(&mut lines), [[5, 6, 7, 8]]);
    }

    #[test]
    fn lines_of_another_width_begin_a_new_frame_and_halves_that_do_not_fit_are_refused() {
        let mut lines = Lines::new(Joining { rows: 4, overlap: 0, pitch_m: 0.5 });
        lines.push(1, &[9; 9], &[[0.0, 0.0, 1.0]; 3]).unwrap();
        push(&mut lines, 0..4);
        assert_eq!(ready(&mut lines), [[0, 1, 2, 3]]);
        assert!(lines.push(2, &[9; 6], &[[0.0; 3]; 3]).is_err());
        let mut large = Lines::new(Joining { rows: PIXELS_MAX, overlap: 0, pitch_m: 0.5 });
        assert!(large.push(2, &[9; 6], &[[0.0; 3]; 2]).unwrap_err().contains("camera.genicam.rows"));
    }
}
