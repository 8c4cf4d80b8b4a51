//! A frame on the device: from its cloud to groups, and from tokens and groups to the anomaly map. All memory is taken
//! when it is made.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::CudaError;
use super::anomaly;
use super::buffers::Shared;
use super::device::Device;
use super::grouping::{self, NEIGHBOURS_MAX, SAMPLE_BLOCKS};
use super::interpolate::{self, Listed, Nearest, Rows};
use super::mapping::{HiddenUnits, Mapping, halves, paired};
use super::module::Kernels;
use super::networks::{self, Described, Networks, Tail};
use crate::backend::{AnomalyMaps, XyzGroups};
use crate::model::{Architecture, Weights};
use crate::shapes::{P, RGB, T, XYZ};

/// The device with everything that a frame needs on it.
pub struct Frame {
    device: Device,
    cloud: Shared<f32>,
    groups: Groups,
    pixels: Pixels,
    tokens: Side,
    features: Side,
    rgb_to_xyz: Mapping,
    xyz_to_rgb: Mapping,
    hidden: HiddenUnits,
    maps: Maps,
    /// Those on the GPU, and the image that they take, halves `[3, H, W]`.
    networks: Option<(Box<dyn Networks>, Shared<u16>)>,
}

struct Groups {
    /// `[P, 3]`, of which the first N.
    points: CudaSlice<f32>,
    count: CudaSlice<i32>,
    /// `[G, SAMPLE_BLOCKS]`.
    candidates: CudaSlice<u64>,
    centre_index: Shared<i32>,
    centres: Shared<f32>,
    /// `[G, K]` and `[G, K, 3]`.
    neighbours: Shared<i32>,
    offsets: CudaSlice<u16>,
}

struct Pixels {
    nearest: Nearest,
    listed: Listed,
    rgb: Rows,
    xyz: Rows,
}

/// Tokens or groups as halves, `[n, C]`, C even.
struct Side {
    halves: Shared<u16>,
    channels: usize,
    /// Whether the networks wrote them, and with them all that the mappings take of them.
    described: bool,
}

impl Side {
    /// Whether `values` are what is described already.
    fn holds(&self, values: &[f32]) -> Result<bool, CudaError> {
        let same = |(bits, value): (&u16, &f32)| f16::from_bits(*bits).to_f32() == *value;
        Ok(self.described && self.halves.host()?.iter().zip(values).all(same))
    }

    /// Brings `values` to the device as halves; not where they are there with all that the mappings take of them.
    fn upload(&mut self, stream: &Arc<CudaStream>, values: &[f32]) -> Result<bool, CudaError> {
        let (channels, room) = (self.channels, self.halves.device.len());
        assert_eq!(values.len() / channels * paired(channels), room, "tokens of another engine");
        if self.holds(values)? {
            return Ok(false);
        }
        self.described = false;
        self.halves.upload(stream, |host| halves(values, channels, host))?;
        Ok(true)
    }

    /// Gives what the networks wrote to the host.
    fn fetch(&mut self, stream: &Arc<CudaStream>, out: &mut Vec<f32>) -> Result<(), CudaError> {
        self.halves.download(stream)?;
        let bits: &[f16] = self.halves.host()?.reinterpret_cast();
        out.resize(bits.len(), 0.0);
        bits.convert_to_f32_slice(out);
        self.described = true;
        Ok(())
    }
}

struct Maps {
    /// Of the listed pixels.
    psi_rgb: CudaSlice<f32>,
    psi_xyz: CudaSlice<f32>,
    product: CudaSlice<f32>,
    /// `[P]`.
    rgb: Shared<f32>,
    xyz: Shared<f32>,
    anomaly: Shared<f32>,
}

impl Frame {
    /// Takes the mappings out of `weights`.
    pub fn new(
        device: Device,
        architecture: &Architecture,
        weights: &mut Weights,
        networks: Option<Box<dyn Networks>>,
    ) -> Result<Self, CudaError> {
        let (groups, k, hidden) = (architecture.xyz.groups, architecture.xyz.group_size, architecture.hidden);
        if k > NEIGHBOURS_MAX {
            return Err(CudaError::GroupSize { k, k_max: NEIGHBOURS_MAX });
        }
        let (c_rgb, c_xyz) = (architecture.c_rgb(), architecture.c_xyz());
        let Device { colour, shape, .. } = &device;
        let side = |stream, n, channels| -> Result<_, CudaError> {
            Ok(Side { halves: Shared::new(stream, n * paired(channels))?, channels, described: false })
        };
        let mut mapping = |name, c_out, counts| Mapping::new(shape, name, (hidden, c_out), counts, weights);
        let ranks = hidden.min(c_rgb.max(c_xyz));
        Ok(Self {
            cloud: Shared::new(shape, P * XYZ)?,
            groups: Groups {
                points: shape.alloc_zeros(P * XYZ)?,
                count: shape.alloc_zeros(1)?,
                candidates: shape.alloc_zeros(groups * SAMPLE_BLOCKS)?,
                centre_index: Shared::new(shape, groups)?,
                centres: Shared::new(shape, groups * XYZ)?,
                neighbours: Shared::new(shape, groups * k)?,
                offsets: shape.alloc_zeros(groups * k * XYZ)?,
            },
            pixels: Pixels {
                nearest: Nearest::new(shape)?,
                listed: Listed::new(shape)?,
                rgb: Rows::of_tokens(shape)?,
                xyz: Rows::of_groups(shape)?,
            },
            tokens: side(colour, T, c_rgb)?,
            features: side(shape, groups, c_xyz)?,
            rgb_to_xyz: mapping("map_rgb_to_xyz", c_xyz, (T, groups))?,
            xyz_to_rgb: mapping("map_xyz_to_rgb", c_rgb, (groups, T))?,
            hidden: HiddenUnits::new(shape, hidden, ranks)?,
            maps: Maps {
                psi_rgb: shape.alloc_zeros(P)?,
                psi_xyz: shape.alloc_zeros(P)?,
                product: shape.alloc_zeros(P)?,
                rgb: Shared::new(shape, P)?,
                xyz: Shared::new(shape, P)?,
                anomaly: Shared::new(shape, P)?,
            },
            networks: match networks {
                Some(networks) => Some((networks, Shared::new(colour, RGB * P)?)),
                None => None,
            },
            device,
        })
    }

    pub fn kernels(&self) -> &Kernels {
        &self.device.kernels
    }

    /// Centres and neighbours of a cloud, `[P]`, with a point in it. Writes all of `out` but its features.
    pub fn group(
        &mut self,
        cloud: &[[f32; 3]],
        out: &mut XyzGroups,
        neighbours: &mut Vec<u32>,
    ) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = &self.device;
        let groups = &mut self.groups;
        self.cloud.upload(shape, |host| host.copy_from_slice(cloud.as_flattened()))?;
        grouping::valid_points(kernels, shape, &self.cloud.device, &mut groups.points, &mut groups.count)?;
        shape.memset_zeros(&mut groups.candidates)?;
        let points = (&groups.points, &groups.count);
        let (index, centres) = (&mut groups.centre_index, &mut groups.centres);
        let into = (&mut index.device, &mut centres.device);
        grouping::farthest_points(kernels, shape, points, &mut groups.candidates, into.0, into.1)?;
        let found = &mut groups.neighbours;
        grouping::nearest_points(kernels, shape, points, &centres.device, &mut found.device, &mut groups.offsets)?;
        index.download(shape)?;
        centres.download(shape)?;
        found.download(shape)?;
        out.centre_index.clear();
        out.centre_index.extend(index.host()?.iter().map(|&i| i as usize));
        out.centres.clear();
        out.centres.extend_from_slice(centres.host()?.as_chunks().0);
        neighbours.clear();
        neighbours.extend(found.host()?.iter().map(|&i| i as u32));
        Ok(())
    }

    /// rgb `[3, H, W]` -> tokens `[T, C_RGB]` by the networks on the GPU.
    pub fn encode_rgb(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), CudaError> {
        let Some((networks, image)) = &mut self.networks else { panic!("there are no networks on the GPU") };
        let colour = &self.device.colour;
        self.tokens.described = false;
        image.upload(colour, |host| halves(rgb, rgb.len(), host))?;
        let out = Described {
            features: &mut self.tokens.halves.device,
            moved: &mut self.rgb_to_xyz.predicted.moved,
            projected: &mut self.xyz_to_rgb.observed.projected,
            offset: &mut self.xyz_to_rgb.observed.offset,
            gram: &mut self.xyz_to_rgb.observed.gram,
        };
        networks.rgb_tokens(colour, &image.device, out)?;
        self.tokens.fetch(colour, tokens)
    }

    /// Features `[G, C_XYZ]` of the groups of [`Self::group`], by the networks on the GPU.
    pub fn encode_groups(&mut self, features: &mut Vec<f32>) -> Result<(), CudaError> {
        let Some((networks, _)) = &mut self.networks else { panic!("there are no networks on the GPU") };
        let (shape, groups) = (&self.device.shape, &self.groups);
        self.features.described = false;
        let out = Described {
            features: &mut self.features.halves.device,
            moved: &mut self.xyz_to_rgb.predicted.moved,
            projected: &mut self.rgb_to_xyz.observed.projected,
            offset: &mut self.rgb_to_xyz.observed.offset,
            gram: &mut self.rgb_to_xyz.observed.gram,
        };
        networks.xyz_groups(shape, &groups.offsets, &groups.centres.device, out)?;
        self.features.fetch(shape, features)
    }

    /// tokens `[T, C_RGB]`, cloud `[P]` and its groups, of which there are G -> the maps.
    pub fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), CudaError> {
        self.describe(tokens, groups)?;
        self.locate(cloud, &groups.centres)?;
        self.compare()?;
        self.read(maps)
    }

    /// What the mappings need of each token and group, where the networks did not give it; colour and shape side by side.
    fn describe(&mut self, tokens: &[f32], groups: &XyzGroups) -> Result<(), CudaError> {
        let Device { colour, shape, kernels, .. } = &self.device;
        if self.tokens.upload(colour, tokens)? {
            self.rgb_to_xyz.predict(kernels, colour, &self.tokens.halves.device)?;
            self.xyz_to_rgb.observe(kernels, colour, &self.tokens.halves.device)?;
        }
        if self.features.upload(shape, &groups.features)? {
            self.xyz_to_rgb.predict(kernels, shape, &self.features.halves.device)?;
            self.rgb_to_xyz.observe(kernels, shape, &self.features.halves.device)?;
        }
        Ok(())
    }

    /// Which pixels have a shape feature, and what each is interpolated from.
    fn locate(&mut self, cloud: &[[f32; 3]], centres: &[[f32; 3]]) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = &self.device;
        let Pixels { nearest, listed, rgb, xyz } = &mut self.pixels;
        self.cloud.upload(shape, |host| host.copy_from_slice(cloud.as_flattened()))?;
        self.groups.centres.upload(shape, |host| host.copy_from_slice(centres.as_flattened()))?;
        interpolate::three_nearest(kernels, shape, &self.cloud.device, &self.groups.centres.device, nearest)?;
        interpolate::valid_pixels(kernels, shape, &self.cloud.device, listed)?;
        interpolate::xyz_rows(kernels, shape, nearest, listed, xyz)?;
        interpolate::rgb_rows(kernels, shape, listed, rgb)
    }

    /// Both discrepancies, and the smoothed product.
    fn compare(&mut self) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = &self.device;
        let (Pixels { listed, rgb, xyz, .. }, hidden, maps) = (&mut self.pixels, &mut self.hidden, &mut self.maps);
        // How many slices the networks take is the host's to say.
        let rows = match &self.networks {
            Some(_) => listed.read_count(shape)?,
            None => P,
        };
        let count = &listed.count.device;
        for (tail, mapping, from, to, psi) in [
            (Tail::RgbToXyz, &self.rgb_to_xyz, &*rgb, &*xyz, &mut maps.psi_xyz),
            (Tail::XyzToRgb, &self.xyz_to_rgb, &*xyz, &*rgb, &mut maps.psi_rgb),
        ] {
            mapping.first_units(kernels, shape, from, count, hidden)?;
            match &mut self.networks {
                Some((networks, _)) => networks::tail(networks.as_mut(), tail, shape, mapping.widths(), rows, hidden)?,
                None => mapping.rest_units(kernels, shape, count, hidden)?,
            }
            mapping.discrepancy(kernels, shape, to, count, hidden, psi)?;
        }
        let Maps { psi_rgb, psi_xyz, product, rgb, xyz, anomaly } = maps;
        let into = [&mut rgb.device, &mut xyz.device, &mut *product];
        anomaly::product(kernels, shape, (psi_rgb, psi_xyz), &listed.places.device, into)?;
        anomaly::smooth(kernels, shape, product, &mut anomaly.device)
    }

    fn read(&mut self, out: &mut AnomalyMaps) -> Result<(), CudaError> {
        let shape = &self.device.shape;
        let Maps { rgb, xyz, anomaly, .. } = &mut self.maps;
        for (map, out) in [(rgb, &mut out.psi_rgb), (xyz, &mut out.psi_xyz), (anomaly, &mut out.anomaly_map)] {
            map.download(shape)?;
            out.resize(P, 0.0);
            out.copy_from_slice(map.host()?);
        }
        let places = &mut self.pixels.listed.places;
        places.download(shape)?;
        out.valid.clear();
        out.valid.extend(places.host()?.iter().map(|&place| place >= 0));
        Ok(())
    }
}
