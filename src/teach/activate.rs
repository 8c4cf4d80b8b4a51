//! The last step: the engine becomes a recipe that a station may go to.
//!
//! What the station runs is copied into a folder of its own, named by the engine's content, so that no file of a recipe in
//! force is ever overwritten. It is checked there as a station checks a recipe that it is asked for. Only then
//! `recipe.toml` names it; a station that reads its configuration again has the recipe from then on.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::error::TeachError;
use super::event::{Observer, Pace, Phase, Step};
use super::lesson::Lesson;
use crate::config::Station;
use crate::config::recipe::Recipe;
use crate::config::scene::{Belt, Scene};
use crate::runtime::recipe::checked;
use crate::score::Verdict;
use crate::{files, signature};

/// Parts that the engine is checked on: its own good ones in the middle of their scores, so that none of them is near the
/// threshold.
const CHECK_FRAMES: usize = 4;

/// Checks the lesson's engine in the station of the configuration at `config`, and makes it a recipe.
pub fn step(lesson: &Lesson, config: &Path, observe: &mut Observer) -> Result<String, TeachError> {
    let station = Station::read(config)?;
    is_at_home(lesson, &station)?;
    let engine = lesson.calibrated()?;
    let folder = lesson.activated(&engine.content_sha256);
    let pace = Pace::new(Step::Activate, Phase::Frames, 0);
    pace.tell(0, CHECK_FRAMES, observe)?;
    let recipe = copy_all(lesson, &folder)?;
    let number = recipe.number;
    let whole = recipe.clone().resolved(lesson.folder());
    let station = station.taught(whole, config)?;
    let Some(station) = station.in_recipe(number) else { unreachable!("the recipe was added above") };
    checked(&station, &format!("recipe {number}"))?;
    pace.tell(CHECK_FRAMES, CHECK_FRAMES, observe)?;
    let path = lesson.recipe();
    let text = toml::to_string(&recipe).map_err(|error| TeachError::write(&path)(io::Error::other(error)))?;
    let head = "# Written by `crosscheck teach`: the station of this lesson's folder has this recipe.\n";
    files::write_text(&path, &format!("{head}{text}")).map_err(TeachError::write(&path))?;
    Ok(format!("recipe {number} is checked and ready: reload the station, then go to the recipe"))
}

/// Refuses a lesson that the station would not find.
fn is_at_home(lesson: &Lesson, station: &Station) -> Result<(), TeachError> {
    let whole = |path: &Path| path.canonicalize().ok();
    let home = station.teach.as_ref().map(|teach| teach.folder.as_path());
    let own = whole(lesson.folder()).and_then(|folder| folder.parent().map(Path::to_path_buf));
    match home.and_then(whole) {
        Some(home) if own.as_ref() == Some(&home) => Ok(()),
        _ => Err(TeachError::Elsewhere {
            folder: lesson.folder().into(),
            configured: home.map_or_else(|| "no [teach]".into(), |home| home.display().to_string()),
        }),
    }
}

/// Copies everything that the station runs into `folder`. Returns the recipe, whose paths start from the lesson's folder.
fn copy_all(lesson: &Lesson, folder: &Path) -> Result<Recipe, TeachError> {
    let check = folder.join("check");
    for (kind, path) in check_files(lesson)? {
        copy(&path, &check.join(kind))?;
    }
    let engine = copy(&lesson.engine(), folder)?;
    let signature = signature::path_of(&lesson.engine());
    if signature.exists() {
        copy(&signature, folder)?;
    }
    let scene = lesson.scene()?.map(|scene| in_folder(scene, folder)).transpose()?;
    let within = |path: PathBuf| path.strip_prefix(lesson.folder()).map(Path::to_path_buf).unwrap_or(path);
    let scene = scene.map(|mut scene| {
        if let Some(Belt::File(path)) = scene.belt {
            scene.belt = Some(Belt::File(within(path)));
        }
        scene
    });
    Ok(Recipe { engine: Some(within(engine)), check_frames: Some(within(check)), scene, ..lesson.subject.recipe() })
}

/// The scene with its belt's file copied: a later survey writes the one of the lesson again.
fn in_folder(scene: Scene, folder: &Path) -> Result<Scene, TeachError> {
    let belt = match scene.belt {
        Some(Belt::File(path)) => Some(Belt::File(copy(&path, folder)?)),
        belt => belt,
    };
    Ok(Scene { belt, ..scene })
}

/// Copies a file into `folder`, whole or not at all. Returns where it is.
fn copy(from: &Path, folder: &Path) -> Result<PathBuf, TeachError> {
    files::make_folder(folder).map_err(TeachError::write(folder))?;
    let to = folder.join(from.file_name().unwrap_or_default());
    let mut source = File::open(from).map_err(|source| TeachError::Read { path: from.into(), source })?;
    files::write_whole(&to, |file| io::copy(&mut source, file).map(drop)).map_err(TeachError::write(&to))?;
    Ok(to)
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
