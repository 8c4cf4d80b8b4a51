//! A window of fixed size in millimetres around the part, wherever it lies: always at the same scale.
//!
//! The size of a pixel in millimetres follows from the cloud itself: points before a pinhole camera have x / z in
//! proportion to their column, and y / z to their row. Points are moved with the window, so that the same part is
//! described alike wherever it lies; heights over the belt stay.

use super::plane::Plane;
use super::point_grid::PointGrid;
use super::window::Window;
use crate::frame::Region;

/// Where the part is moved to, along the optical axis, metres.
const DEPTH_M: f32 = 0.5;
/// Pixels that are looked at for the scale.
const SAMPLE_MAX: usize = 4096;
/// A window of fewer pixels shows nothing, and one of more is no window of this camera.
const SIDE_MIN: f32 = 8.0;
const SIDE_MAX: f32 = 8192.0;
/// Columns and rays vary together at least so much, as a squared correlation.
const PINHOLE_MIN: f64 = 0.9;

/// A window around the part, and how points are moved with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    pub window: Window,
    /// Added to each point, metres.
    pub shift_m: [f32; 3],
}

/// The window of `side_mm` around the pixels that are the part. None where there are none, or where their scale cannot be
/// told.
pub fn follow(
    seen: PointGrid<'_>,
    is_part: impl Fn(usize) -> bool,
    belt: Option<&Plane>,
    side_mm: f32,
) -> Option<Followed> {
    let (count, sums) = (0..seen.pixels()).filter(|i| is_part(*i)).fold((0, [0.0; 5]), |(count, sums), i| {
        let [x, y, z] = seen.point(i).map(f64::from);
        let values = [(i % seen.width()) as f64, (i / seen.width()) as f64, x, y, z];
        (count + 1, std::array::from_fn(|axis| sums[axis] + values[axis]))
    });
    let [column, row, x, y, z] = sums.map(|sum| (sum / f64::from(count)) as f32);
    if count == 0 || z <= 0.0 {
        return None;
    }
    // On a belt, take the place below the part: then neither scale nor height depends on how high the part is.
    let middle = [x, y, z];
    let height_m = belt.map_or(0.0, |belt| belt.height(&middle));
    let normal = belt.map_or([0.0; 3], |belt| belt.normal);
    let foot: [f32; 3] = std::array::from_fn(|axis| middle[axis] - height_m * normal[axis]);
    let side = focal(seen)? * 1e-3 * side_mm / foot[2];
    if !(SIDE_MIN..=SIDE_MAX).contains(&side) {
        return None;
    }
    let bounds = Region::of_size(seen.width(), seen.height());
    let window = Window::about([column + 0.5, row + 0.5], side.round() as usize, bounds);
    Some(Followed { window, shift_m: [-foot[0], -foot[1], DEPTH_M - foot[2]] })
}

/// Pixels that a point moves by when x, or y, grows by its own depth; none where points are not those of a camera at the
/// origin.
fn focal(seen: PointGrid<'_>) -> Option<f32> {
    let mut step = seen.pixels().div_ceil(SAMPLE_MAX).max(1);
    if step > 1 && seen.width().is_multiple_of(step) {
        step += 1;
    }
    let (mut columns, mut rows) = (Regression::default(), Regression::default());
    let points = (0..seen.pixels()).step_by(step).map(|i| (i, seen.point(i)));
    for (i, point) in points.filter(|(_, point)| point[2] > 0.0) {
        let [x, y, z] = point.map(f64::from);
        columns.add(x / z, (i % seen.width()) as f64);
        rows.add(y / z, (i / seen.width()) as f64);
    }
    let (across, down) = (columns.slope()?, rows.slope()?);
    Some((across * down).sqrt() as f32)
}

/// A line through points by least squares.
#[derive(Default)]
struct Regression {
    count: f64,
    /// Of x, y, x x, x y and y y.
    sums: [f64; 5],
}

impl Regression {
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        self.sums.iter_mut().zip([x, y, x * x, x * y, y * y]).for_each(|(sum, value)| *sum += value);
    }

    /// The slope in y for x, where the two go together and grow together.
    fn slope(&self) -> Option<f64> {
        let [x, y, xx, xy, yy] = self.sums.map(|sum| sum / self.count.max(1.0));
        let (varies_x, varies_y, together) = (xx - x * x, yy - y * y, xy - x * y);
        let is_line = together > 0.0 && together * together >= PINHOLE_MIN * varies_x * varies_y;
        (is_line && varies_x > 0.0).then(|| together / varies_x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::plane;

    const FOCAL: f32 = 600.0;
    const BELT: Plane = Plane { normal: [0.0, -0.1, -0.994_987_5], offset_m: 0.5 };

    /// A block of 40 x 30 mm, 20 mm high, on a tilted belt before a camera of 640 x 480.
    fn scene(at: [f32; 2]) -> Vec<[f32; 3]> {
        let point = |i: usize| {
            let ray = [((i % 640) as f32 - 320.0) / FOCAL, ((i / 640) as f32 - 240.0) / FOCAL, 1.0];
            let along = BELT.normal.iter().zip(ray).map(|(n, r)| n * r).sum::<f32>();
            let at_height = |height: f32| ray.map(|r| r * (height - BELT.offset_m) / along);
            let top = at_height(0.02);
            let is_on = (top[0] - at[0]).abs() < 0.02 && (top[1] - at[1]).abs() < 0.015;
            if is_on { top } else { at_height(0.0) }
        };
        (0..640 * 480).map(point).collect()
    }

    fn followed(points: &[[f32; 3]]) -> Followed {
        follow(PointGrid::whole(points, 640), |i| !plane::is_background(&points[i], &BELT), Some(&BELT), 80.0).unwrap()
    }

    #[test]
    fn the_window_goes_with_the_part_and_keeps_its_scale() {
        for at in [[0.0, 0.0], [0.08, -0.05], [-0.1, 0.06]] {
            let points = scene(at);
            let Followed { window, shift_m } = followed(&points);
            // 80 mm at the belt's distance.
            let distance = (BELT.offset_m + BELT.normal[1] * at[1]) / -BELT.normal[2];
            assert!((window.side as f32 - 0.08 * FOCAL / distance).abs() < 2.0, "{at:?}: {window:?}");
            let middle = |lead: isize| lead as f32 + window.side as f32 / 2.0;
            let (x, y) = (middle(window.left) - 320.0, middle(window.top) - 240.0);
            let top = distance - 0.02;
            assert!((x / FOCAL * top - at[0]).abs() < 1e-3 && (y / FOCAL * top - at[1]).abs() < 2e-3, "{window:?}");
            // Wherever it lies, it comes to the same place, its top 20 mm above that of the belt.
            let on_top = points.iter().filter(|p| BELT.height(p) > 0.015);
            let count = on_top.clone().count() as f32;
            let mean: [f32; 3] =
                std::array::from_fn(|axis| on_top.clone().map(|p| p[axis] + shift_m[axis]).sum::<f32>() / count);
            let want = [0.0, 0.02 * BELT.normal[1], DEPTH_M + 0.02 * BELT.normal[2]];
            assert!(mean.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-3), "{mean:?} {want:?}");
        }
    }

    #[test]
    fn without_a_part_or_a_scale_nothing_is_followed() {
        let points = scene([0.0, 0.0]);
        let seen = PointGrid::whole(&points, 640);
        assert_eq!(follow(seen, |_| false, None, 80.0), None);
        assert_eq!(follow(seen, |i| i == 5, None, 1e-3), None);
        let everywhere = vec![[0.0, 0.0, 0.5]; 640 * 480];
        assert_eq!(follow(PointGrid::whole(&everywhere, 640), |_| true, None, 80.0), None);
    }
}
