use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::dataset::mvtec3d;
use crosscheck::files::NewFolder;
use crosscheck::procedural::{Family, Sample};
use crosscheck::scene::{self, Surroundings};
use crosscheck::solids;
use indicatif::ProgressBar;

use super::Exit;
use super::examples;
use super::options::{Size, one_of};

/// Number of the first frame in each split. They are far apart, so that the size of one split does not change another.
const TRAIN: u64 = 0;
const VALIDATION: u64 = 1_000_000;
const TEST: u64 = 2_000_000;

/// Write a synthetic dataset in MVTec 3D-AD's layout: good parts, and parts with each kind of defect.
#[derive(Args)]
#[command(after_long_help = examples::SYNTHESIZE)]
pub struct Arguments {
    /// Folder for the dataset; each part becomes a class in it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// reliefs: height fields on a belt, with five kinds of defect; solids: bodies with holes and undercuts under three
    /// kinds of depth sensor, with twelve. If left out, the family of the parts that are named, or reliefs
    #[arg(long, value_parser = one_of::<Family>(Family::WORDS))]
    family: Option<Family>,
    /// Parts to write, separated by commas; all parts of the family if left out
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    part: Vec<Part>,
    /// Seed of the stations, the parts and their defects
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Good frames of each part to learn from
    #[arg(long, default_value_t = 16)]
    train: u64,
    /// Good frames of each part for the threshold
    #[arg(long, default_value_t = 100)]
    validation: u64,
    /// Good frames of each part to test on
    #[arg(long, default_value_t = 40)]
    good: u64,
    /// Frames of each part and kind of defect to test on
    #[arg(long, default_value_t = 20)]
    defective: u64,
    #[command(flatten)]
    surroundings: SurroundingsOptions,
}

/// What the camera sees besides a part in the middle of a bare belt. Only reliefs have it.
#[derive(Args)]
struct SurroundingsOptions {
    /// Size of the frames, 64 to 4096 pixels a side; larger frames show more of the belt [default: 400x400]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    frame: Option<Size>,
    /// Largest distance of parts from the middle, millimetres; with two values, along and across the belt [default: 0]
    #[arg(long, value_name = "MM|X,Y")]
    scatter: Option<Scatter>,
    /// Place a block, larger than any part, at the edge of the frame, which must be large enough, such as 1280x720
    #[arg(long)]
    fixture: bool,
    /// Make the belt black, so that it absorbs the sensor's light: only 5 % of its pixels have a point
    #[arg(long)]
    black_belt: bool,
}

/// Distances along and across the belt, millimetres.
#[derive(Clone, Copy)]
struct Scatter([f32; 2]);

impl FromStr for Scatter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (along, across) = text.split_once(',').unwrap_or((text, text));
        match (along.parse(), across.parse()) {
            (Ok(along), Ok(across)) => Ok(Self([along, across])),
            _ => Err("expected millimetres, such as 30, or 60,20 for along and across the belt".into()),
        }
    }
}

/// A part of either family: their names differ.
#[derive(Clone, Copy)]
enum Part {
    Relief(scene::Part),
    Solid(solids::Part),
}

impl FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let relief = name.parse().map(Self::Relief);
        let [reliefs, solids] = [&scene::Part::WORDS[..], &solids::Part::WORDS[..]].map(|words| words.join(", "));
        relief
            .or_else(|_| name.parse().map(Self::Solid))
            .map_err(|_| format!("no such part: reliefs are {reliefs}; solids are {solids}"))
    }
}

impl Part {
    fn all(family: Family) -> Vec<Self> {
        match family {
            Family::Reliefs => scene::Part::ALL.map(Self::Relief).to_vec(),
            Family::Solids => solids::Part::ALL.map(Self::Solid).to_vec(),
        }
    }

    fn family(self) -> Family {
        match self {
            Self::Relief(_) => Family::Reliefs,
            Self::Solid(_) => Family::Solids,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Relief(part) => part.name(),
            Self::Solid(part) => part.name(),
        }
    }

    /// Kinds of defect that such a part can have.
    fn defects(self) -> usize {
        match self {
            Self::Relief(_) => scene::Defect::ALL.len(),
            Self::Solid(part) => part.defects().count(),
        }
    }
}

impl SurroundingsOptions {
    /// The first option that was given.
    fn given(&self) -> Option<&'static str> {
        [
            ("--frame", self.frame.is_some()),
            ("--scatter", self.scatter.is_some()),
            ("--fixture", self.fixture),
            ("--black-belt", self.black_belt),
        ]
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
    }

    fn surroundings(&self) -> Surroundings {
        let bare = Surroundings::default();
        let Size(width, height) = self.frame.unwrap_or(Size(bare.width, bare.height));
        let scatter_mm = self.scatter.map_or(bare.scatter_mm, |Scatter(scatter_mm)| scatter_mm);
        let chosen = Surroundings { width, height, scatter_mm, fixture: self.fixture, ..bare };
        if self.black_belt { chosen.with_black_belt() } else { chosen }
    }
}

impl Arguments {
    /// The parts to write; refuses those of another family, and options that they do not have.
    fn parts(&self) -> Result<Vec<Part>> {
        let parts = match (self.part.is_empty(), self.family) {
            (true, family) => Part::all(family.unwrap_or(Family::Reliefs)),
            (false, _) => self.part.clone(),
        };
        for part in &parts {
            let (name, own) = (part.name(), part.family().name());
            if let Some(asked) = self.family.filter(|family| *family != part.family()) {
                anyhow::bail!("{name} is one of the {own}, not of the {}: leave --family out", asked.name());
            }
            if let Some(option) = self.surroundings.given().filter(|_| part.family() == Family::Solids) {
                anyhow::bail!("{name} is one of the {own}, which have no {option}: leave it out, or name reliefs only");
            }
        }
        Ok(parts)
    }

    fn frames(&self, part: Part) -> u64 {
        self.train + self.validation + self.good + part.defects() as u64 * self.defective
    }
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let parts = arguments.parts()?;
    let frames: u64 = parts.iter().map(|part| arguments.frames(*part)).sum();
    let surroundings = arguments.surroundings.surroundings();
    let bar = super::progress::frames_bar(frames as usize, "synthesize");
    let writer = Writer { arguments, bar: &bar };
    for part in &parts {
        match part {
            Part::Relief(part) => {
                let scene = scene::Scene::with_surroundings(*part, arguments.seed, &surroundings)?;
                let defects = scene::Defect::ALL.into_iter().enumerate();
                writer.class(
                    part.name(),
                    scene::Defect::name,
                    |i| scene.nominal(i),
                    |i, defect| scene.defective(i, defect),
                    defects,
                )?;
            }
            Part::Solid(part) => {
                let scene = solids::Scene::new(*part, arguments.seed);
                // Numbered as all kinds are, so that those that a part cannot have do not shift the others.
                let all = solids::Defect::ALL.into_iter().enumerate();
                let defects = all.filter(|(_, defect)| part.defects().any(|own| own == *defect));
                writer.class(
                    part.name(),
                    solids::Defect::name,
                    |i| scene.nominal(i),
                    |i, defect| scene.defective(i, defect),
                    defects,
                )?;
            }
        }
    }
    bar.finish_and_clear();
    log::info!("wrote {frames} frames of {} parts to {}", parts.len(), arguments.out.display());
    Ok(Exit::Done)
}

/// Writes classes into the dataset's folder.
struct Writer<'a> {
    arguments: &'a Arguments,
    bar: &'a ProgressBar,
}

impl Writer<'_> {
    /// Writes one part, whole or not at all, from what makes its good and its defective samples by their number. Each
    /// kind of defect has a number of its own.
    fn class<D: Copy>(
        &self,
        name: &str,
        defect_name: fn(D) -> &'static str,
        nominal: impl Fn(u64) -> Sample<D>,
        defective: impl Fn(u64, D) -> Sample<D>,
        defects: impl Iterator<Item = (usize, D)>,
    ) -> Result<()> {
        let Arguments { train, validation, good, defective: of_each, out, .. } = self.arguments;
        let class = out.join(name);
        anyhow::ensure!(!class.exists(), "{} exists already: choose another folder or remove it", class.display());
        let failed = || format!("cannot write {}", class.display());
        // Written as a whole: half a class would be taken for a whole one, or block the next run.
        let new = NewFolder::beside(&class).with_context(failed)?;
        let write = |split: &str, kind: &str, first: u64, count: u64, sample: &dyn Fn(u64) -> Sample<D>| {
            self.folder(&new.path().join(split).join(kind), split == "test", (first..first + count).map(sample))
        };
        write("train", "good", TRAIN, *train, &nominal)?;
        write("validation", "good", VALIDATION, *validation, &nominal)?;
        write("test", "good", TEST, *good, &nominal)?;
        for (number, defect) in defects {
            // Defective parts are not the good ones with a defect: a test on such pairs would look too good.
            let first = TEST + good + number as u64 * of_each;
            write("test", defect_name(defect), first, *of_each, &|i| defective(i, defect))?;
        }
        new.rename_to(&class).with_context(failed)
    }

    /// Writes samples into a folder, numbered from 0.
    fn folder<D>(&self, folder: &Path, with_truth: bool, samples: impl Iterator<Item = Sample<D>>) -> Result<()> {
        for (number, sample) in samples.enumerate() {
            let truth = with_truth.then_some(sample.ground_truth.as_slice());
            mvtec3d::write(folder, &format!("{number:03}"), &sample.frame, truth)
                .with_context(|| format!("cannot write into {}", folder.display()))?;
            self.bar.inc(1);
        }
        Ok(())
    }
}
