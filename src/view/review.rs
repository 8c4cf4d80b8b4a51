//! Recorded parts: their list, their pictures, and what a person says of them.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::answer::{Refused, beside, found, json, text};
use super::asked::{Asked, one_of, value};
use super::client::Caller;
use super::page::Page;
use crate::action::By;
use crate::audit::{Entry, What};
use crate::clock;
use crate::dataset::finding::{Finding, Opinion};
use crate::defects::Kind;
use crate::locked::locked;
use crate::people::Deed;
use crate::review::{Filter, Found, Gallery, PAGE_PARTS_MAX, Picture, Promise, ReviewError};
use crate::runtime::metrics::Gauge;
use crate::score::Verdict;

impl From<ReviewError> for Refused {
    fn from(error: ReviewError) -> Self {
        let status = match error {
            ReviewError::Name { .. } => StatusCode::BAD_REQUEST,
            ReviewError::NoPart { .. } | ReviewError::NoRecording { .. } | ReviewError::NoWindow { .. } => {
                StatusCode::NOT_FOUND
            }
            ReviewError::MaskBytes { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.to_string())
    }
}

/// A page of the recorded parts, the newest first.
#[utoipa::path(get, path = "/parts.json", tag = "review",
    params(
        ("verdict" = Option<String>, Query, description = "`pass`, `review` or `reject`"),
        ("kind" = Option<String>, Query, description = "the kind of the worst defect"),
        ("found" = Option<String>, Query, description = "what a person has said: `none`, `good`, `defect` or `unsure`"),
        ("recipe" = Option<u16>, Query, description = "the number of the recipe"),
        ("from_unix_ms" = Option<u64>, Query, description = "captured at this time or later, milliseconds since 1970"),
        ("to_unix_ms" = Option<u64>, Query, description = "captured before this time"),
        ("after" = Option<String>, Query, description = "the page begins after the part of this name"),
        ("count" = Option<usize>, Query, description = "parts of the page, at most 100")),
    responses(
        (status = 200, content_type = "application/json", description = "as `crosscheck review list --json` prints it"),
        (status = "default", description = "refused; the text says why")))]
pub async fn parts(State(page): State<Arc<Page>>, Query(asked): Asked) -> Response {
    beside(move || {
        let list = || {
            let filter = filter(&asked)?;
            let count = value(&asked, "count", "a number of parts")?.unwrap_or(PAGE_PARTS_MAX);
            page.gallery(|gallery| gallery.page(&filter, asked.get("after").map(String::as_str), count))
        };
        json(list())
    })
    .await
}

/// What was recorded of a part, and what a person has said of it.
#[utoipa::path(get, path = "/parts/{name}/record", tag = "review",
    params(("name" = String, Path, description = "the name of the part")),
    responses(
        (status = 200, content_type = "application/json", description = "`record`: its verdict/NAME.json; `finding`: its finding/NAME.json, or null"),
        (status = "default", description = "refused; the text says why")))]
pub async fn record(State(page): State<Arc<Page>>, Path(name): Path<String>) -> Response {
    beside(move || {
        let read = |gallery: &mut Gallery| {
            let part = gallery.part(&name)?;
            Ok(serde_json::json!({ "record": part.record()?, "finding": part.finding()? }))
        };
        json(page.gallery(read))
    })
    .await
}

/// A picture of a part.
#[utoipa::path(get, path = "/parts/{name}/{picture}", tag = "review",
    params(
        ("name" = String, Path, description = "the name of the part"),
        ("picture" = String, Path, description = "`photograph`, `thumbnail`, `overlay`, `relief`, `distance_rgb`, `distance_xyz` or `mask`")),
    responses(
        (status = 200, description = "a JPEG; of the mask a PNG"),
        (status = "default", description = "refused; the text says why")))]
pub async fn picture(State(page): State<Arc<Page>>, Path((name, picture)): Path<(String, String)>) -> Response {
    beside(move || {
        let Ok(kind) = Picture::from_str(&picture) else {
            return text(StatusCode::NOT_FOUND, &format!("a part has the pictures {}", Picture::WORDS.join(", ")));
        };
        // The part is found under the lock, and drawn without it.
        let drawn = page
            .gallery(|gallery| gallery.part(&name))
            .and_then(|part| Ok(page.encoder.draw(|| part.picture(kind))?));
        match drawn {
            Ok(picture) => kept(found(picture.media_type, picture.bytes), kind),
            Err(refused) => refused.answer(),
        }
    })
    .await
}

/// What is recorded does not change, but for the mask.
fn kept(mut answer: Response, kind: Picture) -> Response {
    if kind != Picture::Mask {
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    }
    answer
}

/// What a person says of a part.
#[utoipa::path(post, path = "/parts/{name}/finding", tag = "review", security(("token" = []), ("session" = [])),
    params(
        ("name" = String, Path, description = "the name of the part"),
        ("opinion" = String, Query, description = "`good`, `defect` or `unsure`"),
        ("kind" = Option<String>, Query, description = "of a defect: `colour`, `shape`, `mismatch`, `missing`, `excess` or `unknown`")),
    request_body(content = Vec<u8>, content_type = "image/png",
        description = "nothing, or the corrected mask: a PNG of the photograph's size in which what is not black is the defect"),
    responses(
        (status = 200, content_type = "application/json", description = "kept: finding/NAME.json"),
        (status = "default", description = "refused or not permitted; the text says why")))]
pub async fn say(
    State(page): State<Arc<Page>>,
    caller: Caller,
    Path(name): Path<String>,
    Query(asked): Asked,
    mask: Bytes,
) -> Response {
    let by = match page.access.may(&caller, Deed::Review) {
        Ok(by) => by,
        Err(refused) => return refused.answer(),
    };
    beside(move || json(keep(&page, &name, &asked, &by, &mask))).await
}

fn keep(page: &Page, name: &str, asked: &HashMap<String, String>, by: &By, mask: &[u8]) -> Result<Finding, Refused> {
    let opinion = one_of(asked, "opinion", &Opinion::WORDS)?;
    let opinion =
        opinion.ok_or_else(|| Refused::unclear(format!("opinion is one of {}", Opinion::WORDS.join(", "))))?;
    let now = clock::unix_ms(clock::monotonic_ns());
    let finding = Finding::new(opinion, one_of(asked, "kind", &Kind::WORDS)?, &by.who, now);
    let finding = finding.map_err(|error| Refused::unclear(error.to_string()))?;
    let part = page.gallery(|gallery| gallery.part(name))?;
    let before = part.finding()?;
    part.say(&finding, (!mask.is_empty()).then_some(mask))?;
    let tell = |finding: &Finding| {
        let kind = finding.kind.map(|kind| format!(" ({})", kind.name())).unwrap_or_default();
        format!("{name}: {}{kind}", finding.opinion.name())
    };
    let before = before.as_ref().map(tell).unwrap_or_default();
    page.station.scribe.record(Entry::done(by.clone(), What::Review, before, tell(&finding)));
    Ok(finding)
}

/// What the findings tell.
#[utoipa::path(get, path = "/review.json", tag = "review", responses(
    (status = 200, content_type = "application/json",
        description = "as `crosscheck review summary --json` prints it, and `threshold`, the one in force"),
    (status = "default", description = "refused; the text says why")))]
pub async fn summary(State(page): State<Arc<Page>>) -> Response {
    beside(move || {
        let metrics = &page.station.metrics;
        let promised = Some(metrics.gauge(Gauge::PromisedRate)).filter(|rate| rate.is_finite());
        let promise = metrics.has_judge().then(|| Promise::new(promised, &metrics.engine()));
        let summary = page.gallery(|gallery| gallery.summary(promise.as_ref()));
        let threshold = metrics.gauge(Gauge::Threshold);
        json(summary.and_then(|summary| {
            let mut summary = serde_json::to_value(summary).map_err(|error| Refused::unclear(error.to_string()))?;
            summary["threshold"] = threshold.into();
            Ok(summary)
        }))
    })
    .await
}

fn no_recording() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "this station records no parts: [record] of its configuration tells it to")
}

impl Page {
    /// Looks into the recording. It begins with the first part that is recorded.
    fn gallery<T>(&self, look: impl FnOnce(&mut Gallery) -> Result<T, ReviewError>) -> Result<T, Refused> {
        let folder = self.station.recording.as_deref().ok_or_else(no_recording)?;
        // After a panic in here at most the list is renewed.
        let mut gallery = locked(&self.gallery);
        let gallery = match &mut *gallery {
            Some(gallery) => gallery,
            none => none.insert(Gallery::open(folder)?),
        };
        Ok(look(gallery)?)
    }
}

fn filter(asked: &HashMap<String, String>) -> Result<Filter, Refused> {
    Ok(Filter {
        verdict: one_of(asked, "verdict", &Verdict::WORDS)?,
        kind: one_of(asked, "kind", &Kind::WORDS)?,
        found: one_of(asked, "found", &Found::WORDS)?,
        recipe: value(asked, "recipe", "the number of a recipe")?,
        from_unix_ms: value(asked, "from_unix_ms", "milliseconds since 1970")?,
        to_unix_ms: value(asked, "to_unix_ms", "milliseconds since 1970")?,
    })
}
