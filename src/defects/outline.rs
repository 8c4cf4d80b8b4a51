//! The outline of an area, as a polygon of few points.

use heapless::Vec as Few;
use serde::ser::Serialize;
use serde::{Deserialize, Serializer};

use crate::areas::Mask;
use crate::prepare::Window;
use crate::shapes::{H, W};

/// The most points of an outline.
pub const POINTS_MAX: usize = 32;
/// The fewest: those of a pixel.
const POINTS_MIN: usize = 4;
/// No corner of the area's rim lies farther from its outline than this, network pixels, unless that needs more points than
/// there may be. More than the steps of a slanted or round rim.
const TOLERANCE: f32 = 1.0;
/// The most corners of a rim, which passes each corner of the grid twice at most.
const CORNERS_MAX: usize = 2 * (W + 1) * (H + 1);

/// The outline of an area: a closed polygon, clockwise, of 4 to 32 points `[x, y]` in pixels of the photograph, to a tenth.
/// An area's holes have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "Vec<[f32; 2]>")]
pub struct Outline {
    points: [[f32; 2]; POINTS_MAX],
    count: usize,
}

impl Outline {
    /// Its points; none in a recording that was made before outlines were.
    pub fn points(&self) -> &[[f32; 2]] {
        &self.points[..self.count]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl FromIterator<[f32; 2]> for Outline {
    /// Points beyond the thirty-second are left out.
    fn from_iter<I: IntoIterator<Item = [f32; 2]>>(given: I) -> Self {
        let mut outline = Self::default();
        for (own, given) in outline.points.iter_mut().zip(given) {
            *own = given;
            outline.count += 1;
        }
        outline
    }
}

impl TryFrom<Vec<[f32; 2]>> for Outline {
    type Error = String;

    fn try_from(points: Vec<[f32; 2]>) -> Result<Self, String> {
        match points.len() {
            0..=POINTS_MAX => Ok(points.into_iter().collect()),
            count => Err(format!("an outline has at most {POINTS_MAX} points, and this one has {count}")),
        }
    }
}

impl Serialize for Outline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As f64, so that a tenth is written as one, however it is written.
        serializer.collect_seq(self.points().iter().map(|point| point.map(|at| (10.0 * f64::from(at)).round() / 10.0)))
    }
}

/// Corner `[x, y]` of the network's pixels: the upper left one of the pixel with these numbers.
type Corner = [u16; 2];

/// Finds outlines, in a buffer that frames reuse.
pub struct Tracer {
    rim: Vec<Corner>,
}

impl Default for Tracer {
    fn default() -> Self {
        Self { rim: Vec::with_capacity(CORNERS_MAX) }
    }
}

impl Tracer {
    /// The outline of a 4-connected area; empty for one without a pixel.
    pub fn outline(&mut self, area: &Mask, window: &Window) -> Outline {
        self.follow(area);
        let place = |i: usize| {
            // A corner lies half a pixel before the middle of its pixel.
            let at = window.photograph_at(self.rim[i].map(|at| f32::from(at) - 0.5));
            at.map(|at| (10.0 * at).round() / 10.0 + 0.0)
        };
        chosen(&self.rim).into_iter().map(place).collect()
    }

    /// Follows the rim of `area` clockwise along the edges of its pixels, from its first corner back to it, and keeps the
    /// corners at which it turns.
    fn follow(&mut self, area: &Mask) {
        self.rim.clear();
        let Some(first) = area.pixels().next() else { return };
        let start = [first % W, first / W].map(|at| at as isize);
        let has = |[x, y]: [isize; 2]| {
            (0..W as isize).contains(&x) && (0..H as isize).contains(&y) && area.has(y as usize * W + x as usize)
        };
        // The area is on the right.
        let (mut at, mut along) = (start, [1, 0]);
        loop {
            self.rim.push(at.map(|at| at as u16));
            loop {
                at = [at[0] + along[0], at[1] + along[1]];
                let [dx, dy] = along;
                let right = [-dy, dx];
                let ahead = |side: [isize; 2]| [0, 1].map(|axis| at[axis] + (along[axis] + side[axis] - 1) / 2);
                // Pixels that share a corner only are not connected by it.
                if !has(ahead(right)) {
                    along = right;
                    break;
                }
                if has(ahead([dy, -dx])) {
                    along = [dy, -dx];
                    break;
                }
            }
            if (at, along) == (start, [1, 0]) {
                return;
            }
        }
    }
}

/// A stretch of a rim between two chosen corners.
#[derive(Clone, Copy)]
struct Stretch {
    from: usize,
    /// The corner that lies farthest from the straight way, and how far, squared.
    farthest: usize,
    distance2: f32,
}

/// The corners of a closed rim that its outline keeps, in their order: those of Douglas and Peucker, the farthest first,
/// until all others lie within the tolerance, or as many are kept as there may be.
fn chosen(rim: &[Corner]) -> Few<usize, POINTS_MAX> {
    let Some(&first) = rim.first() else { return Few::new() };
    // The first corner lies highest, and the one farthest from it is an outermost one too.
    let opposite =
        (0..rim.len()).max_by(|a, b| distance2(rim[*a], first, first).total_cmp(&distance2(rim[*b], first, first)));
    let opposite = opposite.unwrap_or(0);
    let mut stretches = Few::<Stretch, POINTS_MAX>::new();
    let ends = |i: usize, stretches: &[Stretch]| stretches.get(i + 1).map_or(rim.len(), |next| next.from);
    stretches.extend([stretch(rim, 0, opposite), stretch(rim, opposite, rim.len())]);
    while stretches.len() < POINTS_MAX {
        let order = |a: &usize, b: &usize| stretches[*a].distance2.total_cmp(&stretches[*b].distance2);
        let Some(worst) = (0..stretches.len()).max_by(order) else { break };
        let Stretch { from, farthest, distance2 } = stretches[worst];
        let is_near = distance2 <= TOLERANCE * TOLERANCE && stretches.len() >= POINTS_MIN;
        if is_near || distance2 == 0.0 {
            break;
        }
        let end = ends(worst, &stretches);
        stretches[worst] = stretch(rim, from, farthest);
        let inserted = stretches.insert(worst + 1, stretch(rim, farthest, end));
        assert!(inserted.is_ok(), "there are fewer than there may be");
    }
    stretches.iter().map(|stretch| stretch.from).collect()
}

/// The stretch of a closed rim from a corner to a later one, or to its end, which is its first corner.
fn stretch(rim: &[Corner], from: usize, to: usize) -> Stretch {
    let (start, end) = (rim[from], rim[to % rim.len()]);
    let none = Stretch { from, farthest: from, distance2: 0.0 };
    (from + 1..to).fold(none, |most, i| {
        let distance2 = distance2(rim[i], start, end);
        if distance2 > most.distance2 { Stretch { from, farthest: i, distance2 } } else { most }
    })
}

/// The squared distance of a place from the straight way between two others, or from both where they are one.
fn distance2(at: Corner, start: Corner, end: Corner) -> f32 {
    let [at, start, end] = [at, start, end].map(|corner| corner.map(f32::from));
    let [dx, dy] = [end[0] - start[0], end[1] - start[1]];
    let [x, y] = [at[0] - start[0], at[1] - start[1]];
    let length2 = dx * dx + dy * dy;
    let share = if length2 > 0.0 { ((x * dx + y * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    (x - share * dx).powi(2) + (y - share * dy).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Region;
    use crate::shapes::P;

    /// The pixels of the grid that are in the area, by column and row.
    fn area(is_in: impl Fn(usize, usize) -> bool) -> Mask {
        let mut mask = Mask::default();
        mask.take_where(|i| is_in(i % W, i / W));
        mask
    }

    /// The outline in a photograph of the grid's size, in which a corner lies half a pixel before its pixel's middle.
    fn outline(area: &Mask) -> Outline {
        Tracer::default().outline(area, &Window::default())
    }

    /// The corners in the grid.
    fn corners(area: &Mask) -> Vec<[f32; 2]> {
        outline(area).points().iter().map(|point| point.map(|at| at + 0.5)).collect()
    }

    /// What a polygon encloses; above 0 if it is clockwise in a picture.
    fn enclosed(points: &[[f32; 2]]) -> f32 {
        let next = points.iter().cycle().skip(1);
        points.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f32>() / 2.0
    }

    #[test]
    fn shapes_of_straight_rims_have_their_corners() {
        let pixel = area(|x, y| (x, y) == (7, 9));
        assert_eq!(corners(&pixel), [[7.0, 9.0], [8.0, 9.0], [8.0, 10.0], [7.0, 10.0]]);
        let square = area(|x, y| (20..50).contains(&x) && (60..70).contains(&y));
        assert_eq!(corners(&square), [[20.0, 60.0], [50.0, 60.0], [50.0, 70.0], [20.0, 70.0]]);
        let everything = area(|_, _| true);
        let side = W as f32;
        assert_eq!(corners(&everything), [[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]]);
        let angle = area(|x, y| (20..50).contains(&x) && (60..90).contains(&y) && (x < 30 || y < 70));
        assert_eq!(corners(&angle).len(), 6);
        assert_eq!(enclosed(&corners(&angle)), angle.count() as f32);
        assert!(outline(&Mask::default()).is_empty());
    }

    #[test]
    fn a_ring_has_its_outer_rim_alone() {
        let ring = |inner: usize| {
            area(move |x, y| {
                let away2 = x.abs_diff(100).pow(2) + y.abs_diff(90).pow(2);
                (inner * inner..40 * 40).contains(&away2)
            })
        };
        assert_eq!(outline(&ring(30)), outline(&ring(0)));
        let points = corners(&ring(0));
        assert!((10..POINTS_MAX).contains(&points.len()), "{}", points.len());
        assert!((enclosed(&points) / ring(0).count() as f32 - 1.0).abs() < 0.04, "{}", enclosed(&points));
    }

    #[test]
    fn a_slanted_line_is_a_narrow_quadrilateral() {
        // Connected by sides.
        let line = area(|x, y| (30..100).contains(&x) && (y == x || y == x + 1));
        let points = corners(&line);
        assert!((4..=6).contains(&points.len()), "{points:?}");
        assert!((enclosed(&points) / line.count() as f32 - 1.0).abs() < 0.5, "{}", enclosed(&points));
    }

    #[test]
    fn pixels_that_share_a_corner_are_passed_twice() {
        // A ring of 4-connected pixels that touches itself by a corner.
        let touching = ["111", "101", "110"];
        let mask = area(|x, y| touching.get(y).is_some_and(|row| row.as_bytes().get(x) == Some(&b'1')));
        let mut tracer = Tracer::default();
        tracer.follow(&mask);
        assert_eq!(tracer.rim.iter().filter(|corner| **corner == [2, 2]).count(), 2);
    }

    #[test]
    fn every_rim_is_within_the_tolerance_or_has_all_points() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut areas = crate::areas::Areas::default();
        let mut tracer = Tracer::default();
        let (mut free, mut full) = (0, 0);
        for share in [0.5, 0.58, 0.7, 0.95] {
            areas.find(&area(|_, _| false));
            let values: Vec<bool> = (0..P).map(|_| random.f32() < share).collect();
            areas.find(&Mask::of(&values));
            let count = areas.each_run(|_, _, _| {});
            for number in 0..count.min(200) {
                let mut one = Mask::default();
                areas.take_area(number, &mut one);
                tracer.follow(&one);
                assert!(tracer.rim.len() <= CORNERS_MAX);
                let kept = chosen(&tracer.rim);
                assert!((POINTS_MIN..=POINTS_MAX).contains(&kept.len()) && kept.is_sorted(), "{kept:?}");
                let worst = (0..kept.len()).map(|i| {
                    let to = kept.get(i + 1).copied().unwrap_or(tracer.rim.len());
                    stretch(&tracer.rim, kept[i], to).distance2.sqrt()
                });
                let worst = worst.fold(0.0, f32::max);
                if kept.len() < POINTS_MAX {
                    assert!(worst <= TOLERANCE, "{worst}");
                    free += 1;
                } else {
                    full += 1;
                }
            }
        }
        assert!(free > 100 && full > 2, "{free} {full}");
    }

    #[test]
    fn an_outline_is_that_of_the_photograph_to_a_tenth_of_a_pixel() {
        let window = Window::around(Region { x: 10, y: 20, width: 400, height: 400 });
        let square = area(|x, y| (112..168).contains(&x) && y < 56);
        let found = Tracer::default().outline(&square, &window);
        assert_eq!(found.points(), [[209.5, 19.5], [309.5, 19.5], [309.5, 119.5], [209.5, 119.5]]);
        let pixel = Tracer::default().outline(&area(|x, y| (x, y) == (1, 0)), &window);
        assert_eq!(pixel.points()[0], [11.3, 19.5]);
    }

    #[test]
    fn an_outline_is_read_as_it_is_written() {
        let ragged = outline(&area(|x, y| (x * 7 + y * 3) % 5 < 3 && y < 40 || y == 40));
        for outline in [Outline::default(), outline(&area(|x, y| x < 3 && y < 9)), ragged] {
            let text = serde_json::to_string(&outline).unwrap();
            assert_eq!(serde_json::from_str::<Outline>(&text).unwrap(), outline, "{text}");
            assert_eq!(serde_json::to_value(outline).unwrap().to_string(), text);
        }
        let many = serde_json::to_string(&vec![[1.0, 2.0]; POINTS_MAX + 1]).unwrap();
        let error = serde_json::from_str::<Outline>(&many).unwrap_err().to_string();
        assert!(error.contains("at most 32 points, and this one has 33"), "{error}");
    }
}
