//! What an inspection found, as the caller gets it.

use std::time::Duration;

use crosscheck::defects::{DEFECTS_MAX, POINTS_MAX};
use crosscheck::{DefectKind, Doubt as LibraryDoubt, Inspection, Outcome, Thresholds, Unscored};

use crate::arguments::Versioned;

/// Pixels of a row of an anomaly map.
pub const CROSSCHECK_MAP_WIDTH: usize = 224;
/// Rows of an anomaly map.
pub const CROSSCHECK_MAP_HEIGHT: usize = 224;
/// Values of an anomaly map, 224 x 224.
pub const CROSSCHECK_MAP_PIXELS: usize = 50176;
/// The most defects of a part that are described.
pub const CROSSCHECK_DEFECTS_MAX: usize = 16;
/// The most points of an outline.
pub const CROSSCHECK_OUTLINE_MAX: usize = 32;

const _: () = assert!(CROSSCHECK_MAP_WIDTH == crosscheck::shapes::W && CROSSCHECK_MAP_HEIGHT == crosscheck::shapes::H);
const _: () = assert!(CROSSCHECK_MAP_PIXELS == crosscheck::shapes::P);
const _: () = assert!(CROSSCHECK_DEFECTS_MAX == DEFECTS_MAX && CROSSCHECK_OUTLINE_MAX == POINTS_MAX);

/// What is to become of a part. Only PASS lets one pass.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The score is above the threshold, or the part was not judged: see the reason. It is 0, so that a result that nobody
    /// has written is no pass.
    Reject = 0,
    /// The score lies between both thresholds: for a person to look at.
    Review = 1,
    /// The part is good.
    Pass = 2,
    /// There is a score, but the engine has no threshold: treat the part as rejected, and calibrate the engine.
    None = 3,
}

/// Why a frame has no score, and is therefore rejected.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has a score.
    None = 0,
    /// Nothing was inspected: see the status of the call.
    NotInspected = 1,
    /// The frame has no point where the part may be.
    NoPoints = 2,
    /// No part was found among the points.
    NoPart = 3,
    /// The size of a pixel cannot be measured, so that no window can follow the part.
    NoScale = 4,
    /// Fewer points are left on the part than its shape needs.
    TooFewPoints = 5,
    /// Another one, that this version of the interface has no number for.
    Other = 6,
}

/// Why something else may have been taken for the part. It changes no verdict.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is no doubt.
    None = 0,
    /// What was taken for the part touches the edge of the crop.
    TouchesEdge = 1,
    /// Another object could have been taken for the part nearly as well.
    CloseChoice = 2,
    /// It has far more or fewer points than good parts have.
    UnusualSize = 3,
    /// Another one, that this version of the interface has no number for.
    Other = 4,
}

/// What is wrong where a defect is.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot be told.
    Unknown = 0,
    /// A colour that good parts do not have there.
    Colour = 1,
    /// A shape that good parts do not have there.
    Shape = 2,
    /// A colour and a shape that do not belong together.
    Mismatch = 3,
    /// No material where good parts have some.
    Missing = 4,
    /// Material where good parts have none.
    Excess = 5,
}

/// The result of a frame. The caller owns it; every call writes all of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct InspectionResult {
    /// sizeof(crosscheck_result), which the caller sets.
    pub struct_size: usize,
    /// What is to become of the part.
    pub verdict: Verdict,
    /// Why there is no score.
    pub reason: Reason,
    /// Why something else may have been taken for the part.
    pub doubt: Doubt,
    /// The score, the largest value of the anomaly map; NaN where there is none. It has no unit, and compares only between
    /// frames of one engine.
    pub score: f32,
    /// The score of the published evaluation; NaN where there is none.
    pub reference_score: f32,
    /// A score above this rejects; NaN where the engine has no threshold.
    pub threshold: f32,
    /// A score above this, up to the threshold, has the verdict REVIEW; NaN where there is no such band.
    pub review_threshold: f32,
    /// Network pixels with a shape feature: those that were judged.
    pub valid_pixels: u32,
    /// All defects, those that were not written too. A part that passes has none.
    pub defects: u32,
    /// Defects that were written to the caller's array.
    pub defects_written: u32,
    /// The square of the photograph that the maps show: its first column, which may lie left of the photograph.
    pub window_left: i32,
    /// Its first row, which may lie above the photograph.
    pub window_top: i32,
    /// Its side in pixels of the photograph. The middle of map pixel i along a row lies at
    /// window_left + (i + 0.5) * window_side / 224 - 0.5, in pixels from the middle of the photograph's first one.
    pub window_side: u32,
    /// The whole call, nanoseconds: with reading the caller's frame and writing the maps.
    pub total_ns: u64,
    /// Crop, belt, part and resizing, nanoseconds.
    pub prepare_ns: u64,
    /// The colour network, nanoseconds.
    pub rgb_tokens_ns: u64,
    /// The shape network, nanoseconds.
    pub xyz_groups_ns: u64,
    /// Both mappings and the anomaly map, nanoseconds.
    pub anomaly_map_ns: u64,
}

// SAFETY: the type is `repr(C)` and begins with a `usize`.
unsafe impl Versioned for InspectionResult {}

/// One area of the anomaly map above the threshold. Its values are NaN where they are not known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Defect {
    /// What is wrong.
    pub kind: Kind,
    /// The largest value of the map in it.
    pub score: f32,
    /// Where that is: column and row in pixels of the photograph.
    pub at: [f32; 2],
    /// The centre of the area: column and row in pixels of the photograph.
    pub centre: [f32; 2],
    /// The same in millimetres on the belt: x to the right in the picture and y down from the point of the belt below the
    /// camera; along the camera's own axes where no belt was found.
    pub centre_mm: [f32; 2],
    /// Its area in square millimetres.
    pub area_mm2: f32,
    /// How high it stands above its surroundings, millimetres; below 0 where it lies deeper.
    pub height_mm: f32,
    /// Its area in network pixels.
    pub pixels: u32,
    /// The rectangle around it in network pixels: first column, first row, columns, rows.
    pub bounds: [u32; 4],
    /// Points of its outline, at most CROSSCHECK_OUTLINE_MAX.
    pub outline_points: u32,
    /// Its outline, a closed polygon, clockwise: column and row of each point in pixels of the photograph. Points beyond
    /// outline_points are 0.
    pub outline: [[f32; 2]; CROSSCHECK_OUTLINE_MAX],
}

impl InspectionResult {
    /// That of a frame that was not inspected: a reject.
    pub const fn not_inspected() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            verdict: Verdict::Reject,
            reason: Reason::NotInspected,
            doubt: Doubt::None,
            score: f32::NAN,
            reference_score: f32::NAN,
            threshold: f32::NAN,
            review_threshold: f32::NAN,
            valid_pixels: 0,
            defects: 0,
            defects_written: 0,
            window_left: 0,
            window_top: 0,
            window_side: 0,
            total_ns: 0,
            prepare_ns: 0,
            rgb_tokens_ns: 0,
            xyz_groups_ns: 0,
            anomaly_map_ns: 0,
        }
    }

    pub fn of(inspection: &Inspection, thresholds: Option<Thresholds>) -> Self {
        let scores = inspection.outcome.scores();
        let window = inspection.input.window;
        let times = inspection.times;
        Self {
            struct_size: size_of::<Self>(),
            verdict: verdict(inspection.outcome),
            reason: inspection.outcome.reason().map_or(Reason::None, reason),
            doubt: inspection.doubt.map_or(Doubt::None, doubt),
            score: scores.map_or(f32::NAN, |scores| scores.score),
            reference_score: scores.map_or(f32::NAN, |scores| scores.reference),
            threshold: thresholds.map_or(f32::NAN, |thresholds| thresholds.reject),
            review_threshold: thresholds.and_then(|thresholds| thresholds.review).unwrap_or(f32::NAN),
            valid_pixels: count(inspection.valid_pixels()),
            defects: count(inspection.defects.count),
            defects_written: 0,
            window_left: place(window.left),
            window_top: place(window.top),
            window_side: count(window.side),
            total_ns: 0,
            prepare_ns: nanoseconds(times.prepare),
            rgb_tokens_ns: nanoseconds(times.rgb_tokens),
            xyz_groups_ns: nanoseconds(times.xyz_groups),
            anomaly_map_ns: nanoseconds(times.anomaly_map),
        }
    }
}

impl From<&crosscheck::Defect> for Defect {
    fn from(found: &crosscheck::Defect) -> Self {
        let bounds = found.bounds;
        let mut outline = [[0.0; 2]; CROSSCHECK_OUTLINE_MAX];
        let points = found.outline.points();
        outline[..points.len()].copy_from_slice(points);
        Self {
            kind: kind(found.kind),
            score: found.score.unwrap_or(f32::NAN),
            at: found.at,
            centre: found.centre.unwrap_or([f32::NAN; 2]),
            centre_mm: found.centre_mm.unwrap_or([f32::NAN; 2]),
            area_mm2: found.area_mm2.unwrap_or(f32::NAN),
            height_mm: found.height_mm.unwrap_or(f32::NAN),
            pixels: count(found.pixels),
            bounds: [bounds.x, bounds.y, bounds.width, bounds.height].map(count),
            outline_points: count(points.len()),
            outline,
        }
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome.verdict() {
        Some(crosscheck::Verdict::Pass) => Verdict::Pass,
        Some(crosscheck::Verdict::Review) => Verdict::Review,
        Some(crosscheck::Verdict::Reject) => Verdict::Reject,
        None => Verdict::None,
    }
}

fn reason(unscored: Unscored) -> Reason {
    match unscored {
        Unscored::NotInspected => Reason::NotInspected,
        Unscored::NoPoints => Reason::NoPoints,
        Unscored::NoPart => Reason::NoPart,
        Unscored::NoScale => Reason::NoScale,
        Unscored::TooFewPoints { .. } => Reason::TooFewPoints,
        _ => Reason::Other,
    }
}

fn doubt(doubt: LibraryDoubt) -> Doubt {
    match doubt {
        LibraryDoubt::TouchesEdge => Doubt::TouchesEdge,
        LibraryDoubt::CloseChoice => Doubt::CloseChoice,
        LibraryDoubt::UnusualSize { .. } => Doubt::UnusualSize,
        _ => Doubt::Other,
    }
}

fn kind(kind: DefectKind) -> Kind {
    match kind {
        DefectKind::Colour => Kind::Colour,
        DefectKind::Shape => Kind::Shape,
        DefectKind::Mismatch => Kind::Mismatch,
        DefectKind::Missing => Kind::Missing,
        DefectKind::Excess => Kind::Excess,
        _ => Kind::Unknown,
    }
}

/// A number of pixels or defects, which never comes near the largest.
fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn place(place: isize) -> i32 {
    i32::try_from(place).unwrap_or(if place < 0 { i32::MIN } else { i32::MAX })
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
