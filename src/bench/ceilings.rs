//! Peak rates of this machine, and memory and processor time of this process, with which a frame is compared.

use std::time::Instant;

use gemm::Parallelism;
use rayon::prelude::*;

use crate::fold::linear::{View, product};

/// Side of the square products: large enough to reach the ceiling, small enough to stay in cache.
const GEMM_SIDE: usize = 1024;
/// Number of values that are copied, far beyond any cache.
const COPY_VALUES: usize = 16 << 20;

/// Peak rates, measured between frames, so that other programs on the machine slow both alike.
pub struct Ceilings {
    a: Vec<f32>,
    b: Vec<f32>,
    out: Vec<f32>,
    gemm_seconds: Vec<f64>,
    copy_seconds: Vec<f64>,
}

impl Ceilings {
    /// Measures once to warm up.
    pub fn new() -> Self {
        let zeros = |n| vec![0.0; n];
        let mut ceilings = Self {
            a: zeros(COPY_VALUES),
            b: vec![0.5; GEMM_SIDE * GEMM_SIDE],
            out: zeros(COPY_VALUES),
            gemm_seconds: Vec::new(),
            copy_seconds: Vec::new(),
        };
        ceilings.a.fill(1.0);
        ceilings.measure();
        ceilings.gemm_seconds.clear();
        ceilings.copy_seconds.clear();
        ceilings
    }

    /// Measures one product of the GEMM library and one copy, on every core.
    pub fn measure(&mut self) {
        let n = GEMM_SIDE;
        let start = Instant::now();
        let (a, b) = (View::dense(&self.a[..n * n], n, n), View::dense(&self.b, n, n));
        product(a, b.t(), 1.0, false, &mut self.out[..n * n], n, Parallelism::Rayon(0));
        self.gemm_seconds.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let chunk = COPY_VALUES / rayon::current_num_threads();
        self.out.par_chunks_mut(chunk).zip(self.a.par_chunks(chunk)).for_each(|(to, from)| to.copy_from_slice(from));
        self.copy_seconds.push(start.elapsed().as_secs_f64());
    }

    /// Median of f32 products, 10^9 operations a second.
    pub fn gemm_gflops(&self) -> f64 {
        2.0 * (GEMM_SIDE as f64).powi(3) / median(&self.gemm_seconds) / 1e9
    }

    /// Median of copies, 10^9 bytes read and written a second.
    pub fn copy_gigabytes_per_second(&self) -> f64 {
        8.0 * COPY_VALUES as f64 / median(&self.copy_seconds) / 1e9
    }
}

impl Default for Ceilings {
    fn default() -> Self {
        Self::new()
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Largest resident set of this process so far (VmHWM), 10^6 bytes; none if the system does not report it.
pub fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Processor time of every thread that this process has now, milliseconds; none if the system does not report it.
pub fn processor_ms() -> Option<f64> {
    let mut total = 0.0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        total += text.split_ascii_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(total / 1e6)
}
