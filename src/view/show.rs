//! What anyone may look at.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::answer::{beside, found, text};
use super::page::Page;
use super::picture::Kind;
use crate::runtime::metrics::prometheus;

/// What the page shows.
#[utoipa::path(get, path = "/state.json", tag = "live", responses(
    (status = 200, content_type = "application/json", description = "station, thresholds, counts, times, faults, history of scores")))]
pub async fn state(State(page): State<Arc<Page>>) -> Response {
    beside(move || match page.state() {
        Ok(json) => found("application/json", json),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot write the state: {error}")),
    })
    .await
}

/// The last frame.
#[utoipa::path(get, path = "/frame.jpg", tag = "live", responses(
    (status = 200, content_type = "image/jpeg", description = "the photograph of the part that was inspected last"),
    (status = 503, description = "no part was inspected since the first request: ask again")))]
pub async fn frame(State(page): State<Arc<Page>>) -> Response {
    picture(page, Kind::Frame).await
}

/// The last frame with its anomaly map.
#[utoipa::path(get, path = "/overlay.jpg", tag = "live", responses(
    (status = 200, content_type = "image/jpeg", description = "the same photograph under its anomaly map, with what was found outlined"),
    (status = 503, description = "no part was inspected since the first request: ask again")))]
pub async fn overlay(State(page): State<Arc<Page>>) -> Response {
    picture(page, Kind::Overlay).await
}

/// The shape of the last frame.
#[utoipa::path(get, path = "/relief.jpg", tag = "live", responses(
    (status = 200, content_type = "image/jpeg", description = "the shape of the same part, as light from the upper left would fall on it"),
    (status = 503, description = "no part was inspected since the first request: ask again")))]
pub async fn relief(State(page): State<Arc<Page>>) -> Response {
    picture(page, Kind::Relief).await
}

async fn picture(page: Arc<Page>, kind: Kind) -> Response {
    beside(move || {
        page.station.latest.want();
        match page.encoder.jpeg(&page.station.latest, kind) {
            Some(jpeg) => found("image/jpeg", jpeg),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "no frame was inspected since the first request; ask again"),
        }
    })
    .await
}

/// All figures, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "monitors", responses(
    (status = 200, content_type = "text/plain", description = "all figures in Prometheus' text format 0.0.4")))]
pub async fn metrics(State(page): State<Arc<Page>>) -> Response {
    found(prometheus::CONTENT_TYPE, prometheus::render(&page.station.metrics))
}

/// Whether the station works.
#[utoipa::path(get, path = "/healthz", tag = "monitors", responses(
    (status = 200, description = "`ok`"),
    (status = 503, description = "the reason: an active fault, or no progress")))]
pub async fn health(State(page): State<Arc<Page>>) -> Response {
    match page.unhealthy() {
        None => text(StatusCode::OK, "ok"),
        Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}
