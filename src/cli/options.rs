//! Options that commands share.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use crosscheck::backend::Choice;
use crosscheck::backend::cpu::kernel::Arithmetic;
use crosscheck::calibration::{self, CalibrationError};
use crosscheck::config::engine::Precision;
use crosscheck::fit::Settings;
use crosscheck::model::engine_file::{Engine, EngineError};
use crosscheck::prepare::{Keep, PlaneMode, Preparation, Stride};
use crosscheck::scene::Part;

/// The engine to start from.
#[derive(Args)]
pub struct EngineOption {
    /// Engine file, from `crosscheck import`; the built-in engine when left out
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

/// How mappings are learnt, where the engine's own way is not wanted.
#[derive(Args)]
pub struct FitOptions {
    /// Passes over the frames
    #[arg(long)]
    epochs: Option<usize>,
    /// Pixels of one step
    #[arg(long)]
    pixels: Option<usize>,
    /// Seed of the first weights and of what is drawn: the same seed, the same result
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl FitOptions {
    pub fn settings(&self) -> Settings {
        let own = Settings::default();
        Settings {
            epochs: self.epochs.unwrap_or(own.epochs).max(1),
            pixels: self.pixels.unwrap_or(own.pixels).max(1),
            seed: self.seed,
            ..own
        }
    }
}

/// How frames are prepared, where the default or the engine's own way is not wanted.
#[derive(Args)]
pub struct PreparationOptions {
    /// The belt plane: fitted to each frame's border, left in, or read from a file
    #[arg(long, value_name = "fit|none|FILE")]
    plane: Option<PlaneOption>,
    /// Which connected parts of the cloud stay
    #[arg(long)]
    keep: Option<KeepOption>,
}

#[derive(Clone)]
enum PlaneOption {
    Fit,
    None,
    File(PathBuf),
}

impl FromStr for PlaneOption {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "fit" => Self::Fit,
            "none" => Self::None,
            file => Self::File(file.into()),
        })
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum KeepOption {
    Largest,
    All,
}

impl PreparationOptions {
    /// `base` with what was asked for in its place.
    pub fn apply(&self, base: Preparation) -> Result<Preparation, CalibrationError> {
        let plane = match &self.plane {
            None => base.plane,
            Some(PlaneOption::Fit) => PlaneMode::Fit,
            Some(PlaneOption::None) => PlaneMode::None,
            Some(PlaneOption::File(path)) => PlaneMode::Fixed(calibration::read_plane(path)?),
        };
        let keep = match self.keep {
            None => base.keep,
            Some(KeepOption::Largest) => Keep::Largest,
            Some(KeepOption::All) => Keep::All,
        };
        Ok(Preparation { plane, keep, ..base })
    }
}

/// How the method is evaluated.
#[derive(Args)]
pub struct EvaluationOptions {
    /// Evaluate all pixels, or every second in both directions with the others between them
    #[arg(long)]
    stride: Option<StrideOption>,
    /// Arithmetic of the large products; auto is bf16 or f16 where the processor multiplies it faster, else f32; int8 is of the mappings' hidden units, with the others as auto
    #[arg(long, default_value = "f32")]
    precision: PrecisionOption,
    #[command(flatten)]
    machine: MachineOption,
}

/// The machine that runs the method.
#[derive(Args)]
pub struct MachineOption {
    /// Machine that runs the method: auto is the CPU; cuda needs a build with that feature and NVIDIA's driver
    #[arg(long, default_value = "auto")]
    backend: BackendOption,
}

impl MachineOption {
    pub fn choice(&self) -> Choice {
        match self.backend {
            BackendOption::Auto => Choice::Auto,
            BackendOption::Cpu => Choice::Cpu,
            BackendOption::Cuda => Choice::Cuda,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum BackendOption {
    Auto,
    Cpu,
    Cuda,
}

#[derive(Clone, Copy, ValueEnum)]
enum StrideOption {
    #[value(name = "1")]
    One,
    #[value(name = "2")]
    Two,
}

#[derive(Clone, Copy, ValueEnum)]
enum PrecisionOption {
    F32,
    F16,
    Bf16,
    Int8,
    Auto,
}

impl EvaluationOptions {
    /// `base` with what was asked for in its place.
    pub fn apply(&self, base: Preparation) -> Preparation {
        let stride = match self.stride {
            None => base.stride,
            Some(StrideOption::One) => Stride::One,
            Some(StrideOption::Two) => Stride::Two,
        };
        Preparation { stride, ..base }
    }

    pub fn backend(&self) -> Choice {
        self.machine.choice()
    }

    /// What to calculate in; anything but f32 is said.
    pub fn arithmetic(&self) -> Arithmetic {
        let precision = match self.precision {
            PrecisionOption::F32 => Precision::F32,
            PrecisionOption::F16 => Precision::F16,
            PrecisionOption::Bf16 => Precision::Bf16,
            PrecisionOption::Int8 => Precision::Int8,
            PrecisionOption::Auto => Precision::Auto,
        };
        precision.arithmetic()
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
    let known = || Part::ALL.map(Part::name).join(", ");
    Part::from_name(name).ok_or_else(|| format!("no such part: it is one of {}", known()))
}
