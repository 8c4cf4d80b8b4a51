//! An engine that is small enough for stations that inspect hundreds of parts.

use crosscheck::conformal::Calibration;
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Source, Storage};
use crosscheck::model::{Architecture, PointMaeShape, Score, Variant, VitShape, seeded};
use crosscheck::prepare::{BeltMode, PartChoice, Preparation};

/// Networks of one narrow layer, with these channels and hidden units of the mappings.
pub fn small_architecture(c_rgb: usize, c_xyz: usize, hidden: usize) -> Architecture {
    let xyz = PointMaeShape {
        width: c_xyz,
        heads: 1,
        mlp: 8,
        layers: 1,
        taps: vec![0],
        groups: 16,
        group_size: 8,
        encoder: [4; 3],
        position_hidden: 4,
    };
    Architecture { rgb: VitShape { width: c_rgb, heads: 1, mlp: 8, layers: 1 }, xyz, hidden, score: Score::Product }
}

/// A few milliseconds a frame. It has learnt nothing: its scores only differ from frame to frame.
pub fn engine(threshold: f32) -> Engine {
    let small = small_architecture(16, 16, 16);
    let architecture = Architecture {
        rgb: VitShape { mlp: 16, ..small.rgb },
        xyz: PointMaeShape { mlp: 16, groups: 64, encoder: [8, 16, 16], position_hidden: 8, ..small.xyz },
        ..small
    };
    let calibration = Calibration {
        threshold,
        review: None,
        frames: 9,
        false_reject_rate: 0.1,
        guaranteed_rate: 0.1,
        median_score: None,
    };
    let weights = seeded::weights(&architecture, 3);
    let metadata = Metadata {
        variant: Variant::Default,
        architecture,
        precision: Storage::F32,
        preparation: Preparation { belt: BeltMode::None, part: PartChoice::All, ..Preparation::default() },
        standardise: false,
        geometry: Geometry::Metres,
        usual: None,
        gaps: None,
        balance: None,
        calibration: Some(calibration),
        fitted_on: Vec::new(),
        provenance: vec![Source::Seed(3)],
    };
    Engine { metadata, weights, content_sha256: "0123456789abcdef".repeat(4) }
}
