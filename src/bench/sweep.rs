//! How the time of a frame grows with the sizes that decide it, beside the time that the count of its operations
//! predicts.

use std::io;
use std::path::{Path, PathBuf};

use plotters::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::{Report, Subject, VALID_SHARE, frame, run};
use crate::backend::Arithmetic;
use crate::backend::Choice;
use crate::files;
use crate::frame::FrameError;
use crate::inspect::{InspectError, Inspector};
use crate::model::engine_file::{Engine, Metadata};
use crate::model::{Architecture, seeded};
use crate::plots;
use crate::prepare::{BeltMode, PartChoice, Preparation};

#[derive(Debug, Error)]
pub enum SweepError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// The size that is varied; everything else stays as in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Share of the network frame's pixels that have a point, per cent.
    ValidShare,
    Groups,
    GroupSize,
    /// Blocks of both networks.
    Layers,
}

impl Axis {
    pub const ALL: [Self; 4] = [Self::ValidShare, Self::Groups, Self::GroupSize, Self::Layers];

    pub fn values(self) -> &'static [usize] {
        match self {
            Self::ValidShare => &[5, 10, 20, 30, 50, 75, 100],
            Self::Groups => &[128, 256, 512, 1024, 1536, 2048],
            Self::GroupSize => &[8, 16, 32, 64, 128],
            Self::Layers => &[1, 2, 4, 8, 12],
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::ValidShare => "valid pixels, %",
            Self::Groups => "groups",
            Self::GroupSize => "points in a group",
            Self::Layers => "blocks of each network",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::ValidShare => "valid-share.svg",
            Self::Groups => "groups.svg",
            Self::GroupSize => "group-size.svg",
            Self::Layers => "layers.svg",
        }
    }

    /// The engine's sizes with one of them changed, and the share of valid pixels.
    fn at(self, value: usize, base: &Architecture) -> (Architecture, f64) {
        let mut architecture = base.clone();
        match self {
            Self::ValidShare => return (architecture, value as f64 / 100.0),
            Self::Groups => architecture.xyz.groups = value,
            Self::GroupSize => architecture.xyz.group_size = value,
            Self::Layers => {
                architecture.rgb.layers = value;
                architecture.xyz.layers = value;
                // The features are those of the last blocks, as many as in the engine if there are as many: the
                // mappings keep their width.
                let taps = base.xyz.taps.len().min(value);
                architecture.xyz.taps = (value - taps..value).collect();
            }
        }
        (architecture, VALID_SHARE)
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Point {
    pub axis: Axis,
    pub value: usize,
    pub valid_pixels: usize,
    /// Counted operations, 10^9.
    pub gflop: f64,
    /// Time of the fastest frame, which other programs on the machine disturb least.
    pub min_ms: f64,
    pub median_ms: f64,
    pub processor_ms: Option<f64>,
    /// Time predicted from the count and the fastest frame at the engine's own sizes.
    pub counted_ms: f64,
    pub gemm_peak_gflops: f64,
}

/// Measures `frames` frames at every value of every axis with random weights of `base`'s sizes; `done` is called after
/// each value.
pub fn sweep(
    base: &Metadata,
    arithmetic: Arithmetic,
    frames: usize,
    mut done: impl FnMut(),
) -> Result<Vec<Point>, SweepError> {
    let own = measure(base, VALID_SHARE, arithmetic, frames)?;
    let own_rate = own.latency_ms.min / gflop(&own);
    let mut points = Vec::new();
    for axis in Axis::ALL {
        for &value in axis.values() {
            let (architecture, share) = axis.at(value, &base.architecture);
            let report = measure(&Metadata { architecture, ..base.clone() }, share, arithmetic, frames)?;
            points.push(Point {
                axis,
                value,
                valid_pixels: report.valid_pixels,
                gflop: gflop(&report),
                min_ms: report.latency_ms.min,
                median_ms: report.latency_ms.median,
                processor_ms: report.processor_ms,
                counted_ms: own_rate * gflop(&report),
                gemm_peak_gflops: report.gemm_peak_gflops,
            });
            done();
        }
    }
    Ok(points)
}

fn gflop(report: &Report) -> f64 {
    report.stages.iter().map(|stage| stage.gflop).sum()
}

fn measure(metadata: &Metadata, share: f64, arithmetic: Arithmetic, frames: usize) -> Result<Report, SweepError> {
    let (frame, architecture) = (frame(share)?, &metadata.architecture);
    let weights = seeded::weights(architecture, 0);
    // A part that fills the frame would be taken for the belt.
    let preparation = Preparation { belt: BeltMode::None, part: PartChoice::All, ..metadata.preparation.clone() };
    let stride = preparation.stride;
    let metadata = Metadata { preparation, ..metadata.clone() };
    let engine = Engine { metadata, weights, content_sha256: String::new() };
    let mut inspector = Inspector::on_machine(Choice::Cpu, engine, arithmetic)?;
    let subject = Subject { backend: Choice::Cpu, architecture, stride, arithmetic, frame: &frame };
    Ok(run(&mut inspector, &subject, frames, false)?)
}

/// Writes `sweep.json` and a plot of each axis into `folder`, which is made if needed.
pub fn write(folder: &Path, points: &[Point]) -> Result<(), SweepError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        |source| SweepError::Write { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let path = folder.join("sweep.json");
    files::write_whole(&path, |file| Ok(serde_json::to_writer_pretty(file, points)?)).map_err(failed(&path))?;
    for axis in Axis::ALL {
        let path = folder.join(axis.file());
        let of_axis: Vec<&Point> = points.iter().filter(|point| point.axis == axis).collect();
        plot(&path, axis, &of_axis).map_err(failed(&path))?;
    }
    Ok(())
}

fn plot(path: &Path, axis: Axis, points: &[&Point]) -> io::Result<()> {
    let largest = |of: fn(&Point) -> f64| points.iter().map(|point| of(point)).fold(0.0, f64::max);
    let (right, top) = (largest(|p| p.value as f64), largest(|p| p.min_ms.max(p.counted_ms)));
    let svg = plots::draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .caption("Time of a frame", ("sans-serif", 24))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..right * 1.03, 0.0..top * 1.08)?;
        chart.configure_mesh().x_desc(axis.label()).y_desc("ms, the fastest frame").draw()?;
        let series = |of: fn(&Point) -> f64| points.iter().map(|p| (p.value as f64, of(p))).collect::<Vec<_>>();
        let (measured, counted) = (series(|p| p.min_ms), series(|p| p.counted_ms));
        for (name, line, colour) in [("measured", measured, BLUE), ("as the operations are counted", counted, RED)] {
            let drawn = chart.draw_series(LineSeries::new(line, colour.stroke_width(2)).point_size(4))?;
            drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK).draw()
    })?;
    files::write_text(path, &svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Variant;

    #[test]
    fn every_value_is_an_architecture() {
        for base in [Architecture::published(Variant::Tiny, 32), Architecture::published(Variant::Full, 32)] {
            for axis in Axis::ALL {
                for &value in axis.values() {
                    let (architecture, share) = axis.at(value, &base);
                    assert_eq!(architecture.check(), Ok(()), "{axis:?} {value}");
                    assert!((0.0..=1.0).contains(&share));
                }
            }
        }
    }

    #[test]
    fn a_frame_has_the_share_of_points_asked_for() -> Result<(), FrameError> {
        for percent in [5, 30, 79, 100] {
            let share = f64::from(percent) / 100.0;
            let count = frame(share)?.cloud().valid_count() as f64;
            let all = crate::shapes::P as f64;
            assert!((count / all - share).abs() < 0.005, "{percent} %: {count} of {all}");
        }
        Ok(())
    }
}
