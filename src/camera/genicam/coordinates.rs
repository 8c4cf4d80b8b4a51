//! Points and distances of GenICam's pixel formats.

use super::pixel_format::{Confidence, Depth, PixelFormat};
use super::scan3d::{Axis, Scan3d};
use crate::camera::pixel_format::Raw;

/// How a camera's coordinates become points in metres, in front of the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    axes: [Linear; 3],
    /// Set where C grows towards the camera: how far away C = 0 is, metres.
    zero_plane_m: Option<f32>,
}

/// A coordinate in metres of what is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Linear {
    scale_m: f32,
    offset_m: f32,
    invalid: Option<f32>,
}

impl Linear {
    fn of(axis: Axis, unit_m: f64) -> Self {
        Self {
            scale_m: (axis.scale * unit_m) as f32,
            offset_m: (axis.offset * unit_m) as f32,
            invalid: axis.invalid.map(|value| value as f32),
        }
    }

    /// NaN where the value stands for no point.
    fn metres(self, stored: f32) -> f32 {
        if self.invalid == Some(stored) { f32::NAN } else { stored * self.scale_m + self.offset_m }
    }
}

impl Conversion {
    pub fn new(scan3d: &Scan3d, zero_plane_m: Option<f64>) -> Self {
        Self {
            axes: scan3d.axes.map(|axis| Linear::of(axis, scan3d.unit_m)),
            zero_plane_m: zero_plane_m.map(|metres| metres as f32),
        }
    }

    /// The point of three stored values. One that is not finite is none: frames leave it out.
    fn point(&self, stored: [f32; 3]) -> [f32; 3] {
        let [a, b, c] = self.axes;
        self.placed([a.metres(stored[0]), b.metres(stored[1]), c.metres(stored[2])])
    }

    /// The point of a line: its place along the belt follows from its row.
    fn point_of_line(&self, across: f32, away: f32) -> [f32; 3] {
        let [a, _, c] = self.axes;
        self.placed([a.metres(across), 0.0, c.metres(away)])
    }

    /// Half a turn about x where C grows towards the camera.
    fn placed(&self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        match self.zero_plane_m {
            Some(zero) => [x, -y, zero - z],
            None => [x, y, z],
        }
    }
}

/// Makes points `[height, width]` of an image, over what was in `points`. Of lines the second coordinate is 0, and lines of
/// distances alone are rectified: their columns are the first coordinate.
pub fn to_points(
    coding: Depth,
    image: &Raw<PixelFormat>,
    conversion: &Conversion,
    points: &mut Vec<[f32; 3]>,
) -> Result<(), String> {
    points.clear();
    let half = |bytes: &[u8; 2]| f32::from(u16::from_le_bytes(*bytes));
    let float = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
    match coding {
        Depth::Abc32f => {
            let point = |bytes: &[u8; 12]| {
                let [a, b, c] = pieces(bytes);
                conversion.point([float(a), float(b), float(c)])
            };
            image.rows(12)?.for_each(|row| points.extend(row.as_chunks().0.iter().map(point)));
        }
        Depth::Abc16 => {
            let point = |bytes: &[u8; 6]| {
                let [a, b, c] = pieces(bytes);
                conversion.point([half(a), half(b), half(c)])
            };
            image.rows(6)?.for_each(|row| points.extend(row.as_chunks().0.iter().map(point)));
        }
        Depth::Ac32f => {
            let point = |bytes: &[u8; 8]| {
                let [a, c] = pieces(bytes);
                conversion.point_of_line(float(a), float(c))
            };
            image.rows(8)?.for_each(|row| points.extend(row.as_chunks().0.iter().map(point)));
        }
        Depth::Ac16 => {
            let point = |bytes: &[u8; 4]| {
                let [a, c] = pieces(bytes);
                conversion.point_of_line(half(a), half(c))
            };
            image.rows(4)?.for_each(|row| points.extend(row.as_chunks().0.iter().map(point)));
        }
        Depth::C16 => {
            let point = |(column, bytes): (usize, &[u8; 2])| conversion.point_of_line(column as f32, half(bytes));
            image.rows(2)?.for_each(|row| points.extend(row.as_chunks().0.iter().enumerate().map(point)));
        }
        Depth::C32f => {
            let point = |(column, bytes): (usize, &[u8; 4])| conversion.point_of_line(column as f32, float(bytes));
            image.rows(4)?.for_each(|row| points.extend(row.as_chunks().0.iter().enumerate().map(point)));
        }
    }
    Ok(())
}

/// `COUNT` pieces of a pixel.
fn pieces<const COUNT: usize, const SIZE: usize, const PIXEL: usize>(bytes: &[u8; PIXEL]) -> [&[u8; SIZE]; COUNT] {
    let pieces = bytes.as_chunks::<SIZE>().0;
    std::array::from_fn(|i| &pieces[i])
}

/// Makes depth steps `[height, width]` of an image of distances, 0 where there is none, over what was in `steps`.
pub fn to_steps(image: &Raw<PixelFormat>, c: &Axis, steps: &mut Vec<u16>) -> Result<(), String> {
    steps.clear();
    let invalid = c.invalid.filter(|value| (0.0..=65_535.0).contains(value)).map(|value| value as u16);
    let step = |bytes: &[u8; 2]| {
        let step = u16::from_le_bytes(*bytes);
        if invalid == Some(step) { 0 } else { step }
    };
    image.rows(2)?.for_each(|row| steps.extend(row.as_chunks().0.iter().map(step)));
    Ok(())
}

/// The same of distances in floating point: in steps of `step_m`, as those of a camera file are.
pub fn floats_to_steps(
    image: &Raw<PixelFormat>,
    scan3d: &Scan3d,
    step_m: f64,
    steps: &mut Vec<u16>,
) -> Result<(), String> {
    steps.clear();
    let [.., c] = scan3d.axes;
    let linear = Linear::of(c, scan3d.unit_m);
    let step = |bytes: &[u8; 4]| {
        let metres = linear.metres(f32::from_le_bytes(*bytes));
        // NaN becomes 0.
        (f64::from(metres) / step_m).round() as u16
    };
    image.rows(4)?.for_each(|row| steps.extend(row.as_chunks().0.iter().map(step)));
    Ok(())
}

/// Whether each pixel of an image is sure enough, over what was in `sure`.
pub fn to_mask(coding: Confidence, image: &Raw<PixelFormat>, least: u16, sure: &mut Vec<bool>) -> Result<(), String> {
    sure.clear();
    match coding {
        Confidence::Byte => {
            image.rows(1)?.for_each(|row| sure.extend(row.iter().map(|&value| u16::from(value) >= least)));
        }
        Confidence::Two => {
            let is_sure = |bytes: &[u8; 2]| u16::from_le_bytes(*bytes) >= least;
            image.rows(2)?.for_each(|row| sure.extend(row.as_chunks().0.iter().map(is_sure)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::pixel_format::Content;
    use super::*;

    fn image<'a>(name: &str, width: usize, height: usize, bytes: &'a [u8]) -> Raw<'a, PixelFormat> {
        let format = PixelFormat::named(name).unwrap();
        Raw { format, width, height, stride: format.row_bytes(width), bytes }
    }

    fn points(
        name: &str,
        size: (usize, usize),
        bytes: &[u8],
        conversion: &Conversion,
    ) -> Result<Vec<[f32; 3]>, String> {
        let image = image(name, size.0, size.1, bytes);
        let Content::Depth(coding) = image.format.content()? else { return Err("no depth".into()) };
        let mut points = vec![[9.0; 3]];
        to_points(coding, &image, conversion, &mut points).map(|()| points)
    }

    fn metres() -> Scan3d {
        Scan3d { unit_m: 1.0, ..Scan3d::default() }
    }

    fn bytes_of<const N: usize>(values: [f32; N]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn an_organised_cloud_is_taken_as_it_is() {
        let bytes = bytes_of([0.1, -0.2, 0.512_345_7, f32::NAN, 0.0, 1.0]);
        let found = points("Coord3D_ABC32f", (2, 1), &bytes, &Conversion::new(&metres(), None)).unwrap();
        assert_eq!(found[0], [0.1, -0.2, 0.512_345_7]);
        assert!(found[1][0].is_nan() && found[1][2] == 1.0);
        let found = points(
            "Coord3D_ABC32f",
            (2, 1),
            &bytes_of([1.0, 2.0, 500.0, 0.0, 0.0, 0.0]),
            &Conversion::new(&Scan3d::default(), None),
        );
        assert_eq!(found.unwrap()[0], [0.001, 0.002, 0.5]);
    }

    #[test]
    fn scale_offset_and_the_value_for_no_point_are_each_axiss_own() {
        let [mut a, mut b, mut c] = [Axis::default(); 3];
        (a.scale, a.offset, b.scale, c.offset, c.invalid) = (0.5, -100.0, 2.0, 1.0, Some(65_535.0));
        let conversion = Conversion::new(&Scan3d { axes: [a, b, c], ..metres() }, None);
        let stored: [u16; 6] = [300, 4, 7, 0, 0, 65_535];
        let bytes: Vec<u8> = stored.iter().flat_map(|value| value.to_le_bytes()).collect();
        let found = points("Coord3D_ABC16", (1, 2), &bytes, &conversion).unwrap();
        assert_eq!(found[0], [50.0, 8.0, 8.0]);
        assert!(found[1][2].is_nan());
        let found = points("Coord3D_AC16", (3, 1), &bytes, &conversion).unwrap();
        assert_eq!((found[0], found[1][0]), ([50.0, 0.0, 5.0], -96.5));
        assert!(found[2][2].is_nan());
        assert_eq!(points("Coord3D_AC32f", (1, 1), &bytes_of([4.0, 3.0]), &conversion).unwrap(), [[-98.0, 0.0, 4.0]]);
        // Rectified lines: the column is what is stored across.
        let found = points("Coord3D_C16", (2, 2), &bytes, &conversion).unwrap();
        assert_eq!((found[1], found[2]), ([-99.5, 0.0, 5.0], [-100.0, 0.0, 8.0]));
        let found = points("Coord3D_C32f", (2, 1), &bytes_of([65_535.0, 3.0]), &conversion).unwrap();
        assert!(found[0][2].is_nan() && found[1] == [-99.5, 0.0, 4.0]);
    }

    #[test]
    fn heights_become_distances_from_the_camera() {
        let conversion = Conversion::new(&metres(), Some(0.5));
        let found = points("Coord3D_ABC32f", (1, 1), &bytes_of([0.25, 0.125, 0.0625]), &conversion).unwrap();
        assert_eq!(found, [[0.25, -0.125, 0.4375]]);
    }

    #[test]
    fn distances_become_steps_of_which_0_is_none() {
        let stored: [u16; 3] = [0, 1_000, 65_535];
        let bytes: Vec<u8> = stored.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut steps = Vec::new();
        to_steps(&image("Coord3D_C16", 3, 1, &bytes), &Axis::default(), &mut steps).unwrap();
        assert_eq!(steps, stored);
        let flagged = Axis { invalid: Some(65_535.0), ..Axis::default() };
        to_steps(&image("Coord3D_C16", 3, 1, &bytes), &flagged, &mut steps).unwrap();
        assert_eq!(steps, [0, 1_000, 0]);
        let bytes = bytes_of([500.04, f32::NAN, -1.0]);
        floats_to_steps(&image("Coord3D_C32f", 3, 1, &bytes), &Scan3d::default(), 0.0001, &mut steps).unwrap();
        assert_eq!(steps, [5_000, 0, 0]);
    }

    #[test]
    fn a_pixel_is_sure_from_the_least_confidence_on() {
        let mut sure = Vec::new();
        to_mask(Confidence::Byte, &image("Confidence8", 3, 1, &[0, 1, 200]), 1, &mut sure).unwrap();
        assert_eq!(sure, [false, true, true]);
        to_mask(Confidence::Two, &image("Confidence16", 2, 1, &[0, 1, 255, 0]), 256, &mut sure).unwrap();
        assert_eq!(sure, [true, false]);
    }

    #[test]
    fn images_that_are_too_short_are_refused() {
        let conversion = Conversion::new(&metres(), None);
        for name in ["Coord3D_ABC32f", "Coord3D_ABC16", "Coord3D_AC32f", "Coord3D_AC16", "Coord3D_C32f"] {
            let error = points(name, (2, 2), &[0; 15], &conversion).unwrap_err();
            assert!(error.contains("15 bytes"), "{error}");
        }
        assert!(points("Coord3D_C16", (2, 2), &[0; 7], &conversion).is_err());
        assert!(to_steps(&image("Coord3D_C16", 2, 2, &[0; 7]), &Axis::default(), &mut Vec::new()).is_err());
        assert!(to_mask(Confidence::Two, &image("Confidence16", 2, 2, &[0; 7]), 1, &mut Vec::new()).is_err());
    }
}
