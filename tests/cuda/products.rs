//! `products.cu` against the same products in f64, and the instructions of `instructions.cuh` that no product shows.

use fastrand::Rng;
use half::f16;

use crate::host::{Argument, Grid, Host, Schedule, grid, host, in_every_schedule, input, int, null, output};
use crate::interpolate::random_matrix;
use crate::mapping::{halves, wide};
use crate::support::reference::{Rows as Matrix, gelu};

/// A kernel: the side of a block's tile, its threads, and whether it takes a bias and a count of rows.
struct Kernel {
    name: &'static str,
    side: usize,
    threads: usize,
    bias: bool,
    counts: bool,
}

const LINEAR: Kernel = Kernel { name: "linear", side: 64, threads: 128, bias: true, counts: true };
const LINEAR_LARGE: Kernel = Kernel { name: "linear_large", side: 128, threads: 256, ..LINEAR };
const SQUARED_LENGTHS: Kernel = Kernel { name: "squared_lengths", ..LINEAR_LARGE };
const ADD_LINEAR: Kernel = Kernel { name: "add_linear", counts: false, ..LINEAR };
const INNER_PRODUCTS: Kernel = Kernel { name: "inner_products", bias: false, ..ADD_LINEAR };
/// Sums of squares of a row that a large tile gives.
const TILE_PARTS: usize = 4;

#[derive(Clone)]
struct Case {
    x: Vec<f16>,
    weight: Vec<f16>,
    bias: Option<Vec<f32>>,
    n: usize,
    from: usize,
    to: usize,
    /// The rows that the launch is for; those that there are, are counted on the device if there are more.
    room: usize,
    triangular: bool,
}

impl Case {
    fn new([n, from, to]: [usize; 3], random: &mut Rng) -> Self {
        let (x, weight) = (halves(&random_matrix(n, from, random)), halves(&random_matrix(to, from, random)));
        let bias = Some((0..to).map(|_| random.f32() - 0.5).collect());
        Self { x, weight, bias, n, from, to, room: n, triangular: false }
    }

    /// With a triangle as the weight.
    fn triangular(self) -> Self {
        let (from, mut weight) = (self.from, self.weight);
        for (row, values) in weight.chunks_exact_mut(from).enumerate() {
            values[..row.min(from)].fill(f16::ZERO);
        }
        Self { weight, triangular: true, ..self }
    }

    /// The product with its bias, in f64.
    fn want(&self) -> Matrix {
        let (x, weight) = (wide(&self.x, self.from), wide(&self.weight, self.from));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let bias = |j: usize| self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[j]));
        x.iter().map(|x| weight.iter().enumerate().map(|(j, w)| dot(x, w) + bias(j)).collect()).collect()
    }

    /// Launches `kernel` for this case. `more` are its sizes after rows and columns.
    fn launch(&self, host: &Host, schedule: Schedule, kernel: &Kernel, more: &[usize], out: Argument) {
        let count = [self.n as i32];
        let mut arguments = vec![input(&self.x), input(&self.weight)];
        if kernel.bias {
            arguments.push(self.bias.as_ref().map_or(null(), |bias| input(bias)));
        }
        if kernel.counts {
            arguments.push(if self.room > self.n { input(&count) } else { null() });
        }
        arguments.extend([self.room, self.from, self.to].iter().chain(more).map(|&size| int(size)));
        arguments.push(out);
        let (across, down) = (self.to.div_ceil(kernel.side), self.room.div_ceil(kernel.side));
        let blocks = Grid { blocks: [across, down], threads: kernel.threads, coresident: false };
        host.launch(schedule, kernel.name, blocks, &mut arguments);
    }

    fn linear(&self, host: &Host, schedule: Schedule, kernel: &Kernel, activation: usize) -> Vec<f16> {
        let mut out = vec![f16::ZERO; self.n * self.to];
        self.launch(host, schedule, kernel, &[self.triangular.into(), activation], output(&mut out));
        out
    }

    /// The parts of each row's squared length, added.
    fn squared_lengths(&self, host: &Host, schedule: Schedule) -> Vec<f64> {
        let parts = self.to.div_ceil(SQUARED_LENGTHS.side) * TILE_PARTS;
        let mut out = vec![0.0f32; parts * self.room];
        self.launch(host, schedule, &SQUARED_LENGTHS, &[self.triangular.into()], output(&mut out));
        let part = |row, part| f64::from(out[part * self.room + row]);
        (0..self.n).map(|row| (0..parts).map(|i| part(row, i)).sum()).collect()
    }

    fn near(&self, what: &str, got: &[f64], want: &[f64], bound: impl Fn(f64) -> f64) {
        assert_eq!(got.len(), want.len());
        let Self { n, from, to, .. } = self;
        for (place, (got, want)) in got.iter().zip(want).enumerate() {
            let near = (got - want).abs() <= bound(*want);
            assert!(near, "{what} of {n} x {from} by {to}, place {place}: {got} and not {want}");
        }
    }

    /// f32's rounding of a sum.
    fn rounding(&self) -> f64 {
        1e-6 * self.from as f64
    }
}

/// Rows, columns of both operands, and columns of the result: one of each, whole tiles and pieces, and what is left over
/// of them.
const SIZES: [[usize; 3]; 6] = [[1, 8, 1], [64, 32, 64], [65, 40, 66], [130, 96, 200], [3, 200, 129], [200, 264, 130]];

fn cases() -> impl Iterator<Item = Case> {
    SIZES.into_iter().enumerate().map(|(seed, sizes)| Case::new(sizes, &mut Rng::with_seed(seed as u64)))
}

fn values(halves: &[f16]) -> Vec<f64> {
    halves.iter().map(|v| v.to_f64()).collect()
}

fn floats(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

fn activated(values: Matrix, activation: usize) -> Vec<f64> {
    match activation {
        0 => values.concat(),
        1 => gelu(values).concat(),
        _ => values.concat().iter().map(|v| v.max(0.0)).collect(),
    }
}

#[test]
fn layers_are_the_formulas() {
    let Some(host) = host() else { return };
    for case in cases().filter(|case| case.to % 2 == 0) {
        let (n, bound) = (case.n, case.rounding());
        let unbiased = Case { bias: None, ..case.clone() };
        let counted = Case { room: n + 200, ..case.clone() };
        let triangular = case.clone().triangular();
        for (case, activation) in [(case, 0), (unbiased, 1), (counted, 2), (triangular, 1)] {
            let want = activated(case.want(), activation);
            for kernel in [LINEAR, LINEAR_LARGE] {
                let got = in_every_schedule(|schedule| case.linear(host, schedule, &kernel, activation));
                // And half a step of a half.
                case.near(kernel.name, &values(&got), &want, |want| want.abs() * 2f64.powi(-11) + bound);
            }
        }
    }
}

#[test]
fn a_residual_is_added() {
    let Some(host) = host() else { return };
    for case in cases().filter(|case| case.to % 2 == 0) {
        let before: Vec<f32> = (0..case.n * case.to).map(|i| (i % 7) as f32 - 3.0).collect();
        let got = in_every_schedule(|schedule| {
            let mut out = before.clone();
            case.launch(host, schedule, &ADD_LINEAR, &[], output(&mut out));
            out
        });
        let want: Vec<f64> = case.want().concat().iter().zip(&before).map(|(v, b)| v + f64::from(*b)).collect();
        case.near("add_linear", &floats(&got), &want, |_| case.rounding());
    }
}

#[test]
fn inner_products_are_the_formula() {
    let Some(host) = host() else { return };
    for case in cases() {
        let case = Case { bias: None, ..case };
        let got = in_every_schedule(|schedule| {
            let mut out = vec![f32::MAX; case.n * case.to];
            case.launch(host, schedule, &INNER_PRODUCTS, &[], output(&mut out));
            out
        });
        case.near("inner_products", &floats(&got), &case.want().concat(), |_| case.rounding());
    }
}

#[test]
fn squared_lengths_are_the_formula() {
    let Some(host) = host() else { return };
    for case in cases() {
        let counted = Case { room: case.n + 200, ..case.clone() };
        let triangular = case.clone().triangular();
        for case in [counted, triangular, Case { bias: None, ..case }] {
            let got = in_every_schedule(|schedule| case.squared_lengths(host, schedule));
            let want: Vec<f64> = case.want().iter().map(|row| row.iter().map(|v| v * v).sum()).collect();
            case.near("squared_lengths", &got, &want, |want| 1e-5 * want + case.rounding());
        }
    }
}

/// What is below a triangle's diagonal is not read where a whole block of columns lies there.
#[test]
fn a_triangle_is_read_from_its_diagonal_on() {
    let Some(host) = host() else { return };
    let case = Case::new([5, 288, 256], &mut Rng::with_seed(9)).triangular();
    let want = case.squared_lengths(host, Schedule::Ascending);
    let mut broken = case.clone();
    for row in broken.weight.chunks_exact_mut(case.from).skip(128) {
        row[..128].fill(f16::NAN);
    }
    assert_eq!(broken.squared_lengths(host, Schedule::Ascending), want);
}

/// The four 8 x 8 parts of a matrix as `probe_fragments` gives them.
fn fragments(host: &Host, schedule: Schedule, transposed: bool, waits: bool) -> Vec<f16> {
    let matrix: Vec<f16> = (0..256u16).map(|i| f16::from_f64(f64::from(i))).collect();
    let mut out = vec![f16::ZERO; 256];
    let mut arguments = [input(&matrix), int(transposed.into()), int(waits.into()), output(&mut out)];
    host.launch(schedule, "probe_fragments", grid(1, 32), &mut arguments);
    out
}

#[test]
fn fragments_are_the_parts_of_a_matrix() {
    let Some(host) = host() else { return };
    for transposed in [false, true] {
        let got = in_every_schedule(|schedule| fragments(host, schedule, transposed, true));
        let place = |i: usize| {
            let (row, column) = (i / 16, i % 16);
            let inside = if transposed { (column % 8, row % 8) } else { (row % 8, column % 8) };
            (row / 8 * 8 + inside.0) * 16 + column / 8 * 8 + inside.1
        };
        let want: Vec<f64> = (0..256).map(|i| place(i) as f64).collect();
        assert_eq!(values(&got), want, "transposed: {transposed}");
    }
}

#[test]
fn a_copy_that_is_not_waited_for_is_not_there() {
    let Some(host) = host() else { return };
    let [early, late] = [Schedule::Ascending, Schedule::Descending].map(|s| fragments(host, s, false, false));
    assert!(!early.iter().any(|v| v.is_nan()) && late.iter().all(|v| v.is_nan()), "{early:?} {late:?}");
}

#[test]
fn what_the_instructions_do_not_take_is_refused() {
    let Some(host) = host() else { return };
    let matrix = vec![f16::ZERO; 256 + 8];
    let launch = |matrix: &[f16], threads| {
        let mut out = vec![f16::ZERO; 256];
        let mut arguments = [input(matrix), int(0), int(1), output(&mut out)];
        host.try_launch(Schedule::Ascending, "probe_fragments", grid(1, threads), &mut arguments).unwrap_err()
    };
    let wrong = launch(&matrix[1..], 32);
    assert!(wrong.contains("multiple of 16 bytes"), "{wrong}");
    let wrong = launch(&matrix, 16);
    assert!(wrong.contains("a lane that is not there"), "{wrong}");
}
