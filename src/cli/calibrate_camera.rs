use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use crosscheck::calibration::Lens;
use crosscheck::calibration::camera_file::{CameraFile, Grid, Provenance};
use crosscheck::calibration::import::{Calibrated, Imager, read_extrinsics, read_lens};

use super::Outcome;
use super::options::Size;

/// A lens that was found worse than this is calibrated again, pixels.
const ERROR_PX_MAX: f64 = 0.5;

/// Write the camera file from calibrations of OpenCV or ROS (docs/station.md has the recipe for a printed board).
#[derive(Args)]
pub struct Arguments {
    /// The colour imager: OpenCV's .yml or ROS's camera_info .yaml
    #[arg(long, value_name = "FILE")]
    colour: PathBuf,
    /// The depth imager; left out where the camera registers depth to colour itself
    #[arg(long, value_name = "FILE", requires = "extrinsics")]
    depth: Option<PathBuf>,
    /// From depth to colour: OpenCV's R and T (metres), or a RealSense node's extrinsics
    #[arg(long, value_name = "FILE", requires = "depth")]
    extrinsics: Option<PathBuf>,
    /// Metres per step of the depth image
    #[arg(long, value_name = "METRES", default_value_t = 0.001)]
    depth_unit_m: f64,
    /// Size of the colour image, where its file does not tell
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    colour_size: Option<Size>,
    /// Size of the depth image, where its file does not tell
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    depth_size: Option<Size>,
    /// Whose pixels frames have: the colour image's, or the depth image's with colour sampled at its points
    #[arg(long, value_enum, default_value = "colour")]
    grid: GridOption,
    /// Camera file to write
    #[arg(short, long, value_name = "CAMERA")]
    output: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum GridOption {
    Colour,
    Depth,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    super::check_output(&arguments.output)?;
    let size = |size: Option<Size>| size.map(|Size(width, height)| (width, height));
    let colour = read_lens(&arguments.colour, Imager::Colour, size(arguments.colour_size))?;
    let of_depth = |path: &PathBuf| read_lens(path, Imager::Depth, size(arguments.depth_size));
    let depth = arguments.depth.as_ref().map(of_depth).transpose()?;
    let depth_to_colour = arguments.extrinsics.as_deref().map(read_extrinsics).transpose()?;
    let errors = [Some(&colour), depth.as_ref()].into_iter().flatten().filter_map(|lens| lens.reprojection_error_px);
    let file = CameraFile {
        depth_unit_m: arguments.depth_unit_m,
        depth_offset_m: 0.0,
        grid: match arguments.grid {
            GridOption::Colour => Grid::Colour,
            GridOption::Depth => Grid::Depth,
        },
        colour: colour.lens,
        depth: depth.as_ref().map(|depth| depth.lens),
        depth_to_colour,
        provenance: Some(Provenance {
            source: format!("crosscheck calibrate-camera from {}", sources(arguments).join(", ")),
            serial: None,
            reprojection_error_px: errors.reduce(f64::max),
        }),
    };
    file.write(&arguments.output)?;
    tell("colour", &colour);
    match &depth {
        Some(depth) => tell("depth", depth),
        None => log::info!("depth is taken to be registered to colour: give --depth and --extrinsics where it is not"),
    }
    log::info!("wrote {}", arguments.output.display());
    Ok(Outcome::Done)
}

/// Names of the files that were read, without their folders.
fn sources(arguments: &Arguments) -> Vec<String> {
    let paths = [Some(&arguments.colour), arguments.depth.as_ref(), arguments.extrinsics.as_ref()];
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = paths.into_iter().flatten().filter_map(name).collect();
    names.dedup();
    names
}

fn tell(imager: &str, calibrated: &Calibrated) {
    let Lens { width, height, fx, fy, .. } = calibrated.lens;
    let view_deg = |side: usize, focal: f64| 2.0 * (side as f64 / 2.0 / focal).atan().to_degrees();
    let (across, down) = (view_deg(width, fx), view_deg(height, fy));
    let error = match calibrated.reprojection_error_px {
        Some(error) => format!("reprojection error {error:.2} px"),
        None => "reprojection error not told".into(),
    };
    log::info!("{imager}: {width} x {height}, view {across:.0} x {down:.0} degrees, {error}");
    if calibrated.reprojection_error_px.is_some_and(|error| error > ERROR_PX_MAX) {
        log::warn!("{imager}: more than {ERROR_PX_MAX} px of error: take more pictures of the board, sharp and tilted");
    }
}
