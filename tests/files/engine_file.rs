//! The engine file: what is written is read, and what was changed, cut or made to harm is refused by name.

mod provenance;
mod scene;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crosscheck::conformal::Calibration;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::{Engine, EngineError, Geometry, Measures, Metadata, Source, Storage};
use crosscheck::model::{Architecture, PointMaeShape, Score, Variant, VitShape, seeded};
use crosscheck::prepare::crop::Crop;
use crosscheck::prepare::plane::Plane;
use crosscheck::prepare::{BeltMode, PartChoice, Preparation, Stride};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

use crate::allocations::watched;

/// A tensor of the small engine that is easy to spot.
const NORM: &str = "rgb.norm.weight";
const MAPPING: &str = "map_xyz_to_rgb.output.weight";

/// As small as the format allows, so that a file can be cut and bent at each of its bytes.
fn architecture() -> Architecture {
    let rgb = VitShape { width: 4, heads: 2, mlp: 3, layers: 1 };
    let xyz = PointMaeShape {
        width: 2,
        heads: 1,
        mlp: 3,
        layers: 2,
        taps: vec![0, 1],
        groups: 5,
        group_size: 4,
        encoder: [2, 3, 2],
        position_hidden: 2,
    };
    Architecture { rgb, xyz, hidden: 3, score: Score::Product }
}

fn engine(precision: Storage) -> Engine {
    let metadata = Metadata {
        variant: Variant::Default,
        architecture: architecture(),
        precision,
        preparation: Preparation {
            crop: Crop::default(),
            belt: BeltMode::Fixed(Plane { normal: [0.0, 0.0, 1.0], offset_m: -0.5 }),
            part: PartChoice::All,
            seed: 9,
            stride: Stride::Two,
        },
        standardise: true,
        geometry: Geometry::Folded(Measures { radius_m: 0.25, centre_m: [0.0, -0.5, 2.0], spread_m: 0.125 }),
        usual: None,
        gaps: None,
        balance: None,
        calibration: Some(Calibration {
            threshold: 0.75,
            review: Some(0.5),
            frames: 99,
            false_reject_rate: 0.125,
            guaranteed_rate: 0.0625,
            median_score: Some(0.25),
        }),
        fitted_on: vec!["0123456789abcdef".into()],
        provenance: vec![
            Source::Seed(4),
            Source::File { part: "xyz".into(), name: "a.pth".into(), sha256: "00".into() },
        ],
    };
    Engine { weights: seeded::weights(&metadata.architecture, 4), metadata, content_sha256: String::new() }
}

/// A folder with one engine file in it.
struct Stored {
    _folder: TempDir,
    path: PathBuf,
}

impl Stored {
    fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.safetensors");
        std::fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    fn overwrite(&self, bytes: &[u8]) -> &Path {
        std::fs::write(&self.path, bytes).unwrap();
        &self.path
    }
}

fn bytes_of(engine: &Engine) -> Vec<u8> {
    let stored = Stored::new(&[]);
    engine.write(&stored.path).unwrap();
    std::fs::read(&stored.path).unwrap()
}

/// The message of a read that must fail, which names the file and takes little memory.
fn refusal(path: &Path) -> String {
    let (result, largest) = watched(|| Engine::read(path));
    let message = result.expect_err("an error").to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(largest <= 8 << 20, "{largest} bytes at once for: {message}");
    assert!(message.len() < 2000, "{} bytes of message", message.len());
    message
}

fn refused(bytes: &[u8]) -> String {
    refusal(&Stored::new(bytes).path)
}

/// The tensors and the header's entry of an engine file, to be changed and stored again.
struct Parts {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
    info: HashMap<String, String>,
}

impl Parts {
    fn of(engine: &Engine) -> Self {
        let bytes = bytes_of(engine);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |(name, view): (&str, TensorView<'_>)| {
            (name.to_string(), view.dtype(), view.shape().to_vec(), view.data().to_vec())
        };
        Self { tensors: file.iter().map(tensor).collect(), info: header.metadata().clone().unwrap() }
    }

    fn tensor(&mut self, name: &str) -> &mut (String, Dtype, Vec<usize>, Vec<u8>) {
        self.tensors.iter_mut().find(|(found, ..)| found == name).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        let view = |(name, dtype, shape, data): &'_ (String, Dtype, Vec<usize>, Vec<u8>)| {
            (name.clone(), *dtype, shape.clone(), data.clone())
        };
        let tensors: Vec<_> = self.tensors.iter().map(view).collect();
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, data)| (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
        safetensors::serialize(views, Some(self.info.clone())).unwrap()
    }

    /// The file with `from` in the engine's own JSON replaced.
    fn with_entry(mut self, from: &str, to: &str) -> Vec<u8> {
        let entry = self.info.get_mut("crosscheck").unwrap();
        assert!(entry.contains(from), "{entry}");
        *entry = entry.replacen(from, to, 1);
        self.bytes()
    }
}

#[test]
fn everything_is_kept_in_f32() {
    let written = engine(Storage::F32);
    let stored = Stored::new(b"an older engine");
    let hash = written.write(&stored.path).unwrap();
    let read = Engine::read(&stored.path).unwrap();
    assert_eq!(read.metadata, written.metadata);
    assert!(read.weights == written.weights);
    assert_eq!(read.content_sha256, hash);
    assert!(read.is_fitted() && hash.len() == 64);
    // What was read is the same file again.
    assert_eq!(bytes_of(&read), std::fs::read(&stored.path).unwrap());
}

#[test]
fn numbers_of_every_length_are_read_as_they_were_written() {
    let (mut engine, stored) = (engine(Storage::F16), Stored::new(&[]));
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..300 {
        let calibration = engine.metadata.calibration.as_mut().unwrap();
        (calibration.guaranteed_rate, calibration.false_reject_rate) = (random.f64(), random.f64() / 1000.0);
        calibration.threshold = random.f32();
        engine.write(&stored.path).unwrap();
        assert_eq!(Engine::read(&stored.path).unwrap().metadata, engine.metadata);
    }
}

#[test]
fn f16_rounds_matrices_and_keeps_vectors() {
    let written = engine(Storage::F16);
    let bytes = bytes_of(&written);
    let read = Engine::read(&Stored::new(&bytes).path).unwrap();
    assert_eq!(read.metadata, written.metadata);
    for spec in architecture().tensors() {
        let [got, given] = [&read, &written].map(|engine| engine.weights.get(&spec.name).unwrap().to_f32());
        let rounded = |v: &f32| if spec.shape.len() > 1 { half::f16::from_f32(*v).to_f32() } else { *v };
        assert!(got.iter().copied().eq(given.iter().map(rounded)), "{}", spec.name);
    }
    assert!(bytes.len() < bytes_of(&engine(Storage::F32)).len() * 2 / 3);
    // Rounded once: stored again it is the same file.
    assert_eq!(bytes_of(&read), bytes);
}

#[test]
fn a_value_beyond_f16_is_named_and_nothing_is_written() {
    let mut engine = engine(Storage::F16);
    engine.weights.tensor_mut(MAPPING).f32_mut()[1] = 70_000.0;
    let stored = Stored::new(b"old");
    let message = engine.write(&stored.path).unwrap_err().to_string();
    assert!(message.contains(MAPPING) && message.contains("70000") && message.contains("f32"), "{message}");
    assert_eq!(std::fs::read(&stored.path).unwrap(), b"old");
}

#[test]
fn an_engine_without_mappings_is_read_and_not_run() {
    let mut unfitted = engine(Storage::F32);
    unfitted.weights = unfitted.backbones();
    let read = Engine::read(&Stored::new(&bytes_of(&unfitted)).path).unwrap();
    assert!(!read.is_fitted());
    let message = Inspector::new(read).err().expect("an error").to_string();
    assert!(message.contains("no mappings") && message.contains("fit it"), "{message}");
}

#[test]
fn a_header_of_which_any_byte_is_another_is_refused() {
    let bytes = bytes_of(&engine(Storage::F32));
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let stored = Stored::new(&bytes);
    for at in 0..header {
        let mut bent = bytes.clone();
        bent[at] ^= 1;
        assert!(Engine::read(stored.overwrite(&bent)).is_err(), "byte {at}: {:?}", bytes[at] as char);
    }
}

#[test]
fn settings_and_weights_that_were_changed_do_not_have_the_hash() {
    let engine = engine(Storage::F32);
    for (from, to) in [
        (r#""threshold":0.75"#, r#""threshold":0.85"#),
        (r#""keep":"all""#, r#""keep":"largest""#),
        (r#""variant":"default""#, r#""variant":"tiny""#),
        ("0123456789abcdef", "0123456789abcdee"),
        (r#""groups":5"#, r#""groups":6"#),
    ] {
        let message = refused(&Parts::of(&engine).with_entry(from, to));
        assert!(message.contains("damaged") && message.contains("hash"), "{from}: {message}");
    }
    let bytes = bytes_of(&engine);
    let stored = Stored::new(&bytes);
    let data = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in (data..bytes.len()).step_by(997).chain([data, bytes.len() - 1]) {
        let mut bent = bytes.clone();
        bent[at] ^= 1;
        let message = refusal(stored.overwrite(&bent));
        assert!(message.contains("hash"), "byte {at}: {message}");
    }
}

#[test]
fn a_tensor_that_is_not_as_it_should_be_is_named() {
    let engine = engine(Storage::F32);
    let mut misshapen = Parts::of(&engine);
    misshapen.tensor(MAPPING).2.reverse();
    let mut missing = Parts::of(&engine);
    missing.tensors.retain(|(name, ..)| name != NORM);
    let mut half_fitted = Parts::of(&engine);
    half_fitted.tensors.retain(|(name, ..)| name != MAPPING);
    let mut unknown = Parts::of(&engine);
    unknown.tensors.push(("rgb.extra".into(), Dtype::F32, vec![1], vec![0; 4]));
    let mut integers = Parts::of(&engine);
    integers.tensor(NORM).1 = Dtype::I32;
    let mut infinite = Parts::of(&engine);
    infinite.tensor(NORM).3[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    for (parts, words) in [
        (misshapen, [MAPPING, "[4, 3], found [3, 4]"]),
        (missing, [NORM, "found nothing"]),
        (half_fitted, [MAPPING, "found nothing"]),
        (unknown, ["rgb.extra", "not of this architecture"]),
        (integers, [NORM, "I32"]),
        (infinite, [NORM, "not finite"]),
    ] {
        let message = refused(&parts.bytes());
        assert!(words.iter().all(|word| message.contains(word)), "{words:?}: {message}");
    }
}

#[test]
fn another_version_says_both_versions() {
    for (to, found) in [(r#""format":2"#, "format 2"), (r#""format":"x""#, "format \"x\""), (r#""f":1"#, "format null")]
    {
        let message = refused(&Parts::of(&engine(Storage::F32)).with_entry(r#""format":1"#, to));
        assert!(message.contains(found) && message.contains("reads format 1"), "{message}");
        assert!(message.contains("crosscheck import"), "{message}");
    }
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    for (from, to) in [
        (r#""standardise":true"#, r#""standardise":1"#),
        (r#""standardise":true"#, r#""standardise":true,"later":1"#),
        (r#""seed":9"#, r#""seed":-9"#),
        (r#""groups":5"#, r#""groups":99999999"#),
        (r#""hidden":3"#, r#""hidden":0"#),
        (r#""taps":[0,1]"#, r#""taps":[1,1]"#),
        (r#""taps":[0,1]"#, r#""taps":[0,2]"#),
        (r#""heads":2"#, r#""heads":3"#),
        // Sizes in bounds, of more tensors than there are.
        (r#""layers":2"#, r#""layers":512"#),
    ] {
        let message = refused(&Parts::of(&engine(Storage::F32)).with_entry(from, to));
        assert!(message.contains("damaged"), "{to}: {message}");
    }
}

#[test]
fn what_is_no_engine_says_so() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics.safetensors");
    let message = refusal(&golden);
    assert!(message.contains("not an engine") && message.contains("something else"), "{message}");
    let mut other = Parts::of(&engine(Storage::F32));
    other.info = HashMap::from([("crosscheck".into(), "not JSON".into())]);
    let page = b"<!DOCTYPE html><html><body>404</body></html>";
    for bytes in [other.bytes(), page.to_vec(), Vec::new(), vec![0; 8], vec![0; 4096]] {
        let message = refused(&bytes);
        assert!(message.contains("not an engine") && message.contains("crosscheck import"), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none"), folder.path().into()] {
        assert!(!refusal(&path).is_empty());
    }
}

#[test]
fn headers_that_claim_or_nest_too_much_are_refused() {
    let file = |length: u64, text: &[u8]| [&length.to_le_bytes()[..], text].concat();
    let whole = |text: &[u8]| file(text.len() as u64, text);
    for length in [u64::MAX, u64::MAX - 7, 1 << 40, 5 << 20, 100] {
        refused(&file(length, b"{}"));
    }
    // More than any engine's header, all of it there.
    assert!(refused(&whole(&vec![b' '; 5 << 20])).contains("header"));
    for nested in ["[", r#"{"a":"#, r#"{"__metadata__":{"crosscheck":"#] {
        refused(&whole(nested.repeat(3_000_000 / nested.len()).as_bytes()));
    }
    let mut deep = Parts::of(&engine(Storage::F32));
    deep.info = HashMap::from([("crosscheck".into(), "[".repeat(1 << 20))]);
    refused(&deep.bytes());
    for (shape, end) in [("4294967296,4294967296", 16), ("18446744073709551615,2", 8), ("2", 1u64 << 60)] {
        let tensor = format!(r#"{{"w":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,{end}]}}}}"#);
        refused(&whole(tensor.as_bytes()));
    }
    let backwards = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#;
    refused(&whole(backwards.as_bytes()));
}

#[test]
fn a_file_cut_anywhere_or_longer_is_refused() {
    let bytes = bytes_of(&engine(Storage::F16));
    let stored = Stored::new(&bytes);
    for length in (0..bytes.len()).filter(|n| *n < 64 || n % 37 == 0).chain([bytes.len() - 1]) {
        refusal(stored.overwrite(&bytes[..length]));
    }
    let message = refusal(stored.overwrite(&[&bytes[..], b"\0"].concat()));
    assert!(message.contains(&format!("{} bytes", bytes.len() + 1)), "{message}");
}

#[test]
fn what_cannot_be_written_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    for path in [folder.path().join("none/engine.safetensors"), taken] {
        let error = engine(Storage::F32).write(&path).unwrap_err();
        assert!(matches!(error, EngineError::Write { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
