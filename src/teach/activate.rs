//! The last step: the engine becomes a recipe that a station may go to.
//!
//! What the station runs is copied into a folder of its own, named by the engine's content, so that no file of a recipe in
//! force is ever overwritten. It is checked there as a station checks a recipe that it is asked for. Only then
//! `recipe.toml` names it; a station that reads its configuration again has the recipe from then on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::copy::copy;
use super::error::TeachError;
use super::event::{Observer, Pace, Phase, Step};
use super::home::{in_recipe, is_at_home};
use super::lesson::Lesson;
use crate::config::Station;
use crate::config::recipe::Recipe;
use crate::config::scene::{Belt, Scene};
use crate::dataset::{finding, recording};
use crate::model::engine_file::Engine;
use crate::runtime::recipe::checked;
use crate::score::Verdict;
use crate::{files, signature};

/// Parts that the engine is checked on: its own good ones in the middle of their scores, so that none of them is near the
/// threshold.
const CHECK_FRAMES: usize = 4;

/// What is to become the recipe of a lesson.
struct Offer {
    engine: PathBuf,
    content_sha256: String,
    /// The files of the parts that it is checked on, with the kind of each.
    check: Vec<(&'static str, PathBuf)>,
    /// The recipe without these two. Its paths are whole, or start from the lesson's folder.
    recipe: Recipe,
}

/// Checks the lesson's engine in the station of the configuration at `config`, and makes it a recipe.
pub fn step(lesson: &Lesson, config: &Path, observe: &mut Observer) -> Result<String, TeachError> {
    let engine = lesson.calibrated()?;
    let offer = Offer {
        engine: lesson.engine(),
        content_sha256: engine.content_sha256,
        check: check_files(lesson)?,
        recipe: Recipe { scene: lesson.scene()?, ..lesson.subject.recipe() },
    };
    activate(lesson, &Station::read(config)?, config, &offer, Step::Activate, observe)
}

/// Does the same with the revision of the recipe, which becomes the lesson's engine and is no revision any more.
pub fn accept(lesson: &Lesson, config: &Path, observe: &mut Observer) -> Result<String, TeachError> {
    let outdated = || TeachError::Outdated { folder: lesson.folder().into() };
    let no_revision = || TeachError::NoRevision { folder: lesson.folder().into() };
    let revision = lesson.revision()?.ok_or_else(no_revision)?;
    let station = Station::read(config)?;
    let in_force = in_recipe(&station, revision.of)?.engine.read()?.0.content_sha256;
    let offer = Offer {
        engine: lesson.revised_engine(),
        content_sha256: Engine::read(&lesson.revised_engine())?.content_sha256,
        check: revised_check_files(lesson)?,
        recipe: revision.recipe,
    };
    // After a sudden end in here, the new one may be in force already.
    let is_known = [&revision.before_sha256, &revision.engine_sha256].contains(&&in_force);
    if !is_known || offer.content_sha256 != revision.engine_sha256 {
        return Err(outdated());
    }
    let done = activate(lesson, &station, config, &offer, Step::Accept, observe)?;
    copy(&offer.engine, lesson.folder())?;
    lesson.discard_revision()?;
    Ok(done)
}

fn activate(
    lesson: &Lesson,
    station: &Station,
    config: &Path,
    offer: &Offer,
    step: Step,
    observe: &mut Observer,
) -> Result<String, TeachError> {
    is_at_home(lesson, station)?;
    let folder = lesson.activated(&offer.content_sha256);
    let pace = Pace::new(step, Phase::Frames, 0);
    pace.tell(0, CHECK_FRAMES, observe)?;
    let recipe = copy_all(lesson, offer, &folder)?;
    let number = recipe.number;
    let whole = recipe.clone().resolved(lesson.folder());
    let station = station.clone().taught(whole, config)?;
    let Some(station) = station.in_recipe(number) else { unreachable!("the recipe was added above") };
    checked(&station, &format!("recipe {number}"))?;
    pace.tell(CHECK_FRAMES, CHECK_FRAMES, observe)?;
    let path = lesson.recipe();
    let text = toml::to_string(&recipe).map_err(|error| TeachError::write(&path)(io::Error::other(error)))?;
    let head = "# Written by `crosscheck teach`: the station of this lesson's folder has this recipe.\n";
    files::write_text(&path, &format!("{head}{text}")).map_err(TeachError::write(&path))?;
    Ok(format!("recipe {number} is checked and ready: reload the station, then go to the recipe"))
}

/// Copies everything that the station runs into `folder`. Returns the recipe, whose paths start from the lesson's folder.
fn copy_all(lesson: &Lesson, offer: &Offer, folder: &Path) -> Result<Recipe, TeachError> {
    let check = folder.join("check");
    for (kind, path) in &offer.check {
        copy(path, &check.join(kind))?;
    }
    let engine = copy(&offer.engine, folder)?;
    let signature = signature::path_of(&offer.engine);
    if signature.exists() {
        copy(&signature, folder)?;
    }
    let scene = offer.recipe.scene.clone().map(|scene| in_folder(scene, folder)).transpose()?;
    let within = |path: PathBuf| path.strip_prefix(lesson.folder()).map(Path::to_path_buf).unwrap_or(path);
    let scene = scene.map(|mut scene| {
        if let Some(Belt::File(path)) = scene.belt {
            scene.belt = Some(Belt::File(within(path)));
        }
        scene
    });
    Ok(Recipe { engine: Some(within(engine)), check_frames: Some(within(check)), scene, ..offer.recipe.clone() })
}

/// The scene with its belt's file copied: a later survey writes the one of the lesson again.
fn in_folder(scene: Scene, folder: &Path) -> Result<Scene, TeachError> {
    let belt = match scene.belt {
        Some(Belt::File(path)) => Some(Belt::File(copy(&path, folder)?)),
        belt => belt,
    };
    Ok(Scene { belt, ..scene })
}

/// The files of the parts that the engine is checked on, with the kind of each.
fn check_files(lesson: &Lesson) -> Result<Vec<(&'static str, PathBuf)>, TeachError> {
    let scores = lesson.scores()?;
    let mut passing: Vec<_> = scores.iter().flat_map(|scores| &scores.parts).collect();
    passing.retain(|part| part.verdict == Verdict::Pass && part.score.is_some());
    passing.sort_by(|a, b| a.score.unwrap_or_default().total_cmp(&b.score.unwrap_or_default()));
    let first = (passing.len() / 2).saturating_sub(CHECK_FRAMES / 2);
    let mut found = Vec::new();
    for part in passing.iter().skip(first).take(CHECK_FRAMES) {
        let folder = lesson.set(part.set);
        found.push(("rgb", folder.join("rgb").join(format!("{}.png", part.name))));
        found.push(("xyz", folder.join("xyz").join(format!("{}.tiff", part.name))));
    }
    match found.is_empty() {
        true => Err(TeachError::NonePasses { folder: lesson.folder().into() }),
        false => Ok(found),
    }
}

/// The files of the parts that a revision was found to pass, with the kind of each.
fn revised_check_files(lesson: &Lesson) -> Result<Vec<(&'static str, PathBuf)>, TeachError> {
    let mut found = Vec::new();
    for kind in ["rgb", "xyz", recording::FOLDER, finding::FOLDER] {
        let folder = lesson.revised_check().join(kind);
        let failed = |source| TeachError::Read { path: folder.clone(), source };
        match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            files => {
                for file in files.map_err(failed)? {
                    found.push((kind, file.map_err(failed)?.path()));
                }
            }
        }
    }
    Ok(found)
}
