//! An engine's plans as the networks of the CUDA back end.

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::cache::{Cache, Plan};
use super::compiled;
use super::error::TensorRtError;
use super::library::Library;
use super::network::Network;
use super::set::{Error, Set, target_of};
use crate::backend::Evaluation;
use crate::backend::cuda::{self, CudaBackend, CudaError, Described, Networks};
use crate::backend::kernel_sizes::CHUNK;
use crate::backend::plans::Request;
use crate::model::engine_file::Storage;
use crate::model::{Architecture, Weights};

/// The plans on the device, each with an execution context of its own, so that colour and shape run side by side.
pub struct OnDevice {
    rgb: Network,
    xyz: Network,
    /// The CUDA context, dropped last, as the plans' memory on the GPU belongs to it.
    _context: Arc<CudaContext>,
}

/// Opens the plans of an engine for the first GPU that are kept and were checked against the CPU; none if there are
/// none. Plans in f32 are looked for if those in halves gave wrong scores.
pub fn kept(request: &Request<'_>) -> Result<Option<OnDevice>, Error> {
    let gpu = cuda::gpu()?;
    let (cache, libraries) = (Cache::new(request.cache)?, Library::all()?);
    for precision in Storage::ALL {
        let request = Request { precision, ..*request };
        let (mut models, mut is_wrong) = (super::set::models(&request)?, false);
        for library in &libraries {
            let set = Set::new(*library, target_of(library, &gpu), precision, models);
            match checked(&set, &cache)? {
                Found::InUse(plans) => {
                    log::info!("networks by {}, products in {}", library.name(), precision.name());
                    return Ok(Some(OnDevice::new(&set, &plans, &cache, request.architecture)?));
                }
                Found::Wrong => is_wrong = true,
                Found::NotInUse => {}
            }
            models = set.models;
        }
        if !is_wrong {
            break;
        }
    }
    Ok(None)
}

/// The kept plans of a set.
enum Found {
    InUse(Vec<Plan>),
    /// Their scores were not the CPU's.
    Wrong,
    /// They are missing, slower than the kernels, or were not checked.
    NotInUse,
}

fn checked(set: &Set, cache: &Cache) -> Result<Found, Error> {
    let Some(plans) = set.read(cache)? else { return Ok(Found::NotInUse) };
    let name = set.library.name();
    Ok(match set.verdict(cache, &plans)? {
        Some(verdict) if verdict.is_for_plans() => Found::InUse(plans),
        Some(verdict) => {
            let why = if verdict.is_right() { "slower than the kernels" } else { "not exact" };
            log::info!("the plans of {name} are not used, as they were {why} when they were checked: {verdict:?}");
            if verdict.is_right() { Found::NotInUse } else { Found::Wrong }
        }
        None => {
            log::warn!(
                "the plans of {name} are not used, as they were not checked on frames: run `crosscheck engine build --target this --frames DIR`"
            );
            Found::NotInUse
        }
    })
}

impl Set {
    /// Opens the back end with these plans of the set.
    pub fn open(
        &self,
        plans: &[Plan],
        cache: &Cache,
        (architecture, weights): (&Architecture, &Weights),
        evaluation: Evaluation,
    ) -> Result<CudaBackend, Error> {
        let networks = Box::new(OnDevice::new(self, plans, cache, architecture)?);
        Ok(CudaBackend::with_networks(architecture, weights.clone(), evaluation, networks)?)
    }
}

impl OnDevice {
    /// Prepares the plans of `set`, in the order of its graphs, on the first GPU. `cache` keeps what is compiled of them.
    pub fn new(set: &Set, plans: &[Plan], cache: &Cache, architecture: &Architecture) -> Result<Self, Error> {
        let sizes = [architecture.hidden, architecture.c_rgb(), architecture.c_xyz()];
        if sizes.iter().any(|size| !size.is_multiple_of(CHUNK)) {
            return Err(TensorRtError::Size { multiple: CHUNK, sizes }.into());
        }
        // The back end opens the same context, as there is one for each GPU.
        let context = cuda::make_current()?;
        let gpu = cuda::gpu()?;
        let [rgb, xyz] = [0, 1].map(|i| {
            let plan = plans.get(i).ok_or(TensorRtError::NoPlans)?;
            compiled::open(set.library, &set.models[i], &plan.bytes, (cache, &set.keys[i], &gpu))
        });
        Ok(Self { rgb: rgb?, xyz: xyz?, _context: context })
    }
}

/// Queues `network` with `inputs` and the outputs in `out`, in the order of its graph's tensors.
fn run(
    network: &mut Network,
    stream: &Arc<CudaStream>,
    inputs: &[(u64, usize)],
    out: Described<'_>,
) -> Result<(), CudaError> {
    // The guards keep the slices borrowed until the plan is queued.
    let Described { features, moved, projected, offset, gram } = out;
    let bytes = [features.num_bytes(), moved.num_bytes(), projected.num_bytes(), offset.num_bytes(), gram.num_bytes()];
    let (features, _features) = features.device_ptr_mut(stream);
    let (moved, _moved) = moved.device_ptr_mut(stream);
    let (projected, _projected) = projected.device_ptr_mut(stream);
    let (offset, _offset) = offset.device_ptr_mut(stream);
    let (gram, _gram) = gram.device_ptr_mut(stream);
    let mut addresses = inputs.to_vec();
    addresses.extend([features, moved, projected, offset, gram].into_iter().zip(bytes));
    enqueue(network, stream, &addresses)
}

fn enqueue(network: &mut Network, stream: &Arc<CudaStream>, addresses: &[(u64, usize)]) -> Result<(), CudaError> {
    stream.context().bind_to_thread()?;
    let stream: *mut c_void = stream.cu_stream().cast();
    // SAFETY: addresses and lengths are those of slices that the caller keeps borrowed, and the stream is of their
    // context.
    unsafe { network.enqueue(stream, addresses) }.map_err(|error| CudaError::Networks(error.to_string()))
}

impl Networks for OnDevice {
    fn rgb_tokens(
        &mut self,
        stream: &Arc<CudaStream>,
        image: &CudaSlice<u16>,
        out: Described<'_>,
    ) -> Result<(), CudaError> {
        let bytes = image.num_bytes();
        let (image, _image) = image.device_ptr(stream);
        run(&mut self.rgb, stream, &[(image, bytes)], out)
    }

    fn xyz_groups(
        &mut self,
        stream: &Arc<CudaStream>,
        offsets: &CudaSlice<u16>,
        centres: &CudaSlice<f32>,
        out: Described<'_>,
    ) -> Result<(), CudaError> {
        let bytes = [offsets.num_bytes(), centres.num_bytes()];
        let (offsets, _offsets) = offsets.device_ptr(stream);
        let (centres, _centres) = centres.device_ptr(stream);
        run(&mut self.xyz, stream, &[(offsets, bytes[0]), (centres, bytes[1])], out)
    }
}
