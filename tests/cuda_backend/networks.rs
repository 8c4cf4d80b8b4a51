//! Networks on the GPU's own buffers. On the stand-in, the CPU's arithmetic computes what TensorRT's plans would.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};

use crosscheck::backend::cpu::{CpuBackend, CpuNetworks};
use crosscheck::backend::cuda::{CudaBackend, CudaError, Described, Networks};
use crosscheck::backend::{AnomalyMaps, Arithmetic, Backend, Evaluation, Features, XyzGroups};
use crosscheck::fold::linear::{Linear, linear};
use crosscheck::model::{Architecture, Score, VitShape, Weights, seeded};
use cudarc::driver::result::stream::launch_host_function;
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};
use gemm::Parallelism;
use half::f16;

use crate::frames::{Bounds, image, near, near_maps, run, small};
use crate::standin::{is_here, run_part};
use crate::support::clouds;

/// About twice the largest difference from the CPU in f32 that was measured here: psi 3.8e-4, centred 5.4e-3, map
/// 1.6e-4, score 7.3e-5. The CPU's networks round only inputs and outputs to halves; TensorRT's compute in halves
/// throughout.
pub const BOUNDS: Bounds = Bounds { psi: 8e-4, centred: 1.1e-2, map: 3.5e-4, score: 1.5e-4 };

/// The layers of the mappings that are applied to one modality's features: the first layer of the mapping from it,
/// without its bias, and the last layer of the mapping to it.
struct Sides {
    input: Linear,
    output: Linear,
}

/// Networks whose work is queued in the stream, where it can be captured: functions of the host that use the device's
/// memory, which the stand-in shares with the host.
struct OnHost {
    host: Arc<Host>,
    /// The functions that were queued, at addresses that do not change.
    works: Vec<Arc<Work>>,
}

struct Work(Box<dyn Fn() + Send + Sync>);

struct Host {
    cpu: Mutex<CpuNetworks>,
    rgb: Sides,
    xyz: Sides,
}

/// Memory of the device, which lives as long as the back end: address and length.
#[derive(Clone, Copy)]
struct Memory<T>(*mut T, usize);

// SAFETY: these are numbers in memory that the stand-in keeps while its work runs.
unsafe impl<T> Send for Memory<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Memory<T> {}

impl<T: Copy> Memory<T> {
    fn read(self) -> Vec<T> {
        // SAFETY: address and length are those of one slice.
        unsafe { std::slice::from_raw_parts(self.0, self.1) }.to_vec()
    }

    fn write(self, values: &[T]) {
        assert_eq!(values.len(), self.1);
        // SAFETY: as in `read`.
        unsafe { std::slice::from_raw_parts_mut(self.0, self.1) }.copy_from_slice(values);
    }
}

fn read<T>(slice: &impl DevicePtr<T>, stream: &CudaStream) -> Memory<T> {
    Memory(slice.device_ptr(stream).0 as *mut T, slice.len())
}

fn written<T>(slice: &mut impl DevicePtrMut<T>, stream: &CudaStream) -> Memory<T> {
    let len = slice.len();
    Memory(slice.device_ptr_mut(stream).0 as *mut T, len)
}

struct Out {
    features: Memory<u16>,
    moved: Memory<u16>,
    projected: Memory<u16>,
    offset: Memory<f32>,
    gram: Memory<f32>,
}

impl Out {
    fn of(out: Described<'_>, stream: &CudaStream) -> Self {
        Self {
            features: written(out.features, stream),
            moved: written(out.moved, stream),
            projected: written(out.projected, stream),
            offset: written(out.offset, stream),
            gram: written(out.gram, stream),
        }
    }
}

unsafe extern "C" fn call(work: *mut c_void) {
    // SAFETY: the address is that of a function that `OnHost::put` keeps.
    let work = unsafe { &*work.cast::<Work>() };
    work.0();
}

impl OnHost {
    fn put(&mut self, stream: &CudaStream, work: impl Fn() + Send + Sync + 'static) -> Result<(), CudaError> {
        let work = Arc::new(Work(Box::new(work)));
        let at = Arc::as_ptr(&work);
        self.works.push(work);
        // SAFETY: the stream is alive, and the work lives as long as the networks.
        Ok(unsafe { launch_host_function(stream.cu_stream(), call, at.cast_mut().cast()) }?)
    }
}

fn bits(values: &[f32]) -> Vec<u16> {
    values.iter().map(|v| f16::from_f32(*v).to_bits()).collect()
}

fn values(bits: &[u16]) -> Vec<f32> {
    bits.iter().map(|b| f16::from_bits(*b).to_f32()).collect()
}

impl Host {
    fn new(architecture: &Architecture, mut weights: Weights) -> Self {
        let (m, c_rgb, c_xyz) = (architecture.hidden, architecture.c_rgb(), architecture.c_xyz());
        let mut mappings = weights.take_mappings().unwrap();
        let mut take = |name: &str, to| linear(&mut mappings, name, to);
        let mut first = |name: &str| Linear { bias: Vec::new(), ..take(name, m) };
        let inputs = [first("map_rgb_to_xyz.input"), first("map_xyz_to_rgb.input")];
        let [to_xyz, to_rgb] = [take("map_rgb_to_xyz.output", c_xyz), take("map_xyz_to_rgb.output", c_rgb)];
        let [rgb, xyz] = inputs;
        // The last layer that belongs to a modality is that of the mapping to it, which is the other mapping.
        let (rgb, xyz) = (Sides { input: rgb, output: to_rgb }, Sides { input: xyz, output: to_xyz });
        Self { cpu: Mutex::new(CpuNetworks::new(architecture, &mut weights.into_tensors(), Arithmetic::F32)), rgb, xyz }
    }
}

fn product(layer: &Linear, x: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    layer.run(x, &mut out, Parallelism::None);
    out
}

impl Sides {
    fn give(&self, features: &[f32], out: &Out) {
        let rounded = values(&bits(features));
        let (c, m) = (self.output.to, self.output.from);
        let turned: Vec<f32> = (0..m).flat_map(|i| self.output.weight.iter().skip(i).step_by(m)).copied().collect();
        let inner = |weight: Vec<f32>, to| product(&Linear::new(weight, Vec::new(), to), &rounded);
        out.features.write(&bits(features));
        out.moved.write(&bits(&product(&self.input, &rounded)));
        out.projected.write(&bits(&inner(turned, m)));
        out.offset.write(&inner(self.output.bias.clone(), 1));
        out.gram.write(&inner(rounded.clone(), rounded.len() / c));
    }
}

impl Networks for OnHost {
    fn rgb_tokens(
        &mut self,
        stream: &Arc<CudaStream>,
        image: &CudaSlice<u16>,
        out: Described<'_>,
    ) -> Result<(), CudaError> {
        let (host, image, out) = (self.host.clone(), read(image, stream), Out::of(out, stream));
        self.put(stream, move || {
            let mut tokens = Vec::new();
            host.cpu.lock().unwrap().encode_rgb(&values(&image.read()), &mut tokens);
            host.rgb.give(&tokens, &out);
        })
    }

    fn xyz_groups(
        &mut self,
        stream: &Arc<CudaStream>,
        offsets: &CudaSlice<u16>,
        centres: &CudaSlice<f32>,
        out: Described<'_>,
    ) -> Result<(), CudaError> {
        let (host, offsets, centres) = (self.host.clone(), read(offsets, stream), read(centres, stream));
        let out = Out::of(out, stream);
        self.put(stream, move || {
            let centres: Vec<[f32; 3]> = centres.read().as_chunks::<3>().0.to_vec();
            let offsets: Vec<[f32; 3]> = values(&offsets.read()).as_chunks::<3>().0.to_vec();
            let k = offsets.len() / centres.len();
            let point =
                |(i, offset): (usize, &[f32; 3])| std::array::from_fn(|axis| centres[i / k][axis] + offset[axis]);
            let points: Vec<[f32; 3]> = offsets.iter().enumerate().map(point).collect();
            let neighbours: Vec<u32> = (0..points.len() as u32).collect();
            let mut groups = XyzGroups { centres, ..XyzGroups::default() };
            host.cpu.lock().unwrap().encode_groups(&points, &neighbours, &mut groups);
            host.xyz.give(&groups.features, &out);
        })
    }
}

/// M, C_RGB and C_XYZ are multiples of 8, as the networks write no padding.
pub fn architecture() -> Architecture {
    let small = small(16, 20, 24, 8);
    Architecture { rgb: VitShape { width: 16, ..small.rgb }, ..small }
}

/// Opens the back end with the networks on the GPU.
pub fn on_gpu(architecture: &Architecture, weights: Weights) -> CudaBackend {
    opened(architecture, weights).unwrap()
}

fn opened(architecture: &Architecture, weights: Weights) -> Result<CudaBackend, CudaError> {
    let networks = OnHost { host: Arc::new(Host::new(architecture, weights.clone())), works: Vec::new() };
    CudaBackend::with_networks(architecture, weights, Evaluation::default(), Box::new(networks))
}

#[test]
fn networks_that_compute_no_terms_of_a_likelihood_are_refused() {
    let likelihood = Architecture { score: Score::Likelihood, ..architecture() };
    let refused = opened(&likelihood, seeded::weights(&likelihood, 3)).map(|_| ()).unwrap_err();
    assert_eq!(refused, CudaError::Graphs(Score::Likelihood));
    assert!(refused.to_string().starts_with("the score likelihood needs"), "{refused}");
}

#[test]
#[ignore = "a part of networks_on_the_gpu_take_the_place_of_the_cpus"]
fn part() {
    if !is_here() {
        return;
    }
    let architecture = architecture();
    let weights = seeded::weights(&architecture, 3);
    let mut cpu = CpuBackend::new(&architecture, weights.clone());
    let mut cuda = on_gpu(&architecture, weights);
    let rgb = image();
    let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
    for (name, cloud) in [("all points", clouds::full())].into_iter().chain(clouds::all()) {
        let want = run(&mut cpu, &rgb, &cloud);
        cuda.frame(&rgb, &cloud, &mut features, &mut maps).unwrap();
        match clouds::points(&cloud).is_empty() {
            true => assert!(maps.anomaly_map.iter().all(|v| *v == 0.0) && !maps.valid.contains(&true), "{name}"),
            false => near_maps(name, &maps, &want.maps, &BOUNDS),
        }
    }
    println!("whole frames are done");
    // Stage by stage, the kernels compute the mappings' products from the tokens and groups.
    let cloud = clouds::full();
    let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
    assert_eq!(got.groups.centre_index, want.groups.centre_index);
    near("tokens", &got.tokens, &want.tokens, 1e-3);
    near("features", &got.groups.features, &want.groups.features, 1e-3);
    near_maps("stage by stage", &got.maps, &want.maps, &BOUNDS);
}

#[test]
fn networks_on_the_gpu_take_the_place_of_the_cpus() {
    let Some(run) = run_part("networks::part", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    // Two modalities of two mappings, stage by stage. Whole frames launch none, as the networks compute these products.
    assert_eq!(run.number("launched linear"), 4, "{}", run.printed());
    assert_eq!(run.number("launched inner_products"), 4);
    // One graph of each whole frame; the stages run for the first time.
    let frames = clouds::all().iter().filter(|(_, cloud)| !clouds::points(cloud).is_empty()).count() + 1;
    assert_eq!(run.number("replayed graphs"), frames);
    assert_eq!(run.number("uploaded graphs"), 1);
    // The sampler is not kept waiting by kernels that need not be early, in a graph neither.
    assert_eq!(run.number("urgent farthest_points"), run.number("launched farthest_points"));
    assert_eq!(run.number("urgent three_nearest"), 0);
}

#[test]
fn a_driver_that_records_no_graphs_is_given_the_work_step_by_step() {
    let Some(run) = run_part("networks::part", &[("STANDIN_CAPTURE", "0")]) else { return };
    run.check_clean();
    assert_eq!(run.number("replayed graphs"), 0);
}
