//! A recipe is made better by its reviewed parts: a revision is made beside the station, looked at, and activated or
//! discarded.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::answer::{beside, json};
use super::client::Caller;
use super::page::Page;
use super::teach::asked;
use crate::teach::{How, Settings, Step};

/// What is to be made.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Revised {
    how: How,
    false_reject_rate: Option<f64>,
    of: Option<u16>,
    name: Option<String>,
}

/// The revision that waits for a person.
#[utoipa::path(get, path = "/lessons/{number}/revision", tag = "teach",
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "its revision.json, or null where there is none"),
        (status = "default", description = "refused; the text says why")))]
pub async fn revision(State(page): State<Arc<Page>>, Path(number): Path<u16>) -> Response {
    beside(move || json(page.lessons().and_then(|lessons| Ok(lessons.open(number)?.revision()?)))).await
}

/// Makes a revision of a recipe from its reviewed parts, and plays the recording with it, in a process beside the station.
#[utoipa::path(post, path = "/lessons/{number}/revise", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of the recipe that it becomes; a lesson is begun where there is none")),
    request_body(content = String, content_type = "application/json",
        description = "`how`, `recalibrate` or `refit`; `false_reject_rate`; `of`, the recipe whose parts were reviewed, 0 for that of [engine]; `name`, of a new recipe; all optional"),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson; /teach.json tells how far it is"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn revise(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>, body: Bytes) -> Response {
    page.taught(caller, move |lessons| {
        let Revised { how, false_reject_rate, of, name } = asked(&body)?;
        lessons.begin_to_revise(number, of.unwrap_or(number), name)?;
        let config = Some(lessons.configuration.clone());
        let settings = Settings { how, false_reject_rate, of, config, ..Settings::default() };
        lessons.work(number, Some(Step::Revise), settings)?;
        Ok((number, "is revised"))
    })
    .await
}

/// Makes the revision the recipe of the station, after its check; /reload and /recipe bring it in force.
#[utoipa::path(post, path = "/lessons/{number}/accept", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson; /teach.json tells how far it is"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn accept(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>) -> Response {
    page.taught(caller, move |lessons| {
        lessons.work_for_station(number, Step::Accept)?;
        Ok((number, "its revision is activated"))
    })
    .await
}

/// Removes the revision.
#[utoipa::path(post, path = "/lessons/{number}/discard", tag = "teach", security(("token" = []), ("session" = [])),
    params(("number" = u16, Path, description = "the number of its recipe")),
    responses(
        (status = 200, content_type = "application/json", description = "the lesson; /teach.json tells when it is done"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn discard(State(page): State<Arc<Page>>, caller: Caller, Path(number): Path<u16>) -> Response {
    page.taught(caller, move |lessons| {
        lessons.work_for_station(number, Step::Discard)?;
        Ok((number, "its revision is discarded"))
    })
    .await
}
