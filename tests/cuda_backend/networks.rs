//! Networks on the GPU's own buffers: what TensorRT's plans give, given by the CPU's arithmetic on the stand-in.

use std::sync::Arc;

use crosscheck::backend::cpu::elementwise::gelu;
use crosscheck::backend::cpu::factor::{Factor, factor};
use crosscheck::backend::cpu::linalg::{Linear, linear};
use crosscheck::backend::cpu::{CpuBackend, CpuOptions};
use crosscheck::backend::cuda::{CudaBackend, CudaError, Described, Networks, Tail};
use crosscheck::backend::{Backend, Encoders, XyzGroups};
use crosscheck::model::{Architecture, Weights, seeded};
use crosscheck::onnx::TAIL_PIXELS;
use crosscheck::shapes::{P, RGB};
use cudarc::driver::{CudaSlice, CudaStream, CudaView, CudaViewMut};
use gemm::Parallelism;
use half::f16;

use crate::clouds;
use crate::frames::{Bounds, near, near_maps, run, small};
use crate::standin::{is_here, run_part};

/// Measured: psi 8.5e-4, centred 7.6e-3, map 3.0e-4, score 2.2e-4: halves of offsets and features beside those between kernels.
const BOUNDS: Bounds = Bounds { psi: 2e-3, centred: 2e-2, map: 1e-3, score: 1e-3 };

/// A side's part of both mappings: the first layer without its bias, and the last layer.
struct Sides {
    input: Linear,
    output: Linear,
}

struct OnHost {
    cpu: CpuBackend,
    rgb: Sides,
    xyz: Sides,
    /// The layer between, and what the last is turned by.
    tails: [(Linear, Linear); 2],
}

fn bits(values: &[f32]) -> Vec<u16> {
    values.iter().map(|v| f16::from_f32(*v).to_bits()).collect()
}

fn values(bits: &[u16]) -> Vec<f32> {
    bits.iter().map(|b| f16::from_bits(*b).to_f32()).collect()
}

impl OnHost {
    fn new(architecture: &Architecture, mut weights: Weights) -> Self {
        let (m, c_rgb, c_xyz) = (architecture.hidden, architecture.c_rgb(), architecture.c_xyz());
        let mut take = |name: &str, to| linear(&mut weights, name, to);
        let mut first = |name: &str| Linear { bias: Vec::new(), ..take(name, m) };
        let inputs = [first("map_rgb_to_xyz.input"), first("map_xyz_to_rgb.input")];
        let [to_xyz, to_rgb] = [take("map_rgb_to_xyz.output", c_xyz), take("map_xyz_to_rgb.output", c_rgb)];
        let tail = |projection, output: &Linear| {
            let Factor { triangle, shift, .. } = factor(output);
            let ranks = shift.len();
            (projection, Linear::new(triangle, shift, ranks))
        };
        let tails =
            [tail(take("map_rgb_to_xyz.projection", m), &to_xyz), tail(take("map_xyz_to_rgb.projection", m), &to_rgb)];
        let [rgb, xyz] = inputs;
        // What a side is predicted by is the other mapping's.
        let (rgb, xyz) = (Sides { input: rgb, output: to_rgb }, Sides { input: xyz, output: to_xyz });
        Self { cpu: CpuBackend::new(architecture, weights), rgb, xyz, tails }
    }
}

fn product(layer: &Linear, x: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    layer.run(x, &mut out, Parallelism::None);
    out
}

impl Sides {
    fn give(&self, stream: &Arc<CudaStream>, features: &[f32], out: Described<'_>) -> Result<(), CudaError> {
        let rounded = values(&bits(features));
        let (c, m) = (self.output.to, self.output.from);
        let turned: Vec<f32> = (0..m).flat_map(|i| self.output.weight.iter().skip(i).step_by(m)).copied().collect();
        let inner = |weight: Vec<f32>, to| product(&Linear::new(weight, Vec::new(), to), &rounded);
        stream.memcpy_htod(&bits(features), out.features)?;
        stream.memcpy_htod(&bits(&product(&self.input, &rounded)), out.moved)?;
        stream.memcpy_htod(&bits(&inner(turned, m)), out.projected)?;
        stream.memcpy_htod(&inner(self.output.bias.clone(), 1), out.offset)?;
        stream.memcpy_htod(&inner(rounded.clone(), rounded.len() / c), out.gram)?;
        // The copies take from memory that ends here.
        Ok(stream.synchronize()?)
    }
}

impl Networks for OnHost {
    fn rgb_tokens(
        &mut self,
        stream: &Arc<CudaStream>,
        image: &CudaSlice<u16>,
        out: Described<'_>,
    ) -> Result<(), CudaError> {
        let mut tokens = Vec::new();
        self.cpu.encode_rgb(&values(&stream.clone_dtoh(image)?), &mut tokens).unwrap();
        self.rgb.give(stream, &tokens, out)
    }

    fn xyz_groups(
        &mut self,
        stream: &Arc<CudaStream>,
        offsets: &CudaSlice<u16>,
        centres: &CudaSlice<f32>,
        out: Described<'_>,
    ) -> Result<(), CudaError> {
        let centres: Vec<[f32; 3]> = stream.clone_dtoh(centres)?.as_chunks::<3>().0.to_vec();
        let offsets: Vec<[f32; 3]> = values(&stream.clone_dtoh(offsets)?).as_chunks::<3>().0.to_vec();
        let k = offsets.len() / centres.len();
        let point = |(i, offset): (usize, &[f32; 3])| std::array::from_fn(|axis| centres[i / k][axis] + offset[axis]);
        let points: Vec<[f32; 3]> = offsets.iter().enumerate().map(point).collect();
        let neighbours: Vec<u32> = (0..points.len() as u32).collect();
        let mut groups = XyzGroups { centres, ..XyzGroups::default() };
        self.cpu.encode_groups(&points, &neighbours, &mut groups).unwrap();
        self.xyz.give(stream, &groups.features, out)
    }

    fn tail(
        &mut self,
        tail: Tail,
        stream: &Arc<CudaStream>,
        first: &CudaView<'_, u16>,
        hidden: &mut CudaViewMut<'_, u16>,
        turned: &mut CudaViewMut<'_, u16>,
    ) -> Result<(), CudaError> {
        let (projection, triangle) = &self.tails[usize::from(tail == Tail::XyzToRgb)];
        let first = values(&stream.clone_dtoh(first)?);
        assert_eq!(first.len(), TAIL_PIXELS * projection.from);
        let mut units = product(projection, &first);
        gelu(&mut units);
        let units = bits(&units);
        stream.memcpy_htod(&units, hidden)?;
        stream.memcpy_htod(&bits(&product(triangle, &values(&units))), turned)?;
        Ok(stream.synchronize()?)
    }
}

#[test]
#[ignore = "a part of networks_on_the_gpu_take_the_place_of_the_cpus"]
fn part() {
    if !is_here() {
        return;
    }
    let architecture = small(16, 12, 24, 8);
    let weights = seeded::weights(&architecture, 3);
    let networks = Box::new(OnHost::new(&architecture, weights.clone()));
    let mut cpu = CpuBackend::new(&architecture, weights.clone());
    let options = CpuOptions::default();
    let mut cuda = CudaBackend::with_networks(&architecture, weights, options, Some(networks)).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    let rgb: Vec<f32> = (0..RGB * P).map(|_| random.f32() * 4.0 - 2.0).collect();
    // All slices of the mappings' rest, then one.
    for (name, cloud) in [("all points", clouds::full())].into_iter().chain(clouds::all()) {
        let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
        assert_eq!(got.groups.centre_index, want.groups.centre_index, "{name}");
        if !clouds::points(&cloud).is_empty() {
            near(&format!("{name} tokens"), &got.tokens, &want.tokens, 2e-3);
            near(&format!("{name} features"), &got.groups.features, &want.groups.features, 2e-3);
            near_maps(name, &got.maps, &want.maps, &BOUNDS);
        }
    }
    println!("before: {} frames", 1 + clouds::all().len());
    // Tokens that the networks did not give: what the mappings take of them is made anew.
    let cloud = clouds::full();
    let mut got = run(&mut cuda, &rgb, &cloud);
    got.tokens.iter_mut().step_by(5).for_each(|token| *token *= 0.5);
    let mut want = got.maps.clone();
    cuda.anomaly_map(&got.tokens, &cloud, &got.groups, &mut got.maps).unwrap();
    cpu.anomaly_map(&got.tokens, &cloud, &got.groups, &mut want).unwrap();
    near_maps("other tokens", &got.maps, &want, &BOUNDS);
}

#[test]
fn networks_on_the_gpu_take_the_place_of_the_cpus() {
    let Some(run) = run_part("networks::part", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    // The kernels' own products were for the other tokens only: their first layer and their projection.
    assert_eq!(run.number("launched linear"), 2, "{}", run.printed());
    assert_eq!(run.number("launched inner_products"), 2);
}
