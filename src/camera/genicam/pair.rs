//! Two devices, one of colour and one of depth, as the nodes of one camera.

use std::time::Duration;

use super::colour;
use super::coordinates::to_steps;
use super::device::{self, Came, Streaming};
use super::pixel_format::{Colour, Content, Depth, PixelFormat};
use super::scan3d::Axis;
use super::settings::{self, Genicam};
use crate::calibration::Camera;
use crate::camera::nodes::{Node, NodePair, Pairing, Taken};
use crate::camera::pixel_format::{FourCc, Raw};
use crate::camera::{CameraError, StreamStatistics};

/// Opens both devices.
pub fn open(camera: &Genicam, depth: &settings::Device, lenses: &Camera) -> Result<NodePair, CameraError> {
    let colour = DeviceNode::open(&camera.device, camera, false)?;
    let depth = DeviceNode::open(depth, camera, true)?;
    let pairing = Pairing {
        camera: lenses.clone(),
        window_ns: camera.composition.window_ns,
        silent_ns_max: camera.silent_ns_max,
        machine: camera.composition.machine,
    };
    Ok(NodePair::new(Box::new(colour), Box::new(depth), pairing))
}

struct DeviceNode {
    streaming: Streaming,
    /// How distances are stored; none for the device of colour.
    depth: Option<Axis>,
    rgb: Vec<u8>,
    steps: Vec<u16>,
    bytes: Vec<u8>,
}

impl DeviceNode {
    fn open(asked: &settings::Device, camera: &Genicam, is_depth: bool) -> Result<Self, CameraError> {
        let device = device::open(asked)?;
        let depth = is_depth.then(|| device.scan3d(false).map(|scan3d| scan3d.axes[2])).transpose()?;
        let streaming = device.start(&camera.transport)?;
        Ok(Self { streaming, depth, rgb: Vec::new(), steps: Vec::new(), bytes: Vec::new() })
    }
}

impl Node for DeviceNode {
    fn name(&self) -> &str {
        self.streaming.name()
    }

    fn next(&mut self, wait: Duration, take: &mut dyn FnMut(Taken, Raw)) -> Result<bool, CameraError> {
        let Self { streaming, depth, rgb, steps, bytes } = self;
        let came = streaming.next(wait, &mut |arrived, raw| {
            let Raw { width, height, .. } = *raw;
            let (format, size, bytes) = match depth {
                Some(axis) => (FourCc(*b"Z16 "), 2, as_steps(raw, axis, steps, bytes)?),
                None => (FourCc(*b"RGB3"), 3, as_rgb(raw, rgb)?),
            };
            take(arrived.taken, Raw { format, width, height, stride: size * width, bytes });
            Ok(())
        })?;
        let Some(Came { taken, .. }) = came else { return Ok(false) };
        taken.map_err(|error| CameraError::settings(format!("{}: {error}", streaming.name())))?;
        Ok(true)
    }

    fn stream_statistics(&self) -> StreamStatistics {
        self.streaming.stream_statistics()
    }
}

fn as_rgb<'a>(raw: &Raw<PixelFormat>, rgb: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
    let Content::Colour(coding) = raw.format.content()? else {
        return Err(format!("{} has no colour: are camera.genicam.device and depth_device swapped?", raw.format));
    };
    colour::to_rgb(coding, raw, rgb)?;
    Ok(rgb)
}

/// Steps as bytes, 0 where there is none.
fn as_steps<'a>(
    raw: &Raw<PixelFormat>,
    axis: &Axis,
    steps: &mut Vec<u16>,
    bytes: &'a mut Vec<u8>,
) -> Result<&'a [u8], String> {
    match raw.format.content()? {
        Content::Depth(Depth::C16) | Content::Colour(Colour::Mono(16)) => {}
        _ => {
            return Err(format!(
                "{} comes from camera.genicam.depth_device where Coord3D_C16 or Mono16 is expected: are the two devices swapped?",
                raw.format
            ));
        }
    }
    to_steps(raw, axis, steps)?;
    bytes.clear();
    bytes.extend(steps.iter().flat_map(|step| step.to_le_bytes()));
    Ok(bytes)
}
