//! A view becomes a frame.

use fastrand::Rng;

use super::colour;
use super::station::Station;
use super::view::View;
use crate::frame::{OrganisedCloud, RgbdFrame};

/// A photograph and a cloud, with this frame's light and noise.
pub fn expose(station: &Station, view: &View, random: &mut Rng) -> RgbdFrame {
    let rgb = colour::expose(station, view, random);
    let at = |pixel: usize| station.at(pixel, &view.seen[pixel]);
    let depths = station.sensor.measure(view, at, station.eye, &rgb, random);
    let point = |(pixel, depth_mm): (usize, f32)| station.in_camera(pixel).map(|x| 1e-3 * depth_mm * x);
    let points = depths.into_iter().enumerate().map(point).collect();
    let cloud = OrganisedCloud::new(view.side, view.side, points);
    let frame = cloud.and_then(|cloud| RgbdFrame::new(view.side, view.side, rgb, cloud));
    frame.unwrap_or_else(|error| unreachable!("a rendered frame has its size: {error}"))
}
