//! A recipe is taught at the page: each request is one step of a lesson.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::act::{act, on_or_off};
use super::answer::{Refused, beside, found, json};
use super::client::Caller;
use super::lessons::Lessons;
use super::page::Page;
use crate::action::Action;
use crate::audit::{Entry, What};
use crate::collect::Set;
use crate::config::regions::{Area, Regions};
use crate::config::scene::Scene;
use crate::people::Deed;
use crate::prepare::crop::Crop;
use crate::teach::{Lesson, Settings, Step, Subject};

/// Largest picture that is sent: the overlay of a photograph.
const PICTURE_BYTES_MAX: u64 = 64 << 20;

/// What a lesson begins with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    number: u16,
    name: String,
    parts: usize,
    validation: usize,
}

/// What a person has drawn into the picture, in pixels of the photograph.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    /// Where the part may be, `[x, y, width, height]`; what the survey proposes without it.
    window: Option<[usize; 4]>,
    /// Where defects count: polygons; everywhere without one.
    of_interest: Vec<Vec<[f32; 2]>>,
    /// Where they never count.
    ignore: Vec<Vec<[f32; 2]>>,
}

/// How it is learnt.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Learnt {
    false_reject_rate: Option<f64>,
    epochs: Option<usize>,
}

/// All lessons, what is collected, and what is worked on.
#[utoipa::path(get, path = "/teach.json", tag = "teach", responses(
    (status = 200, content_type = "application/json", description = "`lessons`, `collecting` and `working`"),
    (status = 404, description = "the station is taught nothing: its configuration has no [teach]")))]
pub async fn all(State(page): State<Arc<Page>>) -> Response {
    beside(move || json(page.lessons().map(Lessons::all))).await
}

/// One lesson.
#[utoipa::path(get, path = "/lessons/{number}", tag = "teach",
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "`subject`, `state`, `parts`, `threshold` and `guarantee`"),
        (status = "default", description = "refused; the text says why")))]
pub async fn lesson(State(page): State<Arc<Page>>, Path(number): Path<u16>) -> Response {
    beside(move || json(page.lessons().and_then(|lessons| Ok(lessons.show(number)?)))).await
}

/// The scores of the parts that were collected.
#[utoipa::path(get, path = "/lessons/{number}/scores", tag = "teach",
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "its scores.json, or null before there is one"),
        (status = "default", description = "refused; the text says why")))]
pub async fn scores(State(page): State<Arc<Page>>, Path(number): Path<u16>) -> Response {
    beside(move || json(page.lessons().and_then(|lessons| Ok(lessons.open(number)?.scores()?)))).await
}

/// What the survey takes for the part.
#[utoipa::path(get, path = "/lessons/{number}/proposal", tag = "teach",
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "image/png", description = "its belt.png"),
        (status = "default", description = "refused; the text says why")))]
pub async fn proposal(State(page): State<Arc<Page>>, Path(number): Path<u16>) -> Response {
    beside(move || page.lesson_picture(number, |lesson| Ok(lesson.belt().with_extension("png")))).await
}

/// The overlay of a part that was collected.
#[utoipa::path(get, path = "/lessons/{number}/overlays/{set}/{name}", tag = "teach",
    params(
        ("number" = u16, Path, description = "the number of its recipe"),
        ("set" = String, Path, description = "`train` or `validation`"),
        ("name" = u32, Path, description = "the name of the part, a number")),
    responses(
        (status = 200, content_type = "image/png", description = "the part under its anomaly map"),
        (status = "default", description = "refused; the text says why")))]
pub async fn overlay(
    State(page): State<Arc<Page>>,
    Path((number, set, name)): Path<(u16, String, String)>,
) -> Response {
    beside(move || {
        page.lesson_picture(number, |lesson| {
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            match set.parse::<Set>() {
                Ok(set) if is_name => Ok(lesson.overlay(set, &name)),
                _ => Err(Refused::unclear("a set, train or validation, and the number of a part in it are expected")),
            }
        })
    })
    .await
}

/// Begins a lesson.
#[utoipa::path(post, path = "/lessons", tag = "teach", security(("token" = []), ("session" = [])),
    request_body(content = String, content_type = "application/json",
        description = "`number` and `name` of the recipe, and how many good parts are wanted: `parts` to learn from, `validation` for the threshold"),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn begin(State(page): State<Arc<Page>>, caller: Caller, body: Bytes) -> Response {
    page.taught(caller, move |lessons| {
        let Begun { number, name, parts, validation } = asked(&body)?;
        Lesson::create(&lessons.config.lesson(number), Subject::new(number, name, parts, validation))?;
        Ok((number, "begun"))
    })
    .await
}

/// Chooses the window and the regions.
#[utoipa::path(post, path = "/lessons/{number}/regions", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    request_body(content = String, content_type = "application/json",
        description = "`window`, `[x, y, width, height]` or null; `of_interest` and `ignore`, lists of polygons; in pixels of the photograph"),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn regions(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>, body: Bytes) -> Response {
    page.taught(caller, move |lessons| {
        let Drawn { window, of_interest, ignore } = asked(&body)?;
        let mut lesson = lessons.open(number)?;
        let crop = |rectangle| Crop { rectangle: Some(rectangle), ..Crop::default() };
        lesson.subject.scene = window.map(|window| Scene { crop: crop(window), ..Scene::default() });
        let areas = |all: Vec<_>| all.into_iter().map(|corners| Area { polygon: Some(corners), mask: None }).collect();
        lesson.subject.regions = Regions { of_interest: areas(of_interest), ignore: areas(ignore) };
        lesson.write()?;
        Ok((number, "window and regions chosen"))
    })
    .await
}

/// Learns, finds the threshold and judges all parts, in a process beside the station.
#[utoipa::path(post, path = "/lessons/{number}/learn", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    request_body(content = String, content_type = "application/json", description = "`false_reject_rate` and `epochs`, both optional"),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson; /teach.json tells how far it is"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn learn(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>, body: Bytes) -> Response {
    page.taught(caller, move |lessons| {
        let Learnt { false_reject_rate, epochs } = asked(&body)?;
        let settings = Settings { false_reject_rate, epochs, ..Settings::default() };
        lessons.work(number, None, settings)?;
        Ok((number, "learns"))
    })
    .await
}

/// Ends the process that works on a lesson; it goes on from there when it is started again.
#[utoipa::path(post, path = "/lessons/{number}/cancel", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn cancel(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>) -> Response {
    page.taught(caller, move |lessons| {
        lessons.cancel();
        Ok((number, "cancelled"))
    })
    .await
}

/// Makes the engine a recipe of the station, after its check; /reload and /recipe bring it in force.
#[utoipa::path(post, path = "/lessons/{number}/activate", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson; /teach.json tells how far it is"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn activate(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>) -> Response {
    page.taught(caller, move |lessons| {
        lessons.work_for_station(number, Step::Activate)?;
        Ok((number, "is activated"))
    })
    .await
}

/// Begins or ends to collect parts from the belt.
#[utoipa::path(post, path = "/lessons/{number}/collect", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    request_body(content = String, content_type = "text/plain", description = "`on` or `off`"),
    responses(
        (status = 200, description = "done"),
        (status = "default", description = "refused, busy or not permitted; the text says why")))]
pub async fn collect(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>, body: String) -> Response {
    let action = on_or_off(&body).map(|on| Action::Collect(on.then_some(number)));
    act(page, &caller, Deed::Teach, action).await
}

impl Page {
    pub fn lessons(&self) -> Result<&Lessons, Refused> {
        self.station.lessons.as_ref().ok_or_else(|| {
            Refused::new(
                StatusCode::NOT_FOUND,
                "this station is taught nothing: give its configuration [teach] with a folder for lessons",
            )
        })
    }

    /// Does a step for whoever may teach, tells the audit what was done, and answers with the lesson.
    pub async fn taught(
        self: Arc<Self>,
        caller: Caller,
        step: impl FnOnce(&Lessons) -> Result<(u16, &'static str), Refused> + Send + 'static,
    ) -> Response {
        let by = match self.access.may(&caller, Deed::Teach) {
            Ok(by) => by,
            Err(refused) => return refused.answer(),
        };
        beside(move || {
            let shown = || {
                let lessons = self.lessons()?;
                let (number, what) = step(lessons)?;
                let after = format!("recipe {number}: {what}");
                self.station.scribe.record(Entry::done(by, What::Teach, String::new(), after));
                Ok(lessons.show(number)?)
            };
            json(shown())
        })
        .await
    }

    fn lesson_picture(&self, number: u16, path: impl FnOnce(&Lesson) -> Result<PathBuf, Refused>) -> Response {
        let read = || {
            let lesson = self.lessons()?.open(number)?;
            read_picture(&path(&lesson)?)
        };
        match read() {
            Ok(bytes) => found("image/png", bytes),
            Err(refused) => refused.answer(),
        }
    }
}

fn read_picture(path: &FilePath) -> Result<Vec<u8>, Refused> {
    let gone = |_| Refused::new(StatusCode::NOT_FOUND, "this picture is not made yet");
    if std::fs::metadata(path).map_err(gone)?.len() > PICTURE_BYTES_MAX {
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "this picture is larger than any that a lesson has"));
    }
    std::fs::read(path).map_err(gone)
}

/// What a request says as JSON; nothing is an object without fields.
pub fn asked<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refused::unclear(format!("the body is not what is expected: {error}")))
}
