//! A frame's work on the device, from its image and cloud to the maps. Its parts put work into the device's streams and
//! wait for nothing, so that they can be recorded; each begins and ends in the stream of shape. All memory is taken when
//! it is made.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::CudaError;
use super::anomaly;
use super::buffers::Shared;
use super::device::Device;
use super::grouping::{self, NEIGHBOURS_MAX, SAMPLE_BLOCKS};
use super::interpolate::{self, Listed, Nearest, Rows};
use super::mapping::{HiddenUnits, Mapping, paired};
use super::networks::{self, Described, Networks, Tail};
use super::recording::Marks;
use crate::model::{Architecture, Tensors};
use crate::shapes::{P, RGB, T, TAIL_PIXELS, XYZ};

/// What a frame needs on the device.
pub struct Work {
    pub cloud: Shared<f32>,
    pub groups: Groups,
    pixels: Pixels,
    pub tokens: Side,
    pub features: Side,
    rgb_to_xyz: Mapping,
    xyz_to_rgb: Mapping,
    hidden: HiddenUnits,
    pub maps: Maps,
    pub on_gpu: Option<OnGpu>,
}

/// The networks on the GPU, and what they take.
pub struct OnGpu {
    networks: Box<dyn Networks>,
    /// Halves `[3, H, W]`.
    pub image: Shared<u16>,
    pub marks: Marks,
}

pub struct Groups {
    /// `[P, 3]`, of which the first N.
    points: CudaSlice<f32>,
    count: CudaSlice<i32>,
    /// `[G, SAMPLE_BLOCKS]`.
    candidates: CudaSlice<u64>,
    pub centre_index: Shared<i32>,
    pub centres: Shared<f32>,
    /// `[G, K]` and `[G, K, 3]`.
    pub neighbours: Shared<i32>,
    offsets: CudaSlice<u16>,
}

struct Pixels {
    nearest: Nearest,
    listed: Listed,
    rgb: Rows,
    xyz: Rows,
}

/// Tokens or groups as halves, `[n, C]`, C even.
pub struct Side {
    pub halves: Shared<u16>,
    pub channels: usize,
}

pub struct Maps {
    /// Of the listed pixels.
    psi_rgb: CudaSlice<f32>,
    psi_xyz: CudaSlice<f32>,
    product: CudaSlice<f32>,
    /// `[P]`.
    pub rgb: Shared<f32>,
    pub xyz: Shared<f32>,
    pub anomaly: Shared<f32>,
    /// `[P]`, below zero where a pixel has no shape feature.
    pub places: Shared<i32>,
}

impl Work {
    /// Takes every tensor out of `mappings`.
    pub fn new(
        device: &Device,
        architecture: &Architecture,
        mappings: &mut Tensors,
        networks: Option<Box<dyn Networks>>,
    ) -> Result<Self, CudaError> {
        let (groups, k, hidden) = (architecture.xyz.groups, architecture.xyz.group_size, architecture.hidden);
        if k > NEIGHBOURS_MAX {
            return Err(CudaError::GroupSize { k, k_max: NEIGHBOURS_MAX });
        }
        let (c_rgb, c_xyz) = (architecture.c_rgb(), architecture.c_xyz());
        let shape = &device.shape;
        let side = |n, channels| -> Result<_, CudaError> {
            Ok(Side { halves: Shared::new(shape, n * paired(channels))?, channels })
        };
        let mut mapping = |name, c_out, counts| Mapping::new(shape, name, (hidden, c_out), counts, mappings);
        let ranks = hidden.min(c_rgb.max(c_xyz));
        Ok(Self {
            cloud: Shared::new(shape, P * XYZ)?,
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
            hidden: HiddenUnits::new(shape, hidden, ranks)?,
            maps: Maps::new(shape)?,
            on_gpu: match networks {
                Some(networks) => {
                    Some(OnGpu { networks, image: Shared::new(shape, RGB * P)?, marks: Marks::new(&device.context)? })
                }
                None => None,
            },
        })
    }

    /// cloud -> its groups.
    pub fn group(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = device;
        let Groups { points, count, candidates, centre_index, centres, neighbours, offsets } = &mut self.groups;
        self.cloud.upload(shape)?;
        grouping::valid_points(kernels, shape, &self.cloud.device, points, count)?;
        shape.memset_zeros(candidates)?;
        let points = (&*points, &*count);
        let into = (&mut centre_index.device, &mut centres.device);
        grouping::farthest_points(kernels, shape, points, candidates, into.0, into.1)?;
        grouping::nearest_points(kernels, shape, points, &centres.device, &mut neighbours.device, offsets)
    }

    /// image -> tokens, and what the mappings take of them, by the networks on the GPU.
    pub fn encode_rgb(&mut self, device: &Device) -> Result<(), CudaError> {
        device.fork()?;
        self.put_rgb(device)?;
        device.join()
    }

    /// groups -> features, and what the mappings take of them, by the networks on the GPU.
    pub fn encode_groups(&mut self, device: &Device) -> Result<(), CudaError> {
        let Some(OnGpu { networks, .. }) = &mut self.on_gpu else { return Ok(()) };
        let out = described(&mut self.features, &mut self.xyz_to_rgb, &mut self.rgb_to_xyz);
        networks.xyz_groups(&device.shape, &self.groups.offsets, &self.groups.centres.device, out)
    }

    fn put_rgb(&mut self, Device { colour, .. }: &Device) -> Result<(), CudaError> {
        let Some(OnGpu { networks, image, marks }) = &mut self.on_gpu else { return Ok(()) };
        image.upload(colour)?;
        let out = described(&mut self.tokens, &mut self.rgb_to_xyz, &mut self.xyz_to_rgb);
        networks.rgb_tokens(colour, &image.device, out)?;
        marks.tokens(colour)
    }

    /// image, cloud -> all that [`Self::compare`] takes, colour and shape side by side.
    pub fn encode(&mut self, device: &Device) -> Result<(), CudaError> {
        if let Some(OnGpu { marks, .. }) = &self.on_gpu {
            marks.begun(&device.shape)?;
        }
        device.fork()?;
        self.put_rgb(device)?;
        self.group(device)?;
        self.encode_groups(device)?;
        self.locate(device)?;
        if let Some(OnGpu { marks, .. }) = &self.on_gpu {
            marks.groups(&device.shape)?;
        }
        device.join()
    }

    /// tokens, features, cloud and centres, as the host gives them -> all that [`Self::compare`] takes.
    pub fn describe(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { colour, shape, kernels, .. } = device;
        device.fork()?;
        self.tokens.halves.upload(colour)?;
        self.rgb_to_xyz.predict(kernels, colour, &self.tokens.halves.device)?;
        self.xyz_to_rgb.observe(kernels, colour, &self.tokens.halves.device)?;
        self.features.halves.upload(shape)?;
        self.xyz_to_rgb.predict(kernels, shape, &self.features.halves.device)?;
        self.rgb_to_xyz.observe(kernels, shape, &self.features.halves.device)?;
        self.cloud.upload(shape)?;
        self.groups.centres.upload(shape)?;
        self.locate(device)?;
        device.join()
    }

    /// Which pixels have a shape feature, and what each is interpolated from.
    fn locate(&mut self, Device { shape, kernels, .. }: &Device) -> Result<(), CudaError> {
        let Pixels { nearest, listed, rgb, xyz } = &mut self.pixels;
        interpolate::three_nearest(kernels, shape, &self.cloud.device, &self.groups.centres.device, nearest)?;
        interpolate::valid_pixels(kernels, shape, &self.cloud.device, (listed, &mut self.maps.places.device))?;
        interpolate::xyz_rows(kernels, shape, nearest, listed, xyz)?;
        interpolate::rgb_rows(kernels, shape, listed, rgb)
    }

    /// How many slices of pixels [`Self::compare`] takes where so many have a shape feature.
    pub fn slices(&self, listed: usize) -> usize {
        match self.on_gpu {
            Some(_) => listed.div_ceil(TAIL_PIXELS),
            // The kernels read the count on the device.
            None => 0,
        }
    }

    /// The most that [`Self::slices`] comes to.
    pub fn slices_max(&self) -> usize {
        self.slices(P)
    }

    /// Both discrepancies, and the smoothed product, to the host.
    pub fn compare(&mut self, device: &Device, slices: usize) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = device;
        let (Pixels { listed, rgb, xyz, .. }, hidden, maps) = (&self.pixels, &mut self.hidden, &mut self.maps);
        let count = &listed.count;
        for (tail, mapping, from, to, psi) in [
            (Tail::RgbToXyz, &self.rgb_to_xyz, rgb, xyz, &mut maps.psi_xyz),
            (Tail::XyzToRgb, &self.xyz_to_rgb, xyz, rgb, &mut maps.psi_rgb),
        ] {
            mapping.first_units(kernels, shape, from, count, hidden)?;
            match &mut self.on_gpu {
                Some(OnGpu { networks, .. }) => {
                    networks::tail(networks.as_mut(), tail, shape, mapping.widths(), slices, hidden)?;
                }
                None => mapping.rest_units(kernels, shape, count, hidden)?,
            }
            mapping.discrepancy(kernels, shape, to, count, hidden, psi)?;
        }
        let Maps { psi_rgb, psi_xyz, product, rgb, xyz, anomaly, places } = maps;
        let into = [&mut rgb.device, &mut xyz.device, &mut *product];
        anomaly::product(kernels, shape, (psi_rgb, psi_xyz), &places.device, into)?;
        anomaly::smooth(kernels, shape, product, &mut anomaly.device)?;
        [rgb, xyz, anomaly].into_iter().try_for_each(|map| map.download(shape))?;
        places.download(shape)
    }
}

impl Groups {
    fn new(stream: &Arc<CudaStream>, groups: usize, k: usize) -> Result<Self, CudaError> {
        Ok(Self {
            points: stream.alloc_zeros(P * XYZ)?,
            count: stream.alloc_zeros(1)?,
            candidates: stream.alloc_zeros(groups * SAMPLE_BLOCKS)?,
            centre_index: Shared::new(stream, groups)?,
            centres: Shared::new(stream, groups * XYZ)?,
            neighbours: Shared::new(stream, groups * k)?,
            offsets: stream.alloc_zeros(groups * k * XYZ)?,
        })
    }
}

impl Maps {
    fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self {
            psi_rgb: stream.alloc_zeros(P)?,
            psi_xyz: stream.alloc_zeros(P)?,
            product: stream.alloc_zeros(P)?,
            rgb: Shared::new(stream, P)?,
            xyz: Shared::new(stream, P)?,
            anomaly: Shared::new(stream, P)?,
            places: Shared::new(stream, P)?,
        })
    }
}

/// Where a network writes what it makes of a side: the tokens, the first layer of the mapping `from` it, and what the
/// mapping `to` it is compared with.
fn described<'a>(side: &'a mut Side, from: &'a mut Mapping, to: &'a mut Mapping) -> Described<'a> {
    Described {
        features: &mut side.halves.device,
        moved: &mut from.predicted.moved,
        projected: &mut to.observed.projected,
        offset: &mut to.observed.offset,
        gram: &mut to.observed.gram,
    }
}
