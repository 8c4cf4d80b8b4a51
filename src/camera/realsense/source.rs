//! Frames of a running pipeline.

use std::sync::Arc;
use std::time::Duration;

use realsense_rust::frame::{ColorFrame, CompositeFrame, DepthFrame, FrameEx, ImageFrame};
use realsense_rust::kind::{Rs2Format, Rs2TimestampDomain};
use realsense_rust::pipeline::{ActivePipeline, FrameWaitError};
use realsense_rust::processing_blocks::decimation::Decimation;
use realsense_rust::processing_blocks::errors::ProcessFrameError;
use realsense_rust::processing_blocks::options::DecimationOptions;
use realsense_rust::processing_blocks::spatial_filter::SpatialFilter;
use realsense_rust::processing_blocks::temporal_filter::TemporalFilter;

use super::device::{camera_file, start};
use super::playback::Playback;
use super::settings::{Filters, Origin, Realsense};
use crate::calibration::Camera;
use crate::calibration::assembly::Assembler;
use crate::calibration::registration::Registration;
use crate::camera::device_clock::{Clock, Domain, realtime_ahead_ns};
use crate::camera::pixel_format::{FourCc, Raw, to_depth, to_rgb};
use crate::camera::{CameraError, CapturedFrame, FrameSource};
use crate::clock::monotonic_ns;

/// A filter of one frame takes milliseconds.
const FILTER_TIME_MAX: Duration = Duration::from_secs(1);

/// A device's unit is a round number, but in single precision.
const UNIT_NEAR: f32 = 1e-4;

/// A camera at work.
pub struct Source {
    pipeline: Option<ActivePipeline>,
    settings: Realsense,
    filters: Pipe,
    /// None before the first frame, where the device's own lenses are taken.
    camera: Option<Camera>,
    assembler: Assembler,
    clock: Clock,
    steps: Vec<u16>,
    rgb: Vec<u8>,
    playback: Option<Playback>,
    /// Numbers of the last frame's depth and colour.
    last: Option<[u64; 2]>,
    frames: u64,
}

/// Filters in the order they are applied.
struct Pipe {
    decimation: Option<Decimation>,
    spatial: Option<SpatialFilter>,
    temporal: Option<TemporalFilter>,
}

// SAFETY: librealsense's functions on filters and queues may be called from any thread, and these handles have one owner.
unsafe impl Send for Pipe {}

impl Source {
    pub fn open(camera: &Realsense) -> Result<Self, CameraError> {
        Ok(Self {
            filters: Pipe::new(&camera.filters).map_err(CameraError::settings)?,
            pipeline: Some(start(camera)?),
            settings: camera.clone(),
            camera: camera.camera.clone(),
            assembler: Assembler::with_registrar(camera.machine.registrar()),
            clock: Clock::default(),
            steps: Vec::new(),
            rgb: Vec::new(),
            playback: None,
            last: None,
            frames: 0,
        })
    }

    /// Makes a frame of a set, where it has both pictures of one moment, and ones that were not there before.
    fn take(&mut self, mut set: CompositeFrame, into: &mut CapturedFrame) -> Result<bool, CameraError> {
        let arrived_ns = monotonic_ns();
        let recording = matches!(self.settings.origin, Origin::Recording { .. });
        if recording && self.playback.is_none() {
            let (playback, same) = Playback::of(set);
            self.playback = Some(playback.map_err(CameraError::lost)?);
            set = same;
        }
        let (Some(depth), Some(colour)) =
            (set.frames_of_type::<DepthFrame>().pop(), set.frames_of_type::<ColorFrame>().pop())
        else {
            return Ok(false);
        };
        let numbers = [depth.frame_number(), colour.frame_number()];
        let old = self.last.is_some_and(|last| last[0] == numbers[0] || last[1] == numbers[1]);
        let apart_ms = (depth.timestamp() - colour.timestamp()).abs();
        let comparable = depth.timestamp_domain() == colour.timestamp_domain();
        if old || comparable && apart_ms * 1e6 > self.settings.pair_window_ns as f64 {
            return Ok(false);
        }
        self.last = Some(numbers);
        let (stamp_ns, domain) = (nanoseconds(colour.timestamp()), domain(colour.timestamp_domain()));
        into.captured_ns = self.clock.monotonic_ns(domain, stamp_ns, arrived_ns, realtime_ahead_ns());
        into.sequence = numbers[1];
        let depth =
            self.filters.apply(depth).map_err(|error| CameraError::lost(format!("a filter failed: {error}")))?;
        self.assemble(&depth, &colour, into)?;
        self.frames += 1;
        Ok(true)
    }

    fn assemble(
        &mut self,
        depth: &DepthFrame,
        colour: &ColorFrame,
        into: &mut CapturedFrame,
    ) -> Result<(), CameraError> {
        let format = depth.stream_profile().format();
        if format != Rs2Format::Z16 {
            return Err(CameraError::settings(format!("depth comes as {format:?} where Z16 is expected")));
        }
        let order = match colour.stream_profile().format() {
            Rs2Format::Rgb8 => FourCc(*b"RGB3"),
            Rs2Format::Bgr8 => FourCc(*b"BGR3"),
            format => {
                return Err(CameraError::settings(format!(
                    "colour comes as {format:?} where Rgb8 or Bgr8 is expected"
                )));
            }
        };
        to_depth(&raw(depth, FourCc(*b"Z16 ")), &mut self.steps).map_err(CameraError::lost)?;
        to_rgb(&raw(colour, order), &mut self.rgb).map_err(CameraError::lost)?;
        if self.frames == 0
            && let Some(camera) = &self.camera
        {
            check_unit(camera, depth)?;
        }
        let camera = match &mut self.camera {
            Some(camera) => camera,
            none => {
                let file = camera_file(depth, colour, self.settings.grid)?;
                none.insert(Camera::Lenses(Arc::new(Registration::new(file))))
            }
        };
        let rgb = (self.rgb.as_slice(), (colour.width(), colour.height()));
        let depth = (self.steps.as_slice(), (depth.width(), depth.height()));
        self.assembler
            .assemble(camera, rgb, depth, &mut into.frame)
            .map_err(|error| CameraError::settings(error.to_string()))
    }

    fn is_over(&self) -> bool {
        let once = matches!(self.settings.origin, Origin::Recording { repeat: false, .. });
        once && self.playback.as_ref().is_some_and(Playback::is_over)
    }
}

impl FrameSource for Source {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        // Looked at before: what was read last may still be on its way to the pipeline.
        let over = self.is_over();
        let Some(pipeline) = &mut self.pipeline else { return Ok(false) };
        match pipeline.wait(Some(wait.max(Duration::from_millis(1)))) {
            Ok(set) => self.take(set, into),
            Err(FrameWaitError::DidTimeoutBeforeFrameArrival) if over => {
                Err(CameraError::Ended { frames: self.frames })
            }
            Err(FrameWaitError::DidTimeoutBeforeFrameArrival) => Ok(false),
            Err(error) => Err(CameraError::lost(error)),
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // The library's threads end here, before the filters that they may still feed.
        self.pipeline.take().map(ActivePipeline::stop);
    }
}

impl Pipe {
    fn new(filters: &Filters) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("a filter cannot be made: {error}");
        let decimation = filters.decimation.map(|pixels| {
            let mut filter = Decimation::new(1).map_err(|error| failed(&error))?;
            let options = DecimationOptions { filter_magnitude: Some(pixels as f32) };
            filter.apply_options(&options).map_err(|error| failed(&error))?;
            Ok::<_, String>(filter)
        });
        let spatial = filters.spatial.then(|| SpatialFilter::new(1).map_err(|error| failed(&error)));
        let temporal = filters.temporal.then(|| TemporalFilter::new(1).map_err(|error| failed(&error)));
        Ok(Self { decimation: decimation.transpose()?, spatial: spatial.transpose()?, temporal: temporal.transpose()? })
    }

    fn apply(&mut self, mut depth: DepthFrame) -> Result<DepthFrame, ProcessFrameError> {
        if let Some(filter) = &mut self.decimation {
            filter.queue(depth)?;
            depth = filter.wait(FILTER_TIME_MAX)?;
        }
        if let Some(filter) = &mut self.spatial {
            filter.queue(depth)?;
            depth = filter.wait(FILTER_TIME_MAX)?;
        }
        if let Some(filter) = &mut self.temporal {
            filter.queue(depth)?;
            depth = filter.wait(FILTER_TIME_MAX)?;
        }
        Ok(depth)
    }
}

/// Refuses a camera file that has another depth unit than the device.
fn check_unit(camera: &Camera, depth: &DepthFrame) -> Result<(), CameraError> {
    let unit_m = camera.depth_steps_m().0 as f32;
    let device_m = depth
        .depth_units()
        .map_err(|error| CameraError::settings(format!("its depth unit cannot be read: {error}")))?;
    if (unit_m / device_m - 1.0).abs() < UNIT_NEAR {
        return Ok(());
    }
    Err(CameraError::settings(format!(
        "depth_unit_m of the camera file is {unit_m} where the camera's own is {device_m}"
    )))
}

/// A picture as the library holds it.
fn raw<K>(frame: &ImageFrame<K>, format: FourCc) -> Raw<'_> {
    let size = frame.get_data_size();
    // SAFETY: the frame's data are `size` bytes and live as long as the frame, which is borrowed meanwhile.
    let bytes = unsafe { std::slice::from_raw_parts(std::ptr::from_ref(frame.get_data()).cast::<u8>(), size) };
    Raw { format, width: frame.width(), height: frame.height(), stride: frame.stride(), bytes }
}

fn domain(found: Rs2TimestampDomain) -> Domain {
    match found {
        Rs2TimestampDomain::HardwareClock => Domain::Device,
        Rs2TimestampDomain::SystemTime | Rs2TimestampDomain::GlobalTime => Domain::Realtime,
    }
}

/// In two steps: nanoseconds since 1970 are more than an f64 has digits for.
fn nanoseconds(milliseconds: f64) -> i64 {
    milliseconds.trunc() as i64 * 1_000_000 + (milliseconds.fract() * 1e6).round() as i64
}
