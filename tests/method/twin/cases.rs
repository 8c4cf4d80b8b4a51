//! Random architectures and clouds.

use std::fmt;

use crosscheck::model::{Architecture, PointMaeShape, Score, Tensor, VitShape, Weights, seeded};
use crosscheck::shapes::{H, P, RGB, W};
use fastrand::Rng;

/// Makes a cloud `[P]`; the number of groups lets a case stay below it.
pub type Kind = fn(&mut Rng, usize) -> Vec<[f32; 3]>;

pub struct Case {
    pub seed: u64,
    pub architecture: Architecture,
    pub rgb: Vec<f32>,
    pub cloud: Vec<[f32; 3]>,
}

impl Case {
    pub fn new(kind: Kind, seed: u64) -> Self {
        Self::with_groups(kind, seed, None)
    }

    /// The same, scored by a likelihood.
    pub fn of_likelihood(kind: Kind, seed: u64) -> Self {
        let mut case = Self::new(kind, seed);
        case.architecture.score = Score::Likelihood;
        case
    }

    /// `groups`: as many, or a random number.
    pub fn with_groups(kind: Kind, seed: u64, groups: Option<usize>) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut architecture = architecture(&mut random);
        architecture.xyz.groups = groups.unwrap_or(architecture.xyz.groups);
        architecture.check().unwrap();
        // What a normalised image holds: about -2 to 2.
        let rgb = (0..RGB * P).map(|_| random.f32() * 4.0 - 2.0).collect();
        let cloud = kind(&mut random, architecture.xyz.groups);
        Self { seed, architecture, rgb, cloud }
    }

    /// Seeded; of odd seeds so faint that the epsilons of the norms, lost in rounding otherwise, change the result.
    pub fn weights(&self) -> Weights {
        let specs = self.architecture.tensors();
        let mut tensors: Vec<_> = specs.iter().map(|spec| (&spec.name, seeded::tensor(spec, self.seed))).collect();
        let mut scale = |names: &[&str], by: f32| {
            for (_, values) in tensors.iter_mut().filter(|(name, _)| names.iter().any(|n| name.starts_with(n))) {
                values.iter_mut().for_each(|v| *v *= by);
            }
        };
        if !self.seed.is_multiple_of(2) {
            scale(&["rgb.cls_token", "rgb.pos_embed", "rgb.patch_embed"], 0.01);
            scale(&["xyz.encoder.second_conv.3", "xyz.pos_embed.2"], 0.01);
            scale(&["xyz.encoder.first_conv.1.running_var", "xyz.encoder.second_conv.1.running_var"], 1e-3);
        }
        let tensors = tensors.into_iter().map(|(name, values)| (name.clone(), Tensor::F32(values)));
        Weights::new(&self.architecture, tensors.collect()).unwrap()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = self.cloud.iter().filter(|p| **p != [0.0; 3]).count();
        write!(f, "seed {}, {points} points, {:?}", self.seed, self.architecture)
    }
}

fn architecture(random: &mut Rng) -> Architecture {
    let (rgb_heads, xyz_heads) = (random.usize(1..=4), random.usize(1..=4));
    let layers = random.usize(1..=3);
    let mut taps: Vec<usize> = (0..layers).filter(|_| random.bool()).collect();
    if taps.is_empty() {
        taps.push(random.usize(0..layers));
    }
    let rgb = VitShape {
        width: width(random, rgb_heads),
        heads: rgb_heads,
        mlp: random.usize(8..=64),
        layers: random.usize(1..=3),
    };
    let xyz = PointMaeShape {
        width: width(random, xyz_heads),
        heads: xyz_heads,
        mlp: random.usize(8..=64),
        layers,
        taps,
        groups: random.usize(1..=64),
        group_size: random.usize(1..=16),
        encoder: [(); 3].map(|()| random.usize(4..=24)),
        position_hidden: random.usize(4..=24),
    };
    // Above and below both C_RGB and C_XYZ, so that the last layer is tall, square-ish and wide.
    Architecture { rgb, xyz, hidden: random.usize(4..=64), score: Score::Product }
}

/// 8 to 48, a multiple of the heads.
fn width(random: &mut Rng, heads: usize) -> usize {
    random.usize(8usize.div_ceil(heads)..=48 / heads) * heads
}

/// The point that a camera half a metre above a gently curved part sees at a pixel.
fn surface(pixel: usize) -> [f32; 3] {
    let (x, y) = ((pixel % W) as f32 * 0.001 - 0.112, (pixel / W) as f32 * 0.001 - 0.112);
    [x, y, 0.5 + 0.1 * (x * x - x * y) + 0.004 * (40.0 * y).sin()]
}

fn noisy(random: &mut Rng, point: [f32; 3]) -> [f32; 3] {
    point.map(|v| v + (random.f32() - 0.5) * 5e-4)
}

fn discs(random: &mut Rng, count: usize) -> Vec<bool> {
    let mut on = vec![false; P];
    for _ in 0..count {
        let (y, x, radius) = (random.usize(0..H), random.usize(0..W), random.usize(2..30));
        let inside = |p: &usize| (p / W).abs_diff(y).pow(2) + (p % W).abs_diff(x).pow(2) <= radius * radius;
        (0..P).filter(inside).for_each(|p| on[p] = true);
    }
    on
}

fn cloud(mut point: impl FnMut(usize) -> Option<[f32; 3]>) -> Vec<[f32; 3]> {
    (0..P).map(|p| point(p).unwrap_or([0.0; 3])).collect()
}

pub fn no_point(_: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    cloud(|_| None)
}

pub fn one_point(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    let only = random.usize(0..P);
    cloud(|p| (p == only).then(|| surface(p)))
}

/// At least one point, and fewer than there are groups unless there is one group.
pub fn few_points(random: &mut Rng, groups: usize) -> Vec<[f32; 3]> {
    let count = random.usize(1..groups.max(2));
    let on = random.choose_multiple(0..P, count);
    cloud(|p| on.contains(&p).then(|| surface(p)))
}

pub fn plane(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    let (on, slope) = (discs(random, 4), random.f32());
    let flat = |[x, y, _]: [f32; 3]| [x, y, 0.5 + slope * x];
    cloud(|p| on[p].then(|| flat(surface(p))))
}

/// A handful of places, many points on each.
pub fn duplicates(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    let on = discs(random, 4);
    let places: Vec<[f32; 3]> = (0..random.usize(2..100)).map(|_| surface(random.usize(0..P))).collect();
    cloud(|p| on[p].then(|| places[random.usize(0..places.len())]))
}

/// Spacing by a power of two: differences and squares are exact, so equal distances are equal in f32.
pub fn lattice(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    let on = discs(random, 5);
    let spacing = 1.0 / 1024.0;
    cloud(|p| on[p].then_some([(p % W) as f32 * spacing, (p / W) as f32 * spacing, 0.5]))
}

pub fn blobs(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    let count = random.usize(1..12);
    let on = discs(random, count);
    cloud(|p| on[p].then(|| noisy(random, surface(p))))
}

/// 30 % of the pixels, wherever they fall.
pub fn sprinkled(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    cloud(|p| (random.f32() < 0.3).then(|| noisy(random, surface(p))))
}

/// No two valid pixels within reach of one 3 x 3 window, the corners among them.
pub fn isolated(random: &mut Rng, _: usize) -> Vec<[f32; 3]> {
    let corner = |p: usize| (p / W).is_multiple_of(H - 1) && (p % W).is_multiple_of(W - 1);
    let apart = |p: usize| (p / W) % 7 == 3 && (p % W) % 7 == 3;
    cloud(|p| (corner(p) || apart(p) && random.bool()).then(|| noisy(random, surface(p))))
}
