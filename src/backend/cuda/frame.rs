//! Runs frames on the device: whole ones if the networks are there too, else stage by stage. The device's work of each
//! stage is captured as a graph the second time it runs, and launched as a graph from then on.

use std::time::{Duration, Instant};

use super::device::Device;
use super::error::CudaError;
use super::events::Mark;
use super::graph::FrameGraph;
use super::interpolate::NO_PLACE;
use super::networks::GpuNetworks;
use super::products::{halves, widen};
use super::resident::Resident;
use super::work::{Maps, OnGpu, Side, Work};
use crate::backend::features::XyzGroups;
use crate::backend::maps::AnomalyMaps;
use crate::model::{Architecture, Tensors};
use crate::prepare::Stride;

/// The device with everything that a frame needs on it.
pub struct Frame {
    // Fields are dropped in this order: the graphs before the memory that they use, and both before the device.
    graphs: Graphs,
    work: Work,
    device: Device,
}

#[derive(Default)]
struct Graphs {
    group: FrameGraph,
    /// A whole frame, with the networks on the GPU.
    whole: FrameGraph,
    describe: FrameGraph,
    compare: FrameGraph,
}

impl Work {
    /// Writes rgb `[3, H, W]` as the input of the networks on the GPU.
    fn write_image(&mut self, rgb: &[f32]) {
        if let Some(OnGpu { image, .. }) = &mut self.on_gpu {
            halves(rgb, rgb.len(), image.host_mut());
        }
    }
}

impl Side {
    fn write(&mut self, values: &[f32]) {
        let channels = self.channels;
        halves(values, channels, self.halves.host_mut());
    }
}

/// The input of the networks.
pub enum Input<'a> {
    /// rgb `[3, H, W]`, normalised, and cloud `[P]`.
    Host {
        rgb: &'a [f32],
        cloud: &'a [[f32; 3]],
    },
    Device(&'a Resident),
}

impl Frame {
    /// Takes every tensor out of `mappings`. With networks on the device, the graph of a frame is captured here.
    pub fn new(
        device: Device,
        architecture: &Architecture,
        stride: Stride,
        mappings: &mut Tensors,
        networks: Option<GpuNetworks>,
    ) -> Result<Self, CudaError> {
        let work = Work::new(&device, architecture, stride, mappings, networks)?;
        // Memory is allocated and filled in the shape stream, and used in both streams.
        device.synchronize()?;
        let mut frame = Self { graphs: Graphs::default(), work, device };
        if frame.work.on_gpu.is_some() {
            frame.capture()?;
        }
        Ok(frame)
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Measures all stages of frames from now on, which makes them a little slower.
    pub fn measure(&mut self) -> Result<(), CudaError> {
        self.device.synchronize()?;
        self.device.events.record_all();
        self.graphs = Graphs::default();
        if self.work.on_gpu.is_some() { self.capture() } else { Ok(()) }
    }

    pub fn weight_bytes(&self) -> usize {
        self.work.weight_bytes()
    }

    /// Runs a frame without points, so that all kernels and plans are loaded, and captures it. No later frame has to
    /// wait for either.
    fn capture(&mut self) -> Result<(), CudaError> {
        let Self { graphs, work, device, .. } = self;
        work.whole(device)?;
        device.synchronize()?;
        graphs.whole.capture(device, || work.whole(device));
        Ok(())
    }

    /// A colour image and a cloud with at least one point -> the maps, by the networks on the GPU. Returns the time of the
    /// tokens, how much longer than the tokens the groups took, and the remaining time.
    pub fn whole(&mut self, input: &Input<'_>, maps: &mut AnomalyMaps) -> Result<[Duration; 3], CudaError> {
        let start = Instant::now();
        let Self { graphs, work, device, .. } = self;
        device.events.record(Mark::Copying, &device.shape)?;
        match input {
            Input::Host { rgb, cloud } => {
                work.groups.cloud.host_mut().copy_from_slice(cloud.as_flattened());
                work.write_image(rgb);
                work.upload(device)?;
            }
            Input::Device(resident) => work.copy(device, resident)?,
        }
        graphs.whole.run(device, || work.whole(device))?;
        device.shape.synchronize()?;
        read(&work.maps, maps);
        let until = |mark| Ok::<_, CudaError>(device.events.between(Mark::Begun, mark)?.unwrap_or_default());
        let (tokens, groups) = (until(Mark::Tokens)?, until(Mark::Features)?);
        let longer = groups.saturating_sub(tokens);
        Ok([tokens, longer, start.elapsed().saturating_sub(tokens + longer)])
    }

    /// Finds the centres and neighbours of a cloud, `[P]`, with at least one point. Writes all of `out` except the
    /// features.
    pub fn group(
        &mut self,
        cloud: &[[f32; 3]],
        out: &mut XyzGroups,
        neighbours: &mut Vec<u32>,
    ) -> Result<(), CudaError> {
        let Self { graphs, work, device, .. } = self;
        work.groups.fetch(device, &mut graphs.group, cloud, out, neighbours)
    }

    /// rgb `[3, H, W]` -> tokens `[T, C_RGB]` by the networks on the GPU.
    pub fn encode_rgb(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), CudaError> {
        let Self { work, device, .. } = self;
        work.write_image(rgb);
        work.upload_image(device)?;
        work.encode_rgb(device)?;
        widen(work.tokens.halves.fetch(&device.shape)?, tokens);
        Ok(())
    }

    /// Computes the features, `[G, C_XYZ]`, of the groups that [`Self::group`] found, by the networks on the GPU.
    pub fn encode_groups(&mut self, features: &mut Vec<f32>) -> Result<(), CudaError> {
        let Self { work, device, .. } = self;
        work.encode_groups(device)?;
        widen(work.features.halves.fetch(&device.shape)?, features);
        Ok(())
    }

    /// tokens `[T, C_RGB]`, cloud `[P]` and its G groups -> the maps.
    pub fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), CudaError> {
        let Self { graphs, work, device, .. } = self;
        work.groups.cloud.host_mut().copy_from_slice(cloud.as_flattened());
        work.groups.centres.host_mut().copy_from_slice(groups.centres.as_flattened());
        work.tokens.write(tokens);
        work.features.write(&groups.features);
        graphs.describe.run(device, || work.describe(device))?;
        graphs.compare.run(device, || work.compare(device))?;
        device.shape.synchronize()?;
        read(&work.maps, maps);
        Ok(())
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // Memory is freed in the shape stream, and work in the colour stream may still use it.
        self.device.end();
    }
}

fn read(maps: &Maps, out: &mut AnomalyMaps) {
    for (map, out) in
        [(&maps.rgb, &mut out.psi_rgb), (&maps.xyz, &mut out.psi_xyz), (&maps.anomaly, &mut out.anomaly_map)]
    {
        out.clear();
        out.extend_from_slice(map.host());
    }
    out.valid.clear();
    out.valid.extend(maps.places.host().iter().map(|&place| place != NO_PLACE));
}
