use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::dataset::mvtec3d;
use crosscheck::files::NewFolder;
use crosscheck::scene::{Defect, Part, Sample, Scene, Surroundings};
use indicatif::ProgressBar;

use super::Exit;
use super::options::{Size, part};

/// Number of the first frame in each split. They are far apart, so that the size of one split does not change another.
const TRAIN: u64 = 0;
const VALIDATION: u64 = 1_000_000;
const TEST: u64 = 2_000_000;

/// Write a synthetic dataset in MVTec 3D-AD's layout: good parts on a belt, and parts with five kinds of defect.
#[derive(Args)]
pub struct Arguments {
    /// Folder for the dataset; each part becomes a class in it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Parts to write, separated by commas; all if left out
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = part)]
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

/// What the camera sees besides a part in the middle of a bare belt.
#[derive(Args)]
struct SurroundingsOptions {
    /// Size of the frames, 64 to 4096 pixels a side; larger frames show more of the belt [default: 400x400]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    frame: Option<Size>,
    /// Largest distance of parts from the middle, millimetres; with two values, along and across the belt
    #[arg(long, value_name = "MM|X,Y", default_value = "0")]
    scatter: Scatter,
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

impl SurroundingsOptions {
    fn surroundings(&self) -> Surroundings {
        let bare = Surroundings::default();
        let Size(width, height) = self.frame.unwrap_or(Size(bare.width, bare.height));
        let chosen = Surroundings { width, height, scatter_mm: self.scatter.0, fixture: self.fixture, ..bare };
        if self.black_belt { chosen.with_black_belt() } else { chosen }
    }
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let parts = if arguments.part.is_empty() { &Part::ALL[..] } else { &arguments.part };
    let per_part =
        arguments.train + arguments.validation + arguments.good + Defect::ALL.len() as u64 * arguments.defective;
    let surroundings = arguments.surroundings.surroundings();
    let bar = super::progress::frames_bar((parts.len() as u64 * per_part) as usize, "synthesize");
    for part in parts {
        let scene = Scene::with_surroundings(*part, arguments.seed, &surroundings)?;
        let class = arguments.out.join(part.name());
        anyhow::ensure!(!class.exists(), "{} exists already: choose another folder or remove it", class.display());
        let failed = || format!("cannot write {}", class.display());
        // Written as a whole: half a class would be taken for a whole one, or block the next run.
        let new = NewFolder::beside(&class).with_context(failed)?;
        let write =
            |split: &str, samples: &mut dyn Iterator<Item = Sample>| split_folder(new.path(), split, samples, &bar);
        write("train", &mut (TRAIN..TRAIN + arguments.train).map(|i| scene.nominal(i)))?;
        write("validation", &mut (VALIDATION..VALIDATION + arguments.validation).map(|i| scene.nominal(i)))?;
        write("test", &mut (TEST..TEST + arguments.good).map(|i| scene.nominal(i)))?;
        for (kind, defect) in Defect::ALL.into_iter().enumerate() {
            // Defective parts are not the good ones with a defect: a test on such pairs would look too good.
            let first = TEST + arguments.good + kind as u64 * arguments.defective;
            write("test", &mut (first..first + arguments.defective).map(|i| scene.defective(i, defect)))?;
        }
        new.rename_to(&class).with_context(failed)?;
    }
    bar.finish_and_clear();
    log::info!(
        "wrote {} frames of {} parts to {}",
        per_part * parts.len() as u64,
        parts.len(),
        arguments.out.display()
    );
    Ok(Exit::Done)
}

/// Writes samples into the folder of their kind, numbered from 0.
fn split_folder(class: &Path, split: &str, samples: &mut dyn Iterator<Item = Sample>, bar: &ProgressBar) -> Result<()> {
    for (number, sample) in samples.enumerate() {
        let folder = class.join(split).join(sample.defect.map_or("good", Defect::name));
        let truth = (split == "test").then_some(sample.ground_truth.as_slice());
        mvtec3d::write(&folder, &format!("{number:03}"), &sample.frame, truth)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        bar.inc(1);
    }
    Ok(())
}
