//! The frozen features of every frame, computed once: f16, in memory while small and in a file beyond that.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use tempfile::SpooledTempFile;

use super::error::FitError;
use crate::backend::XyzGroups;
use crate::model::Weights;
use crate::shapes::P;
use crate::spatial::rows::{SparseRows, rgb_rows, xyz_rows};

/// Beyond this many bytes the cache is on disk.
const MEMORY_BYTES_MAX: usize = 512 << 20;

/// Features of frames, as tokens and groups with the sparse rows that carry groups to pixels.
pub struct TokenCache {
    file: SpooledTempFile,
    /// Where it grows on disk.
    folder: PathBuf,
    frames: Vec<FrameLayout>,
    rgb_rows: SparseRows,
    c_rgb: usize,
    c_xyz: usize,
    /// What tokens and groups are standardised by when they are read.
    standard: Option<(Channels, Channels)>,
}

/// The lengths of one frame's features, and where its bytes start.
#[derive(Clone, Copy)]
struct FrameLayout {
    offset: u64,
    tokens: usize,
    groups: usize,
    pixels: usize,
    entries: usize,
}

impl FrameLayout {
    /// f16 features, then u32 (pixel, entries) of each row, then u16 group and f16 weight of each entry.
    fn bytes(&self) -> usize {
        2 * (self.tokens + self.groups) + 8 * self.pixels + 4 * self.entries
    }
}

/// A frame taken out of the cache.
#[derive(Default)]
pub struct CachedFrame {
    /// `[T, C_RGB]`.
    pub tokens: Vec<f32>,
    /// `[G, C_XYZ]`.
    pub groups: Vec<f32>,
    /// Pixels with a shape feature, each with where its row of `entries` ends.
    rows: Vec<(u32, u32)>,
    entries: Vec<(u16, f16)>,
}

/// A channel that varies less than this is left as wide as it is.
const DEVIATION_MIN: f32 = 1e-6;

/// Mean and deviation of each channel.
pub struct Channels {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Channels {
    /// Rows of `x`, `[n, C]`, to mean 0 and deviation 1.
    fn standardise(&self, x: &mut [f32]) {
        for row in x.chunks_exact_mut(self.mean.len()) {
            for ((v, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *v = (*v - mean) / deviation;
            }
        }
    }

    /// The same, put into the affine part of the LayerNorm that the features come from.
    pub fn fold_into_norm(&self, weights: &mut Weights, norm: &str) {
        for (leaf, mean) in [("weight", None), ("bias", Some(&self.mean))] {
            let values = weights.tensor_mut(&format!("{norm}.{leaf}")).f32_mut();
            for (i, v) in values.iter_mut().enumerate() {
                *v = (*v - mean.map_or(0.0, |m| m[i])) / self.deviation[i];
            }
        }
    }
}

impl TokenCache {
    /// `folder`: where it may grow on disk.
    pub fn new(folder: &Path, c_rgb: usize, c_xyz: usize) -> Self {
        let file = tempfile::spooled_tempfile_in(MEMORY_BYTES_MAX, folder);
        let rgb_rows = rgb_rows();
        Self { file, folder: folder.into(), frames: Vec::new(), rgb_rows, c_rgb, c_xyz, standard: None }
    }

    fn failed(&self, source: io::Error) -> FitError {
        FitError::Cache { folder: self.folder.clone(), source }
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Adds a frame: tokens `[T, C_RGB]`, its groups, and the cloud `[P]` they came from.
    pub fn push(&mut self, tokens: &[f32], groups: &XyzGroups, cloud: &[[f32; 3]]) -> Result<(), FitError> {
        let rows = xyz_rows(cloud, &groups.centres);
        let pixels: Vec<usize> = (0..P).filter(|&p| !rows.row(p).is_empty()).collect();
        let entries = pixels.iter().map(|&p| rows.row(p).len()).sum();
        let offset = self.frames.last().map_or(0, |f| f.offset + f.bytes() as u64);
        let (tokens_len, groups_len) = (tokens.len(), groups.features.len());
        let record = FrameLayout { offset, tokens: tokens_len, groups: groups_len, pixels: pixels.len(), entries };
        let mut bytes = Vec::with_capacity(record.bytes());
        for features in [tokens, &groups.features] {
            bytes.extend(features.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()));
        }
        let mut end = 0;
        for &pixel in &pixels {
            end += rows.row(pixel).len() as u32;
            bytes.extend((pixel as u32).to_le_bytes());
            bytes.extend(end.to_le_bytes());
        }
        for &(group, weight) in pixels.iter().flat_map(|&p| rows.row(p)) {
            bytes.extend((group as u16).to_le_bytes());
            bytes.extend(f16::from_f32(weight).to_le_bytes());
        }
        let written = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.write_all(&bytes));
        written.map_err(|source| self.failed(source))?;
        self.frames.push(record);
        Ok(())
    }

    /// Reads frame `index` into `frame`.
    pub fn read(&mut self, index: usize, frame: &mut CachedFrame) -> Result<(), FitError> {
        let record = self.frames[index];
        let mut bytes = vec![0; record.bytes()];
        let read = self.file.seek(SeekFrom::Start(record.offset)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|source| self.failed(source))?;
        let (tokens, rest) = bytes.split_at(2 * record.tokens);
        let (groups, rest) = rest.split_at(2 * record.groups);
        let (rows, entries) = rest.split_at(8 * record.pixels);
        read_halves(tokens, &mut frame.tokens);
        read_halves(groups, &mut frame.groups);
        let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        if let Some((rgb, xyz)) = &self.standard {
            rgb.standardise(&mut frame.tokens);
            xyz.standardise(&mut frame.groups);
        }
        frame.rows.clear();
        frame.rows.extend(rows.chunks_exact(8).map(|b| (word(b), word(&b[4..]))));
        frame.entries.clear();
        let entry = |b: &[u8; 4]| (u16::from_le_bytes([b[0], b[1]]), f16::from_le_bytes([b[2], b[3]]));
        frame.entries.extend(entries.as_chunks::<4>().0.iter().map(entry));
        Ok(())
    }

    /// Appends `count` pixels of `frame`, drawn with replacement: their features `[count, C]` of both kinds.
    pub fn sample(
        &self,
        frame: &CachedFrame,
        count: usize,
        random: &mut fastrand::Rng,
        rgb: &mut Vec<f32>,
        xyz: &mut Vec<f32>,
    ) {
        for _ in 0..count {
            let row = random.usize(0..frame.rows.len());
            let (pixel, end) = frame.rows[row];
            let start = if row == 0 { 0 } else { frame.rows[row - 1].1 };
            let groups = &frame.entries[start as usize..end as usize];
            combine(self.rgb_rows.row(pixel as usize).iter().copied(), &frame.tokens, self.c_rgb, rgb);
            let groups = groups.iter().map(|&(group, weight)| (u32::from(group), weight.to_f32()));
            combine(groups, &frame.groups, self.c_xyz, xyz);
        }
    }

    /// Frames are standardised from here on.
    pub fn standardise(&mut self, rgb: Channels, xyz: Channels) {
        self.standard = Some((rgb, xyz));
    }

    /// Mean and deviation of each channel of the tokens, and of the groups, of some frames.
    pub fn channels(&mut self, frames: impl Iterator<Item = usize>) -> Result<(Channels, Channels), FitError> {
        let (mut rgb, mut xyz) = (Sums::new(self.c_rgb), Sums::new(self.c_xyz));
        let mut frame = CachedFrame::default();
        for index in frames {
            self.read(index, &mut frame)?;
            rgb.add(&frame.tokens);
            xyz.add(&frame.groups);
        }
        Ok((rgb.channels(), xyz.channels()))
    }
}

/// Appends the weighted sum of rows of `features`, `[n, c]`.
fn combine(row: impl Iterator<Item = (u32, f32)>, features: &[f32], c: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + c, 0.0);
    let sum = &mut out[start..];
    for (index, weight) in row {
        sum.iter_mut().zip(&features[index as usize * c..][..c]).for_each(|(s, f)| *s += weight * f);
    }
}

fn read_halves(bytes: &[u8], out: &mut Vec<f32>) {
    let halves: Vec<f16> = bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
    out.resize(halves.len(), 0.0);
    halves.convert_to_f32_slice(out);
}

/// Sums for mean and deviation of each channel.
struct Sums {
    count: f64,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(channels: usize) -> Self {
        Self { count: 0.0, sum: vec![0.0; channels], squares: vec![0.0; channels] }
    }

    fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.sum.len()) {
            self.count += 1.0;
            for ((sum, square), v) in self.sum.iter_mut().zip(&mut self.squares).zip(row) {
                *sum += f64::from(*v);
                *square += f64::from(*v) * f64::from(*v);
            }
        }
    }

    fn channels(self) -> Channels {
        let means: Vec<f64> = self.sum.iter().map(|s| s / self.count.max(1.0)).collect();
        let variance = |(square, mean): (&f64, &f64)| (square / self.count.max(1.0) - mean * mean).max(0.0);
        let narrow = |d: f32| if d < DEVIATION_MIN { 1.0 } else { d };
        let deviation = self.squares.iter().zip(&means).map(|pair| narrow(variance(pair).sqrt() as f32)).collect();
        Channels { mean: means.iter().map(|m| *m as f32).collect(), deviation }
    }
}
