//! The engine file: one safetensors file with everything an inspection depends on.
//!
//! The header's metadata holds one entry, `crosscheck`, a JSON object of `format`, `engine`
//! ([`Metadata`]) and `content_sha256`, the hash of the engine's JSON and of every tensor.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::slice::HalfFloatSliceExt;
use safetensors::Dtype;
use safetensors::tensor::Metadata as Header;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::encoded::Encoded;
use super::{Architecture, TensorSpec, Variant, Weights};
use crate::calibrate::Calibration;
use crate::files;
use crate::prepare::{Preparation, Stride};

/// The version of this layout. A file of another version is refused.
pub const FORMAT: u32 = 1;
/// A header of names, shapes and settings is far below this.
const HEADER_BYTES_MAX: u64 = 4 << 20;
const KEY: &str = "crosscheck";
/// Values that are widened at a time.
const HALVES: usize = 4096;
const BUILT_IN: &[u8] = include_bytes!("../../engines/default.safetensors");

#[derive(Debug, Error)]
pub enum EngineError {
    #[error("cannot read the engine {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write the engine {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{} is not an engine file: {reason}; make one with `crosscheck import`", path.display())]
    Kind { path: PathBuf, reason: String },
    #[error(
        "the engine {} has format {found}, this program reads format {FORMAT}: make it again with `crosscheck import` of this version",
        path.display()
    )]
    Version { path: PathBuf, found: String },
    #[error("the engine {} is damaged: {reason}; copy or import it again", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the engine was fitted in another scene: {difference}; fit it again with this scene, or leave the scene out, which takes the engine's own"
    )]
    Scene { difference: String },
    #[error(
        "the engine was calibrated with --stride {}, but {} is asked for: calibrate it again, or leave out --stride",
        engine.pixels(),
        asked.pixels()
    )]
    Stride { engine: Stride, asked: Stride },
    #[error("the tensor {name} has a value that f16 cannot hold ({value}): use --precision f32")]
    Range { name: String, value: f32 },
}

/// How the large tensors are stored; arithmetic is f32 either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    F16,
    F32,
}

/// Where a part of the weights came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    File { part: String, name: String, sha256: String },
    Seed(u64),
}

/// What the shape network's weights take its coordinates in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    /// Metres, as the published networks do.
    #[default]
    Metres,
    /// Measures of the part, which a fit takes from its good parts.
    Relative,
    /// Metres, since a fit folded these measures into weights that were relative.
    Folded(Measures),
}

impl Geometry {
    fn is_metres(&self) -> bool {
        *self == Self::Metres
    }
}

/// The measures of a part: offsets within a group are in units of `radius_m`, group centres are taken from
/// `centre_m` in units of `spread_m`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Median over groups of the distance from a centre to the last of its K points.
    pub radius_m: f32,
    /// Mean of the group centres, in the camera's frame.
    pub centre_m: [f32; 3],
    /// Root mean square distance of the group centres from `centre_m`.
    pub spread_m: f32,
}

/// How a part usually looks to the engine, over the good parts of its fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// Median number of points that the network is given, N.
    pub points: usize,
    /// Median over frames of the median distance of all points along the optical axis, metres.
    pub depth_m: f32,
    /// Pixels of a photograph.
    pub width: usize,
    pub height: usize,
}

/// Everything of an engine but its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub variant: Variant,
    pub architecture: Architecture,
    pub precision: Precision,
    pub preparation: Preparation,
    /// Whether a fit standardises features over its good parts, by way of the networks' last norms.
    /// Off for the published networks.
    pub standardise: bool,
    /// Left out of the file where it is metres, so that files from before it was there keep their content hash.
    #[serde(default, skip_serializing_if = "Geometry::is_metres")]
    pub geometry: Geometry,
    /// Known after a fit. Left out of the file where it is not, for the same reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Usual>,
    /// The thresholds and how they were found; none before calibration.
    pub calibration: Option<Calibration>,
    /// Fingerprints of the frames that the mappings were learnt from; a threshold comes from others.
    pub fitted_on: Vec<String>,
    pub provenance: Vec<Source>,
}

/// An engine in memory.
#[derive(Clone, Debug)]
pub struct Engine {
    pub metadata: Metadata,
    /// Every tensor of the architecture, or all but the mappings'.
    pub weights: Weights,
    /// Hex SHA-256 of metadata and weights as they are stored; empty before the engine is stored.
    pub content_sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    format: u32,
    engine: Metadata,
    content_sha256: String,
}

impl Engine {
    /// Whether the mappings are there.
    pub fn is_fitted(&self) -> bool {
        self.weights.contains_key("map_rgb_to_xyz.input.weight")
    }

    /// Prepares frames in another way. Another scene is refused where mappings or a threshold were learnt in this one, and
    /// another stride where a threshold was.
    pub fn prepare_as(&mut self, preparation: Preparation) -> Result<(), EngineError> {
        let own = &self.metadata.preparation;
        if let Some(difference) = own.scene_difference(&preparation)
            && (self.is_fitted() || self.metadata.calibration.is_some())
        {
            return Err(EngineError::Scene { difference });
        }
        if self.metadata.calibration.is_some() && own.stride != preparation.stride {
            return Err(EngineError::Stride { engine: own.stride, asked: preparation.stride });
        }
        self.metadata.preparation = preparation;
        Ok(())
    }

    /// The two networks' weights alone.
    pub fn backbones(&self) -> Weights {
        self.weights.iter().filter(|(name, _)| !name.starts_with("map_")).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// Writes the engine, whole or not at all, and returns its content hash.
    pub fn write(&self, path: &Path) -> Result<String, EngineError> {
        let tensors = self.encode()?;
        let content_sha256 = content_hash(&self.metadata, tensors.iter().map(|t| (&t.spec, t.dtype, t.bytes())));
        let entry = Entry { format: FORMAT, engine: self.metadata.clone(), content_sha256: content_sha256.clone() };
        let failed = |source| EngineError::Write { path: path.into(), source };
        let header = serde_json::to_string(&entry).map_err(|e| failed(e.into()))?;
        let data = tensors.iter().map(|t| (t.spec.name.as_str(), t));
        let info = HashMap::from([(KEY.to_string(), header)]);
        files::write_whole(path, |file| {
            safetensors::serialize_to_file(data, Some(info), file.path()).map_err(std::io::Error::other)
        })
        .map_err(failed)?;
        Ok(content_sha256)
    }

    fn encode(&self) -> Result<Vec<Encoded<'_>>, EngineError> {
        let specs = stored_specs(&self.metadata.architecture, self.is_fitted());
        specs.into_iter().map(|spec| self.encode_one(spec)).collect()
    }

    fn encode_one(&self, spec: TensorSpec) -> Result<Encoded<'_>, EngineError> {
        let Some(values) = self.weights.get(&spec.name) else { panic!("the engine has no tensor {}", spec.name) };
        let dtype = stored_dtype(self.metadata.precision, &spec);
        let too_large = |v: &&f32| dtype == Dtype::F16 && v.abs() > half::f16::MAX.to_f32();
        if let Some(&value) = values.iter().find(too_large) {
            return Err(EngineError::Range { name: spec.name, value });
        }
        Ok(Encoded { spec, dtype, values })
    }

    /// Reads an engine and checks every name, shape and the content hash.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let file = File::open(path).map_err(|source| EngineError::Read { path: path.into(), source })?;
        Reader::new(path, file)?.engine()
    }

    /// The default engine (`engines/README.md`), which is part of the program. It has no mappings: fit it.
    pub fn built_in() -> Result<Self, EngineError> {
        Reader::new("the built-in engine".as_ref(), Cursor::new(BUILT_IN))?.engine()
    }
}

/// Vectors (norms, biases) are small and stay exact.
fn stored_dtype(precision: Precision, spec: &TensorSpec) -> Dtype {
    if precision == Precision::F16 && spec.shape.len() > 1 { Dtype::F16 } else { Dtype::F32 }
}

/// In name order, which is the order of the content hash.
fn stored_specs(architecture: &Architecture, fitted: bool) -> Vec<TensorSpec> {
    let mut specs = architecture.rgb_tensors();
    specs.extend(architecture.xyz_tensors());
    if fitted {
        specs.extend(architecture.mapping_tensors());
    }
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    specs
}

fn content_hash<'a, B: AsRef<[u8]>>(
    metadata: &Metadata,
    tensors: impl Iterator<Item = (&'a TensorSpec, Dtype, B)>,
) -> String {
    let mut hash = ContentHash::new(metadata);
    tensors.for_each(|(spec, dtype, bytes)| hash.add(spec, dtype, bytes.as_ref()));
    hash.finish()
}

struct ContentHash(Sha256);

impl ContentHash {
    fn new(metadata: &Metadata) -> Self {
        let Ok(settings) = serde_json::to_vec(metadata) else { panic!("an engine's settings are plain JSON") };
        Self(Sha256::new_with_prefix(settings))
    }

    fn add(&mut self, spec: &TensorSpec, dtype: Dtype, bytes: &[u8]) {
        self.0.update(format!("{} {dtype:?} {:?}\n", spec.name, spec.shape));
        self.0.update(bytes);
    }

    fn finish(self) -> String {
        files::hex(&self.0.finalize())
    }
}

/// An engine file whose header was read.
struct Reader<F> {
    path: PathBuf,
    file: F,
    header: Header,
    /// Where tensor data starts, bytes.
    start: u64,
    entry: Entry,
}

impl<F: Read + Seek> Reader<F> {
    fn new(path: &Path, mut file: F) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Read { path: path.into(), source };
        let kind = |reason: &str| EngineError::Kind { path: path.into(), reason: reason.into() };
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let mut bytes = [0; 8];
        file.read_exact(&mut bytes).map_err(|_| kind("it is shorter than a header"))?;
        let header_bytes = u64::from_le_bytes(bytes);
        if header_bytes > HEADER_BYTES_MAX || header_bytes + 8 > length {
            return Err(kind("it has no safetensors header, or not all of it"));
        }
        let mut text = vec![0; header_bytes as usize];
        file.read_exact(&mut text).map_err(failed)?;
        let header: Header =
            serde_json::from_slice(&text).map_err(|e| kind(&format!("its header is not valid ({e})")))?;
        let entry = read_entry(path, &header)?;
        let start = 8 + header_bytes;
        let expected = start + header.data_len() as u64;
        if length != expected {
            let reason = format!("it has {length} bytes where {expected} are expected");
            return Err(EngineError::Damaged { path: path.into(), reason });
        }
        Ok(Self { path: path.into(), file, header, start, entry })
    }

    fn engine(mut self) -> Result<Engine, EngineError> {
        let metadata = self.entry.engine.clone();
        metadata.architecture.check().map_err(|reason| self.damaged(reason))?;
        metadata.preparation.check().map_err(|reason| self.damaged(reason))?;
        let fitted = self.header.info("map_rgb_to_xyz.input.weight").is_some();
        let specs = stored_specs(&metadata.architecture, fitted);
        self.check_tensors(&specs)?;
        let mut hash = ContentHash::new(&metadata);
        let mut weights = Weights::new();
        // One buffer for all: memory freed in pieces between the weights would stay with the process.
        let mut bytes = Vec::new();
        for spec in specs {
            let dtype = self.tensor(&spec, &mut bytes)?;
            hash.add(&spec, dtype, &bytes);
            let values = decode(dtype, &bytes);
            if !values.iter().all(|v| v.is_finite()) {
                return Err(self.damaged(format!("the tensor {} has values that are not finite", spec.name)));
            }
            weights.insert(spec.name, values);
        }
        let content_sha256 = hash.finish();
        if content_sha256 != self.entry.content_sha256 {
            return Err(self.damaged("its content does not have the hash it was written with".into()));
        }
        Ok(Engine { metadata, weights, content_sha256 })
    }

    /// The names and shapes that the architecture asks for, in name order, and no others.
    fn check_tensors(&self, specs: &[TensorSpec]) -> Result<(), EngineError> {
        let tensors = self.header.tensors();
        for spec in specs {
            let found = tensors.get(&spec.name).map(|info| info.shape.clone());
            if found.as_deref() != Some(&spec.shape) {
                let found = found.map_or("nothing".into(), |shape| format!("{shape:?}"));
                let reason = format!("the tensor {} should be {:?}, found {found}", spec.name, spec.shape);
                return Err(self.damaged(reason));
            }
        }
        match tensors.keys().filter(|name| specs.binary_search_by(|spec| spec.name.cmp(name)).is_err()).min() {
            Some(name) => Err(self.damaged(format!("the tensor {name} is not of this architecture"))),
            None => Ok(()),
        }
    }

    fn tensor(&mut self, spec: &TensorSpec, bytes: &mut Vec<u8>) -> Result<Dtype, EngineError> {
        let Some(info) = self.header.info(&spec.name) else { panic!("{} was checked", spec.name) };
        let (dtype, (from, to)) = (info.dtype, info.data_offsets);
        if !matches!(dtype, Dtype::F16 | Dtype::F32) {
            return Err(self.damaged(format!("the tensor {} is of type {dtype:?}", spec.name)));
        }
        bytes.resize(to - from, 0);
        let read = self.file.seek(SeekFrom::Start(self.start + from as u64)).and_then(|_| self.file.read_exact(bytes));
        read.map_err(|source| EngineError::Read { path: self.path.clone(), source })?;
        Ok(dtype)
    }

    fn damaged(&self, reason: String) -> EngineError {
        EngineError::Damaged { path: self.path.clone(), reason }
    }
}

/// The version first: another version's fields mean nothing here.
fn read_entry(path: &Path, header: &Header) -> Result<Entry, EngineError> {
    let kind = |reason: String| EngineError::Kind { path: path.into(), reason };
    let text = header.metadata().as_ref().and_then(|m| m.get(KEY));
    let text = text.ok_or_else(|| kind("it is a safetensors file of something else".into()))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| kind(e.to_string()))?;
    if value["format"] != FORMAT {
        return Err(EngineError::Version { path: path.into(), found: value["format"].to_string() });
    }
    serde_json::from_value(value)
        .map_err(|e| EngineError::Damaged { path: path.into(), reason: format!("its settings are not valid ({e})") })
}

fn decode(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    if dtype == Dtype::F32 {
        return bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    }
    let mut values = vec![0.0; bytes.len() / 2];
    let mut halves = [half::f16::ZERO; HALVES];
    for (bytes, values) in bytes.chunks(2 * HALVES).zip(values.chunks_mut(HALVES)) {
        let halves = &mut halves[..values.len()];
        halves.iter_mut().zip(bytes.as_chunks::<2>().0).for_each(|(half, b)| *half = half::f16::from_le_bytes(*b));
        halves.convert_to_f32_slice(values);
    }
    values
}
