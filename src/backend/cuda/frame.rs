//! A frame on the device: from its cloud to groups, and from tokens and groups to the anomaly map. All memory is taken
//! when it is made.

use super::CudaError;
use super::anomaly;
use super::buffers::Shared;
use super::device::Device;
use super::grouping::{self, NEIGHBOURS_MAX, SAMPLE_BLOCKS};
use super::interpolate::{self, Listed, Nearest, Rows};
use super::mapping::{HiddenUnits, Mapping, halves, paired};
use crate::backend::{AnomalyMaps, XyzGroups};
use crate::model::{Architecture, Weights};
use crate::shapes::{P, T, XYZ};
use cudarc::driver::CudaSlice;

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
    pub fn new(device: Device, architecture: &Architecture, weights: &mut Weights) -> Result<Self, CudaError> {
        let (groups, k, hidden) = (architecture.xyz.groups, architecture.xyz.group_size, architecture.hidden);
        if k > NEIGHBOURS_MAX {
            return Err(CudaError::GroupSize { k, k_max: NEIGHBOURS_MAX });
        }
        let (c_rgb, c_xyz) = (architecture.c_rgb(), architecture.c_xyz());
        let Device { colour, shape, .. } = &device;
        let side = |stream, n, channels| -> Result<_, CudaError> {
            Ok(Side { halves: Shared::new(stream, n * paired(channels))?, channels })
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
            device,
        })
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

    /// What the mappings need of each token and group; colour and shape side by side.
    fn describe(&mut self, tokens: &[f32], groups: &XyzGroups) -> Result<(), CudaError> {
        let Device { colour, shape, kernels, .. } = &self.device;
        for (side, stream, values) in
            [(&mut self.tokens, colour, tokens), (&mut self.features, shape, groups.features.as_slice())]
        {
            let channels = side.channels;
            assert_eq!(
                values.len() / channels * paired(channels),
                side.halves.device.len(),
                "tokens of another engine"
            );
            side.halves.upload(stream, |host| halves(values, channels, host))?;
        }
        let (tokens, features) = (&self.tokens.halves.device, &self.features.halves.device);
        self.rgb_to_xyz.predict(kernels, colour, tokens)?;
        self.xyz_to_rgb.observe(kernels, colour, tokens)?;
        self.xyz_to_rgb.predict(kernels, shape, features)?;
        self.rgb_to_xyz.observe(kernels, shape, features)
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
        let (Pixels { listed, rgb, xyz, .. }, hidden, maps) = (&self.pixels, &mut self.hidden, &mut self.maps);
        let count = &listed.count;
        self.rgb_to_xyz.discrepancy(kernels, shape, (rgb, xyz), count, hidden, &mut maps.psi_xyz)?;
        self.xyz_to_rgb.discrepancy(kernels, shape, (xyz, rgb), count, hidden, &mut maps.psi_rgb)?;
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
