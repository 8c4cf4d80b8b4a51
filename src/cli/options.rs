//! Options that commands share.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use crosscheck::backend::Arithmetic;
use crosscheck::backend::Choice;
use crosscheck::calibration::{CalibrationError, Camera};
use crosscheck::config::ConfigError;
use crosscheck::config::engine::Precision;
use crosscheck::config::scene::Scene;
use crosscheck::dataset::{Reading, metres_of};
use crosscheck::fit::{Decay, FitSettings, Turned};
use crosscheck::model::engine_file::{Engine, EngineError};
use crosscheck::model::{Score, Variant};
use crosscheck::prepare::{Preparation, Stride};
use crosscheck::runtime::arithmetic;
use crosscheck::scene::Part;
use crosscheck::words::UnknownWord;
use jiff::Timestamp;

/// Reads one of `words`, which `--help` and the answer to another word list.
pub fn one_of<T>(words: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = UnknownWord> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}

/// The engine to start from.
#[derive(Args)]
pub struct EngineOption {
    /// Engine file, such as `crosscheck import` writes; the built-in engine if left out
    #[arg(long)]
    engine: Option<PathBuf>,
}

impl EngineOption {
    /// The file that was named.
    pub fn path(&self) -> Option<&Path> {
        self.engine.as_deref()
    }

    pub fn read(&self) -> Result<Engine, EngineError> {
        self.engine.as_deref().map_or_else(Engine::built_in, Engine::read)
    }
}

/// How mappings are learnt.
#[derive(Args)]
pub struct FitOptions {
    /// Passes over the frames [default: 250]
    #[arg(long)]
    epochs: Option<usize>,
    /// Pixels of one optimisation step [default: 2048]
    #[arg(long)]
    pixels: Option<usize>,
    /// Shifted copies of each frame to learn from, in other light and with more noise [default: 3 with the built-in engine,
    /// 0 with published variants]
    #[arg(long, value_name = "0..20", value_parser = clap::value_parser!(u8).range(..=20))]
    copies: Option<u8>,
    /// Learn from copies of the frames that are turned by any angle. auto: if that lowers the loss on good frames that are
    /// held out [default: auto with the built-in engine, never with published variants]
    #[arg(long, value_parser = one_of::<Turned>(Turned::WORDS))]
    turned: Option<Turned>,
    /// How the learning rate falls over the epochs [default: cosine with the built-in engine, none with published variants]
    #[arg(long, value_parser = one_of::<Decay>(Decay::WORDS))]
    decay: Option<Decay>,
    /// Learn from the good parts what they lack, and check each part for gaps and for material where there should be none
    /// [default: true with the built-in engine, false with published variants]
    #[arg(long, value_name = "true|false")]
    gaps: Option<bool>,
    /// Seed of the initial weights and of all random draws; the same seed gives the same result
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How far a part is from its prediction: the paper's product of distances, or a likelihood; the engine's own if left
    /// out (likelihood for the built-in engine, product for published variants)
    #[arg(long, value_parser = one_of::<Score>(Score::WORDS))]
    score: Option<Score>,
    /// Learn from the remaining frames even if more than half of the frames are left out
    #[arg(long)]
    accept_left_out: bool,
}

impl FitOptions {
    pub fn accepts_left_out(&self) -> bool {
        self.accept_left_out
    }

    /// What was given, and what suits the variant.
    pub fn settings(&self, variant: Variant) -> FitSettings {
        let own = FitSettings::of(variant);
        FitSettings {
            epochs: self.epochs.unwrap_or(own.epochs).max(1),
            pixels: self.pixels.unwrap_or(own.pixels).max(1),
            seed: self.seed,
            score: self.score,
            copies: self.copies.map_or(own.copies, usize::from),
            turned: self.turned.unwrap_or(own.turned),
            decay: self.decay.unwrap_or(own.decay),
            gaps: self.gaps.unwrap_or(own.gaps),
            ..own
        }
    }
}

/// Which pixels of a photograph are taken for the part; the engine's own scene, or the default, if left out.
#[derive(Args)]
pub struct SceneOption {
    /// TOML file with a [scene] (crop, belt and part): a station's configuration, or the output of `crosscheck
    /// calibrate-station`
    #[arg(long, value_name = "FILE")]
    scene: Option<PathBuf>,
}

impl SceneOption {
    pub fn is_given(&self) -> bool {
        self.scene.is_some()
    }

    /// The scene of the file, if one was named.
    pub fn read(&self) -> Result<Option<Scene>, ConfigError> {
        self.scene.as_deref().map(Scene::read).transpose()
    }

    /// `base` with the scene of the file, if one was named.
    pub fn apply(&self, base: &Preparation) -> anyhow::Result<Preparation> {
        Ok(self.read()?.map_or_else(|| Ok(base.clone()), |scene| scene.prepare(base))?)
    }
}

/// How the points in files are read.
#[derive(Args)]
pub struct ReadingOptions {
    /// Camera file (TOML), needed if the frames have depth images instead of clouds
    #[arg(long, value_name = "FILE")]
    camera: Option<PathBuf>,
    /// Unit of clouds and of floating-point depth images
    #[arg(long, value_name = "m|cm|mm|0.1mm|um", default_value = "m", value_parser = metres_of)]
    cloud_unit: f32,
    /// A z or depth value in the files that stands for no point, besides values that are not above 0
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    no_point: Option<f32>,
}

impl ReadingOptions {
    /// Whether any of these options differs from its default.
    pub fn is_given(&self) -> bool {
        self.camera.is_some() || self.no_point.is_some() || self.cloud_unit != Reading::default().cloud_unit_m
    }

    pub fn read(&self) -> Result<Reading, CalibrationError> {
        let camera = self.camera.as_deref().map(Camera::read).transpose()?;
        Ok(Reading { camera, cloud_unit_m: self.cloud_unit, no_point: self.no_point })
    }
}

/// How the method is evaluated.
#[derive(Args)]
pub struct EvaluationOptions {
    /// Evaluate every pixel (1), or every second pixel in both directions with interpolation between them (2); the
    /// engine's own if left out
    #[arg(long, value_parser = one_of::<Stride>(Stride::WORDS))]
    stride: Option<Stride>,
    /// Arithmetic of the large matrix products. auto: bf16 or f16 if the processor multiplies it faster than f32, else
    /// f32. int8: 8-bit integers for the mappings' hidden units, the other products as with auto
    #[arg(long, default_value = "f32", value_parser = one_of::<Precision>(Precision::WORDS))]
    precision: Precision,
    #[command(flatten)]
    machine: MachineOption,
}

/// The machine that runs the method.
#[derive(Args)]
pub struct MachineOption {
    /// Where the method runs: auto is the CPU; cuda needs a build with the feature cuda and NVIDIA's driver
    #[arg(long, default_value = "auto", value_parser = one_of::<Choice>(Choice::WORDS))]
    backend: Choice,
}

impl MachineOption {
    pub fn choice(&self) -> Choice {
        self.backend
    }
}

impl EvaluationOptions {
    /// `base` with the options that were given.
    pub fn apply(&self, base: &Preparation) -> Preparation {
        Preparation { stride: self.stride.unwrap_or(base.stride), ..base.clone() }
    }

    pub fn backend(&self) -> Choice {
        self.machine.choice()
    }

    /// The arithmetic of the large products; logged unless it is f32.
    pub fn arithmetic(&self) -> Arithmetic {
        arithmetic::on_this_machine(self.precision)
    }
}

/// Width and height of frames, pixels.
#[derive(Clone, Copy)]
pub struct Size(pub usize, pub usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sides = text.split_once('x').and_then(|(w, h)| Some(Self(w.parse().ok()?, h.parse().ok()?)));
        sides.ok_or_else(|| "expected width and height, such as 1280x720".into())
    }
}

/// The part of a name.
pub fn part(name: &str) -> Result<Part, String> {
    name.parse().map_err(|_| format!("no such part: it is one of {}", Part::WORDS.join(", ")))
}

/// A time with its zone.
pub fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "expected a time with its zone, such as 2026-11-30T06:00:00Z or 2026-11-30T07:00:00+01:00".into())
}
