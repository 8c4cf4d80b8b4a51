use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use crosscheck::calibration::Lens;
use crosscheck::calibration::camera_file::{CameraFile, Extrinsics, Grid, Provenance};
use crosscheck::calibration::import::{
    ExtrinsicsRequest, Imager, ImportedExtrinsics, ImportedLens, LensRequest, check_imagers, read_extrinsics, read_lens,
};
use crosscheck::camera::genicam;

use super::Exit;
use super::examples;
use super::options::{Size, one_of};

/// Reprojection error in pixels above which a calibration should be repeated.
const ERROR_PX_MAX: f64 = 0.5;

/// Write a camera file from calibrations of OpenCV, ROS or Kalibr (docs/station/cameras.md describes how to calibrate
/// with a printed board).
#[derive(Args)]
#[command(after_long_help = examples::CALIBRATE_CAMERA)]
pub struct Arguments {
    /// Calibration of the colour imager: OpenCV's .yml or .json, ROS's camera_info .yaml, or Kalibr's camchain .yaml
    #[arg(long, value_name = "FILE", required_unless_present = "genicam", conflicts_with = "genicam")]
    colour: Option<PathBuf>,
    /// GenICam camera that says itself what lens its range images have, by its serial number, address or name; its Scan3d
    /// features are read
    #[arg(long, value_name = "CAMERA")]
    genicam: Option<String>,
    /// Calibration of the depth imager; leave it out if the camera registers depth to colour itself
    #[arg(long, value_name = "FILE", requires = "extrinsics")]
    depth: Option<PathBuf>,
    /// Extrinsics between depth and colour: OpenCV's R and T (metres), a RealSense node's extrinsics, or Kalibr's
    /// camchain
    #[arg(long, value_name = "FILE", requires = "depth")]
    extrinsics: Option<PathBuf>,
    /// Imager that is camera 1 of OpenCV's R and T, which transform its points into those of camera 2; depth if left
    /// out and the file does not tell
    #[arg(long, value_name = "IMAGER", value_parser = one_of::<Imager>(Imager::WORDS))]
    camera_1: Option<Imager>,
    /// Name of the colour imager in Kalibr's camchain, such as cam1, if no rostopic tells
    #[arg(long, value_name = "NAME")]
    colour_camera: Option<String>,
    /// Name of the depth imager in Kalibr's camchain, such as cam0, if no rostopic tells
    #[arg(long, value_name = "NAME", requires = "depth")]
    depth_camera: Option<String>,
    /// Metres per step of the depth image
    #[arg(long, value_name = "METRES", default_value_t = 0.001)]
    depth_unit_m: f64,
    /// Metres added to every depth, such as a Kinect v2's depthShift
    #[arg(long, value_name = "METRES", default_value_t = 0.0, allow_negative_numbers = true)]
    depth_offset_m: f64,
    /// Size of the colour image, if its file does not contain it
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    colour_size: Option<Size>,
    /// Size of the depth image, if its file does not contain it
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    depth_size: Option<Size>,
    /// Image whose pixels the frames have: colour, to which depth is registered, or depth, at whose points colour is
    /// sampled
    #[arg(long, default_value = "colour", value_parser = one_of::<Grid>(Grid::WORDS))]
    grid: Grid,
    /// Camera file to write
    #[arg(short, long, value_name = "CAMERA")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    super::output::check(&arguments.output)?;
    match (&arguments.genicam, &arguments.colour) {
        (Some(device), _) => {
            let file = genicam::camera_file(device)?;
            file.write(&arguments.output)?;
            let Lens { width, height, fx, .. } = file.colour;
            log::info!(
                "range images of {width} x {height}, focal length {fx:.1} pixels, {} m a step",
                file.depth_unit_m
            );
            log::info!("wrote {}", arguments.output.display());
            Ok(Exit::Done)
        }
        (None, Some(colour)) => of_files(arguments, colour),
        (None, None) => bail!("give --colour with a calibration, or --genicam with a camera"),
    }
}

/// The camera file of calibrations in files.
fn of_files(arguments: &Arguments, colour: &Path) -> Result<Exit> {
    let (colour, depth) = lenses(arguments, colour)?;
    let way = match (&arguments.extrinsics, &depth) {
        (Some(path), Some(depth)) => Some(read_extrinsics(
            path,
            &ExtrinsicsRequest {
                depth: &depth.lens,
                colour: &colour.lens,
                depth_camera: arguments.depth_camera.as_deref(),
                colour_camera: arguments.colour_camera.as_deref(),
                camera_1: arguments.camera_1,
            },
        )?),
        _ => None,
    };
    let errors = [Some(&colour), depth.as_ref()].into_iter().flatten().filter_map(|lens| lens.reprojection_error_px);
    let file = CameraFile {
        depth_unit_m: arguments.depth_unit_m,
        depth_offset_m: arguments.depth_offset_m,
        grid: arguments.grid,
        colour: colour.lens,
        depth: depth.as_ref().map(|depth| depth.lens),
        depth_to_colour: way.as_ref().map(|way| way.extrinsics),
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
        None => tell_registered(&colour),
    }
    way.iter().for_each(tell_way);
    log::info!("wrote {}", arguments.output.display());
    Ok(Exit::Done)
}

/// The colour imager's intrinsics, and the depth imager's if its calibration is given.
fn lenses(arguments: &Arguments, path: &Path) -> Result<(ImportedLens, Option<ImportedLens>)> {
    let asked = |imager, size: Option<Size>, camera| LensRequest {
        imager,
        size: size.map(|Size(width, height)| (width, height)),
        camera,
        camera_1: arguments.camera_1,
    };
    let of_colour = asked(Imager::Colour, arguments.colour_size, arguments.colour_camera.as_deref());
    let colour = read_lens(path, &of_colour)?;
    let Some(depth_path) = &arguments.depth else { return Ok((colour, None)) };
    let of_depth = asked(Imager::Depth, arguments.depth_size, arguments.depth_camera.as_deref());
    let depth = read_lens(depth_path, &of_depth)?;
    check_imagers((path, &colour), (depth_path, &depth))?;
    Ok((colour, Some(depth)))
}

/// Names of the files that were read, without their folders.
fn sources(arguments: &Arguments) -> Vec<String> {
    let paths = [&arguments.colour, &arguments.depth, &arguments.extrinsics];
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = paths.into_iter().flatten().filter_map(name).collect();
    names.dedup();
    names
}

fn tell(imager: &str, calibrated: &ImportedLens) {
    let Lens { width, height, fx, fy, .. } = calibrated.lens;
    let view_deg = |side: usize, focal: f64| 2.0 * (side as f64 / 2.0 / focal).atan().to_degrees();
    let (across, down) = (view_deg(width, fx), view_deg(height, fy));
    let error = match calibrated.reprojection_error_px {
        Some(error) => format!("reprojection error {error:.2} px"),
        None => "reprojection error unknown".into(),
    };
    let part = calibrated.part.as_ref().map_or(String::new(), |part| format!(" ({part})"));
    log::info!("{imager}{part}: {width} x {height}, view {across:.0} x {down:.0} degrees, {error}");
    calibrated.doubt.iter().for_each(|doubt| log::warn!("{imager}: {doubt}"));
    if calibrated.reprojection_error_px.is_some_and(|error| error > ERROR_PX_MAX) {
        log::warn!(
            "{imager}: the reprojection error is above {ERROR_PX_MAX} px: take more pictures of the board, sharp and tilted"
        );
    }
}

/// Warns if the only calibration given is that of the depth imager.
fn tell_registered(colour: &ImportedLens) {
    log::info!("depth is assumed to be registered to colour: if it is not, give --depth and --extrinsics");
    if let Some(claim) = colour.says.iter().find(|claim| claim.imager == Imager::Depth) {
        log::warn!(
            "colour: its {} names the depth imager, which is right only if the camera registers colour to depth",
            claim.by
        );
    }
}

/// Logs where the colour imager is relative to the depth imager, for a person to compare with the camera.
fn tell_way(way: &ImportedExtrinsics) {
    let Extrinsics { rotation, .. } = way.extrinsics;
    let [x, y, z] = way.extrinsics.inverse().translation_m.map(|metres| 1000.0 * metres);
    let side = |mm: f64, less: &str, more: &str| format!("{:.1} mm {}", mm.abs(), if mm < 0.0 { less } else { more });
    let (x, y, z) = (side(x, "left of", "right of"), side(y, "above", "below"), side(z, "behind", "ahead of"));
    let turn = ((rotation[0][0] + rotation[1][1] + rotation[2][2] - 1.0) / 2.0).clamp(-1.0, 1.0).acos().to_degrees();
    log::info!("extrinsics: {}", way.told_by);
    log::info!(
        "extrinsics: in the viewing direction of the camera, the colour imager is {x}, {y} and {z} the depth imager, and rotated by {turn:.1} degrees: compare this with the camera"
    );
}
