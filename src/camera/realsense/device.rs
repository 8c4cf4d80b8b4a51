//! A device or a recording: chooses its streams, sets its controls, reads its lenses.

use std::collections::HashSet;

use realsense_rust::base::Rs2Intrinsics;
use realsense_rust::config::{Config, ConfigurationError};
use realsense_rust::context::Context;
use realsense_rust::device::Device;
use realsense_rust::frame::{ColorFrame, DepthFrame, FrameEx};
use realsense_rust::kind::{Rs2CameraInfo, Rs2DistortionModel, Rs2Format, Rs2Option, Rs2StreamKind};
use realsense_rust::pipeline::{ActivePipeline, InactivePipeline};
use realsense_rust::sensor::Sensor;

use super::settings::{Controls, Origin, Realsense};
use crate::calibration::Lens;
use crate::calibration::camera_file::{CameraFile, Extrinsics, Grid, Provenance};
use crate::calibration::distortion::{Distortion, of_five};
use crate::camera::CameraError;

/// Starts the streams that are asked for.
pub fn start(camera: &Realsense) -> Result<ActivePipeline, CameraError> {
    let context =
        Context::new().map_err(|error| CameraError::settings(format!("librealsense does not start: {error}")))?;
    if let Origin::Device(serial) = &camera.origin {
        find(&context, serial.as_deref())?;
    }
    let idle = InactivePipeline::try_from(&context).map_err(CameraError::lost)?;
    let Some(profile) = idle.resolve(&config(camera)?) else { return Err(unresolved(camera, &context)) };
    if matches!(camera.origin, Origin::Device(_)) {
        set_controls(&mut profile.device().sensors(), &camera.controls)?;
    }
    drop(profile);
    idle.start(Some(config(camera)?)).map_err(CameraError::lost)
}

/// Resets a device. The library forgets it, and it comes back as a new one.
pub fn reset(serial: Option<&str>) -> Result<(), CameraError> {
    let context =
        Context::new().map_err(|error| CameraError::settings(format!("librealsense does not start: {error}")))?;
    find(&context, serial)?.hardware_reset();
    Ok(())
}

/// The device that is asked for, or an error that lists the devices that are connected.
fn find(context: &Context, serial: Option<&str>) -> Result<Device, CameraError> {
    let mut devices = context.query_devices(HashSet::new());
    let names: Vec<String> = devices.iter().map(shown).collect();
    let asked = |device: &Device| {
        serial.is_none_or(|serial| info(device, Rs2CameraInfo::SerialNumber).is_some_and(|found| found == serial))
    };
    let reason = match (serial, devices.iter().position(asked)) {
        (None, Some(_)) if devices.len() > 1 => {
            return Err(CameraError::settings(format!(
                "there are {} cameras, {}: name one with camera.realsense.serial",
                names.len(),
                names.join(", ")
            )));
        }
        (_, Some(at)) => return Ok(devices.swap_remove(at)),
        (Some(serial), None) if !devices.is_empty() => {
            format!("no camera has the serial number {serial}; there are: {}", names.join(", "))
        }
        (_, None) => {
            "no RealSense camera is there: check its cable, its power and the udev rules of librealsense".into()
        }
    };
    Err(CameraError::lost(reason))
}

fn shown(device: &Device) -> String {
    let of = |what| info(device, what).unwrap_or_else(|| "unknown".into());
    format!("{} ({})", of(Rs2CameraInfo::SerialNumber), of(Rs2CameraInfo::Name))
}

fn info(device: &Device, what: Rs2CameraInfo) -> Option<String> {
    device.info(what).map(|text| text.to_string_lossy().into_owned())
}

/// The request for streams. The library consumes it, so that it is made for each call.
fn config(camera: &Realsense) -> Result<Config, CameraError> {
    let mut config = Config::new();
    let refused =
        |error: ConfigurationError| CameraError::settings(format!("librealsense refuses the streams: {error}"));
    let formats = match &camera.origin {
        Origin::Device(serial) => {
            if let Some(serial) = serial {
                let serial = std::ffi::CString::new(serial.as_str());
                let serial = serial.map_err(|_| CameraError::settings("camera.realsense.serial has a zero in it"))?;
                config.enable_device_from_serial(&serial).map_err(refused)?;
            }
            [Rs2Format::Z16, Rs2Format::Rgb8]
        }
        Origin::Recording { path, repeat } => {
            if !path.is_file() {
                return Err(CameraError::settings(format!("the recording {} is no file", path.display())));
            }
            config.enable_device_from_file(path, *repeat).map_err(|error| {
                CameraError::settings(format!("the recording {} cannot be opened: {error}", path.display()))
            })?;
            [Rs2Format::Any, Rs2Format::Any]
        }
    };
    let kinds = [(Rs2StreamKind::Depth, camera.depth), (Rs2StreamKind::Color, camera.colour)];
    for ((kind, (width, height)), format) in kinds.into_iter().zip(formats) {
        let rate = camera.frame_rate_hz as usize;
        config.enable_stream(kind, None, width as usize, height as usize, format, rate).map_err(refused)?;
    }
    Ok(config)
}

/// The error that names the streams that were asked for and those that the device has.
fn unresolved(camera: &Realsense, context: &Context) -> CameraError {
    let wanted =
        |(width, height)| if (width, height) == (0, 0) { "any size".into() } else { format!("{width} x {height}") };
    let rate = if camera.frame_rate_hz == 0 { "any rate".into() } else { format!("{} Hz", camera.frame_rate_hz) };
    let asked = format!("depth of {} and colour of {} at {rate}", wanted(camera.depth), wanted(camera.colour));
    let Origin::Device(serial) = &camera.origin else {
        return CameraError::settings(format!(
            "the recording does not have {asked}: leave sizes and rate out, or record it so"
        ));
    };
    let devices = context.query_devices(HashSet::new());
    let ours =
        |device: &&Device| serial.is_none() || info(device, Rs2CameraInfo::SerialNumber).as_ref() == serial.as_ref();
    let offered: Vec<String> = devices.iter().filter(ours).flat_map(offers).collect();
    CameraError::settings(format!("it does not have {asked} together; it has {}", offered.join(", ")))
}

/// Depth and colour streams of a device, each size once with its highest rate.
fn offers(device: &Device) -> Vec<String> {
    let mut found: Vec<(String, usize, usize, i32)> = Vec::new();
    for profile in device.sensors().iter().flat_map(Sensor::stream_profiles) {
        let kind = match (profile.kind(), profile.format()) {
            (Rs2StreamKind::Depth, Rs2Format::Z16) => "depth",
            (Rs2StreamKind::Color, Rs2Format::Rgb8) => "colour",
            _ => continue,
        };
        let Ok(lens) = profile.intrinsics() else { continue };
        let (width, height, rate) = (lens.width(), lens.height(), profile.framerate());
        match found.iter_mut().find(|(k, w, h, _)| (k.as_str(), *w, *h) == (kind, width, height)) {
            Some((.., most)) => *most = rate.max(*most),
            None => found.push((kind.into(), width, height, rate)),
        }
    }
    found.into_iter().map(|(kind, width, height, rate)| format!("{kind} {width} x {height} to {rate} Hz")).collect()
}

/// The preset first: it changes the others.
fn set_controls(sensors: &mut [Sensor], controls: &Controls) -> Result<(), CameraError> {
    use Rs2Option::{EnableAutoExposure, Exposure, LaserPower, VisualPreset};
    use Rs2StreamKind::{Color, Depth};

    let preset = controls.preset.map(|preset| preset.number());
    let automatic = |exposure: Option<f32>| exposure.map(|_| 0.0);
    for (name, kind, option, value) in [
        ("preset", Depth, VisualPreset, preset),
        ("laser_power", Depth, LaserPower, controls.laser_power),
        ("depth_exposure", Depth, EnableAutoExposure, automatic(controls.depth_exposure)),
        ("depth_exposure", Depth, Exposure, controls.depth_exposure),
        ("colour_exposure", Color, EnableAutoExposure, automatic(controls.colour_exposure)),
        ("colour_exposure", Color, Exposure, controls.colour_exposure),
    ] {
        let Some(value) = value else { continue };
        let gives = |sensor: &&mut Sensor| sensor.stream_profiles().iter().any(|profile| profile.kind() == kind);
        let sensor = sensors.iter_mut().find(gives).filter(|sensor| sensor.supports_option(option));
        let Some(sensor) = sensor else {
            return Err(CameraError::settings(format!("it has no control for camera.realsense.{name}: leave it out")));
        };
        if let Some(range) = sensor.get_option_range(option)
            && !(range.min..=range.max).contains(&value)
        {
            let (from, to, step) = (range.min, range.max, range.step);
            return Err(CameraError::settings(format!(
                "camera.realsense.{name} is {value} where {from} to {to} in steps of {step} is the device's range"
            )));
        }
        sensor
            .set_option(option, value)
            .map_err(|error| CameraError::settings(format!("camera.realsense.{name} cannot be set: {error}")))?;
    }
    Ok(())
}

/// The camera file of the streams that two frames are of.
pub fn camera_file(depth: &DepthFrame, colour: &ColorFrame, grid: Grid) -> Result<CameraFile, CameraError> {
    let (of_depth, of_colour) = (depth.stream_profile(), colour.stream_profile());
    let unread =
        |error: &dyn std::fmt::Display| CameraError::settings(format!("its calibration cannot be read: {error}"));
    let way = of_depth.extrinsics(of_colour).map_err(|error| unread(&error))?;
    let columns = way.rotation().map(f64::from);
    let device = depth.sensor().ok().and_then(|sensor| sensor.device().ok());
    let of_device = |what| device.as_ref().and_then(|device| info(device, what));
    let file = CameraFile {
        depth_unit_m: depth.depth_units().map_err(|error| unread(&error))?.into(),
        depth_offset_m: 0.0,
        grid,
        colour: lens(&of_colour.intrinsics().map_err(|error| unread(&error))?)?,
        depth: Some(lens(&of_depth.intrinsics().map_err(|error| unread(&error))?)?),
        depth_to_colour: Some(Extrinsics {
            rotation: [0, 1, 2].map(|row| [0, 1, 2].map(|column| columns[3 * column + row])),
            translation_m: way.translation().map(f64::from),
        }),
        provenance: Some(Provenance {
            source: of_device(Rs2CameraInfo::Name).unwrap_or_else(|| "RealSense".into()),
            serial: of_device(Rs2CameraInfo::SerialNumber),
            reprojection_error_px: None,
        }),
    };
    file.check().map_err(|reason| CameraError::settings(format!("its own calibration is none: {reason}")))
}

fn lens(found: &Rs2Intrinsics) -> Result<Lens, CameraError> {
    let model = found.distortion();
    let distortion = match model.model {
        Rs2DistortionModel::None => Distortion::None,
        Rs2DistortionModel::BrownConrady => Distortion::BrownConrady,
        Rs2DistortionModel::BrownConradyModified => Distortion::ModifiedBrownConrady,
        Rs2DistortionModel::BrownConradyInverse => Distortion::InverseBrownConrady,
        other => {
            return Err(CameraError::settings(format!(
                "its lens has the distortion {other:?}, which is not supported"
            )));
        }
    };
    Ok(Lens {
        width: found.width(),
        height: found.height(),
        fx: found.fx().into(),
        fy: found.fy().into(),
        cx: found.ppx().into(),
        cy: found.ppy().into(),
        distortion,
        coefficients: of_five(model.coeffs.map(f64::from)),
    })
}
