//! The work of a frame on the device, from its image and cloud to the maps. The functions queue work in the device's
//! streams and wait for nothing, so that the work can be captured as graphs; the work of each function begins and ends
//! in the shape stream. All memory is allocated by [`Work::new`].

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::anomaly;
use super::buffers::Shared;
use super::device::Device;
use super::error::CudaError;
use super::events::Mark;
use super::groups::Groups;
use super::interpolate::{self, Listed, Nearest, Rows};
use super::mapping::{Compared, HiddenUnits, Mapping, Observed};
use super::module::Kernels;
use super::networks::{Described, GpuNetworks};
use super::resident::Resident;
use crate::backend::kernel_sizes::padded;
use crate::model::{Architecture, Score, Tensors};
use crate::prepare::Stride;
use crate::shapes::{P, RGB, T};

/// The networks, mappings and buffers of a frame on the device.
pub struct Work {
    pub groups: Groups,
    pixels: Pixels,
    pub tokens: Side,
    pub features: Side,
    rgb_to_xyz: Mapping,
    xyz_to_rgb: Mapping,
    hidden: HiddenUnits,
    stride: Stride,
    score: Score,
    pub maps: Maps,
    pub on_gpu: Option<OnGpu>,
}

/// The networks on the GPU, with their input image.
pub struct OnGpu {
    networks: GpuNetworks,
    /// The normalised image, halves `[3, H, W]`.
    pub image: Shared<u16>,
}

struct Pixels {
    nearest: Nearest,
    listed: Listed,
    rgb: Rows,
    xyz: Rows,
}

/// The features of one modality, tokens or groups, as halves `[n, C]`. If C is odd, a channel of zeros is added.
pub struct Side {
    pub halves: Shared<u16>,
    pub channels: usize,
}

pub struct Maps {
    /// The discrepancies of the listed pixels, in the order of the list, `[P]`.
    psi_rgb: CudaSlice<f32>,
    psi_xyz: CudaSlice<f32>,
    /// What the score makes of both, as a map, `[P]`.
    joined: CudaSlice<f32>,
    /// The maps, `[P]` each.
    pub rgb: Shared<f32>,
    pub xyz: Shared<f32>,
    pub anomaly: Shared<f32>,
    /// The place of each pixel in the list, `[P]`; below zero if the pixel has no shape feature.
    pub places: Shared<i32>,
}

impl Work {
    /// Takes every tensor out of `mappings`.
    pub fn new(
        device: &Device,
        architecture: &Architecture,
        stride: Stride,
        mappings: &mut Tensors,
        networks: Option<GpuNetworks>,
    ) -> Result<Self, CudaError> {
        let (groups, k, hidden) = (architecture.xyz.groups, architecture.xyz.group_size, architecture.hidden);
        let (c_rgb, c_xyz) = (architecture.c_rgb(), architecture.c_xyz());
        let shape = &device.shape;
        let side = |n, channels| -> Result<_, CudaError> {
            Ok(Side { halves: Shared::new(shape, n * padded(channels))?, channels })
        };
        let score = architecture.score;
        let mut mapping = |name, c_out, counts| Mapping::new(shape, name, (hidden, c_out), counts, score, mappings);
        let ranks = hidden.min(c_rgb.max(c_xyz));
        Ok(Self {
            groups: Groups::new(shape, groups, k)?,
            pixels: Pixels {
                nearest: Nearest::new(shape)?,
                listed: Listed::new(shape)?,
                rgb: Rows::of_tokens(shape)?,
                xyz: Rows::of_groups(shape)?,
            },
            tokens: side(T, c_rgb)?,
            features: side(groups, c_xyz)?,
            rgb_to_xyz: mapping("map_rgb_to_xyz", c_xyz, (T, groups))?,
            xyz_to_rgb: mapping("map_xyz_to_rgb", c_rgb, (groups, T))?,
            hidden: HiddenUnits::new(shape, hidden, ranks, score)?,
            stride,
            score,
            maps: Maps::new(shape)?,
            on_gpu: match networks {
                Some(networks) => Some(OnGpu { networks, image: Shared::new(shape, RGB * P)? }),
                None => None,
            },
        })
    }

    /// Queues the upload of the image.
    pub fn upload_image(&mut self, device: &Device) -> Result<(), CudaError> {
        self.on_gpu.as_mut().map_or(Ok(()), |on_gpu| on_gpu.image.upload(&device.shape))
    }

    /// Queues the upload of image and cloud.
    pub fn upload(&mut self, device: &Device) -> Result<(), CudaError> {
        self.groups.cloud.upload(&device.shape)?;
        self.upload_image(device)
    }

    /// Queues copies of image and cloud within the device's memory.
    pub fn copy(&mut self, device: &Device, from: &Resident) -> Result<(), CudaError> {
        device.shape.memcpy_dtod(&from.cloud.device, &mut self.groups.cloud.device)?;
        let to = self.on_gpu.as_mut().map(|on_gpu| &mut on_gpu.image.device);
        to.map_or(Ok(()), |to| Ok(device.shape.memcpy_dtod(&from.image, to)?))
    }

    /// Bytes of the weights of networks and mappings, without those in plans of TensorRT.
    pub fn weight_bytes(&self) -> usize {
        let networks = match &self.on_gpu {
            Some(OnGpu { networks: GpuNetworks::Kernels(networks), .. }) => networks.weight_bytes(),
            _ => 0,
        };
        networks + self.rgb_to_xyz.weight_bytes() + self.xyz_to_rgb.weight_bytes()
    }

    /// image -> tokens, and what the mappings derive from them ([`Described`]), by the networks on the GPU.
    pub fn encode_rgb(&mut self, device: &Device) -> Result<(), CudaError> {
        device.fork(&device.colour)?;
        self.put_rgb(device)?;
        device.join(&device.colour)
    }

    /// groups -> features, and what the mappings derive from them ([`Described`]), by the networks on the GPU.
    pub fn encode_groups(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = device;
        let Some(OnGpu { networks, .. }) = &mut self.on_gpu else { return Ok(()) };
        let (offsets, centres) = (&self.groups.offsets, &self.groups.centres.device);
        match networks {
            GpuNetworks::Kernels(networks) => {
                let features = &mut self.features.halves.device;
                networks.xyz_groups(kernels, shape, offsets, centres, features)?;
                derive((&mut self.xyz_to_rgb, &mut self.rgb_to_xyz), kernels, shape, features)
            }
            GpuNetworks::Graphs(networks) => {
                let out = described(&mut self.features, &mut self.xyz_to_rgb, &mut self.rgb_to_xyz);
                networks.xyz_groups(shape, offsets, centres, out)
            }
        }
    }

    fn put_rgb(&mut self, Device { colour, kernels, events, .. }: &Device) -> Result<(), CudaError> {
        let Some(OnGpu { networks, image }) = &mut self.on_gpu else { return Ok(()) };
        match networks {
            GpuNetworks::Kernels(networks) => {
                let tokens = &mut self.tokens.halves.device;
                networks.rgb_tokens(kernels, colour, &image.device, tokens)?;
                derive((&mut self.rgb_to_xyz, &mut self.xyz_to_rgb), kernels, colour, tokens)?;
            }
            GpuNetworks::Graphs(networks) => {
                let out = described(&mut self.tokens, &mut self.rgb_to_xyz, &mut self.xyz_to_rgb);
                networks.rgb_tokens(colour, &image.device, out)?;
            }
        }
        events.record(Mark::Tokens, colour)
    }

    /// image, cloud, both on the device -> all inputs of [`Self::compare`], with colour and shape side by side.
    fn encode(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { shape, events, .. } = device;
        events.record(Mark::Begun, shape)?;
        device.fork(&device.colour)?;
        self.put_rgb(device)?;
        self.groups.find_centres(device)?;
        // It needs the centres only, so it runs beside the network.
        self.locate(device)?;
        self.groups.find_neighbours(device)?;
        self.encode_groups(device)?;
        events.record(Mark::Features, shape)?;
        device.join(&device.pixels)?;
        device.join(&device.colour)
    }

    /// tokens, features, cloud and centres on the host -> all inputs of [`Self::compare`].
    pub fn describe(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { colour, shape, kernels, .. } = device;
        device.fork(colour)?;
        self.tokens.halves.upload(colour)?;
        let tokens = &self.tokens.halves.device;
        derive((&mut self.rgb_to_xyz, &mut self.xyz_to_rgb), kernels, colour, tokens)?;
        self.groups.cloud.upload(shape)?;
        self.groups.centres.upload(shape)?;
        self.locate(device)?;
        self.features.halves.upload(shape)?;
        let features = &self.features.halves.device;
        derive((&mut self.xyz_to_rgb, &mut self.rgb_to_xyz), kernels, shape, features)?;
        device.join(&device.pixels)?;
        device.join(colour)
    }

    /// Finds the pixels that have a shape feature, and the tokens and groups that each of them is interpolated from, in
    /// a stream of its own, once the shape stream has the cloud and the centres.
    fn locate(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { pixels: stream, kernels, events, .. } = device;
        let Pixels { nearest, listed, rgb, xyz } = &mut self.pixels;
        let (cloud, centres) = (&self.groups.cloud.device, &self.groups.centres.device);
        device.fork(stream)?;
        events.record(Mark::Locating, stream)?;
        interpolate::three_nearest(kernels, stream, cloud, centres, nearest)?;
        interpolate::valid_pixels(kernels, stream, cloud, self.stride, (listed, &mut self.maps.places.device))?;
        interpolate::xyz_rows(kernels, stream, nearest, listed, xyz)?;
        interpolate::rgb_rows(kernels, stream, listed, rgb)?;
        events.record(Mark::Located, stream)
    }

    /// Computes a whole frame from its image and cloud, both on the device, with the networks on the GPU.
    pub fn whole(&mut self, device: &Device) -> Result<(), CudaError> {
        self.encode(device)?;
        self.compare(device)
    }

    /// Computes both discrepancies and the smoothed map of both, and downloads the maps.
    pub fn compare(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { shape, kernels, events, .. } = device;
        let (Pixels { listed, rgb, xyz, .. }, hidden, maps) = (&self.pixels, &mut self.hidden, &mut self.maps);
        let count = &listed.count;
        let [of_rgb, of_xyz] = [(&self.tokens, rgb), (&self.features, xyz)]
            .map(|(side, rows)| Compared { features: &side.halves.device, rows });
        events.record(Mark::Joined, shape)?;
        for (mapping, from, to, psi) in
            [(&self.rgb_to_xyz, rgb, of_xyz, &mut maps.psi_xyz), (&self.xyz_to_rgb, xyz, of_rgb, &mut maps.psi_rgb)]
        {
            mapping.first_units(kernels, shape, from, count, hidden)?;
            mapping.discrepancy(kernels, shape, to, count, hidden, psi)?;
        }
        events.record(Mark::Mapped, shape)?;
        let Maps { psi_rgb, psi_xyz, joined, rgb, xyz, anomaly, places } = maps;
        let into = [&mut rgb.device, &mut xyz.device, &mut *joined];
        anomaly::joined(kernels, shape, self.score, (psi_rgb, psi_xyz), &places.device, into)?;
        anomaly::smooth(kernels, shape, joined, &mut anomaly.device)?;
        events.record(Mark::Smoothed, shape)?;
        [rgb, xyz, anomaly].into_iter().try_for_each(|map| map.download(shape))?;
        places.download(shape)?;
        events.record(Mark::Downloaded, shape)
    }
}

impl Maps {
    fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self {
            psi_rgb: stream.alloc_zeros(P)?,
            psi_xyz: stream.alloc_zeros(P)?,
            joined: stream.alloc_zeros(P)?,
            rgb: Shared::new(stream, P)?,
            xyz: Shared::new(stream, P)?,
            anomaly: Shared::new(stream, P)?,
            places: Shared::new(stream, P)?,
        })
    }
}

/// The buffers that a network writes for one modality: its features, the first layer of the mapping `from` it, and the
/// terms by which the predictions of the mapping `to` it are compared with the features.
fn described<'a>(side: &'a mut Side, from: &'a mut Mapping, to: &'a mut Mapping) -> Described<'a> {
    let Observed { projected, offset, gram, .. } = to.observed();
    Described { features: &mut side.halves.device, moved: &mut from.predicted.moved, projected, offset, gram }
}

/// Computes what the mappings read of one modality by their own products, from its features.
fn derive(
    (from, to): (&mut Mapping, &mut Mapping),
    kernels: &Kernels,
    stream: &CudaStream,
    features: &CudaSlice<u16>,
) -> Result<(), CudaError> {
    from.predict(kernels, stream, features)?;
    to.observe(kernels, stream, features)
}
