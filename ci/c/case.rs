//! What the tests of the C interface inspect: the golden frame of Tiny (tests/golden/README.md), and engines for it.

use std::path::Path;

use crosscheck::conformal::Calibration;
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Source, Storage};
use crosscheck::model::{Architecture, Variant, seeded};
use crosscheck::prepare::{BeltMode, PartChoice, Preparation};
use crosscheck::{Defect, Inspection};
use safetensors::SafeTensors;

pub const SIDE: usize = 224;
/// The golden data was made with the weights of this seed.
const SEED: u64 = 7;

pub struct Case {
    /// `[224, 224, 3]`.
    pub rgb: Vec<u8>,
    /// `[224, 224]`.
    pub xyz: Vec<[f32; 3]>,
    /// What the method gives in float64.
    pub score: f32,
}

impl Case {
    pub fn golden() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tiny-a.safetensors");
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let data = |name: &str| file.tensor(name).unwrap().data().to_vec();
        let floats = |name: &str| -> Vec<f32> {
            data(name).as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
        };
        let xyz = floats("xyz").as_chunks::<3>().0.to_vec();
        Self { rgb: data("rgb"), xyz, score: floats("score_max")[0] }
    }
}

/// The engine that the golden data was made with, and a threshold below its score, so that there are defects.
pub fn golden_engine(case: &Case) -> Engine {
    let architecture = Architecture::published(Variant::Tiny, 32);
    let calibration = Calibration {
        threshold: case.score * 0.9,
        review: None,
        frames: 9,
        false_reject_rate: 0.1,
        guaranteed_rate: 0.1,
        median_score: None,
    };
    let weights = seeded::weights(&architecture, SEED);
    let metadata = Metadata {
        variant: Variant::Tiny,
        architecture,
        precision: Storage::F32,
        preparation: Preparation { belt: BeltMode::None, part: PartChoice::All, ..Preparation::default() },
        standardise: false,
        geometry: Geometry::Metres,
        usual: None,
        gaps: None,
        balance: Some(0.0),
        calibration: Some(calibration),
        fitted_on: Vec::new(),
        provenance: vec![Source::Seed(SEED)],
    };
    Engine { metadata, weights, content_sha256: String::new() }
}

/// Everything that an inspection found, in numbers that differ if one bit of it does.
pub fn bits(inspection: &Inspection) -> String {
    let maps = &inspection.maps;
    let map = |map: &[f32]| hash(map.iter().flat_map(|value| value.to_bits().to_le_bytes()));
    let scores = inspection.outcome.scores().unwrap();
    let defects = inspection.defects.worst();
    format!(
        "score {:08x} reference {:08x} verdict {} valid {:016x} anomaly_map {:016x} psi_rgb {:016x} psi_xyz {:016x} defects {} {:016x}",
        scores.score.to_bits(),
        scores.reference.to_bits(),
        inspection.outcome.verdict().map_or("none", |verdict| verdict.name()),
        hash(maps.valid.iter().map(|valid| u8::from(*valid))),
        map(&maps.anomaly_map),
        map(&maps.psi_rgb),
        map(&maps.psi_xyz),
        inspection.defects.count,
        hash(defects.iter().flat_map(numbers).flat_map(|value| value.to_bits().to_le_bytes())),
    )
}

/// The numbers of a defect that always are there.
fn numbers(defect: &Defect) -> Vec<f32> {
    let outline = defect.outline.points().as_flattened().iter().copied();
    let [x, y] = defect.centre.unwrap();
    [defect.score.unwrap(), defect.at[0], defect.at[1], x, y, defect.pixels as f32].into_iter().chain(outline).collect()
}

/// FNV-1a, which takes five lines in C too.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
