//! The groups of a cloud. They are found on the device, and downloaded if the networks run on the host.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::buffers::Shared;
use super::device::Device;
use super::error::CudaError;
use super::events::Mark;
use super::graph::FrameGraph;
use super::grouping::{self, NEIGHBOURS_MAX};
use super::sampling::{self, Sampler};
use crate::backend::features::XyzGroups;
use crate::shapes::{P, XYZ};

/// A cloud and its groups on the device.
pub struct Groups {
    /// `[P, 3]`, metres.
    pub cloud: Shared<f32>,
    /// The valid points, the first N of `[P, 3]`.
    points: CudaSlice<f32>,
    /// N, `[1]`.
    count: CudaSlice<i32>,
    sampler: Sampler,
    /// Indices of the centres among the valid points, `[G]`.
    pub centre_index: Shared<i32>,
    /// `[G, 3]`, metres.
    pub centres: Shared<f32>,
    /// Indices of each group's points among the valid points, `[G, K]`.
    pub neighbours: Shared<i32>,
    /// Each group's points relative to its centre, halves `[G, K, 3]`.
    pub offsets: CudaSlice<u16>,
}

impl Groups {
    /// Allocates memory for `groups` groups of `k` points.
    pub fn new(stream: &Arc<CudaStream>, groups: usize, k: usize) -> Result<Self, CudaError> {
        if k > NEIGHBOURS_MAX {
            return Err(CudaError::GroupSize { k, k_max: NEIGHBOURS_MAX });
        }
        Ok(Self {
            cloud: Shared::new(stream, P * XYZ)?,
            points: stream.alloc_zeros(P * XYZ)?,
            count: stream.alloc_zeros(1)?,
            sampler: Sampler::new(stream)?,
            centre_index: Shared::new(stream, groups)?,
            centres: Shared::new(stream, groups * XYZ)?,
            neighbours: Shared::new(stream, groups * k)?,
            offsets: stream.alloc_zeros(groups * k * XYZ)?,
        })
    }

    /// Queues the search for the centres of the groups of `cloud`, which is on the device, in the shape stream.
    pub fn find_centres(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { shape, kernels, events, .. } = device;
        let Self { cloud, points, count, sampler, centre_index, centres, .. } = self;
        grouping::valid_points(kernels, shape, &cloud.device, points, count)?;
        let into = (&mut centre_index.device, &mut centres.device);
        sampling::farthest_points(kernels, shape, (points, count), sampler, into.0, into.1)?;
        events.record(Mark::Centres, shape)
    }

    /// Queues the search for the points of each group, whose centres were found, in the shape stream.
    pub fn find_neighbours(&mut self, device: &Device) -> Result<(), CudaError> {
        let Device { shape, kernels, events, .. } = device;
        let Self { points, count, centres, neighbours, offsets, .. } = self;
        let points = (&*points, &*count);
        grouping::nearest_points(kernels, shape, points, &centres.device, &mut neighbours.device, offsets)?;
        events.record(Mark::Neighbours, shape)
    }

    /// Finds the centres and neighbours of `cloud`, `[P]`, which has at least one point; `graph` is the graph of this
    /// work. Writes all of `out` except the features. `neighbours`, `[G, K]`, are indices among the valid points.
    pub fn fetch(
        &mut self,
        device: &Device,
        graph: &mut FrameGraph,
        cloud: &[[f32; 3]],
        out: &mut XyzGroups,
        neighbours: &mut Vec<u32>,
    ) -> Result<(), CudaError> {
        self.cloud.host_mut().copy_from_slice(cloud.as_flattened());
        graph.run(device, || {
            self.cloud.upload(&device.shape)?;
            device.events.record(Mark::Begun, &device.shape)?;
            self.find_centres(device)?;
            self.find_neighbours(device)?;
            self.centre_index.download(&device.shape)?;
            self.centres.download(&device.shape)?;
            self.neighbours.download(&device.shape)
        })?;
        device.shape.synchronize()?;
        out.centre_index.clear();
        out.centre_index.extend(self.centre_index.host().iter().map(|&i| i as usize));
        out.centres.clear();
        out.centres.extend_from_slice(self.centres.host().as_chunks().0);
        neighbours.clear();
        neighbours.extend(self.neighbours.host().iter().map(|&i| i as u32));
        Ok(())
    }
}
