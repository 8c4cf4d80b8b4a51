//! The charts over time.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;

use super::answer::{beside, found};
use super::asked::{Asked, one_of};
use super::page::Page;
use crate::trace::Span;

/// Rates of rejects, scores and times over time.
#[utoipa::path(get, path = "/charts.json", tag = "live",
    params(("span" = Option<String>, Query, description = "how far back: `hour`, which is the default, `day` or `week`")),
    responses(
        (status = 200, content_type = "application/json", description = "cells of a minute or of a quarter of an hour, with parts, rejects by kind, scores, thresholds and times; what drift is measured from"),
        (status = 404, description = "the station keeps no trace"),
        (status = "default", description = "the trace cannot be read now; the text says why")))]
pub async fn charts(State(page): State<Arc<Page>>, Query(asked): Asked) -> Response {
    beside(move || {
        let span = one_of(&asked, "span", &Span::WORDS);
        let told = span.and_then(|span| page.board.charts(&page.station, span.unwrap_or(Span::Hour)));
        told.map_or_else(|refused| refused.answer(), |json| found("application/json", json.to_string()))
    })
    .await
}
