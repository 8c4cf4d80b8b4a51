//! Plots of an evaluation, as SVG; none where there is nothing to draw.

use std::io::Result;

use plotters::prelude::*;

use super::curves::{AUPRO_LIMITS, ProCurve};
use super::good_frames::{SIZES, ThresholdOf};
use super::sizes::{Misses, SizeBin};
use super::tested::Tested;
use crate::plots::draw;

const BINS: usize = 40;

/// Per-region overlap against the false-positive rate up to the loosest AUPRO limit, a line for each class.
pub fn pro_curves(classes: &[(String, ProCurve)]) -> Result<String> {
    let limit = AUPRO_LIMITS[0];
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .caption("Per-region overlap", ("sans-serif", 24))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..limit, 0.0..1.02)?;
        chart.configure_mesh().x_desc("false-positive rate").y_desc("mean overlap of defective regions").draw()?;
        for (i, (name, curve)) in classes.iter().enumerate() {
            let colour = Palette99::pick(i).to_rgba();
            let points = curve.points.iter().copied().filter(|(rate, _)| *rate <= limit);
            let label = format!("{name}: AUPRO@30 % {:.3}", curve.area(limit));
            let series = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            series.label(label).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).border_style(BLACK).draw()
    })
}

/// How many good and defective frames have each score, and the threshold between them.
pub fn score_histogram(class: &str, frames: &[Tested], threshold: Option<f32>) -> Result<Option<String>> {
    let scores = |defective: bool| {
        frames.iter().filter(move |f| f.defect.is_some() == defective).filter_map(Tested::score).collect::<Vec<f32>>()
    };
    let (good, defective) = (scores(false), scores(true));
    let all = || good.iter().chain(&defective).chain(&threshold).copied();
    let (low, high) = all().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return Ok(None);
    }
    let width = ((high - low) / BINS as f32).max(f32::MIN_POSITIVE);
    let histogram = |scores: &[f32]| {
        let mut counts = [0u32; BINS];
        for score in scores {
            counts[(((score - low) / width) as usize).min(BINS - 1)] += 1;
        }
        counts
    };
    let (good, defective) = (histogram(&good), histogram(&defective));
    let top = good.iter().chain(&defective).max().copied().unwrap_or(0) + 1;
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .caption(format!("Scores of {class}"), ("sans-serif", 24))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(low..low + width * BINS as f32, 0..top)?;
        chart.configure_mesh().disable_x_mesh().x_desc("score").y_desc("frames").draw()?;
        for (name, counts, colour) in [("good", good, BLUE), ("defective", defective, RED)] {
            let bars = counts.into_iter().enumerate().map(|(i, count)| {
                let left = low + width * i as f32;
                Rectangle::new([(left, 0), (left + width, count)], colour.mix(0.45).filled())
            });
            let series = chart.draw_series(bars)?;
            series
                .label(name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.45).filled()));
        }
        if let Some(threshold) = threshold {
            let line = [(threshold, 0), (threshold, top)];
            let series = chart.draw_series(LineSeries::new(line, BLACK.stroke_width(2)))?;
            series.label("threshold").legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLACK.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).border_style(BLACK).draw()
    })
    .map(Some)
}

/// What good frames for the threshold buy: both rates over their number, with what 90 of 100 draws are within.
pub fn good_frames(sizes: &[ThresholdOf]) -> Result<Option<String>> {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return Ok(None) };
    let top = sizes.iter().flat_map(|size| [size.false_reject_range[1], size.miss_range[1]]).fold(0.0, f64::max);
    // Room beside the first and the last, on a logarithmic axis.
    let (from, to) = (0.8 * first.frames as f64, 1.25 * last.frames as f64);
    type Of = fn(&ThresholdOf) -> (f64, [f64; 2]);
    let series: [(&str, Of, RGBColor); 2] = [
        ("false-reject rate", |size| (size.false_reject_rate, size.false_reject_range), BLUE),
        ("miss rate", |size| (size.miss_rate, size.miss_range), RED),
    ];
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .caption("What good frames for the threshold buy", ("sans-serif", 24))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(
                (from..to).log_scale().with_key_points(SIZES.map(|frames| frames as f64).to_vec()),
                0.0..1.1 * top.max(0.01),
            )?;
        chart
            .configure_mesh()
            .x_label_formatter(&|frames| format!("{frames:.0}"))
            .max_light_lines(1)
            .x_desc("good frames that calibrate the threshold")
            .y_desc("share of the frames")
            .draw()?;
        for (name, of, colour) in series {
            let at = |size: &ThresholdOf| size.frames as f64;
            let bars = sizes.iter().map(|size| {
                let (_, [least, most]) = of(size);
                PathElement::new([(at(size), least), (at(size), most)], colour.mix(0.6).stroke_width(2))
            });
            chart.draw_series(bars)?;
            let line = LineSeries::new(sizes.iter().map(|size| (at(size), of(size).0)), colour.stroke_width(2));
            let series = chart.draw_series(line.point_size(4))?;
            series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).border_style(BLACK).draw()
    })
    .map(Some)
}

/// Misses by the size of the defect as a share of the part's extent: a point for each range of sizes, with the range and the
/// 95 % interval as bars.
pub fn misses_by_size(sizes: &[SizeBin]) -> Result<Option<String>> {
    let largest = sizes.iter().flat_map(|bin| bin.range.ends()).fold(0.0, f64::max);
    if largest == 0.0 {
        return Ok(None);
    }
    type Of = fn(&SizeBin) -> Option<Misses>;
    let series: [(&str, Of, RGBColor); 2] =
        [("at the calibrated threshold", |bin| bin.calibrated, RED), ("at 1 % false rejects", |bin| bin.at_01, BLUE)];
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .caption("Missed defects by size, all classes", ("sans-serif", 24))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..110.0 * largest, 0.0..1.02)?;
        chart
            .configure_mesh()
            .x_desc("diameter of the defect, % of the part's extent")
            .y_desc("share of the defects that pass")
            .draw()?;
        for (i, (name, of, colour)) in series.into_iter().enumerate() {
            let found: Vec<([f64; 2], Misses)> =
                sizes.iter().filter_map(|bin| Some((bin.range.ends().map(|v| 100.0 * v), of(bin)?))).collect();
            // Moved apart, so that one does not hide the other.
            let middle = |[from, to]: [f64; 2]| 0.5 * (from + to) + largest * if i == 0 { -0.8 } else { 0.8 };
            chart.draw_series(found.iter().flat_map(|(ends, misses)| {
                let (at, [least, most]) = (middle(*ends), misses.interval);
                let range = [(ends[0], misses.rate), (ends[1], misses.rate)];
                [range, [(at, least), (at, most)]].map(|bar| PathElement::new(bar, colour.mix(0.6).stroke_width(2)))
            }))?;
            let points =
                found.iter().map(|(ends, misses)| Circle::new((middle(*ends), misses.rate), 4, colour.filled()));
            let series = chart.draw_series(points)?;
            series.label(name).legend(move |(x, y)| Circle::new((x + 9, y), 4, colour.filled()));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).border_style(BLACK).draw()
    })
    .map(Some)
}
