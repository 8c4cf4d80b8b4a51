//! The camera that `[camera]` of a configuration describes.

use crate::backend::{Choice, Machine};
use crate::calibration::{self, CalibrationError};
use crate::camera::genicam::composition::Composition;
use crate::camera::genicam::lines::Joining;
use crate::camera::genicam::{self, Genicam, Transport};
use crate::camera::nodes::{Pairing, Wanted};
use crate::camera::pixel_format::FourCc;
use crate::camera::realsense::{self, Controls, Filters, Origin, Realsense};
use crate::camera::replay::{Playback, Rate, Replay};
use crate::camera::supervisor::Patience;
use crate::camera::synthetic::{Conveyor, FRAMES_MAX, Synthetic};
use crate::camera::{CameraError, FrameSource, Opener, v4l};
use crate::config::camera::{Camera, CameraSource, V4l};
use crate::config::{self, ns_from_ms};
use crate::dataset::{self, Reading};
use crate::scene::Part;

/// How long a silent or lost camera is waited for, by a configuration that was checked.
pub fn patience(camera: &Camera) -> Patience {
    Patience {
        frame_timeout_ms: camera.frame_timeout_ms as u64,
        reopens: camera.reopen_count_max,
        reopen_delay_ms: camera.reopen_delay_ms as u64,
        reset_after: camera.reset_after_reopens,
        reset_wait_ms: camera.reset_wait_ms as u64,
    }
}

/// Opens the camera of a configuration that was checked; the machine of `choice` registers its depth images. Files
/// that the configuration names are read at once.
pub fn opener(camera: &Camera, choice: Choice) -> Result<Opener, CalibrationError> {
    let machine = choice.machine();
    match (camera.source, &camera.replay, &camera.v4l) {
        (CameraSource::Replay, Some(replay), _) => {
            let playback = playback(replay)?;
            Ok(Opener::new(move || opened(Replay::open(&playback)?)))
        }
        (CameraSource::V4l, _, Some(nodes)) => {
            let lenses = calibration::Camera::read(&nodes.camera_file)?;
            let sides = |(width, height): (u32, u32)| (width as usize, height as usize);
            lenses.check_sizes(sides((nodes.width, nodes.height)), sides(nodes.depth_size()))?;
            Ok(v4l(nodes, lenses, camera.frame_timeout_ms, machine))
        }
        (CameraSource::Realsense, ..) => {
            let camera = realsense(&camera.realsense.clone().unwrap_or_default(), machine)?;
            let opened = camera.clone();
            let opener = Opener::new(move || realsense::open(&opened));
            Ok(match camera.origin {
                Origin::Device(serial) => opener.with_reset(move || realsense::reset(serial.as_deref())),
                Origin::Recording { .. } => opener,
            })
        }
        (CameraSource::Genicam, ..) => {
            let options = camera.genicam.clone().unwrap_or_default();
            let camera = genicam(&options, camera.frame_timeout_ms, machine)?;
            Ok(Opener::new(move || genicam::open(&camera)))
        }
        _ => {
            let options = camera.synthetic.clone().unwrap_or_default();
            let belt = Conveyor {
                part: options.part.parse().unwrap_or(Part::ALL[0]),
                seed: options.seed,
                speed_m_per_s: options.belt_m_per_s,
                pitch_m: options.pitch_m,
                defect_share: options.defect_share,
                frame_rate_hz: options.frame_rate_hz,
                surroundings: options.surroundings(),
                frames_max: FRAMES_MAX,
                as_asked: false,
            };
            Ok(Opener::new(move || opened(Synthetic::open(&belt)?)))
        }
    }
}

/// What `[camera.replay]` of a configuration that was checked plays.
pub fn playback(replay: &config::camera::Replay) -> Result<Playback, CalibrationError> {
    Ok(Playback {
        folder: replay.folder.clone(),
        rate: replay.frame_rate_hz.map_or(Rate::Recorded, Rate::PerSecond),
        repeat: replay.repeat,
        reading: Reading {
            camera: replay.camera_file.as_deref().map(calibration::Camera::read).transpose()?,
            cloud_unit_m: dataset::metres_of(&replay.cloud_unit).unwrap_or(1.0),
            no_point: replay.no_point,
        },
    })
}

fn v4l(nodes: &V4l, camera: calibration::Camera, frame_timeout_ms: f64, machine: Machine) -> Opener {
    let pairing = Pairing {
        camera,
        window_ns: ns_from_ms(nodes.pair_window_ms),
        silent_ns_max: ns_from_ms(frame_timeout_ms),
        machine,
    };
    let frame_rate_hz = nodes.frame_rate_hz;
    let format = nodes.colour_format.as_deref().and_then(|name| name.as_bytes().try_into().ok()).map(FourCc);
    let colour = Wanted { path: nodes.colour.clone(), size: (nodes.width, nodes.height), format, frame_rate_hz };
    let (width, height) = nodes.depth_size();
    let depth = Wanted { path: nodes.depth.clone(), size: (width, height), format: None, frame_rate_hz };
    Opener::new(move || opened(v4l::open(&colour, &depth, pairing.clone())?))
}

fn realsense(options: &config::realsense::Realsense, machine: Machine) -> Result<Realsense, CalibrationError> {
    let size = |side: Option<[u32; 2]>| side.map_or((0, 0), |[width, height]| (width, height));
    Ok(Realsense {
        origin: match &options.recording {
            Some(path) => Origin::Recording { path: path.clone(), repeat: options.repeat },
            None => Origin::Device(options.serial.clone()),
        },
        colour: size(options.colour),
        depth: size(options.depth),
        frame_rate_hz: options.frame_rate_hz.unwrap_or(0),
        grid: options.grid,
        camera: options.camera_file.as_deref().map(calibration::Camera::read).transpose()?,
        controls: Controls {
            preset: options.preset.as_deref().and_then(|preset| preset.parse().ok()),
            laser_power: options.laser_power,
            depth_exposure: options.depth_exposure,
            colour_exposure: options.colour_exposure,
        },
        filters: Filters {
            decimation: options.decimation,
            spatial: options.spatial_filter,
            temporal: options.temporal_filter,
        },
        pair_window_ns: ns_from_ms(options.pair_window_ms),
        machine,
    })
}

fn genicam(
    options: &config::genicam::Genicam,
    frame_timeout_ms: f64,
    machine: Machine,
) -> Result<Genicam, CalibrationError> {
    let microseconds = |milliseconds: f64| (1e3 * milliseconds) as u32;
    let joining =
        |(rows, pitch_mm): (usize, f64)| Joining { rows, overlap: options.overlap_rows, pitch_m: 1e-3 * pitch_mm };
    let depth_device = options.depth_device.clone().map(|name| genicam::Device {
        name: Some(name),
        features: options.depth_features.clone(),
        section: "camera.genicam.depth_features",
        trigger_count: None,
    });
    Ok(Genicam {
        device: genicam::Device {
            name: options.device.clone(),
            features: options.features.clone(),
            section: "camera.genicam.features",
            trigger_count: options.trigger_count.clone(),
        },
        depth_device,
        composition: Composition {
            camera: options.camera_file.as_deref().map(calibration::Camera::read).transpose()?,
            window_ns: ns_from_ms(options.pair_window_ms),
            confidence_min: options.confidence_min,
            zero_plane_m: options.zero_plane_m,
            lines: options.rows.zip(options.pitch_mm).map(joining),
            machine,
        },
        transport: Transport {
            packet_size: options.packet_size,
            resend: options.resend,
            packet_timeout_us: microseconds(options.packet_timeout_ms),
            frame_retention_us: microseconds(options.frame_retention_ms),
            heartbeat_ms: options.heartbeat_ms,
        },
        silent_ns_max: ns_from_ms(frame_timeout_ms),
    })
}

fn opened(source: impl FrameSource + 'static) -> Result<Box<dyn FrameSource>, CameraError> {
    Ok(Box::new(source))
}
